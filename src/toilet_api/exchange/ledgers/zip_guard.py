"""Looks into an XLSX before anyone reads it: a bomb is refused, and formulas without a result are noted.

The sizes that a zip directory declares are checked first and then not believed: each sheet is unpacked here with a
counter, block by block, before the real reader sees it.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toilet_api.exchange.ledgers import limits
from toilet_api.exchange.ledgers.problems import (
    CORRUPT_WORKBOOK,
    TOO_MANY_CELLS,
    TOO_MANY_COLUMNS,
    UNKNOWN_FORMAT,
    ZIP_BOMB,
)

_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_BLOCK = 4 * limits.MIB
_SHEET = re.compile(r"/?xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_ROOT = re.compile(rb"<(\w+:)?worksheet\b")
_REFERENCE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_ROW_NUMBER = re.compile(rb'\br="(\d{1,7})"')
_STORED = re.compile(rb"<(?:\w+:)?v>[^<]")


@dataclass
class SheetPart:
    """What the scan of one sheet's XML found. `prefix` is the namespace prefix of its elements, mostly none."""

    rows: int = 0
    columns: int = 0
    valueless_formulas: dict[int, set[int]] = field(default_factory=dict)
    prefix: bytes = b""

    def tag(self, name: bytes) -> bytes:
        """How an opening tag begins in this part."""
        return b"<" + self.prefix + name


