"""Reads single cells: ids, days and moments, codes by their labels, lists. What can't be taken is the row's fault."""

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from typing import Any
from uuid import UUID

from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.headings import normalise
from toilet_api.exchange.ledgers.sheets import INVISIBLE, Cell, as_text
from toilet_api.exchange.ledgers.text_rules import NO, YES, half_width, says_nothing
from toilet_api.kernel.codes import CodeList
from toilet_api.kernel.fields import SHANGHAI

_WRITTEN = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})[日号]?"
    r"(?:[ T]*(\d{1,2})[:时点](\d{1,2})分?(?::?(\d{1,2})(?:\.(\d{1,6}))?\d*秒?)?)?\s*(Z|[+-]\d{2}:?\d{2})?"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}.*)?")
_EPOCH = date(1899, 12, 30)
_SERIALS = range(20_000, 90_000)
"""Days of Excel's calendar that may be meant: 1954 to 2146."""
SEPARATORS = re.compile(r"[、；;，,\n|]+")
_NOT_SEEN = {ord(character): None for character in INVISIBLE if not character.isspace() and character != "\u3000"}

_SYNONYMS: dict[str, dict[str, str]] = {
    "visit_presence": {
        "是": "at_home", "在": "at_home", "有人": "at_home", "已入户": "at_home", "入户": "at_home",
        "否": "away", "不在": "away", "无人": "away", "外出": "away", "未入户": "away", "外出务工": "away",
    },
    "visit_method": {
        "询问": "ask_and_look", "入户询问": "ask_and_look", "询问查看": "ask_and_look", "询问和查看": "ask_and_look",
        "查看": "look", "现场查看": "look", "看": "look", "试用": "use", "使用": "use", "现场使用": "use",
    },
    "usability": {
        "正常使用": "usable_all_year", "可用": "usable_all_year", "能用": "usable_all_year", "正常": "usable_all_year",
        "季节性使用": "part_of_year", "部分时间可用": "part_of_year", "不能全年用": "part_of_year",
        "不可用": "not_usable", "不能用": "not_usable", "无法使用": "not_usable", "拆除": "demolished",
    },
    "user_state": {"启用": "active", "在用": "active", "锁定": "locked", "删除": "removed"},
}  # fmt: skip
"""What clerks write in place of a label, by code list."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as precise as it was written: `day`, `minute`, `second` or `full`. A day begins at Shanghai's midnight."""

    at: datetime
    precision: str

    def __str__(self) -> str:
        if self.precision == "day":
            return self.at.date().isoformat()
        return self.at.replace(tzinfo=None).isoformat(sep=" ", timespec="auto")

    def agrees(self, stored: datetime) -> bool:
        """Whether `stored` says the same, as far as this one is precise."""
        local = stored.astimezone(SHANGHAI)
        if self.precision == "day":
            return local.date() == self.at.date()
        if self.precision == "minute":
            return local.replace(second=0, microsecond=0) == self.at
        if self.precision == "second":
            return local.replace(microsecond=0) == self.at
        return local == self.at


def text_of(findings: Findings, place: Place, cell: Cell) -> str:
    """A text with its line breaks, without outer blanks and what has no width, and without a spreadsheet's guard."""
    raw = as_text(cell)
    text = canonical(raw)
    if text != raw.replace("\r\n", "\n").strip():
        findings.correct(place, "invisible", raw, text)
    if len(text) > 1 and text[0] == "'" and text[1] in "=+-@\t\r":
        findings.correct(place, "formula_guard", text, text[1:])
        text = text[1:]
    return text


