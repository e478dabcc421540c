"""What python-docx has no words for: exact type, ruled tables, page numbers by side, fallback fonts."""

from collections.abc import Sequence
from typing import Any

from docx.document import Document as WordFile
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.oxml.ns import nsmap
from docx.oxml.parser import oxml_parser
from docx.section import Section
from docx.shared import Emu, Mm
from docx.text.paragraph import Paragraph

from toilet_api.reporting.documents import official
from toilet_api.reporting.documents.official import FACES, FANG, Face
from toilet_api.reporting.documents.wording import legible

_NAMESPACES = {"w": nsmap["w"]}
_SPACE = f"{{{nsmap['w']}}}"
_TWIPS_MM = 1440 / 25.4
_TIGHT = -5
"""Twentieths of a point between characters of 3号: 16 pt type in a line of 156 mm makes 28 of them."""
SIDES = ("top", "left", "bottom", "right")


def element(tag: str, **attributes: Any) -> Any:
    """`w:tag` with attributes of the same namespace."""
    # By the parser itself: python-docx's own OxmlElement takes twice as long, and a table has thousands.
    named = {f"{_SPACE}{name}": str(value) for name, value in attributes.items()}
    return oxml_parser.makeelement(f"{_SPACE}{tag}", named, nsmap=_NAMESPACES)


def twips(points: float) -> int:
    """Twentieths of a point."""
    return round(points * 20)


def properties(
    *,
    align: str = "both",
    line: float = official.LINE_PT,
    before: float = 0,
    after: float = 0,
    indent: float = 0,
    left: float = 0,
    right: float = 0,
    keep: bool = False,
    border: str = "",
) -> Any:
    """The properties of a paragraph. `indent`, `left`, `right` in points; `border`: the colour of a rule below it."""
    made = element("pPr")
    if keep:
        made.append(element("keepNext"))
    made.append(element("widowControl", val=0))  # each page holds its 22 lines
    if border:
        rules = element("pBdr")
        rules.append(element("bottom", val="single", sz=12, space=6, color=border))
        made.append(rules)
    made.append(element("snapToGrid", val=0))
    made.append(element("spacing", before=twips(before), after=twips(after), line=twips(line), lineRule="exact"))
    if indent or left or right:
        made.append(element("ind", left=twips(left), right=twips(right), firstLine=twips(indent)))
    made.append(element("jc", val=align))
    return made


def run(
    text: str, face: Face = FANG, size: float = official.BODY_PT, *, color: str = "", bold: bool = False, tight: int = 0
) -> Any:
    """A run of text in one type."""
    made, looks = element("r"), element("rPr")
    looks.append(
        element("rFonts", ascii=official.DIGITS, hAnsi=official.DIGITS, eastAsia=face.name, cs=official.DIGITS)
    )
    if bold:
        looks.append(element("b"))
    if color:
        looks.append(element("color", val=color))
    if tight:
        looks.append(element("spacing", val=tight))
    looks.append(element("sz", val=round(size * 2)))
    looks.append(element("szCs", val=round(size * 2)))
    made.append(looks)
    words = element("t")
    words.text = legible(text)
    words.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    made.append(words)
    return made


def paragraph(text: str, face: Face = FANG, size: float = official.BODY_PT, *, lead: Any = None, **how: Any) -> Any:
    """A paragraph of one type; `lead` is a run before it. `color`, `bold`, and the members of `properties`."""
    made = element("p")
    looks = {name: how.pop(name) for name in ("color", "bold") if name in how}
    made.append(properties(**how))
    if lead is not None:
        made.append(lead)
    made.append(run(text, face, size, tight=_TIGHT if size == official.BODY_PT else 0, **looks))
    return made


def lead(text: str, face: Face) -> Any:
    """The small heading at the beginning of a paragraph."""
    return run(text, face, tight=_TIGHT)


def append(file: WordFile, *made: Any) -> None:
    """Put elements at the end of the file's body."""
    body = file.element.body
    for one in made:
        body.insert_element_before(one, "w:sectPr")


def table_of(
    widths_mm: Sequence[float],
    *,
    ruled: bool = False,
    at_bottom: bool = False,
) -> Any:
    """A table with fixed columns. `at_bottom`: it stands at the foot of the type area, whatever is above."""
    made, looks = element("tbl"), element("tblPr")
    if at_bottom:
        apart = {"leftFromText": 0, "rightFromText": 0}
        looks.append(element("tblpPr", **apart, vertAnchor="margin", horzAnchor="margin", tblpYSpec="bottom"))
    looks.append(element("tblW", w=round(sum(widths_mm) * _TWIPS_MM), type="dxa"))
    looks.append(element("jc", val="center"))
    if ruled:
        borders = element("tblBorders")
        for side in (*SIDES, "insideH", "insideV"):
            borders.append(element(side, val="single", sz=4, space=0, color="000000"))
        looks.append(borders)
    looks.append(element("tblLayout", type="fixed"))
    margins = element("tblCellMar")
    for side in ("left", "right"):
        margins.append(element(side, w=40 if ruled else 0, type="dxa"))
    looks.append(margins)
    made.append(looks)
    grid = element("tblGrid")
    for width in widths_mm:
        grid.append(element("gridCol", w=round(width * _TWIPS_MM)))
    made.append(grid)
    return made


