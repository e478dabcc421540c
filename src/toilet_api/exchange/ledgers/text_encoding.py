"""What a text file is encoded in, found out block by block, whatever its size."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from toilet_api.exchange.ledgers.limits import MIB
from toilet_api.exchange.ledgers.problems import EMPTY_FILE, NUL_BYTES, WRONG_ENCODING

_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]")
# Spreadsheets never write it; characters that an earlier conversion has lost are replaced by it.
_LOST = "\ufffd"
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_PRIVATE_WITHIN = 20_000
"""Bytes of another encoding read as GB18030 soon give characters of private use."""


@dataclass(frozen=True, slots=True)
class _BrokenError(Exception):
    """Where the bytes don't fit the encoding."""

    offset: int


def find_encoding(path: Path) -> str:
    """`utf-8`, `utf-8-sig`, `utf-16` (with BOM: Excel's “Unicode text”) or `gb18030`: the first that the whole file is.

    Raises `import_empty_file`, `import_wrong_encoding` with the place of the first byte that fits none,
    `import_nul_bytes` for control characters.
    """
    with path.open("rb") as file:
        head = file.read(4)
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            try:
                _check(path, encoding)
            except _BrokenError as broken:
                raise _wrong(path, broken.offset, encoding) from broken
            return encoding
    _refuse_nul(path)
    try:
        _check(path, "utf-8")
    except _BrokenError as utf8:
        try:
            _check(path, "gb18030", refuse_private=True)
        except _BrokenError as gb18030:
            # The file is in the encoding of which more could be read.
            raise _wrong(path, max(utf8.offset, gb18030.offset), "utf-8, gb18030") from gb18030
        return "gb18030"
    return "utf-8"


def _refuse_nul(path: Path) -> None:
    """No text without a BOM holds a NUL: it is UTF-16 without its mark, or no text at all."""
    line = 1
    with path.open("rb") as file:
        while block := file.read(MIB):
            if (place := block.find(0)) >= 0:
                raise NUL_BYTES.problem(line=line + block.count(b"\n", 0, place))
            line += block.count(b"\n")


def _check(path: Path, encoding: str, *, refuse_private: bool = False) -> None:
    """Raises `_BrokenError` where the file isn't in this encoding, a problem where it is and still no text."""
    seen, line, filled = 0, 1, False
    for text in _decoded(path, encoding):
        if refuse_private and seen < _PRIVATE_WITHIN and _PRIVATE.search(text[: _PRIVATE_WITHIN - seen]):
            raise _BrokenError(0)
        if (found := _CONTROL.search(text)) is not None:
            raise _control(line + text.count("\n", 0, found.start()))
        if _LOST in text:
            raise _lost(line + text.count("\n", 0, text.index(_LOST)))
        seen += len(text)
        line += text.count("\n")
        filled = filled or bool(text.strip().strip("\ufeff"))
    if not filled:
        raise EMPTY_FILE.problem()


def _decoded(path: Path, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    offset = 0
    with path.open("rb") as file:
        while block := file.read(MIB):
            pending = len(decoder.getstate()[0])
            try:
                yield decoder.decode(block)
            except UnicodeDecodeError as error:
                raise _BrokenError(offset - pending + error.start) from error
            offset += len(block)
        pending = len(decoder.getstate()[0])
        try:
            yield decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise _BrokenError(offset - pending + error.start) from error


def _control(line: int) -> Exception:
    return NUL_BYTES.problem(
        (
            f"第 {line} 行有控制字符，文件可能不是文本。",
            f"Line {line} holds a control character; is this a text file?",
        ),
        line=line,
    )


def _lost(line: int) -> Exception:
    return WRONG_ENCODING.problem(
        (
            f"第 {line} 行有“\ufffd”：文字在之前的转换中已经丢失。",
            f"Line {line} holds U+FFFD: characters were lost in an earlier conversion.",
        ),
        line=line,
    )


def _wrong(path: Path, place: int, tried: str) -> Exception:
    line, left = 1, place
    with path.open("rb") as file:
        while left > 0 and (block := file.read(min(MIB, left))):
            line += block.count(b"\n")
            left -= len(block)
    return WRONG_ENCODING.problem(
        (
            f"第 {line} 行的字节既不是 UTF-8 也不是 GB18030；请另存为“CSV UTF-8”。",
            f"Line {line} is neither UTF-8 nor GB18030; save the file as “CSV UTF-8”.",
        ),
        line=line,
        byte_offset=place,
        tried=tried,
    )
