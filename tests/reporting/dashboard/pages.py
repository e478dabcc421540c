"""What the tests of the dashboard share: a browser without a screen, and what a page says."""

import re
from html.parser import HTMLParser

from fastapi.testclient import TestClient
from httpx import Response
from lxml import html

from tests.world import PASSWORD

HERE = {"Sec-Fetch-Site": "same-origin"}
VOID = {"meta", "link", "input", "br", "path", "rect", "circle"}


def log_in(client: TestClient, username: str, password: str = PASSWORD, target: str = "") -> Response:
    """The answer to the form."""
    form = {"username": username, "password": password, "target": target}
    return client.post("/dashboard/login", data=form, headers=HERE, follow_redirects=False)


def viewer(client: TestClient, username: str) -> TestClient:
    """`client`, logged in at the dashboard."""
    answer = log_in(client, username)
    assert answer.status_code == 303, answer.text
    return client


def get(client: TestClient, path: str = "/dashboard", status: int = 200, **params: str) -> str:
    """The text of a page that must have this status."""
    answer = client.get(path, params=params or None, follow_redirects=False)
    assert answer.status_code == status, f"{answer.status_code} {answer.headers.get('location')} {answer.text[:2000]}"
    return answer.text


def tree(text: str) -> html.HtmlElement:
    """The page as a tree."""
    return html.document_fromstring(text)


def tiles(text: str) -> dict[str, str]:
    """Title of a tile -> all that it says."""
    return {
        one.xpath("string(dt)").strip(): " ".join(one.xpath("string(dd)").split())
        for one in tree(text).find_class("tile")
    }


def table(text: str, section: str) -> list[list[str]]:
    """The rows of the table under a heading, the head first; cells stripped."""
    (found,) = tree(text).xpath(f"//section[@aria-labelledby='{section}']//table")
    rows = [row.xpath("th|td") for row in found.xpath(".//tr")]
    return [[re.sub(r"[▲▼]", "", " ".join(cell.text_content().split())).strip() for cell in row] for row in rows]


def links(text: str, section: str) -> list[str]:
    """The addresses that a section links to."""
    return [str(one) for one in tree(text).xpath(f"//section[@aria-labelledby='{section}']//a/@href")]


class Nesting(HTMLParser):
    """Whether each element that is opened is closed in order, and ids are unique."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.ids: set[str] = set()
        self.references: set[str] = set()
        self.inline: list[str] = []
        self.loads: list[str] = []
        self.feed(text)
        self.faults += [f"<{tag}> stays open" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._attributes(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._attributes(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")

    def _attributes(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            self.faults.append(f"<{tag}> has an attribute twice")
        found = dict(attrs)
        if (one := found.get("id")) is not None:
            if one in self.ids:
                self.faults.append(f"id {one} twice")
            self.ids.add(one)
        for name in ("aria-labelledby", "aria-describedby", "for"):
            self.references.update((found.get(name) or "").split())
        self.inline += [name for name in names if name == "style" or name.startswith("on")]
        self.inline += [tag] if tag in ("style", "script") else []
        loading = ("src", "srcset", "data", *(("href",) if tag == "link" else ()))
        self.loads += [value or "" for name, value in attrs if name in loading]
