"""Live figures over HTTP: equal to what the records come to, before and after they are summed up."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from tests.registry import made as registry
from tests.reporting.statistics.counting import uncounted
from tests.scenes import scene
from tests.survey.made import API, OTHER_VILLAGE, TOWNSHIP, campaign, home, ok, step, submitted
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import now
from toilet_api.reporting.statistics.trend import trend

As = Callable[[str], TestClient]


def figures(client: TestClient, **params: object) -> dict:
    return ok(client.get(f"{API}/statistics", params=params))


def table(client: TestClient, subject: str, *group_by: str, **params: object) -> dict[tuple, int]:
    answer = ok(
        client.get(f"{API}/statistics/table", params={"subject": subject, "group_by": list(group_by), **params})
    )
    assert answer["total"] == sum(cell["count"] for cell in answer["cells"])
    return {tuple(cell["values"]): cell["count"] for cell in answer["cells"]}


@pytest.fixture
@scene
def survey(as_: As) -> None:
    """Five households in two villages, three surveyed, with two problems at one toilet and one at another."""
    admin, manager = as_("county_admin"), as_("township_manager")
    campaign(admin)
    surveyor, other = as_("village_surveyor"), as_("village_surveyor_2")
    first = submitted(surveyor, "tank_cracked", "no_light")
    submitted(surveyor)
    submitted(other, "tank_cracked", village=OTHER_VILLAGE)
    registry.household(surveyor, toilets=[], dwelling_state="demolished")
    home(surveyor, mode="open_pit", built_year=None, led_by="self")
    step(manager, first, "verify")


@pytest.mark.parametrize("folded", [False, True])
def test_figures_of_a_township(
    as_: As, survey: None, database: Database, drain_jobs: Callable[[], None], folded: bool
) -> None:
    if folded:
        drain_jobs()
        with database.transaction(EVERYWHERE) as session:
            assert session.connection().exec_driver_sql("select count(*) from statistic_delta").scalar_one() == 0
    assert uncounted(database) == []
    whole = figures(as_("township_manager"), children=True)
    assert whole["division_code"] == TOWNSHIP
    found = whole["figures"]
    assert found["registry"] == {
        "households": 5,
        "occupied": 4,
        "vacant": 0,
        "demolished": 1,
        "toilets": 4,
        "counted": 4,
        "sanitary": 3,
        "harmless": 3,
        "base": 4,
        "sanitary_coverage": 0.75,
        "harmless_coverage": 0.75,
    }
    assert found["survey"] == {
        "households": 5,
        "surveyed": 3,
        "township_verified": 1,
        "county_verified": 0,
        "returned": 0,
    }
    assert found["problems"] == {
        "found": 3,
        "open": 3,
        "in_work": 0,
        "rectified": 0,
        "accepted": 0,
        "closed": 0,
        "dismissed": 0,
        "overdue": 0,
        "reopened": 0,
    }
    assert found["toilet_problems"] == found["problems"]
    assert found["work_problems"]["found"] == 0
    assert found["problem_toilets"] == {"total": 2, "open": 2, "in_work": 0, "accepted": 0, "closed": 0}
    causes = {one["cause"]: (one["found"], one["problem_toilets"]) for one in found["by_cause"]}
    assert causes == {"product_quality": (2, 2), "small_defect": (1, 1)}
    assert {one["mode"]: one["toilets"] for one in found["by_mode"]} == {"three_compartment": 3, "open_pit": 1}
    assert {one["led_by"]: one["toilets"] for one in found["by_leader"]}["self"] == 1
    pace = {one["step"]: (one["records"], one["median_days"]) for one in found["pace"]}
    assert pace["submitted_to_township_verified"] == (1, 0.0)
    assert pace["found_to_closed"] == (0, None)
    below = {one["division_code"]: one["figures"] for one in whole["children"]}
    assert below["360423208202"]["problems"]["found"] == 2
    assert below[OTHER_VILLAGE]["problems"]["found"] == 1
    assert below[OTHER_VILLAGE]["registry"]["households"] == 1
    for one in ("county_admin", "city_inspector", "province_inspector"):
        assert figures(as_(one), division=TOWNSHIP)["figures"] == found
        assert figures(as_(one))["figures"] == found, one


@pytest.mark.parametrize("folded", [False, True])
def test_cross_tables(as_: As, survey: None, drain_jobs: Callable[[], None], folded: bool) -> None:
    if folded:
        drain_jobs()
    county, village = as_("county_admin"), as_("village_surveyor")
    assert table(county, "problems", "cause", "state") == {
        ("product_quality", "open"): 2,
        ("small_defect", "open"): 1,
    }
    assert table(county, "problems", "division", "cause") == {
        (TOWNSHIP, "product_quality"): 2,
        (TOWNSHIP, "small_defect"): 1,
    }
    assert table(village, "problems", "cause") == {("product_quality",): 1, ("small_defect",): 1}
    assert table(county, "toilets", "grade") == {("harmless",): 3, ("unsanitary",): 1}
    assert table(county, "toilets", "built_year", filter="mode:open_pit") == {(None,): 1}
    assert table(county, "toilets", "mode", filter="built_year:unknown") == {("open_pit",): 1}
    assert table(county, "toilets", "led_by", "grade", filter=["led_by:self", "counted:true"]) == {
        ("self", "unsanitary"): 1
    }
    assert table(county, "problem_toilets", "state") == {("open",): 2}
    assert table(county, "problem_toilets", "cause") == {("product_quality",): 2, ("small_defect",): 1}
    assert table(county, "surveyed_households", "level") == {("submitted",): 2, ("township_verified",): 1}
    assert table(county, "households") == {(): 5}
    assert table(county, "problems", filter="overdue:true") == {}
    assert table(county, "problems", filter="type:no_light") == {(): 1}
    assert table(county, "problem_toilets", "type") == {("no_light",): 1, ("tank_cracked",): 2}
    assert table(county, "problem_toilets", "state", filter="type:tank_cracked") == {("open",): 2}


def test_questions_that_a_table_can_not_answer(as_: As) -> None:
    county = as_("county_admin")
    for params, pointer in (
        ({"subject": "problems", "group_by": "mode"}, "/query/group_by/0"),
        ({"subject": "toilets", "filter": "mode"}, "/query/filter/0"),
        ({"subject": "toilets", "filter": "nonsense:1"}, "/query/filter/0"),
        ({"subject": "nonsense"}, "/query/subject"),
        ({"subject": "problem_toilets", "group_by": ["cause", "type"]}, "/query/group_by"),
        ({"subject": "problems", "group_by": ["cause", "state", "type"]}, "/query/group_by"),
        ({"subject": "problems", "filter": ["state:open", "overdue:maybe"]}, "/query/filter/1"),
        ({"subject": "problems", "filter": "type:no_such_type"}, "/query/filter/0"),
        ({"subject": "problems", "filter": "state:unknown"}, "/query/filter/0"),
        ({"subject": "toilets", "filter": "built_year:24"}, "/query/filter/0"),
        ({"subject": "toilets", "filter": "mode:none"}, "/query/filter/0"),
    ):
        answer = county.get(f"{API}/statistics/table", params=params)
        assert answer.status_code == 422, params
        assert [one["pointer"] for one in answer.json()["errors"]] == [pointer], params


def test_what_happened_day_by_day(as_: As, survey: None, database: Database) -> None:
    answer = ok(as_("county_admin").get(f"{API}/statistics/trend"))
    assert len(answer["days"]) == 91
    last = answer["days"][-1]
    assert (last["found"], last["visits_submitted"], last["township_verified"]) == (3, 3, 1)
    assert last["open_at_end"] == 3
    assert sum(day["open_at_end"] for day in answer["days"][:-1]) == 0
    with database.transaction(EVERYWHERE) as session:
        after = trend(
            session,
            ["360423"],
            answer["campaign_ids"],
            now().date().replace(year=2099),
            now().date().replace(year=2099),
        )
    assert after[0].open_at_end == 3
    bad = as_("county_admin").get(f"{API}/statistics/trend", params={"since": "2026-02-01", "until": "2026-01-01"})
    assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (422, "/query/since")


def test_a_foreign_division_reads_as_not_found(as_: As, survey: None) -> None:
    for path in ("statistics", "statistics/trend", "statistics/centres"):
        assert as_("township_manager_2").get(f"{API}/{path}", params={"division": TOWNSHIP}).status_code == 404
    assert figures(as_("township_manager_2"))["figures"]["registry"]["households"] == 0


def test_coverage_has_the_denominator_that_was_asked_for(as_: As, survey: None) -> None:
    bases = {
        name: figures(as_("county_admin"), denominator=name)["figures"]["registry"]["base"]
        for name in ("households", "lived_in", "with_toilet")
    }
    assert bases == {"households": 4, "lived_in": 4, "with_toilet": 4}
    assert as_("county_admin").get(f"{API}/statistics", params={"denominator": "x"}).status_code == 422
