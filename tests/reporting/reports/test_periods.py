"""Periods and cut-offs: Fridays, holidays, make-up Saturdays, month-ends, leap years, time zones."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reporting.reports.made import at
from toilet_api.reporting.reports.periods import (
    KINDS,
    by_key,
    following,
    from_to,
    is_announced,
    is_working_day,
    last_due,
    of_year,
    period_of,
    preceding,
)

DAYS = st.dates(date(2019, 1, 1), date(2035, 12, 31))
KIND = st.sampled_from(KINDS)


def due(kind: str, day: date) -> str:
    """The cut-off of the period of a day, and how it was moved."""
    period = period_of(kind, day)
    return f"{period.key} {period.cutoff_at:%m-%d %H:%M} {period.moved}"


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 11, 27), "2026-W48 11-27 17:30 none"),  # the Friday itself
        (date(2026, 11, 28), "2026-W49 12-04 17:30 none"),  # the Saturday after belongs to the next
        (date(2026, 10, 2), "2026-W40 09-30 17:30 earlier"),  # National Day: Thursday and Friday are off
        (date(2026, 10, 10), "2026-W42 10-16 17:30 none"),  # a make-up Saturday moves nothing
        (date(2026, 10, 9), "2026-W41 10-09 17:30 none"),  # the week after, three working days
        (date(2026, 9, 25), "2026-W39 09-24 17:30 earlier"),  # Mid-Autumn on a Friday
        (date(2026, 2, 20), "2026-W08 02-24 17:30 later"),  # Spring Festival: the whole week, with its Monday, is off
        (date(2024, 10, 4), "2024-W40 09-30 17:30 earlier"),  # only the Monday was worked
        (date(2027, 1, 1), "2026-W53 12-31 17:30 earlier"),  # New Year's Day; the ISO week is of the year before
    ],
)
def test_weekly_reports_are_due_on_fridays(day: date, expected: str) -> None:
    assert due("weekly", day) == expected


@pytest.mark.parametrize(
    ("kind", "day", "expected"),
    [
        ("half_monthly", date(2026, 11, 1), "2026-11-H1 11-16 17:30 later"),  # the 15th is a Sunday
        ("half_monthly", date(2026, 11, 30), "2026-11-H2 11-30 17:30 none"),
        ("half_monthly", date(2028, 2, 16), "2028-02-H2 02-29 17:30 none"),  # a leap year's last day, a Tuesday
        ("monthly", date(2028, 2, 1), "2028-02 02-29 17:30 none"),
        ("monthly", date(2026, 2, 10), "2026-02 02-28 17:30 none"),  # a Saturday that is worked
        ("monthly", date(2026, 10, 31), "2026-10 11-02 17:30 later"),  # a Saturday that isn't
        ("monthly", date(2024, 9, 30), "2024-09 09-30 17:30 none"),
        ("monthly", date(2026, 12, 31), "2026-12 12-31 17:30 none"),
        ("monthly", date(2022, 12, 31), "2022-12 01-03 17:30 later"),  # into the next year, past its holiday
    ],
)
def test_other_reports_are_due_when_their_period_ends(kind: str, day: date, expected: str) -> None:
    assert due(kind, day) == expected


@settings(max_examples=60, deadline=None)
@given(kind=KIND, day=DAYS)
def test_every_day_is_in_one_period_and_periods_follow_each_other(kind: str, day: date) -> None:
    period = period_of(kind, day)
    assert day in period
    assert following(period).start - period.end == timedelta(days=1)
    assert preceding(following(period)) == period
    assert by_key(kind, period.key) == period
    assert preceding(period).cutoff_at <= period.cutoff_at
    assert is_working_day(period.cutoff_at.date())
    assert period.cutoff_at.time() == time(17, 30)
    assert abs((period.cutoff_at.date() - period.end).days) < 12


@settings(max_examples=60, deadline=None)
@given(kind=KIND, year=st.integers(2019, 2035))
def test_the_periods_of_years_tile_them(kind: str, year: int) -> None:
    both = [*of_year(kind, year), *of_year(kind, year + 1)]
    days = [period.start + timedelta(days=n) for period in both for n in range((period.end - period.start).days + 1)]
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]
    assert {one.end.year for one in both} == {year, year + 1}
    assert len({one.key for one in both}) == len(both)
    assert list(from_to(kind, both[0].end, both[-1].start)) == both


@settings(max_examples=60, deadline=None)
@given(kind=KIND, day=DAYS, hour=st.integers(0, 23))
def test_the_last_due_is_the_newest_whose_cutoff_is_over(kind: str, day: date, hour: int) -> None:
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    period = last_due(kind, moment)
    assert period.cutoff_at <= moment < following(period).cutoff_at or following(period).cutoff_at == period.cutoff_at


@pytest.mark.parametrize(
    "key", ["2026-W54", "2026-W00", "2025-W53", "2026-13", "2026-W4", "x", "2026-02-H3", "２０２６-W10"]
)
def test_what_is_no_key_is_none(key: str) -> None:
    assert [by_key(kind, key) for kind in KINDS] == [None, None, None]


def test_an_announcement_that_has_not_come_is_known_to_be_missing() -> None:
    assert is_announced(2026)
    assert not is_announced(2090)


def test_a_server_in_utc_knows_the_day_in_shanghai() -> None:
    """At 23:30 UTC on a Friday it is Saturday in Shanghai, and the next week has begun, whatever the machine's zone."""
    code = (
        "from datetime import datetime, timezone; from toilet_api.reporting.reports.periods import last_due;"
        "print(last_due('weekly', datetime(2026, 11, 27, 9, 29, tzinfo=timezone.utc)).key,"
        "last_due('weekly', datetime(2026, 11, 27, 9, 30, tzinfo=timezone.utc)).key)"
    )
    shown = {
        zone: subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "TZ": zone}, check=True, capture_output=True, text=True
        ).stdout.split()
        for zone in ("UTC", "America/New_York")
    }
    assert shown == {"UTC": ["2026-W47", "2026-W48"], "America/New_York": ["2026-W47", "2026-W48"]}
    late = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)
    assert period_of("weekly", late.astimezone(at("2026-11-27T00:00").tzinfo).date()).key == "2026-W49"
    assert {one.cutoff_at.utcoffset() for one in of_year("weekly", 2026)} == {timedelta(hours=8)}
