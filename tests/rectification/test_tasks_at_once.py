"""立行立改: what is mended at once, without a plan, and what isn't."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.accounts.logins import at_once
from tests.rectification import made, passing
from tests.survey import made as survey
from tests.survey.made import API, ok
from toilet_api.kernel.database import Database
from toilet_api.kernel.fields import new_id

As = Callable[[str], TestClient]
BODY = {"measure": "更换灯泡", "responsible_person": "李工", "contractor": "甲队", "cost_fen": 3_000}


@pytest.fixture
def surveyor(as_: As) -> TestClient:
    survey.campaign(as_("county_admin"))
    return as_("village_surveyor")


@pytest.fixture
def problem(surveyor: TestClient) -> dict[str, Any]:
    return made.found(surveyor, "no_light")[0]


def mend(client: TestClient, problem: dict[str, Any], **members: Any) -> Any:
    headers = members.pop("headers", None)
    url = f"{API}/problems/{problem['id']}/rectify-at-once"
    return client.post(url, json={**BODY, **members}, headers=headers)


def test_a_small_defect_is_in_work_at_once(surveyor: TestClient, problem: dict[str, Any]) -> None:
    assert problem["allowed_actions"] == ["rectify_at_once"]
    answer = mend(surveyor, problem)
    task = ok(answer, 201)
    assert answer.headers["Location"] == f"{API}/tasks/{task['id']}"
    assert (task["path"], task["state"], task["plan_id"], task["measure"]) == ("at_once", "in_work", None, "更换灯泡")
    assert (task["due_on"], task["cost_fen"]) == (problem["deadline"], 3_000)
    assert task["worker_ids"] == [ok(surveyor.get(f"{API}/me"))["id"]]
    shown = ok(surveyor.get(f"{API}/problems/{problem['id']}"))
    assert (shown["state"], shown["task_id"], shown["allowed_actions"]) == ("in_work", task["id"], [])
    history = ok(surveyor.get(f"{API}/problems/{problem['id']}/history"))["items"]
    assert [one["action"] for one in history] == ["problem.opened", "problem.charged", "problem.work_started"]
    mine = ok(surveyor.get(f"{API}/tasks/{task['id']}/history"))["items"]
    assert [one["action"] for one in mine] == ["task.created", "task.started"]


def test_sent_again_it_is_the_same_task(as_: As, surveyor: TestClient, problem: dict[str, Any]) -> None:
    one = {"id": str(new_id())}
    first = ok(mend(surveyor, problem, **one), 201)
    assert ok(mend(surveyor, problem, **one))["id"] == first["id"] == one["id"]
    made.noted(surveyor, first)
    made.task_step(surveyor, first, "submit")
    assert ok(mend(surveyor, problem, **one))["state"] == "submitted"
    for client, more in ((surveyor, {"measure": "别的"}), (as_("township_manager"), {})):
        answer = mend(client, problem, **one, **more)
        assert (answer.status_code, answer.json()["code"]) == (409, "id_taken")
    other = made.found(surveyor, "no_light")[0]
    assert mend(surveyor, other, **one).json()["code"] == "id_taken"
    assert ok(surveyor.get(f"{API}/problems/{other['id']}"))["state"] == "open"


def test_an_id_of_elsewhere_is_taken(as_: As, surveyor: TestClient, problem: dict[str, Any]) -> None:
    neighbour = as_("village_surveyor_2")
    theirs = made.at_once(neighbour, made.found(neighbour, "no_light", village=survey.OTHER_VILLAGE)[0])
    answer = mend(surveyor, problem, id=theirs["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "id_taken")


def test_other_causes_go_into_a_plan(surveyor: TestClient) -> None:
    cracked = made.found(surveyor, "tank_cracked")[0]
    assert "rectify_at_once" not in cracked["allowed_actions"]
    answer = mend(surveyor, cracked)
    body = answer.json()
    assert (answer.status_code, body["code"], body["cause"]) == (409, "not_at_once", cracked["cause"])
    assert body["rule"].startswith("工作方案")
    assert body["remedy"]
    assert ok(surveyor.get(f"{API}/tasks"))["items"] == []


def test_the_campaign_decides_which_causes(as_: As, surveyor: TestClient) -> None:
    cracked = made.found(surveyor, "tank_cracked")[0]
    admin = as_("county_admin")
    url = f"{API}/campaigns/{cracked['campaign_id']}"
    ok(admin.patch(url, json={"at_once_causes": ["product_quality"]}, headers={"If-Match": "*"}))
    assert made.at_once(surveyor, cracked)["state"] == "in_work"
    assert mend(surveyor, made.found(surveyor, "no_light")[0]).json()["code"] == "not_at_once"


def test_what_a_plan_charges_somebody_with_has_its_task(
    surveyor: TestClient, problem: dict[str, Any], database: Database
) -> None:
    charged = passing.charged(database, problem["id"])
    body = mend(surveyor, problem).json()
    assert (body["code"], body["status"], body["task_id"]) == ("task_exists", 409, charged)
    assert body["rule"]
    made.task_step(surveyor, {"id": charged}, "start")
    assert mend(surveyor, problem).json()["code"] == "wrong_state"


@pytest.mark.parametrize(
    ("role", "status"),
    [("county_reviewer", 403), ("auditor", 403), ("village_surveyor_2", 404), ("township_manager_2", 404)],
)
def test_who_may_not(as_: As, surveyor: TestClient, problem: dict[str, Any], role: str, status: int) -> None:
    assert mend(as_(role), problem).status_code == status
    assert ok(surveyor.get(f"{API}/problems/{problem['id']}"))["state"] == "open"


def test_a_stale_view_of_the_problem_is_told(as_: As, surveyor: TestClient, problem: dict[str, Any]) -> None:
    url = f"{API}/problems/{problem['id']}"
    ok(as_("county_admin").patch(url, json={"description": "灯座已坏"}, headers={"If-Match": "*"}))
    answer = mend(surveyor, problem, headers={"If-Match": f'"{problem["version"]}"'})
    assert (answer.status_code, answer.json()["current"]["description"]) == (412, "灯座已坏")
    for wrong in ({"measure": ""}, {"measure": None}, {"cost_fen": -1}, {"started_at": "2026-06-01T00:00:00+08:00"}):
        assert mend(surveyor, problem, **wrong).status_code == 422


def test_several_at_once_make_one_task(as_: As, surveyor: TestClient, problem: dict[str, Any]) -> None:
    clients = [surveyor, as_("township_manager")]
    answers = at_once(4, lambda index: mend(clients[index % 2], problem))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]
    assert len(ok(surveyor.get(f"{API}/tasks"))["items"]) == 1
    again = made.found(surveyor, "no_light")[0]
    one = {"id": str(new_id())}
    answers = at_once(4, lambda _: mend(surveyor, again, **one))
    assert sorted(one.status_code for one in answers) == [200, 200, 200, 201]


def test_dismissed_at_the_same_moment_it_is_one_or_the_other(
    as_: As, surveyor: TestClient, problem: dict[str, Any]
) -> None:
    admin = as_("county_admin")
    url = f"{API}/problems/{problem['id']}"

    def act(index: int) -> Any:
        return mend(surveyor, problem) if index else admin.post(f"{url}/dismiss", json={"reason": "误登"})

    dismissed, mended = at_once(2, act)
    shown = ok(surveyor.get(url))
    assert dismissed.status_code == 200  # either before the work, or it ends the work
    assert (shown["state"], shown["task_id"]) == ("dismissed", None)
    states = [one["state"] for one in ok(surveyor.get(f"{API}/tasks"))["items"]]
    assert states == (["cancelled"] if mended.status_code == 201 else [])


def test_reopened_it_is_started_like_any_other_task(as_: As, surveyor: TestClient, problem: dict[str, Any]) -> None:
    admin = as_("county_admin")
    ok(mend(surveyor, problem), 201)
    ok(admin.post(f"{API}/problems/{problem['id']}/dismiss", json={"reason": "误登"}))
    shown = ok(admin.post(f"{API}/problems/{problem['id']}/reopen", json={"reason": "确有"}))
    assert shown["state"] == "open"
    assert "rectify_at_once" not in shown["allowed_actions"]
    assert mend(surveyor, problem).json()["code"] == "task_exists"
    task = made.task_step(surveyor, {"id": shown["task_id"]}, "start")
    assert (task["path"], task["attempt"], task["state"]) == ("at_once", 2, "in_work")
