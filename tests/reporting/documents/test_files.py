"""The three files of each document: they open, say the same, load nothing, and take no text for anything else."""

import io
import re
from collections.abc import Callable
from datetime import date
from itertools import pairwise

import docx
import openpyxl
import pytest

from tests.reporting.documents import made
from tests.reporting.documents.reading import Page, page_text, parts_of, sheets, squeezed, word_text, workbook_text
from toilet_api.reporting.documents.as_page import POLICY, page
from toilet_api.reporting.documents.as_word import word
from toilet_api.reporting.documents.as_workbook import workbook
from toilet_api.reporting.documents.bulletin import bulletin
from toilet_api.reporting.documents.content import Document, Heading, Paragraph, Table
from toilet_api.reporting.documents.final_report import final_report
from toilet_api.reporting.documents.notification import notification
from toilet_api.reporting.documents.offices import Office
from toilet_api.reporting.documents.official import shown

OFFICE = Office(date(2026, 7, 24), number="武卫健字〔2026〕18号", copies_to=("县委办公室",))
HOSTILE = (
    *("=1+1", '<script>alert("1")</script>', "@SUM(A1)", "甲&乙\x0b丙", "+86", "{{ 7*7 }}"),
    "[]:*?/\\" + "长" * 40,
)


def _bulletin() -> Document:
    return bulletin(made.dispatch(), OFFICE)


def _notification() -> Document:
    dispatch = made.dispatch()
    return notification(dispatch, OFFICE, made.ranking(dispatch))


def _final() -> Document:
    return final_report(made.account(), OFFICE)


@pytest.fixture(params=[_bulletin, _notification, _final], ids=["bulletin", "notification", "final"])
def document(request: pytest.FixtureRequest) -> Document:
    build: Callable[[], Document] = request.param
    return build()


def test_all_three_say_everything(document: Document) -> None:
    book_made = workbook(document)
    words = {
        "html": page_text(page(document)),
        "docx": word_text(word(document)),
        "xlsx": workbook_text(book_made),
    }
    tables = [one for one in document.body if isinstance(one, Table)] + [one.table for one in document.annexes]
    book = squeezed(str(sheets(book_made).values()))
    for form, text in words.items():
        for block in document.body:
            if isinstance(block, Heading):
                assert squeezed(block.text) in text, (form, block)
            if isinstance(block, Paragraph):
                assert squeezed(block.lead) in text, (form, block)
                assert squeezed(block.text) in text, (form, block)
        for one in (
            *document.head.issuers,
            document.head.number,
            document.title,
            *document.addressees,
            *document.notes,
        ):
            assert squeezed(one) in text, (form, one)
    for one in tables:
        for text in (words["html"], words["docx"], book):
            assert squeezed(one.title) in text
        for row in one.rows:
            cells = squeezed("".join(shown(cell) for cell in row))
            assert cells in words["html"]
            assert cells in words["docx"]


def test_the_workbook_holds_numbers_and_prints_as_official_tables_do(document: Document) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(document)))
    annexes = [book[annex.name] for annex in document.annexes]
    tables = [sheet for sheet in book if sheet.title not in ("正文", "图")]
    assert len(tables) == len(annexes) + sum(isinstance(one, Table) for one in document.body)
    for sheet, annex in zip(annexes, document.annexes, strict=True):
        assert sheet.page_setup.paperSize == (8 if annex.paper == "A3" else 9)
        rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
        for wanted in annex.table.rows:
            counts = [cell for cell in wanted if isinstance(cell, int)]
            found = next(row for row in rows if row[:2] == list(wanted[:2]))
            assert set(counts) <= set(found)
    for sheet in tables:
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.fitToHeight == 0
        assert sheet.print_title_rows.startswith("$1:$")
        assert sheet.print_area
        assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)
        assert any(str(cell.value or "").startswith("填表人") for row in sheet.iter_rows() for cell in row)
        assert any(cell.value == "合计" for row in sheet.iter_rows() for cell in row) or "考核排名" in sheet.title


