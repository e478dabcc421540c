"""What a roll-up is made of: of each division of the level below, its newest received report, or that it is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, literal, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from toilet_api.divisions import lookup
from toilet_api.kernel.fields import SHANGHAI
from toilet_api.kernel.scope import prefix_range
from toilet_api.reporting.figures import Figures
from toilet_api.reporting.reports.edition_schemas import PartOut
from toilet_api.reporting.reports.periods import last_due
from toilet_api.reporting.reports.places import reporting
from toilet_api.reporting.reports.rules import LENGTH_OF_LEVEL, line_of
from toilet_api.reporting.reports.summing import total
from toilet_api.reporting.reports.tables import Report, ReportEdition, ReportPart


@dataclass(frozen=True, slots=True)
class Used:
    """A division of the level below, the edition that is used of it, and the report that was due from it."""

    place: str
    edition: ReportEdition | None
    expected: Report | None
    outdated: bool


def gathered(session: Session, report: Report) -> list[Used]:
    """The parts of a roll-up as they are received now, by code.

    Of each division the report of the period that was due last by this one's cut-off, if it is received; else the
    newest before it; else none. A division that was merged since counts by the reports that it had made.
    """
    found: list[Used] = []
    for kind, level in line_of(report.kind, report.reported_for).of:
        line = line_of(kind, "0" * LENGTH_OF_LEVEL[level])
        period = last_due(kind, report.cutoff_at, report.cutoff_at.astimezone(SHANGHAI).time())
        of_line = _of_line(report, kind, level)
        due = session.exec(of_line.where(col(Report.period) == period.key).order_by(col(Report.division_code))).all()
        for expected in due:
            edition = _received(session, expected)
            same = Report.reported_for == expected.reported_for
            older = None if edition else _older(session, of_line, same, period.start)
            found.append(
                Used(expected.division_code, edition or older, expected, edition is None and older is not None)
            )
        known = {one.division_code for one in due}
        for place in reporting(session, line, report.division_code):
            if place.code not in known:
                older = _older(session, of_line, Report.division_code == place.code, period.start)
                found.append(Used(place.code, older, None, older is not None))
    return sorted(found, key=lambda one: one.place)


def summed(used: Sequence[Used]) -> Figures:
    """The figures of a roll-up: the sum of those it uses."""
    return total(Figures.model_validate(one.edition.figures) for one in used if one.edition is not None)


def keep(session: Session, edition: ReportEdition, used: Sequence[Used]) -> None:
    """Store what a roll-up was made of."""
    for one in used:
        session.add(
            ReportPart(
                division_code=edition.division_code,
                edition_id=edition.id,
                part_of=one.place,
                report_id=one.edition.report_id if one.edition else None,
                part_edition=one.edition.edition if one.edition else None,
                part_edition_id=one.edition.id if one.edition else None,
                expected_report_id=one.expected.id if one.expected else None,
                outdated=one.outdated,
            )
        )
    session.flush()


def _of_line(report: Report, kind: str, level: str) -> Any:
    statement = select(Report).where(
        Report.kind == kind,
        col(Report.removed_at).is_(None),
        prefix_range(col(Report.division_code), report.division_code),
        func.length(col(Report.reported_for)) == LENGTH_OF_LEVEL[level],
    )
    if report.campaign_id is not None:
        statement = statement.where(Report.campaign_id == report.campaign_id)
    return statement


def _received(session: Session, report: Report) -> ReportEdition | None:
    if report.received_edition is None:
        return None
    return session.exec(
        select(ReportEdition).where(
            ReportEdition.report_id == report.id, ReportEdition.edition == report.received_edition
        )
    ).one()


def _older(session: Session, of_line: Any, same_place: Any, before: date) -> ReportEdition | None:
    report = session.exec(
        of_line.where(
            same_place,
            col(Report.received_edition).is_not(None),
            col(Report.period_start) < before,
        )
        .order_by(col(Report.period_start).desc(), col(Report.id))
        .limit(1)
    ).first()
    return None if report is None else _received(session, report)


def is_stale() -> Any:
    """Whether the newest edition of a report uses what isn't the newest received any more: draw it again."""
    used: Any = aliased(Report, name="used")
    due: Any = aliased(Report, name="due")
    return (
        select(literal(1))
        .select_from(ReportEdition)
        .join(ReportPart, col(ReportPart.edition_id) == col(ReportEdition.id))
        .outerjoin(used, used.id == col(ReportPart.report_id))
        .outerjoin(due, due.id == col(ReportPart.expected_report_id))
        .where(
            col(ReportEdition.report_id) == col(Report.id),
            col(ReportEdition.edition) == col(Report.edition),
            or_(
                used.received_edition.is_distinct_from(col(ReportPart.part_edition)),
                and_(due.received_edition.is_not(None), due.id.is_distinct_from(used.id)),
            ),
        )
        .correlate(Report)
        .exists()
    )


def counts_of(edition_id: Any) -> tuple[Any, Any]:
    """(how many parts an edition has, how many of them are missing), as scalar selects."""
    parts = select(func.count()).select_from(ReportPart).where(col(ReportPart.edition_id) == edition_id)
    return parts.scalar_subquery(), parts.where(col(ReportPart.report_id).is_(None)).scalar_subquery()


def parts_of(session: Session, edition_id: UUID) -> list[PartOut]:
    """The parts of an edition, by the code of their division; none of a township's. It was found in scope before."""
    statement = (
        select(ReportPart, Report, ReportEdition)
        .outerjoin(Report, col(Report.id) == col(ReportPart.report_id))
        .outerjoin(ReportEdition, col(ReportEdition.id) == col(ReportPart.part_edition_id))
        .where(col(ReportPart.edition_id) == edition_id)
        .order_by(col(ReportPart.part_of), col(ReportPart.id))
    )
    rows = session.execute(statement).all()
    names = lookup.names(session, {part.part_of for part, _, _ in rows})
    return [
        PartOut(
            division_code=part.part_of,
            division_name=names.get(part.part_of),
            report_id=part.report_id,
            edition=part.part_edition,
            period=report.period if report else None,
            missing=part.report_id is None,
            outdated=part.outdated,
            figures=edition.figures if edition else None,
            difficulties=edition.difficulties if edition else None,
            next_steps=edition.next_steps if edition else None,
        )
        for part, report, edition in rows
    ]
