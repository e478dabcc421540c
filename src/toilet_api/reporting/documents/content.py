"""What an official document consists of, whatever file it becomes: the renderers know nothing of toilets.

The parts are those of GB/T 9704-2012《党政机关公文格式》7: head (版头), body (主体), imprint (版记).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from toilet_api.reporting.documents.wording import Share, numeral

Cell = str | int | Share | date | None
"""None is an empty cell."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `width` is in full-width characters; `group` stands above columns that belong together."""

    title: str
    width: float = 4.0
    group: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption, unit, total and note."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] | None = None
    unit: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        for row in (*self.rows, *((self.total,) if self.total else ())):
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {self.title!r} has {len(row)} cells for {len(self.columns)} columns")


@dataclass(frozen=True, slots=True)
class Series:
    """One row of bars: counts, or shares. None has no bar."""

    name: str
    values: tuple[int | Share | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars, one of each series for each label."""

    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    description: str = ""

    @property
    def in_percent(self) -> bool:
        """Whether the bars are shares."""
        return any(isinstance(value, Share) for one in self.series for value in one.values)


@dataclass(frozen=True, slots=True)
class Heading:
    """一、 (level 1) or （一） (level 2), numbered already."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; `lead` is its own small heading, in the same line."""

    text: str
    lead: str = ""


Block = Heading | Paragraph | Table | Chart


@dataclass(frozen=True, slots=True)
class Annex:
    """附件: a table on pages of its own, landscape, with lines to sign on."""

    name: str
    """How sheets and references call it: 附表1 摸排情况."""
    table: Table
    paper: Literal["A3", "A4"] = "A4"


@dataclass(frozen=True, slots=True)
class Head:
    """版头. `papers` 文件: the names of all who issue it, with 文件; `bulletin` 简报: a masthead and an issue."""

    style: Literal["papers", "bulletin"]
    issuers: tuple[str, ...]
    number: str = ""
    """发文字号 or 期号; empty: to be filled in by hand."""
    masthead: str = ""
    is_upward: bool = False
    """上行文: the number stands to the left, and who signs (签发人) to the right (7.2.5, 7.2.6)."""


@dataclass(frozen=True, slots=True)
class Imprint:
    """版记 (7.4)."""

    copies_to: tuple[str, ...]
    copies_label: str
    office: str


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document."""

    file_name: str
    """Without the ending."""
    head: Head
    title: str
    body: tuple[Block, ...]
    dated: date
    imprint: Imprint
    addressees: tuple[str, ...] = ()
    annexes: tuple[Annex, ...] = ()
    notes: tuple[str, ...] = ()
    """附注: where the figures come from and how they are counted."""
    is_sealed: bool = True
    """Ends with the names of who issues it, and room for their seals; a bulletin doesn't."""


@dataclass
class Body:
    """Writes a body from top to bottom and numbers its headings."""

    blocks: list[Block] = field(default_factory=list)
    _first: int = 0
    _second: int = 0

    def heading(self, text: str) -> None:
        """一、…"""
        self._first, self._second = self._first + 1, 0
        self.blocks.append(Heading(f"{numeral(self._first)}、{text}"))

    def point(self, lead: str, text: str) -> None:
        """（一）… with its text in the same paragraph."""
        self._second += 1
        self.blocks.append(Paragraph(text, f"（{numeral(self._second)}）{lead}。"))

    def say(self, *sentences: str) -> None:
        """A paragraph of these sentences; nothing where there are none."""
        text = "".join(one for one in sentences if one)
        if text:
            self.blocks.append(Paragraph(text))

    def show(self, *blocks: Block) -> None:
        """Tables and charts."""
        self.blocks.extend(blocks)

    def done(self) -> tuple[Block, ...]:
        """What was written."""
        return tuple(self.blocks)


def summed(rows: Sequence[Sequence[Cell]], label: str) -> tuple[Cell, ...]:
    """The total of rows: counts added up, shares of the sums; other cells stay empty."""
    made: list[Cell] = [label]
    for cells in list(zip(*rows, strict=True))[1:]:
        if cells and all(isinstance(one, Share) for one in cells):
            shares = [one for one in cells if isinstance(one, Share)]
            made.append(Share(sum(one.part for one in shares), sum(one.whole for one in shares)))
        elif cells and all(isinstance(one, int) for one in cells):
            made.append(sum(one for one in cells if isinstance(one, int)))
        else:
            made.append(None)
    return tuple(made)
