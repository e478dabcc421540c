"""Toilets over HTTP. Each route: who may, what is done, what is shown."""

from typing import Any
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy import select
from sqlmodel import col

from toilet_api.accounts.caller import Caller
from toilet_api.kernel import journal
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.dependencies import VaultDep
from toilet_api.kernel.errors import (
    ID_TAKEN,
    IDEMPOTENCY_MISMATCH,
    INVALID,
    MATCH_REQUIRED,
    NOT_FOUND,
    STALE,
    problems,
)
from toilet_api.kernel.paging import Page, Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.registry import schemas, toilets, views
from toilet_api.registry.answers import (
    ALWAYS,
    LIST,
    ONE,
    Historian,
    Reader,
    Remover,
    Restorer,
    Writer,
)
from toilet_api.registry.filters import (
    ToiletFilters,
    filter_toilets,
)
from toilet_api.registry.problems import (
    HOUSEHOLD_REMOVED,
    NOT_REMOVED,
    RECORD_REMOVED,
)
from toilet_api.registry.tables import Toilet

router = Room(tags=["registry"])

_SORTS: dict[str, list[Any]] = {
    "division_code": [col(Toilet.division_code)],
    "updated_at": [col(Toilet.updated_at)],
    "-updated_at": [col(Toilet.updated_at).desc()],
}


@router.get(
    "/households/{household_id}/toilets",
    operation_id="list_household_toilets",
    summary="农户的户厕 / Toilets of a household",
    description="排序：`division_code`（默认）、`updated_at`、`-updated_at`。/ Orders: the same.",
    response_model=None,
    responses={200: page_schema(schemas.Toilet, *_SORTS), **LIST},
)
def list_household_toilets(
    request: Request, session: Transaction, caller: Reader, household_id: UUID, paging: Paging
) -> Response:
    household = views.show_household(session, caller, household_id)
    statement: Any = select(*views.toilet_columns(caller)).where(col(Toilet.household_id) == household_id)
    if household.removed_at is None:
        statement = statement.where(col(Toilet.removed_at).is_(None))
    return _toilets_page(request, session, caller.scope.narrow(statement, col(Toilet.division_code)), paging)


def _toilets_page(request: Request, session: Transaction, statement: Any, paging: Paging) -> Response:
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=schemas.Toilet,
        sorts=_SORTS,
        default_sort="division_code",
        key=col(Toilet.id),
    )


@router.get(
    "/toilets",
    operation_id="list_toilets",
    summary="户厕列表 / List toilets",
    description="排序 sort：`division_code`（默认）、`updated_at`、`-updated_at`。/ Orders: the same.",
    response_model=None,
    responses={200: page_schema(schemas.Toilet, *_SORTS), **LIST},
)
def list_toilets(
    request: Request, session: Transaction, caller: Reader, filters: ToiletFilters, paging: Paging
) -> Response:
    statement = filter_toilets(session, caller, select(*views.toilet_columns(caller)), filters)
    return _toilets_page(request, session, statement, paging)


@router.post(
    "/toilets",
    operation_id="create_toilet",
    summary="新增户厕 / Add a toilet",
    description="登记在农户名下，区划随农户。/ Belongs to a household and lies where that does.",
    status_code=201,
    responses={
        200: {"model": schemas.Toilet, "description": "已有的同一记录 / The record it made before"},
        **problems(*ALWAYS, NOT_FOUND, ID_TAKEN, HOUSEHOLD_REMOVED, INVALID, IDEMPOTENCY_MISMATCH),
    },
)
def create_toilet(
    response: Response, session: Transaction, caller: Writer, vault: VaultDep, body: schemas.ToiletCreate
) -> schemas.Toilet:
    toilet_id, is_new = toilets.add(session, vault, caller, body)
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = f"/api/v1/toilets/{toilet_id}"
    return _toilet(response, session, caller, toilet_id)


def _toilet(response: Response, session: Transaction, caller: Caller, toilet_id: UUID) -> schemas.Toilet:
    shown = views.show_toilet(session, caller, toilet_id)
    set_etag(response, shown.version)
    return shown


@router.get(
    "/toilets/{toilet_id}",
    operation_id="get_toilet",
    summary="户厕详情 / A toilet",
    description="含现状、模式、年份、补助和可执行的步骤。/ With its state, mode, year, subsidy and allowed steps.",
    responses=ONE,
)
def get_toilet(response: Response, session: Transaction, caller: Reader, toilet_id: UUID) -> schemas.Toilet:
    return _toilet(response, session, caller, toilet_id)


@router.patch(
    "/toilets/{toilet_id}",
    operation_id="update_toilet",
    summary="修改户厕 / Change a toilet",
    description="JSON Merge Patch，须带 If-Match。/ Needs If-Match.",
    responses=problems(*ALWAYS, NOT_FOUND, RECORD_REMOVED, STALE, MATCH_REQUIRED, INVALID),
)
def update_toilet(
    response: Response,
    session: Transaction,
    caller: Writer,
    toilet_id: UUID,
    body: schemas.ToiletPatch,
    if_match: IfMatch = None,
) -> schemas.Toilet:
    toilets.change(session, caller, toilet_id, body, if_match)
    return _toilet(response, session, caller, toilet_id)


@router.post(
    "/toilets/{toilet_id}/remove",
    operation_id="remove_toilet",
    summary="删除户厕 / Remove a toilet",
    description="须说明理由；可由上级恢复。/ With a reason; the level above can restore it.",
    responses=problems(*ALWAYS, NOT_FOUND, RECORD_REMOVED, INVALID),
)
def remove_toilet(
    response: Response, session: Transaction, caller: Remover, toilet_id: UUID, body: schemas.WithReason
) -> schemas.Toilet:
    toilets.remove(session, caller, toilet_id, body.reason)
    return _toilet(response, session, caller, toilet_id)


@router.post(
    "/toilets/{toilet_id}/restore",
    operation_id="restore_toilet",
    summary="恢复户厕 / Restore a toilet",
    description="须说明理由；农户已删除的，先恢复农户。/ With a reason; a removed household comes back first.",
    responses=problems(*ALWAYS, NOT_FOUND, NOT_REMOVED, HOUSEHOLD_REMOVED, INVALID),
)
def restore_toilet(
    response: Response, session: Transaction, caller: Restorer, toilet_id: UUID, body: schemas.WithReason
) -> schemas.Toilet:
    toilets.restore(session, caller, toilet_id, body.reason)
    return _toilet(response, session, caller, toilet_id)


@router.get(
    "/toilets/{toilet_id}/history",
    operation_id="list_toilet_history",
    summary="户厕的修改历史 / History of a toilet",
    description="谁、何时、改了什么、为何，旧的在前。/ Who changed what, when and why; oldest first.",
    responses=ONE,
)
def list_toilet_history(session: Transaction, caller: Historian, toilet_id: UUID) -> Page[journal.HistoryEntry]:
    views.show_toilet(session, caller, toilet_id)
    return Page(items=journal.history(session, "toilet", toilet_id), next_cursor=None)
