"""Campaigns and the problem catalogue over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.survey import made
from tests.survey.made import API, ok
from toilet_api.kernel.fields import new_id
from toilet_api.survey.catalogue_seed import SEED

As = Callable[[str], TestClient]
TYPE = {
    "division_code": "360423",
    "code": "lid_missing",
    "zh": "缺清掏口盖板",
    "en": "Lid is missing",
    "problem_class": "toilet",
    "problem_group": "construction",
    "cause": "small_defect",
}


def test_a_county_has_one_open_campaign(as_: As) -> None:
    admin = as_("county_admin")
    first = made.campaign(admin)
    second = made.campaign(admin, is_open=False, name="第二轮")
    assert first["allowed_actions"] == ["edit", "close"]
    assert second["allowed_actions"] == ["edit", "open"]
    answer = admin.post(f"{API}/campaigns/{second['id']}/open")
    assert (answer.status_code, answer.json()["code"]) == (409, "campaign_already_open")
    assert admin.post(f"{API}/campaigns/{first['id']}/open").json()["code"] == "wrong_state"
    closed = ok(admin.post(f"{API}/campaigns/{first['id']}/close"))
    assert closed["state"] == "closed"
    edit = admin.patch(f"{API}/campaigns/{first['id']}", json={"name": "x"}, headers={"If-Match": "*"})
    assert edit.json()["code"] == "wrong_state"
    assert ok(admin.post(f"{API}/campaigns/{second['id']}/open"))["state"] == "open"
    rows = ok(admin.get(f"{API}/campaigns", params={"state": "open"}))["items"]
    assert [one["id"] for one in rows] == [second["id"]]
    actions = [one["action"] for one in ok(admin.get(f"{API}/campaigns/{first['id']}/history"))["items"]]
    assert actions == ["campaign.created", "campaign.opened", "campaign.closed"]


def test_villages_read_their_countys_campaign_and_change_nothing(as_: As) -> None:
    shown = made.campaign(as_("county_admin"))
    for role in ("village_surveyor", "township_manager_2", "province_inspector", "county_reviewer"):
        one = as_(role)
        assert [row["id"] for row in ok(one.get(f"{API}/campaigns"))["items"]] == [shown["id"]]
        assert ok(one.get(f"{API}/campaigns/{shown['id']}"))["allowed_actions"] == []
        assert one.post(f"{API}/campaigns/{shown['id']}/close").status_code == 403
    surveyor = as_("village_surveyor")
    assert ok(surveyor.get(f"{API}/campaigns", params={"division": made.VILLAGE}))["items"]
    assert surveyor.get(f"{API}/campaigns", params={"division": "360424"}).status_code == 404


@pytest.mark.parametrize(
    "members",
    [
        {"starts_on": "2026-02-31"},
        {"survey_due": "2026-01-01"},
        {"cut_off_year": -2024},
        {"division_code": "360423208"},
        {"name": "x" * 101},
        {"deadline_rules": {"nonsense": {"kind": "timetable"}}},
        {"deadline_rules": {"management": {"kind": "fixed", "date": "2026-02-31"}}},
        {"deadline_rules": {"management": {"kind": "fixed"}}},
        {"deadline_rules": {"management": {"kind": "days", "days": -1}}},
        {"state": "open"},
    ],
)
def test_bad_campaigns_are_422(as_: As, members: dict[str, Any]) -> None:
    admin = as_("county_admin")
    body = {
        "division_code": "360423",
        "name": "x",
        "cut_off_year": 2024,
        "starts_on": "2026-05-15",
        "survey_due": "2026-07-31",
    }
    assert admin.post(f"{API}/campaigns", json={**body, **members}).status_code == 422
    assert ok(admin.get(f"{API}/campaigns"))["items"] == []


def test_a_campaign_of_another_county_is_out_of_scope(as_: As) -> None:
    body = {"division_code": "360424", "name": "x", "cut_off_year": 2024, "starts_on": "2026-05-15"}
    answer = as_("county_admin").post(f"{API}/campaigns", json={**body, "survey_due": "2026-07-31"})
    assert (answer.status_code, answer.json()["code"]) == (403, "out_of_scope")


def test_the_seeded_catalogue_is_there(as_: As) -> None:
    surveyor = as_("village_surveyor")
    rows = ok(surveyor.get(f"{API}/problem-types", params={"limit": 1000}))["items"]
    assert {one["code"] for one in rows} == {one.code for one in SEED}
    assert {one["division_code"] for one in rows} == {None}
    work = ok(surveyor.get(f"{API}/problem-types", params={"class": "work"}))["items"]
    assert len(work) == 8
    answer = as_("county_admin").patch(
        f"{API}/problem-types/{rows[0]['id']}", json={"zh": "x"}, headers={"If-Match": "*"}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "problem_type_seeded")


def test_a_county_adds_changes_and_retires_its_own(as_: As) -> None:
    admin, surveyor = as_("county_admin"), as_("village_surveyor")
    made.campaign(admin)
    body = {"id": str(new_id()), **TYPE}
    shown = ok(admin.post(f"{API}/problem-types", json=body), 201)
    assert ok(admin.post(f"{API}/problem-types", json=body))["id"] == shown["id"]
    assert admin.post(f"{API}/problem-types", json=TYPE).json()["code"] == "problem_type_code_taken"
    assert admin.post(f"{API}/problem-types", json={**TYPE, "code": "blocked"}).status_code == 409
    assert as_("township_manager").post(f"{API}/problem-types", json=TYPE).status_code == 403
    sent = made.submitted(surveyor, "lid_missing")
    assert sent["findings"][0]["type_zh"] == "缺清掏口盖板"
    url = f"{API}/problem-types/{shown['id']}"
    assert surveyor.get(url).status_code == 200
    changed = ok(admin.patch(url, json={"zh": "盖板缺失"}, headers={"If-Match": '"1"'}))
    assert changed["version"] == 2
    retired = ok(admin.post(f"{url}/retire", json={"reason": "与其他类型重复"}))
    assert retired["retired_at"]
    assert admin.post(f"{url}/retire", json={"reason": "x"}).json()["code"] == "problem_type_retired"
    refused = surveyor.post(f"{API}/visits", json=made.visit_body(made.home(surveyor), None, "lid_missing"))
    assert refused.json()["errors"][0]["code"] == "retired_code"
    # A visit that has it already keeps it.
    made.step(surveyor, sent, "correct", reason="补充", findings=[{"problem_type": "lid_missing", "note": "x"}])
    codes = {one["code"] for one in ok(admin.get(f"{API}/problem-types", params={"limit": 1000}))["items"]}
    assert "lid_missing" not in codes
    codes = {
        one["code"] for one in ok(admin.get(f"{API}/problem-types", params={"limit": 1000, "retired": "true"}))["items"]
    }
    assert "lid_missing" in codes
