"""A file of any format as a new workbook with its marks: each row at its number, text as text, nothing evaluated."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from math import isfinite
from pathlib import Path
from typing import Any

import xlsxwriter

from toilet_api.exchange.imports.marks import AUTHOR, TEXT_FIELDS, Mark, RowMarks, column_index, merged
from toilet_api.exchange.imports.schemas import MappedSheet
from toilet_api.exchange.imports.xlsx_styles import CORRECTED_RGB, WRONG_RGB
from toilet_api.exchange.ledgers.sheets import Cell, Ledger, NumberedRow, Sheet, as_text

ROWS_MAX = 1_048_576
"""Of a sheet. What is longer goes on in a further sheet, below the same header."""
_TEXT_MAX = 32_767
_WHOLE_MAX = 10**15
"""A larger whole number would lose its last digits in a spreadsheet; it is written as text."""
_WIDTHS_OF = 200
_TOO_LONG = "（原文超过单元格的长度，以原文件为准。）"
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NAME_MAX = 31
_FORMATS = {date: "yyyy-mm-dd", datetime: "yyyy-mm-dd hh:mm:ss", time: "hh:mm:ss", timedelta: "[h]:mm:ss"}


def rebuild(
    ledger: Ledger, described: Iterable[MappedSheet], marks: Mapping[str | None, Iterable[RowMarks]], target: Path
) -> None:
    """Write the sheets of `ledger`, hidden and unread ones too, with their marks to `target`."""
    options = {
        "constant_memory": True,
        "strings_to_numbers": False,
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }
    known = {one.sheet: one for one in described}
    with xlsxwriter.Workbook(str(target), options) as workbook:
        formats = _Formats(workbook)
        taken: set[str] = set()
        for sheet in ledger.sheets:
            writer = _SheetWriter(workbook, formats, sheet, known.get(sheet.name or None), taken)
            writer.write(merged(iter(marks.get(sheet.name or None, ()))))
        if all(sheet.hidden for sheet in ledger.sheets):
            return
        first = next(index for index, sheet in enumerate(ledger.sheets) if not sheet.hidden)
        workbook.worksheets()[first].activate()


class _Formats:
    """Each combination of fill and number format once."""

    def __init__(self, workbook: Any) -> None:
        self._workbook = workbook
        self._made: dict[tuple[str | None, str | None], Any] = {}

    def of(self, fill: str | None, number: str | None) -> Any:
        if fill is None and number is None:
            return None
        if (fill, number) not in self._made:
            properties: dict[str, Any] = {} if fill is None else {"bg_color": f"#{fill[2:]}"}
            if number is not None:
                properties["num_format"] = number
            self._made[fill, number] = self._workbook.add_format(properties)
        return self._made[fill, number]


class _SheetWriter:
    def __init__(
        self, workbook: Any, formats: _Formats, sheet: Sheet, described: MappedSheet | None, taken: set[str]
    ) -> None:
        self._workbook, self._formats, self._sheet, self._taken = workbook, formats, sheet, taken
        self._header_rows = described.header_row if described is not None else 0
        self._texts = (
            {column_index(one.letter) for one in described.columns if one.column in TEXT_FIELDS}
            if described is not None
            else set()
        )
        self._header: list[NumberedRow] = []
        self._table: Any = None
        self._part = -1

    def write(self, marks: Iterator[RowMarks]) -> None:
        waiting = next(marks, None)
        self._begin(0)
        for number, cells in self._sheet.rows:
            while waiting is not None and waiting[0] < number:
                self._row(waiting[0], [], waiting[1])
                waiting = next(marks, None)
            own: list[Mark] = []
            if waiting is not None and waiting[0] == number:
                own, waiting = waiting[1], next(marks, None)
            if number <= self._header_rows:
                self._header.append((number, cells))
            self._row(number, cells, own)
        while waiting is not None:
            self._row(waiting[0], [], waiting[1])
            waiting = next(marks, None)
        if self._part == 0:
            # merge_range would write the lower rows of a range before their turn comes.
            self._table.merge += [
                [first_row - 1, first_column, last_row - 1, last_column]
                for first_row, first_column, last_row, last_column in self._sheet.merges
            ]

    def _begin(self, part: int) -> None:
        self._part = part
        self._table = self._workbook.add_worksheet(self._name(part))
        if self._sheet.hidden:
            self._table.hide()
        for column, width in enumerate(_widths(self._sheet)):
            self._table.set_column(
                column, column, width, self._formats.of(None, "@") if column in self._texts else None
            )
        if part:
            for number, cells in self._header:
                self._cells(number - 1, cells, [])

    def _row(self, number: int, cells: list[Cell], marks: list[Mark]) -> None:
        part, place = 0, number - 1
        if number > ROWS_MAX:
            below = ROWS_MAX - self._header_rows
            part, place = divmod(number - 1 - ROWS_MAX, below)
            part, place = part + 1, place + self._header_rows
        if part != self._part:
            self._begin(part)
        self._cells(place, cells, marks)

    def _cells(self, row: int, cells: list[Cell], marks: list[Mark]) -> None:
        marked = {mark.column: mark for mark in marks}
        for column in range(max(len(cells), max(marked, default=-1) + 1)):
            cell = cells[column] if column < len(cells) else None
            mark = marked.get(column)
            if cell is None and mark is None:
                continue
            fill = None if mark is None else WRONG_RGB if mark.wrong else CORRECTED_RGB
            is_text = column in self._texts or (mark is not None and mark.as_text)
            note = mark.note if mark is not None else None
            if isinstance(cell, str) and len(cell) > _TEXT_MAX:
                note = "\n".join(filter(None, (note, _TOO_LONG)))
            self._cell(row, column, cell, fill, "@" if is_text else None)
            if note:
                size = {"author": AUTHOR, "width": 240, "height": 40 + 18 * (note.count("\n") + len(note) // 18)}
                self._table.write_comment(row, column, _CONTROL.sub("", note), size)

    def _cell(self, row: int, column: int, cell: Cell, fill: str | None, number: str | None) -> None:
        table = self._table
        if isinstance(cell, bool):
            table.write_boolean(row, column, cell, self._formats.of(fill, number))
        elif isinstance(cell, int | float) and isfinite(cell) and (isinstance(cell, float) or abs(cell) < _WHOLE_MAX):
            table.write_number(row, column, cell, self._formats.of(fill, number))
        elif isinstance(cell, date | time | timedelta) and _is_of_excel(cell):
            table.write_datetime(row, column, cell, self._formats.of(fill, _FORMATS[type(cell)]))
        elif cell is None:
            table.write_blank(row, column, None, self._formats.of(fill, number))
        else:
            text = _CONTROL.sub("", as_text(cell))[:_TEXT_MAX]
            table.write_string(row, column, text, self._formats.of(fill, number))

    def _name(self, part: int) -> str:
        wanted = _FORBIDDEN.sub("_", self._sheet.name).strip("'") or "台账"
        tried, count = wanted[:_NAME_MAX], max(part, 1)
        while tried.lower() in self._taken or tried.lower() == "history":
            count += 1
            ending = f"({count})"
            tried = wanted[: _NAME_MAX - len(ending)] + ending
        self._taken.add(tried.lower())
        return tried


def _is_of_excel(cell: date | time | timedelta) -> bool:
    """Whether a spreadsheet can count the moment: from 1900 on, without a zone."""
    if isinstance(cell, datetime) and cell.tzinfo is not None:
        return False
    return not isinstance(cell, date) or cell.year >= 1900


def _widths(sheet: Sheet) -> list[float]:
    """Wide enough for what stands in the first rows; Chinese characters take twice the room."""
    widths: list[float] = []
    for _, cells in sheet.head(_WIDTHS_OF):
        filled = [cell for cell in cells if cell is not None]
        if len(filled) == 1 and len(cells) > 1:
            continue  # a title reaches over the columns beside it
        widths += [8.0] * (len(cells) - len(widths))
        for column, cell in enumerate(cells):
            text = as_text(cell)
            room = max((sum(2 if ord(one) > 0x2E80 else 1 for one in line) for line in text.split("\n")), default=0)
            widths[column] = min(40.0, max(widths[column], room + 2))
    return widths
