"""Reads a workbook in a process of its own: `python -m toilet_api.exchange.ledgers.sheet_reader FILE MAX_ROWS`.

Writes a pickle of ("sheets", [...]) or (refusal, {...}) to standard output. A file that makes the library need absurd
memory (a cell in the last corner of an XLS) or crash ends this process, and not the worker.
"""

import pickle
import resource
import sys
from typing import Any

import python_calamine

from toilet_api.exchange.ledgers import limits
from toilet_api.exchange.ledgers.sheets import is_blank

Answer = tuple[str, Any]


def read(path: str, max_rows: int) -> Answer:
    """All sheets with the rows that hold something."""
    sheets: list[dict[str, Any]] = []
    try:
        with python_calamine.CalamineWorkbook.from_path(path) as workbook:
            tables = [one for one in workbook.sheets_metadata if one.typ == python_calamine.SheetTypeEnum.WorkSheet]
            if len(tables) > limits.SHEETS_MAX:
                return "sheets", {"sheets": len(tables), "limit": limits.SHEETS_MAX}
            for table in tables:
                read_sheet = _sheet(workbook.get_sheet_by_name(table.name), max_rows)
                if isinstance(read_sheet, tuple):
                    return read_sheet
                read_sheet["hidden"] = table.visible != python_calamine.SheetVisibleEnum.Visible
                sheets.append(read_sheet)
    except python_calamine.PasswordError:
        return "password", {}
    except (python_calamine.CalamineError, OSError, ValueError, IndexError):
        return "corrupt", {}
    return "sheets", sheets


def _sheet(sheet: python_calamine.CalamineSheet, max_rows: int) -> dict[str, Any] | Answer:
    left = sheet.start[1] if sheet.start is not None else 0
    if sheet.width + left > limits.COLUMNS_MAX:
        return "columns", {"sheet": sheet.name, "columns": sheet.width + left, "limit": limits.COLUMNS_MAX}
    rows: list[tuple[int, list[Any]]] = []
    blank = pending = 0
    # The blank rows above the first used one are given by iter_rows; the blank columns at its left are not.
    for number, cells in enumerate(sheet.iter_rows(), 1):
        values = [None if isinstance(cell, str) and not cell else cell for cell in cells]
        while values and is_blank(values[-1]):
            values.pop()
        if not values:
            pending += 1
            continue
        blank, pending = blank + pending, 0
        rows.append((number, [None] * left + values))
        if len(rows) > max_rows:
            return "rows", {"sheet": sheet.name, "limit": max_rows}
    merges = [
        (first[0] + 1, first[1], last[0] + 1, last[1])
        for first, last in (sheet.merged_cell_ranges or [])
        if first != last
    ]
    return {"name": sheet.name, "rows": rows, "blank_rows": blank, "merges": merges}


def main() -> None:
    """Bound this process, read, answer."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.READER_MEMORY_BYTES, limits.READER_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.READER_SECONDS, limits.READER_SECONDS))
    answer = read(sys.argv[1], int(sys.argv[2]))
    sys.stdout.buffer.write(pickle.dumps(answer, protocol=pickle.HIGHEST_PROTOCOL))


if __name__ == "__main__":
    main()
