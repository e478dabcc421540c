"""The documents over HTTP: from a real ledger, for whom they are, as what they are."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.oversight import made as oversight
from tests.rectification import made as rectification
from tests.reporting.assessment import made as assessing
from tests.reporting.documents.reading import page_text, sheets, word_text
from tests.reporting.reports.made import at, handed_in, it_is, pass_time, report, step, weekly
from tests.scenes import scene
from tests.survey import made as survey
from tests.survey.made import API, ok
from toilet_api.kernel.database import Database

As = Callable[[str], TestClient]
MONDAY, FRIDAY, EVENING = "2026-11-23T09:00", "2026-11-27T17:30", "2026-11-27T18:00"


@pytest.fixture
@scene
def campaign(as_: As, database: Database) -> dict[str, Any]:
    """A campaign with two problems in one township and one in the work of another."""
    made = survey.campaign(
        as_("county_admin"), verification_levels=[], document_numbers=["农办社〔2026〕4号"],
        phases=[{"phase": "consolidation", "due_on": "2099-12-31"}, {"phase": "evaluation"}],
    )  # fmt: skip
    surveyor = as_("village_surveyor")
    survey.submitted(surveyor, "tank_cracked", "no_light")
    survey.submitted(surveyor)
    work = {"division_code": "360423500", "problem_type": "rushing"}
    ok(as_("township_manager_2").post(f"{API}/problems", json=work), 201)
    return made


@pytest.fixture
@scene
def county_report(as_: As, app: FastAPI, database: Database, campaign: dict[str, Any]) -> dict[str, Any]:
    """The county's report of a week, for which one township has handed in and one has done so late."""
    manager, admin = as_("township_manager"), as_("county_admin")
    pass_time(database, MONDAY, FRIDAY)
    with it_is(app, at("2026-11-27T17:30")):
        one = weekly(manager)
        tag = {"If-Match": f'"{one["version"]}"'}
        ok(manager.patch(f"{API}/reports/{one['id']}", json={"difficulties": "<b>山高路远</b>"}, headers=tag))
        handed_in(manager, one)
        step(admin, report(admin, kind="weekly", level="county"), "draw")
    with it_is(app, at(EVENING)):
        step(as_("county_reviewer"), one, "receive")
        late = weekly(as_("township_manager_2"), "360423500")
        handed_in(as_("township_manager_2"), late)
        step(as_("county_reviewer"), late, "receive")
        whole = report(admin, kind="weekly", level="county")
        return step(admin, whole, "draw", reason="收齐后重新汇总")


@pytest.fixture
def bare_report(as_: As, app: FastAPI, database: Database, campaign: dict[str, Any]) -> dict[str, Any]:
    """The county's report of a week in which nobody handed in."""
    pass_time(database, MONDAY)
    with it_is(app, at(FRIDAY)):
        return step(as_("county_admin"), report(as_("county_admin"), kind="weekly", level="county"), "draw")


