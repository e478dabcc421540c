"""What each part counts, once and for all: the records of its denominator, and which of them count for it.

The totals of an assessment and the lists behind them (`GET /assessments/records`) are both made of these.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Select, Text, and_, case, cast, exists, func, literal, or_, select
from sqlmodel import col

from toilet_api.accounts.permissions import Permission
from toilet_api.kernel.scope import prefix_range
from toilet_api.oversight.tables import Falsification, Sample, SampleUnit
from toilet_api.rectification.tables import Acceptance, AcceptanceProblem, Task
from toilet_api.registry.tables import Household
from toilet_api.reporting.assessment.places import width_below
from toilet_api.reporting.reports.rules import LEVEL_OF_LENGTH, LINES
from toilet_api.reporting.reports.tables import Report
from toilet_api.survey.rules import shanghai_date
from toilet_api.survey.tables import LedgerProblem, Visit

SATISFIED = "household_satisfied"
"""The item of the checklists that asks the household."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which campaigns, as of when, and for which level: its own checks count, and those held below it."""

    campaigns: Collection[UUID]
    now: datetime
    held_by: str

    @property
    def today(self) -> date:
        """The day in Shanghai."""
        return shanghai_date(self.now)


@dataclass(frozen=True, slots=True)
class Measure:
    """A part's records. `build` selects id, href, division_code and counted."""

    record_type: str
    kind: str
    """What their address begins with."""
    permission: Permission
    """Whoever may see such records one by one."""
    build: Callable[[Asked], Select[Any]]


def _select(kind: str, table: Any, counted: Any, href: Any = None) -> Select[Any]:
    address = func.concat(f"/api/v1/{kind}/", col(table.id)) if href is None else href
    return select(
        col(table.id).label("id"),
        address.label("href"),
        col(table.division_code).label("division_code"),
        counted.label("counted"),
    )


def _completeness(asked: Asked) -> Select[Any]:
    """All households; those with a visit that was submitted and isn't returned."""
    surveyed = exists().where(
        col(Visit.household_id) == col(Household.id),
        col(Visit.campaign_id).in_(asked.campaigns),
        col(Visit.removed_at).is_(None),
        col(Visit.state).in_(("submitted", "township_verified", "county_verified")),
    )
    return _select("households", Household, surveyed).where(col(Household.removed_at).is_(None))


def _live(asked: Asked) -> Any:
    problem = LedgerProblem
    return and_(
        col(problem.campaign_id).in_(asked.campaigns),
        col(problem.removed_at).is_(None),
        col(problem.state) != "dismissed",
    )


def _reports_on_time(asked: Asked) -> Select[Any]:
    """Reports to the level above whose cut-off is over; those handed in by it, returned or corrected since or not."""
    width = width_below(asked.held_by)
    kinds = [line.kind for line in LINES if line.to is not None and line.level == LEVEL_OF_LENGTH[width]]
    in_time = func.coalesce(col(Report.first_submitted_at) <= col(Report.cutoff_at), False)
    return _select("reports", Report, in_time).where(
        col(Report.campaign_id).in_(asked.campaigns),
        func.length(col(Report.division_code)) == width,
        col(Report.kind).in_(kinds),
        col(Report.cutoff_at) < asked.now,
        col(Report.removed_at).is_(None),
    )


def _deadlines_met(asked: Asked) -> Select[Any]:
    """Problems with a deadline that are closed, or past it; those closed on that day or before."""
    closed, due = col(LedgerProblem.state) == "closed", col(LedgerProblem.deadline)
    day = cast(func.timezone("Asia/Shanghai", col(LedgerProblem.closed_at)), Date)
    return _select("problems", LedgerProblem, func.coalesce(and_(closed, day <= due), False)).where(
        _live(asked), due.is_not(None), or_(closed, due < asked.today)
    )


def _close_out(asked: Asked) -> Select[Any]:
    """Problems that aren't dismissed; those closed."""
    return _select("problems", LedgerProblem, col(LedgerProblem.state) == "closed").where(_live(asked))


def _first_pass(asked: Asked) -> Select[Any]:
    """Tasks that were accepted or sent back; those accepted without ever being sent back."""
    accepted = col(Task.accepted_at).is_not(None)
    return _select("tasks", Task, and_(accepted, col(Task.redos) == 0)).where(
        col(Task.campaign_id).in_(asked.campaigns),
        col(Task.removed_at).is_(None),
        or_(accepted, and_(col(Task.redos) > 0, col(Task.state) != "cancelled")),
    )


