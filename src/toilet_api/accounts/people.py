"""Accounts of people and systems: made, changed, locked, removed, restored, given new secrets.

`create_person` and `create_client` are for the command line and the demonstration as well; the checks of who may are in
`authority`, before them.
"""

import secrets
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from toilet_api.accounts import passwords
from toilet_api.accounts.authority import grants_of, managed, require_power, scopes_of
from toilet_api.accounts.caller import Caller
from toilet_api.accounts.granting import checked, note, place, write_grant
from toilet_api.accounts.permissions import (
    DEFAULT_CLIENT_SCOPES,
    ROLES,
    Permission,
    PrincipalKind,
    Role,
    in_order,
)
from toilet_api.accounts.problems import USERNAME_TAKEN
from toilet_api.accounts.rules import Grant, temporary_password
from toilet_api.accounts.schemas import ClientCreate, ClientPatch, UserCreate, UserPatch
from toilet_api.accounts.tables import Credential, Principal
from toilet_api.kernel.database import actor_of
from toilet_api.kernel.errors import ID_TAKEN, INVALID, FieldError
from toilet_api.kernel.fields import new_id, now
from toilet_api.settings import Settings


def new_secret() -> str:
    """A client secret of 256 random bits."""
    return "ts_" + secrets.token_urlsafe(32)


def create_person(
    session: Session,
    settings: Settings,
    *,
    username: str,
    display_name: str,
    password: str,
    grants: Sequence[tuple[Role | str, str]],
    division_code: str | None = None,
    must_change_password: bool = True,
    check_password: bool = True,
    id: UUID | None = None,  # noqa: A002 - the contract's name
) -> Principal:
    """A new person with a password and grants of (role, division code). The transaction's scope must cover them.

    `division_code`: where the account belongs; by default the division of the first grant. Raises `weak_password`,
    `username_taken`, `id_taken`, `invalid` for a role at a level where it isn't granted.
    """
    name = username.strip().lower()
    if check_password:
        passwords.require_good(password, name, "/password")
    placed = [checked(session, "person", role, code, f"/grants/{index}") for index, (role, code) in enumerate(grants)]
    home = place(session, division_code, "/division_code") if division_code else placed[0].division_code
    principal = Principal(
        id=id or new_id(),
        kind="person",
        username=name,
        display_name=display_name,
        division_code=home,
        must_change_password=must_change_password,
    )
    _insert(session, principal, passwords.hashed(settings, password), placed)
    return principal


def create_client(
    session: Session,
    settings: Settings,
    *,
    client_id: str,
    display_name: str,
    division_codes: Sequence[str],
    scopes: Iterable[Permission | str] | None = None,
    secret: str | None = None,
    id: UUID | None = None,  # noqa: A002 - the contract's name
) -> tuple[Principal, str]:
    """A new system with the role integration_client in each division; (account, secret). The secret is kept nowhere.

    `scopes`: what it may do at most; by default masked reading.
    """
    placed = [checked(session, "client", Role.INTEGRATION_CLIENT, code, "/division_code") for code in division_codes]
    chosen = secret or new_secret()
    principal = Principal(
        id=id or new_id(),
        kind="client",
        username=client_id.strip().lower(),
        display_name=display_name,
        division_code=placed[0].division_code,
        scopes=checked_scopes(scopes),
    )
    _insert(session, principal, passwords.hashed(settings, chosen), placed)
    return principal, chosen


def checked_scopes(scopes: Iterable[Permission | str] | None) -> list[str]:
    """Scopes in the order of the table. 422 for one that no system may have."""
    if scopes is None:
        return in_order(DEFAULT_CLIENT_SCOPES)
    allowed = ROLES[Role.INTEGRATION_CLIENT].permissions
    asked = {str(scope) for scope in scopes}
    if beyond := sorted(asked - allowed):
        message = ("对接系统不能持有该权限", "a system may not hold this permission")
        raise INVALID.problem(
            errors=[
                FieldError("/scopes", "scope_not_allowed", message, ", ".join(beyond), ", ".join(in_order(allowed)))
            ]
        )
    return in_order(asked)


def _insert(session: Session, principal: Principal, secret_hash: str, grants: Sequence[Grant]) -> None:
    actor = actor_of(session)
    principal.created_by = principal.updated_by = actor.id
    try:
        with session.begin_nested():
            session.add(principal)
            session.flush()
    except IntegrityError as error:
        constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
        if constraint == "principal_username":
            raise USERNAME_TAKEN.problem() from None
        if constraint == "principal_pkey":
            raise ID_TAKEN.problem() from None
        raise
    session.add(Credential(principal_id=principal.id, secret_hash=secret_hash))
    session.flush()
    note(session, principal, "created", after=described(principal), op="create")
    for grant in grants:
        write_grant(session, principal, grant)


