"""How tasks are shown: one list of columns, for single records and for pages alike; filters and orders."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Select, and_, exists, func, literal, literal_column, or_, select
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.kernel.machines import Guard
from toilet_api.rectification.rules import AFTER_PHOTO, ENDED_TASKS, NONE_PENDING, TASK
from toilet_api.rectification.tables import Postponement, Task, TaskNote
from toilet_api.rectification.task_schemas import TaskNoteRow, TaskRow
from toilet_api.registry.filters import scope_of
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey.actions import actions_column, remembered
from toilet_api.survey.places import Township, Village, with_places
from toilet_api.survey.rules import shanghai_date
from toilet_api.survey.tables import CatalogueType, LedgerProblem

DUE: ColumnElement[date] = func.coalesce(col(Task.due_on), literal_column("date '9999-12-31'", Date), type_=Date)
"""As the index `task_due` has it; a task without a due date comes last."""
SORTS: dict[str, list[Any]] = {
    "due_on": [DUE],
    "-due_on": [DUE.desc()],
    "division_code": [col(Task.division_code)],
    "updated_at": [col(Task.updated_at)],
    "-updated_at": [col(Task.updated_at).desc()],
}
NOTE_SORTS: dict[str, list[Any]] = {
    "noted_at": [col(TaskNote.noted_at)],
    "-noted_at": [col(TaskNote.noted_at).desc()],
}

_NONE: Any = None
_PENDING = exists().where(
    col(Postponement.task_id) == col(Task.id),
    col(Postponement.state) == "requested",
    col(Postponement.removed_at).is_(None),
)
_HOLDS: dict[Guard, bool | ColumnElement[bool]] = {
    AFTER_PHOTO: or_(col(LedgerProblem.problem_class) == "work", func.cardinality(col(Task.photos_after)) > 0),
    NONE_PENDING: ~_PENDING,
}
_PERCENT = (
    select(col(TaskNote.percent))
    .where(col(TaskNote.task_id) == col(Task.id), col(TaskNote.percent).is_not(None))
    .order_by(col(TaskNote.noted_at).desc(), col(TaskNote.id).desc())
    .limit(1)
    .correlate(Task)
    .scalar_subquery()
)


@remembered
def task_select(caller: Caller, today: date) -> Select[Any]:
    """The members of `TaskRow`, of the tasks in the caller's scope. `today`: in Shanghai."""
    state, place = col(Task.state), col(Task.division_code)
    made: dict[str, Any] = {
        "village_name": Village.name,
        "township_name": Township.name,
        "problem_class": LedgerProblem.problem_class,
        "problem_type": CatalogueType.code,
        "type_zh": CatalogueType.zh,
        "type_en": CatalogueType.en,
        "cause": LedgerProblem.cause,
        "problem_state": LedgerProblem.state,
        "household_id": LedgerProblem.household_id,
        "head_masked": Household.name_masked,
        "toilet_id": LedgerProblem.toilet_id,
        "toilet_mode": Toilet.mode,
        "overdue": overdue(today),
        "percent": _PERCENT,
        "allowed_actions": actions_column(TASK, state, place, caller, _HOLDS),
    }
    columns = [made.get(name, getattr(Task, name, _NONE)).label(name) for name in TaskRow.model_fields]
    statement = (
        select(*columns)
        .select_from(Task)
        .join(LedgerProblem, col(LedgerProblem.id) == col(Task.problem_id))
        .join(CatalogueType, col(CatalogueType.id) == col(LedgerProblem.type_id))
        .outerjoin(Household, col(Household.id) == col(LedgerProblem.household_id))
        .outerjoin(Toilet, col(Toilet.id) == col(LedgerProblem.toilet_id))
        .where(col(Task.removed_at).is_(None))
    )
    return caller.scope.narrow(with_places(statement, place), place)


def overdue(today: date) -> ColumnElement[bool]:
    """`rules.is_overdue` in SQL."""
    return and_(
        func.coalesce(col(Task.due_on) < literal(today, Date), False),
        col(Task.state).not_in(ENDED_TASKS),
    )


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """What somebody looks for among tasks. Bounds include their ends; dates are days in Shanghai."""

    division: str | None = None
    state: list[str] = field(default_factory=list)
    path: str | None = None
    campaign_id: UUID | None = None
    plan_id: UUID | None = None
    problem_id: UUID | None = None
    overdue: bool | None = None
    due_after: date | None = None
    due_before: date | None = None
    contractor: str | None = None
    responsible_unit: str | None = None
    responsible_user_id: UUID | None = None


def filtered(session: Session, caller: Caller, statement: Select[Any], wanted: TaskFilter, today: date) -> Select[Any]:
    """`statement` with the filters. A foreign division is a 404."""
    exact: list[tuple[Any, Any]] = [
        (col(Task.path), wanted.path),
        (col(Task.campaign_id), wanted.campaign_id),
        (col(Task.plan_id), wanted.plan_id),
        (col(Task.problem_id), wanted.problem_id),
        (col(Task.contractor), wanted.contractor),
        (col(Task.responsible_unit), wanted.responsible_unit),
        (col(Task.responsible_user_id), wanted.responsible_user_id),
    ]
    conditions: list[ColumnElement[bool]] = [column == value for column, value in exact if value is not None]
    if wanted.state:
        conditions.append(col(Task.state).in_(wanted.state))
    if wanted.overdue is not None:
        conditions.append(overdue(today) if wanted.overdue else ~overdue(today))
    due: Any = col(Task.due_on)
    if wanted.due_after is not None:
        conditions.append(due >= wanted.due_after)
    if wanted.due_before is not None:
        conditions.append(due <= wanted.due_before)
    if wanted.division is not None:
        conditions.append(scope_of(session, caller, wanted.division).condition(col(Task.division_code)))
    return statement.where(*conditions)


def note_select(task_id: UUID) -> Select[Any]:
    """The members of `TaskNoteRow`, of one task that was found in scope before."""
    columns = [getattr(TaskNote, name).label(name) for name in TaskNoteRow.model_fields]
    return select(*columns).where(col(TaskNote.task_id) == task_id)


def present(session: Session, caller: Caller, task: Task, now: datetime) -> TaskRow:
    """One task as an answer."""
    session.flush()
    statement = task_select(caller, shanghai_date(now)).where(col(Task.id) == task.id)
    row = session.connection().execute(statement).mappings().one_or_none()
    if row is None:
        raise NOT_FOUND.problem()
    return TaskRow(**row)
