"""Close-outs over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from sqlmodel import col

from toilet_api.divisions.problems import DIVISION_ENDED
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.dependencies import Language, VaultDep
from toilet_api.kernel.errors import OUT_OF_SCOPE
from toilet_api.kernel.fields import Day, DivisionCode
from toilet_api.kernel.paging import Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.rectification import bulk_close, close_outs
from toilet_api.rectification.close_out_schemas import BulkClose, BulkCloseResult, CloseOutNew, CloseOutRow
from toilet_api.rectification.close_out_views import (
    CLOSED_ON,
    SEEN_BEFORE,
    SORTS,
    STANDING,
    close_out_select,
    present,
)
from toilet_api.rectification.codes import CloseOutKind
from toilet_api.rectification.problems import CONSENT_MISSING, DECISION_MISSING, RECHECK_MISSING, SURVEY_UNVERIFIED
from toilet_api.rectification.tables import CloseOut
from toilet_api.registry.filters import scope_of
from toilet_api.survey import ledger_views
from toilet_api.survey.answers import ProblemReader, listing, reading, stepping
from toilet_api.survey.clock import Now
from toilet_api.survey.ledger_schemas import ProblemRow
from toilet_api.survey.records import existing
from toilet_api.survey.tables import LedgerProblem

router = Room(tags=["rectification"])


@router.post(
    "/problems/{problem_id}/close",
    operation_id="close_problem",
    summary="销号 / Close a problem",
    description=(
        "厕所问题由乡镇凭农户签字（或有见证人的代签说明）销号，工作推进问题由县级决定销号；须已验收、摸排已核实。"
        "销号后不再变动，只能重新打开。"
        " / A toilet's problem is closed by the township with the household's signature, or a statement with a witness;"
        " one in the work by the county's decision. It must be accepted and its visit verified. It is final then."
    ),
    responses=stepping(
        *(SURVEY_UNVERIFIED, RECHECK_MISSING, CONSENT_MISSING, DECISION_MISSING, OUT_OF_SCOPE, DIVISION_ENDED)
    ),
)
def close_problem(
    response: Response,
    session: Transaction,
    caller: ProblemReader,
    vault: VaultDep,
    problem_id: UUID,
    body: CloseOutNew,
    now: Now,
    if_match: IfMatch = None,
) -> ProblemRow:
    row = close_outs.close(session, vault, caller, problem_id, body, if_match, now)
    set_etag(response, row.version)
    return ledger_views.present(session, caller, row, now)


@router.post(
    "/problems/bulk-close",
    operation_id="bulk_close_problems",
    summary="整村销号 / Close the problems of a village",
    description=(
        "一个事务，最多 500 条，逐条检查；答复列出已销号的和未销号的，及原因、依据、下一步。"
        " / One transaction, at most 500; each is checked on its own, and the answer says what was not closed, why,"
        " by which rule, and what to do next."
    ),
    responses=stepping(),
)
def bulk_close_problems(
    session: Transaction, caller: ProblemReader, vault: VaultDep, body: BulkClose, language: Language, now: Now
) -> BulkCloseResult:
    return bulk_close.close_many(session, vault, caller, body, language, now)


@router.get(
    "/close-outs",
    operation_id="list_close_outs",
    summary="销号记录列表 / List close-outs",
    description=(
        "日期按北京时间，含首尾。排序 / Dates are days in Shanghai, both ends included. Orders: "
        "`-closed_at` (default), `closed_at`, `division_code`."
    ),
    response_model=None,
    responses={200: page_schema(CloseOutRow, *SORTS), **listing()},
)
def list_close_outs(
    request: Request,
    session: Transaction,
    caller: ProblemReader,
    paging: Paging,
    division: Annotated[DivisionCode | None, Query()] = None,
    kind: Annotated[list[CloseOutKind], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    campaign_id: Annotated[UUID | None, Query(title="摸排行动编号")] = None,
    problem_id: Annotated[UUID | None, Query(title="问题编号")] = None,
    household_id: Annotated[UUID | None, Query(title="农户编号")] = None,
    closed_from: Annotated[Day | None, Query(title="销号日期起", description="含当日 / That day included")] = None,
    closed_to: Annotated[Day | None, Query(title="销号日期止", description="含当日 / That day included")] = None,
    standing: Annotated[bool | None, Query(title="是否有效", description="未被重新打开 / Not reopened")] = None,
    signature_seen_before: Annotated[
        bool | None, Query(title="签名是否另有他户使用", description="供复核参考 / A signal for reviewers")
    ] = None,
) -> Response:
    statement = close_out_select(caller)
    if division is not None:
        statement = scope_of(session, caller, division).narrow(statement, col(CloseOut.division_code))
    if kind:
        statement = statement.where(col(CloseOut.kind).in_(kind))
    for column, value in (
        (col(LedgerProblem.campaign_id), campaign_id),
        (col(CloseOut.problem_id), problem_id),
        (col(LedgerProblem.household_id), household_id),
        (STANDING, standing),
        (SEEN_BEFORE, signature_seen_before),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if closed_from is not None:
        statement = statement.where(closed_from <= CLOSED_ON)
    if closed_to is not None:
        statement = statement.where(closed_to >= CLOSED_ON)
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=CloseOutRow,
        sorts=SORTS,
        default_sort="-closed_at",
        key=col(CloseOut.id),
    )


@router.get(
    "/close-outs/{close_out_id}",
    operation_id="get_close_out",
    summary="销号记录 / A close-out",
    description="含依据；问题重新打开后仍保留。/ With its evidence; it stays when its problem is reopened.",
    responses=reading(),
)
def get_close_out(response: Response, session: Transaction, caller: ProblemReader, close_out_id: UUID) -> CloseOutRow:
    row = existing(session, caller, CloseOut, close_out_id)
    set_etag(response, row.version)
    return present(session, caller, row)
