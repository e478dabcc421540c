"""Reports when the tree changes, and what the change feed tells of them."""

from collections.abc import Callable
from datetime import time
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.reporting.reports.made import (
    FRIDAY,
    MONDAY,
    OTHER_TOWNSHIP,
    TOWNSHIP,
    at,
    begun,
    handed_in,
    it_is,
    pass_time,
    records,
    report,
    step,
    weekly,
)
from tests.survey import made as survey
from tests.survey.made import API, OTHER_VILLAGE, VILLAGE, ok
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.reporting.reports.clock import close_merged, open_due, run
from toilet_api.reporting.reports.rules import LINES, is_due_from, receiver, stands_alone

As = Callable[[str], TestClient]


def test_a_merge_of_villages_and_of_townships_leaves_what_was_drawn(as_: As, app: FastAPI, database: Database) -> None:
    admin, manager, surveyor = as_("county_admin"), as_("township_manager"), as_("village_surveyor")
    begun(admin, database, MONDAY)
    survey.submitted(surveyor, "tank_cracked")
    with it_is(app, at(FRIDAY)):
        one, other = weekly(manager), weekly(admin, OTHER_TOWNSHIP)
        step(admin, handed_in(manager, step(manager, one, "draw")), "receive")
        step(as_("township_manager_2"), other, "draw")
        ok(admin.post(f"{API}/divisions/{VILLAGE}/merge", json={"into": OTHER_VILLAGE, "reason": "并村"}))
        assert [found["place_code"] for found in records(manager, one, "problems.found")] == [VILLAGE]
        again = step(manager, one, "correct", reason="并村后重新取数")
        assert (
            again["current"]["figures"] == ok(manager.get(f"{API}/reports/{one['id']}/editions"))["items"][0]["figures"]
        )
        assert [found["place_code"] for found in records(manager, one, "problems.found")] == [OTHER_VILLAGE]
        ok(admin.post(f"{API}/divisions/{TOWNSHIP}/merge", json={"into": OTHER_TOWNSHIP, "reason": "撤乡并镇"}))
    moved = ok(admin.get(f"{API}/reports/{one['id']}"))
    assert moved["division_code"] == OTHER_TOWNSHIP
    assert len(records(as_("township_manager_2"), one, "problems.found")) == 1
    with database.transaction(EVERYWHERE) as session:
        open_due(session, at("2026-11-30T09:00"))
    with it_is(app, at("2026-12-04T16:00")):
        drawn = step(as_("township_manager_2"), weekly(admin, OTHER_TOWNSHIP, period="2026-W49"), "draw")
        assert drawn["current"]["figures"]["problems"]["found"] == 1
        # The county's summary of the week before still finds both by the place where they lie now.
        county = report(admin, kind="weekly", level="county", period="2026-W48")
        summary = step(admin, county, "draw")
        assert summary["current"]["figures"]["problems"]["found"] == 1


def test_a_township_that_is_merged_in_mid_week_is_reported_once(as_: As, app: FastAPI, database: Database) -> None:
    """Its report isn't due any more: the township that it went to reports for both, and nothing is counted twice."""
    admin, other = as_("county_admin"), as_("township_manager_2")
    begun(admin, database, MONDAY)
    survey.submitted(as_("village_surveyor"), "tank_cracked")
    ok(admin.post(f"{API}/divisions/{TOWNSHIP}/merge", json={"into": OTHER_TOWNSHIP, "reason": "撤乡并镇"}))
    pass_time(database, FRIDAY)
    with it_is(app, at("2026-11-27T18:00")):
        step(admin, handed_in(other, weekly(other, OTHER_TOWNSHIP)), "receive")
        summary = step(admin, report(admin, kind="weekly", level="county"), "draw")
    assert summary["current"]["figures"]["problems"]["found"] == 1
    gone = ok(admin.get(f"{API}/changes", params={"types": "report", "limit": 1000}))["items"]
    assert [one["op"] for one in gone if one["op"] == "removed"] == ["removed"]


