"""The files as people will see them: opened by LibreOffice without repair, and by a browser that loads nothing."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.reporting.dashboard.browser import CHROMIUM, browser
from tests.reporting.documents import made, office_suite
from toilet_api.reporting.documents.as_page import POLICY, page
from toilet_api.reporting.documents.as_word import word
from toilet_api.reporting.documents.as_workbook import workbook
from toilet_api.reporting.documents.bulletin import bulletin
from toilet_api.reporting.documents.content import Body, Document, Head, Imprint
from toilet_api.reporting.documents.final_report import final_report
from toilet_api.reporting.documents.offices import Office
from toilet_api.reporting.documents.official import CHARACTERS, LINES, shown
from toilet_api.reporting.documents.wording import day

OFFICE = Office(date(2026, 9, 25), number="武卫健字〔2026〕31号")


@contextmanager
def serving(content: bytes) -> Iterator[str]:
    """The address of a page with its content policy."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(content if self.path == "/page" else b"")

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/page"
    server.shutdown()
    thread.join()
    server.server_close()


def measured() -> Document:
    """Text by which the lines of a page, and the characters of a line, are counted."""
    body = Body()
    body.say("汉" * (CHARACTERS * 60 - 2))
    return Document(
        "量", Head("bulletin", ("甲",), masthead="量"), "量", body.done(), date(2026, 9, 25), Imprint((), "发", "甲"),
        is_sealed=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(bool(office_suite.MISSING), reason=f"not installed here: {', '.join(office_suite.MISSING)}")
def test_libreoffice_opens_word_files_and_workbooks(tmp_path: Path) -> None:
    report = final_report(made.account(), OFFICE)
    files = {
        "report.docx": word(report),
        "measured.docx": word(measured()),
        "tables.xlsx": workbook(report),
    }
    pdfs = office_suite.as_pdf(files, tmp_path)
    pages = office_suite.pages(pdfs["report.docx"])
    assert "签发人：" in pages[0]
    assert "武宁县卫生健康委员会" in pages[0]
    assert "问题摸排整改情况的报告" in pages[0]
    assert all(f"—{number}—" in text for number, text in enumerate(pages, 1))
    assert f"{day(OFFICE.dated)}印发" in pages[-1]
    sizes = office_suite.sizes(pdfs["report.docx"], len(pages))
    annexes = [297 if annex.paper == "A4" else 420 for annex in report.annexes]
    assert [size[0] for size in sizes if size[0] != 210] == annexes, "19 townships are one page each"
    sheets = office_suite.pages(pdfs["tables.xlsx"])
    for annex in report.annexes:
        for text in (next(one for one in book if annex.table.title in one) for book in (pages[-5:], sheets[2:])):
            last = annex.table.total or ()
            assert "".join(shown(cell) for cell in last) in text, annex.name
            assert "填表人：" in text
    # 22 lines of 28 characters a page (GB/T 9704-2012, 5.2.3); the second page holds nothing else.
    second = [line for line in office_suite.pages(pdfs["measured.docx"])[1].splitlines() if "汉" in line]
    assert [len(line) for line in second] == [CHARACTERS] * LINES


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed here")
def test_a_browser_shows_and_prints_the_page() -> None:
    allowed = {"about:blank"}
    with browser() as seen:
        for document in (final_report(made.account(), OFFICE), bulletin(made.dispatch(), OFFICE)):
            with serving(page(document)) as address:
                for width in (1280, 360):
                    seen.size(width, 900)
                    seen.go(address)
                    assert seen.run("document.querySelector('h1').innerText.replace(/\\s/g, '')") == document.title
                    bars = seen.run("document.querySelectorAll('svg rect').length")
                    assert bars >= 5
                    assert seen.run("getComputedStyle(document.querySelector('h1')).textAlign") == "center"
                    if width == 360:
                        assert seen.run("document.documentElement.scrollWidth") <= width
                assert seen.printed().startswith(b"%PDF")
                allowed.add(address)
        assert {one for one in seen.loaded() if not one.endswith("/favicon.ico")} <= allowed
        assert not [one for one in seen.complaints() if "favicon" not in one]
