"""The summary of a campaign against counting the lists."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient

from tests.survey import made
from tests.survey.made import API, ok

As = Callable[[str], TestClient]


def summary(client: TestClient, campaign: str, **params: str) -> dict[str, Any]:
    shown: dict[str, Any] = ok(client.get(f"{API}/campaigns/{campaign}/summary", params=params))
    return shown


def test_every_figure_is_what_the_lists_hold(as_: As) -> None:
    admin, manager = as_("county_admin"), as_("township_manager")
    surveyor, second = as_("village_surveyor"), as_("village_surveyor_2")
    campaign = made.campaign(admin)["id"]
    empty = summary(admin, campaign)
    assert empty["ledger"]["found"] == 0
    assert all(one["ledger"]["found"] == 0 for one in empty["divisions"])
    assert "豫宁街道" in {one["name"] for one in empty["divisions"]}, "a township without anything yet is seen"
    made.home(surveyor)  # never surveyed
    one = made.submitted(surveyor, "no_light", "tank_cracked")
    made.submitted(surveyor)
    made.submitted(second, "blocked", village=made.OTHER_VILLAGE)
    ok(manager.post(f"{API}/problems", json={"division_code": made.TOWNSHIP, "problem_type": "rushing"}), 201)
    ok(manager.post(f"{API}/visits/{one['id']}/verify", json={"level": "township"}))
    dismissed = one["findings"][0]["problem_id"]
    ok(admin.post(f"{API}/problems/{dismissed}/dismiss", json={"reason": "误登"}))

    county = summary(admin, campaign)
    states = Counter(problem["state"] for problem in made.problems(admin))
    assert {state: county["ledger"][state] for state in ("open", "dismissed")} == dict(states)
    assert county["ledger"]["found"] == states.total() == 4
    assert county["toilet_problems"]["found"] == 3
    assert county["work_problems"]["found"] == 1
    assert sum(cause["found"] for cause in county["causes"]) == 4
    assert county["survey"] == {
        "households": 4,
        "households_surveyed": 3,
        "toilets": 4,
        "problem_toilets": 2,
        "visits_submitted": 2,
        "visits_township_verified": 1,
        "visits_county_verified": 0,
        "visits_returned": 0,
    }
    busy = [(one["division_code"], one["name"]) for one in county["divisions"] if one["ledger"]["found"]]
    assert busy == [(made.TOWNSHIP, "石渡乡")]
    assert county["plans"]["townships"] == len(county["divisions"]) > 2
    assert county["plans"]["approved"] == 0
    assert sum(one["problems"] for one in county["remaining"]) == 3
    assert county["acceptance"]["county_target_percent"] == 30

    township = summary(manager, campaign, division=made.TOWNSHIP)
    found = {one["division_code"]: one["ledger"]["found"] for one in township["divisions"]}
    assert {code: count for code, count in found.items() if count} == {
        made.TOWNSHIP: 1,
        made.VILLAGE: 2,
        made.OTHER_VILLAGE: 1,
    }
    # Everyone sees the figures of their own part only.
    assert summary(second, campaign)["ledger"]["found"] == 1
    assert summary(as_("province_client"), campaign)["ledger"] == county["ledger"]
    assert summary(as_("township_manager_2"), campaign)["ledger"]["found"] == 0
    foreign = second.get(f"{API}/campaigns/{campaign}/summary", params={"division": made.VILLAGE})
    assert foreign.status_code == 404


def test_overdue_is_a_fact_of_the_moment(as_: As) -> None:
    admin, surveyor = as_("county_admin"), as_("village_surveyor")
    campaign = made.campaign(admin)["id"]
    made.submitted(surveyor, "no_light", visited_at=made.earlier(days=20))
    made.submitted(surveyor, "no_door")
    assert summary(admin, campaign)["ledger"]["overdue"] == 1
    assert len(made.problems(admin, overdue="true")) == 1
