"""When to try again, and after how long."""

import random
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

BASE_SECONDS = 0.5
CAP_SECONDS = 30.0
ASKED_MAX_SECONDS = 300.0
"""A server may ask for more (Retry-After); longer than this at a time nobody waits."""
_SAFE = ("GET", "HEAD", "OPTIONS")
_PASSING = (429, 500, 502, 503, 504)
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def delay(attempt: int, retry_after: str | None = None) -> float:
    """Seconds to wait after the given failed attempt (0 is the first): doubling, half of it by chance.

    By chance, so that a hundred clients that a restart cut off don't come back in the same moment.
    """
    whole = min(CAP_SECONDS, BASE_SECONDS * 2 ** min(attempt, 20))
    return max(random.uniform(whole / 2, whole), min(_asked(retry_after), ASKED_MAX_SECONDS))  # noqa: S311


def _asked(retry_after: str | None) -> float:
    """Seconds of a Retry-After header, which holds a number or a date (RFC 9110 10.2.3)."""
    if not retry_after:
        return 0.0
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0


def is_repeatable(method: str, headers: Mapping[str, str], body: Any) -> bool:
    """Whether the request may come twice: it changes nothing, or the server knows it by a key or an id of ours."""
    named = {name.lower() for name in headers}
    return method.upper() in _SAFE or "idempotency-key" in named or (isinstance(body, dict) and bool(body.get("id")))


def may_pass(status: int) -> bool:
    """Whether an error of this status may be gone the next time."""
    return status in _PASSING


def was_never_sent(error: httpx.TransportError) -> bool:
    """Whether the request can't have reached the server, so that anything may be sent again."""
    return isinstance(error, _NEVER_SENT)


def is_hopeless(error: BaseException) -> bool:
    """Whether trying again is in vain: the server's certificate won't become valid, nor its address speak HTTP."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (ssl.SSLCertVerificationError, httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
