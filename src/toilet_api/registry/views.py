"""How households and toilets are shown: one list of columns each, for single records and for pages alike."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, case, cast, exists, func, literal, null, select
from sqlalchemy.dialects.postgresql import array
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.kernel.fields import Position
from toilet_api.registry import schemas
from toilet_api.registry.tables import Household, Toilet

Step = tuple[str, Permission, ColumnElement[bool]]


def _actions(caller: Caller, division_code: Any, steps: list[Step]) -> ColumnElement[Any]:
    """The names of the steps that the record's state and the caller's grants allow, as a jsonb array."""
    names = [
        case((and_(state, caller.scope_for(permission).condition(division_code)), cast(literal(name), Text)))
        for name, permission, state in steps
    ]
    return func.to_jsonb(func.array_remove(array(names), cast(null(), Text)))


def _labelled(made: dict[str, Any], table: type[Household] | type[Toilet], name: str) -> ColumnElement[Any]:
    expression: Any = made[name] if name in made else getattr(table, name)
    return expression.label(name)  # type: ignore[no-any-return]


def household_columns(caller: Caller) -> list[ColumnElement[Any]]:
    """The members of `schemas.Household`."""
    stands, gone = col(Household.removed_at).is_(None), col(Household.removed_at).is_not(None)
    steps: list[Step] = [
        ("edit", Permission.HOUSEHOLD_WRITE, stands),
        ("add_toilet", Permission.HOUSEHOLD_WRITE, stands),
        ("remove", Permission.HOUSEHOLD_REMOVE, stands),
        ("restore", Permission.HOUSEHOLD_RESTORE, gone),
        ("reveal", Permission.PERSON_REVEAL, stands),
        ("read_history", Permission.HISTORY_READ, col(Household.id).is_not(None)),
    ]
    made = {"allowed_actions": _actions(caller, col(Household.division_code), steps)}
    return [_labelled(made, Household, name) for name in schemas.Household.model_fields]


def toilet_columns(caller: Caller) -> list[ColumnElement[Any]]:
    """The members of `schemas.Toilet`."""
    stands, gone = col(Toilet.removed_at).is_(None), col(Toilet.removed_at).is_not(None)
    of_standing_household = exists().where(
        col(Household.id) == col(Toilet.household_id), col(Household.removed_at).is_(None)
    )
    steps: list[Step] = [
        ("edit", Permission.HOUSEHOLD_WRITE, stands),
        ("remove", Permission.HOUSEHOLD_REMOVE, stands),
        ("restore", Permission.HOUSEHOLD_RESTORE, and_(gone, of_standing_household)),
        ("read_history", Permission.HISTORY_READ, col(Toilet.id).is_not(None)),
    ]
    position = func.jsonb_build_object(
        "longitude", col(Toilet.longitude), "latitude", col(Toilet.latitude), "system", "wgs84",
        "accuracy_m", col(Toilet.position_accuracy_m),
    )  # fmt: skip
    made = {
        "allowed_actions": _actions(caller, col(Toilet.division_code), steps),
        "position": case((col(Toilet.longitude).is_not(None), position)),
        "position_source": col(Toilet.position_system),
    }
    return [_labelled(made, Toilet, name) for name in schemas.Toilet.model_fields]


def show_household(session: Session, caller: Caller, household_id: UUID) -> schemas.Household:
    """One household. Raises `not_found` when there is none in the caller's scope."""
    session.flush()
    statement = select(*household_columns(caller)).where(col(Household.id) == household_id)
    row = session.connection().execute(caller.scope.narrow(statement, col(Household.division_code))).mappings().first()
    if row is None:
        raise NOT_FOUND.problem()
    return schemas.Household.model_construct(**row)


def show_toilet(session: Session, caller: Caller, toilet_id: UUID) -> schemas.Toilet:
    """One toilet. Raises `not_found` when there is none in the caller's scope."""
    session.flush()
    statement = select(*toilet_columns(caller)).where(col(Toilet.id) == toilet_id)
    row = session.connection().execute(caller.scope.narrow(statement, col(Toilet.division_code))).mappings().first()
    if row is None:
        raise NOT_FOUND.problem()
    return toilet_of(row)


def show_with_toilets(session: Session, caller: Caller, household_id: UUID) -> schemas.HouseholdWithToilets:
    """One household with those of its toilets that stand, oldest record first."""
    household = show_household(session, caller, household_id)
    statement = (
        select(*toilet_columns(caller))
        .where(col(Toilet.household_id) == household_id, col(Toilet.removed_at).is_(None))
        .order_by(col(Toilet.created_at), col(Toilet.id))
    )
    toilets = [toilet_of(row) for row in session.connection().execute(statement).mappings()]
    return schemas.HouseholdWithToilets.model_construct(**household.model_dump(), toilets=toilets)


def toilet_of(row: Any) -> schemas.Toilet:
    """A row of `toilet_columns` as the schema; what is stored was checked when it came in."""
    position = row["position"] and Position.model_construct(**row["position"])
    return schemas.Toilet.model_construct(**{**row, "position": position})
