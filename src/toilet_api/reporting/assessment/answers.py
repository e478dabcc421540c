"""Who may rank and call in, and who is shown what was published."""

from typing import Annotated, Any, TypeVar

from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission, permissions_of
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.kernel.scope import Scope
from toilet_api.registry.filters import scope_of
from toilet_api.reporting.assessment.problems import NOT_OWN_LEVEL
from toilet_api.reporting.assessment.tables import Assessment, AssessmentFormula

AssessmentReader = Annotated[Caller, may(Permission.ASSESSMENT_READ)]
Assessor = Annotated[Caller, may(Permission.ASSESSMENT_MANAGE)]
CallInReader = Annotated[Caller, may(Permission.CALL_IN_READ)]
CallInManager = Annotated[Caller, may(Permission.CALL_IN_MANAGE)]

SHOWN_BELOW = ("published", "superseded")
"""The states of what everyone below is shown, too (公布)."""
P = TypeVar("P", Assessment, AssessmentFormula)


def own_codes(caller: Caller, permission: Permission) -> list[str]:
    """The divisions at which the caller holds `permission` by a grant of that very level."""
    return sorted(
        {grant.division_code for grant in caller.grants if permission in permissions_of(grant.role, caller.narrowed_to)}
    )


def require_own_level(caller: Caller, permission: Permission, code: str) -> None:
    """Raises `not_own_level` unless the caller acts for the level itself, not for one above it."""
    own = own_codes(caller, permission)
    if code not in own:
        raise NOT_OWN_LEVEL.problem(expected=own)


def codes_above(caller: Caller) -> list[str]:
    """The provinces, cities and counties that the caller's divisions lie in."""
    return _above(caller.scope)


def _above(scope: Scope) -> list[str]:
    return sorted({prefix[:size] for prefix in scope.prefixes for size in (2, 4, 6) if size < len(prefix)})


def concerning(session: Session, caller: Caller, division: str, code: Any) -> ColumnElement[bool]:
    """A filter `division=`: levels inside of it, and those above it, which rank it. Raises 404 outside of the scope."""
    scope = scope_of(session, caller, division)
    return or_(scope.condition(code), code.in_(_above(scope)))


def shown_to(caller: Caller, table: type[P]) -> ColumnElement[bool]:
    """What stands inside of the caller's scope, and what was published by the levels above."""
    code: Any = col(table.division_code)
    published = code.in_(codes_above(caller)) & col(table.state).in_(SHOWN_BELOW)
    return or_(caller.scope.condition(code), published) & col(table.removed_at).is_(None)


def shown(session: Session, caller: Caller, table: type[P], record_id: Any) -> P:
    """One of those. Raises 404."""
    row = session.get(table, record_id)
    if row is None or row.removed_at is not None:
        raise NOT_FOUND.problem()
    from_below = row.division_code in codes_above(caller) and row.state in SHOWN_BELOW
    if not (caller.scope.covers(row.division_code) or from_below):
        raise NOT_FOUND.problem()
    return row
