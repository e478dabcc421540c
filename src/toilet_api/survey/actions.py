"""Which steps the caller may take, as a column of a list; and the permission that a body asks for."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeVar
from typing import cast as cast_type

from sqlalchemy import ColumnElement, Text, case, cast, literal
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller, forbidden
from toilet_api.accounts.permissions import Permission
from toilet_api.kernel.database import enter_scope
from toilet_api.kernel.machines import Guard, Machine
from toilet_api.kernel.scope import prefix_range
from toilet_api.survey.rules import BY_ANOTHER, BY_SURVEYOR, BY_TRAINED, VISIT
from toilet_api.survey.tables import Visit

F = TypeVar("F", bound=Callable[..., Any])


def remembered(build: F) -> F:
    """For a function that makes a select for a caller: the same one serves the same caller again.

    Composing a long expression takes longer than asking the database for the row; it depends on the caller alone.
    """
    return cast_type("F", lru_cache(maxsize=512)(build))


def visit_actions_column(caller: Caller) -> ColumnElement[Any]:
    """The steps of a visit: its surveyor may not verify it, nobody else may change or submit it.

    Who is not trained may neither submit nor correct (先培训后上岗).
    """
    own = col(Visit.surveyor_id) == caller.id
    guards: dict[Guard, bool | ColumnElement[bool]] = {BY_SURVEYOR: own, BY_ANOTHER: ~own, BY_TRAINED: caller.trained}
    return actions_column(VISIT, Visit.state, Visit.division_code, caller, guards)


def actions_column(
    machine: Machine,
    state: Any,
    division_code: Any,
    caller: Caller,
    holds: Mapping[Guard, bool | ColumnElement[bool]] | None = None,
) -> ColumnElement[Any]:
    """The allowed steps as SQL, by what the caller may do where the record lies and which guards hold for it.

    The longest grant that covers a record decides alone: `permissions_at` its division holds those above it too.
    """
    places = sorted({grant.division_code for grant in caller.grants}, key=len, reverse=True)
    return case(
        *(
            (prefix_range(division_code, place), machine.allowed_sql(state, caller.permissions_at(place), holds))
            for place in places
        ),
        else_=cast(literal("[]", Text), JSONB),
    )


def require(session: Session, caller: Caller, permission: Permission) -> Caller:
    """For a route whose body decides which permission it needs: 403 unless held somewhere; narrows to where."""
    scope = caller.scope_for(permission)
    if scope.is_empty:
        raise forbidden(permission)
    enter_scope(session, scope.prefixes)
    return replace(caller, scope=scope)
