"""What a roll-up is made of: of each division of the level below, its newest received report, or that it is missing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from toilet_api.divisions import lookup
from toilet_api.kernel.fields import SHANGHAI
from toilet_api.kernel.scope import prefix_range
from toilet_api.reporting.figures import Figures
from toilet_api.reporting.reports.edition_schemas import PartOut
from toilet_api.reporting.reports.periods import Period, last_due
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
    newest before it; else none. A division that was merged since counts by the reports that it had made, unless the
    one that it went to has drawn its records meanwhile.
    """
    found: list[Used] = []
    for kind, level in line_of(report.kind, report.reported_for).of:
        reports, period = _due(report, kind, level)
        with_edition = reports.add_columns(ReportEdition).outerjoin(ReportEdition, _RECEIVED)
        due = session.execute(with_edition.where(col(Report.period) == period.key)).all()
        absent = [one.reported_for for one, edition in due if edition is None]
        before = _older(session, reports, col(Report.reported_for), absent, period)
        for one, edition in due:
            older = before.get(one.reported_for)
            found.append(Used(one.division_code, edition or older, one, edition is None and older is not None))
        more = _reporting(session, report, kind, level) - {one.division_code for one, _ in due}
        before = _older(session, reports, col(Report.division_code), more, period)
        found += [Used(place, before.get(place), None, place in before) for place in more]
    found = _each_once(session, found)
    return sorted(found, key=lambda one: (one.place, one.expected.reported_for if one.expected else ""))


def _each_once(session: Session, used: list[Used]) -> list[Used]:
    """Without what was merged away and is in the draw of the division that it went to as well."""
    heirs = {one.place: one.edition for one in used if one.edition and not _is_merged(one)}
    return [one for one in used if not (_is_merged(one) and _shares(session, one, heirs.get(one.place)))]


def _is_merged(one: Used) -> bool:
    return one.expected is not None and one.expected.reported_for != one.place


def _shares(session: Session, one: Used, heir: ReportEdition | None) -> bool:
    """Whether any record of a division that was merged is in the draw of its heir, too."""
    mine = one.edition
    if mine is None and one.expected is not None:
        newest = (col(ReportEdition.report_id) == one.expected.id, col(ReportEdition.edition) == one.expected.edition)
        mine = session.scalars(select(ReportEdition).where(*newest)).one_or_none()
    if mine is None or heir is None or mine.chain_id is None or heir.chain_id is None:
        return False
    draws = {"one": mine.chain_id, "draw": mine.draw, "other": heir.chain_id, "other_draw": heir.draw}
    return bool(session.connection().execute(_SHARED, draws).scalar_one())


def is_complete(session: Session, report: Report) -> bool:
    """Whether every part of a roll-up is the report of the period that was due, and received."""
    for kind, level in line_of(report.kind, report.reported_for).of:
        reports, period = _due(report, kind, level)
        due = session.scalars(reports.where(col(Report.period) == period.key)).all()
        if any(one.received_edition is None for one in due):
            return False
        if _reporting(session, report, kind, level) - {one.division_code for one in due}:
            return False
    return True


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


_SHARED = text(
    """
    select exists (
        select from reported_record as one join reported_record as other using (record_type, record_id)
        where one.chain_id = :one and one.draw_from <= :draw and coalesce(one.draw_to > :draw, true)
          and other.chain_id = :other and other.draw_from <= :other_draw and coalesce(other.draw_to > :other_draw, true)
    )
    """
)
_RECEIVED = and_(
    col(ReportEdition.report_id) == col(Report.id), col(ReportEdition.edition) == col(Report.received_edition)
)


def _due(report: Report, kind: str, level: str) -> tuple[Select[Any], Period]:
    """The reports that may be parts of a roll-up, and the period that was due last by its cut-off."""
    statement = select(Report).where(
        col(Report.kind) == kind,
        col(Report.removed_at).is_(None),
        prefix_range(col(Report.division_code), report.division_code),
        func.length(col(Report.reported_for)) == LENGTH_OF_LEVEL[level],
    )
    if report.campaign_id is not None:
        statement = statement.where(col(Report.campaign_id) == report.campaign_id)
    return statement, last_due(kind, report.cutoff_at, report.cutoff_at.astimezone(SHANGHAI).time())


def _reporting(session: Session, report: Report, kind: str, level: str) -> set[str]:
    line = line_of(kind, "0" * LENGTH_OF_LEVEL[level])
    return {place.code for place in reporting(session, line, report.division_code)}


def _older(
    session: Session, reports: Select[Any], place: Any, places: Collection[str], period: Period
) -> dict[str, ReportEdition]:
    """Place -> the newest edition received for a period before."""
    if not places:
        return {}
    newest = (
        reports.with_only_columns(place, ReportEdition)
        .join(ReportEdition, _RECEIVED)
        .where(place.in_(places), col(Report.period_start) < period.start)
        .ext(distinct_on(place))
        .order_by(place, col(Report.period_start).desc(), col(Report.id))
    )
    return dict(session.execute(newest).all())


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
            late=bool(report and report.first_submitted_at and report.first_submitted_at > report.cutoff_at),
            outdated=part.outdated,
            figures=edition.figures if edition else None,
            difficulties=edition.difficulties if edition else None,
            next_steps=edition.next_steps if edition else None,
        )
        for part, report, edition in rows
    ]