def got(client: TestClient, path: str, **params: Any) -> Any:
    answer = client.get(f"{API}{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer


def document(client: TestClient, one: dict[str, Any], **params: Any) -> Any:
    return got(client, f"/reports/{one['id']}/document", **params)


def test_a_bulletin_holds_the_frozen_figures(
    as_: As, app: FastAPI, database: Database, county_report: dict[str, Any]
) -> None:
    admin = as_("county_admin")
    figures = county_report["current"]["figures"]
    assert figures["problems"]["found"] == 3
    with it_is(app, at(EVENING)):
        answer = document(admin, county_report, number="第7期")
    text = page_text(answer.content)
    for told in (
        *(
            "农村户厕问题摸排整改工作简报",
            "第7期",
            "2026年第48周（11月21日至11月27日）",
            "武宁县农村户厕问题摸排整改工作进展",
        ),
        *("共有农户2户，已摸排2户，摸排率100.0%", "累计登记问题3个，涉及问题厕所1座", "数据截至2026年11月27日17时30分"),
        *("按时报送1个，迟报1个", "石渡乡。<b>山高路远</b>", "2026年11月27日", "本期为第2版，更正原因：收齐后重新汇总"),
        *("未报的有：", "本期报表尚未核签"),
    ):
        assert told in text, told
    assert "较上周" not in text
    # What comes later changes nothing in it.
    survey.submitted(as_("village_surveyor"), "no_roof")
    with it_is(app, at(EVENING)):
        assert document(admin, county_report, number="第7期").content == answer.content
        first = page_text(document(admin, county_report, edition=1).content)
    assert "累计登记问题0个" in first
    assert "已报待接收1个" in first
    # The week after names the difference.
    pass_time(database, "2026-11-30T09:00", "2026-12-04T17:30", "2026-12-07T17:30")
    with it_is(app, at("2026-12-07T18:00")):
        following = report(admin, kind="weekly", level="county", period="2026-W49")
        text = page_text(document(admin, following).content)
    assert "未接收而以前期报表代替的有：" in text
    assert "石渡乡（2026年第48周）" in text
    assert "较上周持平" in text


def test_what_a_merged_township_had_reported_bears_its_old_name(
    as_: As, app: FastAPI, database: Database, county_report: dict[str, Any]
) -> None:
    admin = as_("county_admin")
    ok(admin.post(f"{API}/divisions/360423208/merge", json={"into": "360423500", "reason": "撤乡并镇"}))
    pass_time(database, "2026-11-30T09:00", "2026-12-04T17:30", "2026-12-07T17:30")
    with it_is(app, at("2026-12-07T18:00")):
        following = report(admin, kind="weekly", level="county", period="2026-W49")
        text = page_text(document(admin, following).content)
    heir = ok(admin.get(f"{API}/divisions/360423500"))["name"]
    assert f"{heir}（2026年第48周）" in text
    assert f"{heir}（原石渡乡）（2026年第48周）" in text
    due = len(ok(admin.get(f"{API}/reports/{following['id']}/parts"))["items"]) - 1
    assert f"本期应报{due}个，按时报送0个，未报{due}个。" in text
    assert text.count(f"、{heir}") + text.count(f"：{heir}") >= 2


def test_each_format_is_what_it_says(as_: As, bare_report: dict[str, Any]) -> None:
    admin = as_("county_admin")
    office = "application/vnd.openxmlformats-officedocument"
    for form, media in (("html", "text/html; charset=utf-8"), ("docx", f"{office}.wordprocessingml.document"),
                        ("xlsx", f"{office}.spreadsheetml.sheet")):  # fmt: skip
        answer = document(admin, bare_report, kind="notification", format=form, dated="2026-12-03")
        assert answer.headers["content-type"] == media
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        kept, _, name = answer.headers["content-disposition"].partition("filename*=UTF-8''")
        assert kept.startswith("inline" if form == "html" else "attachment")
        assert unquote(name) == f"关于武宁县2026年第48周农村户厕问题摸排整改工作情况的通报.{form}"
        assert ("style-src 'sha256-" in answer.headers["content-security-policy"]) == (form == "html")
        assert "script-src" not in answer.headers["content-security-policy"]
    assert "2026年12月3日" in word_text(document(admin, bare_report, format="docx", dated="2026-12-03").content)


def test_a_notification_shows_a_published_ranking(
    as_: As, app: FastAPI, campaign: dict[str, Any], bare_report: dict[str, Any]
) -> None:
    admin = as_("county_admin")
    assessing.published_formula(admin, campaign["id"])
    draft = assessing.drawn(admin, campaign["id"])
    params = {"kind": "notification", "dated": "2099-01-01"}
    rectification.refused(
        admin.get(f"{API}/reports/{bare_report['id']}/document", params={**params, "assessment_id": draft["id"]}),
        404,
        "not_found",
    )
    assert "没有已接收的乡镇（区）报表，没有销号率可以比较" in page_text(document(admin, bare_report, **params).content)
    published = assessing.step(admin, "assessments", draft, "publish")
    text = page_text(document(admin, bare_report, **params, assessment_id=published["id"]).content)
    first = published["units"][0]
    assert f"第{first['rank']}位{first['name']}（{first['score']:g}分）" in text
    assert "考核办法第1版" in text
    assert "各街道办事处、各乡镇人民政府、" in text
    assert "开发区管委会：" in text


def test_the_final_report_is_counted_from_the_ledger(as_: As, campaign: dict[str, Any]) -> None:
    admin = as_("county_admin")
    path = f"/campaigns/{campaign['id']}/final-report"
    issuers = ["武宁县农业农村局", "武宁县卫生健康委员会"]
    answer = got(
        admin, path, issuer=issuers, number="武农字〔2026〕9号", addressee="省农业农村厅", copy_to="县委办公室"
    )
    text = page_text(answer.content)
    for told in (
        *(
            "一、摸排总结",
            "二、整改进展",
            "三、存在困难",
            "四、下步整改计划",
            "签发人：",
            "武农字〔2026〕9号",
            "省农业农村厅：",
        ),
        *("共有农户2户", "已摸排2户，摸排率100.0%", "共摸排出问题厕所1座，占户厕总数的50.0%，问题2个"),
        *(
            "化粪池（桶体）破裂1个",
            "厕屋无照明1个",
            "共登记1个，已销号0个：盲目赶进度、压任务1个",
            "按照农办社〔2026〕4号要求",
        ),
        *(
            "长效",
            "巩固提升，2099年12月31日前完成",
            "未销号问题3个",
            "没有弄虚作假记录",
            "附件1",
            "附件4",
            "抄送：县委办公室。",
        ),
    ):
        assert told in text or told == "长效", told
    assert "扶贫办公室" not in text
    book = sheets(got(as_("auditor"), path, format="xlsx").content)
    close = {row[1]: row for row in book["附表3 整改销号"] if row[1]}
    assert (close["石渡乡"][3], close["合计"][3]) == (2, 3)
    work = {row[1]: row for row in book["附表4 工作推进问题"] if row[1]}
    assert sum(value for value in work["合计"][4:] if isinstance(value, int)) == 1
    assert "盲目赶进度、压任务" in {value for row in book["附表4 工作推进问题"] for value in row}
    assert got(as_("province_inspector"), path, format="docx").content[:2] == b"PK"


def test_the_final_report_tells_of_reviews_falsification_and_plans(as_: As, database: Database) -> None:
    admin, manager = as_("county_admin"), as_("township_manager")
    opened = survey.campaign(admin, verification_levels=[])
    oversight.close(database, 4)
    found = rectification.found(as_("village_surveyor"), "tank_cracked")
    rectification.approved_plan(manager, as_("county_reviewer"), found)
    review = oversight.drawn(admin, kind="full_review", division_code="360423", size={"kind": "all"}, frame={})
    good, bad, *_ = oversight.units(admin, review)
    ok(oversight.check(as_("county_reviewer"), good, oversight.upheld()))
    ok(oversight.check(as_("county_reviewer"), bad, oversight.failed(falsification={"statement": "照片为他处所摄"})))
    path = f"/campaigns/{opened['id']}/final-report"
    text = page_text(got(admin, path).content)
    for told in (
        *("整改方案已审核备案1个", "现行方案安排经费5万元", "登记问题5个，已整改3个，已销号3个，销号率60.0%"),
        *("县级全面复核1次，应核查4个，已核查2个，属实1个，不属实退回整改1个，无法核查0个", "曾被重新打开的问题1个"),
        *("条，涉及1个问题。", "计划费用1200元", "报请验收3个，乡镇验收合格3个"),
    ):
        assert told in text, told
    rows = {row[1]: row for row in sheets(got(admin, path, format="xlsx").content)["附表3 整改销号"] if row[1]}
    assert rows["石渡乡"][2] == "已审核备案"
    assert rows["豫宁街道"][2] == "未编制"
    summary = ok(admin.get(f"{API}/campaigns/{opened['id']}/summary"))["ledger"]
    assert rows["合计"][3] == summary["found"] - summary["dismissed"]


def test_whoever_may_not_is_refused(as_: As, client: TestClient, database: Database, campaign: dict[str, Any]) -> None:
    pass_time(database, MONDAY)
    opened = weekly(as_("township_manager"))
    final, of_report = f"{API}/campaigns/{campaign['id']}/final-report", f"{API}/reports/{opened['id']}/document"
    for url in (final, of_report):
        rectification.refused(client.get(url), 401, "unauthenticated")
        rectification.refused(as_("county_admin").get(url, params={"format": "pdf"}), 422, "invalid")
        rectification.refused(as_("county_admin").get(url, params={"issuers": "x"}), 400, "unknown_parameter")
        rectification.refused(as_("county_admin").get(url, params={"issuer": ["甲"] * 10}), 422, "invalid")
    rectification.refused(as_("township_manager").get(of_report), 409, "report_not_drawn")
    rectification.refused(as_("township_manager_2").get(of_report), 404, "not_found")
    rectification.refused(as_("township_manager").get(final), 404, "not_found")
    rectification.refused(as_("village_surveyor").get(final), 404, "not_found")
    pass_time(database, FRIDAY)
    rectification.refused(as_("township_manager").get(of_report, params={"edition": 2}), 404, "not_found")
    township = page_text(got(as_("township_manager"), f"/reports/{opened['id']}/document").content)
    assert "石渡乡2026年第48周" in township
    assert "各村进展" not in township
