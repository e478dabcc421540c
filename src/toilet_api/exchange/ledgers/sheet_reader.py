"""Reads a workbook or a Parquet file in a process of its own: `python -m toilet_api.exchange.ledgers.sheet_reader`.

Takes one JSON object on standard input: path, format, max_rows, and `kept`, the blank rows by sheet that have to be
given all the same. Writes pickles to standard output: ("sheet", name, hidden), then ("rows", count) with the batch
itself as the next pickle, ("end", facts) after each sheet, and ("done",) or (refusal, facts) at the end. A file that
makes the library need absurd memory (a cell in the last corner of an XLS) or crash ends this process, not the worker.
"""

import json
import pickle
import resource
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from toilet_api.exchange.ledgers import limits
from toilet_api.exchange.ledgers.sheets import NumberedRow, is_blank
from toilet_api.exchange.ledgers.spool import BATCH


class RefusedError(Exception):
    """The file isn't read: a code of `workbook`, and what its message needs."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


class Writer:
    """Messages, batches and the count of rows of one sheet."""

    def __init__(self, out: BinaryIO, max_rows: int) -> None:
        self._out, self._max_rows = out, max_rows

    def say(self, *message: Any) -> None:
        """One message."""
        self._out.write(pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL))

    def rows(self, sheet: str, rows: Iterator[NumberedRow]) -> None:
        """All rows of a sheet. Raises `RefusedError` for too many."""
        count = 0
        while batch := list(islice(rows, BATCH)):
            count += len(batch)
            if count > self._max_rows:
                raise RefusedError("rows", sheet=sheet, limit=self._max_rows)
            self.say("rows", len(batch))
            self._out.write(pickle.dumps(batch, protocol=pickle.HIGHEST_PROTOCOL))


class Trimmed:
    """The rows that hold something, without trailing blanks. Counts the blank ones between them."""

    def __init__(self, rows: Iterator[tuple[int, list[Any]]], kept: set[int]) -> None:
        self._rows, self._kept = rows, kept
        self.blank = 0

    def __iter__(self) -> Iterator[NumberedRow]:
        pending = 0
        for number, values in self._rows:
            while values and is_blank(values[-1]):
                values.pop()
            if not values and number not in self._kept:
                pending += 1
                continue
            self.blank, pending = self.blank + pending, 0
            yield number, values


def read_workbook(path: str, writer: Writer, kept: dict[str, list[int]]) -> None:
    """All sheets of an XLSX, XLS or ODS file."""
    import python_calamine

    try:
        with python_calamine.CalamineWorkbook.from_path(path) as workbook:
            tables = [one for one in workbook.sheets_metadata if one.typ == python_calamine.SheetTypeEnum.WorkSheet]
            if len(tables) > limits.SHEETS_MAX:
                raise RefusedError("sheets", sheets=len(tables), limit=limits.SHEETS_MAX)
            for table in tables:
                sheet = workbook.get_sheet_by_name(table.name)
                left = sheet.start[1] if sheet.start is not None else 0
                if (width := sheet.width + left) > limits.COLUMNS_MAX:
                    raise RefusedError("columns", sheet=sheet.name, columns=width, limit=limits.COLUMNS_MAX)
                writer.say("sheet", sheet.name, table.visible != python_calamine.SheetVisibleEnum.Visible)
                # iter_rows gives the blank rows above the first used one, but not the blank columns at its left.
                shift = [None] * left
                trimmed = Trimmed(
                    (
                        (number, shift + [None if cell == "" else cell for cell in cells])
                        for number, cells in enumerate(sheet.iter_rows(), 1)
                    ),
                    set(kept.get(sheet.name, ())),
                )
                writer.rows(sheet.name, iter(trimmed))
                merges = [
                    (first[0] + 1, first[1], last[0] + 1, last[1])
                    for first, last in (sheet.merged_cell_ranges or [])
                    if first != last
                ]
                writer.say("end", {"blank_rows": trimmed.blank, "merges": merges})
    except python_calamine.PasswordError:
        raise RefusedError("password") from None
    except (python_calamine.CalamineError, OSError, ValueError, IndexError):
        raise RefusedError("corrupt") from None


def read_parquet(path: str, writer: Writer) -> None:
    """The one table of a Parquet file. Its columns' names are the header; rows count from 1."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if len(names) > limits.COLUMNS_MAX:
                raise RefusedError("columns", sheet="", columns=len(names), limit=limits.COLUMNS_MAX)
            writer.say("sheet", "", False)

            def rows() -> Iterator[tuple[int, list[Any]]]:
                yield 0, list(names)
                number = 0
                for batch in file.iter_batches(batch_size=BATCH):
                    for values in zip(*map(_values, batch.columns), strict=True):
                        number += 1
                        yield number, [_plain(value) for value in values]

            trimmed = Trimmed(rows(), {0})
            writer.rows("", iter(trimmed))
            writer.say("end", {"blank_rows": trimmed.blank, "merges": []})
    except (pa.ArrowException, OSError, ValueError, NotImplementedError):
        raise RefusedError("corrupt") from None


def _values(column: Any) -> list[Any]:
    """A column's values; moments that are told to the nanosecond, which Python's can't be, as text."""
    try:
        values: list[Any] = column.to_pylist()
    except ValueError:
        values = column.cast("string").to_pylist()
    return values


def _plain(value: Any) -> Any:
    """A value as a cell; lists (phones) as a person would write them, numbers beyond 15 digits as text."""
    if value is None or isinstance(value, str | bool | float):
        return None if value == "" else value
    if isinstance(value, int):
        return value if abs(value) < 10**15 else str(value)
    if isinstance(value, list):
        return "、".join(str(one) for one in value if one is not None) or None
    return value if hasattr(value, "isoformat") else str(value)


def main() -> None:
    """Bound this process, read, answer."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.READER_MEMORY_BYTES, limits.READER_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.READER_SECONDS, limits.READER_SECONDS))
    asked = json.load(sys.stdin)
    out = sys.stdout.buffer
    writer = Writer(out, asked["max_rows"])
    try:
        if asked["format"] == "parquet":
            read_parquet(asked["path"], writer)
        else:
            read_workbook(asked["path"], writer, asked["kept"])
        writer.say("done")
    except RefusedError as refused:
        writer.say("refused", refused.code, refused.facts)
    out.flush()


if __name__ == "__main__":
    main()
