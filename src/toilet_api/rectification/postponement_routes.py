"""Postponements over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Query, Request, Response
from sqlmodel import col

from toilet_api.divisions.problems import DIVISION_ENDED
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.errors import NOT_FOUND, OUT_OF_SCOPE, STALE, WRONG_STATE
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.paging import Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.rectification import postponements
from toilet_api.rectification.answers import Postponer, TaskManager, TaskReader
from toilet_api.rectification.codes import PostponementState
from toilet_api.rectification.postponement_schemas import Grant, PostponementNew, PostponementRow, Refusal
from toilet_api.rectification.postponement_views import SORTS, postponement_select, present
from toilet_api.rectification.problems import (
    NOT_REQUESTER,
    POSTPONEMENT_OVERTAKEN,
    POSTPONEMENT_PENDING,
    REQUESTED_BY_YOURSELF,
)
from toilet_api.rectification.tables import Postponement, Task
from toilet_api.registry.filters import scope_of
from toilet_api.survey.answers import created, creating, listing, reading, stepping
from toilet_api.survey.clock import Now
from toilet_api.survey.records import existing

router = Room(tags=["rectification"])

_MOVED = (OUT_OF_SCOPE, DIVISION_ENDED)


@router.get(
    "/postponements",
    operation_id="list_postponements",
    summary="延期申请列表 / List postponements",
    description=(
        "待县级审批的为 `state=requested`。排序 / Those that wait for the county are `requested`. Orders: "
        "`created_at` (default), `-created_at`, `to_due`, `-to_due`, `division_code`."
    ),
    response_model=None,
    responses={200: page_schema(PostponementRow, *SORTS), **listing()},
)
def list_postponements(
    request: Request,
    session: Transaction,
    caller: TaskReader,
    paging: Paging,
    division: Annotated[DivisionCode | None, Query()] = None,
    state: Annotated[list[PostponementState], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    campaign_id: Annotated[UUID | None, Query(title="摸排行动编号")] = None,
    task_id: Annotated[UUID | None, Query(title="整改任务编号")] = None,
    problem_id: Annotated[UUID | None, Query(title="问题编号")] = None,
) -> Response:
    statement = postponement_select(caller)
    if division is not None:
        statement = scope_of(session, caller, division).narrow(statement, col(Postponement.division_code))
    if state:
        statement = statement.where(col(Postponement.state).in_(state))
    for column, value in (
        (col(Task.campaign_id), campaign_id),
        (col(Task.id), task_id),
        (col(Task.problem_id), problem_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=PostponementRow,
        sorts=SORTS,
        default_sort="created_at",
        key=col(Postponement.id),
    )


@router.post(
    "/tasks/{task_id}/postponements",
    operation_id="request_postponement",
    summary="申请延期 / Ask for a postponement",
    description=(
        "新期限须晚于今天和现期限；每个任务同时只能有一条待批申请。"
        " / The day must be later than today and than the present one; one request at a time waits for the county."
    ),
    status_code=201,
    responses=creating(PostponementRow, NOT_FOUND, WRONG_STATE, STALE, POSTPONEMENT_PENDING),
)
def request_postponement(
    response: Response,
    session: Transaction,
    caller: TaskManager,
    task_id: UUID,
    body: PostponementNew,
    now: Now,
    if_match: IfMatch = None,
) -> PostponementRow:
    row, made = postponements.request(session, caller, task_id, body, if_match, now)
    created(response, "postponements", row.id, made, row.version)
    return present(session, caller, row)


@router.get(
    "/postponements/{postponement_id}",
    operation_id="get_postponement",
    summary="延期申请 / A postponement",
    description="含理由、审批意见和任务现期限。/ With the reasons of both sides, and the task's due date as it is now.",
    responses=reading(),
)
def get_postponement(
    response: Response, session: Transaction, caller: TaskReader, postponement_id: UUID
) -> PostponementRow:
    return _shown(response, session, caller, existing(session, caller, Postponement, postponement_id))


@router.post(
    "/postponements/{postponement_id}/grant",
    operation_id="grant_postponement",
    summary="同意延期 / Grant a postponement",
    description=(
        "任务和问题的期限随之改变；申请人不得审批。"
        " / The task and its problem are due on that day from now on; never by who asked for it."
    ),
    responses=stepping(REQUESTED_BY_YOURSELF, POSTPONEMENT_OVERTAKEN, *_MOVED),
)
def grant_postponement(
    response: Response,
    session: Transaction,
    caller: Postponer,
    postponement_id: UUID,
    now: Now,
    body: Annotated[Grant | None, Body()] = None,
    if_match: IfMatch = None,
) -> PostponementRow:
    reason = body.reason if body else None
    row = postponements.grant(session, caller, postponement_id, reason, if_match, now)
    return _shown(response, session, caller, row)


@router.post(
    "/postponements/{postponement_id}/refuse",
    operation_id="refuse_postponement",
    summary="不同意延期 / Refuse a postponement",
    description="须写明理由；申请人不得审批。/ With a reason; never by who asked for it.",
    responses=stepping(REQUESTED_BY_YOURSELF, *_MOVED),
)
def refuse_postponement(
    response: Response,
    session: Transaction,
    caller: Postponer,
    postponement_id: UUID,
    body: Refusal,
    now: Now,
    if_match: IfMatch = None,
) -> PostponementRow:
    row = postponements.refuse(session, caller, postponement_id, body.reason, if_match, now)
    return _shown(response, session, caller, row)


@router.post(
    "/postponements/{postponement_id}/withdraw",
    operation_id="withdraw_postponement",
    summary="撤回延期申请 / Withdraw a postponement",
    description="限申请人本人。/ By who asked for it only.",
    responses=stepping(NOT_REQUESTER, *_MOVED),
)
def withdraw_postponement(
    response: Response, session: Transaction, caller: TaskManager, postponement_id: UUID, if_match: IfMatch = None
) -> PostponementRow:
    return _shown(response, session, caller, postponements.withdraw(session, caller, postponement_id, if_match))


def _shown(response: Response, session: Transaction, caller: TaskReader, row: Postponement) -> PostponementRow:
    set_etag(response, row.version)
    return present(session, caller, row)
