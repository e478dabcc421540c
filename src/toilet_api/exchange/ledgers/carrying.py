"""What a cell means that a clerk left empty because it stands above: merged cells, ditto marks, blocks of a village.

Only places and what describes the works are carried. Personal data never is.
"""

from bisect import bisect_left

from toilet_api.exchange.ledgers.facts import PLACES, Merged, SheetFacts
from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.sheets import Cell, as_text, is_blank

CARRIED = frozenset({*PLACES, "group", "mode", "year", "led_by", "dwelling_state", "subsidy"})
_DITTO = frozenset({"同上", "〃", "″", "同前", "上同", '"', "''", "”", "〞"})
_EACH_HOUSEHOLD = (
    "每户一个金额：合并单元格分不清是每户的还是合计的",
    "an amount for each household: a merged cell may mean each, or all",
)


class Carrying:
    """Fills the cells of one sheet from above. Rows must come in the sheet's order."""

    def __init__(self, facts: SheetFacts) -> None:
        self._merged = facts.merged
        self._blocks = facts.in_blocks
        self._above: dict[int, Cell] = {}

    def value(self, findings: Findings, place: Place, index: int, row: int, cell: Cell) -> Cell:
        """The cell of a carried field, or what it stands for; a correction says by which rule."""
        if cell is not None and (not isinstance(cell, str) or (cell and cell not in _DITTO and not cell.isspace())):
            self._above[index] = cell
            return cell
        rule: str | None = None
        value: Cell = cell
        if is_blank(cell):
            merged = self._covering(index, row)
            if merged is not None:
                rule, value = "merged_cell", merged.value
            elif index in self._blocks:
                rule, value = "filled_down", self._above.get(index)
        elif isinstance(cell, str) and cell.strip() in _DITTO:
            rule, value = "ditto", self._above.get(index)
        if rule is None or is_blank(value):
            value = cell
        elif rule == "merged_cell" and place.column == "subsidy":
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

    def _covering(self, column: int, row: int) -> Merged | None:
        """The merged range that covers the cell from above."""
        ranges = self._merged.get(column)
        if not ranges:
            return None
        found = bisect_left(ranges, row, key=lambda merged: merged.first) - 1
        return ranges[found] if found >= 0 and row <= ranges[found].last else None