def test_what_was_received_before_a_merge_and_drawn_again_after_it_counts_once(
    as_: As, app: FastAPI, database: Database
) -> None:
    admin, manager, other = as_("county_admin"), as_("township_manager"), as_("township_manager_2")
    begun(admin, database, MONDAY)
    survey.submitted(as_("village_surveyor"), "tank_cracked")
    with it_is(app, at("2026-11-27T16:00")):
        for one, by in ((weekly(manager), manager), (weekly(other, OTHER_TOWNSHIP), other)):
            step(admin, handed_in(by, step(by, one, "draw")), "receive")
        ok(admin.post(f"{API}/divisions/{TOWNSHIP}/merge", json={"into": OTHER_TOWNSHIP, "reason": "撤乡并镇"}))
        summary = step(admin, report(admin, kind="weekly", level="county"), "draw")
        assert summary["current"]["figures"]["problems"]["found"] == 1
        again = step(other, one, "correct", reason="撤乡并镇")
        assert again["current"]["figures"]["problems"]["found"] == 1
        step(admin, handed_in(other, again), "receive")
        summary = step(admin, summary, "draw", reason="撤乡并镇")
        assert (summary["current"]["figures"]["problems"]["found"], summary["stale"]) == (1, False)
        assert len(records(admin, summary, "problems.found")) == 1


@pytest.mark.parametrize("is_received_before", [False, True])
def test_a_county_that_is_merged_into_another_is_in_its_citys_report_once(
    as_: As, app: FastAPI, database: Database, is_received_before: bool
) -> None:
    """Merged before its report was drawn, the other one reports for both; afterwards what both report is one."""
    admin, manager, city = as_("county_admin"), as_("township_manager"), as_("city_inspector")
    begun(admin, database, MONDAY)
    survey.submitted(as_("village_surveyor"), "tank_cracked")
    with it_is(app, at("2026-11-27T16:00")):
        step(admin, handed_in(manager, step(manager, weekly(manager), "draw")), "receive")
    with it_is(app, at("2026-11-30T15:00")):
        if is_received_before:
            hand_in_half_month(admin, city, "360423")
        merge_counties(admin, database)
        opened(database, "2026-11-30T15:00")
        hand_in_half_month(admin, city, "360424")
        summary = step(city, report(city, kind="half_monthly", level="city"), "draw")
        assert summary["current"]["figures"]["problems"]["found"] == 1
        assert len(records(city, summary, "problems.found")) == 1
        parts = ok(city.get(f"{API}/reports/{summary['id']}/parts"))["items"]
        assert [(one["division_code"], one["missing"]) for one in parts] == [("360424", False)]
    # The week after nothing is received yet: the old report of the township that has another code stands in.
    with it_is(app, at("2026-12-04T16:00")):
        summary = step(
            admin, report(admin, kind="weekly", level="county", division="360424", period="2026-W49"), "draw"
        )
        assert summary["current"]["figures"]["problems"]["found"] == 1
        parts = ok(admin.get(f"{API}/reports/{summary['id']}/parts"))["items"]
        assert [(one["division_code"], one["period"]) for one in parts if one["outdated"]] == [
            ("360424208", "2026-W48")
        ]
        drawn = step(manager, weekly(manager, "360424208", period="2026-W49"), "draw")
        difference = ok(manager.get(f"{API}/reports/{drawn['id']}/difference"))
        assert (difference["before_period"], {one["difference"] for one in difference["items"]}) == ("2026-W48", {0})


def opened(database: Database, moment: str) -> None:
    """The clock has struck, but for drawing what is due."""
    with database.transaction(EVERYWHERE) as session:
        open_due(session, at(moment))
        close_merged(session)


def merge_counties(admin: TestClient, database: Database) -> None:
    """360423 goes up in 360424; whoever does that is of both."""
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(
            text(
                "insert into principal_grant (id, principal_id, role, division_code, granted_at)"
                " select gen_random_uuid(), id, 'county_admin', '360424', now() from principal"
                " where username = 'county_admin'"
            )
        )
    ok(admin.post(f"{API}/divisions/360423/merge", json={"into": "360424", "reason": "撤县并县"}))


def hand_in_half_month(admin: TestClient, city: TestClient, county: str, **params: Any) -> None:
    """The county's report of the half-month is drawn, and received by its city."""
    of_county = {"kind": "half_monthly", "level": "county", "division": county, "state": "opened", **params}
    step(city, handed_in(admin, step(admin, report(admin, **of_county), "draw")), "receive")


