"""Reading a document back, whatever file it became."""

import io
import re
from html.parser import HTMLParser
from zipfile import ZipFile

import docx
import openpyxl

VOID = ("meta", "col")


class Page(HTMLParser):
    """The tags and text of a page; it must close what it opens."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        assert not self.opened, self.opened

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.opened.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.opened and self.opened[-1] not in ("style", "title", "desc"):
            self.text += data


def page_text(made: bytes) -> str:
    """What a page shows, without blanks."""
    return squeezed(Page(made.decode()).text)


def word_text(made: bytes) -> str:
    """What a DOCX shows in its body, without blanks."""
    body = docx.Document(io.BytesIO(made)).element.body
    return squeezed("".join(node.text or "" for node in body.iter() if node.tag.endswith("}t")))


def sheets(made: bytes) -> dict[str, list[list[object]]]:
    """The values of a workbook, sheet by sheet."""
    book = openpyxl.load_workbook(io.BytesIO(made))
    return {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book}


def workbook_text(made: bytes) -> str:
    """What the text's sheet of a workbook says, without blanks."""
    return squeezed("".join(str(value) for row in sheets(made)["正文"] for value in row if value))


def parts_of(made: bytes) -> dict[str, str]:
    """The XML parts of a DOCX or XLSX."""
    with ZipFile(io.BytesIO(made)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist() if name.endswith((".xml", ".rels"))}


def squeezed(text: str) -> str:
    """Text without blanks: where a renderer breaks a line is its own affair."""
    return re.sub(r"[\s　]+", "", text)
