"""What a campaign decides beside its dates: phases, levels that verify, shares, what is mended at once."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.survey import made
from tests.survey.made import API, ok

As = Callable[[str], TestClient]
PHASES = [
    {"phase": "kickoff", "starts_on": "2026-05-15", "due_on": "2026-05-20"},
    {"phase": "survey", "due_on": "2026-07-31"},
    {"phase": "rectification", "starts_on": "2026-08-01", "due_on": "2026-08-31", "note": "方案 8 月底前报县"},
    {"phase": "evaluation", "due_on": "2026-09-30"},
    {"phase": "consolidation"},
]


def test_a_campaign_holds_phases_levels_shares_and_what_is_mended_at_once(as_: As) -> None:
    admin = as_("county_admin")
    plain = made.campaign(admin, is_open=False)
    assert plain["phases"] == []
    assert plain["at_once_causes"] == ["small_defect"]
    assert plain["verification_levels"] == ["township", "county"]
    assert plain["acceptance_shares"]["township"] == 100
    shares = {"township": 100, "county": 20}
    one = made.campaign(
        admin,
        is_open=False,
        phases=PHASES,
        at_once_causes=["small_defect", "management"],
        verification_levels=["township"],
        acceptance_shares=shares,
    )
    assert [phase["phase"] for phase in one["phases"]] == [phase["phase"] for phase in PHASES]
    assert one["phases"][2]["due_on"] == "2026-08-31"
    assert one["acceptance_shares"] == shares
    url = f"{API}/campaigns/{one['id']}"
    changed = ok(
        admin.patch(url, json={"acceptance_shares": {"county": 50}, "phases": PHASES[:2]}, headers={"If-Match": '"1"'})
    )
    assert changed["acceptance_shares"] == {"township": 100, "county": 50}
    assert len(changed["phases"]) == 2
    entries = ok(admin.get(f"{url}/history"))["items"]
    assert entries[-1]["before"]["acceptance_shares"] == shares
    assert entries[-1]["after"]["acceptance_shares"]["county"] == 50
    # Read in its villages, changed by none of them.
    assert ok(as_("village_surveyor").get(url))["phases"] == changed["phases"]
    assert as_("township_manager").patch(url, json={"phases": []}, headers={"If-Match": "*"}).status_code == 403


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"phases": [PHASES[0], PHASES[0]]}, "phase_contradicts"),
        ({"phases": [{"phase": "kickoff", "starts_on": "2026-05-20", "due_on": "2026-05-15"}]}, "phase_contradicts"),
        ({"phases": [{"phase": "survey", "due_on": "2026-08-01"}]}, "phase_contradicts"),
        ({"phases": [{"phase": "nonsense"}]}, "unknown_code"),
        ({"verification_levels": ["county"]}, "levels_contradict"),
        ({"verification_levels": ["township", "township"]}, "levels_contradict"),
        ({"verification_levels": ["village"]}, "unknown_code"),
        ({"acceptance_shares": {"county": 101}}, "less_than_equal"),
        ({"acceptance_shares": {"county": -1}}, "greater_than_equal"),
        ({"at_once_causes": ["nonsense"]}, "unknown_code"),
        ({"at_once_causes": ["small_defect", "management", "small_defect"]}, "cause_repeated"),
    ],
)
def test_rules_that_contradict_themselves_are_refused(as_: As, members: dict[str, Any], code: str) -> None:
    admin = as_("county_admin")
    body = {
        "division_code": "360423",
        "name": "整改",
        "cut_off_year": 2024,
        "starts_on": "2026-05-15",
        "survey_due": "2026-07-31",
    }
    answer = admin.post(f"{API}/campaigns", json={**body, **members})
    assert answer.status_code == 422
    assert code in {fault["code"] for fault in answer.json()["errors"]}
    assert answer.json()["remedy"]
    one = ok(admin.post(f"{API}/campaigns", json=body), 201)
    answer = admin.patch(f"{API}/campaigns/{one['id']}", json=members, headers={"If-Match": "*"})
    assert answer.status_code == 422
    assert code in {fault["code"] for fault in answer.json()["errors"]}


def test_a_patch_of_the_end_alone_must_still_fit_the_phases(as_: As) -> None:
    admin = as_("county_admin")
    one = made.campaign(admin, is_open=False, phases=PHASES)
    url = f"{API}/campaigns/{one['id']}"
    answer = admin.patch(url, json={"survey_due": "2026-08-15"}, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "phase_contradicts")
    phases = [{"phase": "survey", "due_on": "2026-08-15"}]
    ok(admin.patch(url, json={"survey_due": "2026-08-15", "phases": phases}, headers={"If-Match": "*"}))


def test_what_may_be_mended_at_once_is_offered(as_: As) -> None:
    admin, surveyor = as_("county_admin"), as_("village_surveyor")
    campaign = made.campaign(admin)
    made.submitted(surveyor, "no_light", "tank_cracked")
    offered = {one["problem_type"]: one["allowed_actions"] for one in made.problems(surveyor)}
    assert offered == {"no_light": ["rectify_at_once"], "tank_cracked": []}
    assert {one["problem_type"]: one["allowed_actions"] for one in made.problems(admin)} == {
        "no_light": ["edit", "dismiss", "rectify_at_once"],
        "tank_cracked": ["edit", "dismiss"],
    }
    change = {"at_once_causes": ["product_quality"]}
    ok(admin.patch(f"{API}/campaigns/{campaign['id']}", json=change, headers={"If-Match": "*"}))
    offered = {one["problem_type"]: one["allowed_actions"] for one in made.problems(surveyor)}
    assert offered == {"no_light": [], "tank_cracked": ["rectify_at_once"]}


def test_a_refusal_names_the_rule_and_what_to_do_next(as_: As) -> None:
    admin = as_("county_admin")
    one = made.campaign(admin)
    again = admin.post(f"{API}/campaigns/{one['id']}/open").json()
    assert again["code"] == "wrong_state"
    assert again["rule"].startswith("工作方案 四（一）")
    assert "结束" in again["remedy"]
    english = admin.post(f"{API}/campaigns/{one['id']}/open", headers={"Accept-Language": "en"}).json()
    assert "close" in english["remedy"]
    forbidden = as_("village_surveyor").post(f"{API}/campaigns/{one['id']}/close").json()
    assert forbidden["code"] == "forbidden"
    assert forbidden["rule"]
    assert "县级管理员" in forbidden["remedy"]
