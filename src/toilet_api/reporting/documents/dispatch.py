"""What a bulletin or a notification is made of: the frozen reports of a period, from one level to the next."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Literal

from toilet_api.reporting.documents.wording import Share
from toilet_api.reporting.figures import Figures

Arrival = Literal["in_time", "late", "missing", "pending", "not_due"]
"""`pending`: submitted, but not received when the figures were drawn. `not_due`: made before it went up in another."""


@dataclass(frozen=True, slots=True)
class Part:
    """The report of one division below. Without figures nothing was received from it."""

    code: str
    name: str
    """Of the division; with the old name where the report was made before it went up in this one."""
    figures: Figures | None
    arrival: Arrival = "in_time"
    stands_in: str = ""
    """The earlier period whose report stands in for the one that is missing."""
    is_corrected: bool = False
    difficulties: str = ""
    next_steps: str = ""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A division's place in a published assessment."""

    rank: int | None
    """None: nothing is recorded there."""
    code: str
    name: str
    score: float | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A division on the yellow or red list, with the reasons that put it there."""

    name: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """A published assessment, as far as a notification shows it."""

    title: str
    as_of: datetime
    formula: str
    """The name and version of its formula."""
    rows: tuple[Ranked, ...]
    yellow: tuple[Listed, ...] = ()
    red: tuple[Listed, ...] = ()


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A frozen report of a division with its parts."""

    division_code: str
    division_name: str
    period: str
    """2026年第30周, 2026年7月上半月, 2026年7月"""
    since: date
    until: date
    cutoff_at: datetime
    drawn_at: datetime
    figures: Figures
    before: Figures | None = None
    before_period: str = ""
    parts: tuple[Part, ...] = ()
    edition: int = 1
    correction_reason: str = ""
    is_signed: bool = True
    is_stale: bool = False
    """A part has been corrected since it was drawn."""
    difficulties: str = ""
    next_steps: str = ""

    @property
    def days(self) -> str:
        """7月18日至7月24日: the period's first and last day."""
        first, last = (f"{one.month}月{one.day}日" for one in (self.since, self.until))
        return f"{first}至{last}"

    @property
    def whole(self) -> str:
        """全省, 全市, 全县: how the division speaks of itself."""
        return {2: "全省", 4: "全市", 6: "全县", 9: "全乡（镇）"}.get(len(self.division_code), "全村")

    @property
    def below(self) -> str:
        """How it calls those who report to it."""
        return {2: "市（县）", 4: "县（市、区）", 6: "乡镇（区）"}.get(len(self.division_code), "村")

    @property
    def due(self) -> tuple[Part, ...]:
        """The parts whose report was due in the period."""
        return tuple(part for part in self.parts if part.arrival != "not_due")

    @property
    def received(self) -> tuple[Part, ...]:
        """The parts that have figures."""
        return tuple(part for part in self.parts if part.figures is not None)


def survey_share(figures: Figures) -> Share:
    """摸排率: households with a submitted visit, of all households."""
    return Share(figures.survey.surveyed, figures.survey.households)


def close_share(figures: Figures) -> Share:
    """销号率: problems closed, of those found and not dismissed."""
    return Share(figures.problems.closed, figures.problems.found - figures.problems.dismissed)


def rectified_share(figures: Figures) -> Share:
    """整改完成率: problems whose work is done (submitted, accepted or closed), of those found and not dismissed."""
    return Share(figures.problems.rectified, figures.problems.found - figures.problems.dismissed)


def ordered(parts: Sequence[Part], share: Callable[[Figures], Share] = close_share) -> list[tuple[int | None, Part]]:
    """The parts with their ranks by a share, highest first; equal ones share a rank and stand in the order of codes.

    Without a share (no problem found) or without a report there is no rank; those come last, in the order of codes.
    """

    def value(part: Part) -> Share | None:
        found = None if part.figures is None else share(part.figures)
        return None if found is None or found.value is None else found

    rated = [(found.value, part) for part in parts if (found := value(part)) is not None]
    rated.sort(key=lambda one: (-(one[0] or 0), one[1].code))
    made: list[tuple[int | None, Part]] = []
    for _, group in groupby(rated, key=lambda one: one[0]):
        rank = len(made) + 1
        made.extend((rank, part) for _, part in group)
    rest = sorted((part for part in parts if value(part) is None), key=lambda part: (part.figures is None, part.code))
    return [*made, *((None, part) for part in rest)]
