"""Makes the pictures of docs/documents.md anew: `python -m tests.reporting.documents.pictures`.

Of made-up figures, by LibreOffice and Debian's chromium; the typefaces of offices are replaced as fonts.conf says.
"""

import os
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.reporting.dashboard.browser import CHROMIUM, browser
from tests.reporting.dashboard.pictures import shrink
from tests.reporting.documents import made, office_suite
from tests.reporting.documents.test_seen import serving
from toilet_api.kernel.fields import SHANGHAI
from toilet_api.reporting.documents.as_page import page
from toilet_api.reporting.documents.as_word import word
from toilet_api.reporting.documents.as_workbook import workbook
from toilet_api.reporting.documents.bulletin import bulletin
from toilet_api.reporting.documents.content import Document
from toilet_api.reporting.documents.final_report import final_report
from toilet_api.reporting.documents.notification import notification
from toilet_api.reporting.documents.offices import Office

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"


def documents() -> dict[str, Document]:
    """One of each kind."""
    weekly = made.dispatch()
    monthly = made.dispatch(
        period="2026年7月",
        before_period="上月",
        since=date(2026, 7, 1),
        until=date(2026, 7, 31),
        cutoff_at=datetime(2026, 7, 31, 17, 30, tzinfo=SHANGHAI),
        drawn_at=datetime(2026, 7, 31, 17, 31, tzinfo=SHANGHAI),
    )
    return {
        "bulletin": bulletin(weekly, Office(date(2026, 7, 24), number="第12期")),
        "notification": notification(
            monthly, Office(date(2026, 8, 3), number="武卫健字〔2026〕18号"), made.ranking(monthly)
        ),
        "final": final_report(made.account(), Office(date(2026, 9, 25), number="武卫健字〔2026〕31号")),
    }


def on_paper(all_of: dict[str, Document], folder: Path) -> None:
    """Pages of the Word files, and an annex of a workbook."""
    files = {f"{name}.docx": word(one) for name, one in all_of.items()}
    pdfs = office_suite.as_pdf({**files, "sheets.xlsx": workbook(all_of["final"])}, folder)
    final = office_suite.pages(pdfs["final.docx"])
    wanted = {
        "bulletin": (pdfs["bulletin.docx"], 1),
        "notification": (pdfs["notification.docx"], 1),
        "final": (pdfs["final.docx"], 1),
        "chart": (pdfs["final.docx"], _of(final, "合计不重复")),
        "seals": (pdfs["final.docx"], _of(final, "（本报告数据由系统于")),
        "annex": (pdfs["final.docx"], _of(final, "附件1\n")),
        "workbook": (pdfs["sheets.xlsx"], _of(office_suite.pages(pdfs["sheets.xlsx"])[2:], "问题厕所分类情况表") + 2),
    }
    for name, (pdf, number) in wanted.items():
        office_suite.picture(pdf, number, _at(name))


def _of(pages: list[str], text: str) -> int:
    """The number of the first page with a text."""
    return next(number for number, page_text in enumerate(pages, 1) if text in page_text)


def on_screen(all_of: dict[str, Document]) -> None:
    """The page at a desk and on a phone."""
    os.environ["FONTCONFIG_FILE"] = str(office_suite.FONTS)
    with browser() as seen:
        with serving(page(all_of["bulletin"])) as address:
            seen.size(1100, 1400)
            seen.go(address)
            seen.picture(_at("page"))
        with serving(page(all_of["final"])) as address:
            seen.size(360, 800)
            seen.go(address)
            seen.picture(_at("phone"))


def _at(name: str) -> Path:
    return FOLDER / f"documents-{name}.png"


def main() -> None:
    """Make all of them."""
    assert CHROMIUM, "chromium is not installed here"
    assert not office_suite.MISSING, f"not installed here: {office_suite.MISSING}"
    FOLDER.mkdir(exist_ok=True)
    all_of = documents()
    with TemporaryDirectory(prefix="toilet-pictures-") as folder:
        on_paper(all_of, Path(folder))
    on_screen(all_of)
    for path in sorted(FOLDER.glob("documents-*.png")):
        shrink(path)
        print(path.name, path.stat().st_size)  # noqa: T201 - it is a command


if __name__ == "__main__":
    main()
