"""Grants: a role in a division, given and taken away."""

from typing import Any
from uuid import UUID

from sqlmodel import Session

from toilet_api.accounts.authority import grants_of, managed, require_power, scopes_of
from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import LEVEL_NAMES, ROLES, PrincipalKind, Role, level_of
from toilet_api.accounts.problems import GRANT_EXISTS
from toilet_api.accounts.rules import Grant
from toilet_api.accounts.schemas import GrantCreate
from toilet_api.accounts.tables import Principal, PrincipalGrant
from toilet_api.divisions.lookup import resolve, resolve_for_write
from toilet_api.kernel import journal
from toilet_api.kernel.database import actor_of
from toilet_api.kernel.errors import ID_TAKEN, INVALID, NOT_FOUND, OUT_OF_SCOPE, FieldError
from toilet_api.kernel.fields import new_id, now


def note(session: Session, principal: Principal, verb: str, **details: Any) -> None:
    """Journal a change of an account."""
    subject = "user" if principal.kind == "person" else "client"
    journal.record(
        session,
        action=f"{subject}.{verb}",
        subject_type="principal",
        subject_id=principal.id,
        division_code=principal.division_code,
        version=principal.version,
        **details,
    )


def checked(
    session: Session, kind: PrincipalKind, role: Role | str, code: str, pointer: str, caller: Caller | None = None
) -> Grant:
    """The grant with its division resolved (an old code follows its successor).

    422 for a role that is not for this kind of account, or not granted at this level. 403 `out_of_scope` for a
    division outside of the caller's, whether it exists or not.
    """
    chosen = Role(role)
    rule = ROLES[chosen]
    where = pointer if pointer.endswith("division_code") else f"{pointer}/division_code"
    if rule.kind != kind:
        message = ("该角色不适用于这类账号", "this role is not for that kind of account")
        raise INVALID.problem(errors=[FieldError(f"{pointer}/role", "role_kind", message, chosen.value)])
    if level_of(code) not in rule.levels:
        levels = sorted(rule.levels)
        zh = "、".join(LEVEL_NAMES[level][0] for level in levels)
        en = ", ".join(LEVEL_NAMES[level][1] for level in levels)
        message = (f"“{rule.zh}”只能授予{zh}级区划", f"{chosen} is granted at: {en}")
        raise INVALID.problem(errors=[FieldError(where, "role_level", message, code, en)])
    return Grant(chosen, place(session, code, where, caller))


def place(session: Session, code: str, pointer: str, caller: Caller | None = None) -> str:
    """The division that a body names, old codes resolved, kept from moving until the transaction ends.

    403 `out_of_scope` for one outside of the caller's, whether it exists or not. Call it before rows are locked.
    """
    if caller is not None and not caller.scope.covers(code):
        today = resolve(session, code)  # an old code from elsewhere may lead into the scope
        if today is None or not caller.scope.covers(today.code):
            message = ("不在您的管辖范围内", "outside your scope")
            raise OUT_OF_SCOPE.problem(errors=[FieldError(pointer, "out_of_scope", message, code)])
        code = today.code
    return resolve_for_write(session, code, None, pointer).code


def write_grant(session: Session, principal: Principal, grant: Grant, grant_id: UUID | None = None) -> PrincipalGrant:
    """Store a grant that was checked, with its journal entry."""
    made = PrincipalGrant(
        id=grant_id or new_id(),
        principal_id=principal.id,
        role=grant.role.value,
        division_code=grant.division_code,
        granted_by=actor_of(session).id,
    )
    session.add(made)
    session.flush()
    note(session, principal, "granted", after={"role": made.role, "division_code": made.division_code})
    return made


def add_grant(
    session: Session, caller: Caller, kind: PrincipalKind, principal_id: UUID, body: GrantCreate
) -> PrincipalGrant:
    """One more grant. The caller must be able to manage the account both as it is and as it will be."""
    grant = checked(session, kind, body.role, body.division_code, "", caller)
    principal = managed(session, caller, kind, principal_id, "grant")
    require_power(caller, grant, scopes_of(principal))
    for held in grants_of(session, principal.id):
        if (held.role, held.division_code) == (grant.role.value, grant.division_code):
            raise GRANT_EXISTS.problem(grant_id=str(held.id))
    if body.id is not None and session.get(PrincipalGrant, body.id) is not None:
        raise ID_TAKEN.problem()
    principal.touch(caller.id)
    session.add(principal)
    return write_grant(session, principal, grant, body.id)


def remove_grant(
    session: Session, caller: Caller, kind: PrincipalKind, principal_id: UUID, grant_id: UUID, reason: str
) -> Principal:
    """Take a grant away, with a reason; it holds from the next request."""
    principal = managed(session, caller, kind, principal_id, "grant")
    grant = next((one for one in grants_of(session, principal.id) if one.id == grant_id), None)
    if grant is None:
        raise NOT_FOUND.problem()
    grant.removed_at, grant.removed_by, grant.removed_reason = now(), caller.id, reason
    principal.touch(caller.id)
    session.add_all([grant, principal])
    note(
        session,
        principal,
        "grant_removed",
        before={"role": grant.role, "division_code": grant.division_code},
        reason=reason,
    )
    return principal
