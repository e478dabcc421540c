"""Call-ins over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from sqlmodel import col

from toilet_api.kernel.database import Transaction
from toilet_api.kernel.errors import WRONG_STATE
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.paging import Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.registry.filters import scope_of
from toilet_api.reporting.assessment import call_ins
from toilet_api.reporting.assessment.answers import CallInManager, CallInReader
from toilet_api.reporting.assessment.call_in_schemas import CallInNew, CallInPatch, CallInRow, FollowedUp, Held
from toilet_api.reporting.assessment.call_ins import call_in_select, present
from toilet_api.reporting.assessment.codes import CallInState
from toilet_api.reporting.assessment.formula_schemas import HolderCode
from toilet_api.reporting.assessment.problems import NOT_BELOW_CALLER, NOT_OWN_LEVEL
from toilet_api.reporting.assessment.tables import CallIn
from toilet_api.survey.answers import changing, created, creating, listing, reading, stepping
from toilet_api.survey.clock import Now
from toilet_api.survey.rules import shanghai_date
from toilet_api.survey.schemas import ReasonBody

router = Room(tags=["reporting"])

_SORTS: dict[str, list[Any]] = {
    "-planned_at": [col(CallIn.planned_at).desc()],
    "planned_at": [col(CallIn.planned_at)],
    "division_code": [col(CallIn.division_code)],
}


@router.get(
    "/call-ins",
    operation_id="list_call_ins",
    summary="约谈列表 / List call-ins",
    description=(
        "被约谈单位可见本单位的。排序 / Who is called in sees its own. "
        "Orders: `-planned_at` (default), `planned_at`, `division_code`."
    ),
    response_model=None,
    responses={200: page_schema(CallInRow, *_SORTS), **listing()},
)
def list_call_ins(
    request: Request,
    session: Transaction,
    caller: CallInReader,
    paging: Paging,
    now: Now,
    division: Annotated[DivisionCode | None, Query()] = None,
    called_by: Annotated[HolderCode | None, Query(title="约谈单位区划代码")] = None,
    campaign_id: Annotated[UUID | None, Query(title="摸排行动编号")] = None,
    assessment_id: Annotated[UUID | None, Query(title="考核编号")] = None,
    state: Annotated[list[CallInState], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    overdue: Annotated[
        bool | None,
        Query(title="逾期未办结", description="最早的期限已过而未办结 / Past its first due date", examples=[True]),
    ] = None,
) -> Response:
    statement = call_in_select(caller)
    if division is not None:
        statement = scope_of(session, caller, division).narrow(statement, col(CallIn.division_code))
    if called_by is not None:
        statement = statement.where(col(CallIn.called_by) == called_by)
    if campaign_id is not None:
        statement = statement.where(col(CallIn.campaign_id) == campaign_id)
    if assessment_id is not None:
        statement = statement.where(col(CallIn.assessment_id) == assessment_id)
    if state:
        statement = statement.where(col(CallIn.state).in_(state))
    if overdue is not None:
        late = (col(CallIn.state) == "held") & (col(CallIn.due_on) < shanghai_date(now))
        statement = statement.where(late if overdue else ~late)
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=CallInRow,
        sorts=_SORTS,
        default_sort="-planned_at",
        key=col(CallIn.id),
    )


@router.post(
    "/call-ins",
    operation_id="create_call_in",
    summary="拟约谈 / Plan a call-in",
    description=(
        "县约谈乡镇，省、市约谈县。填了本级考核而不填事由的，事由取自其名单；被约谈单位随即可见。"
        " / A county calls in townships, a city or province counties. Without reasons, those of the lists of the "
        "assessment named; who is called in sees it at once."
    ),
    status_code=201,
    responses=creating(CallInRow, NOT_BELOW_CALLER),
)
def create_call_in(response: Response, session: Transaction, caller: CallInManager, body: CallInNew) -> CallInRow:
    row, made = call_ins.create(session, caller, body)
    created(response, "call-ins", row.id, made, row.version)
    return present(session, caller, row.id)


@router.get(
    "/call-ins/{call_in_id}",
    operation_id="get_call_in",
    summary="约谈 / A call-in",
    description="事由、到场情况、纪要、要求及落实。/ Reasons, attendance, minutes, demands and what came of them.",
    responses=reading(),
)
def get_call_in(response: Response, session: Transaction, caller: CallInReader, call_in_id: UUID) -> CallInRow:
    return _shown(response, session, caller, call_in_id)


@router.patch(
    "/call-ins/{call_in_id}",
    operation_id="update_call_in",
    summary="修改拟约谈 / Change a planned call-in",
    description="JSON Merge Patch，须带 If-Match；事由整体替换。/ Needs If-Match; reasons are replaced as a whole.",
    responses=changing(WRONG_STATE, NOT_OWN_LEVEL),
)
def update_call_in(
    response: Response,
    session: Transaction,
    caller: CallInManager,
    call_in_id: UUID,
    body: CallInPatch,
    if_match: IfMatch = None,
) -> CallInRow:
    call_ins.change(session, caller, call_in_id, body, if_match)
    return _shown(response, session, caller, call_in_id)


@router.post(
    "/call-ins/{call_in_id}/hold",
    operation_id="hold_call_in",
    summary="登记约谈 / Record that it was held",
    description="到场情况、纪要、整改要求及期限；至少一人到场。/ Attendance, minutes, demands and their due dates.",
    responses=stepping(NOT_OWN_LEVEL),
)
def hold_call_in(
    response: Response,
    session: Transaction,
    caller: CallInManager,
    call_in_id: UUID,
    body: Held,
    now: Now,
    if_match: IfMatch = None,
) -> CallInRow:
    call_ins.hold(session, caller, call_in_id, body, if_match, now)
    return _shown(response, session, caller, call_in_id)


@router.post(
    "/call-ins/{call_in_id}/follow-up",
    operation_id="follow_up_call_in",
    summary="登记落实结果 / Record what came of it",
    description="逐条登记要求是否落实。/ Whether each demand was met; the outcome must fit them.",
    responses=stepping(NOT_OWN_LEVEL),
)
def follow_up_call_in(
    response: Response,
    session: Transaction,
    caller: CallInManager,
    call_in_id: UUID,
    body: FollowedUp,
    now: Now,
    if_match: IfMatch = None,
) -> CallInRow:
    call_ins.follow_up(session, caller, call_in_id, body, if_match, now)
    return _shown(response, session, caller, call_in_id)


@router.post(
    "/call-ins/{call_in_id}/cancel",
    operation_id="cancel_call_in",
    summary="取消约谈 / Cancel a planned call-in",
    description="须写明理由；记录留存。/ With a reason; the record stays.",
    responses=stepping(NOT_OWN_LEVEL),
)
def cancel_call_in(
    response: Response,
    session: Transaction,
    caller: CallInManager,
    call_in_id: UUID,
    body: ReasonBody,
    if_match: IfMatch = None,
) -> CallInRow:
    call_ins.cancel(session, caller, call_in_id, body.reason, if_match)
    return _shown(response, session, caller, call_in_id)


def _shown(response: Response, session: Transaction, caller: CallInReader, call_in_id: UUID) -> CallInRow:
    row = present(session, caller, call_in_id)
    set_etag(response, row.version)
    return row
