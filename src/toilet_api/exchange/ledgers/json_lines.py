"""NDJSON: one flat object a line. The members' names are the header, in the order in which they first appear.

Each line is parsed once, its cells kept in a spool: a name that comes up late only adds a column on the right, so that
what was kept before it stays as it is.
"""

import json
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

from toilet_api.exchange.ledgers import limits
from toilet_api.exchange.ledgers.problems import (
    BAD_NDJSON,
    EMPTY_FILE,
    TOO_MANY_COLUMNS,
    TOO_MANY_ROWS,
    WRONG_ENCODING,
)
from toilet_api.exchange.ledgers.sheets import Cell, Ledger, NumberedRow, Sheet, is_blank
from toilet_api.exchange.ledgers.spool import Spool
from toilet_api.exchange.ledgers.text_encoding import find_encoding

_EXACT_DIGITS = 10**15
_NUL = "\\u0000"
"""Within a line of JSON a NUL can be written in no other way."""
_name_of, _value_of = itemgetter(0), itemgetter(1)

Members = tuple[tuple[str, ...], tuple[Any, ...]]
"""The names of an object, and their values, as they stand in its line."""


class _Objects:
    """The objects of a file as rows of cells, each with the number of its line."""

    def __init__(self, path: Path, max_rows: int) -> None:
        self._path, self._max_rows = path, max_rows
        self._columns: dict[str, int] = {}
        self.blank = self.count = 0

    @property
    def names(self) -> list[Cell]:
        """Every name that has occurred."""
        return list(self._columns)

    def __iter__(self) -> Iterator[NumberedRow]:
        """Raises what is wrong with a line when it comes to it."""
        usual: tuple[str, ...] = ()
        for number, line, (names, values) in self._members():
            plain = len(line) <= limits.CELL_TEXT_MAX and _NUL not in line
            # Most lines name what the line before has named, and nothing in them needs a second look.
            if plain and names == usual:
                cells: list[Cell] = [
                    one or None if one.__class__ is str else _cell(number, name, one)
                    for name, one in zip(names, values, strict=True)
                ]
            else:
                cells = self._placed(number, names, values)
                usual = names if names == tuple(self._columns)[: len(names)] else ()
            while cells and is_blank(cells[-1]):
                cells.pop()
            if not cells:
                self.blank += 1
                continue
            self.count += 1
            if self.count > self._max_rows:
                raise _too_many(self._max_rows)
            yield number, cells

    def _placed(self, number: int, names: tuple[str, ...], values: tuple[Any, ...]) -> list[Cell]:
        """The cells under their names, wherever these stand in the line; new names are noted."""
        columns = self._columns
        if len(set(names)) != len(names):
            twice = next(name for place, name in enumerate(names) if name in names[:place])
            raise _bad(number, f"的 {twice[:50]} 出现两次", f"it names {twice[:50]} twice")
        for name in names:
            columns.setdefault(name, len(columns))
        if len(columns) > limits.COLUMNS_MAX:
            raise TOO_MANY_COLUMNS.problem(columns=len(columns), limit=limits.COLUMNS_MAX)
        cells: list[Cell] = [None] * len(columns)
        for name, value in zip(names, values, strict=True):
            cells[columns[name]] = _cell(number, name, value)
        return cells

    def _members(self) -> Iterator[tuple[int, str, Members]]:
        # An object is a tuple of pairs; an array stays a list.
        decode = json.JSONDecoder(object_pairs_hook=tuple, parse_constant=_no_constant).decode
        number = 0
        with self._path.open(encoding="utf-8-sig", newline="\n") as file:
            while line := file.readline(limits.LINE_MAX):
                number += 1
                if len(line) >= limits.LINE_MAX:
                    raise _bad(number, "过长", "too long")
                if line.isspace():
                    continue
                try:
                    pairs = decode(line)
                except (ValueError, RecursionError):
                    raise _bad(number, "不是合法的 JSON", "not valid JSON") from None
                if pairs.__class__ is not tuple:
                    raise _bad(number, "不是 JSON 对象", "not a JSON object")
                yield number, line, (tuple(map(_name_of, pairs)), tuple(map(_value_of, pairs)))


def read(path: Path, max_rows: int) -> Ledger:
    """The one table of the file, its header as row 0.

    Raises `import_bad_ndjson` with the line, `import_wrong_encoding`, `import_too_many_rows`,
    `import_too_many_columns`, `import_empty_file`.
    """
    encoding = find_encoding(path)
    if encoding not in ("utf-8", "utf-8-sig"):
        raise WRONG_ENCODING.problem(("NDJSON 须为 UTF-8 编码。", "NDJSON must be UTF-8."), tried="utf-8")
    objects, rows = _Objects(path, max_rows), Spool()
    rows.fill(objects)
    if not objects.count:
        raise EMPTY_FILE.problem()
    rows.put_first([(0, objects.names)])
    return Ledger("ndjson", [Sheet("", rows, blank_rows=objects.blank)], encoding)


def _cell(number: int, name: str, value: Any) -> Cell:
    """A member as a cell: a list of texts (phones) as a person would write it, long whole numbers as text."""
    if value is None or value.__class__ is str:
        if value and (len(value) > limits.CELL_TEXT_MAX or "\0" in value):
            raise _bad(number, f"的 {name} 过长或含有 NUL", f"its {name} is too long or holds a NUL")
        return value or None
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < _EXACT_DIGITS else str(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "、".join(value) or None
    raise _bad(number, f"的 {name} 应为一个值，不能嵌套", f"its {name} must be one value, not nested")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _too_many(limit: int) -> Exception:
    return TOO_MANY_ROWS.problem(
        (f"超过 {limit} 行，请分成几个文件。", f"Over {limit} rows; split the file."), limit=limit
    )


def _bad(line: int, zh: str, en: str) -> Exception:
    return BAD_NDJSON.problem((f"第 {line} 行{zh}。", f"Line {line}: {en}."), line=line)
