"""How a sample is spread over its frame: exact, covering, the same for everybody, and fair."""

from collections import Counter
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toilet_api.oversight.strata import (
    Cell,
    allocate,
    cover,
    digest_of,
    draw_key,
    select,
    size_for,
    wanted_of,
)

PARTS = ("township", "mode", "contractor")
cells = st.builds(
    Cell,
    st.sampled_from(["360423208", "360423500", "360423101"]),
    st.sampled_from(["three_compartment", "double_urn", "work"]),
    st.sampled_from(["", "甲公司", "乙|公司", "丙公司"]),
)
frames = st.dictionaries(cells, st.integers(1, 40), min_size=1)
numbers = st.integers(1, 400)
seeds = st.text("0123456789abcdef", min_size=8, max_size=8)


@given(cells)
def test_a_cell_is_what_its_stratum_says(cell: Cell) -> None:
    assert Cell.of(cell.stratum) == cell


@given(frames, numbers, seeds)
def test_the_total_is_exact_and_no_cell_gives_more_than_it_has(frame: dict[Cell, int], number: int, seed: str) -> None:
    made = allocate(frame, number, seed)
    assert set(made.sizes) == set(frame)
    assert all(0 <= made.sizes[cell] <= frame[cell] for cell in frame)
    whole = sum(frame.values())
    if made.raised_from is None:
        assert made.total == min(number, whole)
    else:
        assert (made.raised_from, made.total) == (number, len(cover(frame)))
        assert number < made.total


@given(frames, numbers, seeds)
def test_every_township_mode_and_contractor_is_in_it(frame: dict[Cell, int], number: int, seed: str) -> None:
    sizes = allocate(frame, number, seed).sizes
    for part in PARTS:
        wanted = {getattr(cell, part) for cell in frame}
        assert {getattr(cell, part) for cell, size in sizes.items() if size} == wanted
    if number >= len(frame):
        assert all(size >= 1 for size in sizes.values())


@given(frames, numbers, seeds, st.randoms())
def test_the_order_of_the_rows_changes_nothing(frame: dict[Cell, int], number: int, seed: str, random: Random) -> None:
    shuffled = list(frame.items())
    random.shuffle(shuffled)
    assert allocate(dict(shuffled), number, seed) == allocate(frame, number, seed)


@given(frames, seeds, numbers)
def test_it_is_proportional_within_one_where_there_is_one_for_each(
    frame: dict[Cell, int], seed: str, number: int
) -> None:
    whole = sum(frame.values())
    if not len(frame) <= number < whole:
        return
    sizes = allocate(frame, number, seed).sizes
    for cell, size in sizes.items():
        fair = 1 + (frame[cell] - 1) * (number - len(frame)) / (whole - len(frame))
        assert abs(size - fair) < 1


@given(frames)
def test_a_cover_is_small(frame: dict[Cell, int]) -> None:
    chosen = cover(frame)
    wanted = [{getattr(cell, part) for cell in frame} for part in PARTS]
    assert [{getattr(cell, part) for cell in chosen} for part in PARTS] == wanted
    assert max(map(len, wanted)) <= len(chosen) <= sum(map(len, wanted)) - 2


@given(st.dictionaries(st.uuids(), cells, min_size=1, max_size=60), st.integers(1, 70), seeds, st.randoms())
@settings(max_examples=50)
def test_a_selection_is_of_frame_and_seed_alone(
    frame: dict[UUID, Cell], number: int, seed: str, random: Random
) -> None:
    size = {"kind": "number", "number": number}
    chosen = select(frame, size, seed)
    rows = list(frame.items())
    random.shuffle(rows)
    assert select(dict(rows), size, seed) == chosen <= set(frame)
    sizes = allocate(Counter(frame.values()), number, seed).sizes
    assert Counter(frame[one] for one in chosen) == Counter({cell: n for cell, n in sizes.items() if n})
    for cell in sizes:
        mine = sorted((draw_key(seed, one), one in chosen) for one, where in frame.items() if where == cell)
        assert [taken for _, taken in mine] == [place < sizes[cell] for place in range(len(mine))]
    assert select(frame, {"kind": "all"}, seed) == set(frame)


def test_each_record_of_a_cell_is_drawn_equally_often() -> None:
    random = Random(4)
    kinds = [Cell("360423208", "work", ""), Cell("360423500", "double_urn", "甲公司")]
    frame = {UUID(int=random.getrandbits(128)): kinds[place % 3 == 0] for place in range(60)}
    draws = Counter(
        one for seed in range(600) for one in select(frame, {"kind": "number", "number": 15}, f"seed-{seed:04d}")
    )
    assert sum(draws.values()) == 600 * 15
    sizes = allocate(Counter(frame.values()), 15, "any").sizes
    for one, cell in frame.items():
        fair = 600 * sizes[cell] / Counter(frame.values())[cell]
        assert abs(draws[one] - fair) < 50, "five standard deviations"


def test_small_cells_have_their_chance_where_there_are_too_few_for_each() -> None:
    frame = {Cell("360423208", "work", f"{place:02d}"): 2 for place in range(30)}
    frame[Cell("360423208", "double_urn", "00")] = 100
    for place in range(30):
        frame[Cell("360423500", "work", f"{place:02d}")] = 2
    met: set[Cell] = set()
    for seed in range(40):
        met |= {cell for cell, size in allocate(frame, 45, f"seed-{seed}").sizes.items() if size}
    assert met == set(frame)


@pytest.mark.parametrize(
    ("population", "confidence", "margin", "expected", "size"),
    [
        (10**9, 0.95, 0.05, 0.5, 385),  # the textbook's numbers
        (10**9, 0.99, 0.05, 0.5, 664),
        (1000, 0.95, 0.05, 0.5, 278),
        (500, 0.95, 0.05, 0.5, 218),
        (1, 0.95, 0.05, 0.5, 1),
        (10**6, 0.95, 0.05, 0.9, 139),
        (10, 0.8, 0.5, 0.01, 1),
    ],
)
def test_the_size_that_a_precision_needs(
    population: int, confidence: float, margin: float, expected: float, size: int
) -> None:
    assert size_for(population, confidence, margin, expected) == size
    stored = {"kind": "precision", "confidence": confidence, "margin": margin, "expected": expected}
    assert wanted_of(stored, population) == size


@given(st.integers(1, 10**7), st.floats(0.8, 0.999), st.floats(0.005, 0.5), st.floats(0.01, 0.99))
def test_a_size_is_never_none_and_never_more_than_there_is(
    population: int, confidence: float, margin: float, expected: float
) -> None:
    assert 1 <= size_for(population, confidence, margin, expected) <= population


def test_a_digest_is_of_the_ids_in_order() -> None:
    ids = [UUID(int=3), UUID(int=1)]
    assert digest_of(ids) == digest_of(reversed(ids))
    assert digest_of([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
