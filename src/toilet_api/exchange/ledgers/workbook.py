"""XLSX and XLS. The reading itself runs in a process of its own with bounded memory and time (`sheet_reader`)."""

import pickle
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

from toilet_api.exchange.ledgers import limits
from toilet_api.exchange.ledgers.problems import (
    CORRUPT_WORKBOOK,
    EMPTY_FILE,
    ENCRYPTED_WORKBOOK,
    TOO_MANY_CELLS,
    TOO_MANY_COLUMNS,
    TOO_MANY_ROWS,
    TOO_MANY_SHEETS,
)
from toilet_api.exchange.ledgers.sheets import Cell, Ledger, Sheet
from toilet_api.exchange.ledgers.zip_guard import SheetPart, scan_sheets

_REFUSALS = {
    "password": ENCRYPTED_WORKBOOK,
    "corrupt": CORRUPT_WORKBOOK,
    "columns": TOO_MANY_COLUMNS,
    "rows": TOO_MANY_ROWS,
    "sheets": TOO_MANY_SHEETS,
}
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read(path: Path, file_format: str, max_rows: int) -> Ledger:
    """The sheets of a workbook. Formulas give the result that is stored with them and are never evaluated.

    Raises the problems of a damaged, encrypted or oversized workbook.
    """
    parts = scan_sheets(path) if file_format == "xlsx" else {}
    sheets = _read_apart(path, max_rows)
    if parts:
        _note_formulas(path, sheets, parts)
    if not any(sheet.rows for sheet in sheets):
        raise EMPTY_FILE.problem(("工作簿里没有内容。", "The workbook holds no values."))
    return Ledger(file_format, sheets)


def _read_apart(path: Path, max_rows: int) -> list[Sheet]:
    command = [sys.executable, "-m", "toilet_api.exchange.ledgers.sheet_reader", str(path), str(max_rows)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=limits.READER_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise TOO_MANY_CELLS.problem(("工作簿读取超时。", "The workbook took too long to read.")) from error
    if done.returncode != 0:
        # Killed by its own bound on memory, or the library gave up on a damaged file.
        if b"memory allocation" in done.stderr or b"MemoryError" in done.stderr:
            raise TOO_MANY_CELLS.problem()
        raise CORRUPT_WORKBOOK.problem()
    # Comes from our own process over a pipe.
    kind, answer = pickle.loads(done.stdout)  # noqa: S301
    if kind == "sheets":
        return [Sheet(**sheet) for sheet in answer]
    raise _REFUSALS[kind].problem(**answer)


def _note_formulas(path: Path, sheets: list[Sheet], parts: dict[str, SheetPart]) -> None:
    """Bring what the scan found by part to the sheets, which have names."""
    if not any(part.valueless_formulas for part in parts.values()):
        return
    names = _parts_by_name(path)
    for sheet in sheets:
        part = parts.get(names.get(sheet.name, ""))
        if part is not None:
            sheet.valueless_formulas = part.valueless_formulas
            known = {number for number, _ in sheet.rows}
            missing: list[tuple[int, list[Cell]]] = [
                (number, []) for number in part.valueless_formulas if number not in known
            ]
            if missing:
                sheet.rows = sorted([*sheet.rows, *missing], key=lambda row: row[0])


def _parts_by_name(path: Path) -> dict[str, str]:
    """Sheet name -> its part, from the workbook's own tables. The parts are small and were counted before."""
    try:
        with zipfile.ZipFile(path) as archive:
            relations = _safe_xml(archive.read("xl/_rels/workbook.xml.rels"))
            workbook = _safe_xml(archive.read("xl/workbook.xml"))
    except (KeyError, ET.ParseError) as error:
        raise CORRUPT_WORKBOOK.problem() from error
    targets = {
        one.get("Id", ""): re.sub(r"^(/?xl/|/)?", "xl/", one.get("Target", ""), count=1) for one in relations.iter()
    }
    return {
        one.get("name", ""): targets.get(one.get(_RELATION, ""), "")
        for one in workbook.iter()
        if one.tag.endswith("}sheet")
    }


def _safe_xml(content: bytes) -> ET.Element:
    """No workbook needs a document type; refusing it takes entity bombs away."""
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise CORRUPT_WORKBOOK.problem(("工作簿含有文档类型声明。", "The workbook holds a document type declaration."))
    return ET.fromstring(content)  # noqa: S314 - entities were refused above
