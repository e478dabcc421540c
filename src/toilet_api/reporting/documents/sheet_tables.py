"""Tables on sheets of their own, as official tables look: title, unit, heading, ruled rows, total, lines to sign on."""

from collections.abc import Sequence
from math import ceil
from typing import Any

from toilet_api.reporting.documents import official
from toilet_api.reporting.documents.content import Cell, Document, Table
from toilet_api.reporting.documents.official import FANG, SONG_TITLE
from toilet_api.reporting.documents.sheet_cells import PAPER, Formats, across, breadth, write_cell

_PAGE_WIDTH = 118
"""What A4 lying holds at full size, in units of columns; a narrow table is widened to it."""


def write_table(sheet: Any, formats: Formats, document: Document, table: Table, paper: str) -> None:
    """Title, unit, heading, rows, total, note, lines to sign on."""
    last = len(table.columns) - 1
    depth, cells = official.heading(table.columns)
    sheet.set_paper(PAPER[paper])
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.6, right=0.6, top=0.8, bottom=0.7)
    sheet.center_horizontally()
    sheet.set_footer('&C&"宋体"第 &P 页，共 &N 页')
    scale = max(1.0, _PAGE_WIDTH / sum(_width(table, place, one.width) for place, one in enumerate(table.columns)))
    for place, column in enumerate(table.columns):
        sheet.set_column(place, place, scale * _width(table, place, column.width))
    across(sheet, 0, 0, last, table.title, formats(SONG_TITLE, 20, align="center"))
    sheet.set_row(0, 36)
    middle = max(0, last * 2 // 3)
    unit = f"填报单位：{'、'.join(document.head.issuers)}"
    across(sheet, 1, 0, middle, unit, formats(FANG, 11, align="left", text_wrap=True))
    across(sheet, 1, middle + 1, last, table.unit, formats(FANG, 11, align="right"))
    sheet.set_row(1, 21)
    heading = formats.ruled(bold=True)
    for one in cells:
        if one.rows > 1 or one.columns > 1:
            sheet.merge_range(
                one.row + 2, one.column, one.row + one.rows + 1, one.column + one.columns - 1, "", heading
            )
        sheet.write_string(one.row + 2, one.column, one.title, heading)
    for level in range(depth):
        sheet.set_row(level + 2, 24 if depth > 1 and level == 0 else 32)
    sheet.repeat_rows(0, depth + 1)
    sheet.freeze_panes(depth + 2, 2 if last > 1 else 0)
    line = depth + 2
    for number, row in enumerate((*table.rows, *((table.total,) if table.total else ()))):
        for place, one in enumerate(row):
            write_cell(sheet, line, place, one, formats, bold=number == len(table.rows))
        sheet.set_row(line, 20 * _lines(table, row))
        line += 1
    if table.note:
        width = sum(_width(table, at, column.width) for at, column in enumerate(table.columns)) / 2
        note = f"注：{table.note}"
        sheet.set_row(line, 16 * ceil(breadth(note) / (width * scale)))
        across(sheet, line, 0, last, note, formats(FANG, 10, text_wrap=True, align="left"))
        line += 1
    line = _sign(sheet, line + 1, last, formats)
    sheet.print_area(0, 0, line, last)


def _width(table: Table, place: int, wanted: float) -> float:
    """As wide as the widest number needs, and at least as the column asks for; in Excel's units, half a character."""
    rows = (*table.rows, *((table.total,) if table.total else ()))
    figures = [official.shown(row[place]) for row in rows if official.is_figure(row[place])]
    return max(wanted * 2 + 1.5, *(len(one) * 1.1 + 2 for one in figures), 0) if figures else wanted * 2 + 1.5


def _lines(table: Table, row: Sequence[Cell]) -> int:
    """How many lines the longest text of a row takes."""
    return max(
        ceil(len(official.shown(one)) / column.width) if isinstance(one, str) and len(one) > column.width else 1
        for one, column in zip(row, table.columns, strict=True)
    )


def _sign(sheet: Any, row: int, last: int, formats: Formats) -> int:
    width = (last + 1) / len(official.SIGNATURES)
    for index, line in enumerate(official.SIGNATURES):
        first, end = round(index * width), round((index + 1) * width) - 1
        across(sheet, row, first, end, line, formats(FANG, 11, align="left"))
    sheet.set_row(row, 26)
    return row
