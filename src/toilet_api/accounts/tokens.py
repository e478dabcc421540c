"""Access tokens: JWT (RFC 9068), signed with ES256 and nothing else."""

import time
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from jose import JWTError, jwt
from jose.exceptions import ExpiredSignatureError
from sqlmodel import Session

from toilet_api.accounts.keys import ALGORITHM, KeyRing
from toilet_api.kernel.errors import UNAUTHENTICATED, Bilingual, Problem
from toilet_api.kernel.fields import new_id, now
from toilet_api.settings import Settings

AUDIENCE = "toilet_api"
_TYPE = "at+jwt"
_LONGEST = 4096
_KNOWN = 4096
"""How many tokens a process remembers."""
_REQUIRED = {f"require_{claim}": True for claim in ("aud", "iat", "exp", "nbf", "iss", "sub", "jti")}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good access token says."""

    subject: UUID
    token_version: int
    family: UUID | None
    """The login that it came of; None for systems."""
    scope: frozenset[str] | None
    """Narrows what the grants allow; None: not narrowed."""


def refused(zh: str, en: str) -> Problem:
    """401 for a token that is not good. `error` is that of RFC 6750."""
    return UNAUTHENTICATED.problem(
        (zh, en),
        headers={"WWW-Authenticate": f'Bearer realm="toilet_api", error="invalid_token", error_description="{en}"'},
        error="invalid_token",
    )


_BAD: Bilingual = ("访问令牌无效。", "The access token is not valid.")


def issue(
    session: Session,
    ring: KeyRing,
    settings: Settings,
    *,
    subject: UUID,
    token_version: int,
    family: UUID | None,
    scope: str | None,
) -> str:
    """A signed access token of `access_token_minutes`."""
    kid, key = ring.signer(session)
    moment = now()
    claims: dict[str, Any] = {
        "iss": settings.public_url,
        "aud": AUDIENCE,
        "sub": str(subject),
        "iat": moment,
        "nbf": moment,
        "exp": moment + timedelta(minutes=settings.access_token_minutes),
        "jti": str(new_id()),
        "ver": token_version,
    }
    if family is not None:
        claims["sid"] = str(family)
    if scope is not None:
        claims["scope"] = scope
    token: str = jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid, "typ": _TYPE})
    return token


def verify(session: Session, ring: KeyRing, settings: Settings, token: str) -> Claims:
    """The claims of a good token. Raises 401 for any other.

    The algorithm is ours, never the token's; the key is the one that its `kid` names, never one it brings along.
    """
    if len(token) > _LONGEST:
        raise refused(*_BAD)
    kid = _kid_of(token)
    if kid is None or (key := ring.verifier(session, kid)) is None:
        raise refused(*_BAD)
    try:
        claims, ends_at = _claims_of(token, key, settings.public_url)
    except ExpiredSignatureError:
        raise _expired() from None
    except (JWTError, KeyError, ValueError, TypeError, AttributeError):
        raise refused(*_BAD) from None
    if ends_at < time.time():
        raise _expired()
    return claims


def _expired() -> Problem:
    return refused("访问令牌已过期。", "The access token has expired.")


# A token comes along with every request of its two hours, and its signature doesn't change: looked at once, it is
# known. Whether its key still counts, and the account, is asked each time.
@lru_cache(_KNOWN)
def _kid_of(token: str) -> str | None:
    """The key that a token of ours names; None of any other."""
    try:
        header = jwt.get_unverified_header(token)
    except JWTError:
        return None
    kid = header.get("kid")
    unusual = header.get("alg") != ALGORITHM or header.get("typ") != _TYPE or "crit" in header
    return kid if not unusual and isinstance(kid, str) and "\x00" not in kid else None


@lru_cache(_KNOWN)
def _claims_of(token: str, key: Any, issuer: str) -> tuple[Claims, int]:
    """What a token says that `key` has signed, and the second in which it ends."""
    claims = jwt.decode(
        token,
        key,
        algorithms=[ALGORITHM],
        audience=AUDIENCE,
        issuer=issuer,
        options={**_REQUIRED, "verify_at_hash": False},
    )
    scope = claims.get("scope")
    return Claims(
        subject=UUID(claims["sub"]),
        token_version=int(claims["ver"]),
        family=UUID(claims["sid"]) if "sid" in claims else None,
        scope=None if scope is None else frozenset(str(scope).split()),
    ), int(claims["exp"])
