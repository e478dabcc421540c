"""The year in which a toilet was built, as clerks write it."""

import re
from contextlib import suppress
from datetime import date, datetime, timedelta
from math import isfinite

from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.sheets import Cell
from toilet_api.exchange.ledgers.text_rules import clean, says_nothing
from toilet_api.registry.rules import year_fault

YearMonth = tuple[int | None, int | None]

_DIGITS = {"〇": "0", "○": "0", "零": "0", "O": "0", "o": "0", "Ο": "0", "◯": "0"} | {
    character: str(index) for index, character in enumerate("一二三四五六七八九", 1)
}
_CHINESE = re.compile(
    r"^([一二三四五六七八九〇○零OoΟ◯\d]{4}|[一二三四五六七八九〇○零OoΟ◯]{2}(?=年))年?(?:(.{1,3})月)?(份|底|初|度)?$"
)
_MONTHS = {"十": 10, "十一": 11, "十二": 12} | {
    character: index for index, character in enumerate("一二三四五六七八九", 1)
}
_REST = (
    r"(?:度|份|内|初|底|末|中|中旬|上旬|下旬|年底|年初|年末|底前|末前|以内|底以前|底之前|"
    r"上半年|下半年|全年|春季?|夏季?|秋季?|冬季?|第?[一二三四1-4]季度|新建|改建|新改建|建|建成|改|改造|完工|竣工|已?完成|实施|第?[一二三四五六1-6]批(?:次)?)*"
)
_YEAR = re.compile(rf"^(\d{{4}}|\d{{2}})(?:\.0+)?(年)?{_REST}$")
_YEAR_MONTH = re.compile(rf"^(\d{{4}}|\d{{2}}(?=年)|(?:1[3-9]|[2-9]\d)(?=[./\-]))[年./\-](\d{{1,2}})(?:月份?)?{_REST}$")
_DATE = re.compile(
    r"^(\d{4}|\d{2}(?=年))[年./\-](\d{1,2})[月./\-](\d{1,2})日?(?:前|以前|之前|完工|竣工|建成)?"
    r"(?:[T ]?\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$"
)
_MONTHS_OF_ONE_YEAR = re.compile(
    r"^(\d{4})年(\d{1,2})月?(?:\d{1,2}日)?[-—~～至到](?:\1年)?(\d{1,2})月(?:\d{1,2}日)?(?:份|底|前)?$"
)
_YEAR_LAST = re.compile(r"^(\d{1,2})/(\d{1,2})/(\d{4})$")
_AROUND = re.compile(r"^['’‘]|^(?:建于|改于|完成于)|[(（][^\d()（）]*[)）]|[,，.。;；、]$")
_COMPACT = re.compile(r"^(\d{4})(0[1-9]|1[0-2])(\d{2})?$")
_SERIAL = re.compile(r"^\d{5}(?:\.\d+)?$")
_FIRST_SERIAL, _LAST_SERIAL = 32_874, 73_050  # 1990 to 2099: a wrong number of five digits is no date of 1955
_EPOCH = date(1899, 12, 30)


def read_year(findings: Findings, place: Place, cell: Cell, today: date) -> YearMonth:
    """Year and month; (None, None) for a blank cell, or with a fault.

    `2024年底前` is 2024: the plan's deadlines are written so. `去年` depends on when it was written and is refused, as
    are two years at once, days that don't exist, and years that `registry.rules.year_fault` refuses.
    """
    if isinstance(cell, str) or cell is None:
        text = clean(findings, place, cell) if not _is_moment(cell) else str(cell).strip()
        # A blank between two digits stands for something: 2024 5 is not 20245.
        text = re.sub(r"(?<!\d) +| +(?!\d)", "", text) if not _is_moment(cell) else text
    else:
        text = str(cell)
    if not text:
        return None, None
    if says_nothing(text):
        findings.correct(place, "year_none", text, "")
        return None, None
    rule, year, month = _recognise(cell, text)
    if year is None or year_fault(year, today) is not None or (month is not None and (year, month) > (today.year, 12)):
        first, last = year_fault(0, today) or (today.year - 100, today.year)
        findings.reject(
            place,
            "bad_year",
            text,
            (
                f"一个 {first} 至 {last} 之间的年份，如 2024、2024年、2024年6月",
                f"one year from {first} to {last}, as 2024 or 2024-06",
            ),
        )
        return None, None
    if rule is not None:
        findings.correct(place, rule, text, f"{year}-{month:02}" if month is not None else str(year))
    return year, month


