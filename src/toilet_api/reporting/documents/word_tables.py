"""Ruled tables in a word processor, with caption, unit and note."""

from typing import Any

from toilet_api.reporting.documents import official
from toilet_api.reporting.documents.content import Table
from toilet_api.reporting.documents.official import FANG, HEI
from toilet_api.reporting.documents.word_parts import cell, paragraph, row, table_of

_TOGETHER = 3
"""So many rows are not parted from a table's heading, nor its last row from its total."""


def captioned(table: Table) -> list[Any]:
    """What stands above a table."""
    made = [paragraph(table.title, HEI, 12, align="center", line=20, before=8, keep=True)]
    if table.unit:
        made.append(paragraph(table.unit, FANG, 10.5, align="right", line=16, keep=True))
    return made


def note_below(table: Table) -> list[Any]:
    """What stands below it."""
    text = f"注：{table.note}" if table.note else ""
    return [paragraph(text, FANG, 10.5, align="left", line=16, after=6)]


def ruled_table(table: Table, width_mm: float, size: float, air: float) -> Any:
    """The table itself. `air`: points between a line of text and the rules above and below it."""
    widths = [share * width_mm for share in official.widths(table)]
    made = table_of(widths, ruled=True)
    line = size + 3.5
    depth, cells = official.heading(table.columns)
    for level in range(depth):
        shown = []
        taken = {one.column: one for one in cells if one.row <= level < one.row + one.rows}
        for column, one in sorted(taken.items()):
            text = one.title if one.row == level else ""
            merge = "" if one.rows == 1 else "restart" if one.row == level else "continue"
            wide = sum(widths[column : column + one.columns])
            shown.append(
                cell(
                    paragraph(text, HEI, size, align="center", line=line, keep=True),
                    wide,
                    columns=one.columns,
                    merge=merge,
                )
            )
        made.append(row(shown, is_heading=True, height=line + air))
    for number, one_row in enumerate((*table.rows, *((table.total,) if table.total else ()))):
        is_total = number == len(table.rows)
        keep = number < _TOGETHER or number == len(table.rows) - 1
        made.append(
            row(
                [
                    cell(
                        paragraph(official.shown(one), FANG, size, align="center", line=line, bold=is_total, keep=keep),
                        width,
                    )
                    for one, width in zip(one_row, widths, strict=True)
                ],
                height=line + air,
            )
        )
    return made
