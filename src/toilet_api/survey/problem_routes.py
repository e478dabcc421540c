"""The problem ledger over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from sqlmodel import col

from toilet_api.kernel import journal
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.errors import WRONG_STATE
from toilet_api.kernel.fields import Day, DivisionCode
from toilet_api.kernel.paging import Page, Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.registry.codes import Leader, ToiletMode
from toilet_api.registry.filters import FilterYear
from toilet_api.survey import ledger
from toilet_api.survey.answers import (
    Dismisser,
    Historian,
    ProblemReader,
    Reopener,
    WorkRecorder,
    changing,
    created,
    creating,
    listing,
    reading,
    stepping,
)
from toilet_api.survey.clock import Now
from toilet_api.survey.codes import Cause, ProblemClass, ProblemState
from toilet_api.survey.ledger_schemas import ProblemPatch, ProblemRow, WorkProblemNew
from toilet_api.survey.ledger_views import SORTS, LedgerFilter, filtered, ledger_select, present
from toilet_api.survey.problems import ALREADY_IN_LEDGER, CAUSE_IS_COUNTYS, NO_OPEN_CAMPAIGN
from toilet_api.survey.records import existing
from toilet_api.survey.rules import shanghai_date
from toilet_api.survey.schemas import ReasonBody
from toilet_api.survey.tables import LedgerProblem

router = Room(tags=["survey"])

_TYPE = "问题目录中的代码，可多个 / Codes of the catalogue, several"


async def _filter(
    division: Annotated[DivisionCode | None, Query()] = None,
    state: Annotated[list[ProblemState], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    problem_class: Annotated[ProblemClass | None, Query(alias="class")] = None,
    cause: Annotated[list[Cause], Query()] = [],  # noqa: B006
    problem_type: Annotated[list[str], Query(alias="type", title="问题类型", description=_TYPE, max_length=50)] = [],  # noqa: B006
    mode: Annotated[list[ToiletMode], Query()] = [],  # noqa: B006
    built_from: Annotated[FilterYear | None, Query(alias="built_year_from")] = None,
    built_to: Annotated[FilterYear | None, Query(alias="built_year_to")] = None,
    led_by: Annotated[list[Leader], Query()] = [],  # noqa: B006
    overdue: Annotated[bool | None, Query(title="是否逾期", description="期限已过且未结 / Past due and live")] = None,
    due_after: Annotated[Day | None, Query(title="期限起", description="含当日 / That day included")] = None,
    due_before: Annotated[Day | None, Query(title="期限止", description="含当日 / That day included")] = None,
    found_from: Annotated[Day | None, Query(title="发现日期起", description="含当日 / That day included")] = None,
    found_to: Annotated[Day | None, Query(title="发现日期止", description="含当日 / That day included")] = None,
    campaign_id: Annotated[UUID | None, Query(title="摸排行动编号")] = None,
    household_id: Annotated[UUID | None, Query(title="农户编号")] = None,
    toilet_id: Annotated[UUID | None, Query(title="厕所编号")] = None,
    text: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=100,
            title="文字",
            description="说明、问题名称、村或乡镇名、脱敏户主中的文字 / In description, label, place or masked name",
        ),
    ] = None,
) -> LedgerFilter:
    return LedgerFilter(**locals())


@router.get(
    "/problems",
    operation_id="list_problems",
    summary="问题台账 / The problem ledger",
    description=(
        "`overdue` 由期限与北京时间的今天得出。排序 / `overdue` is computed from the deadline and today in Shanghai."
        " Orders: `deadline` (default; none yet comes last), `-deadline`, `found_at`, `-found_at`, `division_code`."
    ),
    response_model=None,
    responses={200: page_schema(ProblemRow, *SORTS), **listing()},
)
def list_problems(
    request: Request,
    session: Transaction,
    caller: ProblemReader,
    paging: Paging,
    wanted: Annotated[LedgerFilter, Depends(_filter)],
    now: Now,
) -> Response:
    today = shanghai_date(now)
    statement = filtered(session, caller, ledger_select(caller, today), wanted, today)
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=ProblemRow,
        sorts=SORTS,
        default_sort="deadline",
        key=col(LedgerProblem.id),
    )


@router.post(
    "/problems",
    operation_id="record_work_problem",
    summary="登记工作推进中的问题 / Record a problem in the work itself",
    description="厕所问题由摸排记录产生，不在此登记。/ Problems of toilets come from visits, not from here.",
    status_code=201,
    responses=creating(ProblemRow, NO_OPEN_CAMPAIGN),
)
def record_work_problem(
    response: Response, session: Transaction, caller: WorkRecorder, body: WorkProblemNew, now: Now
) -> ProblemRow:
    row, made = ledger.record_work(session, caller, body, now)
    created(response, "problems", row.id, made, row.version)
    return present(session, caller, row, now)


@router.get(
    "/problems/{problem_id}",
    operation_id="get_problem",
    summary="问题 / A problem",
    description="含期限、是否逾期、来源摸排和可执行的步骤。/ With deadline, overdue, the visit and allowed steps.",
    responses=reading(),
)
def get_problem(
    response: Response, session: Transaction, caller: ProblemReader, problem_id: UUID, now: Now
) -> ProblemRow:
    row = existing(session, caller, LedgerProblem, problem_id)
    set_etag(response, row.version)
    return present(session, caller, row, now)


@router.patch(
    "/problems/{problem_id}",
    operation_id="update_problem",
    summary="修改问题 / Change a problem",
    description="JSON Merge Patch，须带 If-Match。/ Needs If-Match.",
    responses=changing(WRONG_STATE, CAUSE_IS_COUNTYS),
)
def update_problem(
    response: Response,
    session: Transaction,
    caller: WorkRecorder,
    problem_id: UUID,
    body: ProblemPatch,
    now: Now,
    if_match: IfMatch = None,
) -> ProblemRow:
    row = ledger.change(session, caller, problem_id, body, if_match, now)
    set_etag(response, row.version)
    return present(session, caller, row, now)


@router.post(
    "/problems/{problem_id}/dismiss",
    operation_id="dismiss_problem",
    summary="撤销误登的问题 / Dismiss a problem recorded in error",
    description="须写明理由，仍可查看和恢复。/ With a reason; it can be seen still, and reopened.",
    responses=stepping(),
)
def dismiss_problem(
    response: Response,
    session: Transaction,
    caller: Dismisser,
    problem_id: UUID,
    body: ReasonBody,
    now: Now,
    if_match: IfMatch = None,
) -> ProblemRow:
    row = ledger.dismiss(session, caller, problem_id, body.reason, if_match, now)
    set_etag(response, row.version)
    return present(session, caller, row, now)


@router.post(
    "/problems/{problem_id}/reopen",
    operation_id="reopen_problem",
    summary="重新打开已销号或已撤销的问题 / Reopen a closed or dismissed problem",
    description=(
        "须写明理由；原销号记录保留，期限自今天重新计算；同类问题已另行登记的为 409。"
        " / With a reason; its close-out is kept, its deadline runs anew; 409 if its type is live there again."
    ),
    responses=stepping(ALREADY_IN_LEDGER),
)
def reopen_problem(
    response: Response,
    session: Transaction,
    caller: Reopener,
    problem_id: UUID,
    body: ReasonBody,
    now: Now,
    if_match: IfMatch = None,
) -> ProblemRow:
    row = ledger.reopen(session, caller, problem_id, body.reason, if_match, now)
    set_etag(response, row.version)
    return present(session, caller, row, now)


@router.get(
    "/problems/{problem_id}/history",
    operation_id="list_problem_history",
    summary="问题的修改历史 / History of a problem",
    description="登记、改期、撤销、恢复，旧的在前。/ Opened, moved, dismissed, reopened; oldest first.",
    responses=reading(),
)
def list_problem_history(session: Transaction, caller: Historian, problem_id: UUID) -> Page[journal.HistoryEntry]:
    existing(session, caller, LedgerProblem, problem_id)
    return Page(items=journal.history(session, "problem", problem_id), next_cursor=None)
