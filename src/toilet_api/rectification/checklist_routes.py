"""Checklists over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from sqlmodel import col

from toilet_api.kernel.database import Transaction
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.paging import Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.rectification import checklists
from toilet_api.rectification.answers import AcceptanceReader, ChecklistKeeper
from toilet_api.rectification.checklist_schemas import ChecklistNew, ChecklistRow
from toilet_api.rectification.codes import ChecklistUse
from toilet_api.rectification.problems import CHECKLIST_LOOSENED, CHECKLIST_RETIRED, SEEDED_CHECKLIST
from toilet_api.rectification.tables import Checklist
from toilet_api.survey.answers import created, creating, listing, reading, stepping
from toilet_api.survey.clock import Now
from toilet_api.survey.places import county_or_above
from toilet_api.survey.records import existing
from toilet_api.survey.schemas import ReasonBody

router = Room(tags=["rectification"])

_SORTS: dict[str, list[Any]] = {
    "applies_to": [col(Checklist.applies_to), col(Checklist.edition)],
    "updated_at": [col(Checklist.updated_at)],
    "-updated_at": [col(Checklist.updated_at).desc()],
}


@router.get(
    "/checklists",
    operation_id="list_checklists",
    summary="验收清单列表 / List checklists",
    description=(
        "全国通用清单和本县清单，附标准出处。排序 / The common lists and the county's own, with their sources. Orders: "
        "`applies_to` (default), `updated_at`, `-updated_at`."
    ),
    response_model=None,
    responses={200: page_schema(ChecklistRow, *_SORTS), **listing()},
)
def list_checklists(
    request: Request,
    session: Transaction,
    caller: AcceptanceReader,
    paging: Paging,
    division: Annotated[DivisionCode | None, Query()] = None,
    applies_to: Annotated[list[ChecklistUse], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    retired: Annotated[bool, Query(title="含停用", description="也列出已停用的 / Retired ones too")] = False,
) -> Response:
    statement = checklists.checklist_select(caller)
    if division is not None:
        here = county_or_above(session, caller, division, col(Checklist.division_code))
        statement = statement.where(here | (col(Checklist.division_code) == ""))
    if applies_to:
        statement = statement.where(col(Checklist.applies_to).in_(applies_to))
    if not retired:
        statement = statement.where(col(Checklist.retired_at).is_(None))
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=ChecklistRow,
        sorts=_SORTS,
        default_sort="applies_to",
        key=col(Checklist.id),
    )


@router.post(
    "/checklists",
    operation_id="create_checklist",
    summary="本县验收清单新版次 / A county's next edition of a checklist",
    description=(
        "须含通用清单全部检查项，只能增加或收紧；本县原版次同时停用，已开始的验收仍用原版次。"
        " / Every item of the common list, as tight or tighter. The edition before is retired with it; acceptances that"
        " were begun keep theirs."
    ),
    status_code=201,
    responses=creating(ChecklistRow, CHECKLIST_LOOSENED),
)
def create_checklist(
    response: Response, session: Transaction, caller: ChecklistKeeper, body: ChecklistNew, now: Now
) -> ChecklistRow:
    row, made = checklists.create(session, caller, body, now)
    created(response, "checklists", row.id, made, row.version)
    return checklists.present(row)


@router.get(
    "/checklists/{checklist_id}",
    operation_id="get_checklist",
    summary="验收清单 / A checklist",
    description="一个版次及其检查项；版次不再改变。/ An edition with its items; it is never changed.",
    responses=reading(),
)
def get_checklist(
    response: Response, session: Transaction, caller: AcceptanceReader, checklist_id: UUID
) -> ChecklistRow:
    row = existing(session, caller, Checklist, checklist_id)
    set_etag(response, row.version)
    return checklists.present(row)


@router.post(
    "/checklists/{checklist_id}/retire",
    operation_id="retire_checklist",
    summary="停用本县验收清单 / Retire a county's checklist",
    description="此后恢复适用全国通用清单。/ The common list applies again after that.",
    responses=stepping(CHECKLIST_RETIRED, SEEDED_CHECKLIST),
)
def retire_checklist(
    response: Response,
    session: Transaction,
    caller: ChecklistKeeper,
    checklist_id: UUID,
    body: ReasonBody,
    now: Now,
    if_match: IfMatch = None,
) -> ChecklistRow:
    row = checklists.retire(session, caller, checklist_id, body.reason, if_match, now)
    set_etag(response, row.version)
    return checklists.present(row)
