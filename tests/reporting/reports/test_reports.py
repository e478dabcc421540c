"""The life of reports: opened, drawn, signed, submitted, received or returned, corrected; by whom, and when."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.rectification import made as rectification
from tests.reporting.reports.made import (
    FRIDAY,
    MONDAY,
    OTHER_TOWNSHIP,
    at,
    begun,
    handed_in,
    it_is,
    pass_time,
    records,
    report,
    reports,
    step,
    weekly,
)
from tests.survey import made as survey
from tests.survey.made import API, ok, signature
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.reporting.reports.clock import tick
from toilet_api.reporting.reports.rules import receiver
from toilet_api.settings import Settings

As = Callable[[str], TestClient]


@pytest.fixture
def opened(as_: As, database: Database) -> dict[str, Any]:
    """The township's report of a week, opened on its Monday."""
    begun(as_("county_admin"), database, MONDAY)
    return weekly(as_("township_manager"))


def test_the_clock_opens_draws_and_reminds(as_: As, app: FastAPI, database: Database, opened: dict[str, Any]) -> None:
    admin, manager = as_("county_admin"), as_("township_manager")
    assert opened["state"] == "opened"
    assert (opened["period"], opened["reports_to"], opened["level"]) == ("2026-W48", "360423", "township")
    assert opened["cutoff_at"] == "2026-11-27T17:30:00+08:00"
    assert opened["current"] is None
    everything = reports(as_("province_inspector"))
    assert all(one["reports_to"] == receiver(one["kind"], one["division_code"]) for one in everything)
    shown = {(one["kind"], one["level"], one["division_code"]) for one in everything}
    assert {one for one in shown if len(one[2]) < 9} == {
        ("weekly", "county", "360423"),
        ("half_monthly", "county", "360423"),
        ("half_monthly", "city", "3604"),
        ("monthly", "city", "3604"),
        ("monthly", "province", "36"),
    }
    townships = ok(admin.get(f"{API}/divisions/360423/children", params={"limit": 1000}))["items"]
    assert {one[2] for one in shown if one[1] == "township"} == {one["code"] for one in townships}
    # The same again does nothing; a day before it is due it is reminded of, once; at the cut-off it is drawn.
    pass_time(database, MONDAY, "2026-11-26T17:29")
    assert weekly(manager)["version"] == opened["version"]
    pass_time(database, "2026-11-26T17:30", "2026-11-27T09:00", "2026-11-27T17:29")
    reminded = weekly(manager)
    assert (reminded["state"], reminded["reminded_late_at"]) == ("opened", None)
    assert reminded["reminded_soon_at"] == "2026-11-26T17:30:00+08:00"
    pass_time(database, FRIDAY, "2026-11-27T17:35", "2026-11-27T17:40")
    with it_is(app, at("2026-11-27T18:00")):
        drawn = weekly(manager)
        assert (drawn["state"], drawn["edition"], drawn["drawn_late"], drawn["missing"]) == ("drawn", 1, False, True)
        assert drawn["current"]["drawn_at"] == "2026-11-27T17:30:00+08:00"
        assert drawn["current"]["drawn_by_name"] == "system"
        assert drawn["allowed_actions"] == ["draw", "edit", "sign"]
        assert {one["division_code"] for one in reports(admin, missing=True, level="township", kind="weekly")} == {
            one["code"] for one in townships
        }
        assert reports(admin, missing=False, level="township") == []
    history = [one["action"] for one in ok(manager.get(f"{API}/reports/{opened['id']}/history"))["items"]]
    assert history == ["report.opened", "report.reminded", "report.drawn", "report.reminded"]
    # Saturday: the next week is opened.
    pass_time(database, "2026-11-28T00:00")
    assert [one["period"] for one in reports(manager, kind="weekly")] == ["2026-W49", "2026-W48"]


