"""What the checks of a stratified sample say about all close-outs of its frame, pure.

Each cell counts by its population. The interval is Wilson's on the effective number of checks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import fsum, sqrt

from toilet_api.oversight.strata import Cell, z_of


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of a cell. `population`: in the frame; the rest of those that were selected."""

    population: int
    selected: int = 0
    upheld: int = 0
    failed: int = 0
    not_checkable: int = 0

    @property
    def decided(self) -> int:
        """Checks that came to a yes or no."""
        return self.upheld + self.failed

    @property
    def rate(self) -> float:
        return self.upheld / self.decided

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.population + other.population,
            self.selected + other.selected,
            self.upheld + other.upheld,
            self.failed + other.failed,
            self.not_checkable + other.not_checkable,
        )


@dataclass(frozen=True, slots=True)
class Rate:
    """An estimated rate with its interval, each in 0..1; None where nothing was decided."""

    rate: float | None
    low: float | None
    high: float | None


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them together."""
    return sum(tallies, Tally(0))


def estimate(cells: Mapping[Cell, Tally], confidence: float) -> Rate:
    """The rate of justified close-outs in the whole frame, with its confidence interval.

    A cell without a decided check is taken to be like all checks of its township together, and where there are none
    like all checks. The variance has the finite population correction. The effective number of checks is never more
    than the weights alone allow (Kish), nor more than a simple random sample's; where the rate is 0 or 1 it is without
    the correction. The interval also stays within what is certain: what was upheld, and what failed, is known. With
    everything checked it is the point itself.
    """
    whole = total(cells.values())
    checked, size = whole.decided, whole.population
    rate = rate_in(cells, rates_taken(cells))
    if rate is None or checked == size:
        return Rate(rate, rate, rate)
    low, high = _wilson(rate, _effective(cells, _weights(cells), rate, checked, size), z_of(confidence))
    return Rate(
        rate,
        low=min(rate, max(low, whole.upheld / size)),
        high=max(rate, min(high, 1 - whole.failed / size)),
    )


def rates_taken(cells: Mapping[Cell, Tally]) -> dict[Cell, float]:
    """The rate each cell of the frame is taken to have: of its own checks, else of its township's, else of all.
    Empty where nothing was decided.
    """
    whole = total(cells.values())
    if not whole.decided:
        return {}
    townships = {name: total(members.values()) for name, members in by_part(cells, "township").items()}
    return {
        cell: next(one.rate for one in (tally, townships[cell.township], whole) if one.decided)
        for cell, tally in cells.items()
    }


def rate_in(cells: Mapping[Cell, Tally], rates: Mapping[Cell, float]) -> float | None:
    """The rate within a part of the frame, or in all of it, by population; None where nothing was decided anywhere.

    `rates` are those taken in the whole frame, so that the rates of its parts average to the rate of the whole.
    """
    if not rates:
        return None
    here = total(cells.values())
    rate = fsum(tally.population * rates[cell] for cell, tally in cells.items()) / here.population
    return min(max(rate, here.upheld / here.population), 1 - here.failed / here.population)


def by_part(cells: Mapping[Cell, Tally], part: str) -> dict[str, dict[Cell, Tally]]:
    """The cells by `township`, `mode` or `contractor`, in order."""
    found: dict[str, dict[Cell, Tally]] = {}
    for cell in sorted(cells, key=lambda one: (getattr(one, part), one)):
        found.setdefault(getattr(cell, part), {})[cell] = cells[cell]
    return found


def _weights(cells: Mapping[Cell, Tally]) -> dict[Cell, float]:
    """How much of the frame each cell with a decided check stands for. Together they are the frame.

    What is unknown is shared out by checks, not by population: so it takes the plain rate of the township's checks,
    as `rates_taken` has it.
    """
    spread: dict[Cell, float] = {}
    for members in by_part(cells, "township").values():
        here = total(members.values())
        unknown = sum(tally.population for tally in members.values() if not tally.decided)
        spread |= {
            cell: tally.population + unknown * tally.decided / here.decided
            for cell, tally in members.items()
            if tally.decided
        }
    whole = total(cells.values())
    left = whole.population - sum(spread.values())
    return {cell: weight + left * cells[cell].decided / whole.decided for cell, weight in spread.items()}


def _effective(
    cells: Mapping[Cell, Tally], weights: Mapping[Cell, float], rate: float, checked: int, size: int
) -> float:
    """How many checks of a simple random sample of an endless frame would say as much as these."""
    kish = sum(weights.values()) ** 2 / sum(weight**2 / cells[cell].decided for cell, weight in weights.items())
    if rate in (0.0, 1.0) or checked < 2:
        return kish
    simple = (1 - checked / size) * rate * (1 - rate) / (checked - 1)
    effect = max(checked / kish, _variance(cells, weights, size) / simple, 1.0)
    return checked / (effect * (1 - checked / size))


def _variance(cells: Mapping[Cell, Tally], weights: Mapping[Cell, float], size: int) -> float:
    """The variance of the stratified estimate. A cell with one check takes the spread of its township, or of all."""
    townships = {name: total(members.values()) for name, members in by_part(cells, "township").items()}
    whole = total(cells.values())
    found = 0.0
    for cell, weight in weights.items():
        tally = cells[cell]
        near = next(one for one in (tally, townships[cell.township], whole) if one.decided > 1)
        spread = near.rate * (1 - near.rate) * near.decided / (near.decided - 1)
        found += (weight / size) ** 2 * max(0.0, 1 - tally.decided / weight) * spread / tally.decided
    return found


def _wilson(rate: float, checks: float, z: float) -> tuple[float, float]:
    """Wilson's score interval."""
    share = z * z / checks
    middle = (rate + share / 2) / (1 + share)
    half = z * sqrt(rate * (1 - rate) / checks + share / (4 * checks)) / (1 + share)
    return max(0.0, middle - half), min(1.0, middle + half)
