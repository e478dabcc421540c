"""Who manages whom: every change of an account passes here first."""

from collections.abc import Set
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, and_, cast, exists, false, func, literal, not_, or_
from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import ROLES, PrincipalKind, Role
from toilet_api.accounts.problems import ABOVE_OWN_RIGHTS, OWN_ACCOUNT, ROLE_NOT_MANAGED
from toilet_api.accounts.rules import CLIENT_STATES, USER_STATES, Grant, Power, powers
from toilet_api.accounts.tables import Principal, PrincipalGrant
from toilet_api.kernel.errors import NOT_FOUND, OUT_OF_SCOPE
from toilet_api.kernel.machines import Machine
from toilet_api.kernel.scope import prefix_range


def states_of(kind: str) -> Machine:
    """The state machine of a kind of account."""
    return USER_STATES if kind == "person" else CLIENT_STATES


def state_of(principal: Principal) -> str:
    """active, locked or removed."""
    if principal.removed_at is not None:
        return "removed"
    return "locked" if principal.locked_at is not None else "active"


def scopes_of(principal: Principal) -> frozenset[str] | None:
    """The scopes of a system; None for a person."""
    return None if principal.scopes is None else frozenset(principal.scopes)


def grants_of(session: Session, principal_id: UUID) -> list[PrincipalGrant]:
    """The grants that stand, oldest first."""
    return list(
        session.exec(
            select(PrincipalGrant)
            .where(col(PrincipalGrant.principal_id) == principal_id, col(PrincipalGrant.removed_at).is_(None))
            .order_by(col(PrincipalGrant.granted_at), col(PrincipalGrant.id))
        )
    )


def require_power(caller: Caller, grant: Grant, scopes: Set[str] | None) -> None:
    """Refuse (403) unless the caller may manage an account with this grant."""
    mine = powers(caller.grants, caller.narrowed_to)
    if any(power.covers(grant, scopes) for power in mine):
        return
    code, label = grant.division_code, ROLES[grant.role].zh
    if not caller.scope.covers(code):
        raise OUT_OF_SCOPE.problem(
            (f"区划 {code} 不在您的管辖范围内。", f"Division {code} is outside your scope."), division_code=code
        )
    if not any(power.role is grant.role and code.startswith(power.prefix) for power in mine):
        raise ROLE_NOT_MANAGED.problem(
            (f"您不能管理“{label}”的账号。", f"You do not manage accounts of {grant.role}."), role=grant.role.value
        )
    raise ABOVE_OWN_RIGHTS.problem(
        (f"“{label}”的权限超出您在 {code} 的权限。", f"{grant.role} at {code} would hold more than you do there."),
        role=grant.role.value,
        division_code=code,
    )


def managed(session: Session, caller: Caller, kind: PrincipalKind, principal_id: UUID, step: str) -> Principal:
    """The account, locked for a change, and sure to be the caller's to change.

    404 outside of the caller's division; 403 for one's own account, and for one that holds any grant which the caller
    could not have given: whoever resets a password could log in with it. 409 when the state forbids the step.
    """
    principal = session.exec(
        select(Principal)
        .where(
            col(Principal.id) == principal_id,
            col(Principal.kind) == kind,
            caller.scope.condition(col(Principal.division_code)),
        )
        .with_for_update()
    ).one_or_none()
    if principal is None:
        raise NOT_FOUND.problem()
    if principal.id == caller.id:
        raise OWN_ACCOUNT.problem()
    for grant in grants_of(session, principal.id):
        require_power(caller, Grant(Role(grant.role), grant.division_code), scopes_of(principal))
    states_of(kind).next(state_of(principal), step)
    return principal


def manageable(caller: Caller, principal: Any) -> ColumnElement[bool]:
    """The same rule over a column of accounts, for lists."""
    grant = PrincipalGrant
    covered = [_covers(power) for power in powers(caller.grants, caller.narrowed_to)]
    stranger = exists().where(
        col(grant.principal_id) == principal.id,
        col(grant.removed_at).is_(None),
        not_(or_(*covered)) if covered else not_(false()),
    )
    return and_(principal.id != caller.id, literal(bool(covered)), not_(stranger))


def _covers(power: Power) -> ColumnElement[bool]:
    code = col(PrincipalGrant.division_code)
    tests: list[ColumnElement[bool]] = [col(PrincipalGrant.role) == power.role.value, prefix_range(code, power.prefix)]
    if ROLES[power.role].kind == "client":
        held = cast(sorted(power.permissions), ARRAY(Text))
        tests.append(col(Principal.scopes).bool_op("<@")(held))
    elif power.below_only:
        tests.append(func.length(code) > len(power.prefix))
    return and_(*tests)
