"""What the marked workbook shows at which cell: wrong ones, corrected ones, and the first cell of a rejected row.

The marks of an import are spooled sheet by sheet in the order of rows, so that neither they nor the file that they are
put into need to be in memory.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.imports.schemas import Import
from toilet_api.exchange.imports.tables import ImportRow
from toilet_api.exchange.ledgers.catalogue import CORRECTIONS
from toilet_api.exchange.ledgers.spool import Spool

AUTHOR = "户厕导入报告"
COMMENTS_MAX = 20_000
"""Notes in a workbook; a spreadsheet program gets slow beyond. Further cells are coloured only, and a note says so."""
TEXT_FIELDS = frozenset({"id", "id_number", "phone", "village_code", "division_code", "code"})
"""What a spreadsheet would turn into a rounded number if it were typed into a cell without text format."""
_CELL = re.compile(r"([A-Z]{1,3})(\d+)")
_AND_MORE = "（问题较多，其余单元格只标颜色，说明见导入报告 report.csv。）"


class Mark(NamedTuple):
    """One cell to be coloured: red if `wrong`, else yellow. `note` None: without a comment. `as_text`: keep it text."""

    column: int
    wrong: bool
    as_text: bool
    note: str | None


RowMarks = tuple[int, list[Mark]]
"""A row's number in the file, from 1, and its marks from left to right."""


def gather(session: Session, caller: Caller, job: Import) -> dict[str | None, Spool]:
    """The marks of each sheet that has any. `job` was found within the caller's scope."""
    places = {one.sheet: _Columns(one) for one in job.sheets}
    budget = _Budget(sum(job.counts.reasons.values()) + job.counts.rejected)
    statement = (
        select(
            col(ImportRow.sheet), col(ImportRow.row_number), col(ImportRow.outcome),
            col(ImportRow.errors), col(ImportRow.corrections),
        )
        .where(col(ImportRow.job_id) == job.id)
        .where((func.jsonb_array_length(ImportRow.errors) + func.jsonb_array_length(ImportRow.corrections)) > 0)
        .order_by(col(ImportRow.sheet).nulls_first(), col(ImportRow.row_number), col(ImportRow.position))
    )  # fmt: skip
    spools: dict[str | None, Spool] = {}
    # By a cursor of the server: the whole report of a large file isn't held here.
    rows = session.connection().execute(
        caller.scope.narrow(statement, col(ImportRow.division_code)), execution_options={"yield_per": 1_000}
    )
    for part in rows.partitions():
        batches: dict[str | None, list[RowMarks]] = {}
        for sheet, number, outcome, errors, corrections in part:
            columns = places.get(sheet) or _Columns(None)
            marks = _row_marks(columns, number, outcome, errors, corrections, budget)
            batches.setdefault(sheet, []).append((number, marks))
        for sheet, batch in batches.items():
            spools.setdefault(sheet, Spool()).add(batch)
    return spools


def merged(rows: Iterator[RowMarks]) -> Iterator[RowMarks]:
    """Rows of one number together: two records of one row have their marks at the same cells."""
    held: RowMarks | None = None
    for number, marks in rows:
        if held is not None and held[0] == number:
            held = (number, _by_column([*held[1], *marks]))
            continue
        if held is not None:
            yield held
        held = (number, marks)
    if held is not None:
        yield held


class _Columns:
    """Where the fields of a sheet stand, for findings that name no cell."""

    def __init__(self, described: Any) -> None:
        columns = [] if described is None else described.columns
        indexes = [(column_index(one.letter), one.column) for one in columns]
        self.first = min((index for index, _ in indexes), default=0)
        self._by_field: dict[str, int] = {}
        for index, name in indexes:
            if name is not None:
                self._by_field.setdefault(name, index)

    def of(self, number: int, finding: dict[str, Any]) -> int:
        match = _CELL.fullmatch(finding.get("cell") or "")
        if match is not None and int(match[2]) == number:
            return column_index(match[1])
        return self._by_field.get(finding.get("column") or "", self.first)


class _Budget:
    """How many notes may still be written: what is wrong comes before what was corrected."""

    def __init__(self, wrong: int) -> None:
        self._left = {True: COMMENTS_MAX, False: max(0, COMMENTS_MAX - wrong)}

    def take(self, wrong: bool, note: str) -> str | None:
        left = self._left[wrong]
        self._left[wrong] -= 1
        if left == 1:
            return f"{note}\n{_AND_MORE}"
        return note if left > 0 else None


def _row_marks(
    columns: _Columns,
    number: int,
    outcome: str,
    errors: list[dict[str, Any]],
    corrections: list[dict[str, Any]],
    budget: _Budget,
) -> list[Mark]:
    found: list[Mark] = []
    if outcome == "rejected":
        why = "；".join(dict.fromkeys(f"{one.get('heading') or ''}{one['message']}" for one in errors))
        found.append(Mark(columns.first, True, False, budget.take(True, f"本行未导入：{why}")))
    for one in errors:
        note = budget.take(True, _says_wrong(one))
        found.append(Mark(columns.of(number, one), True, one.get("column") in TEXT_FIELDS, note))
    for one in corrections:
        note = budget.take(False, _says_corrected(one))
        found.append(Mark(columns.of(number, one), False, False, note))
    return _by_column(found)


def _says_wrong(finding: dict[str, Any]) -> str:
    said = "：".join(filter(None, ["错误", finding["message"], finding.get("detail")]))
    expected = finding.get("expected")
    return said + (f"\n应为：{expected}" if expected else "")


def _says_corrected(finding: dict[str, Any]) -> str:
    after = finding.get("to")
    return f"已更正：{CORRECTIONS.label(finding['rule'])}" + (f"\n按“{after}”读取" if after else "")


def _by_column(found: list[Mark]) -> list[Mark]:
    """One mark a cell: red wins, the notes stand below each other."""
    cells: dict[int, Mark] = {}
    for mark in found:
        there = cells.get(mark.column)
        if there is not None:
            notes = [note for note in (there.note, mark.note) if note]
            mark = Mark(
                mark.column,
                there.wrong or mark.wrong,
                there.as_text or mark.as_text,
                "\n".join(dict.fromkeys(notes)) or None,
            )
        cells[mark.column] = mark
    return [cells[column] for column in sorted(cells)]


def column_index(letters: str) -> int:
    """A -> 0, Z -> 25, AA -> 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
