"""How reports and their editions are shown: one list of columns, for single records and for pages alike."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Select, and_, case, cast, func, literal, or_, select
from sqlalchemy.types import Date
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission, permissions_of
from toilet_api.divisions.tables import Division
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.kernel.fields import SHANGHAI
from toilet_api.kernel.machines import Guard
from toilet_api.reporting.reports.drawing import newest
from toilet_api.reporting.reports.edition_schemas import EditionOut
from toilet_api.reporting.reports.parts import counts_of, is_stale
from toilet_api.reporting.reports.rules import (
    BY_ANOTHER,
    BY_RECEIVER,
    HAS_RECEIVER,
    LENGTH_OF_LEVEL,
    LEVEL_OF_LENGTH,
    LINES,
    OF_OWN,
    ON_THE_DAY,
    REPORT,
    UNSUBMITTED,
)
from toilet_api.reporting.reports.schemas import ReportOut, ReportRow
from toilet_api.reporting.reports.tables import Report, ReportEdition
from toilet_api.survey.actions import actions_column

SORTS: dict[str, list[Any]] = {
    "-period_start": [col(Report.period_start).desc(), col(Report.division_code)],
    "period_start": [col(Report.period_start), col(Report.division_code)],
    "cutoff_at": [col(Report.cutoff_at)],
    "-cutoff_at": [col(Report.cutoff_at).desc()],
    "division_code": [col(Report.division_code)],
    "-updated_at": [col(Report.updated_at).desc()],
}
_LENGTH: ColumnElement[int] = func.length(col(Report.division_code))
LEVEL: Any = case(dict(LEVEL_OF_LENGTH), value=_LENGTH)
RECEIVER: Any = case(
    *(
        (
            and_(col(Report.kind) == line.kind, literal(LENGTH_OF_LEVEL[line.level]) == _LENGTH),
            func.left(col(Report.division_code), LENGTH_OF_LEVEL[line.to]),
        )
        for line in LINES
        if line.to is not None
    ),
)
"""`rules.receiver` in SQL; a test holds the two together."""
LATE: ColumnElement[bool] = func.coalesce(col(Report.first_submitted_at) > col(Report.cutoff_at), False)
_NONE: Any = None


def missing(now: datetime) -> ColumnElement[bool]:
    """The cut-off is over, and a report that is to be submitted never was."""
    return and_(*to_be_submitted(), col(Report.cutoff_at) < literal(now, DateTime(timezone=True)))


def to_be_submitted() -> tuple[ColumnElement[bool], ...]:
    """A report to a level above that was never submitted."""
    return (
        RECEIVER.is_not(None),
        col(Report.first_submitted_at).is_(None),
        col(Report.state).in_(UNSUBMITTED),
        col(Report.removed_at).is_(None),
    )


def report_select(caller: Caller, now: datetime) -> Select[Any]:
    """The members of `ReportRow`, of the reports in the caller's scope."""
    one = Report
    cutoff_day = cast(func.timezone("Asia/Shanghai", col(one.cutoff_at)), Date)
    holds: dict[Guard, bool | ColumnElement[bool]] = {
        OF_OWN: col(one.division_code).in_(at(caller, Permission.REPORT_SUBMIT)),
        BY_RECEIVER: func.coalesce(RECEIVER.in_(at(caller, Permission.REPORT_RECEIVE)), False),
        BY_ANOTHER: or_(col(one.submitted_by).is_(None), col(one.submitted_by) != caller.id),
        HAS_RECEIVER: RECEIVER.is_not(None),
        ON_THE_DAY: cutoff_day <= literal(now.astimezone(SHANGHAI).date(), Date),
    }
    name = select(Division.name).where(col(Division.code) == col(one.division_code))  # type: ignore[call-overload]
    made: dict[str, Any] = {
        "division_name": name.correlate(one).scalar_subquery(),
        "level": LEVEL,
        "reports_to": RECEIVER,
        "drawn_late": and_(
            literal(LENGTH_OF_LEVEL["township"]) == _LENGTH,
            func.coalesce(cast(func.timezone("Asia/Shanghai", col(one.first_drawn_at)), Date) > cutoff_day, False),
        ),
        "late": LATE,
        "missing": missing(now),
        "stale": is_stale(),
        "allowed_actions": actions_column(REPORT, col(one.state), col(one.division_code), caller, holds),
    }
    columns = [made.get(name, getattr(one, name, _NONE)).label(name) for name in ReportRow.model_fields]
    statement = select(*columns).where(col(one.removed_at).is_(None))
    return caller.scope.narrow(statement, col(one.division_code))


def at(caller: Caller, permission: Permission) -> list[str]:
    """The divisions at which the caller holds a permission itself, not by one above."""
    return sorted(
        {grant.division_code for grant in caller.grants if permission in permissions_of(grant.role, caller.narrowed_to)}
    )


def present(session: Session, caller: Caller, report_id: UUID, now: datetime) -> ReportOut:
    """One report as an answer, with its newest edition. Raises `not_found`."""
    session.flush()
    statement = report_select(caller, now).where(col(Report.id) == report_id)
    row = session.connection().execute(statement).mappings().one_or_none()
    if row is None:
        raise NOT_FOUND.problem()
    edition = newest(session, session.get_one(Report, report_id))
    return ReportOut(**row, current=None if edition is None else shown(session, edition))


def editions(session: Session, report_id: UUID) -> list[EditionOut]:
    """Every edition of a report, oldest first. The caller must have found the report in scope before."""
    rows = session.scalars(
        select(ReportEdition).where(col(ReportEdition.report_id) == report_id).order_by(col(ReportEdition.edition))
    )
    return [shown(session, one) for one in rows]


def shown(session: Session, edition: ReportEdition) -> EditionOut:
    """An edition as an answer."""
    parts, absent = session.execute(select(*counts_of(edition.id))).one()
    names = set(EditionOut.model_fields) - {"parts", "parts_missing"}
    return EditionOut(**edition.model_dump(include=names), parts=parts, parts_missing=absent)
