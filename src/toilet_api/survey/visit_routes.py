"""Visits and their verification over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Query, Request, Response
from sqlalchemy import func
from sqlmodel import col

from toilet_api.accounts.problems import TRAINING_REQUIRED
from toilet_api.kernel import journal
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.dependencies import Language
from toilet_api.kernel.errors import OUT_OF_SCOPE, WRONG_STATE
from toilet_api.kernel.fields import Day, DivisionCode
from toilet_api.kernel.paging import Page, Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.registry.filters import scope_of
from toilet_api.registry.problems import HOUSEHOLD_REMOVED
from toilet_api.survey import verification, visits
from toilet_api.survey.answers import (
    Historian,
    Submitter,
    VisitReader,
    VisitWriter,
    changing,
    created,
    creating,
    listing,
    reading,
    stepping,
)
from toilet_api.survey.clock import Now
from toilet_api.survey.codes import Usability, VisitState
from toilet_api.survey.problems import NO_OPEN_CAMPAIGN, NOT_SURVEYOR, VERIFIER_IS_SURVEYOR
from toilet_api.survey.records import existing
from toilet_api.survey.tables import Visit
from toilet_api.survey.visit_schemas import (
    BulkResult,
    BulkVerification,
    Return,
    Verification,
    VisitCorrection,
    VisitNew,
    VisitOut,
    VisitPatch,
    VisitRow,
)
from toilet_api.survey.visit_views import present, visit_select

router = Room(tags=["survey"])

_SORTS: dict[str, list[Any]] = {
    "division_code": [col(Visit.division_code)],
    "visited_at": [col(Visit.visited_at)],
    "-visited_at": [col(Visit.visited_at).desc()],
    "updated_at": [col(Visit.updated_at)],
    "-updated_at": [col(Visit.updated_at).desc()],
}
_VISITED_ON = func.date(func.timezone("Asia/Shanghai", col(Visit.visited_at)))


@router.get(
    "/visits",
    operation_id="list_visits",
    summary="摸排记录列表 / List visits",
    description=(
        "日期按北京时间，含首尾。排序 / Dates are days in Shanghai, both ends included. Orders: "
        "`division_code` (default), `visited_at`, `-visited_at`, `updated_at`, `-updated_at`."
    ),
    response_model=None,
    responses={200: page_schema(VisitRow, *_SORTS), **listing()},
)
def list_visits(
    request: Request,
    session: Transaction,
    caller: VisitReader,
    paging: Paging,
    division: Annotated[DivisionCode | None, Query()] = None,
    state: Annotated[list[VisitState], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    household_id: Annotated[UUID | None, Query(title="农户编号")] = None,
    toilet_id: Annotated[UUID | None, Query(title="厕所编号")] = None,
    surveyor_id: Annotated[UUID | None, Query(title="摸排人编号")] = None,
    campaign_id: Annotated[UUID | None, Query(title="摸排行动编号")] = None,
    usability: Annotated[list[Usability], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    visited_from: Annotated[Day | None, Query(title="摸排日期起")] = None,
    visited_to: Annotated[Day | None, Query(title="摸排日期止")] = None,
) -> Response:
    statement = visit_select(caller)
    if division is not None:
        within = scope_of(session, caller, division)
        statement = within.narrow(statement, col(Visit.division_code))
    if state:
        statement = statement.where(col(Visit.state).in_(state))
    if usability:
        statement = statement.where(col(Visit.usability).in_(usability))
    for column, value in (
        (Visit.household_id, household_id),
        (Visit.toilet_id, toilet_id),
        (Visit.surveyor_id, surveyor_id),
        (Visit.campaign_id, campaign_id),
    ):
        if value is not None:
            statement = statement.where(col(column) == value)
    if visited_from is not None:
        statement = statement.where(visited_from <= _VISITED_ON)
    if visited_to is not None:
        statement = statement.where(visited_to >= _VISITED_ON)
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=VisitRow,
        sorts=_SORTS,
        default_sort="division_code",
        key=col(Visit.id),
    )


@router.post(
    "/visits",
    operation_id="create_visit",
    summary="新建摸排记录 / Create a visit",
    description="先存为草稿，摸排人为当前用户。/ Kept as a draft; the caller is its surveyor.",
    status_code=201,
    responses=creating(VisitOut),
)
def create_visit(response: Response, session: Transaction, caller: VisitWriter, body: VisitNew, now: Now) -> VisitOut:
    visit, made = visits.create(session, caller, body, now)
    created(response, "visits", visit.id, made, visit.version)
    return present(session, caller, visit)


@router.post(
    "/visits/bulk-verify",
    operation_id="bulk_verify_visits",
    summary="整村核实或退回 / Verify or return a whole village",
    description=(
        "一个事务，逐条检查；答复列出已完成的和未完成的及原因。"
        " / One transaction; each visit is checked on its own, and the answer says what was not done and why."
    ),
    responses=stepping(OUT_OF_SCOPE),
)
def bulk_verify_visits(
    session: Transaction, caller: VisitReader, body: BulkVerification, language: Language, now: Now
) -> BulkResult:
    return verification.decide_many(session, caller, body, language == "en", now)


@router.get(
    "/visits/{visit_id}",
    operation_id="get_visit",
    summary="摸排记录 / A visit",
    description="含发现的问题、签名、照片和逐级核实情况。/ With findings, signatures, photos and verification.",
    responses=reading(),
)
def get_visit(response: Response, session: Transaction, caller: VisitReader, visit_id: UUID) -> VisitOut:
    return _shown(response, session, caller, existing(session, caller, Visit, visit_id))


@router.patch(
    "/visits/{visit_id}",
    operation_id="update_visit",
    summary="修改草稿或被退回的摸排记录 / Change a draft or returned visit",
    description="JSON Merge Patch，须带 If-Match；限摸排人本人。/ Needs If-Match; by its surveyor only.",
    responses=changing(WRONG_STATE, NOT_SURVEYOR),
)
def update_visit(
    response: Response,
    session: Transaction,
    caller: VisitWriter,
    visit_id: UUID,
    body: VisitPatch,
    now: Now,
    if_match: IfMatch = None,
) -> VisitOut:
    return _shown(response, session, caller, visits.change(session, caller, visit_id, body, if_match, now))


@router.post(
    "/visits/{visit_id}/submit",
    operation_id="submit_visit",
    summary="提交摸排记录 / Submit a visit",
    description=(
        "须受过培训并有本人签名；发现的问题进入台账。/ By a trained surveyor, signed; its findings open problems."
    ),
    responses=stepping(TRAINING_REQUIRED, NOT_SURVEYOR, NO_OPEN_CAMPAIGN, HOUSEHOLD_REMOVED),
)
def submit_visit(
    response: Response, session: Transaction, caller: Submitter, visit_id: UUID, now: Now, if_match: IfMatch = None
) -> VisitOut:
    return _shown(response, session, caller, visits.submit(session, caller, visit_id, if_match, now))


@router.post(
    "/visits/{visit_id}/correct",
    operation_id="correct_visit",
    summary="更正摸排记录 / Correct a visit",
    description=(
        "保留原值和理由，重新提交。非原摸排人更正须附本人签名，并成为摸排人。"
        " / Keeps the earlier value and the reason. Who isn't its surveyor signs it and becomes so."
    ),
    responses=stepping(TRAINING_REQUIRED, NOT_SURVEYOR, NO_OPEN_CAMPAIGN, HOUSEHOLD_REMOVED),
)
def correct_visit(
    response: Response,
    session: Transaction,
    caller: Submitter,
    visit_id: UUID,
    body: VisitCorrection,
    now: Now,
    if_match: IfMatch = None,
) -> VisitOut:
    return _shown(response, session, caller, visits.correct(session, caller, visit_id, body, if_match, now))


@router.post(
    "/visits/{visit_id}/verify",
    operation_id="verify_visit",
    summary="核实摸排记录 / Verify a visit",
    description="乡镇核实后县级核实；摸排人不能核实自己的记录。/ The township, then the county; never its surveyor.",
    responses=stepping(VERIFIER_IS_SURVEYOR),
)
def verify_visit(
    response: Response,
    session: Transaction,
    caller: VisitReader,
    visit_id: UUID,
    now: Now,
    body: Annotated[Verification | None, Body()] = None,
    if_match: IfMatch = None,
) -> VisitOut:
    level = body.level if body else None
    visit = verification.decide(session, caller, visit_id, "verify", level, None, if_match, now)
    return _shown(response, session, caller, visit)


@router.post(
    "/visits/{visit_id}/return",
    operation_id="return_visit",
    summary="退回摸排记录 / Return a visit",
    description="须写明理由。/ Needs a reason.",
    responses=stepping(VERIFIER_IS_SURVEYOR),
)
def return_visit(
    response: Response,
    session: Transaction,
    caller: VisitReader,
    visit_id: UUID,
    body: Return,
    now: Now,
    if_match: IfMatch = None,
) -> VisitOut:
    visit = verification.decide(session, caller, visit_id, "return", body.level, body.reason, if_match, now)
    return _shown(response, session, caller, visit)


@router.get(
    "/visits/{visit_id}/history",
    operation_id="list_visit_history",
    summary="摸排记录的修改历史 / History of a visit",
    description="更正前的值和理由都在这里。/ Earlier values and the reasons of corrections stand here.",
    responses=reading(),
)
def list_visit_history(session: Transaction, caller: Historian, visit_id: UUID) -> Page[journal.HistoryEntry]:
    existing(session, caller, Visit, visit_id)
    return Page(items=journal.history(session, "visit", visit_id), next_cursor=None)


def _shown(response: Response, session: Transaction, caller: VisitReader, visit: Visit) -> VisitOut:
    set_etag(response, visit.version)
    return present(session, caller, visit)
