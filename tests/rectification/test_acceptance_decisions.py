"""What a panel decides, on what evidence, and what that does to problems and tasks."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from tests.accounts.logins import at_once, new_user
from tests.rectification import made
from tests.rectification.made import API, refused
from tests.survey import made as survey
from tests.survey.made import ok
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id, now
from toilet_api.rectification.tables import Task

PEOPLE = ("county_admin", "county_reviewer", "township_manager", "village_surveyor")
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


@pytest.fixture
def panel(as_: As) -> tuple[TestClient, TestClient]:
    """A member of the township and one of the county."""
    return as_("township_manager"), as_("county_reviewer")


def begun(panel: tuple[TestClient, TestClient], problems: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return made.acceptance(panel[0], problems, *panel, **more)


def post(client: TestClient, one: dict[str, Any], step: str, **body: Any) -> Any:
    return client.post(f"{API}/acceptances/{one['id']}/{step}", json=body)


def states(client: TestClient, problems: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    shown = [made.problem(client, one["id"]) for one in problems]
    return [(one["state"], one["accepted_level"]) for one in shown]


def task(database: Database, problem: dict[str, Any]) -> Task:
    with database.transaction(EVERYWHERE) as session:
        found: Task = session.get_one(Task, made.problem_task(session, problem["id"]))
        session.expunge(found)
    return found


def test_everything_met_is_accepted(as_: As, panel: Any, done: list[dict[str, Any]], database: Database) -> None:
    manager, reviewer = panel
    one = begun(panel, done)
    photo = ok(survey.upload(manager), 201)["id"]
    body = made.decision(one, *panel, photo_ids=[photo], note="农户在场")
    body["results"] = made.results(one, effective_volume={"value": 1.8, "note": "实测"}, house_area=None)
    shown = ok(post(reviewer, one, "pass", **body))
    assert (shown["state"], shown["version"], shown["allowed_actions"]) == ("passed", 2, [])
    assert (shown["decided_by"], shown["note"], shown["photo_ids"]) == (made.me(reviewer), "农户在场", [photo])
    assert shown["checked_at"] == shown["decided_at"]
    found = {item["code"]: (item["passed"], item["value"], item["note"]) for item in shown["results"]}
    assert found["effective_volume"] == (True, 1.8, "实测")
    assert found["house_area"] == (None, None, None)
    assert found["no_flies_or_maggots"] == (True, None, None)
    assert [problem["outcome"] for problem in shown["problems"]] == ["accepted"] * 2
    assert [problem["state"] for problem in shown["problems"]] == ["accepted"] * 2
    assert states(manager, done) == [("accepted", "township")] * 2
    assert {task(database, problem).state for problem in done} == {"accepted"}
    entry = ok(manager.get(f"{API}/acceptances/{one['id']}/history"))["items"][-1]
    assert (entry["action"], entry["before"]["state"], entry["after"]["state"]) == (
        "acceptance.passed",
        "open",
        "passed",
    )
    assert {problem["outcome"] for problem in entry["after"]["problems"]} == {"accepted"}
    actions = [one["action"] for one in ok(manager.get(f"{API}/problems/{done[0]['id']}/history"))["items"]]
    assert actions[-1] == "problem.accepted_by_township"
    again = refused(post(reviewer, one, "pass", **body), 409, "wrong_state")
    assert (again["state"], again["possible_steps"]) == ("passed", [])


def test_only_a_member_decides(as_: As, panel: Any, done: list[dict[str, Any]]) -> None:
    one = begun(panel, done)
    body = made.decision(one, *panel)
    refused(post(as_("county_admin"), one, "pass", **body), 403, "not_on_panel")
    answer = panel[0].post(f"{API}/acceptances/{one['id']}/pass", json=body, headers={"If-Match": '"7"'})
    assert (answer.status_code, answer.json()["current"]["state"]) == (412, "open")
    assert post(panel[0], one, "pass", **body, redo=[]).status_code == 422  # nothing is done again where all passes


def test_each_required_item_has_a_result_and_bounds_decide(panel: Any, done: list[dict[str, Any]]) -> None:
    manager, _ = panel
    one = begun(panel, done)
    signed = made.signed(*panel)
    faults = {
        "item_missing": made.results(one, no_exposed_faeces=None),
        "item_unknown": [*made.results(one), {"code": "golden_tap", "passed": True}],
        "item_repeated": [*made.results(one), {"code": "no_exposed_faeces", "passed": False}],
        "passed_contradicts_value": made.results(one, effective_volume={"value": 1.2, "passed": True}),
        "value_missing": made.results(one, effective_volume={"passed": True}),
        "value_unexpected": made.results(one, no_exposed_faeces={"passed": True, "value": 1}),
    }
    for code, results in faults.items():
        errors = refused(post(manager, one, "pass", results=results, signatures=signed), 422, "invalid")["errors"]
        assert [error["code"] for error in errors] == [code]
        assert errors[0]["rule"]
        assert errors[0]["pointer"].startswith("/results")
    nothing = refused(post(manager, one, "pass", results=[], signatures=signed), 422, "invalid")["errors"]
    assert len(nothing) == sum(item["required"] for item in one["results"])
    for broken in (float("1e12"), "1.5m3", "1.6", True):
        results = made.results(one, effective_volume={"value": broken})
        assert post(manager, one, "pass", results=results, signatures=signed).status_code == 422
    whole = made.results(one, effective_volume={"value": 2})
    assert ok(post(manager, one, "pass", results=whole, signatures=signed))["state"] == "passed"


def test_an_item_that_is_not_met_never_passes(panel: Any, done: list[dict[str, Any]]) -> None:
    manager, _ = panel
    one = begun(panel, done)
    signed = made.signed(*panel)
    shallow = made.results(one, effective_depth={"value": 0.9}, slight_smell_at_most={"passed": False})
    errors = refused(post(manager, one, "pass", results=shallow, signatures=signed), 409, "check_not_passed")["errors"]
    assert {error["code"] for error in errors} == {"check_not_passed"}
    depth = next(error for error in errors if error["value"] == 0.9)
    assert (depth["expected"]["min"], depth["rule"][:15]) == (1.0, "GB/T 38836-2020")
    leaks = made.results(one, no_leak_or_cross_flow={"passed": False})
    redo = {"reason": "渗漏", "redo": [{"problem_id": done[0]["id"]}]}
    for step, more in (("pass", {}), ("pass-partly", redo)):
        answer = refused(post(manager, one, step, results=leaks, signatures=signed, **more), 409, "veto_item_failed")
        assert [error["code"] for error in answer["errors"]] == ["veto_item_failed"]
    assert states(manager, done) == [("in_work", None)] * 2
    # In part it may pass with an item that is no veto.
    shown = ok(post(manager, one, "pass-partly", results=shallow, signatures=signed, **redo))
    assert {item["code"] for item in shown["results"] if item["passed"] is False} == {
        "effective_depth",
        "slight_smell_at_most",
    }


def test_in_part_what_is_named_is_done_again(panel: Any, done: list[dict[str, Any]], database: Database) -> None:
    manager, _ = panel
    one = begun(panel, done)
    due = (now() + timedelta(days=20)).date().isoformat()
    yesterday = (now() - timedelta(days=1)).date().isoformat()
    first, second = done[0]["id"], done[1]["id"]
    body = made.decision(one, *panel, reason="灯未装好")
    for redo, pointer, code in (
        ([{"problem_id": first}, {"problem_id": second}], "/redo", "nothing_passed"),
        ([{"problem_id": str(new_id())}], "/redo/0/problem_id", "problem_unknown"),
        ([{"problem_id": first}, {"problem_id": first}], "/redo/1/problem_id", "problem_repeated"),
        ([{"problem_id": first, "redo_due": yesterday}], "/redo/0/redo_due", "redo_due_past"),
    ):
        errors = refused(post(manager, one, "pass-partly", **body, redo=redo), 422, "invalid")["errors"]
        assert [(error["pointer"], error["code"]) for error in errors] == [(pointer, code)]
    for without in ({"redo": []}, {"reason": ""}):
        answer = post(manager, one, "pass-partly", **{**body, "redo": [{"problem_id": first}], **without})
        assert answer.status_code == 422
    redo = [{"problem_id": second, "redo": "重装照明", "redo_due": due}]
    shown = ok(post(manager, one, "pass-partly", **body, redo=redo))
    assert (shown["state"], shown["reason"]) == ("partial", "灯未装好")
    outcomes = {part["problem_id"]: (part["outcome"], part["redo"], part["redo_due"]) for part in shown["problems"]}
    assert outcomes == {first: ("accepted", None, None), second: ("redo", "重装照明", due)}
    assert states(manager, done) == [("accepted", "township"), ("in_work", None)]
    again = task(database, done[1])
    assert (again.state, again.redos, again.redo_reason, str(again.due_on)) == ("in_work", 1, "重装照明", due)
    assert again.submitted_at is None
    # What was done again can be in another acceptance once it is submitted anew.
    refused(
        manager.post(f"{API}/acceptances", json=made.acceptance_body([done[1]], *panel)),
        409,
        "not_ready_for_acceptance",
    )


def test_failed_everything_is_done_again_for_the_reason_given(
    panel: Any, done: list[dict[str, Any]], database: Database
) -> None:
    manager, _ = panel
    one = begun(panel, done)
    results = made.results(one, household_satisfied={"passed": False})
    body = {"results": results, "signatures": made.signed(*panel)}
    assert post(manager, one, "fail", **body).status_code == 422
    redo = [{"problem_id": done[0]["id"], "redo": "更换池体"}]
    shown = ok(post(manager, one, "fail", **body, reason="农户不满意", redo=redo))
    assert (shown["state"], shown["reason"]) == ("failed", "农户不满意")
    told = {part["problem_id"]: (part["outcome"], part["redo"]) for part in shown["problems"]}
    assert told == {done[0]["id"]: ("redo", "更换池体"), done[1]["id"]: ("redo", "农户不满意")}
    assert states(manager, done) == [("in_work", None)] * 2
    assert {task(database, one).state for one in done} == {"in_work"}
    actions = [one["action"] for one in ok(manager.get(f"{API}/acceptances/{one['id']}/history"))["items"]]
    assert actions == ["acceptance.created", "acceptance.failed"]


def test_both_sides_sign_themselves(as_: As, panel: Any, done: list[dict[str, Any]]) -> None:
    manager, reviewer = panel
    one = begun(panel, done)
    mine, theirs = made.signed(manager)[0], made.signed(reviewer)[0]
    admins = made.signed(as_("county_admin"))[0]
    photo = ok(survey.upload(reviewer), 201)["id"]
    elsewhere = made.signed(reviewer, village="360423500001")[0]
    for given, code in (
        ([], "signature_missing"),
        ([mine], "signature_missing"),
        ([theirs], "signature_missing"),
        ([mine, theirs, admins], "not_on_panel"),
        ([mine, theirs, {**theirs, "attachment_id": mine["attachment_id"]}], "signed_by_another"),
        ([mine, theirs, {**theirs, "attachment_id": photo}], "attachment_kind"),
        ([mine, theirs, elsewhere], "attachment_unknown"),
        ([mine, theirs, mine], "signature_repeated"),
        ([mine, theirs, made.signed(reviewer)[0]], "signature_repeated"),
        ([mine, theirs, {**theirs, "attachment_id": str(new_id())}], "attachment_unknown"),
    ):
        answer = post(manager, one, "pass", results=made.results(one), signatures=given)
        errors = refused(answer, 422, "panel_signature_missing")["errors"]
        assert {error["code"] for error in errors} == {code}, given
    assert states(manager, done) == [("in_work", None)] * 2


@pytest.mark.parametrize("village", ["360423", survey.TOWNSHIP, survey.VILLAGE])
def test_a_township_member_decides_though_the_county_s_signature_lies_above(
    panel: Any, done: list[dict[str, Any]], village: str
) -> None:
    manager, reviewer = panel
    one = begun(panel, done)
    theirs = made.signed(reviewer, village=village)
    if village == "360423":
        assert manager.get(f"{API}/attachments/{theirs[0]['attachment_id']}").status_code == 404
    body = {"results": made.results(one), "signatures": [*theirs, *made.signed(manager, village=survey.TOWNSHIP)]}
    shown = ok(post(manager, one, "pass", **body))
    assert shown["signatures"] == body["signatures"]


def test_it_was_checked_after_the_work_and_not_tomorrow(panel: Any, done: list[dict[str, Any]]) -> None:
    manager, _ = panel
    one = begun(panel, done)
    signed = made.signed(*panel)
    for moment, code in (
        (now() - timedelta(days=1), "checked_before_done"),
        (now() + timedelta(days=1), "in_the_future"),
    ):
        body = {"results": made.results(one), "signatures": signed, "checked_at": moment.isoformat()}
        errors = post(manager, one, "pass", **body).json()["errors"]
        assert [(error["pointer"], error["code"]) for error in errors] == [("/checked_at", code)]
    moment = now().isoformat()
    shown = ok(post(manager, one, "pass", results=made.results(one), signatures=signed, checked_at=moment))
    assert survey.moment(shown["checked_at"]) == survey.moment(moment)


def test_the_county_re_checks_what_the_township_accepted(
    panel: Any, done: list[dict[str, Any]], database: Database
) -> None:
    manager, reviewer = panel
    made.decide(manager, begun(panel, done), "pass", *panel)
    again = made.acceptance(reviewer, done[:1], *panel, level="county")
    made.decide(reviewer, again, "pass", *panel)
    assert states(manager, done) == [("accepted", "county"), ("accepted", "township")]
    other = made.acceptance(reviewer, done[1:], *panel, level="county")
    shown = made.decide(reviewer, other, "fail", *panel, reason="复验渗漏")
    assert shown["level"] == "county"
    assert states(manager, done) == [("accepted", "county"), ("in_work", None)]
    failed = task(database, done[1])
    assert (failed.state, failed.redo_reason, failed.accepted_at) == ("in_work", "复验渗漏", None)
    actions = [one["action"] for one in ok(manager.get(f"{API}/problems/{done[1]['id']}/history"))["items"]]
    assert actions[-1] == "problem.sent_back"


def test_a_member_who_took_a_hand_meanwhile_ends_it(panel: Any, done: list[dict[str, Any]], database: Database) -> None:
    manager, reviewer = panel
    one = begun(panel, done)
    with database.transaction(EVERYWHERE) as session:
        helped = session.get_one(Task, made.problem_task(session, done[0]["id"]))
        helped.worker_ids = [*helped.worker_ids, UUID(made.me(reviewer))]
        session.add(helped)
    answer = refused(post(manager, one, "pass", **made.decision(one, *panel)), 409, "panel_did_the_work")
    assert [member["user_id"] for member in answer["members"]] == [made.me(reviewer)]


def test_a_county_edition_holds_for_what_is_begun_after_it(
    as_: As, panel: Any, surveyor: TestClient, done: list[dict[str, Any]]
) -> None:
    manager, _ = panel
    before = begun(panel, done[:1])
    base = ok(manager.get(f"{API}/checklists/{before['checklist_id']}"))
    items = [{**item, "min": 2.0} if item["code"] == "effective_volume" else item for item in base["items"]]
    body = {"division_code": "360423", "applies_to": "three_compartment", "zh": "本县", "en": "Own", "items": items}
    own = ok(as_("county_admin").post(f"{API}/checklists", json=body), 201)
    after = begun(panel, done[1:])
    assert after["checklist_id"] == own["id"]
    assert ok(manager.get(f"{API}/acceptances/{before['id']}"))["checklist_id"] == base["id"]
    signed = made.signed(*panel)
    small = {"results": made.results(after, effective_volume={"value": 1.6}), "signatures": signed}
    refused(post(manager, after, "pass", **small), 409, "check_not_passed")
    assert ok(post(manager, before, "pass", **small))["state"] == "passed"


def test_two_who_decide_at_once_decide_once(panel: Any, done: list[dict[str, Any]], database: Database) -> None:
    one = begun(panel, done)
    body = made.decision(one, *panel)
    steps = (("pass", {}), ("fail", {"reason": "渗漏"}))

    def decide(index: int) -> Any:
        step, more = steps[index % 2]
        return post(panel[index % 2], one, step, **body, **more)

    answers = at_once(4, decide)
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"wrong_state"}
    winner = next(answer.json() for answer in answers if answer.status_code == 200)
    expected = "accepted" if winner["state"] == "passed" else "in_work"
    assert [state for state, _ in states(panel[0], done)] == [expected] * 2
    assert {task(database, problem).state for problem in done} == {expected}


def test_begun_twice_at_once_a_problem_is_in_one(panel: Any, done: list[dict[str, Any]]) -> None:
    bodies = [made.acceptance_body(list(order), *panel) for order in (done, done[::-1], done[:1], done[1:])]
    answers = at_once(4, lambda index: panel[index % 2].post(f"{API}/acceptances", json=bodies[index]))
    codes = {answer.json().get("code") for answer in answers if answer.status_code != 201}
    assert codes == {"in_another_acceptance"}
    entered = [one for answer in answers if answer.status_code == 201 for one in answer.json()["problem_ids"]]
    assert sorted(entered) == sorted(set(entered))
    same = {**made.acceptance_body(done, *panel), "id": str(new_id())}
    for shown in ok(panel[0].get(f"{API}/acceptances"))["items"]:
        ok(panel[0].post(f"{API}/acceptances/{shown['id']}/cancel", json={"reason": "x"}))
    answers = at_once(3, lambda _: panel[0].post(f"{API}/acceptances", json=same))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201]


def test_a_dismissal_and_a_decision_at_once_end_in_one_of_both(as_: As, panel: Any, done: list[dict[str, Any]]) -> None:
    one = begun(panel, done)
    body = made.decision(one, *panel)
    admin = as_("county_admin")

    def act(index: int) -> Any:
        if index == 0:
            return post(panel[0], one, "pass", **body)
        return admin.post(f"{API}/problems/{done[0]['id']}/dismiss", json={"reason": "误登"})

    answers = at_once(2, act)
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert answers[0].status_code == 200 or answers[0].json()["code"] == "not_ready_for_acceptance"
    assert states(panel[0], done)[0][0] == ("accepted" if answers[0].status_code == 200 else "dismissed")


def test_shares_say_what_is_reached_and_still_needed(
    as_: As, panel: Any, surveyor: TestClient, database: Database
) -> None:
    manager, reviewer = panel
    problems = made.found(surveyor, "tank_cracked", "no_light", "blocked", "no_door", "floods")
    made.done_work(database, problems[:4], made.me(surveyor))  # the fifth isn't submitted: of no account here
    url = f"{API}/acceptance-shares"
    row = ok(manager.get(url))["items"][0]
    assert (row["division_code"], row["township_name"] is not None) == (survey.TOWNSHIP, True)
    assert (row["submitted"], row["accepted"], row["rechecked"]) == (4, 0, 0)
    assert (row["township_share"], row["township_needed"]) == (0.0, 4)
    assert (row["county_share"], row["county_needed"]) == (None, 0)
    made.decide(manager, begun(panel, problems[:3]), "pass", *panel)
    row = ok(reviewer.get(url, params={"division": survey.TOWNSHIP}))["items"][0]
    assert (row["accepted"], row["township_share"], row["township_needed"]) == (3, 75.0, 1)
    assert (row["county_target"], row["county_share"], row["county_needed"]) == (30, 0.0, 1)
    made.decide(reviewer, made.acceptance(reviewer, problems[:1], *panel, level="county"), "pass", *panel)
    row = ok(as_("auditor").get(url, params={"campaign_id": row["campaign_id"]}))["items"][0]
    assert (row["rechecked"], row["county_share"], row["county_needed"]) == (1, 33.3, 0)
    assert ok(reviewer.get(url, params={"campaign_id": str(new_id())}))["items"] == []
    assert ok(as_("township_manager_2").get(url))["items"] == []
    assert as_("township_manager_2").get(url, params={"division": survey.TOWNSHIP}).status_code == 404


def test_a_second_manager_of_the_township_sits_for_it(as_: As, panel: Any, done: list[dict[str, Any]]) -> None:
    admin, reviewer = as_("county_admin"), panel[1]
    other = new_user(admin, "second_manager", "township_manager", survey.TOWNSHIP)["id"]
    body = made.acceptance_body(done, reviewer)
    body["panel"].append({"user_id": other})
    shown = ok(reviewer.post(f"{API}/acceptances", json=body), 201)
    assert [member["side"] for member in shown["panel"]] == ["county", "township"]


def test_a_signature_is_given_for_one_acceptance_only(as_: As, database: Database) -> None:
    """Nobody passes an acceptance alone with what a colleague signed for another one."""
    admin, reviewer, manager, surveyor = (as_(name) for name in PEOPLE)
    survey.campaign(admin, verification_levels=[])
    first, second = made.found(surveyor, "no_light", "no_door")
    made.done_work(database, [first, second], made.me(surveyor))
    before = made.acceptance(reviewer, [first], reviewer, manager)
    given = made.signed(reviewer, manager)
    made.decide(reviewer, before, "pass", signatures=given)
    after = made.acceptance(manager, [second], reviewer, manager)
    again = manager.post(f"{API}/acceptances/{after['id']}/pass", json=made.decision(after, signatures=given))
    body = made.refused(again, 409, "panel_signature_used")
    assert [fault["pointer"] for fault in body["errors"]] == [f"/signatures/{n}/attachment_id" for n in (0, 1)]
    made.decide(manager, after, "pass", reviewer, manager)
    # The county's re-check is for the county to decide.
    recheck = made.acceptance(manager, [first], reviewer, manager, level="county")
    url = f"{API}/acceptances/{recheck['id']}"
    assert not {"pass", "fail"} & set(ok(manager.get(url))["allowed_actions"])
    assert {"pass", "fail"} <= set(ok(reviewer.get(url))["allowed_actions"])
    mine = made.decision(recheck, reviewer, manager)
    made.refused(manager.post(f"{url}/pass", json=mine), 403, "county_decides")
    made.decide(reviewer, recheck, "pass", reviewer, manager)


def test_a_dismissed_problem_is_in_no_acceptance_any_more(as_: As, database: Database) -> None:
    admin, reviewer, manager, surveyor = (as_(name) for name in PEOPLE)
    survey.campaign(admin, verification_levels=[])
    one = made.found(surveyor, "no_light")[0]
    made.done_work(database, [one], made.me(surveyor))
    left = made.acceptance(reviewer, [one], reviewer, manager)
    ok(admin.post(f"{API}/problems/{one['id']}/dismiss", json={"reason": "误登"}))
    answer = reviewer.post(f"{API}/acceptances/{left['id']}/pass", json=made.decision(left, reviewer, manager))
    made.refused(answer, 409, "not_ready_for_acceptance")
    again = ok(admin.post(f"{API}/problems/{one['id']}/reopen", json={"reason": "确有"}))
    task = {"id": again["task_id"], "division_code": one["division_code"]}
    made.task_step(surveyor, task, "start")
    made.noted(surveyor, task)
    made.task_step(surveyor, task, "submit")
    made.decide(reviewer, made.acceptance(reviewer, [one], reviewer, manager), "pass", reviewer, manager)
