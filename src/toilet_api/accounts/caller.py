"""Who calls, and whether he may: the one place where a token becomes rights, and rights become a scope.

A route says what it needs in its signature: `caller: Annotated[Caller, may(Permission.HOUSEHOLD_READ)]`. From there on
the transaction sees only where the caller holds that permission.
"""

from collections.abc import Callable, Coroutine, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from anyio import to_thread
from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import text
from sqlmodel import Session

from toilet_api.accounts import tokens
from toilet_api.accounts.keys import KeyRing
from toilet_api.accounts.permissions import ROLES, Permission, Role, permissions_of
from toilet_api.accounts.problems import PASSWORD_CHANGE_REQUIRED, TRAINING_REQUIRED
from toilet_api.accounts.rules import Grant, permissions_at
from toilet_api.kernel.database import Actor, Transaction, enter_scope
from toilet_api.kernel.errors import FORBIDDEN, UNAUTHENTICATED, Problem
from toilet_api.kernel.fields import now
from toilet_api.kernel.rates import Policy
from toilet_api.kernel.requests import claim_idempotency
from toilet_api.kernel.scope import EVERYWHERE, Scope
from toilet_api.settings import Settings

# Nothing else is in the one query of each request; it runs before the transaction is narrowed.
_PRINCIPAL = text(
    """
    select p.kind, p.username, p.display_name, p.division_code, p.token_version, p.must_change_password,
           p.locked_at is null and p.removed_at is null as active, p.scopes, c.changed_at,
           array(select g.role || ' ' || g.division_code from principal_grant g
                 where g.principal_id = p.id and g.removed_at is null order by g.granted_at, g.id) as grants,
           exists(select from training t
                  where t.principal_id = p.id and t.revoked_at is null and t.held_on <= current_date
                    and (t.valid_until is null or t.valid_until >= current_date)) as trained,
           exists(select from refresh_token r
                  where r.family_id = cast(:family as uuid) and r.revoked_at is not null) as signed_out
    from principal p left join credential c on c.principal_id = p.id
    where p.id = :id
    """
)


@dataclass(frozen=True, slots=True)
class Caller:
    """The person or system behind a request."""

    id: UUID
    kind: str
    username: str
    display_name: str
    grants: tuple[Grant, ...]
    trained: bool
    scope: Scope
    """Where the caller holds the permission of the running request; outside of a request, all of its divisions."""
    narrowed_to: frozenset[str] | None = None
    """The scopes of a system or token; None for a person whose token is not narrowed."""
    must_change_password: bool = False
    division_code: str = ""
    password_changed_at: datetime | None = None
    token_version: int = 0
    """Which of the account's tokens count; it moves on when all of them are ended."""

    @property
    def actor(self) -> Actor:
        """As the journal names it."""
        return Actor(self.id, self.kind, self.username)

    def scope_for(self, permission: Permission | str) -> Scope:
        """Where the caller holds `permission`; empty when nowhere."""
        return Scope.of(
            grant.division_code for grant in self.grants if permission in permissions_of(grant.role, self.narrowed_to)
        )

    def permissions_at(self, division_code: str) -> set[str]:
        """What the caller may do at one division."""
        return permissions_at(self.grants, division_code, self.narrowed_to)

    @property
    def permissions(self) -> set[str]:
        """What the caller may do anywhere."""
        return {
            permission.value for grant in self.grants for permission in permissions_of(grant.role, self.narrowed_to)
        }


def require_training(caller: Caller) -> None:
    """Raises `training_required` unless a valid training record stands (工作方案 五（二）先培训后上岗)."""
    if not caller.trained:
        raise TRAINING_REQUIRED.problem(
            (
                "您没有有效的培训记录；请联系上级管理员登记培训后再开展摸排。",
                "No valid training record; have the level above record your training before you survey.",
            )
        )


def forbidden(permission: Permission) -> Problem:
    """403 for someone who holds `permission` nowhere; it names the roles that do, and why they do."""
    held = [rule for rule in ROLES.values() if permission in rule.permissions]
    zh, en = "、".join(rule.zh for rule in held), ", ".join(rule.en for rule in held)
    return FORBIDDEN.problem(
        (f"需要权限 {permission}。", f"This needs the permission {permission}."),
        rule=held[-1].rule if held else "",
        remedy=(f"请由{zh}办理，见 GET /roles。", f"Leave it to: {en}; see GET /roles."),
        permission=str(permission),
    )


def password_expired(settings: Settings, kind: str, changed_at: datetime | None) -> bool:
    """Whether a person's password is older than its lifetime."""
    days = settings.password_lifetime_days
    return kind == "person" and bool(days) and changed_at is not None and now() - changed_at > timedelta(days=days)


def ended() -> Problem:
    """401 for a token that was good: its login, or the account's use of it, is over."""
    return tokens.refused("登录已失效，请重新登录。", "This login has ended; log in again.")


def authenticate(session: Session, ring: KeyRing, settings: Settings, token: str) -> Caller:
    """The caller behind an access token. Raises 401 when the token is no good, or the account is not any more.

    Leaves the transaction in the widest scope: narrow it before anything else is read.
    """
    enter_scope(session, EVERYWHERE)
    return caller_by(session, settings, tokens.verify(session, ring, settings, token))


def caller_by(session: Session, settings: Settings, claims: tokens.Claims) -> Caller:
    """The caller of claims that were found good. Raises 401 when the login or the account is over.

    Leaves the transaction in the widest scope: narrow it before anything else is read.
    """
    enter_scope(session, EVERYWHERE)
    row = session.connection().execute(_PRINCIPAL, {"id": claims.subject, "family": claims.family}).one_or_none()
    if row is None or not row.active or row.signed_out or row.token_version != claims.token_version:
        raise ended()
    return _caller(claims.subject, row, settings, claims.scope)


