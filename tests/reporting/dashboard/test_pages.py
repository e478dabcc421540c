"""The pages: the same figures as the API's, of one's own scope alone, well-formed, nothing loaded from elsewhere."""

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.oversight.made import close
from tests.reporting.dashboard.made import fill
from tests.reporting.dashboard.pages import Nesting, get, links, table, tiles, tree
from tests.survey import made
from toilet_api import __version__
from toilet_api.kernel.fields import now
from toilet_api.reporting.dashboard import definitions, login_routes
from toilet_api.reporting.dashboard import routes as routers
from toilet_api.reporting.dashboard.page import POLICY
from toilet_api.reporting.dashboard.places import Place
from toilet_api.reporting.dashboard.wording import percent, share, whole
from toilet_api.reporting.figures import Figures

COUNTY, TOWNSHIP, VILLAGE = "360423", "360423208", "360423208202"
VILLAGE_NAME = "安乐村委会"
LOADED = {"/dashboard/static/icon.svg", f"/dashboard/static/dashboard.css?{__version__}"}


def api(client: Any, **params: Any) -> dict[str, Any]:
    """What the API says."""
    answer: dict[str, Any] = made.ok(client.get("/api/v1/statistics", params=params))
    return answer


@pytest.fixture
def filled(database) -> str:
    """A township with a made-up campaign; its id."""
    return str(fill(database, TOWNSHIP, 4))


def test_the_figures_are_those_of_the_api(filled, as_, seen_by) -> None:
    told = api(as_("county_admin"), division=TOWNSHIP, children=True)
    figures = told["figures"]
    survey, toilets, problems = figures["survey"], figures["problem_toilets"], figures["problems"]
    page = get(seen_by("county_admin"), division=TOWNSHIP)
    shown = tiles(page)
    assert survey["surveyed"] > 0
    assert toilets["closed"] > 0
    assert problems["overdue"] > 0
    assert shown["农户"].startswith(f"{whole(survey['households'])} 户")
    assert shown["已摸排"].startswith(percent(share(survey["surveyed"], survey["households"])))
    assert f"{survey['surveyed']} / {survey['households']} 户" in shown["已摸排"]
    assert shown["问题厕所"].startswith(f"{toilets['total']} 座")
    assert f"{toilets['closed']} / {toilets['total']} 座" in shown["已销号"]
    assert shown["逾期问题"].startswith(f"{problems['overdue']} 个")
    assert shown["卫生厕所普及率"].startswith(percent(figures["registry"]["sanitary_coverage"]))
    head, *rows, total = table(page, "progress")
    assert head[0] == "区划"
    assert [row[0] for row in rows] == [one["name"] for one in told["children"]]
    for row, one in zip(rows, told["children"], strict=True):
        of_survey, of_toilets = one["figures"]["survey"], one["figures"]["problem_toilets"]
        assert row[1:] == [
            whole(of_survey["households"]),
            percent(share(of_survey["surveyed"], of_survey["households"])),
            percent(share(of_survey["township_verified"], of_survey["households"])),
            whole(of_toilets["total"]),
            whole(of_toilets["total"] - of_toilets["closed"]),
            percent(share(of_toilets["closed"], of_toilets["total"])),
            whole(one["figures"]["problems"]["overdue"]),
        ]
    assert total[0] == "石渡乡合计"
    assert total[-1] == whole(problems["overdue"])
    causes = {row[0]: row for row in table(page, "causes")[1:]}
    assert sum(int(row[1]) for row in causes.values()) == problems["found"]


def test_the_weeks_are_the_days_of_the_api(filled, as_, seen_by) -> None:
    page = get(seen_by("township_manager"))
    weeks = table(page, "trend")[1:]
    today = now().date()
    since = today - timedelta(days=today.weekday() + 7 * (len(weeks) - 1))
    days = made.ok(
        as_("township_manager").get("/api/v1/statistics/trend", params={"since": str(since), "division": TOWNSHIP})
    )["days"]
    for column, name in ((1, "visits_submitted"), (2, "found"), (3, "rectified"), (4, "closed")):
        assert sum(int(row[column]) for row in weeks) == sum(day[name] for day in days), name
    assert int(weeks[0][5]) == days[-1]["open_at_end"]
    assert len(tree(page).xpath("//*[local-name()='svg'][@class='chart']")) == 4


