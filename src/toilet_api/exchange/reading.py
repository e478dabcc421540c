"""A file from bytes to judged rows: format, sheets, headers, rows, and the count of what is no household."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from toilet_api.exchange import file_format, text_table, workbook
from toilet_api.exchange.header_search import Header, find_header, require
from toilet_api.exchange.headings import FIELDS, normalise
from toilet_api.exchange.problems import BAD_MAPPING, HEADER_NOT_FOUND, HIDDEN_LEDGER
from toilet_api.exchange.row_kinds import RowKinds
from toilet_api.exchange.rows import Row, RowReader
from toilet_api.exchange.sheets import Ledger, Sheet, as_text
from toilet_api.exchange.villages import Places
from toilet_api.kernel.errors import FieldError

Mapped = Mapping[str, str | None]


@dataclass(slots=True)
class PlannedSheet:
    """A sheet that will be read. `village` is the one that its name or title states, where it has no column of them."""

    sheet: Sheet
    header: Header
    village: str | None = None

    @property
    def titles(self) -> list[str]:
        """What stands above the header."""
        rows = (cells for number, cells in self.sheet.rows if number < self.header.first_row)
        return [as_text(cell) for cells in rows for cell in cells if cell]


@dataclass(slots=True)
class Plan:
    """What of a file will be read: its sheets with their headers, and the sheets that are none of a ledger."""

    ledger: Ledger
    sheets: list[PlannedSheet]
    skipped: list[dict[str, Any]]
    ignored: Counter[str] = field(default_factory=Counter)
    ignored_rows: list[dict[str, Any]] = field(default_factory=list)

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
        return text_table.read(path.read_bytes(), max_rows)
    return workbook.read(path, kind, max_rows)


def plan(ledger: Ledger, mapping: Mapped, places: Places) -> Plan:
    """Find the headers. Each sheet that looks like a ledger is read, or the file is refused; none is lost silently."""
    made = Plan(ledger, [], [])
    for sheet in ledger.sheets:
        header = find_header(sheet, mapping) if sheet.rows else None
        if header is None or not ({"name", "id"} & header.fields):
            made.skipped.append({"sheet": sheet.name, "rows": len(sheet.rows), "hidden": sheet.hidden})
            made.ignored["other_sheet"] += len(sheet.rows)
            continue
        if sheet.hidden:
            raise HIDDEN_LEDGER.problem(sheet=sheet.name, rows=len(sheet.rows))
        planned = PlannedSheet(sheet, header)
        if places.only is None and not header.fields & {"village", "village_code"}:
            planned.village = places.stated(sheet.name, planned.titles)
        require(header, sheet.name, has_village=bool(places.only or planned.village))
        made.sheets.append(planned)
    if not made.sheets:
        raise _no_header(ledger)
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
    return made


def judged_rows(made: Plan, places: Places, today: date) -> Iterator[Row]:
    """The rows that are households, taken or not. Counts the others in `made.ignored` as it goes."""
    for planned in made.sheets:
        sheet, header = planned.sheet, planned.header
        kinds = RowKinds(header, planned.titles)
        separated = made.ledger.format == "csv"
        reader = RowReader(sheet, header, places, today, separated=separated, village=planned.village)
        made.ignored["blank"] += sheet.blank_rows
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
            if kind is None:
                yield reader.read(number, cells)
            else:
                made.ignored[kind] += 1
                if kind not in ("blank", "title", "header"):
                    made.ignored_rows.append({"sheet": sheet.name or None, "row": number, "rule": kind})


def count_rows(made: Plan) -> int:
    """Rows below the headers: what progress is measured against."""
    return sum(1 for one in made.sheets for number, _ in one.sheet.rows if number > one.header.last_row)


def _no_header(ledger: Ledger) -> Exception:
    """Show what stands in the first rows, headings only: nothing there is a person's."""
    first = ledger.sheets[0].rows[:1]
    return HEADER_NOT_FOUND.problem(
        (
            "前 40 行里没有认出至少三个表头（如 村、户主姓名、身份证号码、改厕方式）。",
            "Among the first 40 rows none has at least three known headings (as 村, 户主姓名, 身份证号码, 改厕方式).",
        ),
        sheets=[sheet.name for sheet in ledger.sheets if sheet.name],
        first_row=[as_text(cell)[:30] for cell in first[0][1][:20]] if first and not _personal(first[0][1]) else [],
    )


def _personal(cells: list[Any]) -> bool:
    return any(sum(character.isdigit() for character in as_text(cell)) >= 7 for cell in cells)
