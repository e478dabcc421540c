"""What the readers give: sheets of rows with their physical row numbers, whatever the file's format."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import islice
from typing import Protocol

Cell = str | int | float | bool | date | datetime | time | timedelta | None

Merge = tuple[int, int, int, int]
"""First row, first column, last row, last column; rows count from 1, columns from 0, both ends included."""


NumberedRow = tuple[int, list[Cell]]
"""A row's number in the file, from 1, and its cells."""


class Rows(Protocol):
    """Rows that can be gone through again and again, without all of them in memory. A list of them is one, too."""

    def __iter__(self) -> Iterator[NumberedRow]: ...

    def __len__(self) -> int: ...


@dataclass(slots=True)
class Sheet:
    """One sheet. `rows` leaves blank rows out; each row knows its number in the file (from 1)."""

    name: str
    rows: Rows
    hidden: bool = False
    merges: list[Merge] = field(default_factory=list)
    valueless_formulas: dict[int, set[int]] = field(default_factory=dict)
    """Row number -> columns whose formula has no stored result."""
    blank_rows: int = 0
    """Blank rows up to the last row that holds something."""

    @property
    def blanks(self) -> int:
        """Blank rows between those that hold something; of rows that are read from the file, once they were."""
        return self.blank_rows + int(getattr(self.rows, "blank", 0))

    def head(self, count: int) -> list[NumberedRow]:
        """The first rows."""
        return list(islice(self.rows, count))


@dataclass(slots=True)
class Ledger:
    """A file as read. `encoding` and `delimiter` are of text only."""

    format: str
    sheets: list[Sheet]
    encoding: str | None = None
    delimiter: str | None = None


@cache
def column_letter(column: int) -> str:
    """0 -> A, 25 -> Z, 26 -> AA: as a spreadsheet names it."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def is_blank(cell: Cell) -> bool:
    """Nothing, or only what can't be seen."""
    return cell is None or (isinstance(cell, str) and not cell.strip(INVISIBLE))


INVISIBLE = " \t\r\n\v\f\u00a0\u3000\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u2060\ufeff\u00ad"
"""Blanks, and characters without a width: zero-width spaces and joiners, direction marks, BOM, soft hyphen."""


def as_text(cell: Cell) -> str:
    """A cell as a person reads it in the sheet. Whole numbers lose the `.0` that the file format gives them."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ") if cell.time() != time() else cell.date().isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)
