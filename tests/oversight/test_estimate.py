"""What the checks say about the whole: within bounds, Wilson's for a simple sample, exact for all, and honest."""

from collections import Counter
from math import sqrt
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toilet_api.oversight.estimate import Tally, by_part, estimate, rate_in, rates_taken, total
from toilet_api.oversight.strata import Cell, select

ONE = Cell("360423208", "three_compartment", "")
cells = st.builds(
    Cell, st.sampled_from(["a", "b", "c"]), st.sampled_from(["work", "double_urn"]), st.sampled_from(["", "甲"])
)


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    upheld, failed, out = (draw(st.integers(0, 12)) for _ in range(3))
    selected = upheld + failed + out + draw(st.integers(0, 3))
    return Tally(max(1, selected + draw(st.integers(0, 200))), selected, upheld, failed, out)


frames = st.dictionaries(cells, tallies(), min_size=1)


@given(frames, st.floats(0.8, 0.999))
def test_low_rate_high_are_in_order_and_within_what_is_known(frame: dict[Cell, Tally], confidence: float) -> None:
    found = estimate(frame, confidence)
    whole = total(frame.values())
    if whole.decided == 0:
        assert (found.rate, found.low, found.high) == (None, None, None)
        return
    assert found.rate is not None
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.rate <= found.high <= 1
    assert whole.upheld / whole.population <= found.low
    assert found.high <= 1 - whole.failed / whole.population
    if whole.upheld == 0:
        assert found.rate == pytest.approx(0)
    if whole.failed == 0:
        assert found.rate == pytest.approx(1)


@given(frames)
def test_with_one_township_its_rate_is_the_overall_rate(frame: dict[Cell, Tally]) -> None:
    frame = {cell._replace(township="a"): tally for cell, tally in frame.items()}
    [members] = by_part(frame, "township").values()
    assert rate_in(members, rates_taken(frame)) == estimate(frame, 0.95).rate


@given(frames, st.sampled_from(["township", "mode", "contractor"]))
def test_the_rates_of_the_parts_average_to_the_overall_rate(frame: dict[Cell, Tally], part: str) -> None:
    """Weighted by population; so no part tells another story than the overall rate."""
    found, rates = estimate(frame, 0.95).rate, rates_taken(frame)
    weighted = 0.0
    for members in by_part(frame, part).values():
        rate, here = rate_in(members, rates), total(members.values())
        assert (rate is None) == (found is None)
        if rate is not None:
            assert here.upheld / here.population <= rate <= 1 - here.failed / here.population
            weighted += here.population * rate
    if found is not None:
        assert weighted / total(frame.values()).population == pytest.approx(found, abs=1e-9, rel=0)


@given(frames)
def test_more_confidence_is_a_wider_interval(frame: dict[Cell, Tally]) -> None:
    narrow, wide = estimate(frame, 0.8), estimate(frame, 0.99)
    if narrow.low is not None and wide.low is not None and narrow.high is not None and wide.high is not None:
        assert wide.low <= narrow.low + 1e-12
        assert narrow.high <= wide.high + 1e-12


@given(st.dictionaries(cells, st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1))
def test_with_everything_checked_it_is_the_rate_itself(counts: dict[Cell, tuple[int, int]]) -> None:
    frame = {cell: Tally(up + down, up + down, up, down) for cell, (up, down) in counts.items() if up + down}
    if not frame:
        return
    whole = total(frame.values())
    found = estimate(frame, 0.95)
    assert found.rate == pytest.approx(whole.upheld / whole.population)
    assert found.low == found.rate == found.high


