"""A file from bytes to judged rows: format, sheets, headers, rows, and the count of what is no household."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from toilet_api.exchange.ledgers import file_format, json_lines, limits, text_table, workbook
from toilet_api.exchange.ledgers.facts import find_facts
from toilet_api.exchange.ledgers.header_search import Column, find_header, require
from toilet_api.exchange.ledgers.headings import FIELDS, normalise
from toilet_api.exchange.ledgers.problems import BAD_MAPPING, HEADER_NOT_FOUND, HIDDEN_LEDGER
from toilet_api.exchange.ledgers.row_kinds import RowKinds, is_signed_or_summed
from toilet_api.exchange.ledgers.rows import PlannedSheet, Row, RowReader
from toilet_api.exchange.ledgers.sheets import Cell, Ledger, Sheet, as_text, is_blank
from toilet_api.exchange.ledgers.villages import Places
from toilet_api.kernel.errors import FieldError

Mapped = Mapping[str, str | None]
_ADDRESSES_ASKED = 200
_BLOCK_CELLS = 3
"""So many cells at most has a line that names the village of what follows."""
_ID = re.compile(r"^\d{17}[\dXx]$")


@dataclass(slots=True)
class Plan:
    """What of a file will be read: its sheets with their headers, and the sheets that are none of a ledger."""

    ledger: Ledger
    sheets: list[PlannedSheet]
    skipped: list[dict[str, Any]]
    ignored: Counter[str] = field(default_factory=Counter)
    ignored_rows: list[dict[str, Any]] = field(default_factory=list)

    def skip(self, sheet: Sheet) -> None:
        """Leave a sheet out, in sight."""
        self.skipped.append({"sheet": sheet.name, "rows": len(sheet.rows), "hidden": sheet.hidden})
        self.ignored["other_sheet"] += len(sheet.rows)

    def list_ignored(self, sheet: Sheet, number: int, kind: str) -> None:
        """Note a row that is no household, among the first ones of the file."""
        if len(self.ignored_rows) < limits.IGNORED_ROWS_LISTED:
            self.ignored_rows.append({"sheet": sheet.name or None, "row": number, "rule": kind})

    def describe(self) -> list[dict[str, Any]]:
        """The mapping as a person checks it: sheet, header row, each column with its heading and how it was matched."""
        return [
            {
                "sheet": one.sheet.name or None,
                "header_row": one.header.last_row,
                "header_first_row": one.header.first_row,
                "village_code": one.village,
                "columns": [
                    {
                        "letter": column.letter,
                        "heading": column.heading,
                        "column": column.field,
                        "matched_by": column.how,
                        "unit": column.unit,
                    }
                    for column in one.header.columns
                ],
            }
            for one in self.sheets
        ]


def check_mapping(mapping: Mapped) -> None:
    """Raises `import_bad_mapping` for a field that doesn't exist."""
    wrong = [(heading, name) for heading, name in mapping.items() if name is not None and name not in FIELDS]
    if wrong:
        raise BAD_MAPPING.problem(
            errors=[
                FieldError(
                    f"/mapping/{heading}", "unknown_column", ("没有这个字段", "no such field"), name, list(FIELDS)
                )
                for heading, name in wrong
            ]
        )


def open_ledger(path: Path, max_rows: int) -> Ledger:
    """Read the file, whatever it is. Raises the problem of a file that can't be read."""
    kind = file_format.detect(path)
    if kind == "csv":
        return text_table.read(path, max_rows)
    if kind == "ndjson":
        return json_lines.read(path, max_rows)
    return workbook.read(path, kind, max_rows)


def plan(ledger: Ledger, mapping: Mapped, places: Places, synonyms: Mapped | None = None) -> Plan:
    """Find the headers. Each sheet that looks like a ledger is read, or the file is refused; none is lost silently."""
    made = Plan(ledger, [], [])
    for sheet in ledger.sheets:
        header = find_header(sheet, mapping, synonyms)
        if header is None and not sheet.hidden and _lists_persons(sheet):
            raise _no_header(sheet)
        if header is None or not ({"name", "id"} & header.fields):
            made.skip(sheet)
            continue
        if sheet.hidden:
            raise HIDDEN_LEDGER.problem(sheet=sheet.name, rows=len(sheet.rows))
        planned = PlannedSheet(sheet, header, find_facts(sheet, header))
        _find_village(planned, places)
        made.sheets.append(planned)
    if not made.sheets:
        raise _no_header(ledger.sheets[0])
    _leave_out_lists(made)
    for one in made.sheets:
        require(
            one.header, one.sheet.name, has_village=bool(places.only or one.village or one.blocks or one.by_address)
        )
    _check_used(made, mapping)
    return made


