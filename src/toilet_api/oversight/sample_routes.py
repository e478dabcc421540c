"""Reviews and spot checks over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from sqlmodel import col

from toilet_api.kernel import journal
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.errors import WRONG_STATE, problems
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.paging import Page, Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.oversight import drawing, estimating, samples
from toilet_api.oversight.answers import Inspector, SampleReader
from toilet_api.oversight.codes import SampleKind, SampleState
from toilet_api.oversight.problems import (
    FRAME_EMPTY,
    SAMPLE_NOT_DRAWN,
    UNITS_UNCHECKED,
)
from toilet_api.oversight.sample_schemas import (
    EstimateOut,
    RedrawOut,
    SampleNew,
    SampleOut,
    SamplePatch,
    SampleRow,
)
from toilet_api.oversight.sample_views import (
    present,
    sample_select,
)
from toilet_api.oversight.tables import Sample
from toilet_api.registry.filters import scope_of
from toilet_api.survey.answers import changing, created, creating, listing, reading, stepping
from toilet_api.survey.clock import Now
from toilet_api.survey.records import existing
from toilet_api.survey.schemas import ReasonBody

router = Room(tags=["oversight"])

_SORTS: dict[str, list[Any]] = {
    "-created_at": [col(Sample.created_at).desc()],
    "created_at": [col(Sample.created_at)],
    "division_code": [col(Sample.division_code)],
}
_UNDRAWN = problems(SAMPLE_NOT_DRAWN)


@router.get(
    "/samples",
    operation_id="list_samples",
    summary="复核、抽查列表 / List reviews and spot checks",
    description=(
        "只见本级及下级组织的；上级组织的不可见。排序 / Those held by your level or below, never above. "
        "Orders: `-created_at` (default), `created_at`, `division_code`."
    ),
    response_model=None,
    responses={200: page_schema(SampleRow, *_SORTS), **listing()},
)
def list_samples(
    request: Request,
    session: Transaction,
    caller: SampleReader,
    paging: Paging,
    division: Annotated[DivisionCode | None, Query(description="组织单位在此区划内 / Held inside of it")] = None,
    kind: Annotated[SampleKind | None, Query()] = None,
    state: Annotated[list[SampleState], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    campaign_id: Annotated[UUID | None, Query(title="摸排行动编号")] = None,
) -> Response:
    statement = sample_select(caller)
    if division is not None:
        statement = scope_of(session, caller, division).narrow(statement, col(Sample.division_code))
    if kind is not None:
        statement = statement.where(col(Sample.kind) == kind)
    if state:
        statement = statement.where(col(Sample.state).in_(state))
    if campaign_id is not None:
        frame: Any = col(Sample.frame)
        statement = statement.where(frame["campaign_id"].as_string() == str(campaign_id))
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=SampleRow,
        sorts=_SORTS,
        default_sort="-created_at",
        key=col(Sample.id),
    )


@router.post(
    "/samples",
    operation_id="create_sample",
    summary="拟定复核或抽查 / Plan a review or spot check",
    description=(
        "由您本级组织，下级看不到。全面复核查全部；抽查写明数量或精度。"
        " / Held by your own level and not seen below. A full review takes all; a spot check a number or a precision."
    ),
    status_code=201,
    responses=creating(SampleOut),
)
def create_sample(response: Response, session: Transaction, caller: Inspector, body: SampleNew) -> SampleOut:
    sample, made = samples.create(session, caller, body)
    created(response, "samples", sample.id, made, sample.version)
    return present(session, caller, sample)


@router.get(
    "/samples/{sample_id}",
    operation_id="get_sample",
    summary="复核或抽查 / A review or spot check",
    description="含范围、样本量、分层和分乡镇进度。/ With frame, size, strata and progress by township.",
    responses=reading(),
)
def get_sample(response: Response, session: Transaction, caller: SampleReader, sample_id: UUID) -> SampleOut:
    return _shown(response, session, caller, existing(session, caller, Sample, sample_id))


@router.patch(
    "/samples/{sample_id}",
    operation_id="update_sample",
    summary="修改未抽取的检查 / Change one that isn't drawn",
    description="JSON Merge Patch，须带 If-Match；frame、size 整体替换。/ Needs If-Match; frame and size as a whole.",
    responses=changing(WRONG_STATE),
)
def update_sample(
    response: Response,
    session: Transaction,
    caller: Inspector,
    sample_id: UUID,
    body: SamplePatch,
    if_match: IfMatch = None,
) -> SampleOut:
    return _shown(response, session, caller, samples.change(session, caller, sample_id, body, if_match))


@router.post(
    "/samples/{sample_id}/draw",
    operation_id="draw_sample",
    summary="抽取 / Draw it",
    description=(
        "按乡镇、模式、施工单位分层，层内取 SHA-256(种子:编号) 最小的；只抽一次，任何人可复算（redraw）。"
        " / Stratified by township, mode and contractor; of each the smallest SHA-256 of seed:id. Drawn once, and "
        "anyone can draw it again (redraw)."
    ),
    responses=stepping(FRAME_EMPTY),
)
def draw_sample(
    response: Response, session: Transaction, caller: Inspector, sample_id: UUID, now: Now, if_match: IfMatch = None
) -> SampleOut:
    return _shown(response, session, caller, samples.draw(session, caller, sample_id, if_match, now))


@router.post(
    "/samples/{sample_id}/complete",
    operation_id="complete_sample",
    summary="完成 / Complete it",
    description="抽中的须全部有结论；估计随之定格。/ Every selected record has a result; the estimate is frozen.",
    responses=stepping(UNITS_UNCHECKED),
)
def complete_sample(
    response: Response, session: Transaction, caller: Inspector, sample_id: UUID, now: Now, if_match: IfMatch = None
) -> SampleOut:
    return _shown(response, session, caller, samples.complete(session, caller, sample_id, if_match, now))


@router.post(
    "/samples/{sample_id}/cancel",
    operation_id="cancel_sample",
    summary="取消 / Cancel it",
    description="须写明理由；已抽取的结果仍可查看。/ With a reason; what was drawn can be seen still.",
    responses=stepping(),
)
def cancel_sample(
    response: Response,
    session: Transaction,
    caller: Inspector,
    sample_id: UUID,
    body: ReasonBody,
    if_match: IfMatch = None,
) -> SampleOut:
    return _shown(response, session, caller, samples.cancel(session, caller, sample_id, body.reason, if_match))


@router.get(
    "/samples/{sample_id}/estimate",
    operation_id="get_sample_estimate",
    summary="销号合理率的估计 / The estimated rate of justified close-outs",
    description="含置信区间和分组结果；完成后定格。/ With its interval and groups; frozen once it is completed.",
    responses={**reading(), **_UNDRAWN},
)
def get_sample_estimate(
    session: Transaction,
    caller: SampleReader,
    sample_id: UUID,
    confidence: Annotated[
        float | None,
        Query(
            ge=0.8,
            le=0.999,
            allow_inf_nan=False,
            title="置信水平",
            description="不填取样本量的，否则 0.95 / Left out: that of the size, else 0.95",
        ),
    ] = None,
) -> EstimateOut:
    return estimating.estimate_of(session, existing(session, caller, Sample, sample_id), confidence)


@router.get(
    "/samples/{sample_id}/redraw",
    operation_id="get_sample_redraw",
    summary="重新抽取以核对 / Draw it again to verify",
    description="由存下的范围和种子重算，不改变任何记录。/ From the stored frame and seed; it changes nothing.",
    responses={**reading(), **_UNDRAWN},
)
def get_sample_redraw(session: Transaction, caller: SampleReader, sample_id: UUID) -> RedrawOut:
    return drawing.redraw(session, caller, existing(session, caller, Sample, sample_id))


@router.get(
    "/samples/{sample_id}/history",
    operation_id="list_sample_history",
    summary="复核、抽查的历史 / History of a review or spot check",
    description="拟定、抽取、每次核查及更正前的结论。/ Planned, drawn, each check, and what was corrected.",
    responses=reading(),
)
def list_sample_history(session: Transaction, caller: SampleReader, sample_id: UUID) -> Page[journal.HistoryEntry]:
    existing(session, caller, Sample, sample_id)
    return Page(items=journal.history(session, "sample", sample_id), next_cursor=None)


def _shown(response: Response, session: Transaction, caller: SampleReader, sample: Sample) -> SampleOut:
    set_etag(response, sample.version)
    return present(session, caller, sample)
