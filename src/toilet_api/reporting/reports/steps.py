"""What people do with a report: draw, fill in, sign, submit, receive, return, correct."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission
from toilet_api.kernel.errors import INVALID, FieldError
from toilet_api.kernel.fields import SHANGHAI
from toilet_api.kernel.preconditions import optional_match, require_match
from toilet_api.reporting.reports.drawing import CONTENT, draw, newest, tell
from toilet_api.reporting.reports.problems import (
    DRAW_TOO_EARLY,
    NO_RECEIVER,
    NOT_OWN_REPORT,
    NOT_REPORT_RECEIVER,
    REASON_NEEDED,
    SUBMITTED_BY_YOURSELF,
)
from toilet_api.reporting.reports.rules import CHECK_RULE, LEVEL_OF_LENGTH, REPORT, receiver
from toilet_api.reporting.reports.schemas import Redraw, RemarksPatch, Signing
from toilet_api.reporting.reports.tables import Report, ReportEdition
from toilet_api.reporting.reports.views import at, present
from toilet_api.survey import attachments
from toilet_api.survey.records import locked, snapshot

_SIGNED_LEVELS = ("township", "county")
"""Levels that can upload a signature: attachments belong to a county or below."""


def draw_by_hand(
    session: Session, caller: Caller, report_id: UUID, body: Redraw, if_match: str | None, now: datetime
) -> None:
    """Draw it, or draw it again with a reason. Raises `draw_too_early` before the day of its cut-off."""
    report = _own(session, caller, report_id, "draw", if_match, now)
    if now.astimezone(SHANGHAI).date() < report.cutoff_at.astimezone(SHANGHAI).date():
        raise DRAW_TOO_EARLY.problem(cutoff_at=report.cutoff_at.isoformat())
    if report.edition and body.reason is None:
        raise REASON_NEEDED.problem(errors=[FieldError("/reason", "missing", ("须说明理由", "a reason is needed"))])
    kind, reason = ("redrawn", body.reason) if report.edition else ("first", None)
    draw(session, report, kind, reason, now, caller.display_name)


def correct(
    session: Session, caller: Caller, report_id: UUID, reason: str, if_match: str | None, now: datetime
) -> None:
    """Draw a received report anew, with a reason; it is signed and received again, and the earlier edition stays."""
    report = _own(session, caller, report_id, "correct", if_match, now)
    draw(session, report, "corrected", reason, now, caller.display_name)


def fill(
    session: Session, caller: Caller, report_id: UUID, body: RemarksPatch, if_match: str | None, now: datetime
) -> None:
    """Merge remarks into the newest edition, before it is signed."""
    report = locked(session, caller, Report, report_id)
    require_match(if_match, report.version, lambda: present(session, caller, report_id, now))
    _require_own(caller, report)
    REPORT.next(report.state, "edit")
    edition = _edition(session, report)
    before = {"difficulties": edition.difficulties, "next_steps": edition.next_steps}
    for name, value in body.changes().items():
        setattr(edition, name, value)
    after = {"difficulties": edition.difficulties, "next_steps": edition.next_steps}
    if after != before:
        report.touch(caller.id)
        tell(session, report, "report.updated", snapshot(report, CONTENT) | before, after)


def sign(session: Session, caller: Caller, report_id: UUID, body: Signing, if_match: str | None, now: datetime) -> None:
    """Checked and signed (核签). Raises 422 without a signature of the township or county."""
    report = _own(session, caller, report_id, "sign", if_match, now)
    if not body.signature_ids and LEVEL_OF_LENGTH[len(report.division_code)] in _SIGNED_LEVELS:
        fault = ("乡镇、县的报表须有签名", "the report of a township or county needs a signature")
        raise INVALID.problem(errors=[FieldError("/signature_ids", "missing", fault, rule=CHECK_RULE)])
    attachments.check(session, body.signature_ids, "signature", report.division_code, "/signature_ids")
    edition = _edition(session, report)

    def write() -> dict[str, Any]:
        edition.signed_at, edition.signed_by, edition.signed_by_name = now, caller.id, caller.display_name
        edition.signature_ids = list(body.signature_ids)
        return {"signature_ids": edition.signature_ids}

    _step(session, caller, report, "sign", "report.signed", write)


def submit(session: Session, caller: Caller, report_id: UUID, if_match: str | None, now: datetime) -> None:
    """Hand it in. Whether it is late is decided by the first time."""
    report = _own(session, caller, report_id, "submit", if_match, now)
    if receiver(report.kind, report.division_code) is None:
        raise NO_RECEIVER.problem()
    edition = _edition(session, report)

    def write() -> dict[str, Any]:
        edition.submitted_at, edition.submitted_by, edition.submitted_by_name = now, caller.id, caller.display_name
        report.first_submitted_at, report.submitted_by = report.first_submitted_at or now, caller.id
        return {}

    _step(session, caller, report, "submit", "report.submitted", write)


def receive(session: Session, caller: Caller, report_id: UUID, if_match: str | None, now: datetime) -> None:
    """Take it: from now on roll-ups use this edition."""
    report = _of_below(session, caller, report_id, "receive", if_match, now)
    edition = _edition(session, report)

    def write() -> dict[str, Any]:
        edition.received_at, edition.received_by, edition.received_by_name = now, caller.id, caller.display_name
        report.received_edition = edition.edition
        return {}

    _step(session, caller, report, "receive", "report.received", write)


def give_back(
    session: Session, caller: Caller, report_id: UUID, reason: str, if_match: str | None, now: datetime
) -> None:
    """Return it with a reason: it is signed again, or drawn again first."""
    report = _of_below(session, caller, report_id, "return", if_match, now)
    edition = _edition(session, report)

    def write() -> dict[str, Any]:
        edition.returned_at, edition.returned_by, edition.returned_by_name = now, caller.id, caller.display_name
        edition.return_reason = reason
        return {}

    _step(session, caller, report, "return", "report.returned", write, reason)


def _own(session: Session, caller: Caller, report_id: UUID, step: str, if_match: str | None, now: datetime) -> Report:
    """The report, held, for a step of its own level."""
    report = _held(session, caller, report_id, if_match, now)
    _require_own(caller, report)
    REPORT.next(report.state, step)
    return report


def _require_own(caller: Caller, report: Report) -> None:
    if report.division_code not in at(caller, Permission.REPORT_SUBMIT):
        raise NOT_OWN_REPORT.problem()


def _of_below(
    session: Session, caller: Caller, report_id: UUID, step: str, if_match: str | None, now: datetime
) -> Report:
    """The report, held, for a step of who receives it."""
    report = _held(session, caller, report_id, if_match, now)
    to = receiver(report.kind, report.division_code)
    if to not in at(caller, Permission.REPORT_RECEIVE):
        raise NOT_REPORT_RECEIVER.problem(reports_to=to)
    REPORT.next(report.state, step)
    if report.submitted_by == caller.id:
        raise SUBMITTED_BY_YOURSELF.problem()
    return report


def _held(session: Session, caller: Caller, report_id: UUID, if_match: str | None, now: datetime) -> Report:
    report = locked(session, caller, Report, report_id)
    optional_match(if_match, report.version, lambda: present(session, caller, report_id, now))
    return report


def _edition(session: Session, report: Report) -> ReportEdition:
    """The newest edition: whoever calls has found the state to be one that has been drawn."""
    found = newest(session, report)
    if found is None:
        raise LookupError("a report that was drawn has an edition")
    return found


def _step(
    session: Session,
    caller: Caller,
    report: Report,
    step: str,
    action: str,
    write: Callable[[], dict[str, Any]],
    reason: str | None = None,
) -> None:
    before = snapshot(report, CONTENT)
    target = REPORT.next(report.state, step)
    more = write()
    report.state = target
    report.touch(caller.id)
    tell(session, report, action, before, more, reason)