def test_a_county_that_goes_on_with_another_campaign_is_in_its_citys_report_once(
    as_: As, app: FastAPI, database: Database
) -> None:
    admin, manager, city = as_("county_admin"), as_("township_manager"), as_("city_inspector")
    first = begun(admin, database, MONDAY)
    survey.submitted(as_("village_surveyor"), "tank_cracked")
    with it_is(app, at("2026-11-27T16:00")):
        step(admin, handed_in(manager, step(manager, weekly(manager), "draw")), "receive")
    with it_is(app, at("2026-11-30T16:00")):
        hand_in_half_month(admin, city, "360423")
    opened(database, "2026-12-01T09:00")
    with it_is(app, at("2026-12-02T09:00")):
        ok(admin.post(f"{API}/campaigns/{first['id']}/close"))
        second = survey.campaign(admin, verification_levels=[], name="下一轮")
    opened(database, "2026-12-02T09:00")
    with it_is(app, at("2026-12-04T16:00")):
        drawn = step(manager, weekly(manager, period="2026-W49", campaign_id=second["id"]), "draw")
        step(admin, handed_in(manager, drawn), "receive")
    with it_is(app, at("2026-12-15T16:00")):
        hand_in_half_month(admin, city, "360423", period="2026-12-H1", campaign_id=first["id"])
        summary = step(city, report(city, kind="half_monthly", level="city", period="2026-12-H1"), "draw")
        assert summary["current"]["figures"]["registry"]["households"] == 1
        parts = ok(city.get(f"{API}/reports/{summary['id']}/parts"))["items"]
        assert sorted((one["period"], one["missing"]) for one in parts if one["period"]) == [("2026-12-H1", False)]
        assert summary["current"]["parts_missing"] == 1
        hand_in_half_month(admin, city, "360423", period="2026-12-H1", campaign_id=second["id"])
        assert report(city, kind="half_monthly", level="city", period="2026-12-H1")["stale"] is True
        summary = step(city, summary, "draw", reason="收到新行动的报表")
        assert summary["current"]["figures"]["registry"]["households"] == 1
        assert (summary["stale"], summary["current"]["parts"]) == (False, 1)


def test_the_feed_tells_of_reports(as_: As, database: Database) -> None:
    admin, manager = as_("county_admin"), as_("township_manager")
    begun(admin, database, MONDAY, "2026-11-26T18:00")
    one = weekly(manager)
    found = ok(manager.get(f"{API}/changes", params={"types": "report", "limit": 1000}))["items"]
    assert [(entry["id"], entry["op"]) for entry in found] == [(one["id"], "created"), (one["id"], "updated")]
    assert found[-1]["record"]["reminded_soon_at"] is not None


def test_who_reports_to_whom() -> None:
    assert [receiver("weekly", "360423208"), receiver("weekly", "360423")] == ["360423", None]
    assert [receiver("half_monthly", "360423"), receiver("half_monthly", "3604")] == ["3604", None]
    assert [receiver("monthly", "3604"), receiver("monthly", "36"), receiver("monthly", "429004")] == ["36", None, "42"]
    # 仙桃市 stands directly under its province, 朝阳区 under a municipality: there is no city to report to.
    assert [stands_alone(code) for code in ("429004", "110105", "360423")] == [True, True, False]
    monthly, half = ({line.level: line for line in LINES if line.kind == kind} for kind in ("monthly", "half_monthly"))
    assert [is_due_from(monthly["county"], code) for code in ("429004", "360423")] == [True, False]
    assert [is_due_from(half["county"], code) for code in ("429004", "360423")] == [False, True]
    assert [is_due_from(half["city"], code) for code in ("4290", "3604")] == [False, True]


def test_another_close_of_business(as_: As, app: FastAPI, database: Database) -> None:
    """A place that closes at five: reports are due then, and a roll-up of that hour takes those of that very day."""
    admin, manager = as_("county_admin"), as_("township_manager")
    begun(admin, database)
    run(database, at(MONDAY), time(17, 0))
    assert weekly(manager)["cutoff_at"] == "2026-11-27T17:00:00+08:00"
    with it_is(app, at("2026-11-27T16:00")):
        step(admin, handed_in(manager, step(manager, weekly(manager), "draw")), "receive")
        summary = step(admin, report(admin, kind="weekly", level="county"), "draw")
    parts = ok(admin.get(f"{API}/reports/{summary['id']}/parts"))["items"]
    assert [(one["period"], one["outdated"]) for one in parts if not one["missing"]] == [("2026-W48", False)]
