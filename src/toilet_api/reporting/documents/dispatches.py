"""From a frozen report to what its bulletin or notification is made of."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller
from toilet_api.divisions import lookup
from toilet_api.kernel.errors import Problem
from toilet_api.kernel.fields import SHANGHAI
from toilet_api.reporting.assessment.assessment_views import present as present_assessment
from toilet_api.reporting.assessment.schemas import AssessmentOut
from toilet_api.reporting.assessment.schemas import Listed as ListedOut
from toilet_api.reporting.assessment.tables import Assessment
from toilet_api.reporting.documents.dispatch import Arrival, Dispatch, Listed, Part, Ranked, Ranking
from toilet_api.reporting.documents.wording import legible
from toilet_api.reporting.figures import Figures
from toilet_api.reporting.reports.differences import PREVIOUS, pair
from toilet_api.reporting.reports.problems import NO_EARLIER_REPORT
from toilet_api.reporting.reports.records import edition_of
from toilet_api.reporting.reports.tables import Report, ReportEdition, ReportPart
from toilet_api.reporting.reports.views import present
from toilet_api.survey.records import existing

_BEFORE = {"weekly": "上周", "half_monthly": "上期", "monthly": "上月"}


def dispatch_of(session: Session, caller: Caller, report_id: UUID, number: int | None, now: datetime) -> Dispatch:
    """The edition `number` of a report, the newest by default. Raises `not_found`, `report_not_drawn`."""
    report = existing(session, caller, Report, report_id)
    edition = edition_of(session, report, number)
    names = lookup.names(session, [report.division_code])
    before = _before(session, caller, report, edition)
    return Dispatch(
        division_code=report.division_code,
        division_name=legible(names.get(report.division_code, report.division_code)),
        period=label(report.kind, report.period),
        since=report.period_start,
        until=report.period_end,
        cutoff_at=report.cutoff_at,
        drawn_at=edition.drawn_at,
        figures=Figures.model_validate(edition.figures),
        before=Figures.model_validate(before[1].figures) if before else None,
        before_period=_called(report, before[0]) if before else "",
        parts=tuple(_parts(session, edition)),
        edition=edition.edition,
        correction_reason=legible(edition.reason or ""),
        is_signed=edition.signed_at is not None,
        is_stale=edition.edition == report.edition and present(session, caller, report_id, now).stale,
        difficulties=legible(edition.difficulties or ""),
        next_steps=legible(edition.next_steps or ""),
    )


def label(kind: str, period: str) -> str:
    """2026-W30, 2026-07-H1, 2026-07 as people read them."""
    year, number = period[:4], period[5:]
    if kind == "weekly":
        return f"{year}年第{int(number.removeprefix('W'))}周"
    month = f"{year}年{int(number[:2])}月"
    return month if kind == "monthly" else f"{month}{'上' if number.endswith('H1') else '下'}半月"


def _called(report: Report, before: Report) -> str:
    """上周 where it is the week before, else its own name: a period may have had no report."""
    follows = (report.period_start - before.period_end).days == 1
    return _BEFORE[report.kind] if follows else label(before.kind, before.period)


def _before(
    session: Session, caller: Caller, report: Report, edition: ReportEdition
) -> tuple[Report, ReportEdition] | None:
    """The report before it, as it stood when this one was drawn: what came later doesn't change an old bulletin."""
    try:
        (before, _), _ = pair(session, caller, report.id, edition.edition, PREVIOUS, None)
    except Problem as problem:
        if problem.type is not NO_EARLIER_REPORT:
            raise
        return None
    found = session.exec(
        select(ReportEdition)
        .where(ReportEdition.report_id == before.id, ReportEdition.drawn_at <= edition.drawn_at)
        .order_by(col(ReportEdition.edition).desc())
        .limit(1)
    ).first()
    return None if found is None else (before, found)