def test_what_is_overdue_leads_down_to_the_problems(filled, as_, seen_by) -> None:
    county = get(seen_by("county_admin"))
    assert table(county, "overdue")[1][0] == "石渡乡"
    (link,) = links(county, "overdue")
    township = get(seen_by("county_admin"), link)
    expected = made.ok(
        as_("county_admin").get(
            "/api/v1/problems", params={"division": TOWNSHIP, "overdue": True, "sort": "deadline", "limit": 50}
        )
    )["items"]
    rows = table(township, "overdue")[1:]
    assert [row[4] for row in rows] == [one["deadline"] for one in expected]
    assert {one["id"] for one in expected} == set(re.findall(r'<code class="id">([^<]+)<', township))
    assert "张" not in township  # nothing of a person
    late = (now().date() - now().date().fromisoformat(expected[0]["deadline"])).days
    assert rows[0][5] == str(late)


def test_the_tree_is_walked_by_links(filled, seen_by) -> None:
    inspector = seen_by("province_inspector")
    page, path = get(inspector), ["江西省"]
    for name in ("九江市", "武宁县", "石渡乡", VILLAGE_NAME):
        (link,) = tree(page).xpath(f"//section[@aria-labelledby='progress']//a[text()='{name}']/@href")
        page = get(inspector, link)
        path.append(name)
        assert [one.text_content() for one in tree(page).xpath("//nav[@aria-label='区划路径']//li")] == path
    (back,) = tree(page).xpath("//nav[@aria-label='区划路径']//a[text()='武宁县']/@href")
    assert "武宁县" in tree(get(inspector, back)).xpath("string(//h1)")
    # From below, what lies above one's own scope is a name and no link.
    own = tree(get(seen_by("village_surveyor")))
    assert [one.text_content() for one in own.xpath("//nav[@aria-label='区划路径']//li")] == path
    assert not own.xpath("//nav[@aria-label='区划路径']//a")


ELSEWHERE: tuple[tuple[str, dict[str, str]], ...] = (
    ("township_manager", {"division": COUNTY}),
    ("township_manager", {"division": "360423500"}),
    ("village_surveyor", {"division": "360423208203"}),
    ("county_admin", {"division": "360424"}),
    ("county_admin", {"division": "369999"}),
    ("county_admin", {"division": "3604x3"}),
    ("county_admin", {"division": "360423' or 1=1"}),
    ("county_admin", {"campaign": "0199f2c4-7c1e-7000-8000-000000000001"}),
    ("county_admin", {"campaign": "1"}),
    ("county_admin", {"sort": "name"}),
    ("county_admin", {"denominator": "everybody"}),
)


def test_what_is_out_of_scope_or_no_page_is_not_there(seen_by) -> None:
    for who, params in ELSEWHERE:
        page = get(seen_by(who), status=404, **params)
        assert "没有这条记录，或不在您的管辖范围内" in page, params
        assert "360424" not in page


def test_row_level_security_stands_behind_the_page(filled, seen_by, monkeypatch) -> None:
    page = get(seen_by("township_manager_2"))
    assert tiles(page)["农户"].startswith("0 户")
    monkeypatch.setattr("toilet_api.reporting.dashboard.places.find", lambda *_: Place(TOWNSHIP, "石渡乡"))
    monkeypatch.setattr("toilet_api.reporting.dashboard.view.overdue_problems", lambda *_: [])  # it would refuse too
    page = get(seen_by("township_manager_2"), division=TOWNSHIP)
    assert "石渡乡" in tree(page).xpath("string(//h1)")
    assert tiles(page)["农户"].startswith("0 户")
    assert table(page, "progress")[-1][1:] == ["0", "—", "—", "0", "0", "—", "0"]


def test_another_countys_campaign_is_not_there(as_, seen_by, filled, database) -> None:
    # The address of a campaign that exists, at a place that it has nothing to do with.
    assert get(seen_by("county_admin"), campaign=filled)
    assert get(seen_by("province_inspector"), division="11", status=404)
    assert get(seen_by("province_inspector"), division="360424", campaign=filled, status=404)
    assert "专项行动" not in get(seen_by("province_inspector"), division="360424").partition("普及率分母")[0]


