"""The problems in a plan: which may be in it, all or none, by rules, and verified as the campaign asks."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.accounts.logins import at_once
from tests.rectification import made
from tests.rectification.made import API
from tests.rectification.test_plans import faults, refused
from tests.survey import made as survey
from tests.survey.made import ok
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id
from toilet_api.survey.tables import CatalogueType

As = Callable[[str], TestClient]


@pytest.fixture
def surveyor(as_: As) -> TestClient:
    survey.campaign(as_("county_admin"), verification_levels=[])
    return as_("village_surveyor")


@pytest.fixture
def manager(as_: As, surveyor: TestClient) -> TestClient:
    return as_("township_manager")


@pytest.fixture
def reviewer(as_: As) -> TestClient:
    return as_("county_reviewer")


def items_of(client: TestClient, plan_id: str, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ok(client.get(f"{API}/plans/{plan_id}/items", params=params))["items"]
    return found


def test_all_are_put_in_or_none(as_: As, surveyor: TestClient, manager: TestClient) -> None:
    good, dismissed = made.found(surveyor, "tank_cracked", "no_water")
    ok(as_("county_admin").post(f"{API}/problems/{dismissed['id']}/dismiss", json={"reason": "误登"}))
    other_manager = as_("township_manager_2")
    work = {"division_code": "360423500", "problem_type": "no_upkeep_mechanism"}
    elsewhere = ok(other_manager.post(f"{API}/problems", json=work), 201)
    draft = made.plan(manager)
    url = f"{API}/plans/{draft['id']}/items"
    items = [
        made.item(good),
        made.item(good),
        made.item(dismissed),
        made.item(elsewhere),
        made.item({"id": str(new_id())}),
    ]
    assert faults(manager.post(url, json={"items": items})) == {
        "/items/1/problem_id": "item_repeated",
        "/items/2/problem_id": "problem_not_open",
        "/items/3/problem_id": "problem_unknown",  # outside of the manager's scope: not told apart
        "/items/4/problem_id": "problem_unknown",
    }
    assert items_of(manager, draft["id"]) == []
    county = as_("county_admin").post(url, json={"items": [made.item(elsewhere)]})
    assert faults(county) == {"/items/0/problem_id": "problem_elsewhere"}
    late = manager.post(url, json={"items": [made.item(good, due_on="2038-01-01")]})
    assert faults(late) == {"/items/0/due_on": "due_after_deadline"}
    assert late.json()["errors"][0]["expected"] == "<= 2037-12-31"
    made.put(manager, draft["id"], made.item(good, due_on="2037-12-31"))
    assert manager.post(url, json={"items": []}).status_code == 422
    stale = manager.post(url, json={"items": [made.item(good)]}, headers={"If-Match": '"1"'})
    assert refused(stale, 412, "stale")["current"]["problems"]["total"] == 1


def test_an_item_is_put_as_a_whole_and_taken_out(surveyor: TestClient, manager: TestClient) -> None:
    one, two = made.found(surveyor, "tank_cracked", "no_water")
    draft = made.plan(manager)
    made.put(manager, draft["id"], made.item(one, contractor="甲公司"), made.item(two))
    changed = made.put(manager, draft["id"], made.item(one, measure="修补裂缝", responsible_person="李主任"))
    assert (changed["added"], changed["changed"], changed["total"]) == (0, 1, 2)
    shown = next(row for row in items_of(manager, draft["id"]) if row["problem_id"] == one["id"])
    assert (shown["measure"], shown["contractor"], shown["responsible_person"]) == ("修补裂缝", None, "李主任")
    assert (shown["type_zh"], shown["head_masked"], shown["task_id"]) == ("化粪池（桶体）破裂", "张**", None)
    url = f"{API}/plans/{draft['id']}/items/remove"
    body = {"problem_ids": [two["id"], str(new_id())], "reason": "另行处理"}
    removed = ok(manager.post(url, json=body))
    assert (removed["removed"], removed["not_in_plan"], removed["total"], removed["version"]) == (1, 1, 1, 4)
    again = ok(manager.post(url, json=body))
    assert (again["removed"], again["version"]) == (0, 4)
    entries = ok(manager.get(f"{API}/plans/{draft['id']}/history"))["items"]
    assert [entry["action"] for entry in entries] == [
        "plan.created",
        "plan.items_put",
        "plan.items_put",
        "plan.items_removed",
    ]
    assert entries[2]["after"]["changed_problem_ids"] == [one["id"]]
    assert (entries[3]["reason"], entries[3]["after"]["removed_problem_ids"]) == ("另行处理", [two["id"]])


def test_items_are_a_list_like_every_other(as_: As, surveyor: TestClient, manager: TestClient) -> None:
    made.found(surveyor, "tank_cracked", "no_water")
    made.found(as_("village_surveyor_2"), "no_door", village=survey.OTHER_VILLAGE)
    draft = made.plan(manager)
    ok(manager.post(f"{API}/plans/{draft['id']}/items/fill", json={"measures": [{"measure": "整改"}]}))
    first = ok(manager.get(f"{API}/plans/{draft['id']}/items", params={"limit": 2, "count": "exact"}))
    assert (len(first["items"]), first["count"]) == (2, 3)
    rest = items_of(manager, draft["id"], limit=2, cursor=first["next_cursor"])
    assert [one["division_code"] for one in rest] == [survey.OTHER_VILLAGE]
    assert len(items_of(manager, draft["id"], division=survey.OTHER_VILLAGE)) == 1
    assert len(items_of(manager, draft["id"], problem_state=["closed"])) == 0
    assert manager.get(f"{API}/plans/{draft['id']}/items", headers={"Accept": "text/csv"}).status_code == 200


def test_rules_fill_in_every_problem_that_can_be_planned(as_: As, surveyor: TestClient, manager: TestClient) -> None:
    problems = made.found(surveyor, "tank_cracked", "no_water", "no_door", "full_not_emptied")
    by_type = {one["problem_type"]: one for one in problems}
    draft = made.plan(manager)
    made.put(manager, draft["id"], made.item(by_type["tank_cracked"], measure="自定措施", responsible_person="李主任"))
    url = f"{API}/plans/{draft['id']}/items/fill"
    rules = [
        {"problem_type": "no_door", "measure": "装门", "due_on": "2037-12-01"},
        {"cause": "technical_mode", "measure": "接通自来水", "timetable": "2038 年", "due_on": "2037-12-01"},
        {"problem_type": "tank_cracked", "measure": "换池", "responsible_unit": "石渡乡人民政府"},
    ]
    filled = ok(manager.post(url, json={"measures": rules}))
    # `no_door` is due a week after it was found: its own deadline holds. `full_not_emptied` has no rule.
    assert (filled["added"], filled["changed"], filled["without_rule"], filled["own_deadline"]) == (2, 0, 1, 1)
    shown = {one["problem_type"]: one for one in items_of(manager, draft["id"])}
    assert shown["tank_cracked"]["measure"] == "自定措施"
    assert (shown["no_door"]["measure"], shown["no_door"]["due_on"]) == ("装门", None)
    assert (shown["no_water"]["due_on"], shown["no_water"]["timetable"]) == ("2037-12-01", "2038 年")
    again = ok(manager.post(url, json={"measures": rules}))
    assert (again["added"], again["version"]) == (0, filled["version"])
    over = ok(manager.post(url, json={"measures": rules, "only_missing": False}))
    assert (over["added"], over["changed"], over["unchanged"], over["without_rule"]) == (0, 1, 2, 1)
    tank = next(one for one in items_of(manager, draft["id"]) if one["problem_type"] == "tank_cracked")
    assert (tank["measure"], tank["responsible_person"], tank["cost_fen"]) == ("换池", "李主任", 120_000)
    everything = ok(manager.post(url, json={"measures": [*rules, {"measure": "清掏"}]}))
    assert (everything["added"], everything["total"]) == (1, 4)


def test_a_rule_names_a_type_that_holds_in_the_county(as_: As, surveyor: TestClient, manager: TestClient) -> None:
    admin = as_("county_admin")
    own = {"problem_class": "toilet", "problem_group": "construction", "cause": "construction_quality"}
    kind = {"division_code": "360423", "code": "own_type", "zh": "本县", "en": "Own", **own}
    shown = ok(admin.post(f"{API}/problem-types", json=kind), 201)
    made.found(surveyor, "own_type", "no_door")
    draft = made.plan(manager)
    url = f"{API}/plans/{draft['id']}/items/fill"
    wrong = [{"problem_type": code, "measure": "整改"} for code in ("own_type", "no_such_type", "no_door", "Tank")]
    answer = manager.post(url, json={"measures": wrong})
    assert faults(answer) == {
        "/measures/1/problem_type": "unknown_code",
        "/measures/3/problem_type": "unknown_code",
    }
    assert answer.json()["errors"][0]["value"] == "no_such_type"
    assert items_of(manager, draft["id"]) == []
    # Problems of a retired type are still there to be mended.
    ok(admin.post(f"{API}/problem-types/{shown['id']}/retire", json={"reason": "停用"}))
    assert ok(manager.post(url, json={"measures": wrong[::2]}))["added"] == 2


def test_another_county_s_type_is_unknown_in_a_rule(
    as_: As, surveyor: TestClient, manager: TestClient, database: Database
) -> None:
    theirs = CatalogueType(
        division_code="360424",
        code="their_type",
        zh="他县",
        en="Theirs",
        problem_class="toilet",
        problem_group="other",
        cause="small_defect",
    )
    with database.transaction(EVERYWHERE) as session:
        session.add(theirs)
    draft = made.plan(manager)
    body = {"measures": [{"problem_type": "their_type", "measure": "整改"}]}
    answer = manager.post(f"{API}/plans/{draft['id']}/items/fill", json=body)
    assert faults(answer) == {"/measures/0/problem_type": "unknown_code"}


@pytest.mark.parametrize("amount", ["5", "5.0", 5.5, True])
def test_money_is_a_number(surveyor: TestClient, manager: TestClient, amount: Any) -> None:
    [problem] = made.found(surveyor, "tank_cracked")
    draft = made.plan(manager)
    funds = {"funds": [{"source": "county", "amount_fen": amount}]}
    answer = manager.patch(f"{API}/plans/{draft['id']}", json=funds, headers={"If-Match": "*"})
    body = {"items": [made.item(problem, cost_fen=amount)]}
    item = manager.post(f"{API}/plans/{draft['id']}/items", json=body)
    for refusal, pointer in ((answer, "/funds/0/amount_fen"), (item, "/items/0/cost_fen")):
        assert refusal.status_code == 422, refusal.text
        assert [one["pointer"] for one in refusal.json()["errors"]] == [pointer]


def test_a_problem_is_in_one_plan_in_preparation(
    surveyor: TestClient, manager: TestClient, reviewer: TestClient
) -> None:
    first = made.found(surveyor, "tank_cracked")
    plan = made.approved_plan(manager, reviewer, first)
    later = made.found(surveyor, "no_water")
    one = made.plan_step(manager, plan["id"], "supplement", 201)
    two = made.plan_step(manager, plan["id"], "supplement", 201)
    answers = at_once(
        2,
        lambda index: manager.post(
            f"{API}/plans/{(one, two)[index]['id']}/items", json={"items": [made.item(later[0])]}
        ),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    loser = next(answer for answer in answers if answer.status_code == 422)
    assert faults(loser) == {"/items/0/problem_id": "in_another_plan"}
    taken = manager.post(f"{API}/plans/{one['id']}/items", json={"items": [made.item(first[0])]})
    assert faults(taken) == {"/items/0/problem_id": "task_exists"}
    fill = {"measures": [{"measure": "整改"}]}
    filled = [ok(manager.post(f"{API}/plans/{each['id']}/items/fill", json=fill)) for each in (one, two)]
    assert sum(each["added"] for each in filled) == 0


def test_what_changed_meanwhile_stops_the_plan(
    as_: As, surveyor: TestClient, manager: TestClient, reviewer: TestClient
) -> None:
    good, bad = made.found(surveyor, "tank_cracked", "no_water")
    draft = made.plan(manager)
    made.put(manager, draft["id"], *(made.item(one, due_on="2037-06-30") for one in (good, bad)))
    ok(as_("county_admin").post(f"{API}/problems/{bad['id']}/dismiss", json={"reason": "误登"}))
    answer = manager.post(f"{API}/plans/{draft['id']}/submit")
    assert list(faults(answer).values()) == ["problem_not_open"]
    assert answer.json()["errors"][0]["value"] == bad["id"]
    ok(as_("county_admin").post(f"{API}/problems/{bad['id']}/reopen", json={"reason": "确有其事"}))
    made.plan_step(manager, draft["id"], "submit")
    ok(as_("county_admin").post(f"{API}/problems/{bad['id']}/dismiss", json={"reason": "误登"}))
    answer = reviewer.post(f"{API}/plans/{draft['id']}/approve")
    assert list(faults(answer, 409, "problem_not_plannable").values()) == ["problem_not_open"]
    assert "退回" in answer.json()["remedy"]
    assert ok(manager.get(f"{API}/problems/{good['id']}"))["task_id"] is None  # nothing was done by halves
    assert ok(manager.get(f"{API}/plans/{draft['id']}"))["state"] == "submitted"
    made.plan_step(reviewer, draft["id"], "return", reason="移出已撤销的问题")
    ok(manager.post(f"{API}/plans/{draft['id']}/items/remove", json={"problem_ids": [bad["id"]]}))
    made.plan_step(manager, draft["id"], "submit")
    assert made.plan_step(reviewer, draft["id"], "approve")["problems"]["total"] == 1


def test_the_survey_is_verified_first_as_the_campaign_asks(as_: As) -> None:
    survey.campaign(as_("county_admin"))
    surveyor, manager, reviewer = as_("village_surveyor"), as_("township_manager"), as_("county_reviewer")
    [problem] = made.found(surveyor, "tank_cracked")
    work = {"division_code": survey.TOWNSHIP, "problem_type": "no_upkeep_mechanism"}
    at_work = ok(manager.post(f"{API}/problems", json=work), 201)  # has no visit, so there is none to verify
    draft = made.plan(manager)
    made.put(manager, draft["id"], made.item(problem), made.item(at_work, measure="落实管护员"))
    url = f"{API}/plans/{draft['id']}"
    answer = manager.post(f"{url}/submit")
    assert list(faults(answer).values()) == ["survey_unverified"]
    error = answer.json()["errors"][0]
    assert error["value"] == problem["id"]
    assert error["rule"].startswith("工作方案 四（二）4")
    visit = {"division_code": survey.VILLAGE, "decision": "verify"}
    ok(manager.post(f"{API}/visits/bulk-verify", json={**visit, "level": "township"}))
    made.plan_step(manager, draft["id"], "submit")
    answer = reviewer.post(f"{url}/approve", headers={"Accept-Language": "en"})
    assert list(faults(answer, 409, "problem_not_plannable").values()) == ["survey_unverified"]
    assert "verify the visits" in answer.json()["remedy"]
    ok(reviewer.post(f"{API}/visits/bulk-verify", json={**visit, "level": "county"}))
    assert made.plan_step(reviewer, draft["id"], "approve")["problems"]["total"] == 2


def test_nothing_is_planned_for_a_day_that_is_over(as_: As) -> None:
    survey.campaign(as_("county_admin"), verification_levels=[])
    manager = as_("township_manager")
    problem = made.found(as_("village_surveyor"), "tank_cracked")[0]
    url = f"{survey.API}/plans/{made.plan(manager)['id']}"
    for path, body, pointer in (
        ("items", {"items": [made.item(problem, due_on="2020-01-01")]}, "/items/0/due_on"),
        ("items/fill", {"measures": [{"measure": "整改", "due_on": "2020-01-01"}]}, "/measures/0/due_on"),
    ):
        fault = made.refused(manager.post(f"{url}/{path}", json=body), 422, "invalid")["errors"][0]
        assert (fault["pointer"], fault["code"]) == (pointer, "due_passed")
    survey.ok(manager.post(f"{url}/items", json={"items": [made.item(problem)]}))
    survey.ok(manager.patch(url, json={"due_on": "2020-01-01"}, headers={"If-Match": "*"}))
    faults = made.refused(manager.post(f"{url}/submit"), 422, "invalid")["errors"]
    assert [(one["pointer"], one["code"]) for one in faults] == [("/due_on", "due_passed")]