def _parts(session: Session, edition: ReportEdition) -> list[Part]:
    used = session.exec(
        select(ReportPart).where(ReportPart.edition_id == edition.id).order_by(col(ReportPart.part_of))
    ).all()
    reports = _by_id(session, {one for part in used for one in (part.report_id, part.expected_report_id) if one})
    names = lookup.names(session, {one.part_of for one in used} | {one.reported_for for one in reports.values()})
    ids = {part.part_edition_id for part in used if part.part_edition_id}
    editions = {one.id: one for one in session.exec(select(ReportEdition).where(col(ReportEdition.id).in_(ids))).all()}
    made = []
    for part in used:
        its = editions.get(part.part_edition_id) if part.part_edition_id else None
        of = reports.get(part.report_id) if part.report_id else None
        expected = reports.get(part.expected_report_id) if part.expected_report_id else None
        made.append(
            Part(
                code=part.part_of,
                name=_name(names, part.part_of, of or expected),
                figures=Figures.model_validate(its.figures) if its else None,
                arrival=_arrival(part, of, expected, edition.drawn_at),
                stands_in=label(of.kind, of.period) if part.outdated and of else "",
                is_corrected=its is not None and its.kind == "corrected",
                difficulties=legible(its.difficulties or "") if its else "",
                next_steps=legible(its.next_steps or "") if its else "",
            )
        )
    return made


def _by_id(session: Session, ids: set[UUID]) -> dict[UUID, Report]:
    return {one.id: one for one in session.exec(select(Report).where(col(Report.id).in_(ids))).all()}


def _name(names: dict[str, str], code: str, report: Report | None) -> str:
    """清江乡, or 清江乡（原安乐乡） of what another had reported before it went up in this one."""
    name = names.get(code, code)
    maker = names.get(report.reported_for, report.reported_for) if report else name
    return legible(name if maker == name else f"{name}（原{maker}）")


def _arrival(part: ReportPart, used: Report | None, expected: Report | None, drawn_at: datetime) -> Arrival:
    """As it was when the figures were drawn: a report that came afterwards was missing then."""
    if expected is None and used is not None and used.reported_for != part.part_of:
        return "not_due"
    if expected is None or expected.first_submitted_at is None or expected.first_submitted_at > drawn_at:
        return "missing"
    if expected.first_submitted_at > expected.cutoff_at:
        return "late"
    return "pending" if part.outdated or part.report_id is None else "in_time"


def ranking_of(
    session: Session, caller: Caller, report_id: UUID, assessment_id: UUID | None, dated: date
) -> Ranking | None:
    """The assessment asked for; else the newest published one of the division, as of the report's period up to `dated`.

    None where there is none. Raises `not_found` for one that isn't published, or is of another division.
    """
    report = existing(session, caller, Report, report_id)
    statement = select(Assessment.id).where(
        Assessment.division_code == report.division_code,
        Assessment.state == "published",
        col(Assessment.removed_at).is_(None),
    )
    if report.campaign_id is not None:
        statement = statement.where(col(Assessment.campaign_ids) == [report.campaign_id])
    if assessment_id is not None:
        found = session.exec(statement.where(Assessment.id == assessment_id)).first()
        return _ranking(present_assessment(session, caller, found or UUID(int=0)))
    first = datetime.combine(report.period_start, datetime.min.time(), SHANGHAI)
    last = datetime.combine(dated, datetime.max.time(), SHANGHAI)
    found = session.exec(
        statement.where(col(Assessment.as_of).between(first, last)).order_by(col(Assessment.as_of).desc()).limit(1)
    ).first()
    return None if found is None else _ranking(present_assessment(session, caller, found))


def _ranking(shown: AssessmentOut) -> Ranking:
    def listed(members: list[ListedOut]) -> tuple[Listed, ...]:
        return tuple(
            Listed(legible(one.name or one.division_code), tuple(legible(reason.text) for reason in one.reasons))
            for one in members
        )

    return Ranking(
        title=legible(shown.name),
        as_of=shown.as_of,
        formula=f"考核办法第{shown.formula_number}版",
        rows=tuple(
            Ranked(one.rank, one.division_code, legible(one.name or one.division_code), one.score)
            for one in shown.units
        ),
        yellow=listed(shown.yellow_list),
        red=listed(shown.red_list),
    )
