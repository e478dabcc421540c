"""The problem ledger as it is read: its columns, its filters, its orders."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Select, and_, func, literal, literal_column, or_, select
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.kernel.machines import Guard
from toilet_api.registry.filters import scope_of
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey.actions import actions_column, remembered
from toilet_api.survey.ledger_schemas import ProblemRow
from toilet_api.survey.places import Township, Village, with_places
from toilet_api.survey.rules import (
    AT_ONCE,
    CHECKED_ENOUGH,
    OF_TOILET,
    OF_WORK,
    PROBLEM,
    SETTLED_STATES,
    SURVEY_VERIFIED,
    WHOLE,
    shanghai_date,
)
from toilet_api.survey.tables import Campaign, CatalogueType, LedgerProblem, Visit

DUE: ColumnElement[date] = func.coalesce(
    col(LedgerProblem.deadline), literal_column("date '9999-12-31'", Date), type_=Date
)


_NONE: Any = None
_LEVELS: Any = col(Campaign.verification_levels)
_SHARES: Any = col(Campaign.acceptance_shares)
_HOLDS: dict[Guard, bool | ColumnElement[bool]] = {
    AT_ONCE: and_(
        col(LedgerProblem.task_id).is_(None), col(LedgerProblem.cause) == func.any(col(Campaign.at_once_causes))
    ),
    OF_TOILET: col(LedgerProblem.problem_class) == "toilet",
    OF_WORK: col(LedgerProblem.problem_class) == "work",
    SURVEY_VERIFIED: or_(
        col(LedgerProblem.visit_id).is_(None),
        func.cardinality(_LEVELS) == 0,
        col(Visit.state) == "county_verified",
        and_(col(Visit.state) == "township_verified", literal("county") != func.all(_LEVELS)),
    ),
    CHECKED_ENOUGH: or_(
        col(LedgerProblem.accepted_level) == "county",
        func.coalesce(_SHARES["county"].as_integer(), 0) < WHOLE,
    ),
}
"""The guards of a problem, in SQL; `rules.failing_guards` is the same for one record, and tests hold them together."""


@remembered
def ledger_select(caller: Caller, today: date) -> Select[Any]:
    """The members of `ProblemRow`, of the problems in the caller's scope. `today`: in Shanghai."""
    state, place = col(LedgerProblem.state), col(LedgerProblem.division_code)
    made: dict[str, Any] = {
        "village_name": Village.name,
        "township_name": Township.name,
        "problem_type": CatalogueType.code,
        "type_zh": CatalogueType.zh,
        "type_en": CatalogueType.en,
        "problem_group": CatalogueType.problem_group,
        "overdue": overdue(today),
        "head_masked": Household.name_masked,
        "toilet_mode": Toilet.mode,
        "built_year": Toilet.built_year,
        "led_by": Toilet.led_by,
        "visit_state": Visit.state,
        "allowed_actions": actions_column(PROBLEM, state, place, caller, _HOLDS),
    }
    columns = [made.get(name, getattr(LedgerProblem, name, _NONE)).label(name) for name in ProblemRow.model_fields]
    statement = (
        select(*columns)
        .select_from(LedgerProblem)
        .join(CatalogueType, col(CatalogueType.id) == col(LedgerProblem.type_id))
        .join(Campaign, col(Campaign.id) == col(LedgerProblem.campaign_id))
        .outerjoin(Household, col(Household.id) == col(LedgerProblem.household_id))
        .outerjoin(Toilet, col(Toilet.id) == col(LedgerProblem.toilet_id))
        .outerjoin(Visit, col(Visit.id) == col(LedgerProblem.visit_id))
        .where(col(LedgerProblem.removed_at).is_(None))
    )
    return caller.scope.narrow(with_places(statement, place), place)


