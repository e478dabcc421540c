"""The steps of a report over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Response

from toilet_api.kernel.database import Transaction
from toilet_api.kernel.errors import WRONG_STATE
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.reporting.reports import steps
from toilet_api.reporting.reports.answers import Receiver, Submitter
from toilet_api.reporting.reports.problems import (
    DRAW_TOO_EARLY,
    NO_RECEIVER,
    NOT_OWN_REPORT,
    NOT_REPORT_RECEIVER,
    REASON_NEEDED,
    SUBMITTED_BY_YOURSELF,
)
from toilet_api.reporting.reports.schemas import Redraw, RemarksPatch, ReportOut, Signing
from toilet_api.reporting.reports.views import present
from toilet_api.survey.answers import changing, stepping
from toilet_api.survey.clock import Now
from toilet_api.survey.schemas import ReasonBody

router = Room(tags=["reporting"])


@router.patch(
    "/reports/{report_id}",
    operation_id="update_report",
    summary="填写问题困难和下步打算 / Fill in difficulties and next steps",
    description="JSON Merge Patch，须带 If-Match；取数后、核签前填写。/ Needs If-Match; once drawn, before signing.",
    responses=changing(WRONG_STATE, NOT_OWN_REPORT),
)
def update_report(
    response: Response,
    session: Transaction,
    caller: Submitter,
    report_id: UUID,
    body: RemarksPatch,
    now: Now,
    if_match: IfMatch = None,
) -> ReportOut:
    steps.fill(session, caller, report_id, body, if_match, now)
    return _shown(response, session, caller, report_id, now)


@router.post(
    "/reports/{report_id}/draw",
    operation_id="draw_report",
    summary="取数 / Draw a report",
    description=(
        "截止当日起可先行取数，未取数的到点自动取数；再次取数形成新版次，须说明理由。"
        " / From the day of the cut-off on; what isn't drawn by then is drawn by the clock. Drawing again makes another"
        " edition and needs a reason."
    ),
    responses=stepping(NOT_OWN_REPORT, DRAW_TOO_EARLY, REASON_NEEDED),
)
def draw_report(
    response: Response,
    session: Transaction,
    caller: Submitter,
    report_id: UUID,
    now: Now,
    body: Annotated[Redraw | None, Body()] = None,
    if_match: IfMatch = None,
) -> ReportOut:
    steps.draw_by_hand(session, caller, report_id, body or Redraw(), if_match, now)
    return _shown(response, session, caller, report_id, now)


@router.post(
    "/reports/{report_id}/sign",
    operation_id="sign_report",
    summary="核签 / Check and sign a report",
    description="谁核对、谁签字；乡镇、县须附签名。/ Whoever checks it signs; townships and counties with a signature.",
    responses=stepping(NOT_OWN_REPORT),
)
def sign_report(
    response: Response,
    session: Transaction,
    caller: Submitter,
    report_id: UUID,
    now: Now,
    body: Annotated[Signing | None, Body()] = None,
    if_match: IfMatch = None,
) -> ReportOut:
    steps.sign(session, caller, report_id, body or Signing(), if_match, now)
    return _shown(response, session, caller, report_id, now)


@router.post(
    "/reports/{report_id}/submit",
    operation_id="submit_report",
    summary="报送 / Submit a report",
    description="首次报送晚于截止的为迟报。/ Late where the first submission is after the cut-off.",
    responses=stepping(NOT_OWN_REPORT, NO_RECEIVER),
)
def submit_report(
    response: Response, session: Transaction, caller: Submitter, report_id: UUID, now: Now, if_match: IfMatch = None
) -> ReportOut:
    steps.submit(session, caller, report_id, if_match, now)
    return _shown(response, session, caller, report_id, now)


@router.post(
    "/reports/{report_id}/receive",
    operation_id="receive_report",
    summary="接收 / Receive a report",
    description="由接收单位办理，不得为报送人；此后的汇总用此版次。/ By its receiver; roll-ups then use this edition.",
    responses=stepping(NOT_REPORT_RECEIVER, SUBMITTED_BY_YOURSELF),
)
def receive_report(
    response: Response, session: Transaction, caller: Receiver, report_id: UUID, now: Now, if_match: IfMatch = None
) -> ReportOut:
    steps.receive(session, caller, report_id, if_match, now)
    return _shown(response, session, caller, report_id, now)


@router.post(
    "/reports/{report_id}/return",
    operation_id="return_report",
    summary="退回 / Return a report",
    description="由接收单位办理，须说明理由。/ By its receiver, with a reason.",
    responses=stepping(NOT_REPORT_RECEIVER, SUBMITTED_BY_YOURSELF),
)
def return_report(
    response: Response,
    session: Transaction,
    caller: Receiver,
    report_id: UUID,
    body: ReasonBody,
    now: Now,
    if_match: IfMatch = None,
) -> ReportOut:
    steps.give_back(session, caller, report_id, body.reason, if_match, now)
    return _shown(response, session, caller, report_id, now)


@router.post(
    "/reports/{report_id}/correct",
    operation_id="correct_report",
    summary="接收后更正 / Correct a received report",
    description=(
        "须说明理由；重新取数，形成新版次，须再核签、报送、接收；原版次留存，用过它的汇总标为 stale。"
        " / With a reason: it is drawn anew, and signed and received again. The earlier edition stays; once the new one"
        " is received, roll-ups that used the earlier say `stale`."
    ),
    responses=stepping(NOT_OWN_REPORT),
)
def correct_report(
    response: Response,
    session: Transaction,
    caller: Submitter,
    report_id: UUID,
    body: ReasonBody,
    now: Now,
    if_match: IfMatch = None,
) -> ReportOut:
    steps.correct(session, caller, report_id, body.reason, if_match, now)
    return _shown(response, session, caller, report_id, now)


def _shown(response: Response, session: Transaction, caller: Submitter, report_id: UUID, now: Now) -> ReportOut:
    shown = present(session, caller, report_id, now)
    set_etag(response, shown.version)
    return shown
