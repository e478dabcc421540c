"""The XML of a sheet with marked cells, patched as it streams by: only the rows that have a mark are taken apart.

Works on bytes. What a writer of spreadsheets doesn't write (comments in the XML, rows out of order, another encoding)
raises `UnpatchableError`; nothing is guessed.
"""

import re
from collections.abc import Iterator
from typing import IO, Protocol
from xml.parsers import expat

from toilet_api.exchange.imports.marks import Mark, RowMarks
from toilet_api.exchange.imports.xlsx_parts import UnpatchableError
from toilet_api.exchange.ledgers.sheets import column_letter
from toilet_api.exchange.ledgers.zip_guard import column_number

_BLOCK = 1024 * 1024
_HEAD_MAX = 16 * _BLOCK
_TAIL_MAX = 64 * _BLOCK
_ROW_MAX = 64 * _BLOCK
_SHEET_DATA = re.compile(rb"<(\w+:)?sheetData\s*(/)?>")
_ROW_NUMBER = re.compile(rb'\sr="(\d{1,7})"')
_SPANS = re.compile(rb'\sspans="[^"]*"')
_REFERENCE = re.compile(rb'\sr="([A-Z]{1,3})(\d{1,7})"')
_STYLE = re.compile(rb'\ss="(\d{1,5})"')
_AFTER_DRAWING = frozenset(
    {
        *("legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls", "webPublishItems", "tableParts"),
        *("extLst", "AlternateContent"),
    }
)
"""What stands behind `legacyDrawing` in a sheet; the order is part of the format."""


class MarkedStyles(Protocol):
    """Where the styles of marked cells come from."""

    cleaned: dict[int, int]

    def marked(self, style: int, wrong: bool, as_text: bool) -> int: ...