def _find_village(planned: PlannedSheet, places: Places) -> None:
    """Where no column names the village: the sheet's name, its titles, lines between the households, the addresses."""
    sheet, header = planned.sheet, planned.header
    if planned.facts.names_villages:
        return
    addresses: list[str] = []
    for number, cells in sheet.rows:
        if number <= header.last_row:
            continue
        filled = [as_text(cell) for cell in cells if not is_blank(cell)]
        if len(filled) <= _BLOCK_CELLS and not _personal(cells) and not is_signed_or_summed(filled):
            stated = places.written_in("".join(filled))
            if stated is not None:
                planned.blocks[number] = stated
        if len(addresses) < _ADDRESSES_ASKED:
            addresses += [as_text(cell) for cell in _cells_of(cells, header.of("address"))]
    if places.only is None:
        planned.village = places.stated(sheet.name, planned.titles)
        if planned.village is None and not planned.blocks:
            asked = addresses[:_ADDRESSES_ASKED]
            planned.by_address = sum(1 for text in asked if places.written_in(text)) * 2 > len(asked)


def _leave_out_lists(made: Plan) -> None:
    """Lists of officials or phones beside a ledger: without modes and ID numbers they are none."""
    ledgers = [one for one in made.sheets if {"name", "mode"} <= one.header.fields]
    if not ledgers:
        return
    for one in [one for one in made.sheets if not {"mode", "id"} & one.header.fields]:
        made.sheets.remove(one)
        made.skip(one.sheet)


def _cells_of(cells: list[Cell], columns: list[Column]) -> list[Cell]:
    return [cells[column.index] for column in columns if column.index < len(cells)]


def _lists_persons(sheet: Sheet) -> bool:
    """Whether ID numbers stand in a sheet: it then isn't passed over for want of a header."""
    return any(_ID.match(as_text(cell).strip()) for _, cells in sheet.head(200) for cell in cells)


def _check_used(made: Plan, mapping: Mapped) -> None:
    """Raises `import_bad_mapping` for a heading of the mapping that no sheet has."""
    columns = [column for one in made.sheets for column in one.header.columns]
    used = {column.letter + ":" for column in columns}
    used |= {normalise(column.heading) for column in columns}
    used |= {normalise(column.heading.rsplit("/", 1)[-1]) for column in columns}
    unused = [heading for heading in mapping if normalise(heading) not in used and heading.upper() not in used]
    if unused:
        raise BAD_MAPPING.problem(
            (f"文件里没有这些列：{'、'.join(unused)}。", f"The file has no such columns: {', '.join(unused)}."),
            errors=[
                FieldError(f"/mapping/{one}", "no_such_heading", ("文件中没有此列", "not in the file"))
                for one in unused
            ],
        )


def judged_rows(made: Plan, places: Places, today: date) -> Iterator[Row]:
    """The rows that are households, taken or not. Counts the others in `made.ignored` as it goes."""
    for planned in made.sheets:
        sheet, header = planned.sheet, planned.header
        kinds = RowKinds(header, planned.titles)
        separated = made.ledger.format == "csv"
        reader = RowReader(planned, places, today, separated=separated)
        made.ignored["blank"] += sheet.blanks
        for number, cells in sheet.rows:
            if number <= header.last_row:
                kind: str | None = "title" if number < header.first_row else "header"
            elif number in sheet.valueless_formulas and any(
                column.field and column.index in sheet.valueless_formulas[number] for column in header.columns
            ):
                kind = kinds.ignored_as(cells)
                kind = kind if kind in ("total", "signature") else None
            else:
                kind = kinds.ignored_as(cells)
            if number in planned.blocks:
                reader.village, kind = planned.blocks[number], kind or "title"
            if kind == "total":
                reader.carrying.end_block()
            if kind is None:
                yield reader.read(number, cells)
            else:
                made.ignored[kind] += 1
                if kind not in ("blank", "header") and (kind != "title" or number > header.last_row):
                    made.list_ignored(sheet, number, kind)


def count_rows(made: Plan) -> int:
    """Rows below the headers: what progress is measured against."""
    return sum(one.facts.rows for one in made.sheets)


def _no_header(sheet: Sheet) -> Exception:
    """Show what stands in the first rows, headings only: nothing there is a person's."""
    first = sheet.head(1)
    return HEADER_NOT_FOUND.problem(
        (
            "前 40 行里没有认出至少三个表头（如 村、户主姓名、身份证号码、改厕方式）。",
            "Among the first 40 rows none has at least three known headings (as 村, 户主姓名, 身份证号码, 改厕方式).",
        ),
        sheet=sheet.name or None,
        first_row=[as_text(cell)[:30] for cell in first[0][1][:20]] if first and not _personal(first[0][1]) else [],
    )


def _personal(cells: list[Any]) -> bool:
    return any(sum(character.isdigit() for character in as_text(cell)) >= 7 for cell in cells)
