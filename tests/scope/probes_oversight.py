"""Reviews and spot checks, falsification, the summary of a campaign."""

from functools import partial

from httpx import Response

from tests.scope.furnish_rectification import sample
from tests.scope.places import CITIES, COUNTIES, PROVINCES
from tests.scope.probe import OUT_OF_SCOPE, Call, Kind, Probe

REASON = {"reason": "测试"}
HOLDING = frozenset({"province_inspector", "city_inspector", "county_admin", "county_reviewer"})
LOOKING = HOLDING | {"auditor"}
HOLDERS = (*COUNTIES, *CITIES, *PROVINCES)


def _has_items(_: Call, answer: Response) -> bool:
    return bool(answer.json()["items"])


def _counts_the_own_part(call: Call, answer: Response) -> bool:
    """The figures are those of the caller's own part of the county."""
    rows = call.furniture.rows["problem"].values()
    mine = [code for code in rows if code.startswith(call.home) and code.startswith(call.place)]
    return bool(answer.json()["ledger"]["found"] == len(mine))


_SAMPLE = partial(Probe, kind=Kind.RECORD, roles=LOOKING, at=HOLDERS, record="drawn sample")
_FALSE = partial(Probe, kind=Kind.RECORD, roles=LOOKING, record="falsification")

PROBES = [
    Probe("list_samples", Kind.LIST, roles=LOOKING, at=HOLDERS, rows="sample"),
    Probe(
        "create_sample",
        Kind.RECORD,
        roles=HOLDING,
        at=HOLDERS,
        outside=OUT_OF_SCOPE,
        # It is held by one's own level: those below would see it.
        able={
            2: frozenset({"province_inspector"}),
            4: frozenset({"city_inspector"}),
            6: frozenset({"county_admin", "county_reviewer"}),
        },
        barred="422 invalid",
        json=lambda call: sample(call.place),
        ok="201",
    ),
    _SAMPLE("get_sample"),
    _SAMPLE("update_sample", roles=HOLDING, record="planned sample", json=lambda _: {"name": "改名"}),
    _SAMPLE("draw_sample", roles=HOLDING, record="planned sample"),
    _SAMPLE("list_sample_units", check=_has_items),
    _SAMPLE(
        "check_sample_unit",
        roles=HOLDING,
        record="unit",
        json=lambda _: {"result": "not_checkable", "note": "农户外出"},
    ),
    # Authorised, but its units are not all checked.
    _SAMPLE("complete_sample", roles=HOLDING, ok="409 units_unchecked"),
    _SAMPLE("cancel_sample", roles=HOLDING, json=lambda _: REASON),
    _SAMPLE("get_sample_estimate", check=lambda _, answer: answer.json()["checked"] == 0),
    _SAMPLE("get_sample_redraw", check=lambda _, answer: answer.json()["same"] is True),
    _SAMPLE("list_sample_history", check=_has_items),
    Probe("list_falsifications", Kind.LIST, roles=LOOKING, rows="falsification"),
    _FALSE("get_falsification"),
    _FALSE("withdraw_falsification", roles=HOLDING, json=lambda _: REASON),
    Probe(
        "get_campaign_summary",
        Kind.RECORD,
        at=COUNTIES,
        record="open campaign",
        from_below=True,
        check=_counts_the_own_part,
    ),
]
