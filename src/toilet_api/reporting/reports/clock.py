"""Reports by the clock: opened for each period, drawn at the cut-off, reminded of. Done again, it does nothing twice.

A roll-up counts what has been received, and the reports that it is made of are often due at its own cut-off. So it is
drawn as soon as they are received, and at the latest when a working day has passed for each level that receives. After
the worker was down it catches up: what was not opened is opened, what was not drawn is drawn, and says when.
"""

import logging
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import SHANGHAI, new_id, now
from toilet_api.reporting.reports.drawing import draw
from toilet_api.reporting.reports.parts import is_complete
from toilet_api.reporting.reports.periods import CLOSE_OF_BUSINESS, Period, from_to, working_days_after
from toilet_api.reporting.reports.places import Place, reporting
from toilet_api.reporting.reports.rules import LINES, Line, line_of, receiving_days
from toilet_api.reporting.reports.tables import Report
from toilet_api.reporting.reports.views import missing, to_be_submitted
from toilet_api.survey.records import journal_many

log = logging.getLogger(__name__)

_MERGED = "区划已合并，由合并后的单位统一报送 / merged: reported by the division that it went to"
SOON = timedelta(hours=24)
"""How long before its cut-off a report is reminded of."""


@jobs.task(name="report.clock", cron="*/5 * * * *", attempts=1)
def tick(context: jobs.Context) -> None:
    """Every five minutes, unless REPORTS_BY_CLOCK is off."""
    if context.settings.reports_by_clock:
        run(context.database, now(), context.settings.reports_close_at, context)


def run(
    database: Database, moment: datetime, closing: time = CLOSE_OF_BUSINESS, context: jobs.Context | None = None
) -> None:
    """Everything that is due at `moment`; what is opened is due at `closing`.

    A report that fails is told of and left for the next time.
    """
    with database.transaction(EVERYWHERE) as session:
        open_due(session, moment, closing)
        close_merged(session)
    failed = 0
    for report_id in _to_draw(database, moment):
        if context is not None:
            context.give_way()
        try:
            with database.transaction(EVERYWHERE) as session:
                _draw_if_due(session, report_id, moment)
        except Exception:
            failed += 1
            log.exception("the report %s could not be drawn", report_id)
    with database.transaction(EVERYWHERE) as session:
        remind(session, moment)
    if failed:
        raise RuntimeError(f"{failed} reports could not be drawn")


def open_due(session: Session, moment: datetime, closing: time = CLOSE_OF_BUSINESS) -> int:
    """Open the reports of the running periods, and of those since the last that was opened; how many."""
    today = moment.astimezone(SHANGHAI).date()
    opened = _opened(session)
    rows = [row for line in LINES for row in _rows(session, line, opened, today, closing)]
    if not rows:
        return 0
    made = session.connection().execute(
        insert(Report).values(rows).on_conflict_do_nothing().returning(col(Report.id), col(Report.division_code))
    )
    entries = [_entry(one.id, one.division_code, 1, "report.opened", "create", {"state": "opened"}) for one in made]
    journal_many(session, entries)
    return len(entries)


def _opened(session: Session) -> dict[tuple[str, str, UUID | None], date]:
    """The start of the newest period that a division has a report of, by kind, division and campaign."""
    keys = (col(Report.kind), col(Report.reported_for), col(Report.campaign_id))
    rows = session.connection().execute(
        select(*keys, func.max(Report.period_start)).where(col(Report.removed_at).is_(None)).group_by(*keys)
    )
    return {(kind, place, campaign): start for kind, place, campaign, start in rows}


def _rows(
    session: Session, line: Line, opened: dict[tuple[str, str, UUID | None], date], today: date, closing: time
) -> Iterator[dict[str, Any]]:
    for place in reporting(session, line):
        known = opened.get((line.kind, place.code, place.campaign_id))
        # The first report is that of the running period: nobody is told to have missed what nobody asked for.
        first = today if known is None else max(known, min(place.since, today))
        for period in from_to(line.kind, first, today, closing):
            if known is None or period.start > known:
                yield _row(place, line.kind, period)


