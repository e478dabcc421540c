"""The dashboard in a real browser: logging in by hand, nothing that the policy blocks, nothing wider than a phone."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from tests.breadth import in_turn
from tests.reporting.dashboard.browser import CHROMIUM, Browser, browser
from tests.reporting.dashboard.made import fill
from tests.reporting.dashboard.serving import served
from tests.world import PASSWORD
from toilet_api.kernel.database import Database

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed here: pages were not looked at"),
]

TOWNSHIP = "360423208"
# Elements that reach over the right edge; what lies in a region that scrolls by itself is meant to.
TOO_WIDE = """
[...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > innerWidth + 1
  && !one.closest('.scroll') && !one.closest('.hidden') && getComputedStyle(one).display !== 'none')
  .map(one => one.outerHTML.slice(0, 120))
"""
# WCAG 2.2: 1.4.3 contrast of texts, by the colours that the browser came to.
CONTRAST = """
(() => {
  const parts = text => text.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = one => { for (; one; one = one.parentElement) {
    const color = parts(getComputedStyle(one).backgroundColor); if (color.length < 4 || color[3] > 0) return color; }
    return parts(getComputedStyle(document.body).backgroundColor); };
  const faults = [];
  for (const one of document.querySelectorAll('body *:not(svg *):not(script)')) {
    if (![...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())) continue;
    const style = getComputedStyle(one);
    if (style.display === 'none' || !one.getClientRects().length) continue;
    const [a, b] = [light(parts(style.color)), light(ground(one))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faults.push(`${ratio.toFixed(2)} ${one.outerHTML.slice(0, 100)}`);
  }
  return faults;
})()
"""
# Nothing has the focus before the page is drawn.
SHOWN = "new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
SMALL_TARGETS = """
[...document.querySelectorAll('a[href], button, select, summary, input:not([type=hidden])')]
  .filter(one => one.getClientRects().length && !one.closest('svg, p, dt, .hidden, .skip') && !one.hidden)
  .map(one => [one.getBoundingClientRect(), one.outerHTML.slice(0, 100)])
  .filter(([box]) => box.width < 24 || box.height < 24).map(([box, text]) => `${box.width}x${box.height} ${text}`)
"""


@pytest.fixture
def address(app: FastAPI, database: Database) -> Iterator[str]:
    fill(database, TOWNSHIP, 4)
    with served(app) as found:
        yield found


@pytest.fixture(scope="module")
def seen() -> Iterator[Browser]:
    with browser() as one:
        yield one


def test_a_person_logs_in_looks_around_and_logs_out(seen: Browser, address: str) -> None:
    seen.size(1280, 900)
    seen.go(f"{address}/dashboard?division={TOWNSHIP}")
    assert seen.run(f"{SHOWN}.then(() => document.activeElement.name)") == "username"
    seen.submit("main form", username="county_admin", password="wrong")
    assert "用户名或口令不正确" in seen.run("document.querySelector('[role=alert]').textContent")
    seen.submit("main form", username="county_admin", password=PASSWORD)
    assert seen.run("location.search") == f"?division={TOWNSHIP}"
    assert seen.run("document.cookie") == ""
    assert seen.run("getComputedStyle(document.querySelector('.tiles')).display") == "grid"
    for path in ("", f"?division={TOWNSHIP}&sort=-overdue", "?division=360423208202", "/definitions"):
        seen.go(f"{address}/dashboard{path}")
        assert seen.run(CONTRAST) == [], path
    seen.size(1280, 900, dark=True)
    seen.go(f"{address}/dashboard")
    assert seen.run("getComputedStyle(document.body).backgroundColor") == "rgb(16, 22, 21)"
    assert seen.run(CONTRAST) == []
    assert seen.printed().startswith(b"%PDF-")
    seen.submit("header form")
    assert "您已退出登录" in seen.run("document.body.textContent")
    complaints = [one for one in seen.complaints() if "401" not in one]  # the wrong password's answer
    assert not complaints
    assert all(one.startswith(address) for one in seen.loaded())


def test_nothing_is_wider_than_a_phone(seen: Browser, address: str) -> None:
    for width in in_turn((320, 360, 768), 0, 3):
        seen.size(width, 800)
        seen.go(f"{address}/dashboard/login")
        if width == 320:
            assert seen.run(TOO_WIDE) == []
            seen.submit("main form", username="county_admin", password=PASSWORD)
        for path in ("", f"?division={TOWNSHIP}", "?division=360423208202", "/definitions", "/password"):
            seen.go(f"{address}/dashboard{path}")
            assert seen.run("document.documentElement.scrollWidth <= innerWidth"), (width, path, seen.run(TOO_WIDE))
            assert seen.run(TOO_WIDE) == [], (width, path)
            assert seen.run(SMALL_TARGETS) == [], (width, path)
        seen.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    seen.size(360, 800)
    seen.go(f"{address}/dashboard?division={TOWNSHIP}")
    assert seen.run("getComputedStyle(document.querySelector('.map.narrow')).display") == "block"
    assert seen.run("getComputedStyle(document.querySelector('.map.wide')).display") == "none"


def test_the_keyboard_reaches_everything_in_order(seen: Browser, address: str) -> None:
    seen.size(1280, 900)
    seen.go(f"{address}/dashboard/login")
    seen.submit("main form", username="county_admin", password=PASSWORD)
    seen.key("Tab")
    assert seen.run("document.activeElement.className") == "skip"
    assert seen.run("document.activeElement.getBoundingClientRect().top >= 0")
    seen.key("Enter")
    assert seen.run("location.hash") == "#content"
    seen.key("Tab")
    assert seen.run("document.activeElement.closest('main') !== null")
    reached = []
    while True:
        seen.key("Tab")
        if seen.run("document.activeElement === document.body"):
            break
        reached.append(seen.run("document.activeElement.textContent.trim()"))
        assert seen.run("getComputedStyle(document.activeElement).outlineStyle") == "solid", reached[-1]
    assert "石渡乡" in reached
    assert "已摸排" in reached
