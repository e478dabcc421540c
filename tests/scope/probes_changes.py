"""The change feed: everyone's own division, type by type, and nothing of elsewhere."""

from httpx import Response

from tests.scope.places import ANYWHERE
from tests.scope.probe import Call, Kind, Probe

FROM_BELOW = {"campaign", "problem_type", "checklist", "import_synonym"}
ACCOUNTS = {"county_admin", "township_manager", "province_inspector", "city_inspector", "auditor"}
SAMPLES = {"county_admin", "county_reviewer", "province_inspector", "city_inspector", "auditor"}


def _lies_in(code: str, place: str, kind: str) -> bool:
    return code.startswith(place) or (kind in FROM_BELOW and place.startswith(code))


def _is_of_home(call: Call, answer: Response) -> bool:
    """All changes lie within the caller's division, and are of types that he may read."""
    items = answer.json()["items"]
    inside = all(_lies_in(one["division_code"], call.home, one["type"]) for one in items)
    barred = ({"principal"} if call.role not in ACCOUNTS else set()) | (
        {"sample", "falsification"} if call.role not in SAMPLES else set()
    )
    shown = all(one["record"] is None or one["record"].get("id", one["id"]) == one["id"] for one in items)
    return bool(items) and inside and shown and not barred & {one["type"] for one in items}


def _is_of_place(call: Call, answer: Response) -> bool:
    items = answer.json()["items"]
    return all(_lies_in(one["division_code"], call.place, one["type"]) for one in items)


def _is_empty(_: str, answer: Response) -> bool:
    return not answer.json()["items"]


PROBES = [
    Probe("get_changes", Kind.SELF, query=lambda _: {"limit": "1000"}, check=_is_of_home),
    Probe(
        "get_changes",
        Kind.RECORD,
        case="of a division",
        at=ANYWHERE,
        from_below=True,  # of a division above the caller means his own part
        query=lambda call: {"division": call.place, "limit": "1000"},
        check=_is_of_place,
        shows_nothing=_is_empty,
    ),
]
