"""Passwords and secrets: Argon2id hashes, checked at the same cost whether or not the account exists."""

import os
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlmodel import Session

from toilet_api.accounts.problems import WEAK_PASSWORD
from toilet_api.accounts.rules import PASSWORD_HISTORY, PASSWORD_MAX, password_faults
from toilet_api.accounts.tables import Credential, Principal
from toilet_api.kernel.errors import FieldError
from toilet_api.kernel.fields import now
from toilet_api.settings import Settings

# Each hash takes ARGON2_MEMORY_KIB for its time. As many at once as there are processors: more would only queue there,
# and a burst of logins must not take all memory.
_TURNS = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))


@lru_cache(8)
def _hasher(time_cost: int, memory_kib: int) -> PasswordHasher:
    return PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)


def _hasher_of(settings: Settings) -> PasswordHasher:
    return _hasher(settings.argon2_time_cost, settings.argon2_memory_kib)


def hashed(settings: Settings, secret: str) -> str:
    """The Argon2id hash of a password or secret, with its parameters and salt inside."""
    with _TURNS:
        return _hasher_of(settings).hash(secret)


@lru_cache(8)
def _nobody(time_cost: int, memory_kib: int) -> str:
    """A hash that no one knows the password of."""
    return _hasher(time_cost, memory_kib).hash(os.urandom(32))


def matches(settings: Settings, stored: str | None, secret: str) -> bool:
    """Whether `secret` is the one of `stored`. Without `stored` (no such account) it takes the same time and is not."""
    known = stored or _nobody(settings.argon2_time_cost, settings.argon2_memory_kib)
    with _TURNS:
        try:
            _hasher_of(settings).verify(known, secret[: PASSWORD_MAX * 2])
        except (Argon2Error, InvalidHashError):
            return False
    return stored is not None


def outdated(settings: Settings, stored: str) -> bool:
    """Whether the hash was made with other parameters than today's, so that a login should renew it."""
    return _hasher_of(settings).check_needs_rehash(stored)


def expires_at(settings: Settings, changed_at: datetime) -> datetime | None:
    """When a password reaches the end of its life; None when passwords don't expire."""
    days = settings.password_lifetime_days
    return changed_at + timedelta(days=days) if days else None


def require_good(password: str, username: str, pointer: str = "/new_password") -> None:
    """Raises `weak_password` with every rule that is broken."""
    if faults := password_faults(password, username, pointer):
        raise WEAK_PASSWORD.problem(errors=faults)


def require_unused(settings: Settings, password: str, hashes: Sequence[str], pointer: str = "/new_password") -> None:
    """Raises `weak_password` when it is one of the last five."""
    if any(matches(settings, one, password) for one in hashes):
        fault = FieldError(
            pointer,
            "password_reused",
            (f"不能与最近 {PASSWORD_HISTORY} 次口令相同", f"must differ from the last {PASSWORD_HISTORY}"),
        )
        raise WEAK_PASSWORD.problem(errors=[fault])


def replace(
    session: Session, principal: Principal, credential: Credential, secret_hash: str, *, must_change: bool
) -> None:
    """Store a new hash. Every token that was given out before is dead from here on."""
    credential.previous = [credential.secret_hash, *credential.previous][: PASSWORD_HISTORY - 1]
    credential.secret_hash = secret_hash
    credential.changed_at = now()
    principal.must_change_password = must_change
    principal.token_version += 1
    session.add_all([principal, credential])