def overdue(today: date) -> ColumnElement[bool]:
    """Its deadline has passed and it isn't settled: a fact of the moment, never a stored flag."""
    return and_(
        func.coalesce(col(LedgerProblem.deadline) < literal(today, Date), False),
        col(LedgerProblem.state).not_in(SETTLED_STATES),
    )


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """What a clerk looks for. Bounds include their ends; dates are days in Shanghai."""

    division: str | None = None
    state: list[str] = field(default_factory=list)
    problem_class: str | None = None
    cause: list[str] = field(default_factory=list)
    problem_type: list[str] = field(default_factory=list)
    mode: list[str] = field(default_factory=list)
    built_from: int | None = None
    built_to: int | None = None
    led_by: list[str] = field(default_factory=list)
    overdue: bool | None = None
    due_after: date | None = None
    due_before: date | None = None
    found_from: date | None = None
    found_to: date | None = None
    campaign_id: UUID | None = None
    household_id: UUID | None = None
    toilet_id: UUID | None = None
    text: str | None = None


def filtered(
    session: Session, caller: Caller, statement: Select[Any], wanted: LedgerFilter, today: date
) -> Select[Any]:
    """`statement` with the filters. A foreign division is a 404."""
    one = LedgerProblem
    conditions: list[ColumnElement[bool]] = []
    for column, values in (
        (one.state, wanted.state),
        (one.cause, wanted.cause),
        (Toilet.mode, wanted.mode),
        (Toilet.led_by, wanted.led_by),
    ):
        if values:
            conditions.append(col(column).in_(values))
    exact: list[tuple[Any, Any]] = [
        (one.problem_class, wanted.problem_class),
        (one.campaign_id, wanted.campaign_id),
        (one.household_id, wanted.household_id),
        (one.toilet_id, wanted.toilet_id),
    ]
    conditions += [column == value for column, value in exact if value is not None]
    found_on = func.date(func.timezone("Asia/Shanghai", col(one.found_at)))
    at_least: list[tuple[Any, Any]] = [
        (Toilet.built_year, wanted.built_from),
        (one.deadline, wanted.due_after),
        (found_on, wanted.found_from),
    ]
    at_most: list[tuple[Any, Any]] = [
        (Toilet.built_year, wanted.built_to),
        (one.deadline, wanted.due_before),
        (found_on, wanted.found_to),
    ]
    conditions += [column >= bound for column, bound in at_least if bound is not None]
    conditions += [column <= bound for column, bound in at_most if bound is not None]
    if wanted.problem_type:
        ids = select(col(CatalogueType.id)).where(col(CatalogueType.code).in_(wanted.problem_type))
        conditions.append(col(one.type_id).in_(ids))
    if wanted.overdue is not None:
        conditions.append(overdue(today) if wanted.overdue else ~overdue(today))
    if wanted.division is not None:
        conditions.append(scope_of(session, caller, wanted.division).condition(col(one.division_code)))
    if wanted.text:
        conditions.append(_mentions(wanted.text))
    return statement.where(*conditions)


def _mentions(words: str) -> ColumnElement[bool]:
    """The text occurs in the description, the type's label, the village's or township's name, or the masked name."""
    pattern = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return or_(
        *(
            column.ilike(pattern)
            for column in (
                col(LedgerProblem.description),
                col(CatalogueType.zh),
                col(CatalogueType.en),
                Village.name,
                Township.name,
                col(Household.name_masked),
            )
        )
    )


SORTS: dict[str, list[Any]] = {
    "deadline": [DUE],
    "-deadline": [DUE.desc()],
    "found_at": [col(LedgerProblem.found_at)],
    "-found_at": [col(LedgerProblem.found_at).desc()],
    "division_code": [col(LedgerProblem.division_code)],
}


def present(session: Session, caller: Caller, row: LedgerProblem, now: datetime) -> ProblemRow:
    """One problem as an answer."""
    session.flush()
    statement = ledger_select(caller, shanghai_date(now)).where(col(LedgerProblem.id) == row.id)
    found = session.connection().execute(statement).mappings().one_or_none()
    if found is None:
        raise NOT_FOUND.problem()
    return ProblemRow(**found)
