"""Plans: drawn up, filled with problems, submitted, returned, approved; who may, and what is refused and why."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.accounts.logins import at_once
from tests.rectification import made
from tests.rectification.made import API
from tests.survey import made as survey
from tests.survey.made import ok
from toilet_api.kernel.fields import SHANGHAI, new_id
from toilet_api.survey.clock import this_moment

As = Callable[[str], TestClient]
PHASES = [{"phase": "rectification", "starts_on": "2026-08-01", "due_on": "2026-08-31"}]
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def surveyor(as_: As) -> TestClient:
    survey.campaign(as_("county_admin"), verification_levels=[], phases=PHASES)
    return as_("village_surveyor")


@pytest.fixture
def manager(as_: As, surveyor: TestClient) -> TestClient:
    return as_("township_manager")


@pytest.fixture
def reviewer(as_: As) -> TestClient:
    return as_("county_reviewer")


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal, which says by which rule, and what to do next."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert body["code"] == code
    assert body["remedy"]
    return body


def faults(answer: Any, status: int = 422, code: str = "invalid") -> dict[str, str]:
    """Pointer -> code of the faults of a refusal; each names its rule."""
    body = refused(answer, status, code)
    assert all(one["rule"] for one in body["errors"])
    return {one["pointer"]: one["code"] for one in body["errors"]}


def test_from_draft_to_filed(surveyor: TestClient, manager: TestClient, reviewer: TestClient) -> None:
    problems = made.found(surveyor, "tank_cracked", "mode_unsuitable")
    draft = made.plan(manager)
    assert draft["title"] == "石渡乡农村户厕问题整改方案"
    assert (draft["township_name"], draft["campaign_name"]) == ("石渡乡", "农村户厕问题摸排整改")
    assert (draft["state"], draft["kind"], draft["edition"]) == ("draft", "plan", 1)
    assert draft["allowed_actions"] == ["edit", "submit", "withdraw"]
    put = made.put(manager, draft["id"], *(made.item(one, due_on="2037-06-30") for one in problems))
    assert (put["added"], put["changed"], put["unchanged"], put["total"], put["version"]) == (2, 0, 0, 2, 2)
    again = made.put(manager, draft["id"], *(made.item(one, due_on="2037-06-30") for one in problems))
    assert (again["added"], again["unchanged"], again["version"]) == (0, 2, 2)
    sent = made.plan_step(manager, draft["id"], "submit")
    assert sent["state"] == "submitted"
    assert sent["allowed_actions"] == []
    assert ok(reviewer.get(f"{API}/plans/{draft['id']}"))["allowed_actions"] == ["return", "approve"]
    filed = made.plan_step(reviewer, draft["id"], "approve", filing_number="修厕备〔2026〕8号")
    assert (filed["state"], filed["filing_number"]) == ("approved", "修厕备〔2026〕8号")
    assert (filed["funds_total_fen"], filed["cost_total_fen"]) == (5_000_000, 240_000)
    assert filed["problems"] == {"total": 2, "open": 2, "in_work": 0, "accepted": 0, "closed": 0, "dismissed": 0}
    assert ok(manager.get(f"{API}/plans/{draft['id']}"))["allowed_actions"] == ["revise", "supplement"]
    items = ok(manager.get(f"{API}/plans/{draft['id']}/items"))["items"]
    assert {one["task_state"] for one in items} == {"pending"}
    assert {one["problem_type"] for one in items} == {"tank_cracked", "mode_unsuitable"}
    for one in problems:  # the plan's day is the problem's deadline now, also where it had none
        shown = ok(manager.get(f"{API}/problems/{one['id']}"))
        assert (shown["deadline"], shown["deadline_source"], shown["state"]) == ("2037-06-30", "plan", "open")
        assert shown["task_id"] is not None
        history = [entry["action"] for entry in ok(reviewer.get(f"{API}/problems/{one['id']}/history"))["items"]]
        assert history == ["problem.opened", "problem.charged"]
    entries = ok(reviewer.get(f"{API}/plans/{draft['id']}/history"))["items"]
    assert [one["action"] for one in entries] == ["plan.created", "plan.items_put", "plan.submitted", "plan.approved"]
    assert sorted(entries[1]["after"]["added_problem_ids"]) == sorted(one["id"] for one in problems)
    assert entries[3]["after"]["problems"] == 2


def test_a_draft_is_made_once_and_changed_with_if_match(manager: TestClient) -> None:
    body = {"id": str(new_id()), "division_code": survey.TOWNSHIP, "title": "整改方案"}
    first = manager.post(f"{API}/plans", json=body)
    again = manager.post(f"{API}/plans", json=body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.headers["Location"] == f"{API}/plans/{body['id']}"
    refused(manager.post(f"{API}/plans", json={**body, "title": "另一份"}), 409, "id_taken")
    url = f"{API}/plans/{body['id']}"
    refused(manager.patch(url, json={"workforce": "专班"}), 428, "match_required")
    changed = manager.patch(url, json={"workforce": "专班"}, headers={"If-Match": first.headers["ETag"]})
    assert ok(changed)["workforce"] == "专班"
    stale = manager.patch(url, json={"workforce": "别的"}, headers={"If-Match": first.headers["ETag"]})
    assert refused(stale, 412, "stale")["current"]["workforce"] == "专班"
    same = manager.patch(url, json={"workforce": "专班"}, headers={"If-Match": changed.headers["ETag"]})
    assert ok(same)["version"] == 2  # nothing was changed
    for step in ("submit", "withdraw"):
        refused(manager.post(f"{url}/{step}", headers={"If-Match": '"1"'}), 412, "stale")
    assert ok(manager.get(url))["state"] == "draft"


def test_a_township_has_one_plan_at_a_time(surveyor: TestClient, manager: TestClient, reviewer: TestClient) -> None:
    problems = made.found(surveyor, "tank_cracked")
    draft = made.plan(manager)
    body = {"division_code": survey.TOWNSHIP}
    assert "revise" in refused(manager.post(f"{API}/plans", json=body, headers=ENGLISH), 409, "plan_exists")["remedy"]
    made.put(manager, draft["id"], made.item(problems[0]))
    made.plan_step(manager, draft["id"], "submit")
    refused(manager.post(f"{API}/plans", json=body), 409, "plan_exists")
    made.plan_step(reviewer, draft["id"], "approve")
    assert refused(manager.post(f"{API}/plans", json=body), 409, "plan_exists")["existing_id"] == draft["id"]


def test_a_withdrawn_draft_makes_room_for_another(manager: TestClient) -> None:
    draft = made.plan(manager)
    gone = made.plan_step(manager, draft["id"], "withdraw", reason="重复编制")
    assert (gone["state"], gone["allowed_actions"], gone["late"]) == ("withdrawn", [], False)
    refused(manager.post(f"{API}/plans/{draft['id']}/withdraw"), 409, "wrong_state")
    assert made.plan(manager)["id"] != draft["id"]
    entry = ok(manager.get(f"{API}/plans/{draft['id']}/history"))["items"][-1]
    assert (entry["action"], entry["reason"]) == ("plan.withdrawn", "重复编制")


def test_what_a_plan_still_lacks_is_said_at_once(surveyor: TestClient, manager: TestClient) -> None:
    problems = made.found(surveyor, "tank_cracked", "mode_unsuitable")
    draft = ok(manager.post(f"{API}/plans", json={"division_code": survey.TOWNSHIP}), 201)
    url = f"{API}/plans/{draft['id']}"
    answer = manager.post(f"{url}/submit")
    assert faults(answer) == dict.fromkeys(
        ("/key_points", "/technical_route", "/workforce", "/due_on", "/items"), "missing"
    )
    made.put(manager, draft["id"], *(made.item(one) for one in problems))
    found = faults(manager.post(f"{url}/submit"))
    assert found["/funds"] == "funds_missing"
    [(pointer, _)] = [one for one in found.items() if one[1] == "timetable_missing"]
    assert pointer.startswith("/items/")
    body = manager.post(f"{url}/submit").json()
    [error] = [one for one in body["errors"] if one["code"] == "timetable_missing"]
    unsuited = next(one for one in problems if one["problem_type"] == "mode_unsuitable")
    assert error["value"] == unsuited["id"]
    made.put(manager, draft["id"], *(made.item(one, cost_fen=0, timetable="2028 年上半年接管网") for one in problems))
    texts = {name: value for name, value in made.PLAN_TEXTS.items() if name != "funds"}
    ok(manager.patch(url, json=texts, headers={"If-Match": "*"}))
    assert made.plan_step(manager, draft["id"], "submit")["funds_total_fen"] == 0  # no costs, so no funds are needed


def test_the_county_returns_and_nobody_approves_their_own(
    as_: As, surveyor: TestClient, manager: TestClient, reviewer: TestClient
) -> None:
    problems = made.found(surveyor, "tank_cracked")
    draft = made.plan(manager)
    url = f"{API}/plans/{draft['id']}"
    made.put(manager, draft["id"], made.item(problems[0]))
    admin = as_("county_admin")
    refused(admin.post(f"{url}/approve"), 409, "wrong_state")
    made.plan_step(admin, draft["id"], "submit")
    assert ok(admin.get(url))["allowed_actions"] == []
    refused(admin.post(f"{url}/approve"), 403, "submitted_by_yourself")
    refused(admin.post(f"{url}/return", json={"reason": "自己退回"}), 403, "submitted_by_yourself")
    assert reviewer.post(f"{url}/return", json={}).status_code == 422
    refused(reviewer.post(f"{url}/return", json={"reason": "x"}, headers={"If-Match": '"1"'}), 412, "stale")
    back = made.plan_step(reviewer, draft["id"], "return", reason="技术路线不清楚")
    assert (back["state"], back["return_reason"]) == ("returned", "技术路线不清楚")
    assert ok(manager.get(url))["allowed_actions"] == ["edit", "submit", "withdraw"]
    sent = made.plan_step(manager, draft["id"], "submit")
    assert (sent["return_reason"], sent["returned_at"]) == (None, None)
    made.plan_step(admin, draft["id"], "approve")  # the county's administrator may, now that another submitted it


def test_what_is_submitted_or_filed_is_frozen(surveyor: TestClient, manager: TestClient, reviewer: TestClient) -> None:
    problems = made.found(surveyor, "tank_cracked")
    draft = made.plan(manager)
    made.put(manager, draft["id"], made.item(problems[0]))
    url = f"{API}/plans/{draft['id']}"

    def all_refused(state: str, remedy: str) -> None:
        for answer in (
            manager.patch(url, json={"title": "改名"}, headers={"If-Match": "*", **ENGLISH}),
            manager.post(f"{url}/items", json={"items": [made.item(problems[0])]}, headers=ENGLISH),
            manager.post(f"{url}/items/remove", json={"problem_ids": [problems[0]["id"]]}, headers=ENGLISH),
            manager.post(f"{url}/items/fill", json={"measures": [{"measure": "修"}]}, headers=ENGLISH),
        ):
            body = refused(answer, 409, "plan_frozen")
            assert body["state"] == state
            assert remedy in body["remedy"]

    made.plan_step(manager, draft["id"], "submit")
    all_refused("submitted", "return it")
    made.plan_step(reviewer, draft["id"], "approve")
    all_refused("approved", "revise")


def test_who_may_and_who_sees(as_: As, surveyor: TestClient, manager: TestClient, reviewer: TestClient) -> None:
    body = {"division_code": survey.TOWNSHIP}
    for name in ("village_surveyor", "county_reviewer", "province_inspector", "auditor"):
        refused(as_(name).post(f"{API}/plans", json=body), 403, "forbidden")
    refused(as_("township_manager_2").post(f"{API}/plans", json=body), 403, "out_of_scope")
    village = manager.post(f"{API}/plans", json={"division_code": survey.VILLAGE})
    assert village.json()["errors"][0]["pointer"] == "/division_code"
    draft = made.plan(manager)
    url = f"{API}/plans/{draft['id']}"
    for path in ("", "/items", "/print", "/history"):
        refused(as_("township_manager_2").get(url + path), 404, "not_found")
        assert as_("province_inspector").get(url + path).status_code == 200, path
    for step in ("approve", "return"):
        refused(manager.post(f"{url}/{step}", json={"reason": "x"} if step == "return" else None), 403, "forbidden")
    refused(reviewer.post(f"{url}/submit"), 403, "forbidden")
    for step in ("submit", "withdraw", "revise", "supplement"):
        refused(as_("township_manager_2").post(f"{url}/{step}"), 404, "not_found")
    refused(as_("township_manager_2").get(f"{API}/plans", params={"division": survey.TOWNSHIP}), 404, "not_found")
    assert ok(as_("township_manager_2").get(f"{API}/plans"))["items"] == []


def test_a_plan_needs_an_open_campaign(as_: As) -> None:
    answer = as_("township_manager").post(f"{API}/plans", json={"division_code": survey.TOWNSHIP})
    refused(answer, 409, "no_open_campaign")


def test_lists_are_filtered_and_late_is_of_the_moment(
    as_: As, app: FastAPI, surveyor: TestClient, manager: TestClient, reviewer: TestClient
) -> None:
    def on(day: str) -> None:
        app.dependency_overrides[this_moment] = lambda: datetime.fromisoformat(f"{day}T23:30:00").replace(
            tzinfo=SHANGHAI
        )

    on("2026-08-31")
    problems = made.found(surveyor, "tank_cracked", visited_at="2026-07-01T09:00:00+08:00")
    first = made.plan(manager)
    other = made.plan(as_("township_manager_2"), "360423500")
    assert (first["submission_due"], first["late"]) == ("2026-08-31", False)

    def listed(**params: Any) -> list[str]:
        return [one["id"] for one in ok(reviewer.get(f"{API}/plans", params=params))["items"]]

    assert listed(late=True) == []
    made.put(manager, first["id"], made.item(problems[0]))
    made.plan_step(manager, first["id"], "submit")
    on("2026-09-01")
    assert listed(late=True) == [other["id"]]  # not reported yet; the first one came on the last day
    assert listed(late=False) == [first["id"]]
    assert listed() == [first["id"], other["id"]]
    assert listed(state=["submitted", "returned"]) == [first["id"]]
    assert listed(division="360423500") == [other["id"]]
    assert listed(kind="addendum") == []
    assert listed(campaign_id=str(new_id())) == []
    assert listed(sort="-updated_at") == [first["id"], other["id"]]
    made.plan_step(reviewer, first["id"], "return", reason="补充措施")
    assert set(listed(late=True)) == {first["id"], other["id"]}
    assert made.plan_step(manager, first["id"], "submit")["late"] is True
    assert reviewer.get(f"{API}/plans", params={"sort": "title"}).status_code == 422


def test_two_at_once_decide_once(as_: As, surveyor: TestClient, manager: TestClient, reviewer: TestClient) -> None:
    problems = made.found(surveyor, "tank_cracked", "blocked")
    bodies = [{"division_code": survey.TOWNSHIP, **made.PLAN_TEXTS} for _ in range(4)]
    answers = at_once(4, lambda index: manager.post(f"{API}/plans", json=bodies[index]))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]
    draft = next(one for one in answers if one.status_code == 201).json()
    made.put(manager, draft["id"], *(made.item(one) for one in problems))
    sent = at_once(3, lambda _: manager.post(f"{API}/plans/{draft['id']}/submit"))
    assert sorted(one.status_code for one in sent) == [200, 409, 409]
    clients = [reviewer, as_("county_admin")]

    def decide(index: int) -> Any:
        step, body = (("approve", None), ("return", {"reason": "再改"}))[index // 2]
        return clients[index % 2].post(f"{API}/plans/{draft['id']}/{step}", json=body)

    decided = at_once(4, decide)
    assert sorted(one.status_code for one in decided) == [200, 409, 409, 409]
    assert {one.json()["code"] for one in decided if one.status_code == 409} == {"wrong_state"}
    actions = [one["action"] for one in ok(reviewer.get(f"{API}/plans/{draft['id']}/history"))["items"]]
    assert len(actions) == 4
