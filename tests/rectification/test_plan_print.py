"""The printed plan: complete, self-contained, escaped, and with masked names only."""

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient

from tests.rectification import made
from tests.rectification.made import API
from tests.survey import made as survey
from tests.survey.made import ok

As = Callable[[str], TestClient]
EVIL = '<script>alert("1")</script>&$title'


class Reader(HTMLParser):
    """The tags of a page with their attributes, and whether they close as they opened."""

    VOID = ("meta",)

    def __init__(self, page: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        assert not self.opened

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag


@pytest.fixture
def manager(as_: As) -> TestClient:
    survey.campaign(as_("county_admin"), verification_levels=[])
    return as_("township_manager")


def printed(client: TestClient, plan_id: str) -> str:
    answer = client.get(f"{API}/plans/{plan_id}/print")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert re.search(r"style-src 'sha256-[A-Za-z0-9+/=]{44}'", policy)
    assert "unsafe-inline" not in policy
    return answer.text


def test_the_page_holds_the_whole_plan(as_: As, manager: TestClient) -> None:
    here = made.found(as_("village_surveyor"), "tank_cracked", "no_water")
    there = made.found(as_("village_surveyor_2"), "no_roof", village=survey.OTHER_VILLAGE)
    work = {"division_code": survey.TOWNSHIP, "problem_type": "no_upkeep_mechanism"}
    at_work = ok(manager.post(f"{API}/problems", json=work), 201)
    funds = [{"source": "county", "amount_fen": 123_456_789}, {"source": "household", "amount_fen": 5, "note": "自愿"}]
    draft = made.plan(manager, funds=funds)
    made.put(
        manager,
        draft["id"],
        *(made.item(one, due_on="2037-06-30", responsible_person="李主任") for one in here),
        made.item(there[0], contractor="甲公司", timetable="分两期"),
        made.item(at_work, measure="落实管护员", cost_fen=None),
    )
    assert "编制中，非备案文本" in printed(manager, draft["id"])
    made.plan_step(manager, draft["id"], "submit")
    made.plan_step(as_("county_reviewer"), draft["id"], "approve", filing_number="修厕备〔2026〕8号")
    page = printed(as_("auditor"), draft["id"])
    assert "非备案文本" not in page
    for told in (
        *("一、整改重点", "二、技术路线", "三、力量组织", "四、经费保障", "五、时限要求", "六、问题清单及整改措施"),
        *("编制单位", "审核单位", "日期：", "备案号：修厕备〔2026〕8号", "石渡乡农村户厕问题整改方案", "第 1 版"),
        *("1,234,567.89", "0.05", "1,234,567.94", "县级财政", "农户自筹", "2037 年 10 月 31 日", "共 4 个问题"),
        *("1,200.00", "3,600.00", "化粪池（桶体）破裂", "三格化粪池式", "李主任", "甲公司", "分两期", "张**"),
        *("乡镇本级（1 个）", "（2 个）", "2037 年 6 月 30 日", made.PLAN_TEXTS["key_points"]),
    ):
        assert told in page, told
    assert "张三丰" not in page
    assert "thead { display: table-header-group; }" in page
    assert "@page { size: A4 portrait" in page
    numbers = re.findall(r"<tr><td>(\d+)</td>", page)
    assert numbers == ["1", "2", "3", "4"]


def test_nothing_is_loaded_and_nothing_is_taken_for_markup(as_: As, manager: TestClient) -> None:
    [problem] = made.found(as_("village_surveyor"), "tank_cracked")
    draft = made.plan(
        manager, title=EVIL, key_points=f"一\n{EVIL}", funds=[{"source": "other", "amount_fen": 1, "note": EVIL}]
    )
    names = ("measure", "timetable", "responsible_person", "responsible_unit", "contractor")
    made.put(manager, draft["id"], made.item(problem, **dict.fromkeys(names, EVIL)))
    page = printed(manager, draft["id"])
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;$title") == 3 + 1 + len(names)
    tags = Reader(page).tags
    assert {tag for tag, _ in tags} <= {
        *("html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "p", "section", "table", "thead"),
        *("tbody", "tfoot", "tr", "th", "td", "footer", "span"),
    }
    assert {name for _, attributes in tags for name in attributes} <= {"lang", "charset", "class", "colspan"}
    assert not re.search(r"https?:|url\(|@import", page)


def test_an_empty_draft_and_an_addendum_print_too(as_: As, manager: TestClient) -> None:
    bare = ok(manager.post(f"{API}/plans", json={"division_code": survey.TOWNSHIP}), 201)
    page = printed(manager, bare["id"])
    assert page.count("（未填写）") == 4
    assert "共 0 个问题，预计费用 0.00 元" in page
    made.plan_step(manager, bare["id"], "withdraw")
    plan = made.approved_plan(manager, as_("county_reviewer"), made.found(as_("village_surveyor"), "no_roof"))
    addendum = made.plan_step(manager, plan["id"], "supplement", 201)
    assert "补充方案" in printed(manager, addendum["id"])
