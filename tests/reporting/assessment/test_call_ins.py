"""Call-ins: planned from the lists, held, followed up, cancelled; by whom, and seen by whom."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.oversight import made as closed
from tests.oversight.made import refusal
from tests.reporting.assessment import made
from tests.reporting.assessment.made import COUNTY, FIRST, SECOND, SECOND_VILLAGE, step
from tests.reporting.reports.made import it_is
from tests.survey.made import API, ok
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id, now

As = Callable[[str], TestClient]
REASONS = [{"text": "整改进度滞后"}]


@pytest.fixture
def county(as_: As) -> TestClient:
    return as_("county_admin")


def body(**members: Any) -> dict[str, Any]:
    """The body of a call-in of the second township."""
    planned = (now() + timedelta(days=2)).isoformat()
    return {"division_code": SECOND, "planned_at": planned, "called": "乡长、分管副乡长", "reasons": REASONS, **members}


def planned(client: TestClient, **members: Any) -> dict[str, Any]:
    """A planned call-in."""
    shown: dict[str, Any] = ok(client.post(f"{API}/call-ins", json=body(**members)), 201)
    return shown


def held(**members: Any) -> dict[str, Any]:
    """What took place."""
    return {
        "held_at": now().isoformat(),
        "attendance": [
            {"name": "乡长（演示）", "post": "乡长", "present": True},
            {"name": "副乡长（演示）", "post": "副乡长", "present": False},
        ],
        "minutes": "通报逾期情况，明确要求和时限。",
        "demands": [
            {"text": "逾期问题销号", "due_on": (now() + timedelta(days=20)).date().isoformat()},
            {"text": "报送整改计划", "due_on": (now() + timedelta(days=5)).date().isoformat()},
        ],
        **members,
    }


def fault(answer: Any) -> tuple[str, str]:
    """Where a 422 points, and its code."""
    error = refusal(answer, 422, "invalid")["errors"][0]
    return error["pointer"], error["code"]


def test_from_a_red_list_to_the_follow_up(as_: As, county: TestClient, database: Database, app: FastAPI) -> None:
    closed.close(database, 12)
    made.reopen(database, closed.close(database, 12, village=SECOND_VILLAGE)[:6])
    campaign = ok(county.get(f"{API}/campaigns"))["items"][0]["id"]
    made.published_formula(county, campaign)
    shown = made.published(county, campaign)
    one = planned(county, assessment_id=shown["id"], reasons=None)
    assert (one["called_by"], one["campaign_id"], one["state"]) == (COUNTY, campaign, "planned")
    said = {"kind": "overdue_share_above", "text": "逾期 6 个，占 12 个问题的 50.0%，高于 30.0%"}
    assert one["reasons"][0] == said
    assert one["allowed_actions"] == ["edit", "hold", "cancel"]
    unlisted = county.post(f"{API}/call-ins", json=body(division_code=FIRST, assessment_id=shown["id"], reasons=None))
    assert fault(unlisted) == ("/reasons", "missing")

    one = step(county, "call-ins", one, "hold", **held())
    assert one["due_on"] == held()["demands"][1]["due_on"]
    assert [demand["met"] for demand in one["demands"]] == [None, None]
    assert one["allowed_actions"] == ["follow_up"]
    assert ok(county.get(f"{API}/call-ins", params={"overdue": True}))["items"] == []
    with it_is(app, now() + timedelta(days=6)):
        late = ok(county.get(f"{API}/call-ins", params={"overdue": True}))["items"]
    assert [item["id"] for item in late] == [one["id"]]

    address = f"{API}/call-ins/{one['id']}/follow-up"
    answers = {"demands": [{"met": True, "note": "已销号"}, {"met": False}], "result": "一项未落实"}
    assert fault(county.post(address, json={**answers, "outcome": "met"})) == ("/outcome", "outcome_contradicts")
    short = {**answers, "outcome": "met", "demands": answers["demands"][:1]}
    assert fault(county.post(address, json=short)) == ("/demands", "demands_unanswered")
    done = ok(county.post(address, json={**answers, "outcome": "partly_met"}))
    assert (done["state"], done["allowed_actions"]) == ("followed_up", [])
    assert [(demand["met"], demand["note"]) for demand in done["demands"]] == [(True, "已销号"), (False, None)]
    assert done["demands"][0]["text"] == "逾期问题销号"
    refusal(county.post(address, json={**answers, "outcome": "partly_met"}), 409, "wrong_state")

    theirs = as_("township_manager_2")
    assert ok(theirs.get(f"{API}/call-ins/{one['id']}"))["allowed_actions"] == []
    assert [item["id"] for item in ok(theirs.get(f"{API}/call-ins"))["items"]] == [one["id"]]
    for name in ("township_manager", "village_surveyor"):  # another township, and a village
        assert as_(name).get(f"{API}/call-ins/{one['id']}").status_code == 404
        assert ok(as_(name).get(f"{API}/call-ins"))["items"] == []


def test_it_is_held_once_somebody_came_and_not_before_its_time(county: TestClient) -> None:
    one = planned(county)
    address = f"{API}/call-ins/{one['id']}/hold"
    absent = [{"name": "甲", "post": "乡长", "present": False}]
    assert fault(county.post(address, json=held(attendance=absent))) == ("/attendance", "nobody_present")
    ahead = (now() + timedelta(hours=1)).isoformat()
    assert fault(county.post(address, json=held(held_at=ahead))) == ("/held_at", "date_ahead")
    assert fault(county.post(address, json=held(demands=[]))) == ("/demands", "too_short")


def test_a_planned_one_is_changed_or_cancelled(county: TestClient) -> None:
    one = planned(county)
    url = f"{API}/call-ins/{one['id']}"
    assert county.patch(url, json={"place": "三楼"}).status_code == 428
    changed = ok(county.patch(url, json={"place": "三楼", "reasons": [{"text": "逾期"}]}, headers={"If-Match": '"1"'}))
    assert (changed["place"], changed["reasons"], changed["version"]) == ("三楼", [{"kind": None, "text": "逾期"}], 2)
    assert county.patch(url, json={"place": "四楼"}, headers={"If-Match": '"1"'}).status_code == 412
    gone = ok(county.post(f"{url}/cancel", json={"reason": "改为书面通报"}))
    assert (gone["state"], gone["cancel_reason"], gone["allowed_actions"]) == ("cancelled", "改为书面通报", [])
    refusal(county.post(f"{url}/hold", json=held()), 409, "wrong_state")
    listed = ok(county.get(f"{API}/call-ins", params={"state": "cancelled", "called_by": COUNTY}))["items"]
    assert [item["id"] for item in listed] == [one["id"]]


def test_each_level_calls_in_whom_it_ranks(as_: As, county: TestClient) -> None:
    city = as_("city_inspector")
    refusal(city.post(f"{API}/call-ins", json=body()), 422, "not_below_caller")
    refusal(county.post(f"{API}/call-ins", json=body(division_code=COUNTY)), 422, "not_below_caller")
    refusal(county.post(f"{API}/call-ins", json=body(division_code="360424100")), 403, "out_of_scope")
    theirs = planned(city, division_code=COUNTY)
    assert theirs["called_by"] == "3604"
    province = planned(as_("province_inspector"), division_code=COUNTY)
    assert province["called_by"] == "36"
    seen = ok(county.get(f"{API}/call-ins/{theirs['id']}"))
    assert seen["allowed_actions"] == []
    refusal(county.post(f"{API}/call-ins/{theirs['id']}/cancel", json={"reason": "x"}), 403, "not_own_level")
    own = planned(county)
    assert ok(city.get(f"{API}/call-ins/{own['id']}"))["allowed_actions"] == []
    refusal(city.post(f"{API}/call-ins/{own['id']}/hold", json=held()), 403, "not_own_level")
    for name in ("township_manager", "county_reviewer", "auditor", "province_client"):
        assert as_(name).post(f"{API}/call-ins", json=body()).json()["code"] == "forbidden"
    unknown = county.post(f"{API}/call-ins", json=body(assessment_id=str(new_id())))
    assert fault(unknown) == ("/assessment_id", "assessment_unknown")
    assert fault(county.post(f"{API}/call-ins", json=body(campaign_id=str(new_id())))) == (
        "/campaign_id",
        "campaign_unknown",
    )


def test_the_same_body_with_its_id_makes_one(county: TestClient) -> None:
    sent = {"id": str(new_id()), **body()}
    first, again = (county.post(f"{API}/call-ins", json=sent) for _ in range(2))
    assert (first.status_code, again.status_code, first.json()) == (201, 200, again.json())
    refusal(county.post(f"{API}/call-ins", json={**sent, "called": "书记"}), 409, "id_taken")


def test_names_of_those_who_came_stay_out_of_the_journal(county: TestClient, database: Database) -> None:
    step(county, "call-ins", planned(county), "hold", **held())
    with database.transaction(("",)) as session:
        entries = session.connection().execute(text("select before, after from audit_entry")).all()
    assert "乡长（演示）" not in str(entries)
    assert "逾期问题销号" in str(entries)


def test_a_call_in_goes_over_to_the_county_that_its_township_is_moved_to(
    county: TestClient, database: Database
) -> None:
    one = planned(county)
    with database.transaction(EVERYWHERE) as session:  # as `divisions.moves` does with every record of a place
        session.connection().execute(text("update call_in set division_code = '360424500'"))
    assert county.get(f"{API}/call-ins/{one['id']}").status_code == 404
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(text("update call_in set division_code = '360423100', called_by = '360424'"))
    moved = ok(county.get(f"{API}/call-ins/{one['id']}"))
    assert moved["allowed_actions"] == ["edit", "hold", "cancel"]
    assert step(county, "call-ins", one, "cancel", reason="乡镇已撤并")["state"] == "cancelled"
