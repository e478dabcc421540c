"""XLSX, XLS, ODS and Parquet, read in a process of its own with bounded memory and time (`sheet_reader`)."""

import contextlib
import json
import pickle
import re
import subprocess
import sys
import tempfile
import threading
import zipfile
from pathlib import Path
from subprocess import PIPE
from typing import IO
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
from toilet_api.exchange.ledgers.sheets import Ledger, Sheet
from toilet_api.exchange.ledgers.spool import Spool
from toilet_api.exchange.ledgers.zip_guard import scan_sheets

_REFUSALS = {
    "password": ENCRYPTED_WORKBOOK,
    "corrupt": CORRUPT_WORKBOOK,
    "columns": TOO_MANY_COLUMNS,
    "rows": TOO_MANY_ROWS,
    "sheets": TOO_MANY_SHEETS,
}
Formulas = dict[str, dict[int, set[int]]]
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read(path: Path, file_format: str, max_rows: int) -> Ledger:
    """The sheets of a workbook. Formulas give the result that is stored with them and are never evaluated.

    Raises the problems of a damaged, encrypted or oversized workbook.
    """
    formulas = _valueless_formulas(path) if file_format == "xlsx" else {}
    sheets = _read_apart(path, file_format, max_rows, formulas)
    for sheet in sheets:
        sheet.valueless_formulas = formulas.get(sheet.name, {})
    if not any(len(sheet.rows) for sheet in sheets):
        raise EMPTY_FILE.problem(("工作簿里没有内容。", "The workbook holds no values."))
    return Ledger(file_format, sheets)


def _read_apart(path: Path, file_format: str, max_rows: int, kept: Formulas) -> list[Sheet]:
    """What `sheet_reader` sends, its rows straight to a spool."""
    asked = {
        "path": str(path.resolve()),
        "format": file_format,
        "max_rows": max_rows,
        "kept": {sheet: sorted(rows) for sheet, rows in kept.items()},
    }
    command = [sys.executable, "-m", "toilet_api.exchange.ledgers.sheet_reader"]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=errors) as reader,  # noqa: S603
    ):
        timer = threading.Timer(limits.READER_SECONDS, reader.kill)
        timer.start()
        try:
            if reader.stdin is None or reader.stdout is None:
                raise RuntimeError("the reader has no pipes")
            with contextlib.suppress(BrokenPipeError), reader.stdin as stdin:
                stdin.write(json.dumps(asked).encode())
            return _receive(reader.stdout)
        except (EOFError, pickle.UnpicklingError):
            in_time = timer.is_alive()
            reader.wait()
            errors.seek(0)
            raise _gave_up(in_time, errors.read()) from None
        finally:
            timer.cancel()
            reader.kill()


def _receive(stream: IO[bytes]) -> list[Sheet]:
    """The reader's messages. Comes from our own process over a pipe."""
    sheets: list[Sheet] = []
    spool = Spool()
    while True:
        kind, *answer = pickle.load(stream)  # noqa: S301
        if kind == "sheet":
            spool = Spool()
            sheets.append(Sheet(answer[0], spool, hidden=answer[1]))
        elif kind == "rows":
            spool.add(pickle.load(stream))  # noqa: S301
        elif kind == "end":
            sheets[-1].blank_rows, sheets[-1].merges = answer[0]["blank_rows"], answer[0]["merges"]
        elif kind == "done":
            return sheets
        else:
            raise _REFUSALS[answer[0]].problem(**answer[1])


def _gave_up(in_time: bool, said: bytes) -> Exception:
    """Out of time, killed by its own bound on memory, or the library gave up on a damaged file."""
    if not in_time:
        return TOO_MANY_CELLS.problem(("工作簿读取超时。", "The workbook took too long to read."))
    if b"memory allocation" in said or b"MemoryError" in said:
        return TOO_MANY_CELLS.problem()
    return CORRUPT_WORKBOOK.problem()


def _valueless_formulas(path: Path) -> Formulas:
    """Sheet -> row -> columns whose formula has no stored result; the scan finds them by part, sheets have names."""
    parts = scan_sheets(path)
    if not any(part.valueless_formulas for part in parts.values()):
        return {}
    names = _parts_by_name(path)
    return {sheet: parts[part].valueless_formulas for sheet, part in names.items() if part in parts}


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
