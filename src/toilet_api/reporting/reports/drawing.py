"""An edition of a report is drawn: a township's from the ledger, a roll-up from what was received below."""

from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from toilet_api.kernel import journal
from toilet_api.kernel.database import actor_of
from toilet_api.kernel.fields import SHANGHAI
from toilet_api.registry.merging import difference
from toilet_api.reporting.reports import counting, parts, snapshot
from toilet_api.reporting.reports.rules import REPORT, line_of
from toilet_api.reporting.reports.tables import Report, ReportEdition
from toilet_api.survey.records import snapshot as members

CONTENT = ("state", "edition", "received_edition", "corrected", "first_submitted_at")


def draw(
    session: Session, report: Report, kind: str, reason: str | None, now: datetime, name: str = "system"
) -> ReportEdition:
    """The next edition of a report that is held, with the figures of this moment. What was drawn before stays.

    `kind`: first, redrawn or corrected; `name`: of who draws it. Remarks are taken along from the edition before.
    Raises `wrong_state`.
    """
    before = members(report, CONTENT)
    target = REPORT.next(report.state, "correct" if kind == "corrected" else "draw")
    earlier = newest(session, report)
    actor = actor_of(session)
    day = now.astimezone(SHANGHAI).date()
    edition = ReportEdition(
        division_code=report.division_code,
        report_id=report.id,
        edition=report.edition + 1,
        kind=kind,
        reason=reason,
        figures={},
        drawn_at=now,
        drawn_on=day,
        drawn_by=actor.id,
        drawn_by_name=name,
        difficulties=earlier.difficulties if earlier else None,
        next_steps=earlier.next_steps if earlier else None,
    )
    used = None
    if line_of(report.kind, report.reported_for).of:
        used = parts.gathered(session, report)
        edition.figures = parts.summed(used).model_dump(mode="json")
    else:
        if report.campaign_id is None:
            raise ValueError("a township reports for a campaign")
        edition.chain_id, edition.draw = snapshot.take(session, report.campaign_id, report.division_code)
        found = counting.count(session, edition.chain_id, edition.draw, day)
        edition.figures = found.model_dump(mode="json")
    session.add(edition)
    session.flush()
    if used is not None:
        parts.keep(session, edition, used)
    report.state, report.edition, report.drawn_at = target, edition.edition, now
    report.first_drawn_at = report.first_drawn_at or now
    report.corrected = report.corrected or kind == "corrected"
    report.touch(actor.id)
    tell(session, report, "report.corrected" if kind == "corrected" else "report.drawn", before, reason=reason)
    return edition


def newest(session: Session, report: Report) -> ReportEdition | None:
    """The newest edition; None before the first draw."""
    return numbered(session, report, report.edition)


def numbered(session: Session, report: Report, edition: int) -> ReportEdition | None:
    """The edition of a number, if it is there."""
    return session.exec(
        select(ReportEdition).where(ReportEdition.report_id == report.id, ReportEdition.edition == edition)
    ).one_or_none()


def tell(
    session: Session,
    report: Report,
    action: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Journal a write of a report."""
    now = members(report, CONTENT) | (after or {})
    if before is not None:
        before, now = difference(before, now)
    journal.record(
        session,
        action=action,
        subject_type="report",
        subject_id=report.id,
        division_code=report.division_code,
        version=report.version,
        before=before,
        after=now,
        reason=reason,
    )
