"""A document as DOCX, by GB/T 9704-2012 as far as a word processor goes."""

import io
from datetime import datetime, time
from math import ceil
from typing import Any

import docx
from docx.document import Document as WordFile

from toilet_api.kernel.fields import SHANGHAI
from toilet_api.reporting.documents import official, word_parts
from toilet_api.reporting.documents.content import Annex, Block, Chart, Document, Heading, Paragraph
from toilet_api.reporting.documents.official import BODY_PT, FANG, HEI, KAI, LINE_PT, RED, SMALL_PT, SONG_TITLE
from toilet_api.reporting.documents.word_chart import chart_element
from toilet_api.reporting.documents.word_parts import append, cell, paragraph, row, table_of
from toilet_api.reporting.documents.word_tables import captioned, note_below, ruled_table
from toilet_api.reporting.documents.wording import day, legible

_TEXT = official.TEXT_MM
_THICK, _THIN = 8, 6
"""Rules of 0.35 and 0.25 mm, in eighths of a point (7.4.1)."""
_SEAL_PT = 119
"""A seal is 42 mm across; seals don't touch (7.3.5.1)."""
_PAIR = 2
_IMPRINT_LINE = 24
_WIDE = 0.69
"""How much of a bulletin's line its office may take; the date takes the rest."""


def word(document: Document) -> bytes:
    """The file."""
    file = docx.Document()
    for one in list(file.element.body):
        if not one.tag.endswith("sectPr"):
            file.element.body.remove(one)
    _describe(file, document)
    word_parts.portrait(file.sections[0])
    word_parts.number_pages(file)
    word_parts.name_fallbacks(file)
    append(file, *_head(document), *_title(document))
    charts = 0
    for block in document.body:
        charts += isinstance(block, Chart)
        # The names that issue it stand on a page with text (7.3.5.5).
        append(file, *_block(file, block, charts, keep=document.is_sealed and block is document.body[-1]))
    append(file, *_annex_list(document), *_signature(document), *_notes(document))
    for place, annex in enumerate(document.annexes):
        append(file, *_annex(document, annex, place, word_parts.landscape(word_parts.new_section(file), annex.paper)))
    if document.annexes:
        word_parts.portrait(word_parts.new_section(file))
    append(file, *_imprint(document))
    out = io.BytesIO()
    file.save(out)
    return out.getvalue()


def _describe(file: WordFile, document: Document) -> None:
    about = file.core_properties
    about.title, about.author = legible(document.title), legible("、".join(document.head.issuers))[:255]
    about.comments, about.language = "", "zh-CN"
    about.created = about.modified = datetime.combine(document.dated, time(), SHANGHAI)
    about.last_modified_by = ""


def _head(document: Document) -> list[Any]:
    head = document.head
    if head.style == "bulletin":
        size = official.masthead_pt(head.masthead)
        issuers = "　".join(head.issuers)
        small = min(SMALL_PT, int(2 * (official.TEXT_PT * _WIDE - SMALL_PT) / len(issuers)) / 2)
        sides = _sides(issuers, day(document.dated), max(10, small), _WIDE)
        return [
            paragraph(head.masthead, SONG_TITLE, size, color=RED, align="center", line=size * 1.4, bold=True),
            paragraph(official.number_line(document), align="center", before=8, after=8),
            sides,
            _rule(),
        ]
    made: list[Any] = [paragraph("", line=LINE_PT, before=official.FIRST_LINE_MM / 25.4 * 72 - LINE_PT)]
    made.append(_mark(head.issuers))
    number = official.number_line(document)
    made.append(paragraph("", line=2 * LINE_PT))
    if head.is_upward:
        made.append(_sides(number, "签发人：　　　　"))
    else:
        made.append(paragraph(number, align="center"))
    return [*made, _rule()]


def _rule() -> Any:
    """The red rule, 4 mm below the number (7.2.7)."""
    return paragraph("", size=2, line=4, border=RED)


