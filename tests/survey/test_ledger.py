"""The problem ledger over HTTP: filters, overdue, work problems, dismissal."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.survey import made
from tests.survey.made import API, ok
from toilet_api.kernel.fields import SHANGHAI, new_id, now
from toilet_api.survey.clock import this_moment

As = Callable[[str], TestClient]


@pytest.fixture(autouse=True)
def open_county(as_: As) -> dict[str, Any]:
    return made.campaign(as_("county_admin"))


def work(client: TestClient, **members: Any) -> Any:
    body = {"division_code": made.TOWNSHIP, "problem_type": "no_upkeep_mechanism", "description": "粪污满了无人掏"}
    return client.post(f"{API}/problems", json={**body, **members})


def test_filters(as_: As, open_county: dict[str, Any]) -> None:
    surveyor, neighbour = as_("village_surveyor"), as_("village_surveyor_2")
    home = made.home(surveyor, mode="double_urn", built_year=2022, led_by="health")
    body = made.visit_body(home, made.signature(surveyor), visited_at=made.earlier(days=20), usability="not_usable")
    body["findings"] = [{"problem_type": "tank_cracked", "note": "裂缝_50%"}, {"problem_type": "no_light"}]
    one = ok(surveyor.post(f"{API}/visits", json=body), 201)
    made.step(surveyor, one, "submit")
    two = made.submitted(neighbour, "floods", village=made.OTHER_VILLAGE)
    three = ok(work(as_("township_manager")), 201)
    admin = as_("county_admin")
    day = made.moment(one["visited_at"]).astimezone(SHANGHAI).date().isoformat()

    def types(**params: Any) -> list[str]:
        return sorted(row["problem_type"] for row in made.problems(admin, **params))

    everything = ["floods", "no_light", "no_upkeep_mechanism", "tank_cracked"]
    assert types() == everything
    assert types(division=made.VILLAGE) == ["no_light", "tank_cracked"]
    assert types(division="3604") == everything
    assert types(state="open") == everything
    assert types(state="dismissed") == []
    assert types(**{"class": "work"}) == ["no_upkeep_mechanism"]
    assert types(cause=["product_quality", "technical_mode"]) == ["floods", "tank_cracked"]
    assert types(type=["floods", "no_light"]) == ["floods", "no_light"]
    assert types(mode="double_urn") == ["no_light", "tank_cracked"]
    assert types(built_year_from=2023) == ["floods"]
    assert types(built_year_to=2023) == ["no_light", "tank_cracked"]
    assert types(led_by="health") == ["no_light", "tank_cracked"]
    assert types(overdue="true") == ["no_light"]
    assert types(overdue="false") == ["floods", "no_upkeep_mechanism", "tank_cracked"]
    assert types(due_before="2037-12-31", due_after="2037-12-31") == ["tank_cracked"]
    assert types(found_from=day, found_to=day) == ["no_light", "tank_cracked"]
    assert types(campaign_id=open_county["id"]) == everything
    assert types(household_id=two["household_id"]) == ["floods"]
    assert types(toilet_id=two["toilet_id"]) == ["floods"]
    assert types(text="无人掏") == ["no_upkeep_mechanism"]
    assert types(text="裂缝_50%") == ["tank_cracked"]
    assert types(text="%") == ["tank_cracked"]
    assert types(text="低洼") == ["floods"]
    assert types(text=two["village_name"][:3]) == ["floods"]
    assert types(text=two["township_name"]) == everything
    assert types(text="张*") == ["floods", "no_light", "tank_cracked"]
    shown = [row["problem_type"] for row in made.problems(admin)]
    assert shown == ["no_light", "no_upkeep_mechanism", "tank_cracked", "floods"]
    assert [row["problem_type"] for row in made.problems(admin, sort="-deadline")] == shown[::-1]
    assert made.problems(admin, sort="division_code")[0]["id"] == three["id"]
    for order in ("deadline", "-deadline", "found_at", "-found_at", "division_code"):
        walked: list[str] = []
        params: dict[str, Any] = {"limit": 1, "sort": order}
        while True:
            page = ok(admin.get(f"{API}/problems", params=params))
            walked += [row["problem_type"] for row in page["items"]]
            if not page["next_cursor"]:
                break
            params["cursor"] = page["next_cursor"]
        assert sorted(walked) == everything, order
    assert ok(admin.get(f"{API}/problems", params={"count": "exact"}))["count"] == 4
    csv = admin.get(f"{API}/problems", headers={"Accept": "text/csv"})
    assert csv.status_code == 200
    assert len(csv.text.splitlines()) == 5


@pytest.mark.parametrize(
    "params",
    [
        {"due_before": "2026-02-31"},
        {"found_from": "-0005-01-01"},
        {"built_year_from": "-5"},
        {"class": "nonsense"},
        {"campaign_id": "1"},
        {"sort": "nonsense"},
        {"text": ""},
        {"fields": "nonsense"},
    ],
)
def test_bad_filters_are_422(as_: As, params: dict[str, str]) -> None:
    assert as_("county_admin").get(f"{API}/problems", params=params).status_code == 422


def test_overdue_is_a_fact_of_the_clock(as_: As, app: FastAPI) -> None:
    surveyor = as_("village_surveyor")
    made.submitted(surveyor, "no_light", visited_at="2026-06-01T23:30:00+08:00")  # due on the 8th
    for moment, late in (
        ("2026-06-08T23:59:00+08:00", False),
        ("2026-06-08T16:30:00+00:00", True),  # it is the 9th in Shanghai by then
        ("2026-06-09T00:00:00+08:00", True),
    ):
        app.dependency_overrides[this_moment] = lambda moment=moment: datetime.fromisoformat(moment)
        rows = made.problems(surveyor)
        assert (rows[0]["deadline"], rows[0]["overdue"]) == ("2026-06-08", late)
        assert len(made.problems(surveyor, overdue="true")) == int(late)
        assert ok(surveyor.get(f"{API}/problems/{rows[0]['id']}"))["overdue"] is late
    made_here = rows[0]["id"]
    ok(as_("county_admin").post(f"{API}/problems/{made_here}/dismiss", json={"reason": "误登"}))
    assert made.problems(surveyor, overdue="true") == []


def test_the_day_of_discovery_is_a_day_in_shanghai(as_: As) -> None:
    surveyor = as_("village_surveyor")
    made.submitted(surveyor, "no_light", visited_at="2026-06-01T17:00:00+00:00")
    assert made.problems(surveyor)[0]["deadline"] == "2026-06-09"


def test_work_problems(as_: As) -> None:
    manager, surveyor = as_("township_manager"), as_("village_surveyor")
    body = {"id": str(new_id()), "found_at": made.earlier(days=1)}
    first = ok(work(manager, **body), 201)
    assert first["problem_class"] == "work"
    assert first["village_name"] is None
    assert first["township_name"]
    assert first["allowed_actions"] == ["edit"]
    assert ok(work(manager, **body))["id"] == first["id"]
    assert work(manager, **body, description="别的").status_code == 409
    assert ok(work(manager, division_code=made.VILLAGE), 201)["village_name"]
    assert work(surveyor).status_code == 403
    assert work(manager, division_code="360423500").json()["code"] == "out_of_scope"
    assert work(as_("county_admin"), division_code="360423").status_code == 422
    assert work(manager, problem_type="blocked").status_code == 422
    assert work(manager, found_at="2026-02-31T00:00:00+08:00").status_code == 422
    assert work(manager, found_at="2999-01-01T00:00:00+08:00").status_code == 422
    assert surveyor.get(f"{API}/problems/{first['id']}").status_code == 404
    url = f"{API}/problems/{first['id']}"
    changed = ok(manager.patch(url, json={"description": "已约谈"}, headers={"If-Match": '"1"'}))
    assert (changed["version"], changed["description"]) == (2, "已约谈")
    assert manager.patch(url, json={"state": "dismissed"}, headers={"If-Match": '"2"'}).status_code == 422
    assert manager.patch(url, json={"cause": None}, headers={"If-Match": '"2"'}).status_code == 422
    # More time, or none at all: that is the county's to say.
    eased = manager.patch(url, json={"cause": "technical_mode"}, headers={"If-Match": '"2"'})
    assert (eased.status_code, eased.json()["code"]) == (403, "cause_is_countys")
    assert eased.json()["rule"]
    recaused = ok(as_("county_admin").patch(url, json={"cause": "technical_mode"}, headers={"If-Match": '"2"'}))
    assert recaused["deadline"] is None
    actions = [one["action"] for one in ok(manager.get(f"{url}/history"))["items"]]
    assert actions == ["problem.recorded", "problem.updated", "problem.updated"]


def test_without_an_open_campaign_nothing_is_recorded(as_: As, open_county: dict[str, Any]) -> None:
    ok(as_("county_admin").post(f"{API}/campaigns/{open_county['id']}/close"))
    assert work(as_("township_manager")).json()["code"] == "no_open_campaign"


def test_dismiss_and_reopen(as_: As) -> None:
    surveyor, admin = as_("village_surveyor"), as_("county_admin")
    household = made.home(surveyor)
    sent = made.submitted(surveyor, "blocked", household=household)
    url = f"{API}/problems/{sent['findings'][0]['problem_id']}"
    assert as_("township_manager").post(f"{url}/dismiss", json={"reason": "x"}).status_code == 403
    assert admin.post(f"{url}/dismiss", json={}).status_code == 422
    gone = ok(admin.post(f"{url}/dismiss", json={"reason": "误登"}, headers={"If-Match": '"1"'}))
    assert (gone["state"], gone["dismissed_reason"], gone["allowed_actions"]) == ("dismissed", "误登", ["reopen"])
    assert admin.post(f"{url}/dismiss", json={"reason": "x"}).status_code == 409
    assert admin.post(f"{url}/reopen", json={"reason": "x"}, headers={"If-Match": '"1"'}).status_code == 412
    # What the county decided stands when the same visit is corrected ...
    made.step(surveyor, sent, "correct", reason="补充", note="x")
    assert ok(admin.get(url))["state"] == "dismissed"
    # ... and another visit that finds it opens it anew, which bars the old one.
    made.submitted(surveyor, "blocked", household=household)
    answer = admin.post(f"{url}/reopen", json={"reason": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "problem_already_open")
    live = made.problems(admin, state="open")[0]
    ok(admin.post(f"{API}/problems/{live['id']}/dismiss", json={"reason": "重复"}))
    assert ok(admin.post(f"{url}/reopen", json={"reason": "确有其事"}))["state"] == "open"


def test_changed_rules_move_the_deadlines_of_live_problems(as_: As, open_county: dict[str, Any]) -> None:
    surveyor, admin = as_("village_surveyor"), as_("county_admin")
    made.submitted(surveyor, "no_light", "tank_cracked", "floods", visited_at="2026-06-01T09:00:00+08:00")
    rules = {
        "small_defect": {"kind": "days", "days": 3},
        "technical_mode": {"kind": "fixed", "date": "2028-01-31"},
    }
    url = f"{API}/campaigns/{open_county['id']}"
    ok(admin.patch(url, json={"deadline_rules": rules}, headers={"If-Match": f'"{open_county["version"]}"'}))
    due = {one["problem_type"]: (one["deadline"], one["version"]) for one in made.problems(admin)}
    assert due == {"no_light": ("2026-06-04", 2), "floods": ("2028-01-31", 2), "tank_cracked": (None, 2)}
    problem = made.problems(admin, type="no_light")[0]
    entry = ok(admin.get(f"{API}/problems/{problem['id']}/history"))["items"][-1]
    assert (entry["action"], entry["before"]) == ("problem.deadline_moved", {"deadline": "2026-06-08"})


def test_rows_are_what_the_schema_says(as_: As) -> None:
    from toilet_api.survey.ledger_schemas import ProblemRow
    from toilet_api.survey.visit_schemas import VisitRow

    surveyor = as_("village_surveyor")
    made.submitted(surveyor, "no_light")
    ProblemRow.model_validate(made.problems(surveyor)[0])
    VisitRow.model_validate(ok(surveyor.get(f"{API}/visits"))["items"][0])
    assert now() - timedelta(minutes=1) < made.moment(made.problems(surveyor)[0]["created_at"])


def test_a_toilets_problem_is_no_problem_of_the_work(as_: As) -> None:
    admin = as_("county_admin")
    made.submitted(as_("village_surveyor"), "tank_cracked")
    (one,) = made.problems(admin)
    change = {"cause": "work_process"}
    answer = admin.patch(f"{API}/problems/{one['id']}", json=change, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "cause_of_another_class")
