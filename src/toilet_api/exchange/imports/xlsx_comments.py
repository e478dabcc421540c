"""Comments of a sheet: those that people wrote stay, those of an earlier report go, those of this one come."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from toilet_api.exchange.imports.marks import AUTHOR, column_index
from toilet_api.exchange.imports.xlsx_parts import UnpatchableError, parsed

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_NS = f"{{{_MAIN}}}"
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_SHAPES_A_BLOCK = 1_024
"""The numbers of shapes that belong to one number of `idmap`."""
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(slots=True)
class Comment:
    """One comment. `text` is its content as XML: runs, or one plain text."""

    row: int
    column: int
    author: str
    text: str

    @property
    def reference(self) -> str:
        return f"{letters(self.column)}{self.row}"


def letters(column: int) -> str:
    """0 -> A, 26 -> AA."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def note(row: int, column: int, text: str) -> Comment:
    """A comment of ours."""
    plain = escape(_CONTROL.sub("", text))
    run = f'<r><rPr><sz val="9"/></rPr><t xml:space="preserve">{plain}</t></r>'
    return Comment(row, column, AUTHOR, run)


def stored(content: bytes) -> list[Comment]:
    """The comments of a part, without those of an earlier report."""
    root = parsed(content)
    authors = [one.text or "" for one in root.iter(f"{_NS}author")]
    found = []
    for one in root.iter(f"{_NS}comment"):
        match = _REFERENCE.fullmatch(one.get("ref", ""))
        text = one.find(f"{_NS}text")
        index = int(one.get("authorId", "0"))
        if match is None or text is None or index >= len(authors):
            raise UnpatchableError("a comment that is written in an unusual way")
        if authors[index] != AUTHOR:
            found.append(Comment(int(match[2]), column_index(match[1]), authors[index], "".join(map(_plain, text))))
    return found


def joined(there: Sequence[Comment], new: Sequence[Comment]) -> list[Comment]:
    """A cell has one comment: ours stands before what a person wrote."""
    cells = {(one.row, one.column): one for one in there}
    for one in new:
        old = cells.get((one.row, one.column))
        if old is not None:
            runs = old.text if old.text.startswith("<r>") else f"<r>{old.text}</r>"
            one = Comment(one.row, one.column, old.author, f"{one.text}{_LINE}{runs}")
        cells[one.row, one.column] = one
    return [cells[key] for key in sorted(cells)]


_LINE = '<r><t xml:space="preserve">\n</t></r>'


def comments_part(comments: Sequence[Comment]) -> Iterator[bytes]:
    """xl/comments*.xml."""
    authors = list(dict.fromkeys(one.author for one in comments))
    yield f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<comments xmlns="{_MAIN}"><authors>'.encode()
    yield "".join(f"<author>{escape(author)}</author>" for author in authors or [AUTHOR]).encode()
    yield b"</authors><commentList>"
    for one in comments:
        where = f'ref="{one.reference}" authorId="{authors.index(one.author)}"'
        yield f"<comment {where}><text>{one.text}</text></comment>".encode()
    yield b"</commentList></comments>"


def drawing_part(comments: Sequence[Comment], block: int) -> Iterator[bytes]:
    """The drawing that shows them. `block`: the first number of `idmap` that no other sheet uses."""
    blocks = ",".join(str(block + one) for one in range(blocks_of(comments)))
    yield (
        '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
        ' xmlns:x="urn:schemas-microsoft-com:office:excel"><o:shapelayout v:ext="edit">'
        f'<o:idmap v:ext="edit" data={quoteattr(blocks)}/></o:shapelayout>'
        '<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
        '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
    ).encode()
    for index, one in enumerate(comments, 1):
        left, top = one.column + 1, max(one.row - 2, 0)
        yield (
            f'<v:shape id="_x0000_s{block * _SHAPES_A_BLOCK + index}" type="#_x0000_t202"'
            ' style="position:absolute;width:180pt;height:70pt;z-index:1;visibility:hidden"'
            ' fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/>'
            '<v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/>'
            '<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox>'
            '<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
            f"<x:Anchor>{left}, 15, {top}, 10, {left + 4}, 15, {top + 5}, 4</x:Anchor>"
            f"<x:AutoFill>False</x:AutoFill><x:Row>{one.row - 1}</x:Row><x:Column>{one.column}</x:Column>"
            "</x:ClientData></v:shape>"
        ).encode()
    yield b"</xml>"


def blocks_of(comments: Sequence[Comment]) -> int:
    """How many numbers of `idmap` a sheet with these comments uses."""
    return len(comments) // _SHAPES_A_BLOCK + 1


def only_notes(content: bytes) -> bool:
    """Whether a drawing shows comments alone: buttons and the like would be lost with it."""
    kinds = set(re.findall(rb'ObjectType="(\w+)"', content))
    return kinds <= {b"Note"}


def _plain(one: ET.Element) -> str:
    """A run or text in the main namespace, as it stands in a part that has it as its default."""
    inner = "".join(map(_plain, one))
    if not one.tag.startswith(_NS):
        return inner
    name = one.tag.removeprefix(_NS)
    if name in ("phoneticPr", "rPh"):
        return ""
    kept = "".join(f" {key}={quoteattr(value)}" for key, value in one.attrib.items() if not key.startswith("{"))
    if name == "t":
        return f'<t xml:space="preserve">{escape(one.text or "")}</t>'
    return f"<{name}{kept}>{inner}</{name}>" if inner else f"<{name}{kept}/>"
