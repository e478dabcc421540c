"""Households and toilets: read by all in their division, entered from the village up to the county."""

from functools import partial

from httpx import Response

from tests.registry import made
from tests.scope.furnish import NAME
from tests.scope.probe import ADMIN, ENTERING, OUT_OF_SCOPE, RUNNING, Call, Kind, Probe

REASON = {"reason": "重复登记"}
ABROAD = "360424100002"
"""A village that nobody who enters data has."""


def _has_items(_: Call, answer: Response) -> bool:
    return bool(answer.json()["items"])


_HOUSEHOLD = partial(Probe, kind=Kind.RECORD, record="household")
_TOILET = partial(Probe, kind=Kind.RECORD, record="toilet")

PROBES = [
    Probe("list_households", Kind.LIST, rows="household", everything={"removed": "any"}),
    Probe(
        "search_households",
        Kind.LIST,
        rows="household",
        json=lambda _: {"name": NAME, "removed": "any"},
        filter_in_body=True,
    ),
    Probe(
        "create_household",
        Kind.RECORD,
        roles=ENTERING,
        outside=OUT_OF_SCOPE,
        json=lambda call: made.body(division_code=call.place),
        ok="201",
    ),
    _HOUSEHOLD("get_household"),
    _HOUSEHOLD("update_household", roles=ENTERING, json=lambda _: {"family_size": 5}),
    _HOUSEHOLD(
        "update_household",
        case="to another county",
        roles=ENTERING,
        json=lambda _: {"division_code": ABROAD},
        # The new village is looked at first, so that the answer doesn't tell of the household.
        outside=OUT_OF_SCOPE,
        ok=OUT_OF_SCOPE,
    ),
    _HOUSEHOLD("remove_household", roles=RUNNING, json=lambda _: REASON),
    _HOUSEHOLD("restore_household", roles=ADMIN, record="removed household", json=lambda _: REASON),
    _HOUSEHOLD("reveal_household", roles=ADMIN, json=lambda _: {"purpose": "电话核实"}),
    _HOUSEHOLD("list_household_history", check=_has_items),
    _HOUSEHOLD("list_household_history", case="removed", record="removed household", check=_has_items),
    _HOUSEHOLD("list_household_toilets", check=_has_items),
    Probe(
        "list_toilets",
        Kind.LIST,
        rows="toilet",
        related=(("household_id", "household"),),
        everything={"removed": "any"},
    ),
    _HOUSEHOLD(
        "create_toilet",
        roles=ENTERING,
        json=lambda call: {"household_id": call.record.id, **made.TOILET},
        ok="201",
    ),
    _TOILET("get_toilet"),
    _TOILET("update_toilet", roles=ENTERING, json=lambda _: {"built_year": 2023}),
    _TOILET("remove_toilet", roles=RUNNING, json=lambda _: REASON),
    _TOILET("restore_toilet", roles=ADMIN, record="removed toilet", json=lambda _: REASON),
    _TOILET("list_toilet_history", check=_has_items),
]