def test_the_page_loads_nothing_and_runs_nothing(document: Document) -> None:
    made_page = page(document).decode()
    tags = Page(made_page).tags
    assert not {"script", "link", "img", "iframe", "object", "foreignObject"} & {tag for tag, _ in tags}
    names = {name for _, attributes in tags for name in attributes}
    assert not {name for name in names if name.startswith("on")}
    assert not {"style", "src", "href", "xlink:href"} & names
    assert set(re.findall(r"https?://[^\"' )]+", made_page)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"url\(|@import", made_page)
    assert made_page.count("<style") == 1
    assert "unsafe" not in POLICY
    assert "<svg" in made_page


def test_the_word_file_is_laid_out_as_the_standard_says(document: Document) -> None:
    made_word = word(document)
    file = docx.Document(io.BytesIO(made_word))
    first = file.sections[0]
    page_mm = [
        first.page_width,
        first.page_height,
        first.top_margin,
        first.right_margin,
        first.bottom_margin,
        first.left_margin,
    ]
    assert [round(one.mm) for one in page_mm if one is not None] == [210, 297, 37, 26, 35, 28]
    assert [round(one.page_width.mm) for one in file.sections[1:-1] if one.page_width] == [
        420 if annex.paper == "A3" else 297 for annex in document.annexes
    ]
    parts = parts_of(made_word)
    assert "w:evenAndOddHeaders" in parts["word/settings.xml"]
    assert 'w:name="仿宋_GB2312"' in parts["word/fontTable.xml"]
    assert not any('TargetMode="External"' in text for text in parts.values())
    xml = parts["word/document.xml"]
    assert 'w:lineRule="exact"' in xml
    assert xml.count("<w:tblHeader/>") >= len(document.annexes)
    kinds = [one.tag.rpartition("}")[2] for one in file.element.body]
    assert ("tbl", "tbl") not in set(pairwise(kinds)), "Word would make one table of two"
    assert kinds[-2:] == ["p", "sectPr"]
    charts = [name for name in parts if name.startswith("word/charts/")]
    assert len(charts) == xml.count("<c:chart ")


def test_names_are_text_whatever_they_look_like() -> None:
    dispatch = made.dispatch(HOSTILE, division_name="<b>县</b>")
    office = Office.of(date(2026, 7, 24), ["=HYPERLINK(1)"], "=1+1", ["<i>"], ["\x01=2"])
    document = notification(dispatch, office, made.ranking(dispatch))
    html = page(document).decode()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "{{ 7*7 }}" in html
    Page(html)
    assert 'alert("1")' in docx_text(word(document))
    book = openpyxl.load_workbook(io.BytesIO(workbook(document)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.value for cell in cells if cell.data_type == "f" or cell.hyperlink]
    assert {"=1+1", "@SUM(A1)", "+86"} <= {cell.value for cell in cells if isinstance(cell.value, str)}
    assert all(len(sheet.title) <= 31 for sheet in book)


def docx_text(made_word: bytes) -> str:
    return "".join(
        node.text or "" for node in docx.Document(io.BytesIO(made_word)).element.body.iter() if node.tag.endswith("}t")
    )


def test_forty_townships_and_huge_numbers() -> None:
    names = tuple(f"第{number}乡" for number in range(1, 41))
    big = made.figures(200_000_000, 199_999_999, 90_000_000, 89_999_999)
    parts = tuple(made.part(number, name, figures=big) for number, name in enumerate(names))
    document = bulletin(made.dispatch((), parts=parts, figures=made.summed([big] * 40)), OFFICE)
    for made_file, text in ((page, page_text), (word, word_text)):
        told = text(made_file(document))
        assert all(name in told for name in names)
        assert "8000000000" in told
        assert "99.9999995%" in told
    rows = sheets(workbook(document))["各乡镇（区）进展情况"]
    assert sum(row[2] == 200_000_000 for row in rows) == 40
    assert next(row for row in rows if row[1] == "合计")[2] == 8_000_000_000
