"""Plans over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.kernel import journal
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.errors import NOT_FOUND, STALE, WRONG_STATE
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.paging import Page, Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.rectification import plan_approval, plan_print, plans
from toilet_api.rectification.answers import PlanApprover, Planner, PlanReader
from toilet_api.rectification.codes import PlanKind, PlanState
from toilet_api.rectification.plan_schemas import (
    PlanApproval,
    PlanFollowing,
    PlanNew,
    PlanOut,
    PlanPatch,
    PlanRow,
    PlanWithdrawal,
)
from toilet_api.rectification.plan_views import late as is_late
from toilet_api.rectification.plan_views import plan_select, present
from toilet_api.rectification.problems import PLAN_EXISTS, PLAN_FROZEN, PROBLEM_NOT_PLANNABLE, SUBMITTED_BY_YOURSELF
from toilet_api.rectification.tables import Plan
from toilet_api.registry.filters import scope_of
from toilet_api.survey.answers import Historian, changing, created, creating, listing, reading, stepping
from toilet_api.survey.clock import Now
from toilet_api.survey.problems import NO_OPEN_CAMPAIGN
from toilet_api.survey.records import existing
from toilet_api.survey.rules import shanghai_date
from toilet_api.survey.schemas import ReasonBody

router = Room(tags=["rectification"])

_SORTS: dict[str, list[Any]] = {
    "division_code": [col(Plan.division_code)],
    "updated_at": [col(Plan.updated_at)],
    "-updated_at": [col(Plan.updated_at).desc()],
}


@router.get(
    "/plans",
    operation_id="list_plans",
    summary="整改方案列表 / List plans",
    description=(
        "`late` 由行动的报送截止日与北京时间的今天得出。排序 / `late` is computed from the campaign's day and today in"
        " Shanghai. Orders: `division_code` (default), `updated_at`, `-updated_at`."
    ),
    response_model=None,
    responses={200: page_schema(PlanRow, *_SORTS), **listing()},
)
def list_plans(
    request: Request,
    session: Transaction,
    caller: PlanReader,
    paging: Paging,
    now: Now,
    division: Annotated[DivisionCode | None, Query()] = None,
    state: Annotated[list[PlanState], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    kind: Annotated[PlanKind | None, Query()] = None,
    campaign_id: Annotated[UUID | None, Query(title="摸排行动编号")] = None,
    late: Annotated[bool | None, Query(title="是否逾期报送")] = None,
) -> Response:
    today = shanghai_date(now)
    statement = plan_select(caller, today)
    if division is not None:
        statement = scope_of(session, caller, division).narrow(statement, col(Plan.division_code))
    if state:
        statement = statement.where(col(Plan.state).in_(state))
    if kind is not None:
        statement = statement.where(col(Plan.kind) == kind)
    if campaign_id is not None:
        statement = statement.where(col(Plan.campaign_id) == campaign_id)
    if late is not None:
        statement = statement.where(is_late(today) if late else ~is_late(today))
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=PlanRow,
        sorts=_SORTS,
        default_sort="division_code",
        key=col(Plan.id),
    )


@router.post(
    "/plans",
    operation_id="create_plan",
    summary="编制整改方案 / Draw up a plan",
    description=(
        "以乡镇为单位，归入本县进行中的行动，先存为草稿。"
        " / For a township, in its county's open campaign; kept as a draft."
    ),
    status_code=201,
    responses=creating(PlanOut, PLAN_EXISTS, NO_OPEN_CAMPAIGN),
)
def create_plan(response: Response, session: Transaction, caller: Planner, body: PlanNew, now: Now) -> PlanOut:
    plan, made = plans.create(session, caller, body)
    created(response, "plans", plan.id, made, plan.version)
    return present(session, caller, plan, now)


@router.get(
    "/plans/{plan_id}",
    operation_id="get_plan",
    summary="整改方案 / A plan",
    description="含各项内容、经费、问题数；问题清单另取。/ Its texts, funds and counts; its problems are a list apart.",
    responses=reading(),
)
def get_plan(response: Response, session: Transaction, caller: PlanReader, plan_id: UUID, now: Now) -> PlanOut:
    return _shown(response, session, caller, existing(session, caller, Plan, plan_id), now)


@router.patch(
    "/plans/{plan_id}",
    operation_id="update_plan",
    summary="修改编制中的方案 / Change a plan in preparation",
    description="JSON Merge Patch，须带 If-Match；已报送或备案的不能修改。/ Needs If-Match; frozen once submitted.",
    responses=changing(PLAN_FROZEN),
)
def update_plan(
    response: Response,
    session: Transaction,
    caller: Planner,
    plan_id: UUID,
    body: PlanPatch,
    now: Now,
    if_match: IfMatch = None,
) -> PlanOut:
    return _shown(response, session, caller, plans.change(session, caller, plan_id, body, if_match, now), now)


@router.post(
    "/plans/{plan_id}/submit",
    operation_id="submit_plan",
    summary="报县级审核 / Submit a plan to the county",
    description=(
        "须写全整改重点、技术路线、力量组织、经费、时限和各问题的措施；行动要求乡镇核实摸排的，须已核实。"
        " / Its texts, funds, time limit and measures must be complete, and the survey verified as the campaign asks."
    ),
    responses=stepping(),
)
def submit_plan(
    response: Response, session: Transaction, caller: Planner, plan_id: UUID, now: Now, if_match: IfMatch = None
) -> PlanOut:
    return _shown(response, session, caller, plan_approval.submit(session, caller, plan_id, if_match, now), now)


@router.post(
    "/plans/{plan_id}/return",
    operation_id="return_plan",
    summary="退回方案 / Return a plan",
    description="须写明理由；报送人不能审核自己报送的。/ Needs a reason; not by who submitted it.",
    responses=stepping(SUBMITTED_BY_YOURSELF),
)
def return_plan(
    response: Response,
    session: Transaction,
    caller: PlanApprover,
    plan_id: UUID,
    body: ReasonBody,
    now: Now,
    if_match: IfMatch = None,
) -> PlanOut:
    plan = plan_approval.send_back(session, caller, plan_id, body.reason, if_match, now)
    return _shown(response, session, caller, plan, now)


@router.post(
    "/plans/{plan_id}/approve",
    operation_id="approve_plan",
    summary="审核备案 / Approve and file a plan",
    description=(
        "每个问题随即有一项整改任务；新版替代前一版，未开工且不再列入的任务取消。报送人不能审核。"
        " / Each problem has a task from then on; a later edition supersedes the one before, and tasks that were not"
        " begun and are left out are cancelled. Not by who submitted it."
    ),
    responses=stepping(SUBMITTED_BY_YOURSELF, PROBLEM_NOT_PLANNABLE, PLAN_EXISTS),
)
def approve_plan(
    response: Response,
    session: Transaction,
    caller: PlanApprover,
    plan_id: UUID,
    now: Now,
    body: Annotated[PlanApproval | None, Body()] = None,
    if_match: IfMatch = None,
) -> PlanOut:
    plan = plan_approval.approve(session, caller, plan_id, body or PlanApproval(), if_match, now)
    return _shown(response, session, caller, plan, now)


@router.post(
    "/plans/{plan_id}/withdraw",
    operation_id="withdraw_plan",
    summary="作废草稿 / Withdraw a draft",
    description="草稿或被退回的方案作废，仍可查看。/ Ends a draft or returned plan; it can be seen still.",
    responses=stepping(),
)
def withdraw_plan(
    response: Response,
    session: Transaction,
    caller: Planner,
    plan_id: UUID,
    now: Now,
    body: Annotated[PlanWithdrawal | None, Body()] = None,
    if_match: IfMatch = None,
) -> PlanOut:
    plan = plans.withdraw(session, caller, plan_id, body.reason if body else None, if_match, now)
    return _shown(response, session, caller, plan, now)


@router.post(
    "/plans/{plan_id}/revise",
    operation_id="revise_plan",
    summary="编制新版 / Make another edition",
    description=(
        "照录内容、经费和问题；原版在新版备案前继续有效。"
        " / With its texts, funds and problems; the plan stays in force until the new edition is approved."
    ),
    status_code=201,
    responses=creating(PlanOut, NOT_FOUND, WRONG_STATE, STALE, PLAN_EXISTS),
)
def revise_plan(
    response: Response,
    session: Transaction,
    caller: Planner,
    plan_id: UUID,
    now: Now,
    body: Annotated[PlanFollowing | None, Body()] = None,
    if_match: IfMatch = None,
) -> PlanOut:
    plan, made = plans.follow(session, caller, plan_id, "revise", body or PlanFollowing(), if_match, now)
    created(response, "plans", plan.id, made, plan.version)
    return present(session, caller, plan, now)


@router.post(
    "/plans/{plan_id}/supplement",
    operation_id="supplement_plan",
    summary="编制补充方案 / Make an addendum",
    description=(
        "用于备案后新发现的问题，与原方案并行有效。/ For problems found since; it is in force beside the plan."
    ),
    status_code=201,
    responses=creating(PlanOut, NOT_FOUND, WRONG_STATE, STALE),
)
def supplement_plan(
    response: Response,
    session: Transaction,
    caller: Planner,
    plan_id: UUID,
    now: Now,
    body: Annotated[PlanFollowing | None, Body()] = None,
    if_match: IfMatch = None,
) -> PlanOut:
    plan, made = plans.follow(session, caller, plan_id, "supplement", body or PlanFollowing(), if_match, now)
    created(response, "plans", plan.id, made, plan.version)
    return present(session, caller, plan, now)


@router.get(
    "/plans/{plan_id}/print",
    operation_id="print_plan",
    summary="打印整改方案 / A plan to be printed",
    description=(
        "可直接打印、签字、盖章的 A4 页面；户主姓名脱敏。/ A self-contained A4 page to sign; names are masked."
    ),
    response_class=HTMLResponse,
    responses={
        200: {
            "description": "网页 / A page",
            "content": {"text/html": {"example": '<!doctype html><html lang="zh-CN">…</html>'}},
        },
        **reading(),
    },
)
def print_plan(session: Transaction, caller: PlanReader, plan_id: UUID, now: Now) -> HTMLResponse:
    plan = existing(session, caller, Plan, plan_id)
    made = plan_print.page(session, plan, present(session, caller, plan, now))
    return HTMLResponse(made, headers={"Content-Security-Policy": plan_print.POLICY})


@router.get(
    "/plans/{plan_id}/history",
    operation_id="list_plan_history",
    summary="整改方案的修改历史 / History of a plan",
    description="编制、列入问题、报送、退回、备案，旧的在前。/ Drawn up, filled, submitted, decided; oldest first.",
    responses=reading(),
)
def list_plan_history(session: Transaction, caller: Historian, plan_id: UUID) -> Page[journal.HistoryEntry]:
    existing(session, caller, Plan, plan_id)
    return Page(items=journal.history(session, "plan", plan_id), next_cursor=None)


def _shown(response: Response, session: Session, caller: Caller, plan: Plan, now: Now) -> PlanOut:
    set_etag(response, plan.version)
    return present(session, caller, plan, now)
