"""The trend of a page: days added up to weeks from Monday to Sunday. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from toilet_api.reporting.statistics.trend import TrendDay

LONGEST = 26
"""So many weeks are drawn; what lies before is told, not hidden."""


@dataclass(frozen=True, slots=True)
class Week:
    """What happened in a week, and what stood open at its end (or today)."""

    begins: date
    ends: date
    visits_submitted: int
    found: int
    rectified: int
    closed: int
    open_at_end: int

    @property
    def label(self) -> str:
        """Its Monday, as 11-23."""
        return f"{self.begins:%m-%d}"


def monday(day: date) -> date:
    """The Monday of its week."""
    return day - timedelta(days=day.weekday())


def first_shown(starts_on: date, today: date) -> tuple[date, bool]:
    """The Monday at which the trend begins, and whether weeks before it are left out."""
    earliest = monday(today) - timedelta(weeks=LONGEST - 1)
    begins = monday(min(starts_on, today))
    return (begins, False) if begins >= earliest else (earliest, True)


def by_week(days: Sequence[TrendDay]) -> list[Week]:
    """The weeks of these days, in their order."""
    parts: dict[date, list[TrendDay]] = {}
    for one in days:
        parts.setdefault(monday(one.day), []).append(one)
    return [
        Week(
            begins,
            begins + timedelta(days=6),
            visits_submitted=sum(one.visits_submitted for one in part),
            found=sum(one.found for one in part),
            rectified=sum(one.rectified for one in part),
            closed=sum(one.closed for one in part),
            open_at_end=part[-1].open_at_end,
        )
        for begins, part in parts.items()
    ]
