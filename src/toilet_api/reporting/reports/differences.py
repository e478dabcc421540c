"""Two reports, or two editions of one, held side by side; and the records that make up a difference."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, literal, or_, select
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from toilet_api.accounts.caller import Caller
from toilet_api.reporting.figures import Figures
from toilet_api.reporting.reports.problems import NO_EARLIER_REPORT
from toilet_api.reporting.reports.records import draws, edition_of, record_columns, with_names
from toilet_api.reporting.reports.schemas import ChangedRecordRow, DifferenceOut, FigureDifference
from toilet_api.reporting.reports.summing import flat, title
from toilet_api.reporting.reports.tables import Report, ReportEdition, ReportedRecord
from toilet_api.survey.records import existing

R = ReportedRecord
PREVIOUS = "previous"


def pair(
    session: Session, caller: Caller, report_id: UUID, number: int | None, to: str, to_edition: int | None
) -> tuple[tuple[Report, ReportEdition], tuple[Report, ReportEdition]]:
    """(before, now). `to`: `previous`, the id of another report, or with `to_edition` alone an edition of the same.

    The previous one is the newest report before it, of the same division, campaign and kind, that was drawn; where it
    has none under its code, that of the code it had. Raises `not_found`, `report_not_drawn`, `no_earlier_report`.
    """
    report = existing(session, caller, Report, report_id)
    edition = edition_of(session, report, number)
    if to == PREVIOUS and to_edition is not None:
        return (report, edition_of(session, report, to_edition)), (report, edition)
    other = _previous(session, report) if to == PREVIOUS else existing(session, caller, Report, UUID(to))
    return (other, edition_of(session, other, to_edition)), (report, edition)


def _previous(session: Session, report: Report) -> Report:
    own = col(Report.reported_for) == report.reported_for
    found = session.exec(
        rows_of(Report)
        .where(
            Report.kind == report.kind,
            or_(own, col(Report.division_code) == report.reported_for),
            col(Report.campaign_id).is_not_distinct_from(report.campaign_id),
            Report.period_start < report.period_start,
            Report.edition > 0,
            col(Report.removed_at).is_(None),
        )
        .order_by(own.desc(), col(Report.period_start).desc())
        .limit(1)
    ).first()
    if found is None:
        raise NO_EARLIER_REPORT.problem()
    return found


def compare(before: tuple[Report, ReportEdition], now: tuple[Report, ReportEdition]) -> DifferenceOut:
    """Every figure of both, in the order of the figures; one that is in one of them only counts 0 in the other."""
    was, is_ = (flat(Figures.model_validate(edition.figures)) for _, edition in (before, now))
    items = []
    for path in dict.fromkeys([*is_, *was]):
        shared = path.endswith("_coverage")
        one, other = was.get(path, None if shared else 0), is_.get(path, None if shared else 0)
        items.append(
            FigureDifference(
                figure=path,
                title=title(path),
                before=one,
                now=other,
                difference=None if one is None or other is None else round(other - one, 6),
            )
        )
    return DifferenceOut(
        before_report_id=before[0].id,
        before_period=before[0].period,
        before_edition=before[1].edition,
        report_id=now[0].id,
        period=now[0].period,
        edition=now[1].edition,
        items=items,
    )


def changed_select(before: ReportEdition, now: ReportEdition, path: str, change: str | None) -> Select[Any]:
    """The members of `ChangedRecordRow`: what is in a figure of the edition `now` and not of `before`, or the reverse.

    Records are told by their ids, so that a household that went to another township is in both.
    """
    was, is_ = (_rows_of(edition, name, path) for edition, name in ((before, "was"), (now, "now")))
    joined, left = (
        select(*here.c, literal(change).label("change"))
        .outerjoin(there, there.c.record_id == here.c.record_id)
        .where(there.c.record_id.is_(None))
        for here, there, change in ((is_, was, "joined"), (was, is_, "left"))
    )
    chosen = {"joined": joined, "left": left, None: joined.union_all(left)}[change]
    changed = chosen.subquery("changed")
    columns = record_columns(ChangedRecordRow.model_fields, {"change": changed.c.change})
    keys = ("chain_id", "record_type", "record_id", "draw_from")
    rows = select(*columns).select_from(R).join(changed, and_(*(getattr(R, one) == changed.c[one] for one in keys)))
    return with_names(rows)


def _rows_of(edition: ReportEdition, name: str, path: str) -> Any:
    """The keys of the stored rows that are in a figure of an edition."""
    keys: Any = select(col(R.chain_id), col(R.record_type), col(R.record_id), col(R.draw_from)).select_from(R)
    return draws(edition, f"{name}_drawn").within(keys, path).subquery(name)
