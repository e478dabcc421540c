"""The sheet with a document's text, in merged rows as wide as the page."""

from math import ceil
from typing import Any

import xlsxwriter

from toilet_api.reporting.documents import official
from toilet_api.reporting.documents.content import Document, Heading, Paragraph, Table
from toilet_api.reporting.documents.official import FANG, HEI, KAI, SONG_TITLE
from toilet_api.reporting.documents.sheet_cells import PAPER, Formats, breadth
from toilet_api.reporting.documents.wording import day

_TEXT_COLUMNS, _TEXT_WIDTH = 12, 7.2
_TEXT_CHARACTERS = 33
"""Full-width characters of 14 pt in a line; a little fewer than fit, so that no line is hidden."""


class TextSheet:
    """The sheet with the text, in merged rows as wide as the page."""

    def __init__(self, book: xlsxwriter.Workbook, formats: Formats, document: Document) -> None:
        self._sheet, self._formats, self._document = book.add_worksheet("正文"), formats, document
        self._row = 0

    def write(self) -> None:
        """From the head to the notes."""
        document, sheet = self._document, self._sheet
        sheet.set_paper(PAPER["A4"])
        sheet.set_margins(left=1.1, right=1.02, top=1.2, bottom=1.2)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer('&C&"宋体"&14— &P —')
        sheet.hide_gridlines(2)
        sheet.set_column(0, _TEXT_COLUMNS - 1, _TEXT_WIDTH)
        self._head()
        self._line("", height=6, bottom=2, bottom_color=f"#{official.RED}")
        self._paragraph(document.title, SONG_TITLE, 20, align="center", per_line=22, before=18)
        if official.addressed_above(document):
            self._paragraph("、".join(document.addressees) + "：")
        for block in document.body:
            if isinstance(block, Heading):
                self._paragraph(f"　　{block.text}", HEI if block.level == 1 else KAI)
            elif isinstance(block, Paragraph):
                self._with_lead(block)
            elif isinstance(block, Table):
                self._paragraph(f"　　（见工作表“{block.title}”）", size=12)
        for place, name in enumerate(official.annex_list(document)):
            self._paragraph(f"　　附件：{name}" if place == 0 else f"　　　　　{name}")
        if document.is_sealed:
            for issuer in document.head.issuers:
                self._line(f"{issuer}　　", size=14, align="right", height=30)
            self._line(f"{day(document.dated)}　　　　", size=14, align="right", height=30)
        if document.notes:
            self._paragraph(f"（{'；'.join(document.notes)}）", size=11, per_line=42)
        self._imprint()
        sheet.print_area(0, 0, self._row - 1, _TEXT_COLUMNS - 1)

    def _head(self) -> None:
        document, head = self._document, self._document.head
        red = {"font_color": f"#{official.RED}", "align": "center", "bold": True}
        if head.style == "bulletin":
            self._line(head.masthead, SONG_TITLE, 28, height=48, **red)
            self._line(official.number_line(document), size=14, align="center")
            self._sides("　".join(head.issuers), day(document.dated))
        else:
            size = 28 if len(head.issuers) == 1 else 20
            for place, issuer in enumerate(head.issuers):
                name = f"{issuer}文件" if place == len(head.issuers) - 1 else issuer
                self._line(name, SONG_TITLE, size, height=size * 1.5, **red)
            if head.is_upward:
                self._sides(official.number_line(document), "签发人：　　　　")
            else:
                self._line(official.number_line(document), size=14, align="center")

    def _line(
        self, text: str, face: official.Face = FANG, size: float = 14, *, height: float = 22, **looks: Any
    ) -> None:
        self._sheet.set_row(self._row, height)
        form = self._formats(face, size, text_wrap=True, **looks)
        self._sheet.merge_range(self._row, 0, self._row, _TEXT_COLUMNS - 1, "", form)
        if text:
            self._sheet.write_string(self._row, 0, text, form)
        self._row += 1

    def _sides(self, left: str, right: str) -> None:
        middle = _TEXT_COLUMNS * 2 // 3
        for first, last, text, align in ((0, middle - 1, left, "left"), (middle, _TEXT_COLUMNS - 1, right, "right")):
            form = self._formats(FANG, 14, align=align)
            self._sheet.merge_range(self._row, first, self._row, last, "", form)
            self._sheet.write_string(self._row, first, text, form)
        self._sheet.set_row(self._row, 24)
        self._row += 1

    def _paragraph(
        self,
        text: str,
        face: official.Face = FANG,
        size: float = 14,
        *,
        align: str = "left",
        per_line: int = _TEXT_CHARACTERS,
        before: float = 0,
    ) -> None:
        # Excel doesn't fit merged rows itself, and shows 409 points at most: a long paragraph takes several rows.
        lines_max = int((409 - before) // (size * 1.6))
        for part, lines in _rows_of(text, per_line, lines_max):
            self._line(part, face, size, align=align, height=lines * size * 1.6 + before)

    def _with_lead(self, block: Paragraph) -> None:
        if block.lead:
            self._paragraph(f"　　{block.lead}", KAI)
        self._paragraph(f"　　{block.text}")

    def _imprint(self) -> None:
        imprint = self._document.imprint
        for place, text in enumerate(official.imprint_lines(self._document)):
            self._line(f"　{text}", size=12, height=20 * ceil(breadth(text) / 38), top=2 if place == 0 else 0)
        self._line(f"　{imprint.office}　　{day(self._document.dated)}印发", size=12, top=1, bottom=2)


def _rows_of(text: str, per_line: float, lines_max: int) -> list[tuple[str, int]]:
    """A text in parts of so many lines at most, each with how many it takes."""
    made, part, taken = [], "", 0.0
    for letter in text:
        if taken + breadth(letter) > per_line * lines_max:
            made.append((part, lines_max))
            part, taken = "", 0.0
        part, taken = part + letter, taken + breadth(letter)
    return [*made, (part, max(1, ceil(taken / per_line)))]
