"""Plans, tasks, postponements, checklists, acceptances, close-outs."""

from functools import partial
from typing import Any

from httpx import Response

from tests.rectification.made import PLAN_TEXTS, item
from tests.scope.furnish_rectification import checklist
from tests.scope.places import COUNTIES, TOWNSHIPS, VILLAGES
from tests.scope.probe import ADMIN, ENTERING, FORBIDDEN, OUT_OF_SCOPE, RUNNING, Call, Kind, Probe

REASON = {"reason": "测试"}
APPROVING = frozenset({"county_admin", "county_reviewer"})
ACCEPTING = frozenset({"county_admin", "county_reviewer", "township_manager"})
VETO_ITEM: dict[str, Any] = {
    "code": "household_satisfied",
    "zh": "农户满意",
    "en": "The household is satisfied",
    "kind": "check",
    "source": "本县规定",
}


def _has_items(_: Call, answer: Response) -> bool:
    return bool(answer.json()["items"])


def _is_a_page(_: Call, answer: Response) -> bool:
    return answer.headers["content-type"].startswith("text/html") and "户厕问题整改" in answer.text


def _free_item(call: Call) -> Any:
    return {"items": [item({"id": call.furniture.at("unplanned problem", call.place).id})]}


def _drafted(call: Call) -> Any:
    return {"problem_ids": [call.furniture.at("draft plan", call.place).of]}


def _panel(call: Call) -> list[dict[str, str]]:
    """A reviewer and the township's manager, who had no hand in the work."""
    township = call.furniture.at("active user", call.place[:9]).id
    return [{"user_id": call.furniture.people["checker"]}, {"user_id": township}]


def _acceptance_of(call: Call) -> Any:
    return {"level": "township", "problem_ids": [call.record.id], "panel": _panel(call)}


def _no_shares(place: str, answer: Response) -> bool:
    """Nothing is counted in that place."""
    return not any(one["submitted"] for one in answer.json()["items"] if one["division_code"].startswith(place))


def _unsigned(call: Call) -> Any:
    problem = call.furniture.at("accepted problem", call.place)
    return {"division_code": call.place, "items": [{"problem_id": problem.id}]}


_PLAN = partial(Probe, kind=Kind.RECORD, at=TOWNSHIPS, record="draft plan")
_TASK = partial(Probe, kind=Kind.RECORD, record="task")
_POSTPONEMENT = partial(Probe, kind=Kind.RECORD, record="postponement")
_CHECKLIST = partial(Probe, kind=Kind.RECORD, at=COUNTIES, record="checklist")
_ACCEPTANCE = partial(Probe, kind=Kind.RECORD, record="acceptance")
_BY = (("problem_id", "problem"), ("campaign_id", "open campaign"))

