"""Offline work: by who enters data, in his own villages. What was not applied is decided by who leads the place."""

from functools import partial
from typing import Any

from httpx import Response

from tests.exchange.sync.phone import item
from tests.scope.places import VILLAGES
from tests.scope.probe import ENTERING, NOT_FOUND, RUNNING, Call, Kind, Probe
from toilet_api.kernel.fields import new_id, now


def _batch(call: Call) -> dict[str, Any]:
    """A change of the household that is named; it says nothing new, and needs no version that is known."""
    change = item("household", "update", call.record.id or str(new_id()), {"note": "改"}, base=1)
    return {"device_id": str(new_id()), "device_time": now().isoformat(), "items": [change]}


def _only_inside(call: Call, answer: Response) -> bool:
    """The batch is answered; a record of elsewhere reads as one that isn't there."""
    (result,) = answer.json()["results"]
    place = call.furniture.rows["household"].get(call.record.id, "")
    if place and place.startswith(call.home):
        return result["state"] in ("applied", "merged", "conflict")
    told = (result["version"], result["server"], result["problem"]["code"])
    return told == (None, None, "not_found")


def _is_of_the_village(call: Call, answer: Response) -> bool:
    found = answer.json()
    names = ("households", "toilets", "visits", "problems", "tasks")
    codes = {one["division_code"] for name in names for one in found[name]}
    return found["households"] != [] and codes == {call.place}


def _nothing_done(place: str, answer: Response) -> bool:
    """Without the narrowing a batch is still answered item by item, and the policies leave nothing to change."""
    (result,) = answer.json()["results"]
    return (result["state"], result["version"], result["server"]) == ("rejected", None, None)


def _nothing_pulled(place: str, answer: Response) -> bool:
    """Without the narrowing the policies leave the caller's own records, whatever village he names."""
    found = answer.json()
    names = ("households", "toilets", "visits", "problems", "tasks")
    return place not in {one["division_code"] for name in names for one in found[name]}


_CONFLICT = partial(Probe, kind=Kind.RECORD, roles=RUNNING, at=VILLAGES, record="sync conflict", outside=NOT_FOUND)

PROBES = [
    Probe(
        "sync_changes",
        Kind.RECORD,
        roles=ENTERING,
        at=VILLAGES,
        record="household",
        json=_batch,
        outside="200",
        check=_only_inside,
        shows_nothing=_nothing_done,
    ),
    Probe(
        "pull_village",
        Kind.RECORD,
        roles=ENTERING,
        at=VILLAGES,
        query=lambda call: {"division": call.place},
        outside=NOT_FOUND,
        check=_is_of_the_village,
        shows_nothing=_nothing_pulled,
    ),
    Probe("list_sync_conflicts", Kind.LIST, roles=RUNNING, at=VILLAGES, rows="sync conflict"),
    _CONFLICT("get_sync_conflict"),
    _CONFLICT("resolve_sync_conflict", json=lambda _: {"decision": "keep_server", "note": "测试"}),
]
