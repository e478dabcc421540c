"""Conflicts and rejected items over HTTP: listed, looked at, decided."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from sqlmodel import col

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission
from toilet_api.accounts.problems import TRAINING_REQUIRED
from toilet_api.exchange.sync import conflicts, schemas
from toilet_api.exchange.sync.problems import CONFLICT_RESOLVED, SYNC_UNSUPPORTED
from toilet_api.exchange.sync.tables import SyncConflict
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.dependencies import VaultDep
from toilet_api.kernel.errors import (
    BAD_CURSOR,
    CONFLICT,
    FORBIDDEN,
    INVALID,
    MALFORMED,
    NOT_FOUND,
    STALE,
    UNAUTHENTICATED,
    UNKNOWN_PARAMETER,
    WRONG_STATE,
    problems,
)
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.paging import Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch
from toilet_api.kernel.requests import Room
from toilet_api.registry.answers import DUPLICATES, PLACE
from toilet_api.registry.filters import scope_of
from toilet_api.registry.problems import HOUSEHOLD_REMOVED, RECORD_REMOVED
from toilet_api.survey.clock import Now
from toilet_api.survey.problems import NO_OPEN_CAMPAIGN, NOT_SURVEYOR

router = Room(tags=["exchange"])

Resolver = Annotated[Caller, may(Permission.CONFLICT_RESOLVE)]
ConflictId = Annotated[UUID, Path(title="待决定编号")]
_ALWAYS = (UNAUTHENTICATED, FORBIDDEN, UNKNOWN_PARAMETER, MALFORMED)
_SORTS: dict[str, list[Any]] = {
    "received_at": [col(SyncConflict.received_at)],
    "-received_at": [col(SyncConflict.received_at).desc()],
    "division_code": [col(SyncConflict.division_code)],
}


@router.get(
    "/sync-conflicts",
    operation_id="list_sync_conflicts",
    summary="离线冲突和被拒绝的条目 / Conflicts and rejected items",
    description=(
        "排序：`-received_at`（默认）、`received_at`、`division_code`。"
        " / Orders: `-received_at` (default), `received_at`, `division_code`."
    ),
    response_model=None,
    responses={
        200: page_schema(schemas.SyncConflictRow, *_SORTS),
        **problems(*_ALWAYS, BAD_CURSOR, NOT_FOUND, INVALID),
    },
)
def list_sync_conflicts(
    request: Request,
    session: Transaction,
    caller: Resolver,
    paging: Paging,
    kind: Annotated[schemas.ConflictKind | None, Query()] = None,
    state: Annotated[schemas.ConflictState | None, Query()] = None,
    division: Annotated[DivisionCode | None, Query()] = None,
    record_id: Annotated[UUID | None, Query(title="记录编号")] = None,
    sent_by: Annotated[UUID | None, Query(title="发送人编号")] = None,
) -> Response:
    statement = conflicts.conflict_select(caller)
    if division is not None:
        statement = scope_of(session, caller, division).narrow(statement, col(SyncConflict.division_code))
    for column, value in (
        (SyncConflict.kind, kind),
        (SyncConflict.state, state),
        (SyncConflict.record_id, record_id),
        (SyncConflict.sent_by, sent_by),
    ):
        if value is not None:
            statement = statement.where(col(column) == value)
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=schemas.SyncConflictRow,
        sorts=_SORTS,
        default_sort="-received_at",
        key=col(SyncConflict.id),
    )


@router.get(
    "/sync-conflicts/{conflict_id}",
    operation_id="get_sync_conflict",
    summary="一个待决定的条目 / One that is kept for a decision",
    description=(
        "附手机上的内容和系统中现在的记录；个人信息脱敏，明文请用农户的 reveal。"
        " / With what the phone sent and the record as it is now. Personal data is masked; `reveal` of the household"
        " shows it."
    ),
    responses=problems(*_ALWAYS, NOT_FOUND, INVALID),
)
def get_sync_conflict(
    response: Response, session: Transaction, caller: Resolver, vault: VaultDep, now: Now, conflict_id: ConflictId
) -> schemas.SyncConflictOut:
    response.headers["Cache-Control"] = "no-store"
    return conflicts.show(session, vault, caller, conflict_id, now)


@router.post(
    "/sync-conflicts/{conflict_id}/resolve",
    operation_id="resolve_sync_conflict",
    summary="决定冲突 / Decide a conflict",
    description=(
        "keep_server 保留系统内容；take_client 写入手机内容；set_values 写入另行填写的内容。"
        "以决定人的名义写入，规则同单条接口。"
        "记录其间又有变化则 412；看过后以 If-Match 带其现在的版本再决定。"
        " / Keep the server's, take the client's, or write other values: as the decider's own, by the rules of the"
        " single route. 412 when the record has moved on: look at it, then send its version as If-Match."
    ),
    responses=problems(
        *_ALWAYS,
        NOT_FOUND,
        INVALID,
        STALE,
        WRONG_STATE,
        CONFLICT,
        CONFLICT_RESOLVED,
        SYNC_UNSUPPORTED,
        *DUPLICATES,
        *PLACE,
        RECORD_REMOVED,
        HOUSEHOLD_REMOVED,
        NOT_SURVEYOR,
        TRAINING_REQUIRED,
        NO_OPEN_CAMPAIGN,
    ),
)
def resolve_sync_conflict(
    response: Response,
    session: Transaction,
    caller: Resolver,
    vault: VaultDep,
    now: Now,
    conflict_id: ConflictId,
    body: schemas.SyncResolution,
    if_match: IfMatch = None,
) -> schemas.SyncConflictOut:
    conflicts.resolve(session, vault, caller, conflict_id, body, if_match, now)
    response.headers["Cache-Control"] = "no-store"
    return conflicts.show(session, vault, caller, conflict_id, now)
