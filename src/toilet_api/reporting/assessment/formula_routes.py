"""Formulas of assessment over HTTP."""

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
from toilet_api.reporting.assessment import formulas
from toilet_api.reporting.assessment.answers import AssessmentReader, Assessor, concerning
from toilet_api.reporting.assessment.codes import AssessmentState
from toilet_api.reporting.assessment.formula_schemas import (
    DEFAULT_SOURCE,
    DefaultFormula,
    FormulaNew,
    FormulaPatch,
    FormulaRow,
)
from toilet_api.reporting.assessment.formulas import formula_select, present
from toilet_api.reporting.assessment.problems import NOT_OWN_LEVEL
from toilet_api.reporting.assessment.tables import AssessmentFormula
from toilet_api.survey.answers import changing, created, creating, listing, reading, stepping
from toilet_api.survey.clock import Now
from toilet_api.survey.schemas import ReasonBody

router = Room(tags=["reporting"])

_SORTS: dict[str, list[Any]] = {
    "-created_at": [col(AssessmentFormula.created_at).desc()],
    "created_at": [col(AssessmentFormula.created_at)],
    "division_code": [col(AssessmentFormula.division_code)],
}


@router.get(
    "/assessment-formulas",
    operation_id="list_assessment_formulas",
    summary="考核办法列表 / List formulas of assessment",
    description=(
        "本级及下级的，以及上级已公布的。排序 / Those of your level and below, and what levels above have published. "
        "Orders: `-created_at` (default), `created_at`, `division_code`."
    ),
    response_model=None,
    responses={200: page_schema(FormulaRow, *_SORTS), **listing()},
)
def list_assessment_formulas(
    request: Request,
    session: Transaction,
    caller: AssessmentReader,
    paging: Paging,
    division: Annotated[
        DivisionCode | None,
        Query(description="考核单位为此区划、其下级或上级 / Of this level, one inside of it or above it"),
    ] = None,
    campaign_id: Annotated[UUID | None, Query(title="摸排行动编号")] = None,
    state: Annotated[list[AssessmentState], Query()] = [],  # noqa: B006 - FastAPI copies defaults
) -> Response:
    statement = formula_select(caller)
    if division is not None:
        statement = statement.where(concerning(session, caller, division, col(AssessmentFormula.division_code)))
    if campaign_id is not None:
        statement = statement.where(col(AssessmentFormula.campaign_id) == campaign_id)
    if state:
        statement = statement.where(col(AssessmentFormula.state).in_(state))
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=FormulaRow,
        sorts=_SORTS,
        default_sort="-created_at",
        key=col(AssessmentFormula.id),
    )


@router.get(
    "/assessment-formulas/default",
    operation_id="get_default_assessment_formula",
    summary="参考考核办法 / The starting point of a formula",
    description="起草用的参考；没有官方公布的权重。/ A start to draft from: no official weights are published.",
    responses=reading(),
)
def get_default_assessment_formula(_: AssessmentReader) -> DefaultFormula:
    return DefaultFormula(source=DEFAULT_SOURCE)


@router.post(
    "/assessment-formulas",
    operation_id="create_assessment_formula",
    summary="起草考核办法 / Draft a formula of assessment",
    description=(
        "由本级起草；不填的按参考办法，权重合计须为 100。公布前下级看不到。"
        " / By your own level; what is left out is as in the starting point; the weights sum to 100. Not seen "
        "below before it is published."
    ),
    status_code=201,
    responses=creating(FormulaRow, NOT_OWN_LEVEL),
)
def create_assessment_formula(
    response: Response, session: Transaction, caller: Assessor, body: FormulaNew
) -> FormulaRow:
    row, made = formulas.create(session, caller, body)
    created(response, "assessment-formulas", row.id, made, row.version)
    return present(session, caller, row.id)


@router.get(
    "/assessment-formulas/{formula_id}",
    operation_id="get_assessment_formula",
    summary="考核办法 / A formula of assessment",
    description="权重、小样本修正、黄牌红牌规则及依据。/ Its weights, shrinkage, rules of the lists, and source.",
    responses=reading(),
)
def get_assessment_formula(
    response: Response, session: Transaction, caller: AssessmentReader, formula_id: UUID
) -> FormulaRow:
    return _shown(response, session, caller, formula_id)


@router.patch(
    "/assessment-formulas/{formula_id}",
    operation_id="update_assessment_formula",
    summary="修改考核办法草稿 / Change a draft",
    description="JSON Merge Patch，须带 If-Match；各成员整体替换。/ Needs If-Match; members are replaced as a whole.",
    responses=changing(WRONG_STATE, NOT_OWN_LEVEL),
)
def update_assessment_formula(
    response: Response,
    session: Transaction,
    caller: Assessor,
    formula_id: UUID,
    body: FormulaPatch,
    if_match: IfMatch = None,
) -> FormulaRow:
    formulas.change(session, caller, formula_id, body, if_match)
    return _shown(response, session, caller, formula_id)


@router.post(
    "/assessment-formulas/{formula_id}/publish",
    operation_id="publish_assessment_formula",
    summary="公布考核办法 / Publish a formula",
    description="公布后不可更改，编号成版，替代上一版；下级可见。/ Frozen, numbered, supersedes the last; seen below.",
    responses=stepping(NOT_OWN_LEVEL),
)
def publish_assessment_formula(
    response: Response, session: Transaction, caller: Assessor, formula_id: UUID, now: Now, if_match: IfMatch = None
) -> FormulaRow:
    formulas.publish(session, caller, formula_id, if_match, now)
    return _shown(response, session, caller, formula_id)


@router.post(
    "/assessment-formulas/{formula_id}/withdraw",
    operation_id="withdraw_assessment_formula",
    summary="作废考核办法草稿 / Withdraw a draft",
    description="须写明理由；草稿留存。/ With a reason; the draft stays to be seen by its level.",
    responses=stepping(NOT_OWN_LEVEL),
)
def withdraw_assessment_formula(
    response: Response,
    session: Transaction,
    caller: Assessor,
    formula_id: UUID,
    body: ReasonBody,
    if_match: IfMatch = None,
) -> FormulaRow:
    formulas.withdraw(session, caller, formula_id, body.reason, if_match)
    return _shown(response, session, caller, formula_id)


def _shown(response: Response, session: Transaction, caller: AssessmentReader, formula_id: UUID) -> FormulaRow:
    row = present(session, caller, formula_id)
    set_etag(response, row.version)
    return row
