"""What a cell means that a clerk left empty because it stands above: merged cells, ditto marks, blocks of a village.

Only places and what describes the works are carried. Personal data never is.
"""

from bisect import bisect_right
from collections import defaultdict

from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.header_search import Column, Header
from toilet_api.exchange.ledgers.sheets import Cell, Sheet, as_text, is_blank

PLACES = ("province", "city", "county", "township", "village", "village_code")
_DITTO = frozenset({"同上", "〃", "″", "同前", "上同", '"', "''", "”", "〞"})
_BY_MERGE = frozenset({*PLACES, "group", "mode", "year", "led_by", "dwelling_state", "subsidy"})
_BY_DITTO = _BY_MERGE
_EACH_HOUSEHOLD = (
    "每户一个金额：合并单元格分不清是每户的还是合计的",
    "an amount for each household: a merged cell may mean each, or all",
)


class Carrying:
    """Fills the cells of one sheet from above. Rows must come in the sheet's order."""

    def __init__(self, sheet: Sheet, header: Header) -> None:
        self._cells = dict(sheet.rows)
        self._above: dict[int, Cell] = {}
        # By column, ordered: a merged range may cover a million rows, so that none is written out.
        self._ranges: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for first_row, first_column, last_row, last_column in sorted(sheet.merges):
            if first_row > header.last_row and first_column == last_column and last_row > first_row:
                self._ranges[first_column].append((first_row, last_row))
        self._blocks = {
            column.index for name in PLACES for column in header.of(name) if _is_in_blocks(sheet, header, column)
        }

    def value(self, findings: Findings, place: Place, column: Column, row: int, cell: Cell) -> Cell:
        """The cell, or what it stands for; a correction says by which rule."""
        name, index = column.field or "", column.index
        rule, value = None, cell
        if is_blank(cell):
            top = self._top(index, row) if name in _BY_MERGE else None
            if top is not None:
                rule, value = "merged_cell", self._at(top, index)
            elif index in self._blocks:
                rule, value = "filled_down", self._above.get(index)
        elif isinstance(cell, str) and cell.strip() in _DITTO and name in _BY_DITTO:
            rule, value = "ditto", self._above.get(index)
        if rule is None or is_blank(value):
            value = cell
        elif rule == "merged_cell" and name == "subsidy":
            findings.reject(place, "bad_money", as_text(value), _EACH_HOUSEHOLD)
            return cell
        else:
            findings.correct(place, rule, as_text(cell), as_text(value))
        if not is_blank(value):
            self._above[index] = value
        return value

    def end_block(self) -> None:
        """After a subtotal nothing is filled down any more until the next name."""
        self._above = {index: cell for index, cell in self._above.items() if index not in self._blocks}

    def _top(self, column: int, row: int) -> int | None:
        """The first row of the merged range that covers the cell from above."""
        ranges = self._ranges.get(column, [])
        found = bisect_right(ranges, (row, 0)) - 1
        return ranges[found][0] if found >= 0 and ranges[found][0] < row <= ranges[found][1] else None

    def _at(self, row: int, column: int) -> Cell:
        cells = self._cells.get(row, [])
        return cells[column] if column < len(cells) else None


def _is_in_blocks(sheet: Sheet, header: Header, column: Column) -> bool:
    """Whether a column of places names each once, at the head of its block, as a saved CSV leaves merged cells.

    A column that repeats its names has no blocks: an empty cell in it is an omission, and isn't guessed.
    """
    persons = {one.index for name in ("name", "id") for one in header.of(name)}
    named: set[str] = set()
    blank = 0
    for number, cells in sheet.rows:
        if number <= header.last_row or not any(index < len(cells) and not is_blank(cells[index]) for index in persons):
            continue
        cell = cells[column.index] if column.index < len(cells) else None
        if is_blank(cell):
            blank += 1
        elif as_text(cell).strip() in named:
            return False
        else:
            named.add(as_text(cell).strip())
    return bool(named) and blank >= max(2, len(named))
