"""Figures and their lists: equal to the live statistics at the draw, to each other for good, and so are differences.

REPORT_WALKS: rounds of random writes with a draw after each (default 1, broad 4).
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import Session, func, select

from tests.breadth import tries
from tests.conftest import plain
from tests.oversight.made import close
from tests.rectification import made as rectification
from tests.registry import made as registry
from tests.reporting.reports.made import FRIDAY, MONDAY, at, begun, handed_in, it_is, records, report, step, weekly
from tests.reporting.statistics.writing import Writer
from tests.survey import made as survey
from tests.survey.made import API, OTHER_VILLAGE, TOWNSHIP, VILLAGE, ok
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.errors import Problem
from toilet_api.reporting.figures import Figures
from toilet_api.reporting.reports import counting, snapshot
from toilet_api.reporting.reports.clock import open_due
from toilet_api.reporting.reports.differences import changed_select
from toilet_api.reporting.reports.records import record_select
from toilet_api.reporting.reports.summing import flat, title, total
from toilet_api.reporting.reports.tables import Report, ReportEdition, ReportedRecord
from toilet_api.reporting.statistics.reading import figures as live

As = Callable[[str], TestClient]
WALKS = tries("REPORT_WALKS", 1, 4)


def without_pace(figures: Figures, *left_out: str) -> dict[str, Any]:
    """The figures that a report has."""
    return {name: n for name, n in flat(figures).items() if name.rpartition(".")[2] not in left_out and "." in name}


def counted(session: Session, statement: Any) -> int:
    """The rows of a list."""
    number: int = session.execute(select(func.count()).select_from(statement.subquery())).scalar_one()
    return number


def test_any_writes_leave_every_draw_as_it_was(as_: As, database: Database, database_url: str) -> None:
    """After random writes each draw equals the live figures; after more of them its lists still have as many rows."""
    shown = begun(as_("county_admin"), database, MONDAY)
    survey.campaign(as_("county_admin"), is_open=False, name="又一行动")
    campaign, moment = UUID(shown["id"]), at(FRIDAY)
    editions: list[tuple[ReportEdition, Figures]] = []
    with psycopg.connect(plain(database_url)) as connection:
        connection.execute("select set_config('search_path', 'toilet', false)")
        connection.execute("select set_config('toilet.scope', '{\"\"}', false)")
        connection.commit()
        writer = Writer(connection, 7, database)
        for number in range(WALKS):
            writer.write(40)
            with database.transaction(EVERYWHERE) as session:
                day = (moment + timedelta(weeks=number)).date()
                chain, draw = snapshot.take(session, campaign, TOWNSHIP)
                found = counting.count(session, chain, draw, day)
                now = live(session, [TOWNSHIP], [campaign], day)[TOWNSHIP]
                # The writer makes tasks that no route would: accepted problems with work that waits to be accepted.
                assert without_pace(found, "rectified") == without_pace(now, "rectified")
                assert [one.model_dump() for one in found.by_mode] == [one.model_dump() for one in now.by_mode]
                assert [one.built_year for one in found.by_year] == [one.built_year for one in now.by_year]
                editions.append((_edition(session, chain, draw, number, found, day), found))
    with database.transaction(EVERYWHERE) as session:
        (first, was), (last, is_) = editions[0], editions[-1]
        paths = [path for path in flat(was) if not path.endswith("_coverage")]
        for path in paths:
            assert counted(session, record_select(first, path)) == flat(was)[path], path
        for path in paths[::5]:
            joined, left = (counted(session, changed_select(first, last, path, one)) for one in ("joined", "left"))
            assert joined - left == (flat(is_).get(path) or 0) - (flat(was)[path] or 0), path
        rows = session.exec(select(func.count()).select_from(ReportedRecord)).one()
        whole = sum(flat(one)["registry.households"] or 0 for _, one in editions)
        assert 0 < rows < 3 * whole  # a draw writes what has changed, not everything again
    assert writer.done["moved"]


def _edition(session: Session, chain: UUID, draw: int, number: int, found: Figures, day: Any) -> ReportEdition:
    """An edition of some report, whichever is free, with this draw."""
    free = session.exec(select(Report).where(func.length(Report.reported_for) == 9).offset(number).limit(1)).one()
    made = ReportEdition(
        division_code=TOWNSHIP,
        report_id=free.id,
        edition=1,
        figures=found.model_dump(mode="json"),
        drawn_at=at("2026-11-27T17:30"),
        drawn_on=day,
        drawn_by_name="system",
        chain_id=chain,
        draw=draw,
    )
    session.add(made)
    session.flush()
    return made


def test_a_report_of_the_past_still_shows_its_records(as_: As, app: FastAPI, database: Database) -> None:
    admin, manager, surveyor = as_("county_admin"), as_("township_manager"), as_("village_surveyor")
    begun(admin, database, MONDAY)
    found = survey.submitted(surveyor, "tank_cracked", "no_light")
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(text("update problem set deadline = '2026-12-03' where cause = 'small_defect'"))
    ids = close(database, 2)
    registry.household(surveyor, toilets=[], dwelling_state="demolished")
    with it_is(app, at("2026-11-27T16:00")):
        was = step(manager, weekly(manager), "draw")
    with database.transaction(EVERYWHERE) as session:
        now = live(session, [TOWNSHIP], [UUID(was["campaign_id"])], at(FRIDAY).date())[TOWNSHIP]
    assert without_pace(Figures.model_validate(was["current"]["figures"])) == without_pace(now)
    assert {one["id"] for one in records(manager, was, "problems.closed")} == set(ids)
    # Everything goes on: a problem is dismissed, a household removed, another found, a deadline passes.
    problem = found["findings"][0]["problem_id"]
    ok(admin.post(f"{API}/problems/{problem}/dismiss", json={"reason": "误登"}))
    survey.submitted(as_("village_surveyor_2"), "tank_cracked", village=OTHER_VILLAGE)
    empty = survey.home(surveyor)
    ok(admin.post(f"{API}/households/{empty['id']}/remove", json={"reason": "重复登记"}))
    with database.transaction(EVERYWHERE) as session:
        open_due(session, at("2026-11-30T09:00"))
    with it_is(app, at("2026-12-04T16:00")):
        later = step(manager, weekly(manager, period="2026-W49"), "draw")
    (shown,) = [one for one in records(manager, was, "problems.open") if one["id"] == problem]
    assert (shown["state"], shown["cause"], shown["problem_type"]) == ("open", "product_quality", "tank_cracked")
    assert (shown["place_code"], shown["household_id"], shown["deadline"]) == (
        VILLAGE,
        found["household_id"],
        "2037-12-31",
    )
    assert shown["head_masked"].endswith("*")
    assert len(records(manager, later, "problems.open")) == was["current"]["figures"]["problems"]["open"]
    # Due on Thursday the 3rd: overdue in the second week, not yet in the first.
    assert records(manager, was, "problems.overdue") == []
    assert [one["problem_type"] for one in records(manager, later, "problems.overdue")] == ["no_light"]
    url = f"{API}/reports/{later['id']}/difference"
    compared = ok(manager.get(url))
    assert compared == ok(manager.get(url, params={"to": was["id"]}))
    by_figure = {one["figure"]: one for one in compared["items"]}
    assert (compared["before_period"], compared["period"]) == ("2026-W48", "2026-W49")
    assert by_figure["problems.dismissed"] == {
        "figure": "problems.dismissed",
        "title": "全部问题·已撤销",
        "before": 0,
        "now": 1,
        "difference": 1,
    }
    assert by_figure["problems.open"]["difference"] == 0
    changed = ok(manager.get(f"{url}/records", params={"figure": "problems.open"}))["items"]
    assert {(one["id"] == problem, one["change"]) for one in changed} == {(True, "left"), (False, "joined")}
    only = {"figure": "problems.open", "change": "joined"}
    assert [one["place_code"] for one in ok(manager.get(f"{url}/records", params=only))["items"]] == [OTHER_VILLAGE]
    assert ok(manager.get(f"{url}/records", params={**only, "place": VILLAGE}))["items"] == []
    first = manager.get(f"{API}/reports/{was['id']}/difference")
    rectification.refused(first, 409, "no_earlier_report")
    foreign = as_("township_manager_2").get(f"{API}/reports/{was['id']}/records", params={"figure": "problems.open"})
    assert foreign.status_code == 404


def test_two_editions_are_compared_and_rollups_drill_down(as_: As, app: FastAPI, database: Database) -> None:
    admin, manager, surveyor = as_("county_admin"), as_("township_manager"), as_("village_surveyor")
    begun(admin, database, MONDAY)
    survey.submitted(surveyor, "tank_cracked")
    with it_is(app, at("2026-11-27T16:00")):
        one = weekly(manager)
        step(admin, handed_in(manager, step(manager, one, "draw")), "receive")
        county = step(admin, report(admin, kind="weekly", level="county"), "draw")
        survey.submitted(surveyor, "no_light")
        step(admin, handed_in(manager, step(manager, one, "correct", reason="漏登")), "receive")
        step(admin, county, "draw", reason="更正")
    for shown in (one, county):
        url = f"{API}/reports/{shown['id']}/difference"
        compared = {row["figure"]: row for row in ok(admin.get(url, params={"to_edition": 1}))["items"]}
        assert compared["problems.found"]["difference"] == 1
        assert compared["by_cause.small_defect.found"]["before"] == 0
        params = {"to_edition": 1, "figure": "problem_toilets.total"}
        (row,) = ok(admin.get(f"{url}/records", params=params))["items"]
        assert (row["change"], row["record_type"], row["causes"]) == ("joined", "problem_toilet", ["small_defect"])


@pytest.mark.parametrize(
    "path",
    [
        *("problems.nothing", "registry.harmless_coverage", "by_cause.nothing.open", "by_year.abcd.toilets"),
        *("by_year.²⁰²⁴.toilets", "by_mode.double_urn", "by_mode.double_urn.open", "pace", ""),
    ],
)
def test_an_unknown_figure_is_refused(path: str) -> None:
    with pytest.raises(Problem) as refusal:
        counting.figure(path)
    assert [one.code for one in refusal.value.errors] == ["unknown_figure"]


def test_records_before_the_draw_are_refused(as_: As, app: FastAPI, database: Database) -> None:
    begun(as_("county_admin"), database, MONDAY)
    manager = as_("township_manager")
    one = weekly(manager)
    url = f"{API}/reports/{one['id']}"
    for path in ("records?figure=problems.open", "difference", "parts"):
        rectification.refused(manager.get(f"{url}/{path}"), 409, "report_not_drawn")
    with it_is(app, at(FRIDAY)):
        step(manager, one, "draw")
    rectification.refused(manager.get(f"{url}/records?figure=problems.nothing"), 422, "invalid")
    assert manager.get(f"{url}/records?figure=problems.open&edition=7").status_code == 404
    assert ok(manager.get(f"{url}/parts"))["items"] == []


def test_sums_of_nothing_and_of_halves_are_whole() -> None:
    nothing = total([])
    assert flat(nothing)["problems.found"] == 0
    assert nothing.registry.harmless_coverage is None
    assert total([nothing, nothing]) == nothing
    assert title("by_year.unknown.toilets") == "按改厕年份·不详·户厕数"
    assert title("by_mode.double_urn.counted") == "按改厕模式·双瓮漏斗式·计入统计数（一宅一厕）"
