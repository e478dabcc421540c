"""Which sheets and rows of a file hold records, and which not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from toilet_api.exchange.ledgers import limits
from toilet_api.exchange.ledgers.header_search import Header
from toilet_api.exchange.ledgers.headings import normalise
from toilet_api.exchange.ledgers.problems import (
    BAD_MAPPING,
    COLUMN_MISSING,
    HEADER_NOT_FOUND,
    HIDDEN_LEDGER,
)
from toilet_api.exchange.ledgers.row_kinds import RowKinds
from toilet_api.exchange.ledgers.sheets import Cell, Ledger, Sheet, as_text, is_blank
from toilet_api.exchange.records.columns import fields_of
from toilet_api.exchange.records.header import Words, find_header, heading_key
from toilet_api.kernel.errors import FieldError

NEEDED: dict[str, tuple[frozenset[str], ...]] = {
    "visits": (
        frozenset({"household_id", "id_number", "name", "id"}),
        frozenset({"visited_at", "id"}),
        frozenset({"method", "id"}),
        frozenset({"presence", "id"}),
    ),
    "problems": (frozenset({"division_code", "village", "township", "id"}), frozenset({"problem_type", "id"})),
    "close_outs": (frozenset({"problem_id"}),),
    "users": (
        frozenset({"username", "id"}),
        frozenset({"display_name"}),
        frozenset({"roles", "id"}),
        frozenset({"grant_divisions", "id"}),
    ),
    "divisions": (frozenset({"code", "parent_code"}), frozenset({"name"})),
}
"""Of each set a file must have a column, and a row that fills them all is a record, whatever else it looks like."""


@dataclass(slots=True)
class PlannedSheet:
    """A sheet that will be read, with its header."""

    sheet: Sheet
    header: Header

    @property
    def titles(self) -> list[str]:
        """What stands above the header."""
        above = (cells for number, cells in self.sheet.rows if number < self.header.first_row)
        return [as_text(cell) for cells in above for cell in cells if cell]


@dataclass(slots=True)
class Plan:
    """What of a file will be read, and what not."""

    kind: str
    ledger: Ledger
    sheets: list[PlannedSheet]
    skipped: list[dict[str, Any]] = field(default_factory=list)
    ignored: dict[str, int] = field(default_factory=dict)
    ignored_rows: list[dict[str, Any]] = field(default_factory=list)

    def ignore(self, rule: str, count: int = 1) -> None:
        """Count rows that are no records."""
        self.ignored[rule] = self.ignored.get(rule, 0) + count

    def described(self) -> dict[str, Any]:
        """What the job shows of its file before any row is read."""
        return {
            "file_format": self.ledger.format,
            "encoding": self.ledger.encoding,
            "delimiter": self.ledger.delimiter,
            "skipped_sheets": self.skipped,
            "sheets": [
                {
                    "sheet": one.sheet.name or None,
                    "header_row": one.header.last_row,
                    "header_first_row": one.header.first_row,
                    "village_code": None,
                    "columns": [
                        {
                            "letter": column.letter,
                            "heading": column.heading,
                            "column": column.field,
                            "matched_by": column.how,
                            "unit": None,
                        }
                        for column in one.header.columns
                    ],
                }
                for one in self.sheets
            ],
        }

    def count_rows(self) -> int:
        """Rows below the headers."""
        return sum(1 for one in self.sheets for number, _ in one.sheet.rows if number > one.header.last_row)

    def records(self) -> Iterator[tuple[PlannedSheet, int, list[Cell]]]:
        """The rows that are records; the others are counted in `ignored`, and listed where they hold something."""
        for planned in self.sheets:
            header = planned.header
            kinds = RowKinds(header, planned.titles)
            self.ignore("blank", planned.sheet.blank_rows)
            for number, cells in planned.sheet.rows:
                if number <= header.last_row:
                    self.ignore("title" if number < header.first_row else "header")
                    continue
                rule = kinds.ignored_as(cells)
                if rule is None or (rule != "repeated_header" and self._is_record(header, cells)):
                    yield planned, number, cells
                    continue
                self.ignore(rule)
                if rule != "blank" and len(self.ignored_rows) < limits.IGNORED_ROWS_LISTED:
                    self.ignored_rows.append({"sheet": planned.sheet.name or None, "row": number, "rule": rule})

    def _is_record(self, header: Header, cells: list[Cell]) -> bool:
        """Whether each of the columns that a record needs is filled; a row that might be one is never passed over."""
        filled = {
            column.field
            for column in header.columns
            if column.field and column.index < len(cells) and not is_blank(cells[column.index])
        }
        return len(filled) > 1 and all(needed & filled for needed in NEEDED[self.kind])


def plan(ledger: Ledger, words: Words) -> Plan:
    """The sheets that hold records of the kind.

    Raises the problems of a file without a header, without a column that is needed, or with two for one field.
    """
    kind = words.kind
    made = Plan(kind, ledger, [])
    for sheet in ledger.sheets:
        header = find_header(sheet, words)
        if header is None:
            rows = sum(1 for _ in sheet.rows)
            made.skipped.append({"sheet": sheet.name, "rows": rows, "hidden": sheet.hidden})
            made.ignore("other_sheet", rows)
        elif sheet.hidden:
            raise HIDDEN_LEDGER.problem(sheet=sheet.name, rows=sum(1 for _ in sheet.rows))
        else:
            made.sheets.append(PlannedSheet(sheet, header))
    if not made.sheets:
        known = "、".join(zh for zh, _ in list(fields_of(kind).values())[:8])
        raise HEADER_NOT_FOUND.problem(
            (f"前 40 行里没有认出表头（如 {known}）。", "No known header among the first 40 rows."),
            expected=list(fields_of(kind)),
        )
    for one in made.sheets:
        _require(kind, one)
    _check_used(made, words.mapping)
    return made


def _require(kind: str, planned: PlannedSheet) -> None:
    have = planned.header.fields
    missing = [next(name for name in fields_of(kind) if name in needed) for needed in NEEDED[kind] if not needed & have]
    if missing:
        names = "、".join(f"{fields_of(kind)[name][0]}（{name}）" for name in missing)
        raise COLUMN_MISSING.problem(
            (
                f"第 {planned.header.last_row} 行表头缺少：{names}。",
                f"The header in row {planned.header.last_row} lacks: {', '.join(missing)}.",
            ),
            errors=[FieldError(f"/header/{name}", "missing", ("没有找到这一列", "no such column")) for name in missing],
            sheet=planned.sheet.name,
            header_row=planned.header.last_row,
            missing=missing,
            found=[
                {"letter": one.letter, "heading": one.heading, "column": one.field} for one in planned.header.columns
            ],
        )


def _check_used(made: Plan, mapping: Mapping[str, str | None]) -> None:
    """Raises `import_bad_mapping` for a heading of the mapping that no sheet has."""
    columns = [column for one in made.sheets for column in one.header.columns]
    used = {f"{column.letter}:" for column in columns} | {normalise(column.heading) for column in columns}
    unused = [heading for heading in mapping if heading_key(heading) not in used]
    if unused:
        told = ("文件中没有此列", "not in the file")
        raise BAD_MAPPING.problem(
            (f"文件里没有这些列：{'、'.join(unused)}。", f"The file has no such columns: {', '.join(unused)}."),
            errors=[FieldError(f"/mapping/{one}", "no_such_heading", told) for one in unused],
        )
