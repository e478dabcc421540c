"""Assessments over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from sqlalchemy import Select
from sqlmodel import Session, col

from toilet_api.kernel import journal
from toilet_api.kernel.database import Database, Transaction
from toilet_api.kernel.errors import problems
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.paging import Page, Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.kernel.scope import prefix_range
from toilet_api.registry.filters import scope_of
from toilet_api.reporting.assessment import assessments, simulating
from toilet_api.reporting.assessment.answers import AssessmentReader, Assessor, concerning, shown
from toilet_api.reporting.assessment.assessment_views import assessment_select, present, records_select
from toilet_api.reporting.assessment.codes import AssessmentState, Part
from toilet_api.reporting.assessment.formula_schemas import HolderCode
from toilet_api.reporting.assessment.freezing import kept_select
from toilet_api.reporting.assessment.measures import MEASURES, Asked
from toilet_api.reporting.assessment.places import holder_asked
from toilet_api.reporting.assessment.problems import (
    FORMULA_CHANGED,
    FORMULA_MISSING,
    NO_CAMPAIGN_TO_ASSESS,
    NOT_CORRECTABLE,
    NOT_OWN_LEVEL,
    NOTHING_TO_RANK,
)
from toilet_api.reporting.assessment.schemas import (
    AssessmentNew,
    AssessmentOut,
    AssessmentRecordRow,
    AssessmentRow,
    PreviewOut,
    Simulation,
    SimulationOut,
)
from toilet_api.reporting.assessment.tables import Assessment
from toilet_api.reporting.statistics.reading import campaigns_under
from toilet_api.survey.actions import require
from toilet_api.survey.answers import created, creating, listing, reading, stepping
from toilet_api.survey.clock import Now
from toilet_api.survey.records import existing
from toilet_api.survey.schemas import ReasonBody

router = Room(tags=["reporting"])

_SORTS: dict[str, list[Any]] = {
    "-as_of": [col(Assessment.as_of).desc()],
    "as_of": [col(Assessment.as_of)],
    "division_code": [col(Assessment.division_code)],
}
_CAMPAIGN = Query(title="摸排行动编号", description="县级必填，省、市不填 / For a county; not for a city or province")


@router.get(
    "/assessments",
    operation_id="list_assessments",
    summary="考核列表 / List assessments",
    description=(
        "本级及下级的，以及上级已公布的。排序 / Those of your level and below, and what levels above have published. "
        "Orders: `-as_of` (default), `as_of`, `division_code`."
    ),
    response_model=None,
    responses={200: page_schema(AssessmentRow, *_SORTS), **listing()},
)
def list_assessments(
    request: Request,
    session: Transaction,
    caller: AssessmentReader,
    paging: Paging,
    division: Annotated[
        DivisionCode | None,
        Query(description="考核单位为此区划、其下级或上级 / Of this level, one inside of it or above it"),
    ] = None,
    campaign_id: Annotated[UUID | None, Query(title="摸排行动编号")] = None,
    formula_id: Annotated[UUID | None, Query(title="考核办法编号")] = None,
    state: Annotated[list[AssessmentState], Query()] = [],  # noqa: B006 - FastAPI copies defaults
) -> Response:
    statement = assessment_select(caller)
    if division is not None:
        statement = statement.where(concerning(session, caller, division, col(Assessment.division_code)))
    if campaign_id is not None:
        statement = statement.where(col(Assessment.campaign_ids).contains([campaign_id]))
    if formula_id is not None:
        statement = statement.where(col(Assessment.formula_id) == formula_id)
    if state:
        statement = statement.where(col(Assessment.state).in_(state))
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=AssessmentRow,
        sorts=_SORTS,
        default_sort="-as_of",
        key=col(Assessment.id),
    )


@router.post(
    "/assessments",
    operation_id="create_assessment",
    summary="考核 / Draw an assessment",
    description=(
        "按已公布的办法和此刻的台账计算，存为草稿，公布前下级看不到。更正已公布的，写明 corrects_id 和理由。"
        " / By the published formula, of this moment; a draft that isn't seen below. A correction names the earlier "
        "one and the reason."
    ),
    status_code=201,
    responses=creating(
        AssessmentOut, NOT_OWN_LEVEL, FORMULA_MISSING, NO_CAMPAIGN_TO_ASSESS, NOTHING_TO_RANK, NOT_CORRECTABLE
    ),
)
def create_assessment(
    request: Request, response: Response, session: Transaction, caller: Assessor, body: AssessmentNew, now: Now
) -> AssessmentOut:
    row, made = assessments.create(session, _database(request), caller, body, now)
    created(response, "assessments", row.id, made, row.version)
    return present(session, caller, row.id)


@router.get(
    "/assessments/preview",
    operation_id="get_assessment_preview",
    summary="考核预览 / Preview of an assessment",
    description=(
        "按现时台账计算，不存；限本级及上级。尚无办法的按参考办法；formula_id 可用草稿试看。"
        " / Of this moment, not stored; for the level itself and above. Without a formula by the starting point; "
        "`formula_id` tries a draft."
    ),
    responses={**reading(), **problems(NO_CAMPAIGN_TO_ASSESS)},
)
def get_assessment_preview(
    request: Request,
    response: Response,
    session: Transaction,
    caller: AssessmentReader,
    now: Now,
    division: Annotated[
        DivisionCode | None, Query(description="考核单位；缺省为您的辖区 / The level that ranks; left out: your own")
    ] = None,
    campaign_id: Annotated[UUID | None, _CAMPAIGN] = None,
    formula_id: Annotated[UUID | None, Query(title="考核办法编号")] = None,
) -> PreviewOut:
    response.headers["Cache-Control"] = "no-store"  # it is of this moment
    holder = holder_asked(session, caller, division)
    return assessments.preview(session, _database(request), caller, holder, campaign_id, formula_id, now)


@router.get(
    "/assessments/records",
    operation_id="list_assessment_records",
    summary="一项指标背后的记录 / The records behind a part",
    description=(
        "与考核同一口径，列现时的记录；除 assessment.read 外须有查看该类记录的权限。缺省为销号率。排序 / Counted as in "
        "an assessment, of today; needs the permission to read such records, too. Orders: `division_code` (default)."
    ),
    response_model=None,
    responses={200: page_schema(AssessmentRecordRow, "division_code"), **listing()},
)
def list_assessment_records(
    request: Request,
    session: Transaction,
    caller: AssessmentReader,
    paging: Paging,
    now: Now,
    part: Annotated[Part, Query()] = "close_out",
    division: Annotated[DivisionCode | None, Query(description="缺省为您的辖区 / Left out: all of yours")] = None,
    held_by: Annotated[
        HolderCode | None,
        Query(
            title="考核单位区划代码",
            description=(
                "只计该级及其下级组织的复核抽查；缺省为本县，或所填区划 / Only checks held by "
                "this level or below count; left out: the county, or the division above it that is named"
            ),
        ),
    ] = None,
    campaign_id: Annotated[
        list[UUID], Query(title="摸排行动编号", description="缺省为现行的各行动 / Left out: those that are open")
    ] = [],  # noqa: B006 - FastAPI copies defaults
    counted: Annotated[bool | None, Query(title="是否计入分子", examples=[True])] = None,
) -> Response:
    measure = MEASURES.get(part)
    if measure is None:
        raise assessments.without_records(part)
    caller = require(session, caller, measure.permission)
    scope = scope_of(session, caller, division)
    place = division or scope.prefixes[0]
    asked = Asked(campaign_id or campaigns_under(session, scope), now, held_by or place[:6])
    statement = records_select(part, asked, scope)
    return _records(session, request, paging, statement, counted)


@router.post(
    "/assessments/simulate",
    operation_id="simulate_assessment",
    summary="换权重试算 / Try another weighting",
    description=(
        "与已公布办法的名次并列，不存。assessment_id：用那次考核定格的数据，能看到它的都可试算；否则用现时数据，限本级及上级。"
        " / Ranks beside those of the published formula; nothing is stored. With the frozen figures of an assessment "
        "for whoever may read it, else with those of now, for the level itself and above."
    ),
    responses={**reading(), **problems(NO_CAMPAIGN_TO_ASSESS)},
)
def simulate_assessment(
    request: Request, session: Transaction, caller: AssessmentReader, body: Simulation, now: Now
) -> SimulationOut:
    return simulating.simulate(session, _database(request), caller, body, now)


@router.get(
    "/assessments/{assessment_id}",
    operation_id="get_assessment",
    summary="考核 / An assessment",
    description=(
        "各单位得分、名次、各项指标的分子分母及明细地址，黄牌红牌名单及理由。公布的，本县乡镇可见全部。"
        " / Scores, ranks, each part with its counts and where its records are, and the lists with their reasons. "
        "Published, all of it is shown below."
    ),
    responses=reading(),
)
def get_assessment(
    response: Response, session: Transaction, caller: AssessmentReader, assessment_id: UUID
) -> AssessmentOut:
    return _shown(response, session, caller, assessment_id)


@router.get(
    "/assessments/{assessment_id}/records",
    operation_id="list_kept_assessment_records",
    summary="考核所计的记录 / The records that an assessment counted",
    description=(
        "生成考核时定格的清单，条数即该项指标的分子分母；区划按当时的，记录本身现在可能已改。另须有查看该类记录的权限，只列您辖区内的。"
        "排序 / The list frozen when it was drawn, as many as its figures say, at the places of then; the records "
        "themselves may have changed since. Needs the permission to read such records, too, and lists those in your "
        "scope. Orders: `division_code` (default)."
    ),
    response_model=None,
    responses={200: page_schema(AssessmentRecordRow), **listing()},
)
def list_kept_assessment_records(
    request: Request,
    session: Transaction,
    caller: AssessmentReader,
    paging: Paging,
    assessment_id: UUID,
    part: Annotated[Part, Query()] = "close_out",
    place: Annotated[
        DivisionCode | None, Query(title="区划", description="当时的区划代码 / A division by its code of then")
    ] = None,
    counted: Annotated[bool | None, Query(title="是否计入分子", examples=[True])] = None,
) -> Response:
    shown(session, caller, Assessment, assessment_id)
    measure = MEASURES.get(part)
    if measure is None:
        raise assessments.without_records(part)
    caller = require(session, caller, measure.permission)
    statement = kept_select(assessment_id, part, caller.scope)
    rows = statement.selected_columns
    if place is not None:
        statement = statement.where(prefix_range(rows.division_code, place))
    return _records(session, request, paging, statement, counted)


@router.post(
    "/assessments/{assessment_id}/publish",
    operation_id="publish_assessment",
    summary="公布考核 / Publish an assessment",
    description="公布后不可更改，下级可见；被更正的转为已替代。/ Frozen and seen below; supersedes what it corrects.",
    responses=stepping(NOT_OWN_LEVEL, FORMULA_CHANGED, NOT_CORRECTABLE),
)
def publish_assessment(
    response: Response, session: Transaction, caller: Assessor, assessment_id: UUID, now: Now, if_match: IfMatch = None
) -> AssessmentOut:
    assessments.publish(session, caller, assessment_id, if_match, now)
    return _shown(response, session, caller, assessment_id)


@router.post(
    "/assessments/{assessment_id}/withdraw",
    operation_id="withdraw_assessment",
    summary="作废考核草稿 / Withdraw a draft",
    description="须写明理由；草稿留存。/ With a reason; the draft stays to be seen by its level.",
    responses=stepping(NOT_OWN_LEVEL),
)
def withdraw_assessment(
    response: Response,
    session: Transaction,
    caller: Assessor,
    assessment_id: UUID,
    body: ReasonBody,
    if_match: IfMatch = None,
) -> AssessmentOut:
    assessments.withdraw(session, caller, assessment_id, body.reason, if_match)
    return _shown(response, session, caller, assessment_id)


@router.get(
    "/assessments/{assessment_id}/history",
    operation_id="list_assessment_history",
    summary="考核的历史 / History of an assessment",
    description="何时由谁生成、公布、被更正。限本级及上级。/ Drawn, published, superseded. For its level and above.",
    responses=reading(),
)
def list_assessment_history(
    session: Transaction, caller: AssessmentReader, assessment_id: UUID
) -> Page[journal.HistoryEntry]:
    existing(session, caller, Assessment, assessment_id)
    return Page(items=journal.history(session, "assessment", assessment_id), next_cursor=None)


def _shown(response: Response, session: Transaction, caller: AssessmentReader, assessment_id: UUID) -> AssessmentOut:
    found = present(session, caller, assessment_id)
    set_etag(response, found.version)
    return found


def _records(
    session: Session, request: Request, paging: Paging, statement: Select[Any], counted: bool | None
) -> Response:
    rows = statement.selected_columns
    if counted is not None:
        statement = statement.where(rows.counted.is_(counted))
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=AssessmentRecordRow,
        sorts={"division_code": [rows.division_code]},
        default_sort="division_code",
        key=rows.id,
    )


def _database(request: Request) -> Database:
    return request.app.state.database  # type: ignore[no-any-return]
