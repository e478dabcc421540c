"""How a sample is spread over its frame, pure: how many of each cell of (township, mode, contractor).

Everything follows from the frame and the seed, in whole numbers; no order of rows and no clock has a part in it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from statistics import NormalDist
from typing import NamedTuple
from uuid import UUID

METHOD = "stratified-sha256/1"


class Cell(NamedTuple):
    """A stratum: a township's code, a mode (`work` for problems in the work), a contractor (empty: none named)."""

    township: str
    mode: str
    contractor: str

    @property
    def stratum(self) -> str:
        """As it is stored. A contractor's name may hold any sign, so it comes last."""
        return "|".join(self)

    @classmethod
    def of(cls, stratum: str) -> "Cell":
        """The cell that is stored as `stratum`."""
        return cls(*stratum.split("|", 2))


@dataclass(frozen=True, slots=True)
class Allocation:
    """How many of each cell. `raised_from`: what was asked for, where covering everything took more."""

    sizes: dict[Cell, int]
    raised_from: int | None = None

    @property
    def total(self) -> int:
        return sum(self.sizes.values())


def draw_key(seed: str, problem_id: UUID) -> str:
    """The lot of a record: SHA-256 of `seed:id`, in hex. The smallest of a cell are selected."""
    return hashlib.sha256(f"{seed}:{problem_id}".encode()).hexdigest()


def z_of(confidence: float) -> float:
    """The two-sided normal quantile."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def size_for(population: int, confidence: float, margin: float, expected: float) -> int:
    """How many to check so that the rate is known to +-`margin`, with finite population correction; rounded up.

    n0 = z^2 p(1-p) / e^2; n = n0 / (1 + (n0 - 1) / N). At least 1, at most the population.
    """
    first = z_of(confidence) ** 2 * expected * (1 - expected) / margin**2
    return max(1, min(population, ceil(first / (1 + max(first - 1, 0) / population))))


def cover(populations: Mapping[Cell, int]) -> set[Cell]:
    """A small set of cells in which each township, mode and contractor appears.

    Greedy: always the cell that adds most; among equals the most populous, then the first by name. What a cell adds
    only ever shrinks, so one pass for 3, one for 2 and one for 1 is the same as looking for the best each time.
    """
    order = sorted(populations, key=lambda cell: (-populations[cell], cell))
    missing: set[tuple[int, str]] = {part for cell in order for part in enumerate(cell)}
    chosen: set[Cell] = set()
    for gain in (3, 2, 1):
        for cell in order:
            if len(missing.intersection(enumerate(cell))) == gain:
                chosen.add(cell)
                missing.difference_update(enumerate(cell))
    return chosen


def allocate(populations: Mapping[Cell, int], wanted: int, seed: str) -> Allocation:
    """Spread `wanted` over the cells: one for each cell, or where they are too few for each cell of a cover.

    The rest goes in proportion to what is left in the cells, by largest remainder; equal remainders are decided by lot
    (SHA-256 of `seed:stratum`). With fewer than one for each cell the remainders are decided by lot as well, or small
    cells would never be seen. Never more than a cell holds; the total is exact, and all where `wanted` is more.
    """
    total = sum(populations.values())
    if wanted >= total:
        return Allocation(dict(sorted(populations.items())))
    first = set(populations) if wanted >= len(populations) else cover(populations)
    size = max(wanted, len(first))
    sizes = {cell: int(cell in first) for cell in sorted(populations)}
    rest, room = size - len(first), total - len(first)
    if rest > 0:
        shares = {cell: Fraction((populations[cell] - sizes[cell]) * rest, room) for cell in sizes}
        left = rest - sum(int(share) for share in shares.values())
        remainders = {cell: share - int(share) for cell, share in shares.items()}
        # A share is at most what is left in the cell, and a broken one below it: rounding up never overflows.
        up = _largest(remainders, left, seed) if len(first) == len(sizes) else _in_turn(remainders, seed)
        for cell, share in shares.items():
            sizes[cell] += int(share) + (cell in up)
    return Allocation(sizes, wanted if size > wanted else None)


def wanted_of(size: Mapping[str, object], population: int) -> int:
    """How many a size means for a frame: {kind: all}, {kind: number, number} or {kind: precision, ...}."""
    if size["kind"] == "all":
        return population
    if size["kind"] == "number":
        return int(str(size["number"]))
    parts = (float(str(size[name])) for name in ("confidence", "margin", "expected"))
    return size_for(population, *parts)


def select(frame: Mapping[UUID, Cell], size: Mapping[str, object], seed: str) -> set[UUID]:
    """The records that are selected: what the database does in one statement, here for whoever draws again."""
    members: dict[Cell, list[tuple[str, UUID]]] = {}
    for problem_id, cell in frame.items():
        members.setdefault(cell, []).append((draw_key(seed, problem_id), problem_id))
    populations = {cell: len(ids) for cell, ids in members.items()}
    sizes = allocate(populations, wanted_of(size, len(frame)), seed).sizes
    return {one for cell, ids in members.items() for _, one in sorted(ids)[: sizes[cell]]}


def digest_of(ids: Iterable[UUID]) -> str:
    """SHA-256 over ids in ascending order, each on a line of its own, without a line end after the last."""
    return hashlib.sha256("\n".join(sorted(str(one) for one in ids)).encode()).hexdigest()


def _largest(remainders: Mapping[Cell, Fraction], seats: int, seed: str) -> set[Cell]:
    """The cells with the largest remainders; equal ones by lot."""
    return set(sorted(remainders, key=lambda cell: (-remainders[cell], _lot(seed, cell), cell))[:seats])


def _in_turn(remainders: Mapping[Cell, Fraction], seed: str) -> set[Cell]:
    """Each cell with the chance of its remainder, so that small cells are not always left out.

    The cells stand in the order of their lots, their remainders end to end; from a start by lot every whole step
    meets one of them.
    """
    reached = Fraction(int(hashlib.sha256(f"{seed}:".encode()).hexdigest(), 16), 16**64)
    met: set[Cell] = set()
    for cell in sorted(remainders, key=lambda one: (_lot(seed, one), one)):
        before, reached = int(reached), reached + remainders[cell]
        if int(reached) > before:
            met.add(cell)
    return met


def _lot(seed: str, cell: Cell) -> str:
    return hashlib.sha256(f"{seed}:{cell.stratum}".encode()).hexdigest()
