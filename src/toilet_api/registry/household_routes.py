"""Households over HTTP. Each route: who may, what is done, what is shown."""

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
from toilet_api.registry import households, schemas, views
from toilet_api.registry.answers import (
    ALWAYS,
    DUPLICATES,
    LIST,
    ONE,
    PLACE,
    Historian,
    Reader,
    Remover,
    Restorer,
    Revealer,
    Writer,
)
from toilet_api.registry.filters import (
    HouseholdFilters,
    HouseholdSearch,
    by_person,
    filter_households,
)
from toilet_api.registry.merging import canonical
from toilet_api.registry.problems import (
    NOT_REMOVED,
    RECORD_REMOVED,
)
from toilet_api.registry.tables import Household

router = Room(tags=["registry"])

_SORTS: dict[str, list[Any]] = {
    "division_code": [col(Household.division_code)],
    "updated_at": [col(Household.updated_at)],
    "-updated_at": [col(Household.updated_at).desc()],
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
    responses={200: page_schema(schemas.Household, *_SORTS), **LIST},
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
        sorts=_SORTS,
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
    responses={200: page_schema(schemas.Household, *_SORTS), **LIST},
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
        sorts=_SORTS,
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
        **problems(*ALWAYS, *PLACE, ID_TAKEN, *DUPLICATES, INVALID, IDEMPOTENCY_MISMATCH),
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
    responses=ONE,
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
    responses=problems(*ALWAYS, NOT_FOUND, *PLACE, RECORD_REMOVED, *DUPLICATES, STALE, MATCH_REQUIRED, INVALID),
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
    responses=problems(*ALWAYS, NOT_FOUND, RECORD_REMOVED, INVALID),
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
    responses=problems(*ALWAYS, NOT_FOUND, NOT_REMOVED, *DUPLICATES, INVALID),
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
    responses=problems(*ALWAYS, NOT_FOUND, RECORD_REMOVED, INVALID),
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
    responses=ONE,
)
def list_household_history(session: Transaction, caller: Historian, household_id: UUID) -> Page[journal.HistoryEntry]:
    views.show_household(session, caller, household_id)
    return Page(items=journal.history(session, "household", household_id), next_cursor=None)