@pytest.mark.parametrize(("upheld", "checked"), [(90, 100), (5, 10), (199, 200), (100, 100), (0, 30), (1, 2)])
def test_one_cell_of_a_large_frame_is_wilson_s(upheld: int, checked: int) -> None:
    found = estimate({ONE: Tally(10**9, checked, upheld, checked - upheld)}, 0.95)
    rate, z = upheld / checked, 1.959963984540054
    middle = (rate + z * z / 2 / checked) / (1 + z * z / checked)
    half = z / (1 + z * z / checked) * sqrt(rate * (1 - rate) / checked + z * z / 4 / checked**2)
    assert found.rate == pytest.approx(rate)
    assert found.low == pytest.approx(max(0, middle - half), abs=1e-6)
    assert found.high == pytest.approx(min(1, middle + half), abs=1e-6)


def test_a_smaller_frame_is_known_better() -> None:
    small, large = (estimate({ONE: Tally(size, 100, 90, 10)}, 0.95) for size in (150, 10**6))
    assert small.low is not None
    assert large.low is not None
    assert small.low > large.low


def test_cells_count_by_their_population() -> None:
    frame = {ONE: Tally(900, 10, 10, 0), ONE._replace(mode="work"): Tally(100, 10, 0, 10)}
    assert estimate(frame, 0.95).rate == pytest.approx(0.9)
    assert rate_in(frame, rates_taken(frame)) == pytest.approx(0.9)


def test_unequal_weights_are_worth_fewer_checks() -> None:
    """All upheld, but most checks in a small cell: less is known than of as many spread evenly."""
    even = {ONE: Tally(500, 50, 50, 0), ONE._replace(mode="work"): Tally(500, 50, 50, 0)}
    skewed = {ONE: Tally(950, 5, 5, 0), ONE._replace(mode="work"): Tally(50, 45, 45, 0)}
    known, guessed = estimate(even, 0.95), estimate(skewed, 0.95)
    assert known.low is not None
    assert guessed.low is not None
    assert guessed.low < known.low - 0.1


def test_a_cell_without_a_check_is_like_its_township_else_like_all() -> None:
    frame = {
        Cell("a", "work", ""): Tally(100, 10, 10, 0),
        Cell("a", "double_urn", ""): Tally(100, 1, 0, 0, 1),
        Cell("b", "work", ""): Tally(100, 10, 0, 10),
    }
    assert estimate(frame, 0.95).rate == pytest.approx(2 / 3)
    frame[Cell("c", "work", "")] = Tally(300)
    assert estimate(frame, 0.95).rate == pytest.approx((200 + 300 * 0.5) / 600)


def test_the_parts_add_up() -> None:
    frame = {Cell(a, b, ""): Tally(5, 2, 1, 1) for a in "xy" for b in "mn"}
    for part in ("township", "mode", "contractor"):
        assert sum(total(one.values()).upheld for one in by_part(frame, part).values()) == 4
    assert rate_in({ONE: Tally(5)}, rates_taken({ONE: Tally(5)})) is None


@pytest.mark.parametrize(("size", "townships", "number"), [(300, 3, 60), (400, 6, 30)])
def test_the_true_rate_lies_inside_as_often_as_promised(size: int, townships: int, number: int) -> None:
    """300 draws with their seeds, of a frame where one contractor works worse than the other."""
    random = Random(7)
    frame, good = {}, {}
    for _ in range(size):
        cell = Cell(str(random.randrange(townships)), random.choice(["work", "double_urn"]), random.choice("甲甲甲乙"))
        one = UUID(int=random.getrandbits(128))
        frame[one], good[one] = cell, random.random() < (0.95 if cell.contractor == "甲" else 0.7)
    truth, populations = sum(good.values()) / size, Counter(frame.values())
    hits, drift = 0, 0.0
    for seed in range(300):
        upheld: Counter[Cell] = Counter()
        failed: Counter[Cell] = Counter()
        for one in select(frame, {"kind": "number", "number": number}, f"seed-{seed}"):
            (upheld if good[one] else failed)[frame[one]] += 1
        found = estimate(
            {
                cell: Tally(count, upheld[cell] + failed[cell], upheld[cell], failed[cell])
                for cell, count in populations.items()
            },
            0.95,
        )
        assert found.rate is not None
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high
        drift += found.rate - truth
    assert hits >= 270
    assert abs(drift / 300) < 0.01
