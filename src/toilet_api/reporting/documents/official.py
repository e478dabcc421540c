"""The layout of official papers, by clause of GB/T 9704-2012《党政机关公文格式》. Millimetres and points.

Sizes of type by their Chinese names: 2号 22 pt, 3号 16 pt, 4号 14 pt, 小5号 9 pt, 1号 26 pt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from toilet_api.reporting.documents.content import Cell, Column, Document, Table
from toilet_api.reporting.documents.wording import Share, day

PAGE_MM = (210, 297)
MARGINS_MM = (37, 26, 35, 28)
"""Top, right, bottom, left: 天头 37, 订口 28, and what a type area of 156 by 225 leaves (5.2.1)."""
TEXT_MM = 156
ADDRESSEES_MAX = 84
"""Three lines of addressees; more go to the imprint."""
LINES, CHARACTERS = 22, 28
"""Lines a page and characters a line (5.2.3)."""
TITLE_CHARACTERS = 18
"""A longer title is broken into lines."""
LINE_PT = 28
BODY_PT, TITLE_PT, SMALL_PT, TABLE_PT = 16, 22, 14, 10.5
FIRST_LINE_MM = 35
"""The upper edge of 发文机关标志 below that of the type area (7.2.4)."""
RED = "E60012"
CHART_COLORS = ("#2563A8", "#14604F", "#C2410C")


@dataclass(frozen=True, slots=True)
class Face:
    """A typeface by the name that Chinese offices have it under, and what may stand in for it."""

    name: str
    instead: tuple[str, ...]


SONG_TITLE = Face(
    "方正小标宋简体", ("方正小标宋_GBK", "FZXiaoBiaoSong-B05S", "华文中宋", "STZhongsong", "宋体", "SimSun")
)
FANG = Face("仿宋_GB2312", ("仿宋", "FangSong", "FangSong_GB2312", "华文仿宋", "STFangsong"))
HEI = Face("黑体", ("SimHei", "华文黑体", "STHeiti"))
KAI = Face("楷体_GB2312", ("楷体", "KaiTi", "KaiTi_GB2312", "华文楷体", "STKaiti"))
SONG = Face("宋体", ("SimSun", "华文宋体", "STSong"))
FACES = (SONG_TITLE, FANG, HEI, KAI, SONG)
DIGITS = "Times New Roman"

NUMBER_BLANK, ISSUE_BLANK = "〔　　　　〕　　号", "第　　期"
"""Where no number was given: filled in by hand."""
SIGNATURES = ("填表人：", "审核人：", "负责人（签章）：", "填表日期：　　年　月　日")


def number_line(document: Document) -> str:
    """发文字号 or 期号."""
    head = document.head
    return head.number or (ISSUE_BLANK if head.style == "bulletin" else NUMBER_BLANK)


TEXT_PT = TEXT_MM / 25.4 * 72
"""The width of the type area in points."""


def masthead_pt(masthead: str) -> float:
    """The size at which a masthead stands in one line, at most 42 pt."""
    return min(42.0, int(TEXT_PT / max(1, len(masthead))))


def issuer_pt(issuers: Sequence[str]) -> float:
    """The size at which the names of who issues stand in the head: as large as the type area allows, at most 42 pt.

    With 文件 at their right (two characters of that size and a gap), smaller the more names there are.
    """
    widest = max(len(name) for name in issuers) + 2.6
    return min(42.0, round(TEXT_PT / widest * 2) / 2, 90 / len(issuers))


def addressed_above(document: Document) -> tuple[str, ...]:
    """Whom it goes to, above the text; none where they would leave no room for it on the first page (7.3.2)."""
    return document.addressees if len("、".join(document.addressees)) <= ADDRESSEES_MAX else ()


def imprint_lines(document: Document) -> tuple[str, ...]:
    """Whom it goes to, if that isn't said above, and who gets copies (7.4.2)."""
    moved = () if addressed_above(document) else document.addressees
    given = (("主送", moved), (document.imprint.copies_label, document.imprint.copies_to))
    return tuple(f"{label}：{'，'.join(names)}。" for label, names in given if names)


def shown(cell: Cell) -> str:
    """A cell as people read it."""
    if cell is None:
        return ""
    return day(cell) if isinstance(cell, date) else str(cell)


def is_figure(cell: Cell) -> bool:
    """Whether a cell is a count or a share; the others are texts."""
    return isinstance(cell, int | Share)


@dataclass(frozen=True, slots=True)
class HeadingCell:
    """A cell of a table's heading: where it begins, and how many rows and columns it takes."""

    title: str
    row: int
    column: int
    rows: int = 1
    columns: int = 1


def heading(columns: Sequence[Column]) -> tuple[int, list[HeadingCell]]:
    """(rows of the heading, its cells): columns of a group share a cell above them."""
    depth = 2 if any(column.group for column in columns) else 1
    cells: list[HeadingCell] = []
    place = 0
    while place < len(columns):
        column = columns[place]
        if not column.group:
            cells.append(HeadingCell(column.title, 0, place, rows=depth))
            place += 1
            continue
        end = place
        while end < len(columns) and columns[end].group == column.group:
            cells.append(HeadingCell(columns[end].title, 1, end))
            end += 1
        cells.append(HeadingCell(column.group, 0, place, columns=end - place))
        place = end
    return depth, sorted(cells, key=lambda cell: (cell.row, cell.column))


def annex_list(document: Document) -> tuple[str, ...]:
    """附件说明 (7.3.4): numbered where there are several, without a mark at the end."""
    titles = [annex.table.title for annex in document.annexes]
    return tuple(titles) if len(titles) < 2 else tuple(f"{number}. {title}" for number, title in enumerate(titles, 1))


def annex_label(document: Document, place: int) -> str:
    """附件, or 附件1 where there are several (7.3.7)."""
    return "附件" if len(document.annexes) == 1 else f"附件{place + 1}"


def widths(table: Table) -> list[float]:
    """The share of the table's width that each column takes; adds up to 1."""
    total = sum(column.width for column in table.columns)
    return [column.width / total for column in table.columns]


def title_lines(title: str, longest: int = TITLE_CHARACTERS) -> list[str]:
    """A long title in lines of like length, the first one longer: 词意完整，排列对称，长短适宜 (7.3.1).

    Broken after 关于…, 的, 情况 or a bracket where one of them is near, never inside of a number.
    """
    if len(title) <= longest:
        return [title]
    middle = len(title) / 2
    ends = [
        place
        for place in range(1, len(title))
        if title[:place].endswith(("期", "周", "月", "市", "县", "户厕", "整改"))
    ]
    near = [place for place in ends if max(place, len(title) - place) <= longest]
    place = min(near, key=lambda one: (abs(one - middle), -one)) if near else min(round(middle), longest)
    return [title[:place], *title_lines(title[place:], longest)]