def row(cells: Sequence[Any], *, is_heading: bool = False, height: float = 0, rule: str = "atLeast") -> Any:
    """A row that isn't broken over pages; a heading comes again on each. `height` in points."""
    made, looks = element("tr"), element("trPr")
    looks.append(element("cantSplit"))
    if height:
        looks.append(element("trHeight", val=twips(height), hRule=rule))
    if is_heading:
        looks.append(element("tblHeader"))
    made.append(looks)
    for one in cells:
        made.append(one)
    return made


def cell(
    content: Any,
    width_mm: float,
    *more: Any,
    columns: int = 1,
    merge: str = "",
    borders: dict[str, int] | None = None,
) -> Any:
    """A cell of a paragraph, or `more`. `merge`: restart or continue, downward; `borders`: side -> 1/8 pt."""
    made, looks = element("tc"), element("tcPr")
    looks.append(element("tcW", w=round(width_mm * _TWIPS_MM), type="dxa"))
    if columns > 1:
        looks.append(element("gridSpan", val=columns))
    if merge:
        looks.append(element("vMerge", val=merge))
    if borders:
        rules = element("tcBorders")
        for side, size in borders.items():
            rules.append(element(side, val="single", sz=size, space=0, color="000000"))
        looks.append(rules)
    looks.append(element("vAlign", val="center"))
    made.append(looks)
    made.append(content)
    for one in more:
        made.append(one)
    return made


def portrait(section: Section) -> None:
    """A4 with the margins of official papers."""
    top, right, bottom, left = official.MARGINS_MM
    width, height = official.PAGE_MM
    _size(section, width, height, (top, right, bottom, left))
    section.orientation = WD_ORIENT.PORTRAIT
    # 一字线上距版心下边缘 7 mm (7.5)
    section.footer_distance = Mm(bottom - 7 - 5)


def landscape(section: Section, paper: str) -> tuple[int, int]:
    """A4 or A3 lying; answers the width and height of the type area in mm."""
    width, height = (297, 210) if paper == "A4" else (420, 297)
    _size(section, width, height, (20, 15, 18, 15))
    section.orientation = WD_ORIENT.LANDSCAPE
    section.footer_distance = Mm(9)
    return width - 30, height - 38


def _size(section: Section, width: float, height: float, margins: tuple[float, float, float, float]) -> None:
    section.page_width, section.page_height = Mm(width), Mm(height)
    names = ("top_margin", "right_margin", "bottom_margin", "left_margin")
    for name, value in zip(names, margins, strict=True):
        setattr(section, name, Mm(value))
    section.gutter = Emu(0)


def new_section(file: WordFile) -> Section:
    """What follows stands on pages of its own."""
    made: Section = file.add_section(WD_SECTION.NEW_PAGE)
    return made


def number_pages(file: WordFile) -> None:
    """— 1 — in 4号宋体, at the right on odd pages, at the left on even ones (7.5); it runs on through the annexes."""
    file.settings.odd_and_even_pages_header_footer = True
    section = file.sections[0]
    for footer, align in ((section.footer, "right"), (section.even_page_footer, "left")):
        footer.is_linked_to_previous = False
        place: Paragraph = footer.paragraphs[0]
        inner = place._p
        for child in list(inner):
            inner.remove(child)
        inner.append(properties(align=align, line=16, left=14, right=14))
        for part in ("— ", "PAGE", " —"):
            inner.append(_page_field() if part == "PAGE" else run(part, official.SONG, official.SMALL_PT))


def _page_field() -> Any:
    field = element("fldSimple", instr="PAGE")
    field.append(run("1", official.SONG, official.SMALL_PT))
    return field


def name_fallbacks(file: WordFile) -> None:
    """Tell what may stand in for each typeface where it isn't installed."""
    table = next(part for part in file.part.package.iter_parts() if str(part.partname).endswith("/fontTable.xml"))
    fonts = "".join(
        f'<w:font w:name="{face.name}"><w:altName w:val="{",".join(face.instead)}"/><w:charset w:val="86"/>'
        '<w:family w:val="auto"/><w:pitch w:val="variable"/></w:font>'
        for face in FACES
    )
    namespace = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    table._blob = (  # it is opaque to python-docx
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:fonts {namespace}>{fonts}</w:fonts>'.encode()
    )