def described(principal: Principal) -> dict[str, Any]:
    """What the journal shows of an account; never a secret."""
    shown: dict[str, Any] = {
        "username": principal.username,
        "display_name": principal.display_name,
        "division_code": principal.division_code,
    }
    return shown if principal.scopes is None else shown | {"scopes": principal.scopes}


# --- by a manager, over the API ---


def add_user(session: Session, settings: Settings, caller: Caller, body: UserCreate) -> tuple[Principal, str | None]:
    """A new person, by the level above; (account, temporary password if it was made up)."""
    made_up = temporary_password() if body.password is None else None
    asked = []
    for index, grant in enumerate(body.grants):
        placed = checked(session, "person", grant.role, grant.division_code, f"/grants/{index}", caller)
        require_power(caller, placed, None)
        asked.append((placed.role, placed.division_code))
    home = place(session, body.division_code or asked[0][1], "/division_code", caller)
    principal = create_person(
        session,
        settings,
        username=body.username,
        display_name=body.display_name,
        password=made_up or body.password or "",
        grants=list(dict.fromkeys(asked)),
        division_code=home,
        id=body.id,
    )
    return principal, made_up


def add_client(session: Session, settings: Settings, caller: Caller, body: ClientCreate) -> tuple[Principal, str]:
    """A new system, by the level above; (account, secret)."""
    scopes = checked_scopes(body.scopes)
    placed = checked(session, "client", Role.INTEGRATION_CLIENT, body.division_code, "", caller)
    require_power(caller, placed, frozenset(scopes))
    return create_client(
        session,
        settings,
        client_id=body.client_id,
        display_name=body.display_name,
        division_codes=[placed.division_code],
        scopes=scopes,
        id=body.id,
    )


def change(
    session: Session, caller: Caller, principal: Principal, body: UserPatch | ClientPatch, home: str | None
) -> None:
    """A patch of an account that `managed` has let through. `home`: its new division, from `place`."""
    before = described(principal)
    old_home = principal.division_code
    members = body.model_dump(exclude_unset=True)
    if "display_name" in members:
        principal.display_name = members["display_name"]
    if home is not None:
        principal.division_code = home
    if "scopes" in members:
        principal.scopes = checked_scopes(members["scopes"])
        for grant in grants_of(session, principal.id):
            require_power(caller, Grant(Role(grant.role), grant.division_code), scopes_of(principal))
    after = described(principal)
    if after == before:
        return
    principal.touch(caller.id)
    moved = principal.division_code != old_home
    session.add(principal)
    note(
        session,
        principal,
        "updated",
        before={name: value for name, value in before.items() if after[name] != value},
        after={name: value for name, value in after.items() if before[name] != value},
        op="move" if moved else "update",
        moved_from=old_home if moved else None,
    )


def take_step(
    session: Session, caller: Caller, kind: PrincipalKind, principal_id: UUID, step: str, reason: str
) -> Principal:
    """lock, unlock, remove or restore, with a reason. Locking and removing end every login at once."""
    principal = managed(session, caller, kind, principal_id, step)
    past = {"lock": "locked", "unlock": "unlocked", "remove": "removed", "restore": "restored"}[step]
    if step == "lock":
        principal.locked_at, principal.locked_reason = now(), reason
    elif step == "remove":
        principal.removed_at, principal.removed_reason = now(), reason
    elif step == "restore":
        principal.removed_at = principal.removed_reason = None
    if step in ("unlock", "restore"):
        principal.locked_at = principal.locked_reason = None
    if step in ("lock", "remove"):
        principal.token_version += 1
    principal.touch(caller.id)
    session.add(principal)
    op: Any = step if step in ("remove", "restore") else "update"
    note(session, principal, past, reason=reason, op=op)
    return principal


def renew_secret(
    session: Session, settings: Settings, caller: Caller, kind: PrincipalKind, principal_id: UUID
) -> tuple[Principal, str]:
    """A temporary password for a person, a new secret for a system; (account, secret). Every login ends."""
    step = "reset_password" if kind == "person" else "rotate_secret"
    principal = managed(session, caller, kind, principal_id, step)
    secret = temporary_password() if kind == "person" else new_secret()
    credential = session.exec(select(Credential).where(col(Credential.principal_id) == principal.id)).one()
    hashed = passwords.hashed(settings, secret)
    passwords.replace(session, principal, credential, hashed, must_change=kind == "person")
    principal.touch(caller.id)
    note(session, principal, "password_reset" if kind == "person" else "secret_rotated")
    return principal, secret
