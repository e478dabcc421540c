"""How an official table looks on paper: title, unit and time, heading, ruled rows, a total, lines to sign on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter

A3, A4 = 8, 9
"""Paper sizes as Excel numbers them."""
SIGNATURES = ("填表人：", "审核人：", "负责人（签章）：", "填表日期：    年  月  日")
_TITLE_FONT, _TEXT_FONT = "方正小标宋简体", "宋体"
_HEADING_ROW = 2


class Styles:
    """The formats of one workbook."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        ruled = {"font_name": _TEXT_FONT, "font_size": 10, "border": 1, "text_wrap": True, "valign": "vcenter"}
        plain = {"font_name": "仿宋", "font_size": 11, "valign": "vcenter"}
        self.title = book.add_format(
            {"font_name": _TITLE_FONT, "font_size": 20, "align": "center", "valign": "vcenter"}
        )
        self.left = book.add_format({**plain, "align": "left"})
        self.right = book.add_format({**plain, "align": "right"})
        self.heading = book.add_format({**ruled, "bold": True, "align": "center"})
        self.text = book.add_format({**ruled, "num_format": "@"})
        self.centred = book.add_format({**ruled, "num_format": "@", "align": "center"})
        self.number = book.add_format({**ruled, "num_format": "General", "align": "center"})
        self.total = book.add_format({**ruled, "bold": True, "align": "center"})


@dataclass(frozen=True, slots=True)
class Heading:
    """A printed column."""

    zh: str
    width: float
    is_number: bool = False
    is_short: bool = False
    """Dates, codes, yes and no: in the middle of the cell."""


class Sheet:
    """One table, written from top to bottom: rows can't be gone back to."""

    def __init__(
        self,
        book: xlsxwriter.Workbook,
        styles: Styles,
        name: str,
        headings: Sequence[Heading],
        *,
        title: str,
        unit: str,
        period: str,
        paper: int,
    ) -> None:
        self._sheet = book.add_worksheet(name)
        self._styles, self._headings = styles, headings
        self._row = _HEADING_ROW + 1
        self._last = len(headings) - 1
        self.rows = 0
        self._prepare(paper)
        middle = self._last // 2
        self._sheet.set_row(0, 36)
        self._sheet.merge_range(0, 0, 0, self._last, title, styles.title)
        self._sheet.set_row(1, 21)
        self._merged(1, 0, middle, f"填报单位：{unit}", styles.left)
        self._merged(1, middle + 1, self._last, period, styles.right)
        self._sheet.set_row(_HEADING_ROW, 33)
        for index, heading in enumerate(headings):
            self._sheet.set_column(index, index, heading.width)
            self._sheet.write_string(_HEADING_ROW, index, heading.zh, styles.heading)

    def _prepare(self, paper: int) -> None:
        sheet = self._sheet
        sheet.set_paper(paper)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.6)
        sheet.center_horizontally()
        sheet.repeat_rows(_HEADING_ROW)
        sheet.freeze_panes(_HEADING_ROW + 1, 0)
        sheet.set_footer('&C&"宋体"第 &P 页，共 &N 页')

    def add(self, cells: Sequence[Any]) -> None:
        """A ruled row. None is an empty cell."""
        styles = self._styles
        for index, (heading, cell) in enumerate(zip(self._headings, cells, strict=True)):
            if cell is None or cell == "":
                self._sheet.write_blank(self._row, index, None, styles.text)
            elif heading.is_number:
                self._sheet.write_number(self._row, index, float(cell), styles.number)
            else:
                self._sheet.write_string(self._row, index, cell, styles.centred if heading.is_short else styles.text)
        self._row += 1
        self.rows += 1

    def finish(self, total: Sequence[Any], signatures: Sequence[str] = SIGNATURES) -> None:
        """The total, and the lines to sign on."""
        for index, cell in enumerate(total):
            if cell is None:
                self._sheet.write_blank(self._row, index, None, self._styles.total)
            elif isinstance(cell, int):
                self._sheet.write_number(self._row, index, cell, self._styles.total)
            else:
                self._sheet.write_string(self._row, index, cell, self._styles.total)
        self._row += 2
        self._sheet.set_row(self._row, 24)
        width = (self._last + 1) / len(signatures)
        for index, line in enumerate(signatures):
            first, last = round(index * width), round((index + 1) * width) - 1
            self._merged(self._row, first, last, line, self._styles.left)

    def _merged(self, row: int, first: int, last: int, text: str, form: Any) -> None:
        if last > first:
            self._sheet.merge_range(row, first, row, last, text, form)
        elif last == first:
            self._sheet.write_string(row, first, text, form)
