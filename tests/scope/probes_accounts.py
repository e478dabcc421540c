"""Accounts of people and systems: read where one administers, managed by the level above, never beyond one's rights."""

from dataclasses import replace

from httpx import Response

from tests.scope.furnish import ROLE_AT
from tests.scope.places import ANYWHERE, CITIES, COUNTIES, PROVINCES, VILLAGES
from tests.scope.probe import ADMIN, OUT_OF_SCOPE, RUNNING, Call, Kind, Levels, Probe, inside

INSPECTING = frozenset({"province_inspector", "city_inspector"})
MANAGING = INSPECTING | RUNNING
READING = MANAGING | {"auditor"}
NOT_MANAGED = "403 role_not_managed"
SYSTEM_PLACES = (*COUNTIES, *CITIES, *PROVINCES)

# Whose accounts stand there: see furnish.ROLE_AT. Nobody manages his own level.
MANAGE_USER: Levels = {
    12: RUNNING,
    9: ADMIN,
    6: INSPECTING,
    4: frozenset({"province_inspector"}),
    2: frozenset(),
}
TRAIN_USER: Levels = {**dict.fromkeys((2, 4, 6), frozenset()), 9: ADMIN, 12: RUNNING}
MANAGE_CLIENT: Levels = {
    6: INSPECTING | ADMIN,
    4: INSPECTING,
    2: frozenset({"province_inspector"}),
}
REASON = {"reason": "岗位调整"}
COURSE = {"held_on": "2026-05-18", "course": "摸排培训", "trainer": "县卫健委", "hours": "4"}


def _has_items(_: Call, answer: Response) -> bool:
    return bool(answer.json()["items"])


def _user_step(operation: str, record: str, **more: object) -> Probe:
    options = {"roles": MANAGING, "able": MANAGE_USER, "json": lambda _: REASON, **more}
    return Probe(operation, Kind.RECORD, at=ANYWHERE, record=record, barred=NOT_MANAGED, **options)  # type: ignore[arg-type]


def _client_step(operation: str, record: str, **more: object) -> Probe:
    options = {"able": MANAGE_CLIENT, "json": lambda _: REASON, **more}
    return Probe(
        operation,
        Kind.RECORD,
        roles=MANAGING,
        at=SYSTEM_PLACES,
        record=record,
        barred=NOT_MANAGED,
        **options,  # type: ignore[arg-type]
    )


def _grant(call: Call) -> dict[str, str]:
    return {"role": ROLE_AT[len(call.place)], "division_code": call.place}


def _grant_inside(call: Call) -> dict[str, str]:
    """What the caller may give, so that only the account can be out of scope."""
    return _grant(replace(call, place=call.place if inside(call.role, call.place) else VILLAGES[0]))


def _client_grant_inside(call: Call) -> dict[str, str]:
    place = call.place if inside(call.role, call.place) else COUNTIES[0]
    return {"role": "integration_client", "division_code": place}


# The division of the body is looked at first, so that the answer doesn't tell of the account.
_REFUSED = {"able": None, "outside": OUT_OF_SCOPE, "ok": OUT_OF_SCOPE}
_ABROAD = {"role": "village_surveyor", "division_code": "110101001001"}
_CLIENT_ABROAD = {"role": "integration_client", "division_code": "110101"}


PROBES = [
    Probe("list_users", Kind.LIST, roles=READING, at=ANYWHERE, rows="user"),
    Probe("get_user", Kind.RECORD, roles=READING, at=ANYWHERE, record="active user"),
    Probe("list_user_trainings", Kind.RECORD, roles=READING, at=ANYWHERE, record="active user", check=_has_items),
    Probe(
        "create_user",
        Kind.RECORD,
        roles=MANAGING,
        at=ANYWHERE,
        able=MANAGE_USER,
        barred=NOT_MANAGED,
        outside=OUT_OF_SCOPE,
        json=lambda call: {"username": "newcomer", "display_name": "新人", "grants": [_grant(call)]},
        ok="201",
    ),
    _user_step("update_user", "active user", json=lambda _: {"display_name": "改名"}),
    Probe(
        "update_user",
        Kind.RECORD,
        case="to another province",
        roles=MANAGING,
        at=ANYWHERE,
        record="active user",
        json=lambda _: {"division_code": "110101"},
        **_REFUSED,  # type: ignore[arg-type]
    ),
    _user_step("create_user_grant", "idle user", json=_grant_inside, ok="201"),
    _user_step("create_user_grant", "idle user", case="elsewhere", json=lambda _: _ABROAD, **_REFUSED),
    _user_step("remove_user_grant", "grant of active user"),
    _user_step("lock_user", "active user"),
    _user_step("unlock_user", "locked user"),
    _user_step("remove_user", "active user"),
    _user_step("restore_user", "removed user"),
    _user_step("reset_user_password", "active user", json=None),
    _user_step("create_user_training", "active user", roles=RUNNING, able=TRAIN_USER, json=lambda _: COURSE, ok="201"),
    _user_step("revoke_user_training", "training", roles=RUNNING, able=TRAIN_USER),
    Probe("list_clients", Kind.LIST, roles=READING, at=SYSTEM_PLACES, rows="client"),
    Probe("get_client", Kind.RECORD, roles=READING, at=SYSTEM_PLACES, record="active client"),
    Probe(
        "create_client",
        Kind.RECORD,
        roles=MANAGING,
        at=SYSTEM_PLACES,
        able=MANAGE_CLIENT,
        outside=OUT_OF_SCOPE,
        json=lambda call: {"client_id": "new_platform", "display_name": "平台", "division_code": call.place},
        ok="201",
    ),
    _client_step("update_client", "active client", json=lambda _: {"display_name": "改名"}),
    _client_step(
        "create_client_grant",
        "idle client",
        json=_client_grant_inside,
        ok="201",
        instead={"township_manager": OUT_OF_SCOPE},  # no place at which a system is granted lies in a township
    ),
    _client_step("create_client_grant", "idle client", case="elsewhere", json=lambda _: _CLIENT_ABROAD, **_REFUSED),
    _client_step("remove_client_grant", "grant of active client"),
    _client_step("rotate_client_secret", "active client", json=None),
    _client_step("lock_client", "active client"),
    _client_step("unlock_client", "locked client"),
    _client_step("remove_client", "active client"),
    _client_step("restore_client", "removed client"),
]
