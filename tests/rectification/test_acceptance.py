"""Acceptances over HTTP: the panel, which problems can be checked, changing, cancelling, reading."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.accounts.logins import new_user
from tests.rectification import made
from tests.rectification.made import API, refused
from tests.survey import made as survey
from tests.survey.made import ok
from toilet_api.kernel.database import Database
from toilet_api.kernel.fields import new_id

As = Callable[[str], TestClient]


@pytest.fixture
def surveyor(as_: As) -> TestClient:
    survey.campaign(as_("county_admin"), verification_levels=[])
    return as_("village_surveyor")


@pytest.fixture
def done(surveyor: TestClient, database: Database) -> list[dict[str, Any]]:
    """Two problems of one toilet whose work was submitted by the surveyor."""
    problems = made.found(surveyor, "tank_cracked", "no_light")
    made.done_work(database, problems, made.me(surveyor))
    return problems


def test_a_panel_of_both_sides_begins_with_the_checklist_of_the_mode(as_: As, done: list[dict[str, Any]]) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    body = made.acceptance_body(done, manager, reviewer, planned_on="2037-09-10")
    body["panel"].append({"name": "李工", "unit": "县水利局"})
    one = ok(manager.post(f"{API}/acceptances", json=body), 201)
    assert (one["state"], one["level"], one["planned_on"]) == ("open", "township", "2037-09-10")
    assert one["division_code"] == survey.VILLAGE
    assert one["toilet_mode"] == "three_compartment"
    assert one["problem_ids"] == sorted(problem["id"] for problem in done)
    assert [(member["side"], member["unit"]) for member in one["panel"]] == [
        ("township", one["township_name"]),
        ("county", "武宁县"),
        ("other", "县水利局"),
    ]
    assert one["allowed_actions"] == ["edit", "pass", "pass_partly", "fail", "cancel"]
    volume = next(item for item in one["results"] if item["code"] == "effective_volume")
    assert (volume["min"], volume["unit"], volume["passed"]) == (1.5, "m3", None)
    assert volume["source"].startswith("GB/T 38836-2020")
    listed = ok(manager.get(f"{API}/checklists", params={"applies_to": "three_compartment"}))["items"]
    assert one["checklist_id"] == listed[0]["id"]
    # Who isn't on the panel may change it, but not decide.
    seen = ok(as_("county_admin").get(f"{API}/acceptances/{one['id']}"))
    assert seen["allowed_actions"] == ["edit", "cancel"]
    assert ok(as_("village_surveyor").get(f"{API}/acceptances/{one['id']}"))["allowed_actions"] == []
    entries = ok(as_("auditor").get(f"{API}/acceptances/{one['id']}/history"))["items"]
    assert [entry["action"] for entry in entries] == ["acceptance.created"]
    assert len(entries[0]["after"]["problems"]) == 2


def test_sent_again_it_is_the_same_and_another_body_is_refused(as_: As, done: list[dict[str, Any]]) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    body = made.acceptance_body(done, manager, reviewer, id=str(new_id()))
    one = ok(manager.post(f"{API}/acceptances", json=body), 201)
    again = ok(manager.post(f"{API}/acceptances", json=body))
    assert (again["id"], again["version"]) == (one["id"], 1)
    made.decide(manager, one, "pass", manager, reviewer)
    assert ok(manager.post(f"{API}/acceptances", json=body))["state"] == "passed"
    other = manager.post(f"{API}/acceptances", json={**body, "planned_on": "2037-09-11"})
    assert (other.status_code, other.json()["code"]) == (409, "id_taken")
    assert reviewer.post(f"{API}/acceptances", json=body).json()["code"] == "id_taken"


def test_without_one_side_the_panel_is_incomplete(as_: As, done: list[dict[str, Any]]) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    for members, missing in (([manager], ["county"]), ([reviewer], ["township"])):
        answer = manager.post(f"{API}/acceptances", json=made.acceptance_body(done, *members))
        assert [one["expected"] for one in refused(answer, 422, "panel_incomplete")["errors"]] == missing
    guest = {"level": "township", "problem_ids": [done[0]["id"]], "panel": [{"name": "李工", "unit": "县水利局"}]}
    assert len(refused(manager.post(f"{API}/acceptances", json=guest), 422, "panel_incomplete")["errors"]) == 2


def test_a_member_is_an_active_person_of_that_place(as_: As, done: list[dict[str, Any]]) -> None:
    manager, reviewer, admin = as_("township_manager"), as_("county_reviewer"), as_("county_admin")
    gone = new_user(admin, "gone_reviewer", "county_reviewer", "360423")["id"]
    ok(admin.post(f"{API}/users/{gone}/lock", json={"reason": "离岗"}))
    foreign = made.me(as_("township_manager_2"))
    for bad, code in (
        (gone, "panel_member_unknown"),
        (foreign, "panel_member_unknown"),
        (str(new_id()), "panel_member_unknown"),
        (made.me(reviewer), "panel_member_repeated"),
    ):
        body = made.acceptance_body(done, manager, reviewer)
        body["panel"].append({"user_id": bad})
        answer = refused(manager.post(f"{API}/acceptances", json=body), 422, "invalid")
        assert [(one["pointer"], one["code"]) for one in answer["errors"]] == [("/panel/2/user_id", code)]
    for unclear in ({}, {"name": "李工"}, {"user_id": foreign, "name": "李工", "unit": "县水利局"}):
        body = {**made.acceptance_body(done, manager, reviewer), "panel": [unclear]}
        answer = manager.post(f"{API}/acceptances", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "member_unclear")


def test_who_did_the_work_does_not_accept_it(as_: As, surveyor: TestClient, database: Database) -> None:
    manager, reviewer, admin = as_("township_manager"), as_("county_reviewer"), as_("county_admin")
    problems = made.found(surveyor, "tank_cracked")
    made.done_work(database, problems, made.me(manager))
    answer = manager.post(f"{API}/acceptances", json=made.acceptance_body(problems, manager, reviewer))
    members = refused(answer, 409, "panel_did_the_work")["members"]
    assert [member["user_id"] for member in members] == [made.me(manager)]
    other = new_user(admin, "second_manager", "township_manager", survey.TOWNSHIP)["id"]
    body = {**made.acceptance_body(problems, reviewer), "panel": [{"user_id": other}, *made.panel(reviewer)]}
    one = ok(manager.post(f"{API}/acceptances", json=body), 201)
    # Nor does a later change bring him in.
    url, tag = f"{API}/acceptances/{one['id']}", {"If-Match": f'"{one["version"]}"'}
    patched = manager.patch(url, json={"panel": made.panel(manager, reviewer)}, headers=tag)
    refused(patched, 409, "panel_did_the_work")
    assert ok(manager.get(url))["panel"] == one["panel"]


def test_only_submitted_work_is_checked_and_by_the_county_only_what_the_township_accepted(
    as_: As, surveyor: TestClient, database: Database
) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    for state, code in (("open", "problem_not_ready"), ("in_work", "task_not_ready"), ("submitted", None)):
        problems = made.found(surveyor, "tank_cracked")
        if state != "open":
            made.done_work(database, problems, made.me(surveyor), state=state)
        if code:
            answer = manager.post(f"{API}/acceptances", json=made.acceptance_body(problems, manager, reviewer))
            errors = refused(answer, 409, "not_ready_for_acceptance")["errors"]
            assert [(one["pointer"], one["code"], one["value"]) for one in errors] == [
                ("/problem_ids/0", code, problems[0]["id"])
            ]
        early = reviewer.post(
            f"{API}/acceptances", json=made.acceptance_body(problems, manager, reviewer, level="county")
        )
        refused(early, 409, "not_ready_for_acceptance")


def test_a_problem_is_in_one_open_acceptance(as_: As, done: list[dict[str, Any]]) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    first = made.acceptance(manager, done[:1], manager, reviewer)
    answer = manager.post(f"{API}/acceptances", json=made.acceptance_body(done, manager, reviewer))
    errors = refused(answer, 409, "in_another_acceptance")["errors"]
    assert [(one["pointer"], one["value"]) for one in errors] == [("/problem_ids/0", first["id"])]
    assert len(ok(manager.get(f"{API}/acceptances"))["items"]) == 1
    url = f"{API}/acceptances/{first['id']}/cancel"
    assert manager.post(url).status_code == 422  # without a reason
    cancelled = ok(manager.post(url, json={"reason": "改期"}))
    assert (cancelled["state"], cancelled["reason"], cancelled["allowed_actions"]) == ("cancelled", "改期", [])
    made.acceptance(manager, done, manager, reviewer)
    again = refused(manager.post(url, json={"reason": "改期"}), 409, "wrong_state")
    assert again["state"] == "cancelled"


def test_all_problems_are_of_one_toilet(as_: As, surveyor: TestClient, database: Database) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    problems = [made.found(surveyor, "tank_cracked")[0] for _ in range(2)]
    made.done_work(database, problems, made.me(surveyor))
    answer = manager.post(f"{API}/acceptances", json=made.acceptance_body(problems, manager, reviewer))
    assert [(one["pointer"], one["code"]) for one in refused(answer, 422, "invalid")["errors"]] == [
        ("/problem_ids/1", "problem_elsewhere")
    ]
    for ids, pointer, code in (
        ([problems[0]["id"], problems[0]["id"]], "/problem_ids/1", "problem_repeated"),
        ([problems[0]["id"], str(new_id())], "/problem_ids/1", "problem_unknown"),
        ([str(new_id())], "/problem_ids/0", "problem_unknown"),
    ):
        body = {**made.acceptance_body([], manager, reviewer), "problem_ids": ids}
        answer = manager.post(f"{API}/acceptances", json=body)
        assert answer.status_code == 422
        assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]


def test_problems_in_the_work_go_by_the_list_for_work(as_: As, surveyor: TestClient, database: Database) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    body = {"division_code": survey.TOWNSHIP, "problem_type": "rushing"}
    problem = ok(manager.post(f"{API}/problems", json=body), 201)
    made.done_work(database, [problem], made.me(surveyor))
    one = made.acceptance(manager, [problem], manager, reviewer)
    assert (one["division_code"], one["toilet_id"], one["household_id"]) == (survey.TOWNSHIP, None, None)
    assert [item["code"] for item in one["results"]] == ["measure_carried_out", "mechanism_in_place", "people_informed"]
    signed = made.signed(manager, reviewer, village=survey.TOWNSHIP)
    answer = manager.post(
        f"{API}/acceptances/{one['id']}/pass", json={"results": made.results(one), "signatures": signed}
    )
    assert ok(answer)["state"] == "passed"
    assert made.problem(manager, problem["id"])["state"] == "accepted"


def test_an_open_one_is_changed_with_if_match(as_: As, surveyor: TestClient, done: list[dict[str, Any]]) -> None:
    manager, reviewer, admin = as_("township_manager"), as_("county_reviewer"), as_("county_admin")
    one = made.acceptance(manager, done, manager, reviewer)
    url = f"{API}/acceptances/{one['id']}"
    assert manager.patch(url, json={"planned_on": "2037-09-12"}).status_code == 428
    tag = {"If-Match": f'"{one["version"]}"'}
    body = {"planned_on": "2037-09-12", "panel": made.panel(manager, admin), "problem_ids": [done[1]["id"]]}
    changed = ok(manager.patch(url, json=body, headers=tag))
    assert (changed["version"], changed["planned_on"]) == (2, "2037-09-12")
    assert changed["problem_ids"] == [done[1]["id"]]
    assert {member["user_id"] for member in changed["panel"]} == {made.me(manager), made.me(admin)}
    same = ok(manager.patch(url, json=body, headers={"If-Match": '"2"'}))
    assert same["version"] == 2
    stale = manager.patch(url, json={"planned_on": None}, headers=tag)
    assert (stale.status_code, stale.json()["current"]["planned_on"]) == (412, "2037-09-12")
    refused(manager.patch(url, json={"panel": made.panel(manager)}, headers={"If-Match": "*"}), 422, "panel_incomplete")
    entry = ok(manager.get(f"{url}/history"))["items"][-1]
    assert entry["action"] == "acceptance.updated"
    assert set(entry["after"]) == {"planned_on", "panel", "problems"}
    # The one that was taken out can be in another.
    made.acceptance(manager, done[:1], manager, reviewer)
    ok(manager.post(f"{url}/cancel", json={"reason": "改期"}))
    refused(manager.patch(url, json={"planned_on": None}, headers={"If-Match": "*"}), 409, "wrong_state")


def test_a_dismissed_problem_leaves_and_the_rest_is_decided(as_: As, done: list[dict[str, Any]]) -> None:
    manager, reviewer, admin = as_("township_manager"), as_("county_reviewer"), as_("county_admin")
    one = made.acceptance(manager, done, manager, reviewer)
    ok(admin.post(f"{API}/problems/{done[0]['id']}/dismiss", json={"reason": "误登"}))
    url = f"{API}/acceptances/{one['id']}"
    body = made.decision(one, manager, reviewer)
    shown = ok(manager.post(f"{url}/pass", json=body))
    outcomes = {part["problem_id"]: part["outcome"] for part in shown["problems"]}
    assert outcomes == {done[0]["id"]: None, done[1]["id"]: "accepted"}
    assert made.problem(admin, done[0]["id"])["state"] == "dismissed"


def test_who_may_be_asked_is_told_and_nothing_else_of_them(as_: As, surveyor: TestClient) -> None:
    manager = as_("township_manager")
    for division in (survey.TOWNSHIP, survey.VILLAGE):
        shown = ok(manager.get(f"{API}/panel-candidates", params={"division": division}))["items"]
        assert {(one["side"], tuple(one["roles"])) for one in shown} == {
            ("county", ("county_admin",)),
            ("county", ("county_reviewer",)),
            ("township", ("township_manager",)),
        }
        assert made.me(as_("county_reviewer")) in {one["user_id"] for one in shown}
        assert all(set(one) == {"user_id", "name", "side", "roles"} for one in shown)
        assert made.me(as_("township_manager_2")) not in {one["user_id"] for one in shown}
    assert manager.get(f"{API}/panel-candidates", params={"division": "360423500"}).status_code == 404
    assert manager.get(f"{API}/panel-candidates", params={"division": "360423"}).status_code == 404
    high = as_("county_admin").get(f"{API}/panel-candidates", params={"division": "360423"})
    assert (high.status_code, high.json()["code"]) == (422, "wrong_division_level")
    assert manager.get(f"{API}/panel-candidates").status_code == 422
    assert surveyor.get(f"{API}/panel-candidates", params={"division": survey.VILLAGE}).status_code == 403
    # The look-up left the scope as it was.
    assert ok(manager.get(f"{API}/users"))["items"] != []
    assert made.me(as_("county_reviewer")) not in {one["id"] for one in ok(manager.get(f"{API}/users"))["items"]}


@pytest.mark.parametrize("role", ["village_surveyor", "auditor", "province_inspector", "province_client"])
def test_who_may_not_hold_one(as_: As, done: list[dict[str, Any]], role: str) -> None:
    manager, reviewer, client = as_("township_manager"), as_("county_reviewer"), as_(role)
    one = made.acceptance(manager, done, manager, reviewer)
    refused(client.post(f"{API}/acceptances", json=made.acceptance_body(done, manager, reviewer)), 403, "forbidden")
    url = f"{API}/acceptances/{one['id']}"
    for step, body in (("pass", made.decision(one)), ("cancel", {"reason": "x"})):
        refused(client.post(f"{url}/{step}", json=body), 403, "forbidden")
    assert client.patch(url, json={"planned_on": None}, headers={"If-Match": "*"}).status_code == 403
    assert ok(client.get(url))["id"] == one["id"]


def test_elsewhere_it_is_not_there(as_: As, done: list[dict[str, Any]]) -> None:
    manager, reviewer, foreign = as_("township_manager"), as_("county_reviewer"), as_("township_manager_2")
    one = made.acceptance(manager, done, manager, reviewer)
    url = f"{API}/acceptances/{one['id']}"
    assert [foreign.get(url).status_code, foreign.get(f"{url}/history").status_code] == [404, 404]
    assert foreign.post(f"{url}/pass", json=made.decision(one)).status_code == 404
    assert foreign.post(f"{url}/cancel", json={"reason": "x"}).status_code == 404
    assert foreign.patch(url, json={"planned_on": None}, headers={"If-Match": "*"}).status_code == 404
    assert ok(foreign.get(f"{API}/acceptances"))["items"] == []
    body = made.acceptance_body(done, foreign, reviewer)
    assert foreign.post(f"{API}/acceptances", json=body).json()["errors"][0]["code"] == "problem_unknown"


def test_the_list_is_filtered(as_: As, surveyor: TestClient, database: Database, done: list[dict[str, Any]]) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    first = made.decide(manager, made.acceptance(manager, done, manager, reviewer), "pass", manager, reviewer)
    others = made.found(surveyor, "blocked")
    made.done_work(database, others, made.me(surveyor))
    second = made.acceptance(manager, others, manager, reviewer)
    day = first["checked_at"][:10]
    for params, expected in (
        ({}, {first["id"], second["id"]}),
        ({"state": "passed"}, {first["id"]}),
        ({"state": ["passed", "open"]}, {first["id"], second["id"]}),
        ({"level": "county"}, set()),
        ({"problem_id": done[0]["id"]}, {first["id"]}),
        ({"household_id": others[0]["household_id"]}, {second["id"]}),
        ({"toilet_id": others[0]["toilet_id"]}, {second["id"]}),
        ({"campaign_id": first["campaign_id"]}, {first["id"], second["id"]}),
        ({"campaign_id": str(new_id())}, set()),
        ({"checked_from": day, "checked_to": day}, {first["id"]}),
        ({"checked_to": "2020-01-01"}, set()),
        ({"division": survey.TOWNSHIP}, {first["id"], second["id"]}),
    ):
        items = ok(manager.get(f"{API}/acceptances", params=params))["items"]
        assert {one["id"] for one in items} == expected, params
    newest = ok(manager.get(f"{API}/acceptances", params={"sort": "-decided_at", "limit": 1}))
    assert [one["id"] for one in newest["items"]] == [first["id"]]
    params = {"sort": "-decided_at", "limit": 1, "cursor": newest["next_cursor"]}
    assert [one["id"] for one in ok(manager.get(f"{API}/acceptances", params=params))["items"]] == [second["id"]]
    assert manager.get(f"{API}/acceptances", params={"division": "360423500"}).status_code == 404