def test_a_township_hands_in_and_the_county_receives(
    as_: As, app: FastAPI, database: Database, opened: dict[str, Any]
) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    survey.submitted(as_("village_surveyor"), "tank_cracked")
    url = f"{API}/reports/{opened['id']}"
    with it_is(app, at("2026-11-26T10:00")):
        rectification.refused(manager.post(f"{url}/draw"), 409, "draw_too_early")
    with it_is(app, at("2026-11-27T16:00")):
        drawn = step(manager, opened, "draw")
        assert drawn["current"]["figures"]["problems"]["found"] == 1
        assert drawn["current"]["figures"]["pace"] == []
        rectification.refused(manager.post(f"{url}/draw", json={}), 422, "redraw_reason_needed")
        rectification.refused(manager.post(f"{url}/submit"), 409, "wrong_state")
        assert manager.patch(url, json={"next_steps": "继续整改"}).status_code == 428
        tag = {"If-Match": f'"{drawn["version"]}"'}
        told = {"difficulties": "资金未到位", "next_steps": "继续整改"}
        filled = ok(manager.patch(url, json=told, headers=tag))
        assert {name: filled["current"][name] for name in told} == told
        assert manager.patch(url, json=told, headers=tag).status_code == 412
        rectification.refused(manager.post(f"{url}/sign", json={}), 422, "invalid")
        photo = ok(survey.upload(manager), 201)["id"]
        assert manager.post(f"{url}/sign", json={"signature_ids": [photo]}).status_code == 422
        submitted = handed_in(manager, drawn)
        assert (submitted["state"], submitted["late"], submitted["missing"]) == ("submitted", False, False)
        assert submitted["current"]["signed_by_name"]
        assert submitted["allowed_actions"] == []
        rectification.refused(manager.patch(url, json=told, headers={"If-Match": "*"}), 409, "wrong_state")
        # Returned with a reason, drawn again with a reason, and handed in late: it was in time before.
        assert reviewer.post(f"{url}/return", json={}).status_code == 422
        returned = step(reviewer, submitted, "return", reason="逾期数与台账不符")
        assert returned["current"]["return_reason"] == "逾期数与台账不符"
    pass_time(database, "2026-11-27T17:30")
    with it_is(app, at("2026-11-30T09:00")):
        survey.submitted(as_("village_surveyor"), "no_light")
        again = step(manager, opened, "draw", reason="补登一户")
        assert (again["state"], again["edition"]) == ("drawn", 2)
        assert again["current"]["figures"]["problems"]["found"] == 2
        assert (again["current"]["kind"], again["current"]["difficulties"]) == ("redrawn", "资金未到位")
        assert handed_in(manager, again)["late"] is False
        received = step(reviewer, again, "receive")
        assert (received["state"], received["received_edition"], received["missing"]) == ("received", 2, False)
        first, second = ok(manager.get(f"{url}/editions"))["items"]
        assert (first["figures"]["problems"]["found"], second["figures"]["problems"]["found"]) == (1, 2)
        assert len(records(manager, opened, "problems.found", edition=1)) == 1
        rectification.refused(reviewer.post(f"{url}/return", json={"reason": "x"}), 409, "wrong_state")


def test_late_is_late_and_each_step_is_its_own_levels(
    as_: As, app: FastAPI, database: Database, opened: dict[str, Any]
) -> None:
    admin, manager = as_("county_admin"), as_("township_manager")
    url = f"{API}/reports/{opened['id']}"
    pass_time(database, FRIDAY)
    with it_is(app, at("2026-11-28T09:00")):
        signed = {"signature_ids": [signature(manager)]}
        rectification.refused(admin.post(f"{url}/sign", json=signed), 403, "not_own_report")
        assert as_("village_surveyor").post(f"{url}/sign", json=signed).status_code == 403
        assert as_("auditor").post(f"{url}/sign", json=signed).status_code == 403
        assert as_("township_manager_2").post(f"{url}/sign", json=signed).status_code == 404
        assert as_("township_manager_2").get(url).status_code == 404
        assert as_("village_surveyor").get(url).status_code == 404
        assert manager.post(f"{url}/receive").status_code == 403
        late = handed_in(manager, opened)
        assert late["late"] is True
        assert [one["id"] for one in reports(admin, late=True)] == [opened["id"]]
        rectification.refused(as_("city_inspector").post(f"{url}/receive"), 403, "not_report_receiver")
        assert admin.post(f"{url}/receive", headers={"If-Match": '"1"'}).status_code == 412
        step(admin, late, "receive")
        rectification.refused(admin.post(f"{url}/receive"), 409, "wrong_state")


