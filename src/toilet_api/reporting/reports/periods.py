"""Periods of reports and their cut-offs, pure: which days belong to one, and until when it is to be handed in.

Everything is in Shanghai time, which knows no summer time. Working days are those of the `holidays` library, which
has the State Council's yearly announcements with their make-up working weekends (国务院办公厅关于节假日安排的通知).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

import holidays

from toilet_api.kernel.fields import SHANGHAI

CLOSE_OF_BUSINESS = time(17, 30)
"""下班: offices work 8 hours a day (国务院令第174号), most until 17:00 or 17:30; each place sets its own. Half past is
the later of the two, and REPORTS_CLOSE_AT sets another. A report keeps the cut-off that it was opened with."""

WEEKLY_RULE = "工作方案 四（五）：整改进展情况每星期五下午下班前报县主管部门"
HALF_MONTHLY_RULE = "工作方案 四（四）：市级对县级工作情况每半月一调度"
MONTHLY_RULE = "工作方案 四（四）：省级实行“月调度、月通报”机制"
RULES = {"weekly": WEEKLY_RULE, "half_monthly": HALF_MONTHLY_RULE, "monthly": MONTHLY_RULE}
KINDS = tuple(RULES)

_FRIDAY = 5
_ONE = timedelta(days=1)
_KEYS = {
    "weekly": re.compile(r"(?P<year>[0-9]{4})-W(?P<number>[0-9]{2})"),
    "half_monthly": re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-H(?P<number>[12])"),
    "monthly": re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})"),
}


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `start` to `end`, both included. `moved`: none, earlier or later, see `cutoff_day`."""

    kind: str
    key: str
    start: date
    end: date
    cutoff_at: datetime
    moved: str

    def __contains__(self, day: date) -> bool:
        return self.start <= day <= self.end


@lru_cache(maxsize=1)
def _china() -> holidays.HolidayBase:
    return holidays.country_holidays("CN")


@lru_cache(maxsize=4096)
def is_working_day(day: date) -> bool:
    """Whether offices are open: no weekend and no holiday, or a weekend that is worked instead (调休)."""
    return bool(_china().is_working_day(day))


@lru_cache(maxsize=256)
def is_announced(year: int) -> bool:
    """Whether the library knows the year's announcement, which comes in the autumn before.

    Until then only the statutory days themselves are known, without the days off and worked around them.
    """
    china = holidays.country_holidays("CN", years=year)
    return any(day.year == year for day in china.weekend_workdays)


def cutoff_day(kind: str, end: date) -> tuple[date, str]:
    """The day by whose close of business a period that ends on `end` is due, and how it was moved.

    Weekly: the Friday; where it is no working day, the last one before it in that week, Monday to Friday; where the
    whole week is a holiday, the next working day. Otherwise the last day of the period or, where that isn't worked,
    the next working day, as 民法典 第二百零三条 has it for the last day of any period.
    """
    day = end
    if kind == "weekly":
        for back in range(_FRIDAY):
            if is_working_day(end - back * _ONE):
                return end - back * _ONE, "earlier" if back else "none"
    while not is_working_day(day):
        day += _ONE
    return day, "none" if day == end else "later"


def working_days_after(moment: datetime, days: int) -> datetime:
    """The same hour so many working days later; `moment` itself for none."""
    local = moment.astimezone(SHANGHAI)
    day = local.date()
    for _ in range(days):
        day += _ONE
        while not is_working_day(day):
            day += _ONE
    return datetime.combine(day, local.time(), SHANGHAI)


def period_of(kind: str, day: date, closing: time = CLOSE_OF_BUSINESS) -> Period:
    """The period that `day` belongs to. A week of reports runs from Saturday to Friday."""
    if kind == "weekly":
        end = day + (_FRIDAY - day.isoweekday()) % 7 * _ONE
        year, week, _ = end.isocalendar()
        return _made(kind, f"{year}-W{week:02}", end - 6 * _ONE, end, closing)
    first = day.replace(day=1)
    last = (first + 31 * _ONE).replace(day=1) - _ONE
    if kind == "monthly":
        return _made(kind, f"{day:%Y-%m}", first, last, closing)
    if day.day <= 15:
        return _made(kind, f"{day:%Y-%m}-H1", first, day.replace(day=15), closing)
    return _made(kind, f"{day:%Y-%m}-H2", day.replace(day=16), last, closing)


def _made(kind: str, key: str, start: date, end: date, closing: time) -> Period:
    day, moved = cutoff_day(kind, end)
    return Period(kind, key, start, end, datetime.combine(day, closing, SHANGHAI), moved)


def by_key(kind: str, key: str, closing: time = CLOSE_OF_BUSINESS) -> Period | None:
    """The period of a key: 2026-W40 (the ISO week of its Friday), 2026-10-H1, 2026-10. None for any other text."""
    match = _KEYS[kind].fullmatch(key)
    if match is None:
        return None
    year, number = int(match["year"]), match.groupdict().get("number")
    try:
        if kind == "weekly":
            day = date.fromisocalendar(year, int(number or 0), _FRIDAY)
        else:
            day = date(year, int(match["month"]), 16 if number == "2" else 1)
    except ValueError:
        return None
    return period_of(kind, day, closing)


def following(period: Period, closing: time = CLOSE_OF_BUSINESS) -> Period:
    """The period after it."""
    return period_of(period.kind, period.end + _ONE, closing)


def preceding(period: Period, closing: time = CLOSE_OF_BUSINESS) -> Period:
    """The period before it."""
    return period_of(period.kind, period.start - _ONE, closing)


def of_year(kind: str, year: int, closing: time = CLOSE_OF_BUSINESS) -> Iterator[Period]:
    """The periods that end in a year, in order."""
    period = period_of(kind, date(year, 1, 1), closing)
    while period.end.year == year:
        yield period
        period = following(period, closing)


def from_to(kind: str, first: date, last: date, closing: time = CLOSE_OF_BUSINESS) -> Iterator[Period]:
    """The periods from the one of `first` to the one of `last`, in order; none where `last` comes before."""
    period = period_of(kind, first, closing)
    while period.start <= last:
        yield period
        period = following(period, closing)


def last_due(kind: str, moment: datetime, closing: time = CLOSE_OF_BUSINESS) -> Period:
    """The newest period whose cut-off is over at `moment`, or falls on it."""
    period = period_of(kind, moment.astimezone(SHANGHAI).date(), closing)
    while period.cutoff_at > moment:
        period = preceding(period, closing)
    return period