def _is_moment(cell: Cell) -> bool:
    return isinstance(cell, str) and re.match(r"^\s*\d{4}-\d{2}-\d{2}[T ]\d{2}:", cell) is not None


def _recognise(cell: Cell, text: str) -> tuple[str | None, int | None, int | None]:
    """The rule that applied (None for a plain year), year and month."""
    if isinstance(cell, datetime | date):
        return "year_date", cell.year, cell.month
    if isinstance(cell, bool):
        return None, None, None
    if isinstance(cell, int | float):
        return _of_number(cell)
    return _of_text(text)


def _of_number(number: float) -> tuple[str | None, int | None, int | None]:
    if not isfinite(number):
        return None, None, None
    if number == int(number):
        whole = int(number)
        if _FIRST_SERIAL <= whole <= _LAST_SERIAL:
            return _of_serial(whole)
        if 10 <= whole <= 99:
            return "year_two_digits", _century(whole), None
        if (match := _COMPACT.match(str(whole))) is not None:
            return _of_date("year_text", match[1], match[2], match[3])
        return None, whole, None
    if _FIRST_SERIAL <= number <= _LAST_SERIAL:
        return _of_serial(int(number))
    year, _, month = repr(number).partition(".")
    rule = "year_text"
    if len(year) == 2 and int(year) >= 13:
        rule, year = "year_two_digits", str(_century(int(year)))
    if len(year) != 4 or len(month) > 2:
        return None, None, None
    if month == "1":
        # Excel writes 2024.10 as 2024.1: January or October.
        return "year_month_unclear", int(year), None
    return (rule, int(year), int(month)) if 1 <= int(month) <= 12 else (None, None, None)


def _of_serial(days: int) -> tuple[str | None, int | None, int | None]:
    day = _EPOCH + timedelta(days=days)
    return "year_serial", day.year, day.month


def _of_text(given: str) -> tuple[str | None, int | None, int | None]:
    text = _AROUND.sub("", given)
    rule, year, month = _of_plain_text(text)
    return ("year_text" if rule is None and text != given else rule), year, month


def _of_plain_text(text: str) -> tuple[str | None, int | None, int | None]:
    if (match := _YEAR.match(text)) is not None:
        if len(match[1]) == 2:
            return "year_two_digits", _century(int(match[1])), None
        return (None if text == match[1] else "year_text"), int(match[1]), None
    for pattern in (_YEAR_MONTH, _DATE, _COMPACT):
        if (match := pattern.match(text)) is not None:
            return _of_date("year_text", match[1], match[2], match[3] if match.re.groups > 2 else None)
    if (match := _MONTHS_OF_ONE_YEAR.match(text)) is not None:
        both = all(1 <= int(month) <= 12 for month in match.groups()[1:])
        return ("year_month_unclear", int(match[1]), None) if both else (None, None, None)
    if (match := _CHINESE.match(text)) is not None:
        month = _MONTHS.get(match[2]) if match[2] else None
        digits = "".join(_DIGITS.get(character, character) for character in match[1])
        if (match[2] and month is None) or not digits.isdigit():
            return None, None, None
        return "year_chinese", _century(int(digits)) if len(digits) == 2 else int(digits), month
    if (match := _YEAR_LAST.match(text)) is not None:
        return _of_year_last(int(match[1]), int(match[2]), int(match[3]))
    if _SERIAL.match(text) and _FIRST_SERIAL <= float(text) <= _LAST_SERIAL:
        return _of_serial(int(float(text)))
    return None, None, None


def _of_year_last(first: int, second: int, year: int) -> tuple[str | None, int | None, int | None]:
    """5/31/2024 or 31/5/2024; where both orders make a date, only the year is sure."""
    months = set()
    for month, day in ((first, second), (second, first)):
        with suppress(ValueError):
            months.add(date(year, month, day).month)
    if not months:
        return None, None, None
    return ("year_date", year, months.pop()) if len(months) == 1 else ("year_month_unclear", year, None)


def _of_date(rule: str, year: str, month: str, day: str | None) -> tuple[str | None, int | None, int | None]:
    whole = _century(int(year)) if len(year) == 2 else int(year)
    try:
        date(whole, int(month), int(day) if day else 1)
    except ValueError:
        return None, None, None
    return ("year_two_digits" if len(year) == 2 else rule), whole, int(month)


def _century(two_digits: int) -> int:
    """24 is 2024, 98 is 1998: toilets were rebuilt from the 1950s on."""
    return two_digits + (2000 if two_digits < 50 else 1900)
