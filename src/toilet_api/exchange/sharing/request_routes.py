"""Requests for data and grants over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Path, Query, Request, Response
from sqlmodel import col

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission
from toilet_api.exchange.sharing import asking
from toilet_api.exchange.sharing.codes import GrantState, RequestState, SharedDataset
from toilet_api.exchange.sharing.problems import (
    DATASET_NEEDS_NO_GRANT,
    DATASET_NOT_ASKER,
    DATASET_NOT_SHARED,
    DATASET_OWN_REQUEST,
)
from toilet_api.exchange.sharing.request_schemas import Approval, DatasetGrantRow, DatasetRequestNew, DatasetRequestRow
from toilet_api.exchange.sharing.routes import DatasetManager, DatasetReader
from toilet_api.exchange.sharing.tables import DatasetGrant, DatasetRequest
from toilet_api.exchange.sharing.views import (
    GRANT_SORTS,
    REQUEST_SORTS,
    grant_select,
    in_force,
    overdue,
    present_grant,
    present_request,
    request_select,
)
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.paging import Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.registry.filters import scope_of
from toilet_api.survey.answers import created, creating, listing, reading, stepping
from toilet_api.survey.clock import Now
from toilet_api.survey.rules import shanghai_date
from toilet_api.survey.schemas import ReasonBody

router = Room(tags=["exchange"])

DatasetAsker = Annotated[Caller, may(Permission.DATASET_REQUEST)]
RequestId = Annotated[UUID, Path(title="共享申请编号")]
GrantId = Annotated[UUID, Path(title="共享授权编号")]
Client = Annotated[
    str | None, Query(min_length=1, max_length=100, title="使用方的客户端标识", examples=["province_client"])
]


@router.get(
    "/dataset-requests",
    operation_id="list_dataset_requests",
    summary="共享申请列表 / List requests for data",
    description=(
        "县级看本县全部，其他人看自己申请的和自己使用的；`overdue` 为逾期未答复。排序 / The county sees all of its own,"
        " anyone else what he asked for or is to have. Orders: `-created_at` (default), `created_at`, `answer_due`,"
        " `-answer_due`."
    ),
    response_model=None,
    responses={200: page_schema(DatasetRequestRow, *REQUEST_SORTS), **listing()},
)
def list_dataset_requests(
    request: Request,
    session: Transaction,
    caller: DatasetReader,
    paging: Paging,
    now: Now,
    division: Annotated[DivisionCode | None, Query()] = None,
    state: Annotated[list[RequestState], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    dataset: Annotated[SharedDataset | None, Query()] = None,
    client_id: Client = None,
    overdue_only: Annotated[bool | None, Query(alias="overdue", title="逾期未答复")] = None,
) -> Response:
    today, one = shanghai_date(now), DatasetRequest
    statement = request_select(caller, today)
    if division is not None:
        statement = scope_of(session, caller, division).narrow(statement, col(one.division_code))
    if state:
        statement = statement.where(col(one.state).in_(state))
    if dataset is not None:
        statement = statement.where(col(one.dataset) == dataset)
    if client_id is not None:
        statement = statement.where(col(one.client_id) == client_id)
    if overdue_only is not None:
        statement = statement.where(overdue(today) if overdue_only else ~overdue(today))
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=DatasetRequestRow,
        sorts=REQUEST_SORTS,
        default_sort="-created_at",
        key=col(one.id),
    )


@router.post(
    "/dataset-requests",
    operation_id="create_dataset_request",
    summary="申请共享 / Ask for data",
    description=(
        "写明字段、用途、法律依据和截止日期，由县级在 10 个工作日内答复。无条件共享的字段无须申请。"
        " / With fields, purpose, legal basis and the last day; the county answers within ten working days. What is"
        " shared unconditionally needs no request."
    ),
    status_code=201,
    responses=creating(DatasetRequestRow, DATASET_NOT_SHARED, DATASET_NEEDS_NO_GRANT),
)
def create_dataset_request(
    response: Response, session: Transaction, caller: DatasetAsker, body: DatasetRequestNew, now: Now
) -> DatasetRequestRow:
    row, made = asking.request(session, caller, body, now)
    created(response, "dataset-requests", row.id, made, row.version)
    return present_request(session, caller, row.id, now)


@router.get(
    "/dataset-requests/{dataset_request_id}",
    operation_id="get_dataset_request",
    summary="共享申请 / A request for data",
    description="含答复期限、答复意见和授权编号。/ With the day an answer is due, the answer, and the grant.",
    responses=reading(),
)
def get_dataset_request(
    response: Response, session: Transaction, caller: DatasetReader, dataset_request_id: RequestId, now: Now
) -> DatasetRequestRow:
    return _request(response, session, caller, dataset_request_id, now)


@router.post(
    "/dataset-requests/{dataset_request_id}/approve",
    operation_id="approve_dataset_request",
    summary="同意共享 / Approve a request for data",
    description=(
        "可以少给字段、缩短期限；即生成授权。申请人和使用方不得答复。"
        " / It may give fewer fields or a shorter time, and makes the grant. Never by who asked for it."
    ),
    responses=stepping(DATASET_OWN_REQUEST, DATASET_NOT_SHARED),
)
def approve_dataset_request(
    response: Response,
    session: Transaction,
    caller: DatasetManager,
    dataset_request_id: RequestId,
    now: Now,
    body: Annotated[Approval | None, Body()] = None,
    if_match: IfMatch = None,
) -> DatasetRequestRow:
    asking.approve(session, caller, dataset_request_id, body or Approval(), if_match, now)
    return _request(response, session, caller, dataset_request_id, now)


@router.post(
    "/dataset-requests/{dataset_request_id}/refuse",
    operation_id="refuse_dataset_request",
    summary="不同意共享 / Refuse a request for data",
    description="须说明理由；申请人和使用方不得答复。/ With the reason; never by who asked for it.",
    responses=stepping(DATASET_OWN_REQUEST),
)
def refuse_dataset_request(
    response: Response,
    session: Transaction,
    caller: DatasetManager,
    dataset_request_id: RequestId,
    body: ReasonBody,
    now: Now,
    if_match: IfMatch = None,
) -> DatasetRequestRow:
    asking.refuse(session, caller, dataset_request_id, body.reason, if_match, now)
    return _request(response, session, caller, dataset_request_id, now)


@router.post(
    "/dataset-requests/{dataset_request_id}/withdraw",
    operation_id="withdraw_dataset_request",
    summary="撤回共享申请 / Withdraw a request for data",
    description="限申请人或使用方。/ By who asked for it, or is to have it.",
    responses=stepping(DATASET_NOT_ASKER),
)
def withdraw_dataset_request(
    response: Response,
    session: Transaction,
    caller: DatasetAsker,
    dataset_request_id: RequestId,
    now: Now,
    if_match: IfMatch = None,
) -> DatasetRequestRow:
    asking.withdraw(session, caller, dataset_request_id, if_match, now)
    return _request(response, session, caller, dataset_request_id, now)


@router.get(
    "/dataset-grants",
    operation_id="list_dataset_grants",
    summary="共享授权列表 / List grants of data",
    description=(
        "县级看本县全部，其他人看自己的。排序 / The county sees all of its own, anyone else what is his. Orders:"
        " `-created_at` (default), `created_at`, `until`, `-until`."
    ),
    response_model=None,
    responses={200: page_schema(DatasetGrantRow, *GRANT_SORTS), **listing()},
)
def list_dataset_grants(
    request: Request,
    session: Transaction,
    caller: DatasetReader,
    paging: Paging,
    now: Now,
    division: Annotated[DivisionCode | None, Query()] = None,
    state: Annotated[list[GrantState], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    dataset: Annotated[SharedDataset | None, Query()] = None,
    client_id: Client = None,
    holding: Annotated[bool | None, Query(alias="in_force", title="现在有效")] = None,
) -> Response:
    today, one = shanghai_date(now), DatasetGrant
    statement = grant_select(caller, today)
    if division is not None:
        statement = scope_of(session, caller, division).narrow(statement, col(one.division_code))
    if state:
        statement = statement.where(col(one.state).in_(state))
    if dataset is not None:
        statement = statement.where(col(one.dataset) == dataset)
    if client_id is not None:
        statement = statement.where(col(one.client_id) == client_id)
    if holding is not None:
        statement = statement.where(in_force(today) if holding else ~in_force(today))
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=DatasetGrantRow,
        sorts=GRANT_SORTS,
        default_sort="-created_at",
        key=col(one.id),
    )


@router.get(
    "/dataset-grants/{dataset_grant_id}",
    operation_id="get_dataset_grant",
    summary="共享授权 / A grant of data",
    description="字段、区划、用途和期限。/ Fields, division, purpose and last day.",
    responses=reading(),
)
def get_dataset_grant(
    response: Response, session: Transaction, caller: DatasetReader, dataset_grant_id: GrantId, now: Now
) -> DatasetGrantRow:
    return _grant(response, session, caller, dataset_grant_id, now)


@router.post(
    "/dataset-grants/{dataset_grant_id}/revoke",
    operation_id="revoke_dataset_grant",
    summary="撤销共享授权 / Revoke a grant of data",
    description="须说明理由；下一次读取起即无效。/ With the reason; it is worth nothing from the next request on.",
    responses=stepping(),
)
def revoke_dataset_grant(
    response: Response,
    session: Transaction,
    caller: DatasetManager,
    dataset_grant_id: GrantId,
    body: ReasonBody,
    now: Now,
    if_match: IfMatch = None,
) -> DatasetGrantRow:
    asking.revoke(session, caller, dataset_grant_id, body.reason, if_match, now)
    return _grant(response, session, caller, dataset_grant_id, now)


def _request(
    response: Response, session: Transaction, caller: DatasetReader, request_id: UUID, now: Now
) -> DatasetRequestRow:
    shown = present_request(session, caller, request_id, now)
    set_etag(response, shown.version)
    return shown


def _grant(
    response: Response, session: Transaction, caller: DatasetReader, grant_id: UUID, now: Now
) -> DatasetGrantRow:
    shown = present_grant(session, caller, grant_id, now)
    set_etag(response, shown.version)
    return shown
