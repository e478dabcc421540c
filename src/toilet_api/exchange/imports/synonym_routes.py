"""The headings that a county adds, over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from sqlmodel import col

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions import lookup
from toilet_api.exchange.imports import synonyms
from toilet_api.exchange.imports.problems import SYNONYM_EXISTS
from toilet_api.exchange.imports.schemas import ImportKind
from toilet_api.exchange.imports.synonym_schemas import SynonymNew, SynonymPatch, SynonymRow
from toilet_api.exchange.imports.synonym_tables import ImportSynonym
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.errors import (
    FORBIDDEN,
    INVALID,
    MALFORMED,
    NOT_FOUND,
    OUT_OF_SCOPE,
    STALE,
    UNAUTHENTICATED,
    UNKNOWN_PARAMETER,
    problems,
)
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.paging import Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.survey.answers import changing, created, creating, listing, reading
from toilet_api.survey.records import existing
from toilet_api.survey.schemas import ReasonBody

router = Room(tags=["exchange"])

Importer = Annotated[Caller, may(Permission.IMPORT_CREATE)]
_SORTS: dict[str, list[Any]] = {
    "heading": [col(ImportSynonym.heading_key)],
    "updated_at": [col(ImportSynonym.updated_at)],
    "-updated_at": [col(ImportSynonym.updated_at).desc()],
}


@router.get(
    "/import-synonyms",
    operation_id="list_import_synonyms",
    summary="表头词列表 / List headings",
    description=(
        "本级、下级和上级区划的表头词；导入时就近者优先，低于 mapping，高于内置的词。"
        "排序 / Those of your divisions, and of the ones above and below. In an import the nearest wins; they stand"
        " below `mapping` and above the built-in words. Orders: `heading` (default), `updated_at`, `-updated_at`."
    ),
    response_model=None,
    responses={200: page_schema(SynonymRow, *_SORTS), **listing()},
)
def list_import_synonyms(
    request: Request,
    session: Transaction,
    caller: Importer,
    paging: Paging,
    division: Annotated[
        DivisionCode | None, Query(description="在该区划用得到的 / Those that count in this division")
    ] = None,
    kind: Annotated[ImportKind | None, Query()] = None,
) -> Response:
    places = None
    if division is not None:
        found = lookup.resolve(session, division)
        if found is None or caller.scope.within(found.code).is_empty:
            raise NOT_FOUND.problem()
        places = synonyms.holding_at(found.code)
    statement = synonyms.synonym_select(caller, places)
    if kind is not None:
        statement = statement.where(col(ImportSynonym.kind) == kind)
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=SynonymRow,
        sorts=_SORTS,
        default_sort="heading",
        key=col(ImportSynonym.id),
    )


@router.post(
    "/import-synonyms",
    operation_id="create_import_synonym",
    summary="新增表头词 / Add a heading",
    description=(
        "本地台账对某一列的叫法；本区划及下级的导入从此认得。"
        " / What the ledgers here call a column; imports of the division and of those below understand it from now on."
    ),
    status_code=201,
    responses=creating(SynonymRow, SYNONYM_EXISTS),
)
def create_import_synonym(response: Response, session: Transaction, caller: Importer, body: SynonymNew) -> SynonymRow:
    row, made = synonyms.create(session, caller, body)
    created(response, "import-synonyms", row.id, made, row.version)
    return synonyms.present(row)


@router.get(
    "/import-synonyms/{synonym_id}",
    operation_id="get_import_synonym",
    summary="表头词 / A heading",
    description="表头及其对应的字段。/ The heading and the field that it means.",
    responses=reading(),
)
def get_import_synonym(response: Response, session: Transaction, caller: Importer, synonym_id: UUID) -> SynonymRow:
    return _shown(response, existing(session, caller, ImportSynonym, synonym_id))


@router.patch(
    "/import-synonyms/{synonym_id}",
    operation_id="update_import_synonym",
    summary="修改表头词 / Change a heading",
    description="改对应的字段；上级的表头词由上级修改。/ Another field for it; those of above are left to it.",
    responses=changing(OUT_OF_SCOPE),
)
def update_import_synonym(
    response: Response,
    session: Transaction,
    caller: Importer,
    synonym_id: UUID,
    body: SynonymPatch,
    if_match: IfMatch = None,
) -> SynonymRow:
    return _shown(response, synonyms.change(session, caller, synonym_id, body, if_match))


@router.post(
    "/import-synonyms/{synonym_id}/remove",
    operation_id="remove_import_synonym",
    summary="删除表头词 / Remove a heading",
    description="须说明理由；此后的导入不再用它。/ With the reason; imports from now on don't use it.",
    responses=problems(
        UNAUTHENTICATED, FORBIDDEN, UNKNOWN_PARAMETER, MALFORMED, NOT_FOUND, STALE, INVALID, OUT_OF_SCOPE
    ),
)
def remove_import_synonym(
    response: Response,
    session: Transaction,
    caller: Importer,
    synonym_id: UUID,
    body: ReasonBody,
    if_match: IfMatch = None,
) -> SynonymRow:
    return _shown(response, synonyms.remove(session, caller, synonym_id, body.reason, if_match))


def _shown(response: Response, row: ImportSynonym) -> SynonymRow:
    set_etag(response, row.version)
    return synonyms.present(row)
