"""Which steps the caller may take, for one record and as a column of a list."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Text, case, cast, literal
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission
from toilet_api.kernel.database import enter_scope
from toilet_api.kernel.errors import FORBIDDEN
from toilet_api.kernel.machines import Machine
from toilet_api.kernel.scope import prefix_range
from toilet_api.survey.rules import SURVEYOR_STEPS, TRAINED_STEPS, VERIFIER_STEPS, VISIT
from toilet_api.survey.tables import Visit


def visit_actions_column(caller: Caller) -> ColumnElement[Any]:
    """The steps of a visit: its surveyor may not verify it, nobody else may change or submit it.

    Who is not trained may neither submit nor correct (先培训后上岗).
    """
    untrained = frozenset() if caller.trained else TRAINED_STEPS
    return case(
        (
            Visit.__table__.c.surveyor_id == caller.id,  # type: ignore[attr-defined]
            actions_column(VISIT, Visit.state, Visit.division_code, caller, VERIFIER_STEPS | untrained),
        ),
        else_=actions_column(VISIT, Visit.state, Visit.division_code, caller, SURVEYOR_STEPS | untrained),
    )


def actions_column(
    machine: Machine, state: Any, division_code: Any, caller: Caller, without: Collection[str] = ()
) -> ColumnElement[Any]:
    """The allowed steps as SQL, by what the caller may do where the record lies.

    The longest grant that covers a record decides alone: `permissions_at` its division holds those above it too.
    """
    places = sorted({grant.division_code for grant in caller.grants}, key=len, reverse=True)
    return case(
        *(
            (prefix_range(division_code, place), machine.allowed_sql(state, caller.permissions_at(place), without))
            for place in places
        ),
        else_=cast(literal("[]", Text), JSONB),
    )


def require(session: Session, caller: Caller, permission: Permission) -> Caller:
    """For a route whose body decides which permission it needs: 403 unless held somewhere; narrows to where."""
    scope = caller.scope_for(permission)
    if scope.is_empty:
        raise FORBIDDEN.problem(
            (f"需要权限 {permission}。", f"This needs the permission {permission}."), permission=str(permission)
        )
    enter_scope(session, scope.prefixes)
    return replace(caller, scope=scope)