def _review(asked: Asked) -> Select[Any]:
    """Checks of samples that came to a result; those that upheld the close-out."""
    unit = SampleUnit
    href = func.concat("/api/v1/samples/", col(unit.sample_id), "/units?division=", col(unit.division_code))
    return (
        _select("samples", unit, col(unit.result) == "upheld", href)
        .join(Sample, col(Sample.id) == col(unit.sample_id))
        .join(LedgerProblem, col(LedgerProblem.id) == col(unit.problem_id))
        .where(
            col(unit.result).in_(("upheld", "failed")),
            *_held_here(asked),
            col(LedgerProblem.campaign_id).in_(asked.campaigns),
        )
    )


def _held_here(asked: Asked) -> tuple[Any, ...]:
    """A sample that was drawn by the level that ranks, or below it."""
    return (
        col(Sample.state).in_(("drawn", "completed")),
        col(Sample.removed_at).is_(None),
        prefix_range(col(Sample.division_code), asked.held_by),
    )


def _falsification(asked: Asked) -> Select[Any]:
    """Records of falsification that stand; each counts."""
    return (
        _select("falsifications", Falsification, literal(True))
        .join(LedgerProblem, col(LedgerProblem.id) == col(Falsification.problem_id))
        .where(
            col(Falsification.state) == "recorded",
            col(Falsification.removed_at).is_(None),
            col(LedgerProblem.campaign_id).in_(asked.campaigns),
        )
    )


def _satisfaction(asked: Asked) -> Select[Any]:
    """Decided acceptances whose household was asked, then or at a check since; those where it was satisfied at last."""
    answers: Any = col(Acceptance.results)
    then = case(
        (answers.contains([{"code": SATISFIED, "passed": True}]), literal(True)),
        (answers.contains([{"code": SATISFIED}]), literal(False)),
    )
    answer = func.coalesce(_answered_since(asked), then)
    return _select("acceptances", Acceptance, answer).where(
        col(Acceptance.campaign_id).in_(asked.campaigns),
        col(Acceptance.removed_at).is_(None),
        col(Acceptance.decided_at).is_not(None),
        answer.is_not(None),
    )


def _answered_since(asked: Asked) -> Any:
    """Whether the household of an acceptance was satisfied, or basically so, when a check asked it last; else null."""
    unit, line = SampleUnit, AcceptanceProblem
    return (
        select(col(unit.household_satisfaction) != "unsatisfied")
        .join(line, col(line.problem_id) == col(unit.problem_id))
        .join(Sample, col(Sample.id) == col(unit.sample_id))
        .where(
            col(line.acceptance_id) == col(Acceptance.id),
            col(unit.household_satisfaction).is_not(None),
            col(unit.checked_at) > col(Acceptance.decided_at),
            *_held_here(asked),
        )
        .order_by(col(unit.checked_at).desc(), col(unit.id))
        .limit(1)
        .correlate(Acceptance)
        .scalar_subquery()
    )


def overdue(asked: Asked) -> Select[Any]:
    """Problems past their deadline that are neither closed nor dismissed, as the live statistics count them."""
    return _select("problems", LedgerProblem, literal(True)).where(
        _live(asked), col(LedgerProblem.deadline) < asked.today, col(LedgerProblem.state) != "closed"
    )


MEASURES: dict[str, Measure] = {
    "completeness": Measure("household", "households", Permission.HOUSEHOLD_READ, _completeness),
    "reports_on_time": Measure("report", "reports", Permission.REPORT_READ, _reports_on_time),
    "deadlines_met": Measure("problem", "problems", Permission.PROBLEM_READ, _deadlines_met),
    "close_out": Measure("problem", "problems", Permission.PROBLEM_READ, _close_out),
    "first_pass": Measure("task", "tasks", Permission.TASK_READ, _first_pass),
    "review": Measure("sample_unit", "samples", Permission.SAMPLE_READ, _review),
    "falsification": Measure("falsification", "falsifications", Permission.SAMPLE_READ, _falsification),
    "satisfaction": Measure("acceptance", "acceptances", Permission.ACCEPTANCE_READ, _satisfaction),
}
"""By part. `upkeep` has no records yet."""


def totals(part: str, asked: Asked) -> Select[Any]:
    """Rows of part, code, counted, all: of the divisions that `asked.held_by` ranks."""
    rows = MEASURES[part].build(asked).subquery(part)
    code = func.left(rows.c.division_code, width_below(asked.held_by))
    return (
        select(
            cast(literal(part), Text).label("part"),
            code.label("code"),
            func.count().filter(rows.c.counted).label("x"),
            func.count().label("n"),
        )
        .where(prefix_range(rows.c.division_code, asked.held_by))
        .group_by(code)
    )
