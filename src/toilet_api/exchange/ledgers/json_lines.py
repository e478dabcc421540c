"""NDJSON: one flat object a line. The members' names are the header, in the order in which they first appear."""

import json
from collections.abc import Iterator
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
from toilet_api.exchange.ledgers.text_encoding import find_encoding

_EXACT_DIGITS = 10**15


class JsonRows:
    """The header as row 0, then the objects, each with the number of its line."""

    def __init__(self, path: Path, max_rows: int) -> None:
        self._path, self._max_rows = path, max_rows
        self.blank = self._count = 0
        self._names = self._scan()

    def __iter__(self) -> Iterator[NumberedRow]:
        yield 0, list(self._names)
        names = self._names
        for number, members in self._objects():
            cells: list[Cell] = [_cell(number, name, members.get(name)) for name in names]
            while cells and is_blank(cells[-1]):
                cells.pop()
            if cells:
                yield number, cells

    def __len__(self) -> int:
        return self._count + 1

    def _scan(self) -> list[str]:
        """Every name that occurs; counts the objects. Raises what is wrong with a line."""
        names: dict[str, None] = {}
        for number, members in self._objects():
            if members.keys() - names.keys():
                names |= dict.fromkeys(members)
                if len(names) > limits.COLUMNS_MAX:
                    raise TOO_MANY_COLUMNS.problem(columns=len(names), limit=limits.COLUMNS_MAX)
            blank = True
            for name, value in members.items():
                blank = blank and is_blank(_cell(number, name, value))
            if blank:
                self.blank += 1
                continue
            self._count += 1
            if self._count > self._max_rows:
                raise TOO_MANY_ROWS.problem(
                    (
                        f"超过 {self._max_rows} 行，请分成几个文件。",
                        f"Over {self._max_rows} rows; split the file.",
                    ),
                    limit=self._max_rows,
                )
        return list(names)

    def _objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        number = 0
        with self._path.open(encoding="utf-8-sig", newline="\n") as file:
            while line := file.readline(limits.LINE_MAX):
                number += 1
                if len(line) >= limits.LINE_MAX:
                    raise _bad(number, "过长", "too long")
                if line.isspace():
                    continue
                try:
                    members = json.loads(line, parse_constant=_no_constant)
                except (ValueError, RecursionError):
                    raise _bad(number, "不是合法的 JSON", "not valid JSON") from None
                if not isinstance(members, dict):
                    raise _bad(number, "不是 JSON 对象", "not a JSON object")
                yield number, members


def read(path: Path, max_rows: int) -> Ledger:
    """The one table of the file. Raises `import_bad_ndjson` with the line, `import_wrong_encoding`."""
    encoding = find_encoding(path)
    if encoding not in ("utf-8", "utf-8-sig"):
        raise WRONG_ENCODING.problem(("NDJSON 须为 UTF-8 编码。", "NDJSON must be UTF-8."), tried="utf-8")
    rows = JsonRows(path, max_rows)
    if len(rows) < 2:
        raise EMPTY_FILE.problem()
    return Ledger("ndjson", [Sheet("", rows)], encoding)


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


def _bad(line: int, zh: str, en: str) -> Exception:
    return BAD_NDJSON.problem((f"第 {line} 行{zh}。", f"Line {line}: {en}."), line=line)