def test_a_correction_keeps_what_was_received_and_makes_the_rollup_stale(
    as_: As, app: FastAPI, database: Database, opened: dict[str, Any]
) -> None:
    admin, manager, surveyor = as_("county_admin"), as_("township_manager"), as_("village_surveyor")
    survey.submitted(surveyor, "tank_cracked")
    with it_is(app, at("2026-11-27T16:00")):
        step(admin, handed_in(manager, step(manager, opened, "draw")), "receive")
    pass_time(database, FRIDAY)
    of_county = {"kind": "weekly", "level": "county", "period": "2026-W48"}
    assert report(admin, **of_county)["state"] == "opened"
    pass_time(database, "2026-11-30T17:30")  # at the latest: the others have had a day's work to be received
    county = report(admin, **of_county)
    assert (county["state"], county["drawn_late"]) == ("drawn", False)
    assert (county["reports_to"], county["current"]["figures"]["problems"]["found"]) == (None, 1)
    parts = ok(admin.get(f"{API}/reports/{county['id']}/parts"))["items"]
    used = [one for one in parts if not one["missing"]]
    assert [(one["division_code"], one["edition"], one["report_id"]) for one in used] == [
        ("360423208", 1, opened["id"])
    ]
    assert used[0]["figures"]["problems"]["found"] == 1
    assert county["current"]["parts_missing"] == len(parts) - 1 > 0
    with it_is(app, at("2026-11-30T18:00")):
        survey.submitted(surveyor, "no_light", "no_door")
        url = f"{API}/reports/{opened['id']}"
        assert manager.post(f"{url}/correct", json={}).status_code == 422
        corrected = step(manager, opened, "correct", reason="漏登一户")
        assert (corrected["state"], corrected["edition"], corrected["corrected"]) == ("drawn", 2, True)
        assert corrected["received_edition"] == 1
        assert report(admin, **of_county)["stale"] is False  # what was received still holds
        step(admin, handed_in(manager, corrected), "receive")
        assert [one["id"] for one in reports(admin, stale=True)] == [county["id"]]
        assert [one["id"] for one in reports(admin, corrected=True)] == [opened["id"]]
        redrawn = step(admin, county, "draw", reason="清江乡更正")
        assert (redrawn["stale"], redrawn["current"]["figures"]["problems"]["found"]) == (False, 3)
        kept = ok(admin.get(f"{API}/reports/{county['id']}/editions"))["items"]
        assert [one["figures"]["problems"]["found"] for one in kept] == [1, 3]
        assert len(records(admin, county, "problems.found", edition=1)) == 1
        assert len(records(admin, county, "problems.found")) == 3
        # Its own summary is signed and goes to nobody.
        step(admin, county, "sign", signature_ids=[signature(admin, "360423")])
        rectification.refused(admin.post(f"{API}/reports/{county['id']}/submit"), 409, "report_without_receiver")


def test_the_clock_draws_a_roll_up_once_all_are_received(
    as_: As, app: FastAPI, database: Database, opened: dict[str, Any]
) -> None:
    """A county's first summary holds what its townships drew at the very same cut-off: it waits until it has them."""
    admin, manager, city = as_("county_admin"), as_("township_manager"), as_("city_inspector")
    others = f"length(reported_for) = 9 and id <> '{opened['id']}'"
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(text(f"update report set removed_at = now(), removed_reason = 'x' where {others}"))
        session.connection().execute(
            text("update division set valid_to = '2026-11-01' where parent_code = '360423' and code <> '360423208'")
        )
    survey.submitted(as_("village_surveyor"), "tank_cracked")
    pass_time(database, FRIDAY)
    with it_is(app, at("2026-11-27T18:00")):
        late = handed_in(manager, weekly(manager))
        pass_time(database, "2026-11-27T18:05")
        assert report(admin, kind="weekly", level="county")["state"] == "opened"
        step(admin, late, "receive")
    pass_time(database, "2026-11-27T18:10")
    county = report(admin, kind="weekly", level="county")
    assert (county["state"], county["current"]["figures"]["problems"]["found"]) == ("drawn", 1)
    (part,) = ok(admin.get(f"{API}/reports/{county['id']}/parts"))["items"]
    assert (part["late"], part["missing"]) == (True, False)
    # One working day for each level that receives: the province has its city's on the third at the latest.
    pass_time(database, "2026-11-30T17:30")
    assert report(admin, kind="half_monthly", level="county")["state"] == "drawn"
    assert [one["state"] for one in reports(city, level="city")] == ["opened"] * 2
    pass_time(database, "2026-12-02T17:30")
    assert {one["state"] for one in reports(city, level="city") if one["period"].startswith("2026-11")} == {"drawn"}
    province = as_("province_inspector")
    assert report(province, level="province", period="2026-11")["state"] == "opened"
    pass_time(database, "2026-12-03T17:30")
    assert report(province, level="province", period="2026-11")["state"] == "drawn"