def test_a_campaign_is_chosen_and_goes_along(as_, seen_by, filled) -> None:
    admin = as_("county_admin")
    made.ok(admin.post(f"/api/v1/campaigns/{filled}/close", headers={"If-Match": '"1"'}))
    page = get(seen_by("county_admin"), division=TOWNSHIP)
    assert "没有进行中的专项行动" in page
    assert tiles(page)["问题厕所"].startswith("0 座")
    assert not tiles(page)["农户"].startswith("0 户")
    (old,) = tree(page).xpath("//select[@name='campaign']/option[contains(., '已结束')]/@value")
    page = get(seen_by("county_admin"), division=TOWNSHIP, campaign=old, sort="-overdue")
    assert not tiles(page)["问题厕所"].startswith("0 座")
    assert tiles(get(seen_by("county_admin"), "/dashboard?campaign=&denominator=households"))  # as the form sends it
    assert all(f"campaign={filled}" in link for link in links(page, "progress") if "division=" in link)


def test_the_table_is_sorted_by_links(filled, seen_by) -> None:
    names = ["households", "surveyed", "verified", "problems", "live", "closed", "overdue"]
    for sort in ("households", "-surveyed", "-overdue", "closed"):
        page = get(seen_by("township_manager"), sort=sort)
        name = sort.removeprefix("-")
        values = [row[names.index(name) + 1] for row in table(page, "progress")[1:-1]]
        numbers = [float(one.strip("%").replace(",", "")) for one in values if one != "—"]
        assert numbers == sorted(numbers, reverse=sort.startswith("-")), sort
        assert values[len(numbers) :] == ["—"] * (len(values) - len(numbers))
        (marked,) = tree(page).xpath("//th[@aria-sort]")
        assert marked.get("aria-sort") == ("descending" if sort.startswith("-") else "ascending")
        assert f"sort={'' if sort.startswith('-') else '-'}{name}" in marked.xpath("string(a/@href)")


def test_the_denominator_of_coverage_is_chosen(as_, seen_by) -> None:
    surveyor = as_("village_surveyor")
    made.home(surveyor)
    home = made.home(surveyor)
    made.ok(
        surveyor.patch(
            f"/api/v1/households/{home['id']}", json={"dwelling_state": "vacant"}, headers={"If-Match": '"1"'}
        )
    )
    assert "2 / 2 户" in tiles(get(seen_by("village_surveyor")))["卫生厕所普及率"]
    lived_in = api(surveyor, denominator="lived_in")["figures"]["registry"]
    page = get(seen_by("village_surveyor"), denominator="lived_in")
    assert f"{lived_in['sanitary']} / {lived_in['base']} 户" in tiles(page)["卫生厕所普及率"]
    assert lived_in["base"] == 1


def test_someone_with_several_divisions_sees_them_together_and_each(as_, seen_by, filled) -> None:
    user = made.ok(as_("county_admin").get("/api/v1/users", params={"text": "township_manager"}))["items"]
    manager = next(one for one in user if one["username"] == "township_manager")
    made.ok(
        as_("county_admin").post(
            f"/api/v1/users/{manager['id']}/grants",
            json={"role": "township_manager", "division_code": "360423500"},
            headers={"If-Match": f'"{manager["version"]}"'},
        ),
        201,
    )
    page = get(seen_by("township_manager"))
    assert [row[0] for row in table(page, "progress")[1:]] == ["石渡乡", "万福经济技术开发区管委会", "合计"]
    told = api(as_("township_manager"))["figures"]
    assert tiles(page)["逾期问题"].startswith(f"{told['problems']['overdue']} 个")
    assert "万福" in tree(get(seen_by("township_manager"), division="360423500")).xpath("string(//h1)")


def test_nothing_yet_reads_well(seen_by) -> None:
    page = get(seen_by("township_manager"))
    assert "没有进行中的专项行动" in page
    assert "没有逾期问题" in page
    assert "都还没有登记坐标" in page
    assert "还没有登记问题" in page
    assert "还没有登记户厕" in page
    assert tiles(page)["已摸排"].startswith("—")
    assert not Nesting(page).faults


def test_a_village_has_no_divisions_below(filled, seen_by) -> None:
    page = get(seen_by("village_surveyor"))
    assert not tree(page).xpath("//section[@aria-labelledby='progress' or @aria-labelledby='map']")
    assert tiles(page)["农户"]


def test_problems_in_the_work_are_counted_apart(database, seen_by) -> None:
    close(database, 1, village=VILLAGE)
    close(database, 1, village=VILLAGE, work=True)
    page = get(seen_by("county_admin"))
    assert "1 / 1 座问题厕所" in tiles(page)["已销号"]
    assert "工作推进问题" in {row[0] for row in table(page, "causes")}


