"""Acceptances over HTTP: who may sit on a panel, beginning, changing, deciding, and the shares reached."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from sqlmodel import col

from toilet_api.divisions.problems import WRONG_DIVISION_LEVEL
from toilet_api.kernel import journal
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.errors import INVALID, WRONG_STATE, problems
from toilet_api.kernel.fields import Day, DivisionCode
from toilet_api.kernel.paging import Page, Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.rectification import acceptances, panels
from toilet_api.rectification.acceptance_decisions import decide
from toilet_api.rectification.acceptance_schemas import (
    AcceptanceNew,
    AcceptanceOut,
    AcceptancePatch,
    AcceptanceRow,
    AcceptanceShareRow,
    Decision,
    FailedDecision,
    PanelCandidate,
    PartialDecision,
)
from toilet_api.rectification.acceptance_views import (
    SORTS,
    AcceptanceFilter,
    acceptance_select,
    filtered,
    present,
    share_select,
)
from toilet_api.rectification.answers import AcceptanceHolder, AcceptanceReader
from toilet_api.rectification.codes import AcceptanceLevel, AcceptanceState
from toilet_api.rectification.problems import (
    CHECK_NOT_PASSED,
    COUNTY_DECIDES,
    IN_ANOTHER_ACCEPTANCE,
    NOT_ON_PANEL,
    NOT_READY,
    PANEL_DID_THE_WORK,
    PANEL_INCOMPLETE,
    PANEL_SIGNATURE_MISSING,
    SIGNATURE_USED,
    VETO,
)
from toilet_api.rectification.tables import Acceptance
from toilet_api.survey.answers import Historian, changing, created, creating, listing, reading, stepping
from toilet_api.survey.clock import Now
from toilet_api.survey.records import existing
from toilet_api.survey.schemas import ReasonBody

router = Room(tags=["rectification"])

_DECIDING = (*(NOT_ON_PANEL, COUNTY_DECIDES, NOT_READY, PANEL_DID_THE_WORK, PANEL_SIGNATURE_MISSING, SIGNATURE_USED),)


async def _filter(
    division: Annotated[DivisionCode | None, Query()] = None,
    state: Annotated[list[AcceptanceState], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    level: Annotated[AcceptanceLevel | None, Query()] = None,
    campaign_id: Annotated[UUID | None, Query(title="摸排行动编号")] = None,
    problem_id: Annotated[UUID | None, Query(title="问题编号")] = None,
    household_id: Annotated[UUID | None, Query(title="农户编号")] = None,
    toilet_id: Annotated[UUID | None, Query(title="厕所编号")] = None,
    checked_from: Annotated[Day | None, Query(title="验收日期起", description="含当日 / That day included")] = None,
    checked_to: Annotated[Day | None, Query(title="验收日期止", description="含当日 / That day included")] = None,
) -> AcceptanceFilter:
    return AcceptanceFilter(**locals())


@router.get(
    "/panel-candidates",
    operation_id="list_panel_candidates",
    summary="可任验收组成员的人员 / Who may sit on a panel",
    description=(
        "当地县级和乡镇的在用账号，只给姓名和角色。"
        " / The active people of that county and township; their names and roles only."
    ),
    responses={**reading(), **problems(INVALID, WRONG_DIVISION_LEVEL)},
)
def list_panel_candidates(
    session: Transaction,
    caller: AcceptanceHolder,
    division: Annotated[DivisionCode, Query(description="9 位乡镇或 12 位村代码 / A township or a village")],
) -> Page[PanelCandidate]:
    return Page(items=panels.candidates(session, caller, division), next_cursor=None)


@router.get(
    "/acceptances",
    operation_id="list_acceptances",
    summary="验收列表 / List acceptances",
    description=(
        "日期按北京时间，含首尾。排序 / Dates are days in Shanghai, both ends included. Orders: "
        "`division_code` (default), `-decided_at` (undecided ones last), `updated_at`, `-updated_at`."
    ),
    response_model=None,
    responses={200: page_schema(AcceptanceRow, *SORTS), **listing()},
)
def list_acceptances(
    request: Request,
    session: Transaction,
    caller: AcceptanceReader,
    paging: Paging,
    wanted: Annotated[AcceptanceFilter, Depends(_filter)],
) -> Response:
    return answer_page(
        session,
        request,
        paging,
        filtered(session, caller, acceptance_select(caller), wanted),
        schema=AcceptanceRow,
        sorts=SORTS,
        default_sort="division_code",
        key=col(Acceptance.id),
    )


@router.get(
    "/acceptance-shares",
    operation_id="get_acceptance_shares",
    summary="验收比例 / Shares of the work that were checked",
    description=(
        "每个乡镇一行：乡镇验收和县级复验达到的比例、尚需多少；不填行动即进行中的行动。"
        " / A row for each township: the shares reached and what is still needed. Without campaign_id: of the open"
        " campaigns. Orders: `division_code`."
    ),
    response_model=None,
    responses={200: page_schema(AcceptanceShareRow, "division_code"), **listing()},
)
def get_acceptance_shares(
    request: Request,
    session: Transaction,
    caller: AcceptanceReader,
    paging: Paging,
    division: Annotated[DivisionCode | None, Query()] = None,
    campaign_id: Annotated[UUID | None, Query(title="摸排行动编号")] = None,
) -> Response:
    statement = share_select(session, caller, division, campaign_id)
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=AcceptanceShareRow,
        sorts={"division_code": [statement.selected_columns.division_code]},
        default_sort="division_code",
        key=statement.selected_columns.campaign_id,
    )


@router.post(
    "/acceptances",
    operation_id="create_acceptance",
    summary="新建验收 / Begin an acceptance",
    description=(
        "同一厕所的问题，或同一地点的工作推进问题；按技术模式选用现行清单。乡镇验收须已报验，县级复验须已通过乡镇验收。"
        " / Of one toilet, or in the work at one place, by the checklist in force. The township checks what was"
        " submitted, the county what the township accepted."
    ),
    status_code=201,
    responses=creating(AcceptanceOut, PANEL_INCOMPLETE, PANEL_DID_THE_WORK, NOT_READY, IN_ANOTHER_ACCEPTANCE),
)
def create_acceptance(
    response: Response, session: Transaction, caller: AcceptanceHolder, body: AcceptanceNew
) -> AcceptanceOut:
    row, made = acceptances.create(session, caller, body)
    created(response, "acceptances", row.id, made, row.version)
    return present(session, caller, row)


@router.get(
    "/acceptances/{acceptance_id}",
    operation_id="get_acceptance",
    summary="验收 / An acceptance",
    description="含验收组、问题及结论、逐项结果和签名。/ With its panel, problems, results and signatures.",
    responses=reading(),
)
def get_acceptance(
    response: Response, session: Transaction, caller: AcceptanceReader, acceptance_id: UUID
) -> AcceptanceOut:
    return _shown(response, session, caller, existing(session, caller, Acceptance, acceptance_id))


@router.patch(
    "/acceptances/{acceptance_id}",
    operation_id="update_acceptance",
    summary="修改待办的验收 / Change an open acceptance",
    description="JSON Merge Patch，须带 If-Match；可换成员、移出或加入问题。/ Needs If-Match; members and problems.",
    responses=changing(WRONG_STATE, PANEL_INCOMPLETE, PANEL_DID_THE_WORK, NOT_READY, IN_ANOTHER_ACCEPTANCE),
)
def update_acceptance(
    response: Response,
    session: Transaction,
    caller: AcceptanceHolder,
    acceptance_id: UUID,
    body: AcceptancePatch,
    if_match: IfMatch = None,
) -> AcceptanceOut:
    return _shown(response, session, caller, acceptances.change(session, caller, acceptance_id, body, if_match))


@router.post(
    "/acceptances/{acceptance_id}/pass",
    operation_id="pass_acceptance",
    summary="判定合格 / Pass an acceptance",
    description=(
        "限验收组成员；逐项填结果，县乡成员签名。有不合格项不能判定合格。"
        " / By a member; each item has its result, both sides sign. Not with an item that is not met."
    ),
    responses=stepping(*_DECIDING, CHECK_NOT_PASSED, VETO),
)
def pass_acceptance(
    response: Response,
    session: Transaction,
    caller: AcceptanceHolder,
    acceptance_id: UUID,
    body: Decision,
    now: Now,
    if_match: IfMatch = None,
) -> AcceptanceOut:
    row = decide(session, caller, acceptance_id, "pass", body, if_match, now)
    return _shown(response, session, caller, row)


@router.post(
    "/acceptances/{acceptance_id}/pass-partly",
    operation_id="pass_acceptance_partly",
    summary="判定部分合格 / Pass an acceptance in part",
    description=(
        "redo 中的问题返工，其余合格；一票否决项不合格的不能部分合格。"
        " / What `redo` names is done again, the rest is accepted. Not with a veto item that is not met."
    ),
    responses=stepping(*_DECIDING, VETO),
)
def pass_acceptance_partly(
    response: Response,
    session: Transaction,
    caller: AcceptanceHolder,
    acceptance_id: UUID,
    body: PartialDecision,
    now: Now,
    if_match: IfMatch = None,
) -> AcceptanceOut:
    row = decide(session, caller, acceptance_id, "pass_partly", body, if_match, now)
    return _shown(response, session, caller, row)


@router.post(
    "/acceptances/{acceptance_id}/fail",
    operation_id="fail_acceptance",
    summary="判定不合格 / Fail an acceptance",
    description="须写明理由，全部返工；县级复验不合格的退回整改。/ With a reason; everything is done again.",
    responses=stepping(*_DECIDING),
)
def fail_acceptance(
    response: Response,
    session: Transaction,
    caller: AcceptanceHolder,
    acceptance_id: UUID,
    body: FailedDecision,
    now: Now,
    if_match: IfMatch = None,
) -> AcceptanceOut:
    row = decide(session, caller, acceptance_id, "fail", body, if_match, now)
    return _shown(response, session, caller, row)


@router.post(
    "/acceptances/{acceptance_id}/cancel",
    operation_id="cancel_acceptance",
    summary="取消验收 / Cancel an acceptance",
    description="须写明理由；其中的问题可另行验收。/ With a reason; its problems may be in another.",
    responses=stepping(),
)
def cancel_acceptance(
    response: Response,
    session: Transaction,
    caller: AcceptanceHolder,
    acceptance_id: UUID,
    body: ReasonBody,
    now: Now,
    if_match: IfMatch = None,
) -> AcceptanceOut:
    row = acceptances.cancel(session, caller, acceptance_id, body.reason, if_match, now)
    return _shown(response, session, caller, row)


@router.get(
    "/acceptances/{acceptance_id}/history",
    operation_id="list_acceptance_history",
    summary="验收的修改历史 / History of an acceptance",
    description="谁、何时、改了什么，旧的在前。/ Who changed what and when; oldest first.",
    responses=reading(),
)
def list_acceptance_history(session: Transaction, caller: Historian, acceptance_id: UUID) -> Page[journal.HistoryEntry]:
    existing(session, caller, Acceptance, acceptance_id)
    return Page(items=journal.history(session, "acceptance", acceptance_id), next_cursor=None)


def _shown(response: Response, session: Transaction, caller: AcceptanceReader, row: Acceptance) -> AcceptanceOut:
    set_etag(response, row.version)
    return present(session, caller, row)
