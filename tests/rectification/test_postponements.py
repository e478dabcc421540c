"""Postponements: asked for by the township, decided on by the county, withdrawn by who asked."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.accounts.logins import at_once
from tests.rectification import made, passing
from tests.survey import made as survey
from tests.survey.made import API, ok
from toilet_api.kernel.database import Database
from toilet_api.kernel.fields import new_id, now
from toilet_api.survey.rules import shanghai_date

As = Callable[[str], TestClient]
LATER = "2038-03-31"


@pytest.fixture
def surveyor(as_: As) -> TestClient:
    survey.campaign(as_("county_admin"), verification_levels=[])
    return as_("village_surveyor")


@pytest.fixture
def task(surveyor: TestClient, database: Database) -> dict[str, Any]:
    """A task by a plan, due at the end of 2037."""
    problem = made.found(surveyor, "tank_cracked")[0]
    shown: dict[str, Any] = ok(surveyor.get(f"{API}/tasks/{passing.charged(database, problem['id'])}"))
    return shown


def ask(client: TestClient, task: dict[str, Any], to_due: str = LATER, **members: Any) -> Any:
    headers = members.pop("headers", None)
    body = {"to_due": to_due, "reason": "雨季无法施工", **members}
    return client.post(f"{API}/tasks/{task['id']}/postponements", json=body, headers=headers)


def decide(client: TestClient, one: dict[str, Any], step: str, **body: Any) -> Any:
    return client.post(f"{API}/postponements/{one['id']}/{step}", json=body or None)


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    body: dict[str, Any] = answer.json()
    assert body["rule"]
    assert body["remedy"]
    return body


def test_granted_it_moves_the_task_and_its_problem(as_: As, surveyor: TestClient, task: dict[str, Any]) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    assert "postpone" in ok(manager.get(f"{API}/tasks/{task['id']}"))["allowed_actions"]
    answer = ask(manager, task)
    asked = ok(answer, 201)
    assert answer.headers["Location"] == f"{API}/postponements/{asked['id']}"
    assert (asked["state"], asked["from_due"], asked["to_due"]) == ("requested", "2037-12-31", LATER)
    assert asked["requested_by_name"]
    assert asked["allowed_actions"] == ["withdraw"]
    assert "postpone" not in ok(manager.get(f"{API}/tasks/{task['id']}"))["allowed_actions"]
    assert ok(reviewer.get(f"{API}/postponements/{asked['id']}"))["allowed_actions"] == ["grant", "refuse"]
    assert ok(surveyor.get(f"{API}/postponements/{asked['id']}"))["allowed_actions"] == []
    granted = ok(decide(reviewer, asked, "grant", reason="同意"))
    assert (granted["state"], granted["decision_reason"], granted["task_due_on"]) == ("granted", "同意", LATER)
    assert granted["decided_by_name"]
    assert granted["allowed_actions"] == []
    assert ok(surveyor.get(f"{API}/tasks/{task['id']}"))["due_on"] == LATER
    problem = ok(surveyor.get(f"{API}/problems/{task['problem_id']}"))
    assert (problem["deadline"], problem["deadline_source"]) == (LATER, "postponement")
    entry = ok(manager.get(f"{API}/tasks/{task['id']}/history"))["items"][-1]
    assert (entry["action"], entry["before"], entry["after"]) == (
        *("task.postponed", {"due_on": "2037-12-31"}, {"due_on": LATER}),
    )
    assert entry["reason"] == "雨季无法施工"
    entry = ok(manager.get(f"{API}/problems/{task['problem_id']}/history"))["items"][-1]
    assert (entry["action"], entry["after"]["deadline_source"]) == ("problem.postponed", "postponement")
    assert refused(decide(reviewer, asked, "grant"), 409, "wrong_state")["state"] == "granted"
    assert ok(ask(manager, task, "2038-06-30"), 201)["from_due"] == LATER  # and later once more


def test_a_granted_day_is_not_moved_by_the_campaign_s_rules(as_: As, task: dict[str, Any]) -> None:
    admin = as_("county_admin")
    ok(decide(as_("county_reviewer"), ok(ask(admin, task), 201), "grant"))
    rules = {**survey.RULES, "product_quality": {"kind": "fixed", "date": "2037-06-30"}}
    url = f"{API}/campaigns/{task['campaign_id']}"
    ok(admin.patch(url, json={"deadline_rules": rules}, headers={"If-Match": "*"}))
    assert ok(admin.get(f"{API}/problems/{task['problem_id']}"))["deadline"] == LATER


def test_refused_it_changes_nothing_and_says_why(as_: As, task: dict[str, Any]) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    asked = ok(ask(manager, task), 201)
    assert decide(reviewer, asked, "refuse").status_code == 422
    assert decide(reviewer, asked, "refuse", reason="").status_code == 422
    shown = ok(decide(reviewer, asked, "refuse", reason="年底前须完成"))
    assert (shown["state"], shown["decision_reason"]) == ("refused", "年底前须完成")
    after = ok(manager.get(f"{API}/tasks/{task['id']}"))
    assert (after["due_on"], after["version"]) == (task["due_on"], task["version"])
    assert "postpone" in after["allowed_actions"]
    ok(ask(manager, task), 201)


def test_only_who_asked_withdraws_and_never_decides(as_: As, task: dict[str, Any]) -> None:
    manager, admin = as_("township_manager"), as_("county_admin")
    asked = ok(ask(manager, task), 201)
    refused(decide(admin, asked, "withdraw"), 403, "not_requester")
    assert ok(decide(manager, asked, "withdraw"))["state"] == "withdrawn"
    refused(decide(manager, asked, "withdraw"), 409, "wrong_state")
    mine = ok(ask(admin, task), 201)
    assert mine["allowed_actions"] == ["withdraw"]
    for step, body in (("grant", {}), ("refuse", {"reason": "x"})):
        refused(decide(admin, mine, step, **body), 403, "requested_by_yourself")
    assert ok(decide(as_("county_reviewer"), mine, "grant"))["state"] == "granted"


def test_one_request_at_a_time(as_: As, task: dict[str, Any]) -> None:
    manager, admin = as_("township_manager"), as_("county_admin")
    ok(ask(manager, task), 201)
    refused(ask(admin, task), 409, "postponement_pending")
    assert len(ok(manager.get(f"{API}/postponements", params={"state": "requested"}))["items"]) == 1


def test_the_day_lies_ahead_and_behind_the_present_one(
    as_: As, surveyor: TestClient, database: Database, task: dict[str, Any]
) -> None:
    manager = as_("township_manager")
    today = shanghai_date(now())
    for day, code in ((task["due_on"], "not_later"), ("2037-06-30", "not_later"), (today, "not_in_the_future")):
        body = refused(ask(manager, task, str(day)), 422, "invalid")
        assert (body["errors"][0]["pointer"], body["errors"][0]["code"]) == ("/to_due", code)
    assert ask(manager, task, "2037-02-31").status_code == 422
    assert ask(manager, task, reason="").status_code == 422
    late = made.found(surveyor, "no_light", visited_at=survey.earlier(days=30))[0]
    overdue = made.at_once(surveyor, late)
    assert overdue["overdue"]
    asked = ok(ask(manager, overdue, str(today + timedelta(days=1))), 201)
    ok(decide(as_("county_reviewer"), asked, "grant"))
    assert ok(surveyor.get(f"{API}/tasks/{overdue['id']}"))["overdue"] is False
    timetable = made.found(surveyor, "floods")[0]  # no date yet
    free = {"id": passing.charged(database, timetable["id"])}
    asked = ok(ask(manager, free, "2029-12-31"), 201)
    assert asked["from_due"] is None
    assert ok(decide(as_("county_reviewer"), asked, "grant"))["task_due_on"] == "2029-12-31"


def test_a_task_that_ended_meanwhile_is_not_postponed(as_: As, task: dict[str, Any]) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    asked = ok(ask(manager, task), 201)
    ok(as_("county_admin").post(f"{API}/problems/{task['problem_id']}/dismiss", json={"reason": "误登"}))
    assert ok(reviewer.get(f"{API}/postponements/{asked['id']}"))["allowed_actions"] == ["refuse"]
    body = refused(decide(reviewer, asked, "grant"), 409, "wrong_state")
    assert (body["state"], body["possible_steps"]) == ("cancelled", ["refuse", "withdraw"])
    assert refused(ask(manager, task), 409, "wrong_state")["state"] == "cancelled"
    assert ok(decide(reviewer, asked, "refuse", reason="任务已取消"))["state"] == "refused"


def test_a_day_that_was_overtaken_is_not_granted(as_: As, surveyor: TestClient, database: Database, task: Any) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    asked = ok(ask(manager, task), 201)
    admin = as_("county_admin")
    campaign = ok(admin.get(f"{API}/campaigns"))["items"][0]
    rules = {**campaign["deadline_rules"], "product_quality": {"kind": "fixed", "date": "2038-05-31"}}
    change = {"deadline_rules": rules}
    ok(admin.patch(f"{API}/campaigns/{campaign['id']}", json=change, headers={"If-Match": "*"}))
    assert "grant" not in ok(reviewer.get(f"{API}/postponements/{asked['id']}"))["allowed_actions"]
    body = refused(decide(reviewer, asked, "grant"), 409, "postponement_overtaken")
    assert (body["due_on"], body["to_due"]) == ("2038-05-31", LATER)
    assert ok(surveyor.get(f"{API}/tasks/{task['id']}"))["due_on"] == "2038-05-31"


def test_sent_again_it_is_the_same_request(as_: As, task: dict[str, Any]) -> None:
    manager = as_("township_manager")
    one = {"id": str(new_id())}
    first = ok(ask(manager, task, **one), 201)
    assert ok(ask(manager, task, **one))["id"] == first["id"]
    assert ask(manager, task, **one, reason="别的").json()["code"] == "id_taken"
    assert ask(as_("county_admin"), task, **one).json()["code"] == "id_taken"
    ok(decide(as_("county_reviewer"), first, "grant"))
    assert ok(ask(manager, task, **one))["state"] == "granted"


@pytest.mark.parametrize(
    ("role", "asks", "decides", "reads"),
    [
        ("village_surveyor", 403, 403, 200),
        ("township_manager_2", 404, 403, 404),
        ("county_reviewer", 403, 200, 200),
        ("auditor", 403, 403, 200),
        ("city_inspector", 403, 403, 200),
    ],
)
def test_who_asks_who_decides_and_who_reads(
    as_: As, task: dict[str, Any], role: str, asks: int, decides: int, reads: int
) -> None:
    asked = ok(ask(as_("township_manager"), task), 201)
    client = as_(role)
    assert ask(client, task).status_code == asks
    assert client.get(f"{API}/postponements/{asked['id']}").status_code == reads
    assert len(ok(client.get(f"{API}/postponements"))["items"]) == (1 if reads == 200 else 0)
    assert decide(client, asked, "withdraw").status_code == (403 if asks == 403 else 404)
    assert decide(client, asked, "refuse", reason="x").status_code == decides


def test_stale_views_are_told(as_: As, surveyor: TestClient, task: dict[str, Any]) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    made.task_step(surveyor, task, "start")
    tag = {"If-Match": f'"{task["version"]}"'}
    assert refused_stale(ask(manager, task, headers=tag))["state"] == "in_work"
    asked = ok(ask(manager, task), 201)
    for step, body in (("grant", None), ("refuse", {"reason": "x"})):
        answer = reviewer.post(f"{API}/postponements/{asked['id']}/{step}", json=body, headers={"If-Match": '"9"'})
        assert refused_stale(answer)["id"] == asked["id"]
    answer = manager.post(f"{API}/postponements/{asked['id']}/withdraw", headers={"If-Match": '"9"'})
    assert refused_stale(answer)["version"] == 1


def refused_stale(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 412, answer.text
    current: dict[str, Any] = answer.json()["current"]
    return current


def test_filters_and_orders(as_: As, surveyor: TestClient, database: Database, task: dict[str, Any]) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    other = made.at_once(surveyor, made.found(surveyor, "no_light")[0])
    first, second = ok(ask(manager, task), 201), ok(ask(manager, other, "2037-01-31"), 201)
    ok(decide(reviewer, first, "grant"))

    def shown(**params: Any) -> list[str]:
        return [one["problem_type"] for one in ok(reviewer.get(f"{API}/postponements", params=params))["items"]]

    assert shown() == ["tank_cracked", "no_light"]
    assert shown(sort="-created_at") == shown(sort="to_due") == ["no_light", "tank_cracked"]
    assert shown(sort="-to_due") == ["tank_cracked", "no_light"]
    assert shown(state="requested") == ["no_light"]
    assert shown(state=["requested", "granted"]) == ["tank_cracked", "no_light"]
    assert shown(task_id=other["id"]) == shown(problem_id=other["problem_id"]) == ["no_light"]
    assert shown(campaign_id=task["campaign_id"]) == ["tank_cracked", "no_light"]
    assert shown(division=survey.OTHER_VILLAGE) == []
    assert second["to_due"] == "2037-01-31"
    assert reviewer.get(f"{API}/postponements", params={"division": "110101"}).status_code == 404


def test_two_deciders_at_once_decide_once(as_: As, task: dict[str, Any]) -> None:
    asked = ok(ask(as_("township_manager"), task), 201)
    clients = [as_("county_reviewer"), as_("county_admin")]

    def act(index: int) -> Any:
        step, body = (("grant", {}), ("refuse", {"reason": "不同意"}))[index]
        return decide(clients[index], asked, step, **body)

    answers = at_once(2, act)
    assert sorted(one.status_code for one in answers) == [200, 409]
    winner = next(one.json()["state"] for one in answers if one.status_code == 200)
    due = ok(clients[0].get(f"{API}/tasks/{task['id']}"))["due_on"]
    assert due == (LATER if winner == "granted" else task["due_on"])


def test_two_requests_at_once_are_one(as_: As, task: dict[str, Any]) -> None:
    clients = [as_("township_manager"), as_("county_admin")]
    answers = at_once(4, lambda index: ask(clients[index % 2], task))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"postponement_pending"}
