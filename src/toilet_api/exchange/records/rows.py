"""One row of a file of records: its cells read by their columns, and what was found in them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from toilet_api.exchange.ledgers.findings import Expected, Findings, Place, masked
from toilet_api.exchange.ledgers.header_search import Column
from toilet_api.exchange.ledgers.identity_rules import read_id as read_id_number
from toilet_api.exchange.ledgers.sheets import Cell, as_text, is_blank
from toilet_api.exchange.records import cells
from toilet_api.exchange.records.columns import Read, column_of
from toilet_api.exchange.records.planning import PlannedSheet
from toilet_api.exchange.records.problem_types import Catalogue

_MERGED = frozenset({"township", "village"})
"""Columns of which a merged cell counts for each of its rows: places, never anything of a record's own."""


@dataclass(slots=True)
class RecordRow:
    """A row as read. `values`: what its filled cells say, by field; blank cells say nothing and are absent."""

    sheet: str
    number: int
    findings: Findings
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    outcome: str = "rejected"
    record_id: UUID | None = None
    was_there: bool = False
    """Whether its record was in the register before."""
    household_id: UUID | None = None
    division_code: str | None = None
    name_masked: str | None = None
    changes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_taken(self) -> bool:
        return not self.findings.faults

    def place(self, name: str) -> Place:
        """The cell of a field; without one, the field."""
        return self.places.get(name) or Place(name)

    def reject(self, name: str, reason: str, expected: Expected, value: str = "", **more: Any) -> None:
        """A fault of a field, with one of the importer's own reasons."""
        self.findings.reject(self.place(name), reason, value, expected, **more)

    def refuse(self, name: str, reason: str, message: str, expected: Expected, value: str = "", **more: Any) -> None:
        """A fault that has a message of its own: of a room's function, or of what stands in the register."""
        place = self.place(name)
        self.findings.faults.append(
            {
                "column": name,
                "heading": place.heading,
                "cell": place.cell,
                "reason": reason,
                "message": message,
                "value": masked(name, value) or None,
                "expected": expected[0],
                "expected_en": expected[1],
                **more,
            }
        )

    def missing(self, name: str, expected: Expected) -> None:
        """A fault of a blank cell, unless something else was wrong with it."""
        if not self.findings.has_fault(name):
            self.reject(name, "missing", expected)


class RecordReader:
    """Reads the rows of one sheet."""

    def __init__(self, kind: str, planned: PlannedSheet, catalogue: Catalogue, today: date) -> None:
        self._kind, self._sheet, self._header = kind, planned.sheet, planned.header
        self._catalogue, self._today = catalogue, today
        self._above: dict[int, Cell] = {}
        self._columns = [column for column in planned.header.columns if column.field and column.field != "serial"]

    def read(self, number: int, given: list[Cell]) -> RecordRow:
        """The row. Every fault of its cells is found, not only the first."""
        row = RecordRow(self._sheet.name, number, Findings())
        without_value = self._sheet.valueless_formulas.get(number, ())
        ticked: list[tuple[Place, Cell, str]] = []
        for column in self._columns:
            name = column.field or ""
            place = Place(name, column.heading, column.letter, number)
            cell = given[column.index] if column.index < len(given) else None
            row.places[name] = place
            if column.index in without_value:
                expected = (
                    "数值：在 Excel 中打开并保存一次，或粘贴为数值",
                    "a value: open and save the file in Excel, or paste values",
                )
                row.findings.reject(place, "formula_without_value", "", expected)
            elif column.mode is not None:
                ticked.append((place, cell, column.mode))
            else:
                self._take(row, column, place, cell, number)
        if ticked:
            self._take_ticks(row, ticked)
        return row

    def _take(self, row: RecordRow, column: Column, place: Place, cell: Cell, number: int) -> None:
        name = place.column
        if name in _MERGED:
            cell = self._merged(row.findings, place, column.index, number, cell)
        value = self._read(row.findings, place, cell)
        if value is not None and value != "":
            row.values[name] = value

    def _merged(self, findings: Findings, place: Place, index: int, number: int, cell: Cell) -> Cell:
        if not is_blank(cell):
            self._above[index] = cell
            return cell
        covered = any(
            first < number <= last and left == index == right for first, left, last, right in self._sheet.merges
        )
        if not covered or index not in self._above:
            return cell
        findings.correct(place, "merged_cell", "", as_text(self._above[index]))
        return self._above[index]

    def _read(self, findings: Findings, place: Place, cell: Cell) -> Any:
        known = column_of(self._kind, place.column)
        if known.codes is not None:
            read = cells.read_codes if known.read == "codes" else cells.read_code
            return read(findings, place, cell, known.codes)
        if known.read == "id_number":
            return read_id_number(findings, place, cell, self._today, column_was_cut=False)
        if known.read == "findings":
            return self._catalogue.read_findings(findings, place, cell)
        if known.read == "type":
            text = cells.text_of(findings, place, cell)
            return self._catalogue.read(findings, place, text) if text else None
        return _READERS.get(known.read, cells.text_of)(findings, place, cell)

    def _take_ticks(self, row: RecordRow, ticked: list[tuple[Place, Cell, str]]) -> None:
        """A column for each problem type. No tick at all says nothing: “无” in a column of problems takes them away."""
        found: dict[str, str | None] = {}
        for place, cell, code in ticked:
            if cells.read_yes(row.findings, place, cell):
                found[code] = None
        if found:
            row.values["findings"] = found


_READERS: dict[Read, Callable[[Findings, Place, Cell], Any]] = {
    "id": cells.read_id,
    "ids": cells.read_ids,
    "moment": cells.read_moment,
    "day": cells.read_day,
    "yes": cells.read_yes,
    "number": cells.read_number,
}
