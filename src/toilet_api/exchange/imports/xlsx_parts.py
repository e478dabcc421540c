"""The parts of an XLSX as its own tables name them: sheets, relationships, content types."""

import posixpath
import re
import zipfile
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

_SMALL_PART_MAX = 32 * 1024 * 1024
_RELATION_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
COMMENTS, DRAWING = f"{_TYPES}/comments", f"{_TYPES}/vmlDrawing"


class UnpatchableError(Exception):
    """The workbook is written in a way that isn't changed in place here; it is made anew instead."""


@dataclass(slots=True)
class SheetPart:
    """One sheet: its name, its part, and the parts that hold its comments, once they are known or made."""

    name: str
    part: str
    relations: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Id -> (type, part)."""
    relations_xml: str | None = None

    @property
    def relations_part(self) -> str:
        folder, base = posixpath.split(self.part)
        return f"{folder}/_rels/{base}.rels"

    def related(self, kind: str) -> tuple[str, str] | None:
        """(id, part) of the related part of a type."""
        return next(((key, part) for key, (named, part) in self.relations.items() if named == kind), None)

    def relate(self, key: str, kind: str, part: str) -> None:
        """Add a relationship to a part of the workbook."""
        empty = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"></Relationships>'
        xml = self.relations_xml or f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{empty}'
        xml = re.sub(r"<(\w+:)?Relationships\b([^>]*)/>", r"<\1Relationships\2></\1Relationships>", xml)
        end = re.search(r"</(\w+:)?Relationships>", xml)
        if end is None:
            raise UnpatchableError("relationships without an end")
        one = f'<{end[1] or ""}Relationship Id="{key}" Type="{kind}" Target={quoteattr("/" + part)}/>'
        self.relations_xml = xml[: end.start()] + one + xml[end.start() :]
        self.relations[key] = (kind, part)


def sheets_of(archive: zipfile.ZipFile) -> list[SheetPart]:
    """The sheets in the workbook's order."""
    workbook = read_xml(archive, "xl/workbook.xml")
    targets = {
        key: part for key, (_, part) in _relations(small_part(archive, "xl/_rels/workbook.xml.rels"), "xl").items()
    }
    found = []
    for one in workbook.iter():
        if one.tag.endswith("}sheet"):
            part = targets.get(one.get(_RELATION_ID, ""))
            if part is None:
                raise UnpatchableError("a sheet has no part")
            found.append(SheetPart(one.get("name", ""), part))
    names = set(archive.namelist())
    for sheet in found:
        if sheet.relations_part in names:
            content = small_part(archive, sheet.relations_part)
            sheet.relations = _relations(content, posixpath.dirname(sheet.part))
            sheet.relations_xml = utf8(content)
    return found


def small_part(archive: zipfile.ZipFile, name: str) -> bytes:
    """A part that is held in memory. Its size was counted when the file was opened, and is bounded once more."""
    try:
        with archive.open(name) as stream:
            content = stream.read(_SMALL_PART_MAX + 1)
    except KeyError:
        raise UnpatchableError(f"there is no {name}") from None
    if len(content) > _SMALL_PART_MAX:
        raise UnpatchableError(f"{name} is too large")
    return content


def read_xml(archive: zipfile.ZipFile, name: str) -> ET.Element:
    """A small part, parsed."""
    return parsed(small_part(archive, name))


def parsed(content: bytes) -> ET.Element:
    """XML without a document type: no workbook needs one, and refusing it takes entity bombs away."""
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise UnpatchableError("a document type")
    try:
        return ET.fromstring(content)  # noqa: S314 - entities were refused above
    except ET.ParseError as error:
        raise UnpatchableError("a part is no XML") from error


def utf8(content: bytes) -> str:
    """The text of a part that is edited as text."""
    head = content[:200].lower()
    if b"encoding" in head and b"utf-8" not in head:
        raise UnpatchableError("a part is not in UTF-8")
    try:
        return content.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnpatchableError("a part is not in UTF-8") from error


def with_types(content: bytes, comments: list[str]) -> bytes:
    """[Content_Types].xml with these parts of comments, and drawings of the kind that shows them."""
    xml = utf8(content)
    end = re.search(r"</(\w+:)?Types>", xml)
    if end is None:
        raise UnpatchableError("the content types have no end")
    p = end[1] or ""
    kind = "application/vnd.openxmlformats-officedocument"
    added = (
        ""
        if re.search(r'Extension="vml"', xml, re.IGNORECASE)
        else (f'<{p}Default Extension="vml" ContentType="{kind}.vmlDrawing"/>')
    )
    # Defaults stand before overrides in no fixed order: the schema is a choice.
    for part in comments:
        if f'PartName="/{part}"' not in xml:
            added += f'<{p}Override PartName={quoteattr("/" + part)} ContentType="{kind}.spreadsheetml.comments+xml"/>'
    return (xml[: end.start()] + added + xml[end.start() :]).encode()


def _relations(content: bytes, folder: str) -> dict[str, tuple[str, str]]:
    found = {}
    for one in parsed(content):
        if one.get("TargetMode") == "External":
            continue
        target = one.get("Target", "")
        part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        found[one.get("Id", "")] = (one.get("Type", ""), part)
    return found
