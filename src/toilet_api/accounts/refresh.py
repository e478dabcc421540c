"""Refresh tokens: used once, in families, with detection of reuse (RFC 9700 4.14.2).

A token that comes a second time was stolen, or its thief used it first: the whole family dies, and with it the access
tokens of that login. Except for one case: two requests with one token that overlap in time (a client that fired
twice). One of them wins, the other is refused, and the family lives: the second came before the first was answered, so
it is no evidence of theft.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from toilet_api.accounts.problems import INVALID_REFRESH
from toilet_api.accounts.tables import RefreshToken
from toilet_api.kernel import journal
from toilet_api.kernel.errors import Problem

_PREFIX = "tr_"


@dataclass(frozen=True, slots=True)
class Used:
    """A refresh token that was just used up, and whose it was."""

    family_id: UUID
    principal_id: UUID
    username: str
    token_version: int
    scope: str | None
    expires_at: datetime
    must_change_password: bool


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()  # 256 random bits need no slow hash


def refused() -> Problem:
    """401, the same whatever was wrong."""
    return INVALID_REFRESH.problem(error="invalid_grant")


def issue(
    session: Session, principal_id: UUID, token_version: int, family: UUID, scope: str | None, expires_at: datetime
) -> str:
    """A new token of the family, which ends `refresh_token_hours` after its login, however often it is refreshed."""
    token = _PREFIX + secrets.token_urlsafe(32)
    session.add(
        RefreshToken(
            family_id=family,
            principal_id=principal_id,
            token_hash=_digest(token),
            token_version=token_version,
            scope=scope,
            expires_at=expires_at,
        )
    )
    session.flush()
    session.connection().execute(
        text(
            "delete from refresh_token where id in (select id from refresh_token where principal_id = :principal"
            " and expires_at < now() - interval '1 day' limit 50 for update skip locked)"
        ),
        {"principal": principal_id},
    )
    return token


_USE = text(
    """
    update refresh_token r set used_at = clock_timestamp()
    from principal p
    where r.token_hash = :hash and p.id = r.principal_id
      and r.used_at is null and r.revoked_at is null and r.expires_at > now()
      and not exists (select from refresh_token f where f.family_id = r.family_id and f.revoked_at is not null)
      and p.locked_at is null and p.removed_at is null and p.token_version = r.token_version
    returning r.family_id, r.principal_id, p.username, r.token_version, r.scope, r.expires_at, p.must_change_password
    """
)


def use(session: Session, token: str) -> Used | None:
    """Use the token up; None when it is no good. A reused one ends its family, in this transaction: commit it.

    The update is the decision: of several at once, Postgres lets one through, and the others then find it used.
    """
    connection = session.connection()
    row = connection.execute(_USE, {"hash": _digest(token)}).one_or_none()
    if row is not None:
        return Used(*row)
    reused = connection.execute(
        text(
            "select family_id from refresh_token where token_hash = :hash and used_at is not null"
            # now() is when this request began: what was used later than that was used by one that ran beside it
            " and used_at <= now()"
        ),
        {"hash": _digest(token)},
    ).scalar_one_or_none()
    if reused is not None:
        _end_family(session, reused, "auth.refresh_reused")
    return None


def revoke(session: Session, token: str) -> bool:
    """Log out: end the family of a refresh token (RFC 7009). False when there is no such token."""
    family = (
        session.connection()
        .execute(text("select family_id from refresh_token where token_hash = :hash"), {"hash": _digest(token)})
        .scalar_one_or_none()
    )
    if family is not None:
        _end_family(session, family, "auth.signed_out")
    return family is not None


def end_family(session: Session, family: UUID) -> None:
    """Log out, by the access token of the login."""
    _end_family(session, family, "auth.signed_out")


def _end_family(session: Session, family: UUID, action: str) -> None:
    ended = session.connection().execute(
        text(
            "with ended as (update refresh_token set revoked_at = clock_timestamp()"
            " where family_id = :family and revoked_at is null returning principal_id)"
            " select p.id, p.division_code from principal p where p.id in (select principal_id from ended)"
        ),
        {"family": family},
    )
    for row in ended:
        journal.record(
            session,
            action=action,
            subject_type="principal",
            subject_id=row.id,
            division_code=row.division_code,
            op="note",
        )