def caller_of(
    session: Session, settings: Settings, principal_id: UUID, narrowed_to: Set[str] | None = None
) -> Caller | None:
    """The caller of a job, as the account stands now: whoever asked for it may have lost rights since.

    None for an account that is locked or removed. `narrowed_to`: the scopes of the token that asked, where it had any.
    Leaves the transaction in the widest scope.
    """
    enter_scope(session, EVERYWHERE)
    row = session.connection().execute(_PRINCIPAL, {"id": principal_id, "family": None}).one_or_none()
    if row is None or not row.active:
        return None
    return _caller(principal_id, row, settings, None if narrowed_to is None else frozenset(narrowed_to))


def _caller(principal_id: UUID, row: Any, settings: Settings, scope: frozenset[str] | None) -> Caller:
    """`row` of `_PRINCIPAL` as a caller; `scope`: the scopes of the token."""
    grants = tuple(
        dict.fromkeys(
            Grant(Role(role), code) for role, code in (one.split(" ") for one in row.grants) if role in set(Role)
        )
    )
    scopes = None if row.scopes is None else frozenset(row.scopes)
    if scope is not None:
        scopes = scope if scopes is None else scopes & scope
    return Caller(
        id=principal_id,
        kind=row.kind,
        username=row.username,
        display_name=row.display_name,
        grants=grants,
        trained=row.trained,
        scope=Scope.of(grant.division_code for grant in grants),
        narrowed_to=scopes,
        must_change_password=row.must_change_password or password_expired(settings, row.kind, row.changed_at),
        division_code=row.division_code,
        password_changed_at=row.changed_at,
        token_version=row.token_version,
    )


def key_ring(request: Request) -> KeyRing:
    """This process's keys."""
    return request.app.state.key_ring  # type: ignore[no-any-return]


_bearer = HTTPBearer(
    scheme_name="bearer",
    bearerFormat="JWT",
    description="`POST /api/v1/auth/token` 得到的访问令牌 / The access token",
    auto_error=False,
)
Bearer = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


def bearer_token(credentials: HTTPAuthorizationCredentials | None) -> str:
    """The token that came along; 401 without one."""
    if credentials is None or not credentials.credentials:
        raise UNAUTHENTICATED.problem()
    return credentials.credentials


async def _identify(request: Request, session: Transaction, credentials: Bearer) -> Caller:
    """The caller, whatever he may do. The transaction sees all of his divisions."""
    token = bearer_token(credentials)
    settings: Settings = request.app.state.settings

    def work() -> Caller:
        caller = authenticate(session, key_ring(request), settings, token)
        count(request, settings, caller)
        enter_scope(session, caller.scope.prefixes, replace(caller.actor, request_id=request.state.request_id))
        return caller

    request.state.caller = await to_thread.run_sync(work)
    return request.state.caller  # type: ignore[no-any-return]


def count(request: Request, settings: Settings, caller: Caller) -> None:
    """One request of the caller's quota. Raises 429 `rate_limited` when it is used up."""
    quota = settings.rate_limit_people if caller.kind == "person" else settings.rate_limit_clients
    rate = request.app.state.meter.take(str(caller.id), Policy(caller.kind, quota))
    if rate is not None:
        request.state.rate_headers = rate.headers


def enter(
    request: Request, session: Session, credentials: HTTPAuthorizationCredentials | None, *, again: bool
) -> Caller:
    """The caller of a route that waits, and so opens its transactions itself. This one then sees all his divisions.

    `again`: the request was counted before. Raises 401, 403 `password_change_required`, 429 `rate_limited`.
    """
    settings: Settings = request.app.state.settings
    caller = authenticate(session, key_ring(request), settings, bearer_token(credentials))
    if not again:
        count(request, settings, caller)
    if caller.must_change_password:
        raise PASSWORD_CHANGE_REQUIRED.problem()
    enter_scope(session, caller.scope.prefixes, replace(caller.actor, request_id=request.state.request_id))
    request.state.caller = caller
    return caller


Identified = Annotated[Caller, Security(_identify)]
"""For routes that anyone may call who is logged in, even before the first change of password."""


def _require(*permissions: Permission) -> Callable[..., Coroutine[Any, Any, Caller]]:
    async def caller_who_may(request: Request, session: Transaction, caller: Identified) -> Caller:
        if caller.must_change_password:
            raise PASSWORD_CHANGE_REQUIRED.problem(
                ("请先调用 POST /api/v1/me/password 修改口令。", "Change it first: POST /api/v1/me/password.")
            )
        scope = Scope.of(code for one in permissions for code in caller.scope_for(one).prefixes)
        if scope.is_empty:
            raise forbidden(permissions[0])
        if scope != caller.scope:
            await to_thread.run_sync(lambda: enter_scope(session, scope.prefixes))
        await claim_idempotency(request, session, caller.id)
        request.state.caller = replace(caller, scope=scope)
        return request.state.caller  # type: ignore[no-any-return]

    return caller_who_may


_dependencies: dict[tuple[Permission, ...], Any] = {}


def may(permission: Permission, *others: Permission) -> Any:
    """The dependency of a route that needs `permission`: 401 without identity, 403 when the caller holds it nowhere.

    It narrows the transaction, and `caller.scope`, to where he does. The permission stands in the document. One of
    `others` will do as well, and the route's description says so.
    """
    wanted = (permission, *others)
    if wanted not in _dependencies:
        _dependencies[wanted] = Security(_require(*wanted), scopes=[permission.value])
    return _dependencies[wanted]
