"""The documentation pages: complete from the package alone, and true to the interface that they describe."""

import re
import subprocess
from html.parser import HTMLParser

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.contract.reading import operations, parameters
from toilet_api.accounts.permissions import PERMISSION_LABELS, ROLES
from toilet_api.handbook.pages import PAGES
from toilet_api.kernel.machines import MACHINES

PATHS = [path for path, _ in PAGES]


class Reader(HTMLParser):
    """What a page loads, links to and names, and whether anything in it would need `unsafe-inline`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if target := found.get("href" if tag == "link" else "src"):
            self.loads.append(target)
        if tag == "a" and found.get("href"):
            self.links.append(found["href"] or "")
        if found.get("id"):
            self.ids.add(found["id"] or "")
        self.inline += [name for name in found if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in found):
            self.inline.append(tag)


@pytest.fixture(scope="module")
def browser(built_app: FastAPI) -> TestClient:
    """No page needs the database."""
    return TestClient(built_app, raise_server_exceptions=True)


@pytest.fixture(scope="module")
def guide(browser: TestClient) -> str:
    return browser.get("/docs/guide").text


@pytest.mark.parametrize("path", PATHS)
def test_a_page_loads_nothing_from_elsewhere(browser: TestClient, path: str) -> None:
    page = browser.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(rule.strip().partition(" ")[::2] for rule in page.headers["content-security-policy"].split(";"))
    assert policy.pop("default-src") == "'none'"
    assert set(" ".join(policy.values()).split()) <= {"'self'", "'none'", "data:"}
    read = Reader(page.text)
    assert not read.inline, "the policy would block it"
    assert len(read.loads) >= 2
    for target in read.loads:
        assert target.startswith("/docs/static/"), target
        loaded = browser.get(target)
        assert loaded.status_code == 200, target
        assert loaded.content


def test_styles_and_scripts_of_ours_name_no_other_host(browser: TestClient) -> None:
    targets = {target for path in PATHS for target in Reader(browser.get(path).text).loads}
    assert any(target.endswith("swagger-ui-bundle.js") for target in targets)
    for target in sorted(targets):
        text = browser.get(target).text
        if target.endswith(".css"):
            assert not re.search(r"@import|url\([\"']?+(?!data:)", text), target
        elif not target.endswith("swagger-ui-bundle.js"):  # holds addresses as texts; the policy lets it ask only us
            assert not re.search(r"https?://(?!www\.w3\.org/)", text), target
    assert "validatorUrl: null" in browser.get("/docs/static/api.js").text


@pytest.mark.parametrize("path", PATHS)
def test_every_link_leads_somewhere(browser: TestClient, path: str) -> None:
    read = Reader(browser.get(path).text)
    assert set(PATHS) <= set(read.links)
    for link in read.links:
        target, _, anchor = link.partition("#")
        assert not target or target in PATHS, link
        assert not anchor or anchor in read.ids, link


def test_the_page_of_operations_reads_our_own_document(browser: TestClient) -> None:
    assert 'data-document="/api/v1/openapi.json"' in browser.get("/docs").text
    assert browser.get("/api/v1/openapi.json").json()["openapi"].startswith("3.1")


def test_the_guide_names_operations_and_parameters_that_exist(browser: TestClient, guide: str) -> None:
    document = browser.get("/api/v1/openapi.json").json()
    known = [re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + "$") for path in document["paths"]]
    named = re.findall(r"(?:\$BASE|<code>)(?:GET )?(/(?:api/v1|\.well-known)/[^\s&?<]+)", guide)
    assert len(named) >= 12
    for path in named:
        assert any(one.match(path) for one in known), path
    for path, query in re.findall(r"\$BASE(/api/v1/[^\s&?<]+)\?([^\s&]+)", guide):
        (operation,) = [one for known_as, verb, one in operations(document) if verb == "get" and _fits(known_as, path)]
        assert query.split("=")[0] in parameters(operation), (path, query)


def _fits(template: str, path: str) -> bool:
    return bool(re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path))


def test_the_commands_of_the_guide_are_sound_shell(browser: TestClient, guide: str) -> None:
    blocks = re.findall(r'<pre><code class="language-sh">(.*?)</code></pre>', guide, re.S)
    assert len(blocks) >= 8
    for block in blocks:
        text = block.replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        subprocess.run(["bash", "-n", "-c", text], check=True)
    assert "{{" not in guide


def test_the_guide_speaks_to_the_three_kinds_of_user(guide: str) -> None:
    for heading in ("一、乡镇", "二、村摸排", "三、省市"):
        assert heading in guide


def test_the_page_of_roles_shows_every_role_permission_and_step(browser: TestClient) -> None:
    page = browser.get("/docs/roles").text
    for name in (*ROLES, *PERMISSION_LABELS, *MACHINES):
        assert f"<code>{name}</code>" in page, name
    for machine in MACHINES.values():
        for step in machine.steps:
            assert f"<code>{step.name}</code>" in page
