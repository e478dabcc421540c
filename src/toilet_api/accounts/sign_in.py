"""Logins: by password and by client secret, with a lockout that grows and that parallel guesses can't get round.

A login is three steps, so that no database connection waits while Argon2 works: is the door locked (a transaction), is
the secret right (no transaction), count or admit (a transaction of its own, so that a failure's count is never rolled
back). Whoever was right is admitted only if the door is still open then: guesses sent all at once gain nothing.
"""

import hmac
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from toilet_api.accounts import passwords, refresh, tokens
from toilet_api.accounts.keys import KeyRing
from toilet_api.accounts.permissions import Permission, PrincipalKind, in_order
from toilet_api.accounts.problems import INVALID_CREDENTIALS, TOKEN_REQUEST, TOO_MANY_ATTEMPTS
from toilet_api.accounts.rules import ADDRESS_FACTOR, lockout_seconds
from toilet_api.accounts.schemas import TokenAnswer
from toilet_api.accounts.tables import Credential, Principal
from toilet_api.kernel import journal
from toilet_api.kernel.database import EVERYWHERE, Actor, Database
from toilet_api.kernel.errors import Problem
from toilet_api.kernel.fields import new_id, now
from toilet_api.settings import Settings

_QUIET = timedelta(hours=24)
"""After so long without a failure an account or address starts anew."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where a login arrives: what it needs of the application, and from where it comes."""

    database: Database
    settings: Settings
    ring: KeyRing
    address: str
    request_id: str

    def actor(self, principal: Principal | None = None) -> Actor:
        """For the journal. Before a login is right, nobody: the name that was typed is not written anywhere."""
        if principal is None:
            return Actor(None, "system", "sign_in", self.request_id)
        return Actor(principal.id, principal.kind, principal.username, self.request_id)

    def keys(self, username: str) -> list[tuple[bytes, int]]:
        """The two counters of a login, each with its limit: of the account, and of the source address.

        Kept under a keyed digest: what is typed into the name field is now and then a password.
        """
        secret, after = self.settings.secret("login_attempt"), self.settings.lockout_after
        account = hmac.digest(secret, b"account\0" + username.encode(), "sha256")
        address = hmac.digest(secret, b"address\0" + self.address.encode(), "sha256")
        return [(account, after), (address, after * ADDRESS_FACTOR)]


def sign_in(
    door: Door, kind: PrincipalKind, username: str, secret: str, scope: str | None, *, failure: str
) -> TokenAnswer:
    """Tokens for the right secret. Raises 401 `invalid_credentials`, or 429 while the door is locked.

    `failure` is the RFC 6749 code of a wrong secret (invalid_grant or invalid_client).
    """
    name = username.strip().lower()
    with door.database.transaction(EVERYWHERE, door.actor()) as session:
        _refuse_if_locked(session, door, name)
        principal, credential = _find(session, kind, name)
    right = passwords.matches(door.settings, None if credential is None else credential.secret_hash, secret)
    if not right or principal is None or credential is None:
        raise _failed(door, name, principal, failure)
    renewed = None
    if passwords.outdated(door.settings, credential.secret_hash):
        renewed = passwords.hashed(door.settings, secret)
    with door.database.transaction(EVERYWHERE, door.actor(principal)) as session:
        _refuse_if_locked(session, door, name, for_update=True)
        current = session.exec(select(Principal).where(col(Principal.id) == principal.id)).one()
        if current.token_version != principal.token_version or current.locked_at or current.removed_at:
            answer = None
        else:
            _forget_failures(session, door, name)
            if renewed:
                stored = session.exec(select(Credential).where(col(Credential.principal_id) == principal.id)).one()
                stored.secret_hash = renewed
                session.add(stored)
            answer = _admit(session, door, current, credential, scope)
    if answer is None:
        raise _failed(door, name, principal, failure)
    return answer


def confirm(door: Door, principal: Principal, credential: Credential, secret: str) -> bool:
    """Whether a person who is logged in knows the password; counted like a login (429 while locked)."""
    with door.database.transaction(EVERYWHERE, door.actor(principal)) as session:
        _refuse_if_locked(session, door, principal.username)
    if passwords.matches(door.settings, credential.secret_hash, secret):
        return True
    _failed(door, principal.username, principal, "invalid_grant")
    return False


def _find(session: Session, kind: PrincipalKind, name: str) -> tuple[Principal | None, Credential | None]:
    row = session.exec(
        select(Principal, Credential)
        .join(Credential, col(Credential.principal_id) == col(Principal.id))
        .where(col(Principal.username) == name, col(Principal.kind) == kind)
    ).one_or_none()
    return (None, None) if row is None else (row[0], row[1])


def _refuse_if_locked(session: Session, door: Door, name: str, *, for_update: bool = False) -> None:
    lock = " order by key for update" if for_update else ""
    rows = session.connection().execute(
        text(
            "select ceil(extract(epoch from locked_until - clock_timestamp()))::int as seconds from login_attempt"
            f" where key = any(:keys) and locked_until > clock_timestamp(){lock}"
        ),
        {"keys": [key for key, _ in door.keys(name)]},
    )
    if waits := [row.seconds for row in rows]:
        seconds = max(1, *waits)
        raise TOO_MANY_ATTEMPTS.problem(
            (f"请在 {seconds} 秒后再试。", f"Try again in {seconds} seconds."),
            headers={"Retry-After": str(seconds)},
            error="invalid_grant",
            retry_after_seconds=seconds,
        )


