"""How many requests a caller may make in a minute, over all processes of a deployment, and what is left of them.

Each process takes its part of a caller's quota from the database in lots of a fiftieth, so that one request in many
costs a statement more, and the limit holds however the processes share the connections. What a process has taken and
not used by the end of the minute is lost: the limit may be met a little early, never late.

The fields are those of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` names the quota, `RateLimit` what is
left of it and for how long.
"""

import threading
import time
from dataclasses import dataclass

from sqlalchemy import text

from toilet_api.kernel.database import Database
from toilet_api.kernel.errors import RATE_LIMITED, Problem

SECONDS = 60
"""The length of a window. All windows begin at full minutes, for everyone."""
_LOTS = 50

_TAKE = text(
    """
    insert into rate_use (who, window_start, used) values (:who, :window_start, least(:lot, :quota))
    on conflict (who, window_start) do update set used = least(rate_use.used + :lot, :quota)
    where rate_use.used < :quota
    returning coalesce(old.used, 0) as before, new.used as after
    """
)


@dataclass(frozen=True, slots=True)
class Policy:
    """A quota: so many requests in a minute. None where `quota` is 0."""

    name: str
    quota: int


@dataclass(frozen=True, slots=True)
class Rate:
    """What is left of a quota after a request, as far as this process knows; there may be more."""

    policy: Policy
    remaining: int
    reset: int
    """Seconds until the next window."""

    @property
    def headers(self) -> dict[str, str]:
        """The fields of the answer."""
        return {
            "RateLimit-Policy": f'"{self.policy.name}";q={self.policy.quota};w={SECONDS}',
            "RateLimit": f'"{self.policy.name}";r={self.remaining};t={self.reset}',
        }


@dataclass(slots=True)
class _Lot:
    window: int
    left: int
    """Of what this process has taken."""
    free: int
    """Of what nobody has taken yet, when it last asked."""


class Meter:
    """Counts the requests of this process's callers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lots: dict[str, _Lot] = {}
        self._lock = threading.Lock()
        self._window = 0

    def take(self, who: str, policy: Policy, now: float | None = None) -> Rate | None:
        """Count one request of `who`. None without a quota. Raises 429 `rate_limited` when it is used up."""
        if not policy.quota:
            return None
        moment = time.time() if now is None else now
        window = int(moment // SECONDS)
        reset = max(1, round((window + 1) * SECONDS - moment))
        lot = self._lot(who, window)
        if lot is None or (lot.left == 0 and lot.free > 0):
            lot = self._more(who, window, policy)
        with self._lock:
            if lot.left > 0:
                lot.left -= 1
                return Rate(policy, lot.left + lot.free, reset)
        raise _refused(Rate(policy, 0, reset))

    def _lot(self, who: str, window: int) -> _Lot | None:
        with self._lock:
            if window != self._window:
                self._lots.clear()
                self._window = window
            return self._lots.get(who)

    def _more(self, who: str, window: int, policy: Policy) -> _Lot:
        given = {
            "who": who,
            "window_start": window * SECONDS,
            "lot": max(1, policy.quota // _LOTS),
            "quota": policy.quota,
        }
        # A transaction of its own: in the request's it would hold up the caller's other requests until that ends.
        with self._database.transaction() as session:
            taken = session.connection().execute(_TAKE, given).one_or_none()
        more, free = (0, 0) if taken is None else (taken.after - taken.before, policy.quota - taken.after)
        with self._lock:
            lot = self._lots.get(who)
            if lot is None or lot.window != window:
                lot = self._lots[who] = _Lot(window, 0, 0)
            lot.left += more
            lot.free = free
            return lot


def _refused(rate: Rate) -> Problem:
    quota, seconds = rate.policy.quota, rate.reset
    return RATE_LIMITED.problem(
        (
            f"每分钟最多 {quota} 次请求，请在 {seconds} 秒后重试。",
            f"At most {quota} requests a minute; try again in {seconds} seconds.",
        ),
        headers={"Retry-After": str(seconds), **rate.headers},
    )
