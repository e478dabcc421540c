"""Tasks over HTTP: assigned, started, noted with photos, submitted, recalled; lists, filters, history, scope."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.accounts.logins import at_once
from tests.rectification import made, passing
from tests.survey import made as survey
from tests.survey.made import API, ok
from toilet_api.kernel.database import Database
from toilet_api.kernel.fields import new_id
from toilet_api.survey.clock import this_moment

As = Callable[[str], TestClient]
TASKS = f"{API}/tasks"


@pytest.fixture
def surveyor(as_: As) -> TestClient:
    survey.campaign(as_("county_admin"), verification_levels=[])
    return as_("village_surveyor")


@pytest.fixture
def task(surveyor: TestClient, database: Database) -> dict[str, Any]:
    """A task by a plan, waiting to be started."""
    return planned(surveyor, database)


def planned(surveyor: TestClient, database: Database, *types: str, **members: Any) -> dict[str, Any]:
    problem = made.found(surveyor, *(types or ("tank_cracked",)))[0]
    shown: dict[str, Any] = ok(surveyor.get(f"{TASKS}/{passing.charged(database, problem['id'], **members)}"))
    return shown


def get(client: TestClient, one: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = ok(client.get(f"{TASKS}/{one['id']}"))
    return shown


def patch(client: TestClient, one: dict[str, Any], tag: str | None = "*", **body: Any) -> Any:
    return client.patch(f"{TASKS}/{one['id']}", json=body, headers={"If-Match": tag} if tag else {})


def actions(client: TestClient, one: dict[str, Any]) -> list[str]:
    items = ok(client.get(f"{TASKS}/{one['id']}/history"))["items"]
    return [entry["action"] for entry in items]


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal of ours: it names the rule and what to do next."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    body: dict[str, Any] = answer.json()
    assert body["remedy"]
    return body


def test_from_pending_to_submitted(as_: As, surveyor: TestClient, task: dict[str, Any]) -> None:
    assert (task["state"], task["path"], task["attempt"], task["overdue"]) == ("pending", "planned", 1, False)
    assert (task["problem_type"], task["problem_state"], task["head_masked"]) == ("tank_cracked", "open", "张**")
    assert task["due_on"] == "2037-12-31"
    assert task["village_name"]
    assert task["allowed_actions"] == ["start", "note"]
    made.noted(surveyor, task, "before", percent=0)
    started = made.task_step(surveyor, task, "start")
    assert (started["state"], started["problem_state"], started["allowed_actions"]) == ("in_work", "in_work", ["note"])
    assert ok(surveyor.get(f"{API}/problems/{task['problem_id']}"))["state"] == "in_work"
    made.noted(surveyor, task, "during", percent=60)
    made.noted(surveyor, task, "after", percent=100)
    ready = get(surveyor, task)
    assert [len(ready[f"photos_{stage}"]) for stage in ("before", "during", "after")] == [1, 1, 1]
    assert (ready["percent"], ready["allowed_actions"]) == (100, ["note", "submit"])
    done = made.task_step(surveyor, task, "submit", actual_cost_fen=120_000, note="已完工并试水")
    me = ok(surveyor.get(f"{API}/me"))["id"]
    assert (done["state"], done["actual_cost_fen"], done["submitted_by"]) == ("submitted", 120_000, me)
    assert done["worker_ids"] == [me]
    assert done["allowed_actions"] == ["recall"]
    back = made.task_step(surveyor, task, "recall")
    assert (back["state"], back["submitted_at"], back["submitted_by"]) == ("in_work", None, None)
    assert actions(as_("township_manager"), task) == [
        *("task.created", "task.noted", "task.started", "task.noted", "task.noted", "task.noted"),
        *("task.submitted", "task.recalled"),
    ]
    history = ok(surveyor.get(f"{API}/problems/{task['problem_id']}/history"))["items"]
    assert [entry["action"] for entry in history] == ["problem.opened", "problem.charged", "problem.work_started"]


def test_notes_are_a_list_of_their_own_and_a_retry_makes_no_second_one(surveyor: TestClient, task: Any) -> None:
    photo = ok(survey.upload(surveyor), 201)["id"]
    body = {"id": str(new_id()), "text": "开挖", "percent": 10, "stage": "before", "photo_ids": [photo]}
    url = f"{TASKS}/{task['id']}/notes"
    first = surveyor.post(url, json=body)
    assert first.headers["Location"] == url
    shown = ok(first, 201)
    assert (shown["text"], shown["percent"], shown["stage"], shown["photo_ids"]) == ("开挖", 10, "before", [photo])
    made.task_step(surveyor, task, "start")
    made.noted(surveyor, task)
    made.task_step(surveyor, task, "submit")
    assert ok(surveyor.post(url, json=body)) == shown  # sent again from a phone, when no note is possible any more
    refused(surveyor.post(url, json={**body, "text": "别的"}), 409, "id_taken")
    made_up = surveyor.post(url, json={"text": "回填"})
    assert refused(made_up, 409, "wrong_state")["state"] == "submitted"
    page = ok(surveyor.get(url, params={"limit": 1, "count": "exact"}))
    assert ([one["text"] for one in page["items"]], page["count"]) == (["开挖"], 2)
    last = ok(surveyor.get(url, params={"sort": "-noted_at", "limit": 1}))
    assert [one["stage"] for one in last["items"]] == ["after"]


def test_photos_need_their_stage_and_belong_to_the_place(as_: As, surveyor: TestClient, task: Any) -> None:
    url = f"{TASKS}/{task['id']}/notes"
    photo = ok(survey.upload(surveyor), 201)["id"]
    fault = refused(surveyor.post(url, json={"text": "x", "photo_ids": [photo]}), 422, "invalid")
    assert (fault["errors"][0]["pointer"], fault["errors"][0]["code"]) == ("/stage", "stage_missing")
    assert fault["errors"][0]["rule"] == fault["rule"]
    elsewhere = ok(survey.upload(as_("village_surveyor_2"), village=survey.OTHER_VILLAGE), 201)["id"]
    signed = survey.signature(surveyor)
    for wrong, code in ((elsewhere, "attachment_unknown"), (signed, "attachment_kind")):
        answer = surveyor.post(url, json={"text": "x", "stage": "after", "photo_ids": [wrong]})
        assert refused(answer, 422, "invalid")["errors"][0]["code"] == code
    for wrong_body in ({"text": ""}, {"text": "x", "percent": 101}, {"text": "x", "stage": "later"}, {}):
        assert surveyor.post(url, json=wrong_body).status_code == 422
    assert ok(surveyor.get(url))["items"] == []
    assert get(surveyor, task)["version"] == task["version"]


def test_the_same_photo_twice_stands_once(surveyor: TestClient, task: Any) -> None:
    photo = ok(survey.upload(surveyor), 201)["id"]
    for _ in range(2):
        body = {"text": "x", "stage": "during", "photo_ids": [photo]}
        ok(surveyor.post(f"{TASKS}/{task['id']}/notes", json=body), 201)
    assert get(surveyor, task)["photos_during"] == [photo]


def test_a_toilet_needs_a_photo_of_the_finished_work_and_work_does_not(
    as_: As, surveyor: TestClient, database: Database, task: Any
) -> None:
    made.task_step(surveyor, task, "start")
    made.noted(surveyor, task, "during")
    body = refused(surveyor.post(f"{TASKS}/{task['id']}/submit"), 409, "after_photo_missing")
    assert body["rule"].startswith("工作方案")
    assert "submit" not in get(surveyor, task)["allowed_actions"]
    manager = as_("township_manager")
    work = {"division_code": survey.TOWNSHIP, "problem_type": "no_upkeep_mechanism"}
    problem = ok(manager.post(f"{API}/problems", json=work), 201)
    other = {"id": passing.charged(database, problem["id"], responsible_person="李工")}
    made.task_step(manager, other, "start")
    assert "submit" in get(manager, other)["allowed_actions"]
    shown = made.task_step(manager, other, "submit")
    assert (shown["state"], shown["village_name"], shown["responsible_person"]) == ("submitted", None, "李工")
    assert surveyor.get(f"{TASKS}/{other['id']}").status_code == 404


def test_assignment_is_a_merge_patch(as_: As, surveyor: TestClient, task: Any) -> None:
    manager = as_("township_manager")
    me = ok(surveyor.get(f"{API}/me"))["id"]
    assert patch(manager, task, None, measure="x").status_code == 428
    stale = patch(manager, task, '"99"', measure="x")
    assert refused(stale, 412, "stale")["current"]["id"] == task["id"]
    wanted = {
        "measure": "更换第二池",
        "timetable": "9 月选址",
        "responsible_person": "李工",
        "responsible_unit": "石渡村委会",
        "responsible_user_id": me,
        "contractor": "示例工程队",
        "cost_fen": 250_000,
    }
    answer = patch(manager, task, f'"{task["version"]}"', **wanted)
    shown = ok(answer)
    assert {name: shown[name] for name in wanted} == wanted
    assert (shown["version"], shown["worker_ids"]) == (task["version"] + 1, [me])
    assert answer.headers["ETag"] == f'"{shown["version"]}"'
    assert ok(patch(manager, task, **wanted))["version"] == shown["version"]  # nothing changed: nothing is written
    cleared = ok(patch(manager, task, contractor=None, responsible_user_id=None))
    assert (cleared["contractor"], cleared["responsible_user_id"], cleared["worker_ids"]) == (None, None, [me])
    for wrong in (
        {"measure": None},
        {"measure": ""},
        {"due_on": "2038-01-01"},
        {"cost_fen": -1},
        {"state": "accepted"},
    ):
        assert patch(manager, task, **wrong).status_code == 422, wrong
    entry = ok(manager.get(f"{TASKS}/{task['id']}/history"))["items"][1]
    assert (entry["action"], entry["before"]["measure"]) == ("task.assigned", "更换破裂的第二池")
    assert patch(surveyor, task, measure="x").status_code == 403
    assert patch(as_("township_manager_2"), task, measure="x").status_code == 404
    made.task_step(surveyor, task, "start")
    ok(patch(manager, task, contractor="另一队"))
    made.noted(surveyor, task)
    made.task_step(surveyor, task, "submit")
    refused(patch(manager, task, contractor="第三队"), 409, "wrong_state")


def test_who_is_charged_is_an_account_of_the_place(as_: As, task: Any, database: Database) -> None:
    manager, admin = as_("township_manager"), as_("county_admin")
    neighbour = passing.person(database, "village_surveyor_2")
    client = passing.person(database, "province_client")
    reviewer = passing.person(database, "county_reviewer")
    for one, who in ((manager, neighbour), (manager, str(new_id())), (manager, reviewer), (admin, client)):
        body = refused(patch(one, task, responsible_user_id=who), 422, "invalid")
        assert body["errors"][0]["code"] == "user_unknown"
    # The county sees its reviewer, whose grant covers the village.
    assert ok(patch(admin, task, responsible_user_id=reviewer))["responsible_user_id"] == reviewer


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("county_reviewer", 403),
        ("auditor", 403),
        ("province_inspector", 403),
        ("province_client", 403),
        ("village_surveyor_2", 404),
        ("township_manager_2", 404),
    ],
)
def test_who_may_not_work_on_a_task(as_: As, surveyor: TestClient, task: Any, role: str, status: int) -> None:
    client = as_(role)
    for step, body in (("start", None), ("submit", None), ("recall", None), ("notes", {"text": "x"})):
        answer = client.post(f"{TASKS}/{task['id']}/{step}", json=body)
        assert answer.status_code == status, f"{step}: {answer.text}"
        assert answer.json()["remedy"]
    assert client.get(f"{TASKS}/{task['id']}").status_code == (404 if status == 404 else 200)
    assert client.get(f"{TASKS}/{task['id']}/notes").status_code == (404 if status == 404 else 200)
    assert get(surveyor, task)["state"] == "pending"
    if status == 403:
        assert get(client, task)["allowed_actions"] == []


def test_steps_out_of_their_order_say_what_is_possible(surveyor: TestClient, task: Any) -> None:
    url = f"{TASKS}/{task['id']}"
    for step in ("submit", "recall"):
        body = refused(surveyor.post(f"{url}/{step}"), 409, "wrong_state")
        assert (body["state"], body["possible_steps"]) == ("pending", ["assign", "note", "postpone", "start"])
    made.task_step(surveyor, task, "start")
    refused(surveyor.post(f"{url}/start"), 409, "wrong_state")
    tag = {"If-Match": f'"{task["version"]}"'}
    for step, sent in (("submit", None), ("notes", {"text": "x"})):
        answer = surveyor.post(f"{url}/{step}", json=sent, headers=tag)
        assert refused(answer, 412, "stale")["current"]["state"] == "in_work"


def test_filters_and_orders(as_: As, surveyor: TestClient, database: Database) -> None:
    neighbour, admin = as_("village_surveyor_2"), as_("county_admin")
    first = planned(surveyor, database, due_on=date(2037, 6, 30), contractor="甲队", responsible_unit="石渡村委会")
    second = planned(surveyor, database, "floods")  # a timetable of its own, which nobody has set yet
    third = made.found(neighbour, "no_light", village=survey.OTHER_VILLAGE, visited_at=survey.earlier(days=20))[0]
    late = made.at_once(neighbour, third, contractor="乙队")

    def shown(**params: Any) -> list[str]:
        return [one["problem_type"] for one in ok(admin.get(TASKS, params=params))["items"]]

    everything = ["no_light", "tank_cracked", "floods"]
    assert shown() == everything
    assert shown(sort="-due_on") == everything[::-1]
    assert shown(division=survey.VILLAGE) == ["tank_cracked", "floods"]
    assert shown(state="in_work") == ["no_light"]
    assert shown(state=["pending", "in_work"]) == everything
    assert shown(path="at_once") == ["no_light"]
    assert shown(campaign_id=first["campaign_id"]) == everything
    assert shown(plan_id=first["plan_id"]) == ["tank_cracked"]
    assert shown(problem_id=third["id"]) == ["no_light"]
    assert shown(overdue="true") == ["no_light"]
    assert shown(overdue="false") == ["tank_cracked", "floods"]
    assert shown(due_after="2037-06-30", due_before="2037-06-30") == ["tank_cracked"]
    assert shown(due_before="2037-06-29") == ["no_light"]
    assert shown(contractor="甲队") == ["tank_cracked"]
    assert shown(contractor="甲") == []
    assert shown(responsible_unit="石渡村委会") == ["tank_cracked"]
    assert second["due_on"] is None
    assert late["overdue"] is True
    for order in ("due_on", "-due_on", "division_code", "updated_at", "-updated_at"):
        walked: list[str] = []
        params: dict[str, Any] = {"limit": 1, "sort": order}
        while True:
            page = ok(admin.get(TASKS, params=params))
            walked += [one["problem_type"] for one in page["items"]]
            if not page["next_cursor"]:
                break
            params["cursor"] = page["next_cursor"]
        assert sorted(walked) == sorted(everything), order
    assert len(ok(neighbour.get(TASKS))["items"]) == 1
    assert admin.get(TASKS, params={"division": "110101"}).status_code == 404
    for wrong in ({"state": "x"}, {"path": "x"}, {"sort": "x"}, {"due_after": "2026-02-31"}, {"contractor": ""}):
        assert admin.get(TASKS, params=wrong).status_code == 422, wrong


def test_overdue_is_a_fact_of_the_clock_in_shanghai(surveyor: TestClient, database: Database, app: FastAPI) -> None:
    task = planned(surveyor, database, due_on=date(2037, 6, 30))
    for moment, late in (
        ("2037-06-30T23:59:00+08:00", False),
        ("2037-06-30T16:30:00+00:00", True),
        ("2037-07-01T00:00:00+08:00", True),
    ):
        app.dependency_overrides[this_moment] = lambda moment=moment: datetime.fromisoformat(moment)
        assert get(surveyor, task)["overdue"] is late
        assert len(ok(surveyor.get(TASKS, params={"overdue": "true"}))["items"]) == int(late)
    made.task_step(surveyor, task, "start")
    made.noted(surveyor, task)
    made.task_step(surveyor, task, "submit")
    assert get(surveyor, task)["overdue"] is True  # it still waits for its acceptance
    passing.accepted(database, task["problem_id"])
    assert get(surveyor, task)["overdue"] is False


def test_work_that_failed_is_done_again(surveyor: TestClient, database: Database) -> None:
    task = planned(surveyor, database)
    made.task_step(surveyor, task, "start")
    made.noted(surveyor, task)
    made.task_step(surveyor, task, "submit")
    passing.sent_back(database, task["problem_id"], "第三池渗漏", date(2037, 1, 31))
    again = get(surveyor, task)
    assert (again["state"], again["redos"], again["redo_reason"]) == ("in_work", 1, "第三池渗漏")
    assert (again["due_on"], again["submitted_at"], again["problem_state"]) == ("2037-01-31", None, "in_work")
    # What was to show the finished work shows it no longer; the next submission needs a photo of its own.
    assert (again["photos_after"], len(again["photos_during"])) == ([], 1)
    made.refused(surveyor.post(f"{TASKS}/{task['id']}/submit"), 409, "after_photo_missing")
    made.noted(surveyor, task)
    made.task_step(surveyor, task, "submit")
    passing.accepted(database, task["problem_id"])
    passing.sent_back(database, task["problem_id"])  # the county's re-check fails what the township had accepted
    again = get(surveyor, task)
    assert (again["state"], again["redos"], again["accepted_at"], again["problem_state"]) == (
        *("in_work", 2, None, "in_work"),
    )


def test_a_dismissed_problem_takes_its_task_along_and_brings_another_when_reopened(
    as_: As, surveyor: TestClient, database: Database
) -> None:
    admin = as_("county_admin")
    task = planned(surveyor, database, responsible_person="李工", contractor="甲队")
    made.task_step(surveyor, task, "start")
    url = f"{API}/problems/{task['problem_id']}"
    ok(admin.post(f"{url}/dismiss", json={"reason": "误登"}))
    ended = get(surveyor, task)
    assert (ended["state"], ended["cancel_reason"], ended["allowed_actions"]) == ("cancelled", "误登", [])
    refused(surveyor.post(f"{TASKS}/{task['id']}/start"), 409, "wrong_state")
    reopened = ok(as_("county_reviewer").post(f"{url}/reopen", json={"reason": "确有问题"}))
    assert reopened["task_id"] not in (None, task["id"])
    again = ok(surveyor.get(f"{TASKS}/{reopened['task_id']}"))
    assert (again["attempt"], again["state"], again["contractor"]) == (2, "pending", "甲队")
    assert (again["responsible_person"], again["plan_id"]) == ("李工", task["plan_id"])
    made.task_step(surveyor, again, "start")


def test_two_people_at_once_take_each_step_once(as_: As, surveyor: TestClient, task: Any) -> None:
    clients = [surveyor, as_("township_manager")]
    url = f"{TASKS}/{task['id']}"
    answers = at_once(4, lambda index: clients[index % 2].post(f"{url}/start"))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"wrong_state"}
    made.noted(surveyor, task)
    before = get(surveyor, task)["version"]
    answers = at_once(4, lambda index: clients[index % 2].post(f"{url}/notes", json={"text": f"{index}"}))
    assert [one.status_code for one in answers] == [201] * 4
    assert get(surveyor, task)["version"] == before + 4
    body = {"id": str(new_id()), "text": "同一条"}
    answers = at_once(3, lambda _: surveyor.post(f"{url}/notes", json=body))
    assert sorted(one.status_code for one in answers) == [200, 200, 201]
    answers = at_once(4, lambda index: clients[index % 2].post(f"{url}/submit"))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]


def test_a_task_is_due_with_its_problem_when_the_rule_or_the_cause_changes(as_: As, surveyor: TestClient) -> None:
    admin = as_("county_admin")
    campaign = ok(admin.get(f"{API}/campaigns"))["items"][0]
    problem = made.found(surveyor, "no_light")[0]
    task = made.at_once(surveyor, problem)
    url = f"{API}/tasks/{task['id']}"
    rules = {**campaign["deadline_rules"], "small_defect": {"kind": "fixed", "date": "2031-05-01"}}
    change = {"deadline_rules": rules}
    ok(admin.patch(f"{API}/campaigns/{campaign['id']}", json=change, headers={"If-Match": "*"}))
    assert ok(surveyor.get(url))["due_on"] == "2031-05-01"
    moved = ok(admin.get(f"{url}/history"))["items"][-1]
    assert (moved["action"], moved["after"]) == ("task.due_moved", {"due_on": "2031-05-01"})
    assert moved["reason"]
