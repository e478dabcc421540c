"""CSV: what separates its columns, and its rows, read from the file each time they are gone through."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from toilet_api.exchange.ledgers import limits
from toilet_api.exchange.ledgers.problems import BAD_CSV, EMPTY_FILE, TOO_MANY_COLUMNS, TOO_MANY_ROWS
from toilet_api.exchange.ledgers.sheets import Cell, Ledger, NumberedRow, Sheet, is_blank
from toilet_api.exchange.ledgers.text_encoding import find_encoding

_DELIMITERS = ",;\t|，"
_SAMPLE = 65_536


class CsvRows:
    """The rows of a CSV file. Row numbers count records, as a spreadsheet that opens the file shows them."""

    def __init__(self, path: Path, encoding: str, delimiter: str, max_rows: int) -> None:
        self._path, self._encoding, self._delimiter, self._max_rows = path, encoding, delimiter, max_rows
        self._count: int | None = None
        self.blank = 0

    def __iter__(self) -> Iterator[NumberedRow]:
        """Raises `import_bad_csv`, `import_too_many_rows`, `import_too_many_columns` when it comes to the place."""
        count = blank = pending = 0
        csv.field_size_limit(limits.CELL_TEXT_MAX)
        with self._path.open(encoding=self._encoding, newline="") as file:
            reader = csv.reader(_lines(file), delimiter=self._delimiter, strict=True)
            try:
                for number, row in enumerate(reader, 1):
                    cells: list[Cell] = [cell or None for cell in row]
                    while cells and is_blank(cells[-1]):
                        cells.pop()
                    if not cells:
                        pending += 1
                        continue
                    blank, pending = blank + pending, 0
                    count += 1
                    if count > self._max_rows:
                        raise _too_many(self._max_rows)
                    if len(cells) > limits.COLUMNS_MAX:
                        raise TOO_MANY_COLUMNS.problem(columns=len(cells), limit=limits.COLUMNS_MAX)
                    yield number, cells
            except csv.Error as error:
                raise BAD_CSV.problem(
                    (
                        f"第 {reader.line_num} 行附近的引号不成对，或单元格过长。",
                        f"Near line {reader.line_num} a quote is not closed, or a cell is too long.",
                    ),
                    line=reader.line_num,
                ) from error
        self._count, self.blank = count, blank

    def __len__(self) -> int:
        if self._count is None:
            for _ in self:
                pass
        return self._count or 0


def read(path: Path, max_rows: int) -> Ledger:
    """The one sheet of a CSV file, whose rows are read when they are gone through."""
    encoding = find_encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        delimiter = sniff("".join(_lines(file, _SAMPLE)))
    rows = CsvRows(path, encoding, delimiter, max_rows)
    if next(iter(rows), None) is None:
        raise EMPTY_FILE.problem()
    return Ledger("csv", [Sheet("", rows)], encoding, delimiter)


def sniff(text: str) -> str:
    """The separator that gives the most rows of one and the same width; the comma when nothing separates."""
    sample = text[:_SAMPLE]
    if len(text) > len(sample):
        sample = sample[: sample.rfind("\n") + 1] or sample
    best, best_score = ",", 0
    for delimiter in _DELIMITERS:
        widths: Counter[int] = Counter()
        try:
            for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
                if len(row) > 1:
                    widths[len(row)] += 1
        except csv.Error:
            continue
        score = max((count * width for width, count in widths.items()), default=0)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _lines(file: io.TextIOBase, limit: int | None = None) -> Iterator[str]:
    """The lines of a file, or those within its first `limit` characters, without a byte-order mark at the start."""
    seen = number = 0
    while line := file.readline(limits.LINE_MAX):
        number += 1
        if len(line) >= limits.LINE_MAX:
            raise BAD_CSV.problem((f"第 {number} 行过长。", f"Line {number} is too long."), line=number)
        # A mark that a program put before another one is no part of the first heading.
        yield line.removeprefix("\ufeff") if number == 1 else line
        seen += len(line)
        if limit is not None and seen > limit:
            return


def _too_many(limit: int) -> Exception:
    return TOO_MANY_ROWS.problem(
        (f"超过 {limit} 行，请分成几个文件。", f"More than {limit} rows; split the file."), limit=limit
    )