PAGES = (
    ("county_admin", "/dashboard"),
    ("county_admin", f"/dashboard?division={TOWNSHIP}&sort=-overdue"),
    ("village_surveyor", "/dashboard"),
    ("province_inspector", "/dashboard?denominator=lived_in"),
    ("county_admin", "/dashboard/password"),
    ("county_admin", "/dashboard/definitions"),
    ("county_admin", "/dashboard/login?notice=out"),
)


def test_a_page_is_well_formed_and_stands_alone(filled, seen_by) -> None:
    for who, path in PAGES:
        answer = seen_by(who).get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert not re.search(r"https?://(?!www\.w3\.org/)", answer.text), path
        read = Nesting(answer.text)
        assert not read.faults, path
        assert not read.inline, "the policy would block it"
        assert read.references <= read.ids, path
        assert set(read.loads) == LOADED
        _check_access(answer.text)
    for target in LOADED:
        assert seen_by("county_admin").get(target).status_code == 200


def _check_access(text: str) -> None:
    """What a screen reader needs of a page."""
    page = tree(text)
    assert page.get("lang") == "zh-CN"
    assert len(page.xpath("//main")) == len(page.xpath("//h1")) == len(page.xpath("//header")) == 1
    assert page.xpath("//body/*[1][self::a]/@href") == ["#content"]
    for one in page.xpath("//table"):
        assert one.xpath("string(caption)").strip()
        assert not one.xpath(".//th[not(@scope)]")
    for one in page.xpath("//input[not(@type='hidden') and not(@hidden)] | //select"):
        assert page.xpath(f"//label[@for='{one.get('id')}']"), one.get("name")


def test_styles_name_no_other_place(seen_by) -> None:
    style = seen_by("county_admin").get("/dashboard/static/dashboard.css").text
    assert not re.search(r"@import|url\(", style)


def test_every_figure_is_defined_and_every_link_to_a_definition_leads_there(filled, seen_by) -> None:
    text = get(seen_by("county_admin"), "/dashboard/definitions")
    ids = Nesting(text).ids
    for name, group in Figures.model_json_schema()["properties"].items():
        assert name in ids
        assert group["title"] in text
    assert definitions.anchors() <= ids
    pages = get(seen_by("county_admin")) + get(seen_by("county_admin"), division=VILLAGE)
    linked = re.findall(r'href="/dashboard/definitions#([^"]+)"', pages)
    assert len(linked) >= 10
    assert set(linked) <= ids


def test_the_lists_that_a_page_names_are_in_the_api(filled, as_, seen_by) -> None:
    for who, division in (("county_admin", COUNTY), ("township_manager", TOWNSHIP)):
        named = re.findall(r"GET (/api/v1[^<]+)<", get(seen_by(who), division=division))
        assert len(named) == 5
        for path in named:
            assert as_(who).get(path.replace("&amp;", "&")).status_code == 200, path


def test_an_old_code_leads_to_what_has_become_of_it(as_, seen_by, filled) -> None:
    body = {"into": "360423208203", "reason": "并村"}
    made.ok(as_("county_admin").post(f"/api/v1/divisions/{VILLAGE}/merge", json=body, headers={"If-Match": '"1"'}))
    answer = seen_by("county_admin").get(f"/dashboard?division={VILLAGE}", follow_redirects=False)
    assert answer.status_code == 303
    assert "division=360423208203" in answer.headers["location"]


def test_other_addresses(seen_by) -> None:
    assert seen_by("county_admin").get("/dashboard/").url.path == "/dashboard"
    for path in ("/dashboard/nothing", "/dashboard/a/b"):
        assert "text/html" in seen_by("county_admin").get(path).headers["content-type"]
        get(seen_by("county_admin"), path, status=404)


def test_a_fault_of_ours_is_a_page_without_its_inside(seen_by, monkeypatch) -> None:
    def broken(*_: Any) -> None:
        raise ValueError("secret inside")

    monkeypatch.setattr("toilet_api.reporting.dashboard.view.read", broken)
    answer = seen_by("county_admin").get("/dashboard")
    assert answer.status_code == 500
    assert "服务器内部错误" in answer.text
    assert "secret" not in answer.text


def test_the_pages_are_no_part_of_the_document() -> None:
    routes = [*routers.router.routes, *login_routes.router.routes]
    assert len(routes) >= 9
    assert not any(one.include_in_schema for one in routes)