PROBES = [
    Probe("list_plans", Kind.LIST, at=TOWNSHIPS, rows="plan", related=(("campaign_id", "open campaign"),)),
    Probe(
        "create_plan",
        Kind.RECORD,
        roles=RUNNING,
        at=TOWNSHIPS,
        outside=OUT_OF_SCOPE,
        json=lambda call: {"division_code": call.place, **PLAN_TEXTS},
        # Authorised, but each township has a plan already.
        ok="409 plan_exists",
    ),
    _PLAN("get_plan"),
    _PLAN("update_plan", roles=RUNNING, json=lambda _: {"workforce": "专班 3 人"}),
    _PLAN("list_plan_items", check=_has_items),
    _PLAN("put_plan_items", roles=RUNNING, json=_free_item),
    _PLAN("remove_plan_items", roles=RUNNING, json=_drafted),
    _PLAN("fill_plan_items", roles=RUNNING, json=lambda _: {"measures": [{"measure": "整改"}]}),
    _PLAN("submit_plan", roles=RUNNING),
    _PLAN("withdraw_plan", roles=RUNNING, json=lambda _: REASON),
    _PLAN("return_plan", roles=APPROVING, record="submitted plan", json=lambda _: REASON),
    _PLAN("approve_plan", roles=APPROVING, record="submitted plan", json=lambda _: {"filing_number": "1号"}),
    _PLAN("revise_plan", roles=RUNNING, record="approved plan", ok="201"),
    _PLAN("supplement_plan", roles=RUNNING, record="approved plan", ok="201"),
    _PLAN("print_plan", check=_is_a_page),
    _PLAN("list_plan_history", check=_has_items),
    Probe("list_tasks", Kind.LIST, at=(*VILLAGES, *TOWNSHIPS), rows="task", related=_BY),
    _TASK(
        "rectify_problem_at_once",
        roles=ENTERING,
        record="open problem",
        json=lambda _: {"measure": "装上照明"},
        ok="201",
    ),
    _TASK("get_task"),
    _TASK("update_task", roles=RUNNING, json=lambda _: {"contractor": "乙公司"}),
    _TASK("start_task", roles=ENTERING, at=TOWNSHIPS, record="pending task"),
    _TASK("submit_task", roles=ENTERING),
    _TASK("recall_task", roles=ENTERING, record="submitted task"),
    _TASK("list_task_notes", check=_has_items),
    _TASK("create_task_note", roles=ENTERING, json=lambda _: {"text": "进场"}, ok="201"),
    _TASK("list_task_history", check=_has_items),
    Probe("list_postponements", Kind.LIST, rows="postponement", related=(("task_id", "task"), *_BY)),
    _TASK(
        "request_postponement",
        roles=RUNNING,
        at=TOWNSHIPS,
        record="pending task",
        json=lambda _: {"to_due": "2099-06-30", **REASON},
        ok="201",
    ),
    _POSTPONEMENT("get_postponement"),
    _POSTPONEMENT("grant_postponement", roles=APPROVING),
    _POSTPONEMENT("refuse_postponement", roles=APPROVING, json=lambda _: REASON),
    _POSTPONEMENT("withdraw_postponement", roles=RUNNING, ok="403 not_requester"),
    Probe(
        "list_checklists",
        Kind.LIST,
        at=COUNTIES,
        rows="checklist",
        from_below=True,
        everything={"retired": "true"},
    ),
    Probe(
        "create_checklist",
        Kind.RECORD,
        roles=ADMIN,
        at=COUNTIES,
        outside=OUT_OF_SCOPE,
        # Authorised, but this list leaves items of the standard out.
        json=lambda call: checklist(call.place, "biogas_linked", [VETO_ITEM]),
        ok="422 checklist_loosened",
    ),
    _CHECKLIST("get_checklist", from_below=True),
    Probe("get_checklist", Kind.SHARED, case="common", at=("36",), record="common checklist"),
    _CHECKLIST("retire_checklist", roles=ADMIN, json=lambda _: REASON),
    Probe(
        "list_panel_candidates",
        Kind.RECORD,
        roles=ACCEPTING,
        at=(*VILLAGES, *TOWNSHIPS),
        query=lambda call: {"division": call.place},
        check=_has_items,
    ),
    Probe("list_acceptances", Kind.LIST, rows="acceptance", related=(("household_id", "household"), *_BY)),
    _ACCEPTANCE(
        "create_acceptance",
        roles=ACCEPTING,
        record="submitted problem",
        # The problem is named in the body: unknown there, like one that doesn't exist.
        outside="422 invalid",
        json=_acceptance_of,
        ok="201",
    ),
    _ACCEPTANCE("get_acceptance"),
    _ACCEPTANCE("update_acceptance", roles=ACCEPTING, json=lambda _: {"planned_on": "2099-01-01"}),
    # Authorised, but not on that panel.
    _ACCEPTANCE("pass_acceptance", roles=ACCEPTING, json=lambda _: {"results": []}, ok="403 not_on_panel"),
    _ACCEPTANCE(
        "pass_acceptance_partly",
        roles=ACCEPTING,
        json=lambda call: {
            "results": [],
            "redo": [{"problem_id": call.furniture.at("submitted problem", VILLAGES[0]).id, "redo": "返工"}],
            **REASON,
        },
        ok="403 not_on_panel",
    ),
    _ACCEPTANCE("fail_acceptance", roles=ACCEPTING, json=lambda _: {"results": [], **REASON}, ok="403 not_on_panel"),
    _ACCEPTANCE("cancel_acceptance", roles=ACCEPTING, json=lambda _: REASON),
    _ACCEPTANCE("list_acceptance_history", check=_has_items),
    Probe(
        "get_acceptance_shares",
        Kind.RECORD,
        at=TOWNSHIPS,
        # Of a division above his own the caller means his own part.
        from_below=True,
        query=lambda call: {"division": call.place},
        shows_nothing=_no_shares,
    ),
    Probe(
        "close_problem",
        Kind.RECORD,
        record="accepted problem",
        # Which permission it takes depends on the problem, so that out of scope comes first.
        able={12: RUNNING},
        barred=FORBIDDEN,
        # Authorised, but the household has not signed.
        json=lambda _: {},
        ok="422 household_consent_missing",
    ),
    Probe(
        "bulk_close_problems",
        Kind.RECORD,
        roles=ACCEPTING,
        json=_unsigned,
        shows_nothing=lambda _, answer: not answer.json()["done"],
        check=lambda _, answer: not answer.json()["done"] and len(answer.json()["refused"]) == 1,
    ),
    Probe("list_close_outs", Kind.LIST, rows="close_out", related=(("household_id", "household"), *_BY)),
    Probe("get_close_out", Kind.RECORD, record="close-out"),
]