def inspect_workbook(path: Path) -> str:
    """Check the zip directory: `xlsx` or `ods`. Raises for a bomb, a broken archive, or one that holds no workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            kind = _kind(archive)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CORRUPT_WORKBOOK.problem(
            ("文件开头是 XLSX，但压缩包不完整。", "It begins as an XLSX, but the archive is incomplete.")
        ) from error
    if kind is None:
        raise UNKNOWN_FORMAT.problem(
            ("这是 ZIP 压缩包，但里面不是工作簿。", "A zip archive, but not a workbook."),
            found="ZIP",
            expected=["xlsx", "ods"],
        )
    if len(entries) > limits.ZIP_ENTRIES_MAX:
        raise _bomb("条目过多", "too many entries", entries=len(entries))
    if any(entry.flag_bits & 1 for entry in entries):
        raise CORRUPT_WORKBOOK.problem(("压缩包设有密码。", "The archive is encrypted."))
    for entry in entries:
        _check_sizes(entry.filename, entry.file_size, entry.compress_size)
    total = sum(entry.file_size for entry in entries)
    if total > limits.UNPACKED_MAX_BYTES:
        raise _bomb("解压后过大", "unpacks to too much", unpacked_bytes=total)
    return kind


def _kind(archive: zipfile.ZipFile) -> str | None:
    names = set(archive.namelist())
    if any(re.fullmatch(r"/?xl/workbook\d*\.(xml|bin)", name, re.IGNORECASE) for name in names):
        return "xlsx"
    if {"mimetype", "content.xml"} <= names and archive.getinfo("mimetype").file_size <= len(_ODS):
        with archive.open("mimetype") as declared:
            return "ods" if declared.read(len(_ODS)) == _ODS else None
    return None


def scan_sheets(path: Path) -> dict[str, SheetPart]:
    """Unpack every part with a counter and scan the sheets: name of the part -> what was found.

    Raises `import_zip_bomb` where a part is larger than it declared, `import_too_many_columns` and
    `import_too_many_cells` where its values lie too far apart, `import_corrupt_workbook` where it can't be unpacked.
    """
    found: dict[str, SheetPart] = {}
    unpacked = 0
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                part = SheetPart()
                is_sheet = _SHEET.fullmatch(entry.filename) is not None
                for block in _blocks(archive, entry, unpacked, part if is_sheet else None):
                    unpacked += len(block)
                    if is_sheet:
                        _scan_extent(block, part)
                        _scan_formulas(block, part)
                if is_sheet:
                    _check_extent(entry.filename, part)
                    found[entry.filename.lstrip("/")] = part
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise CORRUPT_WORKBOOK.problem() from error
    return found


def _blocks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, before: int, part: SheetPart | None) -> Iterator[bytes]:
    """The part as it unpacks, counted; of a sheet in blocks that end behind a row."""
    size = 0
    rest = b""
    with archive.open(entry) as stream:
        while block := stream.read(_BLOCK):
            size += len(block)
            _check_sizes(entry.filename, size, entry.compress_size)
            if before + size > limits.UNPACKED_MAX_BYTES:
                raise _bomb("解压后过大", "unpacks to too much", unpacked_bytes=before + size)
            if part is None:
                yield block
                continue
            if size == len(block) and (root := _ROOT.search(block)) is not None:
                part.prefix = root[1] or b""
            rest += block
            end = rest.rfind(b"</" + part.prefix + b"row>")
            if end < 0 and len(rest) > 4 * _BLOCK:
                end = rest.rfind(b"/>")
            if end >= 0:
                end = rest.index(b">", end) + 1
                yield rest[:end]
                rest = rest[end:]
    yield rest


def _scan_extent(xml: bytes, part: SheetPart) -> None:
    """The last row and column that hold a value. Blank cells are skipped at the speed of a search for text."""
    for tag in (part.tag(b"v>"), part.tag(b"is>")):
        position = xml.find(tag)
        while position >= 0:
            start = xml.rfind(part.tag(b"c"), 0, position)
            reference = _REFERENCE.search(xml, start, position) if start >= 0 else None
            if reference is not None:
                part.columns = max(part.columns, column_number(reference[1]) + 1)
                part.rows = max(part.rows, int(reference[2]))
            elif start >= 0:
                _count_position(xml, start, part)
            position = xml.find(tag, position + len(tag))


def _count_position(xml: bytes, start: int, part: SheetPart) -> None:
    """A cell without a reference stands behind the one before it, in the row that encloses it."""
    row_at = max(xml.rfind(part.tag(b"row"), 0, start), 0)
    number = _ROW_NUMBER.search(xml, row_at, xml.find(b">", row_at))
    part.columns = max(part.columns, xml.count(part.tag(b"c"), row_at, start) + 1)
    part.rows = max(part.rows, int(number[1]) if number is not None else part.rows + 1)


def _scan_formulas(xml: bytes, part: SheetPart) -> None:
    """Cells with a formula and no stored result."""
    position = xml.find(part.tag(b"f"))
    while position >= 0:
        start = xml.rfind(part.tag(b"c"), 0, position)
        end = xml.find(b"</" + part.prefix + b"c>", position)
        reference = _REFERENCE.search(xml, start, position) if start >= 0 else None
        if reference is not None and _STORED.search(xml, position, end if end >= 0 else len(xml)) is None:
            part.valueless_formulas.setdefault(int(reference[2]), set()).add(column_number(reference[1]))
        position = xml.find(part.tag(b"f"), position + 2)


def column_number(letters: bytes) -> int:
    """A -> 0, Z -> 25, AA -> 26."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _check_sizes(name: str, unpacked: int, packed: int) -> None:
    if unpacked > limits.UNPACKED_MAX_BYTES or (
        unpacked > limits.RATIO_FREE_BYTES and unpacked > limits.RATIO_MAX * max(packed, 1)
    ):
        raise _bomb("压缩比异常", "packed abnormally tight", part=name, unpacked_bytes=unpacked, packed_bytes=packed)


def _check_extent(name: str, part: SheetPart) -> None:
    if part.columns > limits.COLUMNS_MAX:
        raise TOO_MANY_COLUMNS.problem(
            (
                f"有内容的单元格到了第 {part.columns} 列，上限为 {limits.COLUMNS_MAX} 列。",
                f"There are values as far as column {part.columns}; the limit is {limits.COLUMNS_MAX}.",
            ),
            part=name,
            columns=part.columns,
        )
    if part.rows * part.columns > limits.CELLS_MAX:
        raise TOO_MANY_CELLS.problem(
            (
                f"有内容的单元格到了第 {part.rows} 行、第 {part.columns} 列，超出可读取的范围；请删除台账以外的内容。",
                f"There are values as far as row {part.rows}, column {part.columns}; delete what is not the ledger.",
            ),
            part=name,
            rows=part.rows,
            columns=part.columns,
        )


def _bomb(zh: str, en: str, **extensions: Any) -> Exception:
    return ZIP_BOMB.problem((f"工作簿{zh}，已拒绝。", f"The workbook was refused: {en}."), **extensions)
