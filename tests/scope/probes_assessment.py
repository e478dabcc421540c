"""Ranking: drafts for their own level and above, what is published for all below; call-ins for who is called in."""

from functools import partial

from httpx import Response

from tests.scope.furnish_assessment import CALLED, HOLDERS, WHEN, assessment_body, formula_body, place_query
from tests.scope.probe import OUT_OF_SCOPE, Call, Kind, Probe

REASON = {"reason": "测试"}
RANKING = frozenset({"province_inspector", "city_inspector", "county_admin"})
_BY_ITSELF = {
    2: frozenset({"province_inspector"}),
    4: frozenset({"city_inspector"}),
    6: frozenset({"county_admin"}),
}
_BY_CALLER = {6: frozenset({"city_inspector"}), 9: frozenset({"county_admin"})}
WEIGHTS = {
    **dict.fromkeys(
        ("reports_on_time", "deadlines_met", "first_pass", "review", "falsification", "satisfaction", "upkeep"), 0
    ),
    "completeness": 40,
    "close_out": 60,
}


def _lies_there(call: Call, answer: Response) -> bool:
    return bool(answer.json()["division_code"] == call.place)


_READ = partial(Probe, kind=Kind.RECORD, at=HOLDERS, check=_lies_there)
_MANAGED = partial(
    Probe,
    kind=Kind.RECORD,
    roles=RANKING,
    at=HOLDERS,
    able=_BY_ITSELF,
    barred="403 not_own_level",
    check=_lies_there,
)
_CALLING = partial(
    Probe,
    kind=Kind.RECORD,
    roles=RANKING,
    at=CALLED,
    able=_BY_CALLER,
    barred="403 not_own_level",
    record="planned call-in",
    check=_lies_there,
)

PROBES = [
    Probe(
        "list_assessment_formulas",
        Kind.LIST,
        at=HOLDERS,
        rows="published formula",
        everything={"state": "published"},
        from_below=True,
    ),
    Probe("get_default_assessment_formula", Kind.SHARED, at=("36",)),
    _MANAGED(
        "create_assessment_formula",
        outside=OUT_OF_SCOPE,
        json=lambda call: formula_body(call.furniture, call.place),
        ok="201",
    ),
    _READ("get_assessment_formula", record="draft formula"),
    _READ("get_assessment_formula", case="published", record="published formula", from_below=True),
    _MANAGED("update_assessment_formula", record="draft formula", json=lambda _: {"name": "改名"}),
    _MANAGED("publish_assessment_formula", record="draft formula"),
    _MANAGED("withdraw_assessment_formula", record="draft formula", json=lambda _: REASON),
    Probe(
        "list_assessments",
        Kind.LIST,
        at=HOLDERS,
        rows="published assessment",
        everything={"state": "published"},
        from_below=True,
    ),
    _MANAGED(
        "create_assessment",
        outside=OUT_OF_SCOPE,
        json=lambda call: assessment_body(call.furniture, call.place),
        ok="201",
    ),
    _READ("get_assessment_preview", query=lambda call: place_query(call.furniture, call.place)),
    Probe(
        "list_assessment_records",
        Kind.LIST,
        rows="live problem",
        everything={"part": "close_out"},
    ),
    _READ(
        "simulate_assessment",
        json=lambda call: {**place_query(call.furniture, call.place, "division_code"), "weights": WEIGHTS},
        check=None,
    ),
    _READ(
        "simulate_assessment",
        case="frozen",
        record="published assessment",
        from_below=True,
        json=lambda call: {"assessment_id": call.record.id, "weights": WEIGHTS},
        check=lambda call, answer: answer.json()["assessment_id"] == call.record.id,
    ),
    _READ("get_assessment", record="draft assessment"),
    _READ("get_assessment", case="published", record="published assessment", from_below=True),
    _READ(
        "list_kept_assessment_records",
        record="published assessment",
        from_below=True,
        check=lambda call, answer: all(one["division_code"].startswith(call.place) for one in answer.json()["items"]),
    ),
    _MANAGED("publish_assessment", record="draft assessment"),
    _MANAGED("withdraw_assessment", record="draft assessment", json=lambda _: REASON),
    _READ("list_assessment_history", record="published assessment", check=None),
    Probe("list_call_ins", Kind.LIST, at=CALLED, rows="call_in"),
    _CALLING(
        "create_call_in",
        record="",
        able={6: frozenset({"city_inspector", "province_inspector"}), 9: frozenset({"county_admin"})},
        barred="422 not_below_caller",
        outside=OUT_OF_SCOPE,
        json=lambda call: {
            "division_code": call.place,
            "planned_at": WHEN.isoformat(),
            "called": "负责人",
            "reasons": [{"text": "滞后"}],
        },
        ok="201",
    ),
    Probe("get_call_in", Kind.RECORD, at=CALLED, record="planned call-in", check=_lies_there),
    _CALLING("update_call_in", json=lambda _: {"place": "三楼"}),
    _CALLING(
        "hold_call_in",
        json=lambda _: {
            "held_at": "2026-01-05T09:00:00+08:00",
            "attendance": [{"name": "负责人", "post": "乡长", "present": True}],
            "minutes": "纪要",
            "demands": [{"text": "销号", "due_on": "2026-12-31"}],
        },
    ),
    _CALLING(
        "follow_up_call_in",
        record="held call-in",
        json=lambda _: {"outcome": "met", "result": "已落实", "demands": [{"met": True}]},
    ),
    _CALLING("cancel_call_in", json=lambda _: REASON),
]
