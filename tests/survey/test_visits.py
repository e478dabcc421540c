"""The life of a visit over HTTP: draft, submitted, verified, returned, corrected."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.survey import made
from tests.survey.made import API, ok
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id, now

As = Callable[[str], TestClient]


@pytest.fixture
def surveyor(as_: As) -> TestClient:
    return as_("village_surveyor")


@pytest.fixture
def open_county(as_: As) -> dict[str, Any]:
    return made.campaign(as_("county_admin"))


def test_a_visit_goes_upward_and_its_finding_is_in_the_ledger(as_: As, surveyor: TestClient, open_county: Any) -> None:
    draft = made.visit(surveyor, "tank_cracked", "no_light")
    assert (draft["state"], draft["allowed_actions"]) == ("draft", ["edit", "submit"])
    assert draft["village_name"]
    assert draft["township_name"]
    assert made.problems(surveyor) == []
    sent = ok(surveyor.post(f"{API}/visits/{draft['id']}/submit"))
    assert (sent["state"], sent["allowed_actions"]) == ("submitted", ["correct"])
    assert sent["campaign_id"] == open_county["id"]
    assert [one["problem_id"] is not None for one in sent["findings"]] == [True, True]
    found = {one["problem_type"]: one for one in made.problems(as_("county_admin"))}
    assert set(found) == {"tank_cracked", "no_light"}
    assert found["tank_cracked"]["deadline"] == "2037-12-31"
    assert found["tank_cracked"]["head_masked"] == "张**"
    assert found["tank_cracked"]["toilet_mode"] == "three_compartment"
    manager = as_("township_manager")
    assert manager.get(f"{API}/visits/{draft['id']}").json()["allowed_actions"] == [
        "verify_township",
        "return_township",
        "correct",
    ]
    assert made.step(manager, draft, "verify", level="township")["state"] == "township_verified"
    done = made.step(as_("county_reviewer"), draft, "verify")
    assert done["state"] == "county_verified"
    assert done["county_verified_by"]
    rows = ok(as_("county_admin").get(f"{API}/visits", params={"state": "county_verified"}))["items"]
    assert [one["id"] for one in rows] == [draft["id"]]
    assert rows[0]["allowed_actions"] == ["return_county"]  # an administrator without training corrects nothing
    actions = [one["action"] for one in ok(as_("auditor").get(f"{API}/visits/{draft['id']}/history"))["items"]]
    assert actions == ["visit.created", "visit.submitted", "visit.township_verified", "visit.county_verified"]


def test_no_open_campaign_is_a_409_and_changes_nothing(surveyor: TestClient) -> None:
    draft = made.visit(surveyor, "tank_cracked")
    answer = surveyor.post(f"{API}/visits/{draft['id']}/submit")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_open_campaign")
    assert surveyor.get(f"{API}/visits/{draft['id']}").json()["state"] == "draft"


def test_return_change_resubmit_makes_no_second_problem(as_: As, surveyor: TestClient, open_county: Any) -> None:
    sent = made.submitted(surveyor, "tank_cracked")
    problem = sent["findings"][0]["problem_id"]
    manager = as_("township_manager")
    no_reason = manager.post(f"{API}/visits/{sent['id']}/return", json={"level": "township"})
    assert no_reason.status_code == 422
    back = made.step(manager, sent, "return", level="township", reason="照片不清楚")
    assert (back["state"], back["return_reason"]) == ("returned", "照片不清楚")
    url = f"{API}/visits/{sent['id']}"
    assert surveyor.patch(url, json={"note": "补拍"}).status_code == 428
    patched = ok(surveyor.patch(url, json={"note": "补拍"}, headers={"If-Match": f'"{back["version"]}"'}))
    assert patched["version"] == back["version"] + 1
    same = ok(surveyor.patch(url, json={"note": "补拍"}, headers={"If-Match": f'"{patched["version"]}"'}))
    assert same["version"] == patched["version"]
    stale = surveyor.patch(url, json={"note": "x"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current"]["note"]) == (412, "补拍")
    again = made.step(surveyor, sent, "submit")
    assert again["findings"][0]["problem_id"] == problem
    assert len(made.problems(surveyor)) == 1


def test_correction_keeps_the_earlier_value_and_dismisses_what_was_withdrawn(
    as_: As, surveyor: TestClient, open_county: Any
) -> None:
    sent = made.submitted(surveyor, "tank_cracked", "no_light")
    made.step(as_("township_manager"), sent, "verify")
    body = {"reason": "实为灯已装好", "findings": [{"problem_type": "tank_cracked"}]}
    fixed = made.step(surveyor, sent, "correct", **body)
    assert (fixed["state"], fixed["corrections"], fixed["township_verified_by"]) == ("submitted", 1, None)
    ledger = {one["problem_type"]: one for one in made.problems(surveyor)}
    assert ledger["tank_cracked"]["state"] == "open"
    assert ledger["no_light"]["state"] == "dismissed"
    assert "实为灯已装好" in ledger["no_light"]["dismissed_reason"]
    entry = ok(surveyor.get(f"{API}/visits/{sent['id']}/history"))["items"][-1]
    assert (entry["action"], entry["reason"]) == ("visit.corrected", "实为灯已装好")
    assert {one["problem_type"] for one in entry["before"]["findings"]} == {"tank_cracked", "no_light"}
    both = [{"problem_type": "no_light"}, {"problem_type": "tank_cracked"}]
    made.step(surveyor, sent, "correct", reason="又坏了", findings=both)
    ledger = {one["problem_type"]: one for one in made.problems(surveyor)}
    assert {one["state"] for one in ledger.values()} == {"open"}
    assert len(made.problems(surveyor)) == 2


def test_another_person_corrects_only_with_a_signature_of_their_own(
    as_: As, surveyor: TestClient, open_county: Any
) -> None:
    sent = made.submitted(surveyor)
    manager = as_("township_manager")
    bare = manager.post(f"{API}/visits/{sent['id']}/correct", json={"reason": "更正", "note": "x"})
    assert (bare.status_code, bare.json()["code"]) == (403, "not_surveyor")
    theirs = {"reason": "更正", "note": "x", "surveyor_signature_ids": sent["surveyor_signature_ids"]}
    assert manager.post(f"{API}/visits/{sent['id']}/correct", json=theirs).status_code == 422
    mine = made.signature(manager)
    fixed = made.step(manager, sent, "correct", reason="更正", note="x", surveyor_signature_ids=[mine])
    assert fixed["surveyor_id"] != sent["surveyor_id"]
    answer = manager.post(f"{API}/visits/{sent['id']}/verify", json={"level": "township"})
    assert (answer.status_code, answer.json()["code"]) == (403, "verifier_is_surveyor")


def test_a_second_visit_links_to_the_live_problem(surveyor: TestClient, open_county: Any) -> None:
    household = made.home(surveyor)
    first = made.submitted(surveyor, "tank_cracked", household=household)
    second = made.submitted(surveyor, "tank_cracked", household=household)
    assert first["findings"][0]["problem_id"] == second["findings"][0]["problem_id"]
    made.step(surveyor, first, "correct", reason="看错了", findings=[], usability="usable_all_year")
    assert made.problems(surveyor)[0]["state"] == "open"  # the second visit found it too
    made.step(surveyor, second, "correct", reason="看错了", findings=[], usability="usable_all_year")
    assert made.problems(surveyor)[0]["state"] == "dismissed"


def test_who_is_not_trained_may_not_submit(surveyor: TestClient, open_county: Any, database: Database) -> None:
    draft = made.visit(surveyor)
    with database.transaction(EVERYWHERE) as session:
        session.connection().exec_driver_sql("update training set revoked_at = now(), revoked_reason = 'test'")
    answer = surveyor.post(f"{API}/visits/{draft['id']}/submit")
    assert (answer.status_code, answer.json()["code"]) == (403, "training_required")


def test_a_signature_is_needed_and_must_be_ones_own(as_: As, surveyor: TestClient, open_county: Any) -> None:
    household = made.home(surveyor)
    for signed in (None, made.signature(as_("township_manager"))):
        body = made.visit_body(household, signed)
        draft = ok(surveyor.post(f"{API}/visits", json=body), 201)
        answer = surveyor.post(f"{API}/visits/{draft['id']}/submit")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "signature_missing"


BAD = [
    ({"presence": "away"}, "/method"),
    ({"method": "look"}, "/method"),
    ({"visited_at": "2999-01-01T00:00:00+08:00"}, "/visited_at"),
    ({"visited_at": "2026-02-31T09:00:00+08:00"}, "/visited_at"),
    ({"visited_at": "-0005-01-01T00:00:00+08:00"}, "/visited_at"),
    ({"visited_at": "0001-01-01T00:00:00+14:00"}, "/visited_at"),
    ({"visited_at": "2026-06-30T09:00:00"}, "/visited_at"),
    ({"usability": "excellent"}, "/usability"),
    ({"toilet_id": None}, "/usability"),
    ({"toilet_id": str(new_id())}, "/toilet_id"),
    ({"household_id": str(new_id())}, "/household_id"),
    ({"findings": [{"problem_type": "nonsense"}]}, "/findings/0/problem_type"),
    ({"findings": [{"problem_type": "rushing"}]}, "/findings/0/problem_type"),
    ({"findings": [{"problem_type": "blocked"}, {"problem_type": "blocked"}]}, "/findings"),
    ({"usability": "demolished", "findings": [{"problem_type": "blocked"}]}, "/findings"),
    ({"photo_ids": [str(new_id())]}, "/photo_ids/0"),
    ({"state": "county_verified"}, "/state"),
    ({"position": {"longitude": 999, "latitude": 0, "system": "wgs84"}}, "/position/longitude"),
]


@pytest.mark.parametrize(("members", "pointer"), BAD)
def test_bad_input_is_refused_at_its_place(surveyor: TestClient, members: dict[str, Any], pointer: str) -> None:
    body = {**made.visit_body(made.home(surveyor)), **members}
    answer = surveyor.post(f"{API}/visits", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert ok(surveyor.get(f"{API}/visits"))["items"] == []


def test_what_is_unusable_needs_a_finding_to_be_submitted(surveyor: TestClient, open_county: Any) -> None:
    draft = made.visit(surveyor, usability="part_of_year")
    answer = surveyor.post(f"{API}/visits/{draft['id']}/submit")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "finding_missing")


def test_a_household_without_toilet_is_visited_too(surveyor: TestClient, open_county: Any) -> None:
    household = made.registry.household(surveyor, toilets=[])
    sent = made.submitted(surveyor, household=household, usability=None)
    assert (sent["toilet_id"], sent["usability"], sent["state"]) == (None, None, "submitted")


def test_the_same_id_again_is_the_same_visit(surveyor: TestClient) -> None:
    body = {"id": str(new_id()), **made.visit_body(made.home(surveyor), None, "blocked")}
    assert surveyor.post(f"{API}/visits", json=body).status_code == 201
    assert surveyor.post(f"{API}/visits", json=body).status_code == 200
    other = surveyor.post(f"{API}/visits", json={**body, "note": "别的"})
    assert (other.status_code, other.json()["code"]) == (409, "id_taken")
    assert len(ok(surveyor.get(f"{API}/visits"))["items"]) == 1


def test_a_wrong_step_says_what_is_possible(as_: As, surveyor: TestClient, open_county: Any) -> None:
    draft = made.visit(surveyor)
    answer = as_("township_manager").post(f"{API}/visits/{draft['id']}/verify", json={"level": "township"})
    assert (answer.status_code, answer.json()["state"]) == (409, "draft")
    assert answer.json()["possible_steps"] == ["edit", "submit"]
    sent = made.step(surveyor, draft, "submit")
    stale = surveyor.post(
        f"{API}/visits/{draft['id']}/correct", json={"reason": "x", "note": "y"}, headers={"If-Match": '"1"'}
    )
    assert stale.status_code == 412
    assert stale.json()["current"]["version"] == sent["version"]
    edit = surveyor.patch(
        f"{API}/visits/{draft['id']}", json={"note": "x"}, headers={"If-Match": f'"{sent["version"]}"'}
    )
    assert (edit.status_code, edit.json()["code"]) == (409, "wrong_state")


def test_a_neighbour_sees_and_changes_nothing(as_: As, surveyor: TestClient, open_county: Any) -> None:
    sent = made.submitted(surveyor, "blocked")
    url = f"{API}/visits/{sent['id']}"
    neighbour, sibling = as_("village_surveyor_2"), as_("township_manager_2")
    for one in (neighbour, sibling):
        assert one.get(url).status_code == 404
        assert one.get(f"{url}/history").status_code == 404
        assert one.post(f"{url}/submit").status_code == 404
        assert one.post(f"{url}/correct", json={"reason": "x", "note": "y"}).status_code == 404
        assert one.patch(url, json={"note": "x"}, headers={"If-Match": "*"}).status_code == 404
        assert ok(one.get(f"{API}/visits"))["items"] == []
        assert one.get(f"{API}/visits", params={"division": made.VILLAGE}).status_code == 404
        problem = sent["findings"][0]["problem_id"]
        assert one.get(f"{API}/problems/{problem}").status_code == 404
    assert sibling.post(f"{url}/verify").status_code == 404
    assert neighbour.post(f"{url}/verify").status_code == 403
    for role in ("auditor", "province_inspector", "county_reviewer", "province_client"):
        assert as_(role).get(url).status_code == 200
        assert as_(role).post(f"{url}/submit").status_code == 403
        assert as_(role).post(f"{API}/visits", json={}).status_code == 403
    body = made.visit_body({"id": sent["household_id"], "toilets": [{"id": sent["toilet_id"]}]})
    assert neighbour.post(f"{API}/visits", json=body).status_code == 422


def test_list_filters(as_: As, surveyor: TestClient, open_county: Any) -> None:
    first = made.submitted(surveyor, "blocked", visited_at=made.earlier(days=3))
    second = made.visit(surveyor)
    other = made.visit(as_("village_surveyor_2"), village=made.OTHER_VILLAGE)
    admin = as_("county_admin")

    def ids(**params: Any) -> set[str]:
        return {one["id"] for one in ok(admin.get(f"{API}/visits", params=params))["items"]}

    assert ids() == {first["id"], second["id"], other["id"]}
    assert ids(division=made.VILLAGE) == {first["id"], second["id"]}
    assert ids(division="36") == ids()
    assert ids(state=["submitted", "returned"]) == {first["id"]}
    assert ids(household_id=second["household_id"]) == {second["id"]}
    assert ids(toilet_id=first["toilet_id"]) == {first["id"]}
    assert ids(surveyor_id=other["surveyor_id"]) == {other["id"]}
    assert ids(usability="not_usable") == {first["id"]}
    assert ids(campaign_id=open_county["id"]) == {first["id"]}
    day = made.moment(first["visited_at"]).astimezone(now().tzinfo).date().isoformat()
    assert ids(visited_from=day, visited_to=day) == {first["id"]}
    assert admin.get(f"{API}/visits", params={"visited_from": "2026-02-31"}).status_code == 422
    assert admin.get(f"{API}/visits", params={"nonsense": "1"}).status_code == 400
    assert admin.get(f"{API}/visits", params={"division": "999999"}).status_code == 404
    walked: list[str] = []
    page = ok(admin.get(f"{API}/visits", params={"limit": 1, "sort": "-visited_at"}))
    while True:
        walked += [one["id"] for one in page["items"]]
        if not page["next_cursor"]:
            break
        params = {"limit": 1, "sort": "-visited_at", "cursor": page["next_cursor"]}
        page = ok(admin.get(f"{API}/visits", params=params))
    assert len(walked) == 3
    assert walked[-1] == first["id"]


def test_what_was_removed_since_can_not_be_submitted(as_: As, surveyor: TestClient, open_county: Any) -> None:
    """A draft waits on the phone while the township removes the household as registered twice, or the toilet."""
    admin, reason = as_("county_admin"), {"reason": "重复登记"}
    gone, rebuilt = made.visit(surveyor, "blocked"), made.visit(surveyor, "blocked")
    ok(admin.post(f"{API}/households/{gone['household_id']}/remove", json=reason))
    ok(admin.post(f"{API}/toilets/{rebuilt['toilet_id']}/remove", json=reason))
    answer = surveyor.post(f"{API}/visits/{gone['id']}/submit")
    assert (answer.status_code, answer.json()["code"]) == (409, "household_removed")
    answer = surveyor.post(f"{API}/visits/{rebuilt['id']}/submit")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/toilet_id"
    assert made.problems(admin) == []
    ok(admin.post(f"{API}/households/{gone['household_id']}/restore", json=reason))
    assert made.step(surveyor, gone, "submit")["state"] == "submitted"


def test_steps_that_need_training_are_not_offered_without(
    as_: As, surveyor: TestClient, open_county: Any, database: Database
) -> None:
    draft, sent = made.visit(surveyor), made.submitted(surveyor)
    with database.transaction(EVERYWHERE) as session:
        session.connection().exec_driver_sql("update training set revoked_at = now(), revoked_reason = 'test'")
    assert surveyor.get(f"{API}/visits/{draft['id']}").json()["allowed_actions"] == ["edit"]
    listed = {one["id"]: one["allowed_actions"] for one in ok(surveyor.get(f"{API}/visits"))["items"]}
    assert listed == {draft["id"]: ["edit"], sent["id"]: []}
    answer = surveyor.post(f"{API}/visits/{sent['id']}/correct", json={"reason": "x", "note": "y"})
    assert (answer.status_code, answer.json()["code"]) == (403, "training_required")