def _mark(issuers: tuple[str, ...]) -> Any:
    """发文机关标志: names under each other, as wide as the widest, and 文件 at their right, in the middle (7.2.4)."""
    size = official.issuer_pt(issuers)
    words = size * 2.4 / 72 * 25.4
    names = min(_TEXT - words, max(len(name) for name in issuers) * size / 72 * 25.4 + 2)
    side = (_TEXT - names - words) / 2
    made = table_of([side, names, words, side])
    for place, name in enumerate(issuers):
        merge = "restart" if place == 0 else "continue"
        looks = {"color": RED, "bold": True, "line": size * 1.3}
        blank = paragraph("", size=size, line=size * 1.3)
        title = paragraph("文件" if place == 0 else "", SONG_TITLE, size, align="right", **looks)
        made.append(
            row(
                [
                    cell(blank, side),
                    cell(paragraph(name, SONG_TITLE, size, align="distribute", **looks), names),
                    cell(title, words, merge=merge),
                    cell(paragraph("", size=size, line=size * 1.3), side),
                ]
            )
        )
    return made


def _sides(left: str, right: str, size: float = BODY_PT, share: float = 0.6) -> Any:
    """One thing at the left, in `share` of the width, another at the right, near the edges."""
    pad = size if size == BODY_PT else size / 2
    widths = (_TEXT * share, _TEXT * (1 - share))
    made = table_of(widths)
    made.append(
        row(
            [
                cell(paragraph(left, size=size, align="left", left=pad), widths[0]),
                cell(paragraph(right, size=size, align="right", right=pad), widths[1]),
            ]
        )
    )
    return made


def _title(document: Document) -> list[Any]:
    """Two lines below the rule (7.3.1), then a line, then whom it goes to (7.3.2)."""
    made = [paragraph("", line=LINE_PT * (1 if document.head.style == "bulletin" else 2))]
    made += [
        paragraph(one, SONG_TITLE, official.TITLE_PT, align="center", line=34)
        for one in official.title_lines(document.title)
    ]
    made.append(paragraph("", line=LINE_PT))
    if official.addressed_above(document):
        made.append(paragraph("、".join(document.addressees) + "：", align="left"))
    return made


def _block(file: WordFile, block: Block, number: int, *, keep: bool) -> list[Any]:
    if isinstance(block, Heading):
        face = HEI if block.level == 1 else KAI
        return [paragraph(block.text, face, indent=2 * BODY_PT, align="left", keep=True)]
    if isinstance(block, Paragraph):
        small = word_parts.lead(block.lead, KAI) if block.lead else None
        return [paragraph(block.text, indent=2 * BODY_PT, lead=small, keep=keep)]
    if isinstance(block, Chart):
        frame = word_parts.element("p")
        frame.append(_loose())
        holder = word_parts.element("r")
        holder.append(chart_element(file, block, number))
        frame.append(holder)
        return [paragraph(block.title, HEI, 12, align="center", line=20, before=8, keep=True), frame]
    return [*captioned(block), ruled_table(block, _TEXT, official.TABLE_PT, 5), *note_below(block)]


def _loose() -> Any:
    """A paragraph whose line is as high as the drawing in it."""
    looks = word_parts.element("pPr")
    looks.append(word_parts.element("spacing", before=0, after=120, line=240, lineRule="auto"))
    looks.append(word_parts.element("jc", val="center"))
    return looks


def _annex_list(document: Document) -> list[Any]:
    """附件说明: a line below the text, two characters in (7.3.4)."""
    names = official.annex_list(document)
    if not names:
        return []
    made = [paragraph("", line=LINE_PT, keep=True)]
    for place, name in enumerate(names):
        text = f"附件：{name}" if place == 0 else name
        made.append(paragraph(text, align="left", left=(2 if place == 0 else 5) * BODY_PT, keep=True))
    return made


