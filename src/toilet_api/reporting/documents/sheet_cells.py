"""What the sheets of a workbook share: formats, names, cells. Whatever people entered is written as text.

Nothing of it is ever taken for a formula.
"""

import re
from datetime import date, datetime, time
from typing import Any

import xlsxwriter

from toilet_api.reporting.documents import official
from toilet_api.reporting.documents.content import Cell
from toilet_api.reporting.documents.official import FANG, SONG
from toilet_api.reporting.documents.wording import Share

PAPER = {"A3": 8, "A4": 9}
_NAME_MAX = 31


class Formats:
    """Formats by their members, each made once."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Any] = {}

    def __call__(self, face: official.Face = FANG, size: float = 11, **members: Any) -> Any:
        members = {"font_name": face.name, "font_size": size, "valign": "vcenter", **members}
        key = tuple(sorted(members.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format(members)
        return self._made[key]

    def ruled(self, **members: Any) -> Any:
        return self(SONG, 10.5, border=1, text_wrap=True, align="center", **members)


def sheet_name(name: str, taken: set[str]) -> str:
    """A name that Excel takes: 31 characters, none of []:*?/\\, each once."""
    wanted = re.sub(r"[\[\]:*?/\\\x00-\x1f]", "", name).strip("'")[:_NAME_MAX] or "表"
    made, number = wanted, 2
    while made.casefold() in taken:
        made, number = f"{wanted[: _NAME_MAX - 4]}（{number}）", number + 1
    taken.add(made.casefold())
    return made


def breadth(text: str) -> float:
    """How wide a text is, in full-width characters; letters and digits are taken a little wider than they are."""
    return sum(1.0 if ord(letter) > 0x2E80 or letter in "“”‘’—…" else 0.56 for letter in text)


def write_cell(sheet: Any, row: int, column: int, value: Cell, formats: Formats, *, bold: bool) -> None:
    """A ruled cell of a table: counts and shares as numbers, days as dates, everything else as text."""
    looks = {"bold": True} if bold else {}
    if value is None or value == "":
        sheet.write_blank(row, column, None, formats.ruled(**looks))
    elif isinstance(value, Share):
        if value.value is None:
            sheet.write_string(row, column, str(value), formats.ruled(**looks))
        else:
            form = formats.ruled(num_format=f"0.{'0' * value.decimals}%", **looks)
            sheet.write_number(row, column, float(value.value), form)
    elif isinstance(value, int):
        sheet.write_number(row, column, value, formats.ruled(num_format="0", **looks))
    elif isinstance(value, date):
        form = formats.ruled(num_format='yyyy"年"m"月"d"日"', **looks)
        sheet.write_datetime(row, column, datetime.combine(value, time()), form)
    else:
        sheet.write_string(row, column, value, formats.ruled(num_format="@", **looks))


def across(sheet: Any, row: int, first: int, last: int, text: str, form: Any) -> None:
    """A text over several columns. Written as a text: a merged range would take `=1+1` for a formula."""
    if last > first:
        sheet.merge_range(row, first, row, last, "", form)
    if last >= first:
        sheet.write_string(row, first, text, form)
