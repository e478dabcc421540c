"""The first weeks of a campaign, played over the product's own API: what it shows really happened in it."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

from toilet_api.demonstration.ledger import write
from toilet_api.demonstration.mending import mend
from toilet_api.demonstration.persons import Persons
from toilet_api.demonstration.places import Township
from toilet_api.demonstration.positions import locate
from toilet_api.demonstration.ranking import rank
from toilet_api.demonstration.stage import API, Stage, checked
from toilet_api.demonstration.surveying import Visits
from toilet_api.demonstration.weekly import BEFORE, Reporting, corrected_at, past_weeks
from toilet_api.kernel.fields import now
from toilet_api.settings import Settings

Progress = Callable[[str, int, int], None]
_OPENED_DAYS_AGO = 30


async def campaign(
    settings: Settings,
    county: str,
    first: Township,
    second: Township,
    households: int,
    random: Random,
    password: str,
    progress: Progress,
) -> None:
    """The campaign with two townships' ledgers; then visits, verification, mending and reports, week after week."""
    stage = Stage(settings, password)
    try:
        await _open_campaign(stage, county)
        progress("campaign", 1, 1)
        persons = Persons(county, random)
        share = (households + 1) // 2
        ledgers = (("township_manager", first, share), ("township_manager_2", second, households - share))
        uploaded: list[dict[str, str]] = []
        for done, (username, township, count) in enumerate(ledgers, 1):
            if count:
                uploaded += await _upload(stage, username, township, count, persons, random)
                await locate(stage, username, county, township)
            progress("ledgers", done, len(ledgers))
        visits = Visits()
        for username in ("village_surveyor", "village_surveyor_2"):
            await visits.plan(stage, username, uploaded, random)
        reporting = Reporting(stage, county, first.code, second.code)
        earlier, later = past_weeks(now(), settings.reports_close_at)
        await visits.make(stage, until=earlier.cutoff_at)
        await reporting.earlier_week(earlier)
        await visits.make(stage, until=corrected_at(earlier))
        await reporting.correction(earlier)
        progress("surveys", 1, 2)
        await visits.make(stage, until=later.cutoff_at - BEFORE)
        with stage.at(later.cutoff_at - BEFORE):
            is_verified = await _verify(stage, first)
            await mend(stage)
            await _record_work_problem(stage, first)
        await reporting.later_week(later)
        await visits.make(stage, until=now())
        progress("surveys", 2, 2)
        if not is_verified:
            await _verify(stage, first)
        await stage.strike(now())
        await rank(stage, county)
        progress("reports", 1, 1)
    finally:
        await stage.close()


async def _open_campaign(stage: Stage, county: str) -> None:
    admin = await stage.as_("county_admin")
    today = now().date()
    body = {
        "division_code": county,
        "name": "农村户厕问题摸排整改（演示）",
        "document_numbers": ["演示〔第1号〕"],
        "cut_off_year": today.year - 2,
        "starts_on": str(today - timedelta(days=_OPENED_DAYS_AGO)),
        "survey_due": str(today + timedelta(days=60)),
        "deadline_rules": {
            "construction_quality": {"kind": "fixed", "date": str(today + timedelta(days=150))},
            "product_quality": {"kind": "fixed", "date": str(today + timedelta(days=150))},
            "technical_mode": {"kind": "timetable"},
            "small_defect": {"kind": "days", "days": 7},
            "management": {"kind": "days", "days": 15},
            "work_process": {"kind": "days", "days": 30},
        },
    }
    made = checked(await admin.post(f"{API}/campaigns", json=body))
    with stage.at(now() - timedelta(days=_OPENED_DAYS_AGO)):
        checked(await admin.post(f"{API}/campaigns/{made['id']}/open", headers={"If-Match": f'"{made["version"]}"'}))


async def _upload(
    stage: Stage, username: str, township: Township, count: int, persons: Persons, random: Random
) -> list[dict[str, str]]:
    """Upload a ledger; its first rows as the report tells them, in the order of the file, which the seed decides."""
    manager = await stage.as_(username)
    ledger = write(township, count, persons, random, now().year)
    form = {"dry_run": "false", "on_conflict": "fail"}
    files = {"file": (f"{township.name}台账（演示）.csv", ledger, "text/csv")}
    job = checked(await manager.post(f"{API}/imports", data=form, files=files))
    await stage.run_jobs()
    ended = checked(await manager.get(f"{API}/imports/{job['id']}"))
    if ended["state"] != "succeeded" or ended["counts"]["rejected"]:
        raise RuntimeError(f"the demonstration's own ledger was not taken: {ended}")
    rows = checked(await manager.get(f"{API}/imports/{job['id']}/rows", params={"limit": 1000}))
    return list(rows["items"])


async def _verify(stage: Stage, township: Township) -> bool:
    """The township verifies most of what was submitted, the county half of that; whether there was any."""
    manager = await stage.as_("township_manager")
    visits = checked(await manager.get(f"{API}/visits", params={"state": "submitted", "limit": 1000}))["items"]
    chosen = [visit["id"] for visit in visits[: len(visits) * 2 // 3]]
    if not chosen:
        return False
    body: dict[str, Any] = {
        "division_code": township.code,
        "level": "township",
        "decision": "verify",
        "visit_ids": chosen,
    }
    checked(await manager.post(f"{API}/visits/bulk-verify", json=body))
    reviewer = await stage.as_("county_reviewer")
    body |= {"level": "county", "visit_ids": chosen[: max(1, len(chosen) // 2)]}
    checked(await reviewer.post(f"{API}/visits/bulk-verify", json=body))
    return True


async def _record_work_problem(stage: Stage, township: Township) -> None:
    manager = await stage.as_("township_manager")
    body = {
        "division_code": township.code,
        "problem_type": "no_upkeep_mechanism",
        "description": "管护机制未落实，粪污满后无人清掏（演示数据）",
    }
    checked(await manager.post(f"{API}/problems", json=body))
