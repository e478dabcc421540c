"""Households and toilets over HTTP. Each route: who may, what is done, what is shown."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy import select
from sqlmodel import col

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions.problems import DIVISION_ENDED, UNKNOWN_DIVISION, WRONG_DIVISION_LEVEL
from toilet_api.kernel import journal
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.dependencies import VaultDep
from toilet_api.kernel.errors import (
    BAD_CURSOR,
    FORBIDDEN,
    ID_TAKEN,
    IDEMPOTENCY_MISMATCH,
    INVALID,
    MALFORMED,
    MATCH_REQUIRED,
    NOT_FOUND,
    OUT_OF_SCOPE,
    STALE,
    UNAUTHENTICATED,
    UNKNOWN_PARAMETER,
    problems,
)
from toilet_api.kernel.paging import Page, Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import ContractRoute
from toilet_api.registry import households, schemas, toilets, views
from toilet_api.registry.filters import (
    HouseholdFilters,
    HouseholdSearch,
    ToiletFilters,
    by_person,
    filter_households,
    filter_toilets,
)
from toilet_api.registry.merging import canonical
from toilet_api.registry.problems import (
    DUPLICATE_HOUSEHOLD,
    DUPLICATE_ID_NUMBER,
    HOUSEHOLD_REMOVED,
    NOT_REMOVED,
    RECORD_REMOVED,
)
from toilet_api.registry.tables import Household, Toilet

router = APIRouter(route_class=ContractRoute, tags=["registry"])

Reader = Annotated[Caller, may(Permission.HOUSEHOLD_READ)]
Writer = Annotated[Caller, may(Permission.HOUSEHOLD_WRITE)]
Remover = Annotated[Caller, may(Permission.HOUSEHOLD_REMOVE)]
Restorer = Annotated[Caller, may(Permission.HOUSEHOLD_RESTORE)]
Revealer = Annotated[Caller, may(Permission.PERSON_REVEAL)]
Historian = Annotated[Caller, may(Permission.HISTORY_READ)]

_ALWAYS = (UNAUTHENTICATED, FORBIDDEN, UNKNOWN_PARAMETER, MALFORMED)
_LIST = problems(*_ALWAYS, BAD_CURSOR, NOT_FOUND, INVALID)
_ONE = problems(*_ALWAYS, NOT_FOUND, INVALID)
_PLACE = (OUT_OF_SCOPE, UNKNOWN_DIVISION, WRONG_DIVISION_LEVEL, DIVISION_ENDED)
_DUPLICATES = (DUPLICATE_ID_NUMBER, DUPLICATE_HOUSEHOLD)

_HOUSEHOLD_SORTS: dict[str, list[Any]] = {
    "division_code": [col(Household.division_code)],
    "updated_at": [col(Household.updated_at)],
    "-updated_at": [col(Household.updated_at).desc()],
}
_TOILET_SORTS: dict[str, list[Any]] = {
    "division_code": [col(Toilet.division_code)],
    "updated_at": [col(Toilet.updated_at)],
    "-updated_at": [col(Toilet.updated_at).desc()],
}


@router.get(
    "/households",
    operation_id="list_households",
    summary="农户列表 / List households",
    description=(
        "排序：`division_code`（默认）、`updated_at`、`-updated_at`。按姓名、号码查找见 `POST /households/search`。"
        " / Orders: `division_code` (default), `updated_at`, `-updated_at`. By name: `POST /households/search`."
    ),
    response_model=None,
    responses={200: page_schema(schemas.Household), **_LIST},
)
def list_households(
    request: Request, session: Transaction, caller: Reader, filters: HouseholdFilters, paging: Paging
) -> Response:
    statement = filter_households(session, caller, select(*views.household_columns(caller)), filters)
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=schemas.Household,
        sorts=_HOUSEHOLD_SORTS,
        default_sort="division_code",
        key=col(Household.id),
    )


@router.post(
    "/households/search",
    operation_id="search_households",
    summary="按个人信息查找农户 / Search households by personal data",
    description=(
        "按完整姓名、身份证号码或电话查找，结果仍脱敏。/ By whole name, ID number or phone; answers are masked."
    ),
    response_model=None,
    responses={200: page_schema(schemas.Household), **_LIST},
)
def search_households(
    request: Request, session: Transaction, caller: Reader, vault: VaultDep, body: HouseholdSearch, paging: Paging
) -> Response:
    # The cursor belongs to this search: its address alone doesn't tell one search from another.
    request.state.cursor_filters = canonical(body)
    statement = filter_households(session, caller, select(*views.household_columns(caller)), body)
    return answer_page(
        session,
        request,
        paging,
        statement.where(*by_person(vault, body)),
        schema=schemas.Household,
        sorts=_HOUSEHOLD_SORTS,
        default_sort="division_code",
        key=col(Household.id),
    )


@router.post(
    "/households",
    operation_id="create_household",
    summary="新增农户 / Register a household",
    description=(
        "可带户厕。自带编号重复提交同一内容答复 200 和已有记录。"
        " / With its toilets, if any. The same id with the same content again answers 200 with the record."
    ),
    status_code=201,
    responses={
        200: {
            "model": schemas.HouseholdWithToilets,
            "description": "已有的同一记录 / The record it made before",
        },
        **problems(*_ALWAYS, *_PLACE, ID_TAKEN, *_DUPLICATES, INVALID, IDEMPOTENCY_MISMATCH),
    },
)
def create_household(
    response: Response, session: Transaction, caller: Writer, vault: VaultDep, body: schemas.HouseholdCreate
) -> schemas.HouseholdWithToilets:
    household_id, is_new = households.register(session, vault, caller, body)
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = f"/api/v1/households/{household_id}"
    shown = views.show_with_toilets(session, caller, household_id)
    set_etag(response, shown.version)
    return shown


def _household(response: Response, session: Transaction, caller: Caller, household_id: UUID) -> schemas.Household:
    shown = views.show_household(session, caller, household_id)
    set_etag(response, shown.version)
    return shown


@router.get(
    "/households/{household_id}",
    operation_id="get_household",
    summary="农户详情 / A household",
    description="个人信息只显示脱敏文本；明文见 reveal。/ Personal data is masked; `reveal` shows it.",
    responses=_ONE,
)
def get_household(response: Response, session: Transaction, caller: Reader, household_id: UUID) -> schemas.Household:
    return _household(response, session, caller, household_id)


@router.patch(
    "/households/{household_id}",
    operation_id="update_household",
    summary="修改农户 / Change a household",
    description=(
        "JSON Merge Patch，须带 If-Match。改 `division_code` 即迁村，户厕、摸排随迁。"
        " / Needs If-Match. Another `division_code` moves the household with all that hangs on it."
    ),
    responses=problems(*_ALWAYS, NOT_FOUND, *_PLACE, RECORD_REMOVED, *_DUPLICATES, STALE, MATCH_REQUIRED, INVALID),
)
def update_household(
    response: Response,
    session: Transaction,
    caller: Writer,
    vault: VaultDep,
    household_id: UUID,
    body: schemas.HouseholdPatch,
    if_match: IfMatch = None,
) -> schemas.Household:
    households.change(session, vault, caller, household_id, body, if_match)
    return _household(response, session, caller, household_id)


@router.post(
    "/households/{household_id}/remove",
    operation_id="remove_household",
    summary="删除农户 / Remove a household",
    description="须说明理由；户厕随之删除，可由上级恢复。/ Its toilets go along. The level above can restore it.",
    responses=problems(*_ALWAYS, NOT_FOUND, RECORD_REMOVED, INVALID),
)
def remove_household(
    response: Response, session: Transaction, caller: Remover, household_id: UUID, body: schemas.WithReason
) -> schemas.Household:
    households.remove(session, caller, household_id, body.reason)
    return _household(response, session, caller, household_id)


@router.post(
    "/households/{household_id}/restore",
    operation_id="restore_household",
    summary="恢复农户 / Restore a household",
    description="随之删除的户厕一并恢复。/ The toilets that went with it come back.",
    responses=problems(*_ALWAYS, NOT_FOUND, NOT_REMOVED, *_DUPLICATES, INVALID),
)
def restore_household(
    response: Response, session: Transaction, caller: Restorer, household_id: UUID, body: schemas.WithReason
) -> schemas.Household:
    households.restore(session, caller, household_id, body.reason)
    return _household(response, session, caller, household_id)


@router.post(
    "/households/{household_id}/reveal",
    operation_id="reveal_household",
    summary="查看户主明文信息 / Reveal personal data",
    description="须说明目的；谁、何时、为何查看均记入审计。/ With a purpose; who looked, when and why is audited.",
    responses=problems(*_ALWAYS, NOT_FOUND, RECORD_REMOVED, INVALID),
)
def reveal_household(
    response: Response,
    session: Transaction,
    caller: Revealer,
    vault: VaultDep,
    household_id: UUID,
    body: schemas.Purpose,
) -> schemas.RevealedPerson:
    response.headers["Cache-Control"] = "no-store"
    return households.reveal(session, vault, caller, household_id, body.purpose)


@router.get(
    "/households/{household_id}/history",
    operation_id="list_household_history",
    summary="农户的修改历史 / History of a household",
    description="谁、何时、改了什么、为何，旧的在前。/ Who changed what, when and why; oldest first.",
    responses=_ONE,
)
def list_household_history(session: Transaction, caller: Historian, household_id: UUID) -> Page[journal.HistoryEntry]:
    views.show_household(session, caller, household_id)
    return Page(items=journal.history(session, "household", household_id), next_cursor=None)


@router.get(
    "/households/{household_id}/toilets",
    operation_id="list_household_toilets",
    summary="农户的户厕 / Toilets of a household",
    description="排序：`division_code`（默认）、`updated_at`、`-updated_at`。/ Orders: the same.",
    response_model=None,
    responses={200: page_schema(schemas.Toilet), **_LIST},
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
        sorts=_TOILET_SORTS,
        default_sort="division_code",
        key=col(Toilet.id),
    )


@router.get(
    "/toilets",
    operation_id="list_toilets",
    summary="户厕列表 / List toilets",
    description="排序 sort：`division_code`（默认）、`updated_at`、`-updated_at`。/ Orders: the same.",
    response_model=None,
    responses={200: page_schema(schemas.Toilet), **_LIST},
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
        **problems(*_ALWAYS, NOT_FOUND, ID_TAKEN, HOUSEHOLD_REMOVED, INVALID, IDEMPOTENCY_MISMATCH),
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
    responses=_ONE,
)
def get_toilet(response: Response, session: Transaction, caller: Reader, toilet_id: UUID) -> schemas.Toilet:
    return _toilet(response, session, caller, toilet_id)


@router.patch(
    "/toilets/{toilet_id}",
    operation_id="update_toilet",
    summary="修改户厕 / Change a toilet",
    description="JSON Merge Patch，须带 If-Match。/ Needs If-Match.",
    responses=problems(*_ALWAYS, NOT_FOUND, RECORD_REMOVED, STALE, MATCH_REQUIRED, INVALID),
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
    responses=problems(*_ALWAYS, NOT_FOUND, RECORD_REMOVED, INVALID),
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
    responses=problems(*_ALWAYS, NOT_FOUND, NOT_REMOVED, HOUSEHOLD_REMOVED, INVALID),
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
    responses=_ONE,
)
def list_toilet_history(session: Transaction, caller: Historian, toilet_id: UUID) -> Page[journal.HistoryEntry]:
    views.show_toilet(session, caller, toilet_id)
    return Page(items=journal.history(session, "toilet", toilet_id), next_cursor=None)
