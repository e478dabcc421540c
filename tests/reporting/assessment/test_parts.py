"""Each part of an assessment is the number of the records that are listed behind it, and counts what it says."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from tests.oversight import made as closed
from tests.oversight.made import refusal
from tests.reporting.assessment import made
from tests.reporting.assessment.made import COUNTY, FIRST, SECOND, SECOND_VILLAGE, part, unit
from tests.scenes import scene
from tests.survey.made import API, ok
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import now
from toilet_api.rectification.tables import Acceptance, AcceptanceProblem, Task
from toilet_api.reporting.assessment.codes import PARTS
from toilet_api.reporting.assessment.measures import MEASURES, SATISFIED, Asked, totals
from toilet_api.reporting.assessment.measuring import facts_of
from toilet_api.reporting.reports.tables import Report
from toilet_api.survey.tables import LedgerProblem, Visit

As = Callable[[str], TestClient]


@pytest.fixture
def county(as_: As) -> TestClient:
    return as_("county_admin")


def report(campaign: str, township: str, week: int, submitted: datetime | None, cutoff: datetime) -> Report:
    """A weekly report of a township."""
    day = cutoff.date()
    return Report(
        division_code=township,
        reported_for=township,
        campaign_id=UUID(campaign),
        kind="weekly",
        period=f"2026-W{week:02}",
        period_start=day - timedelta(days=6),
        period_end=day,
        cutoff_at=cutoff,
        state="submitted" if submitted else "drawn",
        edition=1,
        first_drawn_at=cutoff - timedelta(days=1),
        drawn_at=cutoff - timedelta(days=1),
        first_submitted_at=submitted,
    )


@pytest.fixture
@scene
def worked(database: Database, county: TestClient, as_: As) -> str:
    """A campaign in which each part has something to count: 10 problems in one township, 6 in the other."""
    first = closed.close(database, 10)
    second = closed.close(database, 6, village=SECOND_VILLAGE)
    campaign = str(ok(county.get(f"{API}/campaigns"))["items"][0]["id"])
    today = now()
    made.date(database, first[:4], today.date())  # closed yesterday: in time
    made.date(database, first[4:5], today.date() - timedelta(days=9))  # too late
    made.reopen(database, second[:2])
    with database.transaction(EVERYWHERE) as session:
        tasks = session.exec(select(Task).where(col(Task.problem_id).in_(second)).order_by(col(Task.id))).all()
        tasks[0].redos = 1
        tasks[1].redos, tasks[1].accepted_at, tasks[1].state = 2, None, "in_work"
        tasks[2].accepted_at, tasks[2].state, tasks[2].submitted_at = None, "pending", None  # not checked yet
        kept = select(Acceptance).where(col(Acceptance.division_code).startswith(FIRST)).order_by(col(Acceptance.id))
        for place, acceptance in enumerate(session.exec(kept).all()[:3]):
            acceptance.results = [{"code": SATISFIED, "passed": place > 0, "value": None, "note": None}]
        visit = session.exec(select(Visit).where(col(Visit.division_code) == SECOND_VILLAGE)).first()
        assert visit is not None
        visit.state, visit.returned_at, visit.return_reason = "returned", today, "照片不清"
        over, ahead = today - timedelta(days=3), today + timedelta(days=3)
        session.add(report(campaign, FIRST, 40, over, over))
        session.add(report(campaign, FIRST, 41, over + timedelta(seconds=1), over))
        session.add(report(campaign, SECOND, 40, None, over))
        session.add(report(campaign, SECOND, 41, None, ahead))  # not due yet
    frame = {"closed_from": (today - timedelta(days=60)).date().isoformat(), "division": FIRST}
    sample = closed.drawn(
        as_("county_reviewer"), division_code=COUNTY, frame=frame, size={"kind": "number", "number": 3}
    )
    units = closed.units(as_("county_reviewer"), sample)
    accused = {"statement": "现场无化粪池", "against": [{"signed_as": "surveyor"}]}
    for one, result in zip(
        units,
        (closed.upheld(), closed.failed(falsification=accused), {"result": "not_checkable", "note": "外出"}),
        strict=True,
    ):
        assert closed.check(as_("county_reviewer"), one, result).status_code == 200
    return campaign


EXPECTED = {
    "completeness": {FIRST: (10, 10), SECOND: (5, 6)},
    "reports_on_time": {FIRST: (1, 2), SECOND: (0, 1)},
    "close_out": {FIRST: (9, 10), SECOND: (4, 6)},  # a failed check has reopened one
    "first_pass": {FIRST: (10, 10), SECOND: (3, 5)},
    "review": {FIRST: (1, 2)},
    "satisfaction": {FIRST: (2, 3)},
}


def test_every_part_counts_what_is_listed_behind_it(as_: As, county: TestClient, worked: str) -> None:
    seen = ok(county.get(f"{API}/assessments/preview", params={"division": COUNTY, "campaign_id": worked}))
    for name, places in EXPECTED.items():
        for code in (FIRST, SECOND):
            shown = part(seen, code, name)
            assert (shown["numerator"], shown["denominator"]) == places.get(code, (0, 0)), (name, code)
    late = part(seen, FIRST, "deadlines_met")
    assert late["denominator"] in (4, 5)  # the reopened one may be of these; overdue ones stay in
    assert (part(seen, SECOND, "deadlines_met")["numerator"], part(seen, SECOND, "deadlines_met")["denominator"]) == (
        0,
        2,
    )
    assert part(seen, FIRST, "falsification")["numerator"] == 1
    assert (unit(seen, SECOND)["problems"], unit(seen, SECOND)["overdue"]) == (6, 2)
    for code in (FIRST, SECOND):
        for shown in unit(seen, code)["parts"]:
            listed = ok(county.get(f"{shown['records']}&limit=1000"))["items"]
            assert sum(one["counted"] for one in listed) == shown["numerator"], shown["part"]
            if shown["denominator"] is not None:
                assert len(listed) == shown["denominator"], shown["part"]
            for one in listed[:1] if shown["part"] != "satisfaction" else ():  # made acceptances are no whole ones
                assert county.get(one["href"]).status_code == 200, one["href"]
    only = ok(county.get(f"{API}/assessments/records", params={"part": "close_out", "counted": False}))["items"]
    assert {one["counted"] for one in only} == {False}
    assert len(only) == 3


def test_what_a_household_says_at_a_check_goes_before_what_it_said_at_the_acceptance(
    as_: As, county: TestClient, database: Database
) -> None:
    reviewer = as_("county_reviewer")
    problems = closed.close(database, 5)
    campaign = str(ok(county.get(f"{API}/campaigns"))["items"][0]["id"])
    said = dict(zip(problems, (True, False, None, True, None), strict=True))
    with database.transaction(EVERYWHERE) as session:
        lines = select(Acceptance, AcceptanceProblem.problem_id).join(
            AcceptanceProblem, col(AcceptanceProblem.acceptance_id) == col(Acceptance.id)
        )
        for acceptance, problem_id in session.exec(lines).all():
            passed = said[str(problem_id)]
            acceptance.results = [] if passed is None else [{"code": SATISFIED, "passed": passed}]
    again = dict(zip(problems, ("unsatisfied", "satisfied", "basically_satisfied", None, None), strict=True))
    sample = closed.drawn(reviewer, division_code=COUNTY, size={"kind": "number", "number": 5})
    for one in closed.units(reviewer, sample):
        answer = again[one["problem_id"]]
        shown = ok(closed.check(reviewer, one, closed.upheld(household_satisfaction=answer)))
        assert shown["household_satisfaction"] == answer
    seen = ok(county.get(f"{API}/assessments/preview", params={"division": COUNTY, "campaign_id": campaign}))
    shown = part(seen, FIRST, "satisfaction")
    assert (shown["numerator"], shown["denominator"]) == (3, 4)
    refused = closed.check(
        reviewer, one, {**closed.upheld(household_satisfaction="so_so"), "recheck": True, "reason": "x"}
    )
    assert refused.json()["errors"][0]["pointer"] == "/household_satisfaction"


def test_an_assessment_keeps_the_records_that_it_counted(
    as_: As, county: TestClient, database: Database, worked: str
) -> None:
    """What is listed behind it later is what it counted, whatever has become of the records since."""
    seen = ok(county.get(f"{API}/assessments/preview", params={"division": COUNTY, "campaign_id": worked}))
    made.published_formula(county, worked)
    drawn = made.published(county, worked)
    strip = lambda lines: [{**one, "parts": [{**part, "records": ""} for part in one["parts"]]} for one in lines]  # noqa: E731
    as_drawn = [{**one, "listed_since": None, "reasons": []} for one in strip(drawn["units"])]
    assert as_drawn == [{**one, "listed_since": None, "reasons": []} for one in strip(seen["units"])]
    before = {
        (code, shown["part"]): ok(county.get(f"{shown['records']}&limit=1000"))["items"]
        for code in (FIRST, SECOND)
        for shown in unit(drawn, code)["parts"]
    }
    for (code, name), listed in before.items():
        shown = part(drawn, code, name)
        assert sum(one["counted"] for one in listed) == shown["numerator"], name
        assert shown["denominator"] in (None, len(listed)), name
        today = ok(county.get(f"{part(seen, code, name)['records']}&limit=1000"))["items"]
        assert listed == today, name
    with database.transaction(EVERYWHERE) as session:
        for row in session.exec(select(LedgerProblem).where(col(LedgerProblem.state) == "open")):
            row.removed_at, row.removed_reason = now(), "重复"
        for visit in session.exec(select(Visit).where(col(Visit.division_code) == SECOND_VILLAGE)):
            visit.removed_at, visit.removed_reason = now(), "重复"
    live = {"division": SECOND, "campaign_id": worked, "limit": 1000}
    assert len(ok(county.get(f"{API}/assessments/records", params=live))["items"]) == 4
    for (code, name), listed in before.items():
        assert ok(county.get(f"{part(drawn, code, name)['records']}&limit=1000"))["items"] == listed, name
    # Whoever is ranked reads his own of it, if he may read such records.
    township, address = as_("township_manager"), f"{API}/assessments/{drawn['id']}/records"
    assert len(ok(township.get(address))["items"]) == 10
    assert ok(township.get(address, params={"place": SECOND}))["items"] == []
    refusal(township.get(address, params={"part": "review"}), 403, "forbidden")
    refusal(county.get(address, params={"part": "upkeep"}), 422, "invalid")
    draft = made.drawn(county, worked)
    assert township.get(f"{API}/assessments/{draft['id']}/records").status_code == 404
    with pytest.raises(IntegrityError, match="frozen"), database.transaction(EVERYWHERE) as session:
        session.connection().execute(text("update assessment_record set counted = not counted"))


def test_what_the_statistics_have_summed_up_is_what_is_listed(
    database: Database, county: TestClient, worked: str
) -> None:
    """Completeness and close-out come from the live statistics, and their lists from the measures: the same."""
    asked = Asked([UUID(worked)], now(), COUNTY)
    with database.snapshot((COUNTY,)) as session:
        facts = facts_of(session, [FIRST, SECOND], asked)
        for name in ("completeness", "close_out"):
            for _, code, x, n in session.connection().execute(totals(name, asked)):
                assert (facts[code].counts[name].x, facts[code].counts[name].n) == (x, n)


def test_checks_of_levels_above_dont_count_as_they_arent_announced_below(
    as_: As, county: TestClient, worked: str
) -> None:
    province = as_("province_inspector")
    sample = closed.drawn(province, frame={"division": SECOND}, size={"kind": "number", "number": 1})
    assert closed.check(province, closed.units(province, sample)[0], closed.upheld()).status_code == 200
    params = {"division": COUNTY, "campaign_id": worked}
    for caller in (county, province):
        seen = ok(caller.get(f"{API}/assessments/preview", params=params))
        assert part(seen, SECOND, "review")["denominator"] == 0
        assert len(ok(caller.get(part(seen, FIRST, "review")["records"]))["items"]) == 2
    listed = ok(
        province.get(f"{API}/assessments/records", params={"part": "review", "division": SECOND, "held_by": "36"})
    )
    assert len(listed["items"]) == 1


def test_a_list_needs_the_permission_to_read_its_records(as_: As, county: TestClient, worked: str) -> None:
    township = as_("township_manager")
    address = f"{API}/assessments/records"
    assert len(ok(township.get(address, params={"part": "close_out"}))["items"]) == 10
    refused = refusal(township.get(address, params={"part": "review"}), 403, "forbidden")
    assert refused["permission"] == "sample.read"
    assert township.get(address, params={"part": "close_out", "division": SECOND}).status_code == 404
    unknown = refusal(county.get(address, params={"part": "upkeep"}), 422, "invalid")
    assert unknown["errors"][0]["code"] == "no_records"
    page = ok(county.get(address, params={"part": "close_out", "limit": 7}))
    rest = ok(county.get(address, params={"part": "close_out", "limit": 1000, "cursor": page["next_cursor"]}))
    assert len(page["items"]) + len(rest["items"]) == 16


def test_every_part_has_its_list_but_upkeep() -> None:
    assert {one.code for one in PARTS} - set(MEASURES) == {"upkeep"}