def _signature(document: Document) -> list[Any]:
    """Who issues it, two a line with room for a seal on each, and the date four characters from the right (7.3.5.1)."""
    if not document.is_sealed:
        return []
    issuers = document.head.issuers
    width = _TEXT / _PAIR
    grid = table_of([width, width])
    for place in range(0, len(issuers), _PAIR):
        group = issuers[place : place + _PAIR]
        cells = [
            cell(paragraph(name, align="center", keep=True), width, *_dated(document, name == issuers[-1]))
            for name in group
        ]
        if len(group) < _PAIR:
            cells.insert(0, cell(paragraph(""), width))
        grid.append(row(cells, height=_SEAL_PT, rule="exact"))
    return [paragraph("", line=LINE_PT, keep=True), grid, paragraph("", size=2, line=2)]


def _dated(document: Document, is_last: bool) -> list[Any]:
    """The date below the last name: the seal lies over both."""
    return [paragraph(day(document.dated), align="center")] if is_last else []


def _notes(document: Document) -> list[Any]:
    """附注, in brackets, two characters in (7.3.6)."""
    if not document.notes:
        return []
    text = f"（{'；'.join(document.notes)}）"
    return [paragraph(text, FANG, 12, line=20, before=14, left=2 * BODY_PT)]


def _annex(document: Document, annex: Annex, place: int, area_mm: tuple[int, int]) -> list[Any]:
    width = area_mm[0]
    fourth = width / len(official.SIGNATURES)
    above = table_of([width * 0.75, width * 0.25])
    unit = f"填报单位：{'、'.join(document.head.issuers)}"
    above.append(
        row(
            [
                cell(paragraph(unit, FANG, 11, align="left", line=18), width * 0.75),
                cell(paragraph(annex.table.unit, FANG, 11, align="right", line=18), width * 0.25),
            ]
        )
    )
    below = table_of([fourth] * len(official.SIGNATURES))
    below.append(
        row([cell(paragraph(one, FANG, 11, align="left", line=20), fourth) for one in official.SIGNATURES], height=24)
    )
    return [
        paragraph(official.annex_label(document, place), HEI, align="left"),
        paragraph(annex.table.title, SONG_TITLE, 20, align="center", line=34),
        above,
        paragraph("", size=2, line=2),
        ruled_table(annex.table, width, 10, 2),
        *note_below(annex.table),
        below,
        paragraph("", size=2, line=2),
    ]


def _imprint(document: Document) -> list[Any]:
    """版记 at the foot of the last page: thick rules outside, a thin one inside (7.4).

    After annexes it has a page of its own, on which what is above it is blank; else it floats to the foot of the text.
    """
    imprint, widths = document.imprint, (_TEXT * 0.58, _TEXT * 0.42)
    made = table_of(widths, at_bottom=not document.annexes)
    lines = 1
    told = official.imprint_lines(document)
    for place, text in enumerate(told):
        lines += ceil(len(text) * SMALL_PT / (official.TEXT_PT - 2 * SMALL_PT))
        line = paragraph(text, align="left", left=SMALL_PT, right=SMALL_PT, size=SMALL_PT, line=_IMPRINT_LINE)
        above_it = {"top": _THICK} if place == 0 else {}
        made.append(row([cell(line, _TEXT, columns=2, borders=above_it)]))
    edges = {"top": _THIN if told else _THICK, "bottom": _THICK}
    office = paragraph(imprint.office, align="left", left=SMALL_PT, size=SMALL_PT, line=_IMPRINT_LINE)
    printed = paragraph(f"{day(document.dated)}印发", align="right", right=SMALL_PT, size=SMALL_PT, line=_IMPRINT_LINE)
    made.append(row([cell(office, widths[0], borders=edges), cell(printed, widths[1], borders=edges)]))
    above = []
    if document.annexes:
        lines += ceil(len(imprint.office) * SMALL_PT / (official.TEXT_PT * 0.58 - SMALL_PT)) - 1
        free = official.LINES * LINE_PT - _IMPRINT_LINE * lines - LINE_PT
        above = [paragraph("", size=2, line=2, before=max(0, free))]
    return [*above, made, paragraph("", size=2, line=2)]