class RowPatcher:
    """One sheet. Go through it once; then `tail` is what stands behind its rows."""

    def __init__(self, stream: IO[bytes], marks: Iterator[RowMarks], styles: MarkedStyles) -> None:
        self._stream, self._marks, self._styles = stream, marks, styles
        self._next = next(marks, None)
        self._last = 0
        self.prefix = b""
        self._cell = re.compile(b"")
        self.root = b""
        self.tail = b""
        numbers = b"|".join(str(style).encode() for style in styles.cleaned)
        self._unclean = re.compile(rb'(\ss=")(' + numbers + rb')(")') if numbers else None

    def __iter__(self) -> Iterator[bytes]:
        head, rest, is_empty = self._head()
        yield head
        if not is_empty:
            yield from self._rows(rest)
        else:
            self.tail = rest
        if self._next is not None:
            raise UnpatchableError("a row that has a mark is not in the sheet")
        while block := self._stream.read(_BLOCK):
            self.tail += block
            if len(self.tail) > _TAIL_MAX:
                raise UnpatchableError("too much stands behind the rows")

    def _head(self) -> tuple[bytes, bytes, bool]:
        """(all up to the rows, what was read of them, whether there are none)."""
        buffer = b""
        while (found := _SHEET_DATA.search(buffer)) is None:
            block = self._stream.read(_BLOCK)
            if not block or len(buffer) > _HEAD_MAX:
                raise UnpatchableError("a sheet without rows")
            buffer += block
        declaration = buffer[:200].lower()
        if b"<!" in buffer[: found.start()] or (b"encoding" in declaration and b"utf-8" not in declaration):
            raise UnpatchableError("a sheet is written in an unusual way")
        p = self.prefix = found[1] or b""
        self._cell = re.compile(rb"<" + p + rb"c((?:\s[^>]*?)?)(?:/>|>.*?</" + p + rb"c>)", re.DOTALL)
        root = re.search(rb"<(?:\w+:)?worksheet\b[^>]*>", buffer)
        if root is None:
            raise UnpatchableError("no worksheet")
        self.root = root[0]
        return buffer[: found.end()], buffer[found.end() :], found[2] is not None

    def _rows(self, buffer: bytes) -> Iterator[bytes]:
        end_tag, row_tag = b"</" + self.prefix + b"sheetData>", b"<" + self.prefix + b"row"
        row_open = re.compile(row_tag + rb"(\s[^>]*?)?(/)?>")
        while True:
            end = buffer.find(end_tag)
            # What stands before the beginning of the last row is whole: rows don't hold rows.
            cut = end if end >= 0 else buffer.rfind(row_tag)
            if cut > 0:
                if b"<!" in buffer[:cut]:
                    raise UnpatchableError("a sheet is written in an unusual way")
                yield from self._patched(buffer[:cut], row_open)
                buffer = buffer[cut:]
            if end >= 0:
                self.tail = buffer
                return
            block = self._stream.read(_BLOCK)
            if not block or len(buffer) > _ROW_MAX:
                raise UnpatchableError("the rows have no end")
            buffer += block

    def _patched(self, xml: bytes, row_open: re.Pattern[bytes]) -> Iterator[bytes]:
        done = 0
        for match in row_open.finditer(xml):
            stated = _ROW_NUMBER.search(match[1] or b"")
            number = int(stated[1]) if stated is not None else self._last + 1
            if number <= self._last:
                raise UnpatchableError("rows out of order")
            self._last = number
            if self._next is None or self._next[0] > number:
                continue
            if self._next[0] < number:
                raise UnpatchableError("a row that has a mark is not in the sheet")
            yield self._unmarked(xml[done : match.start()])
            end = match.end() if match[2] else xml.find(b"</" + self.prefix + b"row>", match.end())
            if end < 0:
                raise UnpatchableError("a row without an end")
            content = b"" if match[2] else xml[match.end() : end]
            yield self._row(match[1] or b"", number, content, self._next[1])
            done = end if match[2] else end + len(self.prefix) + len(b"</row>")
            self._next = next(self._marks, None)
        yield self._unmarked(xml[done:])

    def _unmarked(self, xml: bytes) -> bytes:
        """Without the marks of an earlier report."""
        if self._unclean is None:
            return xml
        cleaned = self._styles.cleaned
        return self._unclean.sub(lambda found: found[1] + str(cleaned[int(found[2])]).encode() + found[3], xml)

    def _row(self, attributes: bytes, number: int, content: bytes, marks: list[Mark]) -> bytes:
        """One row that has marks. Of a cell only the opening tag changes; one that isn't there is put in its place."""
        content = self._unmarked(content)
        name = b"<" + self.prefix + b"c"
        out = [b"<" + self.prefix + b"row" + _SPANS.sub(b"", self._unmarked(attributes)) + b">"]
        done = 0
        for mark in marks:
            at = content.find(f' r="{column_letter(mark.column)}{number}"'.encode(), done)
            start, end = content.rfind(name, done, at), content.find(b">", at)
            if at < 0 or start < 0 or end < 0:
                start = end = self._gap(content, number, mark.column, done)
                out += [content[done:start], self._new_cell(number, mark)]
            else:
                out += [content[done:start], self._marked(content[start:end], mark)]
            done = end
        out += [content[done:], b"</" + self.prefix + b"row>"]
        return b"".join(out)

    def _gap(self, content: bytes, number: int, column: int, done: int) -> int:
        """Where a cell of `column` belongs. Its neighbours must say where they stand, from left to right."""
        place, last = done, -1
        for found in self._cell.finditer(content):
            stated = _REFERENCE.search(found[1])
            if stated is None or int(stated[2]) != number or (here := column_number(stated[1])) <= last:
                raise UnpatchableError("cells without a place, or out of order")
            last = here
            if here >= column:
                return found.start()
            place = found.end()
        return place

    def _marked(self, tag: bytes, mark: Mark) -> bytes:
        had = _STYLE.search(tag)
        style = self._styles.marked(int(had[1]) if had is not None else 0, mark.wrong, mark.as_text)
        is_empty = tag.endswith(b"/")
        return _STYLE.sub(b"", tag.removesuffix(b"/")) + f' s="{style}"'.encode() + (b"/" if is_empty else b"")

    def _new_cell(self, number: int, mark: Mark) -> bytes:
        style = self._styles.marked(0, mark.wrong, mark.as_text)
        reference = f"{column_letter(mark.column)}{number}"
        return b"<" + self.prefix + f'c r="{reference}" s="{style}"/>'.encode()


def drawing_of(root: bytes, tail: bytes) -> str | None:
    """The relationship of the drawing that shows the sheet's comments, if it has one."""
    for name, _, attributes in _members(root, tail):
        if name == "legacyDrawing":
            return next((value for key, value in attributes.items() if key.endswith(":id")), None)
    return None


def with_drawing(root: bytes, tail: bytes, prefix: bytes, key: str) -> bytes:
    """The tail with a drawing of comments, at the place that the format wants it."""
    place = next(
        (offset for name, offset, _ in _members(root, tail) if name in _AFTER_DRAWING),
        tail.rfind(b"</"),
    )
    namespace = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    one = b"<" + prefix + f'legacyDrawing xmlns:r="{namespace}" r:id="{key}"/>'.encode()
    return tail[:place] + one + tail[place:]


def _members(root: bytes, tail: bytes) -> list[tuple[str, int, dict[str, str]]]:
    """Name, place in the tail and attributes of what stands directly in the sheet, behind its rows."""
    opening = root + re.sub(rb"^</((?:\w+:)?sheetData)>", rb"<\1></\1>", tail)
    shift = len(opening) - len(tail)
    found: list[tuple[str, int, dict[str, str]]] = []
    depth = 0
    reader = expat.ParserCreate("utf-8")

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth == 2:
            found.append((name.rsplit(":", 1)[-1], reader.CurrentByteIndex - shift, attributes))

    def finish(_: str) -> None:
        nonlocal depth
        depth -= 1

    reader.StartElementHandler, reader.EndElementHandler = begin, finish
    try:
        reader.Parse(opening, True)
    except expat.ExpatError as error:
        raise UnpatchableError("what stands behind the rows is no XML") from error
    return found
