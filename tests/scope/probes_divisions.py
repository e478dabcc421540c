"""The tree is public to who is logged in; a county's administrator changes it below his county."""

from functools import partial

from tests.scope.places import CITIES, COUNTIES, EMPTY, TOWNSHIPS, VILLAGES
from tests.scope.probe import ADMIN, OUT_OF_SCOPE, Call, Kind, Probe

REASON = "撤并"
ABROAD = "360424100003"
"""A village, and `ABROAD[:9]` a township, of another county."""

_READ = partial(Probe, kind=Kind.SHARED, at=(*VILLAGES, *COUNTIES))
# That a division exists is no secret, so what lies outside is said to.
_CHANGE = partial(Probe, kind=Kind.RECORD, roles=ADMIN, at=VILLAGES, outside=OUT_OF_SCOPE)


def _neighbour(call: Call) -> str:
    return next((one for one in EMPTY if one.startswith(call.place[:9])), ABROAD)


PROBES = [
    _READ("list_divisions", query=lambda call: {"under": call.place, "limit": "5"}),
    _READ("get_division"),
    _READ("list_division_children", query=lambda _: {"limit": "5"}),
    _READ("list_division_ancestors"),
    _READ("list_division_history"),
    _CHANGE(
        "create_division",
        at=(*TOWNSHIPS, *COUNTIES, *CITIES),
        json=lambda call: {"parent_code": call.place, "name": "新设区划"},
        ok="201",
    ),
    _CHANGE("rename_division", at=(*VILLAGES, *TOWNSHIPS, *COUNTIES, *CITIES), json=lambda _: {"name": "新名"}),
    _CHANGE("merge_division", json=lambda call: {"into": _neighbour(call), "reason": REASON}),
    _CHANGE(
        "merge_division", case="into another county", json=lambda _: {"into": ABROAD, "reason": REASON}, ok=OUT_OF_SCOPE
    ),
    _CHANGE(
        "merge_division",
        case="the county itself",
        at=COUNTIES,
        json=lambda _: {"into": "360424", "reason": REASON},
        ok=OUT_OF_SCOPE,
    ),
    _CHANGE("split_division", json=lambda _: {"into": [{"name": "新分村"}], "reason": REASON}),
    _CHANGE("move_division", json=lambda _: {"new_parent": "360423500", "reason": REASON}),
    _CHANGE(
        "move_division",
        case="to another county",
        json=lambda _: {"new_parent": ABROAD[:9], "reason": REASON},
        ok=OUT_OF_SCOPE,
    ),
    _CHANGE("close_division", at=EMPTY, json=lambda _: {"reason": REASON}),
    # Authorised, but records stand there.
    _CHANGE("close_division", case="not empty", json=lambda _: {"reason": REASON}, ok="409 division_not_empty"),
]
