"""From counts to scores, ranks and lists, pure. The order in which divisions come changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import floor, fsum, sqrt
from typing import Literal

from toilet_api.reporting.assessment.shrinkage import Count, Pool, Prior, Shrunk, pooled, shrink

RATES = (
    *("completeness", "reports_on_time", "deadlines_met", "close_out", "first_pass"),
    *("review", "satisfaction", "upkeep"),
)
"""The parts that are a rate; `falsification` is a number of points off."""
FALSIFICATION = "falsification"
DECIMALS = 2
"""Of a score, as it is published; equal to so many, two share a rank."""
_Z = 1.959963984540054  # 95 %, two-sided


@dataclass(frozen=True, slots=True)
class Facts:
    """What was counted in a division. `counts`: of the rates; a part without figures is missing."""

    counts: Mapping[str, Count]
    falsifications: int = 0
    live: int = 0
    """Problems that aren't dismissed."""
    overdue: int = 0

    @property
    def is_empty(self) -> bool:
        """Nothing is recorded of the campaign at all; that reports were due doesn't make a ledger."""
        recorded = (one.n for part, one in self.counts.items() if part != "reports_on_time")
        return not self.live and not self.falsifications and not any(recorded)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a list, as it stands in a formula. `limit`: a share in 0..1, a score in 0..100, or a number."""

    kind: str
    colour: Literal["yellow", "red"]
    limit: float = 0
    part: str | None = None
    least_count: int = 1
    """A share of fewer cases than this proves nothing."""


@dataclass(frozen=True, slots=True)
class Method:
    """All of a formula that decides about scores and lists."""

    weights: Mapping[str, int]
    prior: Prior
    falsification_points: int
    rules: Sequence[Rule] = ()


@dataclass(frozen=True, slots=True)
class PartScore:
    """A part of a division. `score` in 0..100; `own`: counted, else the pooled rate stands in for it."""

    count: Count
    score: float
    shrunk: Shrunk | None
    own: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that a division fell under, with the value that was found."""

    rule: Rule
    value: float
    numerator: int | None = None
    denominator: int | None = None


@dataclass(slots=True)
class Unit:
    """A division with its parts. An empty one is neither scored nor ranked."""

    facts: Facts
    parts: dict[str, PartScore] = field(default_factory=dict)
    score: float | None = None
    low: float | None = None
    high: float | None = None
    rank: int | None = None
    hits: list[Hit] = field(default_factory=list)

    @property
    def colour(self) -> str | None:
        """The list that it is on; red before yellow."""
        colours = {hit.rule.colour for hit in self.hits}
        return "red" if "red" in colours else "yellow" if colours else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """An assessment: `used` are the weights after those without figures were spread; they sum to 100, or are empty."""

    pools: dict[str, Pool]
    used: dict[str, float]
    units: dict[str, Unit]


def assess(method: Method, facts: Mapping[str, Facts]) -> Outcome:
    """Score, rank and list the divisions."""
    ranked = [one.counts for one in facts.values() if not one.is_empty]
    pools = {part: pooled([counts[part] for counts in ranked if part in counts], method.prior) for part in RATES}
    used = spread(method.weights, {part for part, pool in pools.items() if pool.rate is not None})
    units = {code: _scored(method, one, pools, used) for code, one in sorted(facts.items())}
    _rank(units)
    for unit in units.values():
        unit.hits = [hit for rule in method.rules if (hit := _hit(rule, unit, units)) is not None]
    return Outcome(pools, used, units)


def spread(weights: Mapping[str, int], with_figures: set[str]) -> dict[str, float]:
    """The weights of the parts with figures, raised in proportion to 100; falsification always has them.

    Without any rate there is nothing to rank by: empty.
    """
    kept = {part: weight for part, weight in weights.items() if weight and part in {*with_figures, FALSIFICATION}}
    if not set(kept) - {FALSIFICATION}:
        return {}
    whole = sum(kept.values())
    return {part: 100 * weight / whole for part, weight in kept.items()}


def _scored(method: Method, facts: Facts, pools: Mapping[str, Pool], used: Mapping[str, float]) -> Unit:
    unit = Unit(facts)
    if facts.is_empty:
        return unit
    for part in RATES:
        own = facts.counts.get(part, Count())
        shrunk = shrink(own, pools[part])
        if shrunk is not None:
            unit.parts[part] = PartScore(own, 100 * shrunk.rate, shrunk, own=own.n > 0)
    off = min(100, method.falsification_points * facts.falsifications)
    unit.parts[FALSIFICATION] = PartScore(Count(facts.falsifications, 0), 100 - off, None, own=True)
    if used:
        unit.score = round(fsum(used[part] * unit.parts[part].score / 100 for part in used), DECIMALS)
        doubt = _Z * sqrt(
            fsum(
                (used[part] * one.shrunk.deviation) ** 2
                for part, one in unit.parts.items()
                if one.shrunk and part in used
            )
        )
        unit.low = round(max(0.0, unit.score - doubt), DECIMALS)
        unit.high = round(min(100.0, unit.score + doubt), DECIMALS)
    return unit


def _rank(units: Mapping[str, Unit]) -> None:
    """1 for the best; those of equal score share a rank, and the next one counts them all (1, 2, 2, 4)."""
    scores = [unit.score for unit in units.values() if unit.score is not None]
    for unit in units.values():
        if unit.score is not None:
            unit.rank = 1 + sum(other > unit.score for other in scores)


def _hit(rule: Rule, unit: Unit, units: Mapping[str, Unit]) -> Hit | None:
    facts = unit.facts
    match rule.kind:
        case "no_records":
            return Hit(rule, 0) if facts.is_empty else None
        case "falsifications_at_least":
            return Hit(rule, facts.falsifications) if facts.falsifications >= rule.limit else None
        case "overdue_share_above":
            return _share(rule, Count(facts.overdue, facts.live), above=True)
        case "part_below":
            return _share(rule, facts.counts.get(rule.part or "", Count()), above=False)
        case "score_below":
            return Hit(rule, unit.score) if unit.score is not None and unit.score < rule.limit else None
        case _:
            return _last(rule, unit, units)


def _share(rule: Rule, count: Count, *, above: bool) -> Hit | None:
    """Held against the rate as counted, not the shrunk one: what a list says must be seen in the ledger."""
    if count.rate is None or count.n < rule.least_count:
        return None
    fallen = count.rate > rule.limit if above else count.rate < rule.limit
    return Hit(rule, count.rate, count.x, count.n) if fallen else None


def _last(rule: Rule, unit: Unit, units: Mapping[str, Unit]) -> Hit | None:
    """Among the last so many of those ranked, rounded down. Where equals would exceed them, none of those is listed."""
    ranked = sum(one.rank is not None for one in units.values())
    if unit.rank is None or unit.rank <= ranked - floor(ranked * rule.limit + 1e-9):
        return None
    return Hit(rule, unit.rank, unit.rank, ranked)
