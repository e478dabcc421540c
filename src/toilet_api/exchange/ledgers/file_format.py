"""What a file is, decided by its content. Its name is only used to say that it lies."""

import re
from pathlib import Path

from toilet_api.exchange.ledgers.problems import EMPTY_FILE, ENCRYPTED_WORKBOOK, UNKNOWN_FORMAT
from toilet_api.exchange.ledgers.zip_guard import inspect_workbook

_NAMED = "CSV, XLSX, XLS, ODS, NDJSON, Parquet"
FORMATS = ["csv", "xlsx", "xls", "ods", "ndjson", "parquet"]
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_COMPOUND = bytes.fromhex("d0cf11e0a1b11ae1")
_BIFF = (b"\x09\x08\x10\x00", b"\x09\x08\x08\x00", b"\x09\x04\x06\x00", b"\x09\x02\x06\x00", b"\x09\x00\x04\x00")
_STREAM = "Workbook".encode("utf-16-le")
_OLD_STREAM = "Book\0".encode("utf-16-le")
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_OTHERS = {
    b"%PDF": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"Rar!": "RAR",
    b"7z\xbc\xaf": "7z",
    b"\x1f\x8b": "gzip",
    b"BM": "BMP",
    b"{\\rtf": "RTF",
    b"\x7fELF": "ELF",
    b"MZ": "EXE",
    b"SQLite format 3": "SQLite",
}
_PARQUET = b"PAR1"
_OBJECT = re.compile(rb"(\xef\xbb\xbf)?\s*\{\s*(\"|\}|$)")
_MARKUP = (b"<!doctype html", b"<html", b"<?xml", b"<table")


def detect(path: Path) -> str:
    """`csv`, `ndjson`, `xlsx`, `xls`, `ods` or `parquet`; raises the problem that says what is wrong with another.

    A text file that doesn't begin with an object counts as CSV here; whether it can be read as one, its reader says.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip(b" \t\r\n\xef\xbb\xbf\x00"):
        raise EMPTY_FILE.problem()
    if head.startswith((_ZIP, _EMPTY_ZIP)):
        return inspect_workbook(path)
    if head.startswith(_PARQUET):
        return "parquet"
    if head.startswith(_COMPOUND):
        return _compound(path)
    if head.startswith(_BIFF):
        return "xls"
    for signature, name in _OTHERS.items():
        if head.startswith(signature) and not (name in ("BMP", "EXE") and _is_text(head)):
            raise _refused(name)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_MARKUP):
        raise _refused("HTML/XML")
    return "ndjson" if _OBJECT.match(head) else "csv"


def _compound(path: Path) -> str:
    """An OLE compound file: an XLS, an encrypted XLSX, or another office document."""
    content = path.read_bytes()
    if _ENCRYPTED_STREAM in content:
        raise ENCRYPTED_WORKBOOK.problem()
    if _STREAM in content or _OLD_STREAM in content:
        return "xls"
    raise _refused("DOC/PPT/MSG")


def _is_text(head: bytes) -> bool:
    return b"\0" not in head


def _refused(found: str) -> Exception:
    return UNKNOWN_FORMAT.problem(
        (
            f"按内容看这是 {found} 文件，不是台账。请传 {_NAMED}；网页另存的“xls”请在 Excel 中另存为 xlsx。",
            f"By its content this is a {found} file, not a ledger. Send {_NAMED}.",
        ),
        found=found,
        expected=FORMATS,
    )
