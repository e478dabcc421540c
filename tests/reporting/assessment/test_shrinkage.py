"""Small-number shrinkage: its properties over random cases, and its quantiles against exact sums."""

from itertools import pairwise
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.breadth import tries
from toilet_api.reporting.assessment import posterior
from toilet_api.reporting.assessment.shrinkage import Count, Fixed, Moments, pooled, shrink

COUNTS = st.integers(0, 2000).flatmap(lambda n: st.integers(0, n).map(lambda x: Count(x, n)))
SOME = st.lists(COUNTS, min_size=1, max_size=30).filter(lambda found: any(one.n for one in found))
PRIORS = st.one_of(
    st.integers(1, 500).map(Fixed), st.tuples(st.integers(1, 50), st.integers(50, 800)).map(lambda two: Moments(*two))
)
QUICK = settings(max_examples=tries("RANKING_CASES", 20, 100), deadline=None)


@QUICK
@given(SOME, PRIORS)
def test_a_rate_lies_between_its_own_and_the_pooled_one_and_inside_of_its_interval(
    counts: list[Count], prior: Fixed | Moments
) -> None:
    pool = pooled(counts, prior)
    assert pool.rate is not None
    for own in counts:
        found = shrink(own, pool)
        assert found is not None
        raw = pool.rate if own.rate is None else own.rate
        assert min(raw, pool.rate) - 1e-12 <= found.rate <= max(raw, pool.rate) + 1e-12
        assert 0 <= found.low <= found.rate <= found.high <= 1
        if not own.n:
            assert found.rate == pytest.approx(pool.rate, abs=1e-12)


@QUICK
@given(st.lists(COUNTS, min_size=1, max_size=10), st.integers(0, 300), st.integers(1, 300), st.integers(1, 500))
def test_one_more_success_raises_the_rate_although_it_raises_the_pooled_one_too(
    others: list[Count], x: int, left: int, strength: int
) -> None:
    def rate(successes: int) -> float:
        own = Count(successes, x + left)
        found = shrink(own, pooled([*others, own], Fixed(strength)))
        assert found is not None
        return found.rate

    assert rate(x) < rate(x + 1)


@QUICK
@given(SOME, PRIORS, st.integers(1, 400))
def test_of_as_many_cases_more_successes_are_better_and_of_one_pool_more_cases_weigh_more(
    counts: list[Count], prior: Fixed | Moments, n: int
) -> None:
    pool = pooled(counts, prior)
    some = sorted({0, 1, n // 2, n // 2 + 1, n - 1, n})
    rates = [found.rate for x in some if (found := shrink(Count(x, n), pool))]
    assert all(one < other for one, other in pairwise(rates))
    few, many = shrink(Count(n, n), pool), shrink(Count(10 * n, 10 * n), pool)
    assert few is not None
    assert many is not None
    assert few.rate <= many.rate


@QUICK
@given(SOME, PRIORS, st.randoms())
def test_the_order_of_the_divisions_changes_nothing(
    counts: list[Count], prior: Fixed | Moments, chance: object
) -> None:
    shuffled = list(counts)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert pooled(counts, prior) == pooled(shuffled, prior)


@pytest.mark.parametrize("prior", [Fixed(10), Fixed(30), Moments(10, 500)])
def test_ten_of_ten_dont_beat_980_of_1000_where_80_in_100_are_usual(prior: Fixed | Moments) -> None:
    small, large, rest = Count(10, 10), Count(980, 1000), Count(2210, 2990)
    pool = pooled([small, large, rest], prior)
    assert pool.rate == pytest.approx(0.8)
    few, many = shrink(small, pool), shrink(large, pool)
    assert few is not None
    assert many is not None
    assert few.rate < many.rate
    assert few.high - few.low > many.high - many.low


def test_the_strength_by_moments_is_what_the_spread_says() -> None:
    """Rates 0.2 and 0.8 of 100 each: A = 0.09 - 0.25/100 = 0.0875, k = 0.25/0.0875 - 1 = 1.857."""
    counts = [Count(20, 100), Count(80, 100)]
    assert pooled(counts, Moments(1, 500)).strength == pytest.approx(1.857142857)
    assert pooled(counts, Moments(10, 500)).strength == 10  # the least
    assert pooled([Count(50, 100)] * 4, Moments(10, 500)).strength == 500  # no spread beyond chance
    assert shrink(Count(0, 0), pooled([Count(0, 0)], Fixed(30))) is None


@pytest.mark.parametrize(
    ("a", "b"), [(1, 1), (1, 5), (2, 3), (30, 1), (1, 400), (98, 3), (24, 7), (40, 60), (300, 250)]
)
def test_the_quantiles_of_beta_are_those_of_exact_binomial_sums(a: int, b: int) -> None:
    def below(x: float) -> float:
        return sum(comb(a + b - 1, j) * x**j * (1 - x) ** (a + b - 1 - j) for j in range(a, a + b))

    low, high = posterior.interval(a, b)
    assert below(low) == pytest.approx(0.025, abs=1e-6)
    assert below(high) == pytest.approx(0.975, abs=1e-6)
    mean, spread = a / (a + b), posterior.deviation(a, b)
    assert spread == pytest.approx((a * b / ((a + b) ** 2 * (a + b + 1))) ** 0.5)
    if min(a, b) > 20:
        assert (low, high) == pytest.approx((mean - 1.96 * spread, mean + 1.96 * spread), abs=0.1 * spread)


def test_none_or_all_of_a_few_leaves_room_for_doubt() -> None:
    low, high = posterior.interval(0, 0)  # Jeffreys: the arcsine distribution, sin²(π q / 2)
    assert (low, high) == pytest.approx((0.0015413331, 0.9984586669))
    low, high = posterior.interval(40, 0)
    assert 0.92 < low < 0.95
    assert 0.999 < high < 1