def test_half_months_and_months_are_rolled_up_to_city_and_province(as_: As, app: FastAPI, database: Database) -> None:
    admin, manager, city, province = (
        as_(name) for name in ("county_admin", "township_manager", "city_inspector", "province_inspector")
    )
    begun(admin, database, MONDAY)
    survey.submitted(as_("village_surveyor"), "tank_cracked")
    with it_is(app, at("2026-11-27T16:00")):
        step(admin, handed_in(manager, step(manager, weekly(manager), "draw")), "receive")
    pass_time(database, FRIDAY)
    with it_is(app, at("2026-11-30T15:00")):
        county = report(admin, kind="half_monthly", level="county")
        assert (county["period"], county["reports_to"]) == ("2026-11-H2", "3604")
        drawn = step(admin, county, "draw")
        assert drawn["current"]["figures"]["problems"]["found"] == 1
        step(city, handed_in(admin, drawn), "receive")
        summary = step(city, report(city, kind="half_monthly", level="city"), "draw")
        assert summary["current"]["figures"]["problems"]["found"] == 1
        monthly = step(city, report(city, kind="monthly", level="city"), "draw")
        assert (monthly["reports_to"], monthly["campaign_id"]) == ("36", None)
        step(city, monthly, "sign")
        step(city, monthly, "submit")
        step(province, monthly, "receive")
    pass_time(database, "2026-11-30T17:30")
    whole = report(province, kind="monthly", level="province")
    assert whole["state"] == "drawn"
    assert whole["current"]["figures"]["problems"]["found"] == 1
    assert (whole["current"]["parts"], whole["current"]["parts_missing"]) == (1, 0)
    (found,) = records(province, whole, "problems.found")
    assert found["place_code"].startswith("360423208")
    assert city.get(f"{API}/reports/{whole['id']}").status_code == 404
    assert records(province, whole, "problems.found", place=OTHER_TOWNSHIP) == []


def test_after_the_worker_was_down_it_catches_up_and_says_so(
    as_: As, database: Database, opened: dict[str, Any]
) -> None:
    manager = as_("township_manager")
    pass_time(database, "2026-12-14T08:00")
    found = {one["period"]: one for one in reports(manager, kind="weekly")}
    assert list(found) == ["2026-W51", "2026-W50", "2026-W49", "2026-W48"]
    assert [found[one]["state"] for one in found] == ["opened", "drawn", "drawn", "drawn"]
    assert {one["drawn_late"] for one in found.values() if one["state"] == "drawn"} == {True}
    assert found["2026-W48"]["drawn_at"] == "2026-12-14T08:00:00+08:00"
    assert found["2026-W48"]["reminded_soon_at"] is None  # it was late already
    assert found["2026-W48"]["reminded_late_at"] is not None


def test_what_was_drawn_can_not_be_changed(as_: As, database: Database, opened: dict[str, Any]) -> None:
    survey.submitted(as_("village_surveyor"), "tank_cracked")
    pass_time(database, FRIDAY, "2026-11-30T17:30")
    for statement in (
        "update report_edition set figures = '{}'",
        "update report_edition set drawn_at = now()",
        "update report_part set outdated = true",
        "update reported_record set state = 'closed'",
    ):
        with pytest.raises(IntegrityError, match="never changed"), database.transaction(EVERYWHERE) as session:
            session.connection().execute(text(statement))
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(text("update reported_record set draw_to = 2"))
    with pytest.raises(IntegrityError, match="never changed"), database.transaction(EVERYWHERE) as session:
        session.connection().execute(text("update reported_record set draw_to = 3"))


@pytest.mark.parametrize("by_clock", [True, False])
def test_the_task_itself(as_: As, app: FastAPI, database: Database, settings: Settings, by_clock: bool) -> None:
    survey.campaign(as_("county_admin"))
    chosen = settings.model_copy(update={"reports_by_clock": by_clock})
    tick(jobs.Context(database, app.state.vault, app.state.objects, chosen))
    found = reports(as_("township_manager"))
    assert [one["kind"] for one in found] == ["weekly"] * by_clock


def test_what_is_being_drawn_by_hand_is_left_to_it(as_: As, database: Database, opened: dict[str, Any]) -> None:
    """The clock doesn't wait for whoever holds a report; what is drawn meanwhile it leaves as it is."""
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(
            text("select 1 from report where id = :id for no key update"), {"id": opened["id"]}
        )
        pass_time(database, FRIDAY)
    assert weekly(as_("township_manager"))["state"] == "opened"
    pass_time(database, "2026-11-27T17:35")
    assert weekly(as_("township_manager"))["state"] == "drawn"


def test_the_calendar(as_: As) -> None:
    surveyor = as_("village_surveyor")
    found = ok(surveyor.get(f"{API}/report-periods", params={"kind": "weekly", "year": 2026}))["items"]
    assert len(found) == 52
    national_day = next(one for one in found if one["period"] == "2026-W40")
    assert national_day == {
        "kind": "weekly",
        "period": "2026-W40",
        "start": "2026-09-26",
        "end": "2026-10-02",
        "cutoff_at": "2026-09-30T17:30:00+08:00",
        "moved": "earlier",
        "announced": True,
    }
    assert surveyor.get(f"{API}/report-periods", params={"kind": "yearly", "year": 2026}).status_code == 422