def _row(place: Place, kind: str, period: Period) -> dict[str, Any]:
    return {
        "id": new_id(),
        "division_code": place.code,
        "campaign_id": place.campaign_id,
        "kind": kind,
        "reported_for": place.code,
        "period": period.key,
        "period_start": period.start,
        "period_end": period.end,
        "cutoff_at": period.cutoff_at,
    }


def close_merged(session: Session) -> int:
    """Remove what was opened for divisions that were merged before it was drawn: who took them over reports for both.

    A division that only got another code goes on with its own; how many were removed.
    """
    heir: Any = aliased(Report)
    same = (
        heir.kind == col(Report.kind),
        heir.period == col(Report.period),
        heir.campaign_id.is_not_distinct_from(col(Report.campaign_id)),
        heir.reported_for == col(Report.division_code),
        heir.removed_at.is_(None),
    )
    merged = (
        select(Report.id)
        .where(
            Report.state == "opened",
            col(Report.reported_for) != col(Report.division_code),
            col(Report.removed_at).is_(None),
            exists().where(*same),
        )
        .with_for_update(skip_locked=True)
    )
    made = session.connection().execute(
        update(Report)
        .where(col(Report.id).in_(merged))
        .values(
            removed_at=func.now(),
            removed_reason=_MERGED,
            version=Report.version + 1,
            updated_at=func.now(),
            updated_by=None,
        )
        .returning(col(Report.id), col(Report.division_code), col(Report.version))
    )
    entries = [
        _entry(one.id, one.division_code, one.version, "report.removed", "remove", {"reason": _MERGED}) for one in made
    ]
    journal_many(session, entries)
    return len(entries)


def _to_draw(database: Database, moment: datetime) -> list[UUID]:
    """What is to be drawn: in the order of cut-offs, the lower level first."""
    with database.transaction(EVERYWHERE) as session:
        return list(
            session.exec(
                select(Report.id)
                .where(Report.state == "opened", Report.cutoff_at <= moment, col(Report.removed_at).is_(None))
                .order_by(
                    col(Report.cutoff_at), func.length(col(Report.division_code)).desc(), col(Report.division_code)
                )
            )
        )


def _draw_if_due(session: Session, report_id: UUID, moment: datetime) -> None:
    """Draw it, unless it waits for its parts, or somebody has drawn it meanwhile or is about to."""
    report = session.exec(
        select(Report).where(Report.id == report_id, Report.state == "opened").with_for_update(skip_locked=True)
    ).one_or_none()
    if report is not None and (moment >= _at_the_latest(report) or is_complete(session, report)):
        draw(session, report, "first", None, moment)


def _at_the_latest(report: Report) -> datetime:
    return working_days_after(report.cutoff_at, receiving_days(line_of(report.kind, report.reported_for)))


def remind(session: Session, moment: datetime) -> int:
    """Tell of what is due soon, and of what is late, once each; how many."""
    waiting = to_be_submitted()
    soon = (*waiting, col(Report.cutoff_at) > moment, col(Report.cutoff_at) <= moment + SOON)
    late = (*waiting, missing(moment))
    told = 0
    for column, what, conditions in (
        ("reminded_soon_at", "due_soon", soon),
        ("reminded_late_at", "late", late),
    ):
        made = session.connection().execute(
            update(Report)
            .where(col(Report.id).in_(_free(getattr(Report, column).is_(None), *conditions)))
            .values({column: moment, "version": Report.version + 1, "updated_at": func.now(), "updated_by": None})
            .returning(col(Report.id), col(Report.division_code), col(Report.version), col(Report.cutoff_at))
        )
        entries = [
            _entry(
                one.id,
                one.division_code,
                one.version,
                "report.reminded",
                "update",
                {"reminder": what, "cutoff_at": one.cutoff_at},
            )
            for one in made
        ]
        journal_many(session, entries)
        told += len(entries)
    return told


def _free(*conditions: Any) -> Any:
    """Reports that nobody holds at this moment; the others have their turn next time."""
    return select(Report.id).where(*conditions).with_for_update(skip_locked=True)


def _entry(report_id: UUID, place: str, version: int, action: str, op: str, after: dict[str, Any]) -> dict[str, Any]:
    return {
        "action": action,
        "subject_type": "report",
        "subject_id": report_id,
        "division_code": place,
        "version": version,
        "op": op,
        "after": after,
    }
