"""A generated ledger as a file: CSV as a spreadsheet program saves it, XLSX, XLS."""

import csv
import io
from typing import Any

import openpyxl
import xlwt

from tests.exchange.generator import Ledger


def as_csv(ledger: Ledger, encoding: str = "gb18030", delimiter: str = ",") -> bytes:
    """The ledger as a spreadsheet program saves it."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    for cells in ledger.rows:
        writer.writerow(["" if cell is None else _shown(cell) for cell in cells])
    return out.getvalue().encode(encoding)


def _shown(cell: Any) -> str:
    if isinstance(cell, float):
        return f"{cell:.5E}" if cell >= 1e12 else str(int(cell))
    return str(cell)


def as_xlsx(ledger: Ledger, sheet: str = "台账") -> bytes:
    book = openpyxl.Workbook()
    table = book.active
    table.title = sheet
    for number, cells in enumerate(ledger.rows, 1):
        table.append(cells)
        for column, cell in enumerate(cells, 1):
            if isinstance(cell, str) and cell.startswith("="):
                table.cell(number, column).data_type = "s"
    for top, left, bottom, right in ledger.merges:
        table.merge_cells(start_row=top + 1, start_column=left + 1, end_row=bottom + 1, end_column=right + 1)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_xls(ledger: Ledger, sheet: str = "台账") -> bytes:
    book = xlwt.Workbook()
    table = book.add_sheet(sheet)
    covered = {
        (row, column)
        for top, left, bottom, right in ledger.merges
        for row in range(top, bottom + 1)
        for column in range(left, right + 1)
    }
    for top, left, bottom, right in ledger.merges:
        table.write_merge(top, bottom, left, right, ledger.rows[top][left])
    for row, cells in enumerate(ledger.rows):
        for column, cell in enumerate(cells):
            if cell is not None and (row, column) not in covered:
                table.write(row, column, cell)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_workbook(**sheets: list[list[Any]]) -> bytes:
    """Sheets by name, written row by row, as XLSX."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for cells in rows:
            sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
