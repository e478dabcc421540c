"""What a roll-up is made of: of each division of the level below, its newest received report, or that it is missing."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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
from toilet_api.survey.tables import Campaign


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
    newest before it; else none. A division that was merged or got another code counts by the reports that it had made,
    unless the records behind them are in a report of where it went.
    """
    found: list[Used] = []
    for kind, level in line_of(report.kind, report.reported_for).of:
        reports, period = _due(report, kind, level)
        with_edition = reports.add_columns(ReportEdition).outerjoin(ReportEdition, _RECEIVED)
        due = session.execute(with_edition.where(col(Report.period) == period.key)).all()
        more = _reporting(session, report, kind, level) - {one.division_code for one, _ in due}
        wanting = more | {one.division_code for one, edition in due if edition is None}
        older = _older(session, reports if report.campaign_id else reports.where(_IN_OPEN), wanting, period)
        before = {one.id: older.pop((one.reported_for, one.campaign_id), None) for one, _ in due}
        others = _by_place(older.values())
        for one, edition in due:
            earlier = None
            if edition is None:
                _, earlier = before[one.id] or (None, None)
                if earlier is None and one.reported_for == one.division_code and others.get(one.division_code):
                    earlier = others[one.division_code].pop(0)
            found.append(Used(one.division_code, edition or earlier, one, earlier is not None))
        found += [Used(place, edition, None, True) for place, editions in others.items() for edition in editions]
        found += [Used(place, None, None, False) for place in more - others.keys()]
    found = _each_once(session, found)
    return sorted(found, key=lambda one: (one.place, one.expected.reported_for if one.expected else ""))


def _by_place(found: Iterable[tuple[str, ReportEdition]]) -> dict[str, list[ReportEdition]]:
    """Place -> its editions, what was drawn last first."""
    made: dict[str, list[ReportEdition]] = {}
    for place, edition in sorted(found, key=lambda one: one[1].drawn_at, reverse=True):
        made.setdefault(place, []).append(edition)
    return made


def _each_once(session: Session, used: Sequence[Used]) -> list[Used]:
    """Without what is in another part of the same place as well.

    That is what a division had reported before it was merged or recoded and what is reported of it since, or a county's
    report for a campaign that was closed and that for the next one. Of two the newer one counts.
    """
    by_place: dict[str, list[Used]] = {}
    for one in used:
        by_place.setdefault(one.place, []).append(one)
    kept: list[Used] = []
    for there in by_place.values():
        told: list[Used] = []
        for one in sorted(there, key=_newness, reverse=True):
            mine = _drawn(session, one) if told else None
            if not any(mine and other.edition and _share(session, mine, other.edition) for other in told):
                told.append(one)
        kept += told
    return kept


def _newness(one: Used) -> tuple[bool, datetime, datetime]:
    """A place's own report before those of what went up in it; then what was opened, and what was drawn, last."""
    expected, edition = one.expected, one.edition
    own = expected is not None and expected.reported_for == one.place
    return own, expected.created_at if expected else _LONG_AGO, edition.drawn_at if edition else _LONG_AGO


def _drawn(session: Session, one: Used) -> ReportEdition | None:
    """What is used of a part; else what was drawn for it, though it wasn't received."""
    if one.edition is not None or one.expected is None:
        return one.edition
    newest = (col(ReportEdition.report_id) == one.expected.id, col(ReportEdition.edition) == one.expected.edition)
    return session.scalars(select(ReportEdition).where(*newest)).one_or_none()


def _share(session: Session, one: ReportEdition, other: ReportEdition) -> bool:
    """Whether any record is in both, through their parts down to the draws of townships."""
    return bool(session.connection().execute(_SHARED, {"one": one.id, "other": other.id}).scalar_one())


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


_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_SHARED = text(
    """
    with recursive tree as (
        select side, id from (values (1, cast(:one as uuid)), (2, cast(:other as uuid))) as root (side, id)
        union all
        select side, part_edition_id from tree join report_part on edition_id = tree.id
        where part_edition_id is not null
    ),
    drawn as materialized (
        select side, chain_id, draw from tree join report_edition using (id) where chain_id is not null
    )
    select exists (
        select from drawn as mine
        join reported_record as one on one.chain_id = mine.chain_id and one.draw_from <= mine.draw
                                   and coalesce(one.draw_to > mine.draw, true)
        join reported_record as other using (record_type, record_id)
        join drawn as its on its.chain_id = other.chain_id and other.draw_from <= its.draw
                         and coalesce(other.draw_to > its.draw, true)
        where mine.side = 1 and its.side = 2
    )
    """
)
_RECEIVED = and_(
    col(ReportEdition.report_id) == col(Report.id), col(ReportEdition.edition) == col(Report.received_edition)
)


_IN_OPEN = or_(
    col(Report.campaign_id).is_(None),
    col(Report.campaign_id).in_(select(col(Campaign.id)).where(col(Campaign.state) == "open")),
)
"""For a city or province: a campaign that was closed stands in for no other."""


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
    session: Session, reports: Select[Any], places: Collection[str], period: Period
) -> dict[tuple[str, UUID | None], tuple[str, ReportEdition]]:
    """For whom, in which campaign -> where that lies now, and the newest edition received for a period before."""
    if not places:
        return {}
    maker, campaign = col(Report.reported_for), col(Report.campaign_id)
    newest = (
        reports.with_only_columns(maker, campaign, col(Report.division_code), ReportEdition)
        .join(ReportEdition, _RECEIVED)
        .where(col(Report.division_code).in_(places), col(Report.period_start) < period.start)
        .ext(distinct_on(maker, campaign))
        .order_by(maker, campaign, col(Report.period_start).desc(), col(Report.id))
    )
    return {(one, of): (place, edition) for one, of, place, edition in session.execute(newest)}


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