def canonical(text: str) -> str:
    """The form in which texts are compared: a spreadsheet may change line breaks and outer blanks."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_NOT_SEEN).strip().strip(INVISIBLE)


def read_id(findings: Findings, place: Place, cell: Cell) -> UUID | None:
    """An id of the system. Raises nothing: another number is a fault that says what the column is for."""
    text = half_width(text_of(findings, place, cell)).strip("'{}").strip()
    if not text or says_nothing(text):
        return None
    try:
        return UUID(text)
    except ValueError:
        expected = (
            "系统编号（UUID），导出文件中即有；自编的序号请放在“序号”列",
            "an id of the system (UUID), as exports have it; serial numbers of your own go to the column 序号",
        )
        findings.reject(place, "bad_id", text, expected)
        return None


def read_ids(findings: Findings, place: Place, cell: Cell) -> list[UUID] | None:
    """Several ids. None for a blank cell; “无” is an empty list."""
    parts = read_list(findings, place, cell)
    if parts is None:
        return None
    found = [read_id(findings, place, part) for part in parts]
    return [one for one in found if one is not None]


def read_list(findings: Findings, place: Place, cell: Cell) -> list[str] | None:
    """The members of a list: separated by 、 ； ， or line breaks, or a JSON array. None for blank; [] for “无”."""
    text = text_of(findings, place, cell)
    if not text:
        return None
    if says_nothing(text):
        return []
    if text.startswith("[") and text.endswith("]"):
        try:
            members = json.loads(text)
        except (ValueError, RecursionError):
            members = None
        if isinstance(members, list) and all(isinstance(one, str) for one in members):
            return [one.strip() for one in members if one.strip()]
    return [part.strip() for part in SEPARATORS.split(text) if part.strip()]


def read_day(findings: Findings, place: Place, cell: Cell) -> date | None:
    """A calendar day."""
    found = read_moment(findings, place, cell)
    return None if found is None else found.at.date()


def read_moment(findings: Findings, place: Place, cell: Cell) -> Moment | None:
    """A day or time. Without an offset it is Shanghai's; other ways to write it are corrected in sight."""
    if isinstance(cell, datetime):
        return _from_datetime(cell)
    if isinstance(cell, date):
        return Moment(datetime.combine(cell, time(), SHANGHAI), "day")
    if isinstance(cell, int | float) and not isinstance(cell, bool) and int(cell) in _SERIALS:
        found = _from_datetime(datetime.combine(_EPOCH, time()) + timedelta(seconds=round(float(cell) * 86_400)))
        findings.correct(place, "date_serial", as_text(cell), str(found))
        return found
    text = half_width(text_of(findings, place, cell))
    if not text or says_nothing(text):
        return None
    written = _parsed(text)
    if written is None:
        expected = ("日期，如 2026-06-30 或 2026-06-30 09:30", "a date as 2026-06-30, or 2026-06-30 09:30")
        findings.reject(place, "bad_date", text, expected)
    elif not _ISO.fullmatch(text):
        findings.correct(place, "date_text", text, str(written))
    return written


def _from_datetime(cell: datetime) -> Moment:
    at = cell.replace(tzinfo=SHANGHAI) if cell.tzinfo is None else cell.astimezone(SHANGHAI)
    # A spreadsheet keeps a moment as a fraction of a day, which is true to some microseconds.
    if cell.tzinfo is None:
        at = (at + timedelta(microseconds=500_000)).replace(microsecond=0)
        return Moment(at, "day" if at.time() == time() else "second")
    return Moment(at, "full")


def _parsed(text: str) -> Moment | None:
    match = _WRITTEN.fullmatch(text) or _COMPACT.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = (*match.groups(), *[None] * 8)[:8]
    zone: Any = SHANGHAI
    if offset is not None:
        digits = offset.replace(":", "").replace("Z", "+0000")
        zone = timezone((1 if digits[0] == "+" else -1) * timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5])))
    try:
        at = datetime(
            *(int(year or 0), int(month or 0), int(day or 0)),
            *(int(hour or 0), int(minute or 0), int(second or 0), int((fraction or "").ljust(6, "0"))),
            tzinfo=zone,
        ).astimezone(SHANGHAI)
    except (ValueError, OverflowError):
        return None
    precision = "day" if hour is None else "minute" if second is None else "full" if fraction else "second"
    return Moment(at, precision)


@cache
def _labels(codes: CodeList) -> dict[str, str]:
    found = {normalise(entry.code): entry.code for entry in codes.codes}
    return found | {normalise(entry.zh): entry.code for entry in codes.codes}


def read_code(findings: Findings, place: Place, cell: Cell, codes: CodeList) -> str | None:
    """The code that a label, a code, or a clerk's word for it means."""
    text = text_of(findings, place, cell)
    if not text or (says_nothing(text) and normalise(text) not in _SYNONYMS.get(codes.name, {})):
        return None
    found = _labels(codes).get(normalise(text))
    if found is not None:
        return found
    found = _SYNONYMS.get(codes.name, {}).get(normalise(text))
    if found is not None:
        findings.correct(place, "code_synonym", text, codes.label(found))
        return found
    labels = "、".join(entry.zh for entry in codes.codes if not entry.retired)
    names = ", ".join(entry.code for entry in codes.codes if not entry.retired)
    findings.reject(place, "bad_code", text, (f"{labels}之一", f"one of {names}"))
    return None


def read_codes(findings: Findings, place: Place, cell: Cell, codes: CodeList) -> list[str] | None:
    """Several codes by label. None for a blank cell."""
    parts = read_list(findings, place, cell)
    if parts is None:
        return None
    found = [read_code(findings, place, part, codes) for part in parts]
    return [one for one in found if one is not None]


def read_yes(findings: Findings, place: Place, cell: Cell) -> bool | None:
    """Yes or no; ticks count."""
    if isinstance(cell, bool):
        return cell
    text = half_width(text_of(findings, place, cell)).lower()
    if not text:
        return None
    if text in YES or text == "true":
        return True
    if text in NO or text == "false" or says_nothing(text):
        return False
    findings.reject(place, "bad_yes_no", text, ("是 或 否", "yes or no"))
    return None


def read_number(findings: Findings, place: Place, cell: Cell) -> int | None:
    """A whole number."""
    text = half_width(text_of(findings, place, cell))
    if not text or says_nothing(text):
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        findings.reject(place, "bad_number", text, ("整数", "a whole number"))
        return None
    return int(text)
