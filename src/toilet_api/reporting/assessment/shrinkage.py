"""Small-number shrinkage, pure: a rate of few cases says little, so each is drawn toward the pooled rate of all.

A beta-binomial model: the rates of the divisions are spread like Beta(k p, k (1 - p)) around their pooled rate p. A
division with x of n then has the rate (x + k p) / (n + k): as if k cases at the pooled rate were added to its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum

from toilet_api.reporting.assessment import posterior


@dataclass(frozen=True, slots=True)
class Count:
    """`x` of `n`."""

    x: int = 0
    n: int = 0

    @property
    def rate(self) -> float | None:
        """The rate as counted; None of nothing."""
        return self.x / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Fixed:
    """k stands in the formula. Then one more success never lowers a rate, and anyone can do the sum by hand."""

    strength: int


@dataclass(frozen=True, slots=True)
class Moments:
    """k is estimated from how far the rates lie apart, within `least` and `most`.

    The spread of the true rates is what the spread of the counted ones leaves when chance is taken off (Marshall 1991):
    A = sum n (x/n - p)^2 / sum n  -  p (1 - p) / mean n, and k = p (1 - p) / A - 1. No spread beyond chance: `most`.
    """

    least: int
    most: int


Prior = Fixed | Moments


@dataclass(frozen=True, slots=True)
class Pool:
    """All divisions together: the rate that each is drawn toward, and how strongly."""

    total: Count
    strength: float

    @property
    def rate(self) -> float | None:
        return self.total.rate


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A rate after shrinkage, each in 0..1, with its 95 % credible interval and standard deviation."""

    rate: float
    low: float
    high: float
    deviation: float


def pooled(counts: Iterable[Count], prior: Prior) -> Pool:
    """The pool of these divisions."""
    given = [one for one in counts if one.n]
    total = Count(sum(one.x for one in given), sum(one.n for one in given))
    return Pool(total, float(prior.strength) if isinstance(prior, Fixed) else _by_moments(given, total, prior))


def shrink(own: Count, pool: Pool) -> Shrunk | None:
    """A division's rate drawn toward the pool's; the pool's own where it has no cases. None where nobody has any."""
    if pool.rate is None:
        return None
    successes = own.x + pool.strength * pool.rate
    failures = own.n - own.x + pool.strength * (1 - pool.rate)
    rate = successes / (own.n + pool.strength)
    low, high = posterior.interval(successes, failures)
    return Shrunk(rate, min(low, rate), max(high, rate), posterior.deviation(successes, failures))


def _by_moments(given: list[Count], total: Count, prior: Moments) -> float:
    if not total.n:
        return float(prior.most)
    rate = total.x / total.n
    apart = fsum(one.n * (one.x / one.n - rate) ** 2 for one in given) / total.n
    spread = apart - rate * (1 - rate) * len(given) / total.n
    if spread <= 0:
        return float(prior.most)
    return min(max(rate * (1 - rate) / spread - 1, prior.least), prior.most)
