"""Health, code lists, tokens: open to everyone. One's own account, the table of roles: open to who is logged in."""

from httpx import Response

from tests.scope.places import HOMES
from tests.scope.probe import Call, Kind, Probe
from tests.world import PASSWORD

PEOPLE = frozenset(HOMES) - {"province_client"}


def _is_oneself(call: Call, answer: Response) -> bool:
    return answer.json()["id"] == call.furniture.people[call.role]  # type: ignore[no-any-return]


PROBES = [
    *(
        Probe(operation, Kind.OPEN)
        for operation in (
            "list_code_lists",
            "list_error_catalogue",
            "get_jwks",
            "get_well_known_jwks",
            "get_health",
            "get_readiness",
        )
    ),
    Probe("get_error_type", Kind.OPEN, path={"code": "not_found"}),
    Probe(
        "create_token",
        Kind.OPEN,
        form=lambda _: {"grant_type": "password", "username": "auditor", "password": PASSWORD},
    ),
    Probe("revoke_token", Kind.OPEN, form=lambda _: {"token": "tr_unknown"}),
    Probe("get_me", Kind.SELF, check=_is_oneself),
    Probe(
        "change_password",
        Kind.SELF,
        roles=PEOPLE,  # a system has a secret, which its manager rotates
        json=lambda _: {"current_password": PASSWORD, "new_password": "Lushan-2026-qiu"},
        ok="204",
    ),
    Probe("list_roles", Kind.SHARED, at=("36",)),
]
