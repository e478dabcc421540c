"""Marks in the uploaded XLSX itself: everything else of it stays as it was, part by part, block by block."""

import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from toilet_api.exchange.imports import xlsx_comments
from toilet_api.exchange.imports.marks import RowMarks, merged
from toilet_api.exchange.imports.xlsx_comments import Comment
from toilet_api.exchange.imports.xlsx_parts import (
    COMMENTS,
    DRAWING,
    SheetPart,
    UnpatchableError,
    sheets_of,
    small_part,
    with_types,
)
from toilet_api.exchange.imports.xlsx_rows import RowPatcher, drawing_of, with_drawing
from toilet_api.exchange.imports.xlsx_styles import Styles

_BLOCK = 1024 * 1024
_TYPES, _STYLES = "[Content_Types].xml", "xl/styles.xml"
_LEVEL = 3
"""Of compression: a third of the time of the usual 6, a tenth larger."""

Marks = Mapping[str | None, Iterable[RowMarks]]


def mark(source: Path, marks: Marks, target: Path) -> None:
    """Write `source` with its marks to `target`. Raises `UnpatchableError` where it isn't changed in place."""
    try:
        with (
            zipfile.ZipFile(source) as archive,
            zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as out,
        ):
            _Marking(archive, out, marks).run()
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError) as error:
        raise UnpatchableError("the archive can't be read part by part") from error


class _Marking:
    def __init__(self, archive: zipfile.ZipFile, out: zipfile.ZipFile, marks: Marks) -> None:
        self._archive, self._out, self._marks = archive, out, marks
        names = archive.namelist()
        self._names = set(names)
        if len(self._names) != len(names) or any(name.startswith(("/", "_xmlsignatures")) for name in names):
            raise UnpatchableError("parts that stand twice, or are signed")
        if "xl/vbaProject.bin" in names or "xl/workbook.xml" not in names:
            raise UnpatchableError("a workbook with macros, or in the binary format")
        self._sheets = sheets_of(archive)
        if {name for name in marks if name is not None} - {sheet.name for sheet in self._sheets} or None in marks:
            raise UnpatchableError("a sheet that has marks is not in the workbook")
        self._styles = Styles(small_part(archive, _STYLES))
        self._block = 1

    def run(self) -> None:
        touched = [sheet for sheet in self._sheets if sheet.name in self._marks or self._has_old_marks(sheet)]
        for sheet in touched:
            if sheet.name in self._marks and sheet.related(COMMENTS) is None:
                sheet.relate("rIdImportComments", COMMENTS, self._unused("xl/commentsImport{}.xml"))
        held = {_TYPES, _STYLES, *(sheet.part for sheet in touched), *(sheet.relations_part for sheet in touched)}
        for sheet in touched:
            held |= {part for kind, part in sheet.relations.values() if kind == COMMENTS}
            held |= self._drawings(sheet)
        comments = [found[1] for sheet in touched if (found := sheet.related(COMMENTS)) is not None]
        self._write(_TYPES, [with_types(small_part(self._archive, _TYPES), comments)])
        for entry in self._archive.infolist():
            if entry.filename not in held:
                with self._archive.open(entry) as stream, self._out.open(entry.filename, "w") as copy:
                    shutil.copyfileobj(stream, copy, _BLOCK)
        for sheet in touched:
            self._mark_sheet(sheet)
        self._write(_STYLES, [self._styles.content()])

    def _has_old_marks(self, sheet: SheetPart) -> bool:
        """Whether an earlier report may have marked it: then it is gone through, to take that away."""
        return bool(self._styles.cleaned) and sheet.part in self._names

    def _drawings(self, sheet: SheetPart) -> set[str]:
        """The drawing of a sheet's comments, if it has any; it is written anew."""
        if sheet.related(COMMENTS) is None:
            return set()
        with self._archive.open(sheet.part) as stream:
            patcher = RowPatcher(stream, iter(()), _Unchanged())
            for _ in patcher:
                pass
        key = drawing_of(patcher.root, patcher.tail)
        if key is None:
            return set()
        part = sheet.relations[key][1]
        if not xlsx_comments.only_notes(small_part(self._archive, part)):
            raise UnpatchableError("a drawing with more than comments")
        return {part}

    def _mark_sheet(self, sheet: SheetPart) -> None:
        new: list[Comment] = []
        rows = merged(iter(self._marks.get(sheet.name, ())))
        with self._archive.open(sheet.part) as stream, self._out.open(sheet.part, "w") as target:
            patcher = RowPatcher(stream, _noting(rows, new), self._styles)
            for piece in patcher:
                target.write(piece)
            tail, found, key = patcher.tail, sheet.related(COMMENTS), ""
            if found is not None:
                key = drawing_of(patcher.root, tail) or ""
                if not key:
                    key = "rIdImportDrawing"
                    sheet.relate(key, DRAWING, self._unused("xl/drawings/vmlDrawingImport{}.vml"))
                    tail = with_drawing(patcher.root, tail, patcher.prefix, key)
            target.write(tail)
        if sheet.relations_xml is not None:
            self._write(sheet.relations_part, [sheet.relations_xml.encode()])
        if found is None:
            return
        there: list[Comment] = []
        if found[1] in self._archive.NameToInfo:
            there = xlsx_comments.stored(small_part(self._archive, found[1]))
        comments = xlsx_comments.joined(there, new)
        self._write(found[1], xlsx_comments.comments_part(comments))
        self._write(sheet.relations[key][1], xlsx_comments.drawing_part(comments, self._block))
        self._block += xlsx_comments.blocks_of(comments)

    def _unused(self, pattern: str) -> str:
        """A name that no part has, stored or made."""
        number = 1
        while (name := pattern.format(number)) in self._names:
            number += 1
        self._names.add(name)
        return name

    def _write(self, name: str, content: Iterable[bytes]) -> None:
        with closing(self._out.open(name, "w")) as target:
            for piece in content:
                target.write(piece)


class _Unchanged:
    """For a look at a sheet that changes nothing."""

    def __init__(self) -> None:
        self.cleaned: dict[int, int] = {}

    def marked(self, style: int, wrong: bool, as_text: bool) -> int:
        raise NotImplementedError(style, wrong, as_text)


def _noting(rows: Iterator[RowMarks], comments: list[Comment]) -> Iterator[RowMarks]:
    """The rows as they are, their notes kept as comments."""
    for number, marks in rows:
        comments += [xlsx_comments.note(number, one.column, one.note) for one in marks if one.note is not None]
        yield number, marks