def _failed(door: Door, name: str, principal: Principal | None, error: str) -> Problem:
    """Count a failed login, journal it, and give the problem to raise: the same whatever was wrong."""
    with door.database.transaction(EVERYWHERE, door.actor()) as session:
        for key, after in sorted(door.keys(name)):
            _count(session, door.settings, key, after)
        _sweep(session)
        journal.record(
            session,
            action="auth.sign_in_failed",
            subject_type="principal",
            subject_id=None if principal is None else principal.id,
            division_code=None if principal is None else principal.division_code,
            after={"address": door.address},
            op="note",
        )
    headers = {"WWW-Authenticate": 'Basic realm="toilet_api"'} if error == "invalid_client" else {}
    return INVALID_CREDENTIALS.problem(headers=headers, error=error)


def _count(session: Session, settings: Settings, key: bytes, after: int) -> None:
    """One failure more. The row is locked until commit, so that none of many at once is lost."""
    connection = session.connection()
    failures: int = connection.execute(
        text(
            "insert into login_attempt (key, failures, last_at) values (:key, 1, clock_timestamp())"
            " on conflict (key) do update set last_at = clock_timestamp(), failures ="
            " case when login_attempt.last_at < clock_timestamp() - :quiet then 1 else login_attempt.failures + 1 end"
            " returning failures"
        ),
        {"key": key, "quiet": _QUIET},
    ).scalar_one()
    if seconds := lockout_seconds(failures, after, settings.lockout_base_seconds):
        connection.execute(
            text("update login_attempt set locked_until = clock_timestamp() + :wait where key = :key"),
            {"key": key, "wait": timedelta(seconds=seconds)},
        )


def _sweep(session: Session) -> None:
    """Drop counters that are long quiet, a few at a time, so that made-up names don't pile up."""
    session.connection().execute(
        text(
            "delete from login_attempt where key in (select key from login_attempt"
            " where last_at < clock_timestamp() - :quiet limit 20 for update skip locked)"
        ),
        {"quiet": _QUIET},
    )


def _forget_failures(session: Session, door: Door, name: str) -> None:
    """The account starts anew. The address doesn't: one good account must not buy it further guesses at others."""
    session.connection().execute(text("delete from login_attempt where key = :key"), {"key": door.keys(name)[0][0]})


def _admit(
    session: Session, door: Door, principal: Principal, credential: Credential, scope: str | None
) -> TokenAnswer:
    allowed = None if principal.scopes is None else frozenset(principal.scopes)
    chosen = checked_scope(scope, allowed)
    family = new_id() if principal.kind == "person" else None
    expired = False
    if family is not None:
        end = passwords.expires_at(door.settings, credential.changed_at)
        expired = end is not None and end <= now()
    journal.record(
        session,
        action="auth.signed_in",
        subject_type="principal",
        subject_id=principal.id,
        division_code=principal.division_code,
        after={"address": door.address},
        op="note",
    )
    return answer(
        session,
        door,
        principal.id,
        principal.token_version,
        family,
        chosen,
        granted=chosen if chosen is not None or allowed is None else " ".join(in_order(allowed)),
        must_change=principal.must_change_password or expired,
    )


def answer(
    session: Session,
    door: Door,
    principal_id: UUID,
    token_version: int,
    family: UUID | None,
    scope: str | None,
    *,
    granted: str | None,
    must_change: bool,
    family_ends: Any = None,
) -> TokenAnswer:
    """The tokens of one login or refresh; systems (no family) get no refresh token (RFC 6749 4.4.3)."""
    settings = door.settings
    access = tokens.issue(
        session, door.ring, settings, subject=principal_id, token_version=token_version, family=family, scope=scope
    )
    made = TokenAnswer(
        access_token=access,
        token_type="Bearer",  # noqa: S106 - the type of token, no secret
        expires_in=settings.access_token_minutes * 60,
        scope=granted,
        must_change_password=must_change,
    )
    if family is None:
        return made
    ends = family_ends or now() + timedelta(hours=settings.refresh_token_hours)
    made.refresh_token = refresh.issue(session, principal_id, token_version, family, scope, ends)
    made.refresh_expires_in = max(0, round((ends - now()).total_seconds()))
    return made


def checked_scope(scope: str | None, allowed: frozenset[str] | None) -> str | None:
    """The scopes asked for, in order. 400 `invalid_scope` for one that is unknown or not allowed."""
    asked = set((scope or "").split())
    if not asked:
        return None
    known = set(Permission) if allowed is None else allowed
    if unknown := sorted(asked - known):
        raise TOKEN_REQUEST.problem(
            ("未知或未授予的 scope。", "A scope that is unknown or not granted."),
            error="invalid_scope",
            expected=in_order(known),
            refused=[one[:60] for one in unknown[:20]],
        )
    return " ".join(in_order(asked))


def refreshed(door: Door, token: str, scope: str | None) -> TokenAnswer:
    """New tokens for a refresh token, which is used up by it. Raises 401 `invalid_refresh_token`."""
    with door.database.transaction(EVERYWHERE, door.actor()) as session:
        used = refresh.use(session, token)
        if used is None:
            made = None
        else:
            session.info["actor"] = replace(door.actor(), id=used.principal_id, kind="person", name=used.username)
            before = None if used.scope is None else frozenset(used.scope.split())
            chosen = checked_scope(scope, before) or used.scope
            made = answer(
                session,
                door,
                used.principal_id,
                used.token_version,
                used.family_id,
                chosen,
                granted=chosen,
                must_change=used.must_change_password,
                family_ends=used.expires_at,
            )
    if made is None:
        raise refresh.refused()
    return made
