"""CSV: what it is encoded in, what separates its columns, and its rows."""

import csv
import io
from collections import Counter

from toilet_api.exchange.ledgers import limits
from toilet_api.exchange.ledgers.problems import (
    BAD_CSV,
    EMPTY_FILE,
    NUL_BYTES,
    TOO_MANY_COLUMNS,
    TOO_MANY_ROWS,
    WRONG_ENCODING,
)
from toilet_api.exchange.ledgers.sheets import Cell, Ledger, Sheet, is_blank

_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_DELIMITERS = ",;\t|，"
_CONTROLS = frozenset(map(chr, [*range(9), 11, 12, *range(14, 27), *range(28, 32), 127]))
# Spreadsheets never write these; bytes of another encoding read as GB18030 or a binary file do.
_NOT_CHINESE = frozenset("\ufffd")


def decode(content: bytes) -> tuple[str, str]:
    """Text and encoding. UTF-8 with or without BOM, UTF-16 with BOM (Excel's “Unicode text”), else GB18030.

    Raises `import_wrong_encoding` with the place of the first byte that fits neither, `import_nul_bytes`.
    """
    if not content.strip():
        raise EMPTY_FILE.problem()
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            try:
                return _checked(content.decode(encoding).removeprefix("\ufeff")), encoding
            except UnicodeDecodeError as error:
                raise _wrong(content, error.start, encoding) from error
    if b"\0" in content:
        raise NUL_BYTES.problem(errors=(), line=content.count(b"\n", 0, content.index(b"\0")) + 1)
    try:
        return _checked(content.decode("utf-8")), "utf-8"
    except UnicodeDecodeError as utf8:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError as error:
            # The file is in the encoding of which more could be read.
            place = max(utf8.start, error.start)
            raise _wrong(content, place, "utf-8, gb18030") from error
        if any(0xE000 <= ord(character) <= 0xF8FF for character in text[:20_000]):
            raise _wrong(content, utf8.start, "utf-8, gb18030") from None
        return _checked(text), "gb18030"


def read(content: bytes, max_rows: int) -> Ledger:
    """The one sheet of a CSV file. Row numbers count records, as a spreadsheet that opens the file shows them."""
    text, encoding = decode(content)
    delimiter = sniff(text)
    rows: list[tuple[int, list[Cell]]] = []
    blank, pending, width = 0, 0, 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    csv.field_size_limit(limits.CELL_TEXT_MAX)
    try:
        for number, row in enumerate(reader, 1):
            cells: list[Cell] = [cell or None for cell in row]
            while cells and is_blank(cells[-1]):
                cells.pop()
            if not cells:
                pending += 1
                continue
            blank, pending = blank + pending, 0
            width = max(width, len(cells))
            rows.append((number, cells))
            if len(rows) > max_rows:
                raise TOO_MANY_ROWS.problem(
                    (f"超过 {max_rows} 行，请分成几个文件。", f"More than {max_rows} rows; split the file."),
                    limit=max_rows,
                )
    except csv.Error as error:
        raise BAD_CSV.problem(
            (
                f"第 {reader.line_num} 行附近的引号不成对，或单元格过长。",
                f"Near line {reader.line_num} a quote is not closed, or a cell is too long.",
            ),
            line=reader.line_num,
        ) from error
    if not rows:
        raise EMPTY_FILE.problem()
    if width > limits.COLUMNS_MAX:
        raise TOO_MANY_COLUMNS.problem(columns=width, limit=limits.COLUMNS_MAX)
    return Ledger("csv", [Sheet("", rows, blank_rows=blank)], encoding, delimiter)


def sniff(text: str) -> str:
    """The separator that gives the most rows of one and the same width; the comma when nothing separates."""
    sample = text[:65_536]
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


def _checked(text: str) -> str:
    """The text, if it is one. Raises for NUL and control characters, with the line."""
    found = _CONTROLS.intersection(text)
    if found:
        place = min(text.index(character) for character in found)
        line = text.count("\n", 0, place) + 1
        raise NUL_BYTES.problem(
            (
                f"第 {line} 行有控制字符，文件可能不是文本。",
                f"Line {line} holds a control character; is this a text file?",
            ),
            line=line,
        )
    if _NOT_CHINESE.intersection(text):
        line = text.count("\n", 0, text.index("\ufffd")) + 1
        raise WRONG_ENCODING.problem(
            (
                f"第 {line} 行有“\ufffd”：文字在之前的转换中已经丢失。",
                f"Line {line} holds U+FFFD: characters were lost in an earlier conversion.",
            ),
            line=line,
        )
    return text


def _wrong(content: bytes, place: int, tried: str) -> Exception:
    line = content.count(b"\n", 0, place) + 1
    return WRONG_ENCODING.problem(
        (
            f"第 {line} 行的字节既不是 UTF-8 也不是 GB18030；请另存为“CSV UTF-8”。",
            f"Line {line} is neither UTF-8 nor GB18030; save the file as “CSV UTF-8”.",
        ),
        line=line,
        byte_offset=place,
        tried=tried,
    )
