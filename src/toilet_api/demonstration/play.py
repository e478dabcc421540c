"""The first weeks of a campaign, played over the product's own API: what it shows really happened in it."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

from toilet_api.demonstration.ledger import write
from toilet_api.demonstration.mending import mend
from toilet_api.demonstration.persons import Persons
from toilet_api.demonstration.places import Township
from toilet_api.demonstration.positions import locate
from toilet_api.demonstration.stage import API, Stage, checked, signed
from toilet_api.kernel import jobs
from toilet_api.kernel.fields import now
from toilet_api.settings import Settings

Progress = Callable[[str, int, int], None]
_VISITS_A_VILLAGE = 24
_DAYS_AGO = 28
"""How far back the visits reach: what was found then has fallen due meanwhile, so that something is overdue."""
_FINDINGS = (
    ("not_usable", "tank_cracked"),
    ("not_usable", "blocked"),
    ("part_of_year", "freezes_in_winter"),
    ("part_of_year", "no_water"),
    ("not_usable", "full_not_emptied"),
    ("not_usable", "pipe_not_connected"),
    ("part_of_year", "no_light"),
    ("not_usable", "fixture_broken"),
)


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
    """The campaign, two townships' ledgers, visits in two villages, some verified, some mended, a work problem."""
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
                uploaded += await _upload(stage, settings, username, township, count, persons, random)
                await locate(stage, username, county, township)
            progress("ledgers", done, len(ledgers))
        surveyors = ("village_surveyor", "village_surveyor_2")
        for done, username in enumerate(surveyors, 1):
            await _survey(stage, username, uploaded, random)
            progress("surveys", done, len(surveyors))
        await _verify(stage, first)
        await mend(stage)
        await _record_work_problem(stage, first)
        progress("verification", 1, 1)
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
        "starts_on": str(today - timedelta(days=30)),
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
    checked(await admin.post(f"{API}/campaigns/{made['id']}/open", headers={"If-Match": f'"{made["version"]}"'}))


async def _upload(
    stage: Stage,
    settings: Settings,
    username: str,
    township: Township,
    count: int,
    persons: Persons,
    random: Random,
) -> list[dict[str, str]]:
    """Upload a ledger; its first rows as the report tells them, in the order of the file, which the seed decides."""
    manager = await stage.as_(username)
    ledger = write(township, count, persons, random, now().year)
    form = {"dry_run": "false", "on_conflict": "fail"}
    files = {"file": (f"{township.name}台账（演示）.csv", ledger, "text/csv")}
    job = checked(await manager.post(f"{API}/imports", data=form, files=files))
    await asyncio.to_thread(jobs.run_worker, settings, wait=False)
    ended = checked(await manager.get(f"{API}/imports/{job['id']}"))
    if ended["state"] != "succeeded" or ended["counts"]["rejected"]:
        raise RuntimeError(f"the demonstration's own ledger was not taken: {ended}")
    rows = checked(await manager.get(f"{API}/imports/{job['id']}/rows", params={"limit": 1000}))
    return list(rows["items"])


async def _survey(stage: Stage, username: str, uploaded: list[dict[str, str]], random: Random) -> None:
    surveyor = await stage.as_(username)
    village = checked(await surveyor.get(f"{API}/me"))["grants"][0]["division_code"]
    signature = await signed(surveyor, village)
    households = [row["household_id"] for row in uploaded if row["village_code"] == village]
    for number, household in enumerate(households[:_VISITS_A_VILLAGE]):
        toilets = checked(await surveyor.get(f"{API}/toilets", params={"household_id": household}))
        visit = {
            "household_id": household,
            "toilet_id": toilets["items"][0]["id"],
            "method": "ask_and_look",
            "presence": "at_home",
            "usability": "usable_all_year",
            "visited_at": (now() - timedelta(days=number * _DAYS_AGO / _VISITS_A_VILLAGE, hours=2)).isoformat(),
            "checked_against": ["rebuild_ledger"],
            "surveyor_signature_ids": [signature],
            "note": "演示数据",
        }
        if random.random() < 0.4:
            usability, problem = random.choice(_FINDINGS)
            visit |= {"usability": usability, "findings": [{"problem_type": problem, "note": "演示数据"}]}
        made = checked(await surveyor.post(f"{API}/visits", json=visit))
        if number % 6 != 5:
            checked(await surveyor.post(f"{API}/visits/{made['id']}/submit"))


async def _verify(stage: Stage, township: Township) -> None:
    manager = await stage.as_("township_manager")
    visits = checked(await manager.get(f"{API}/visits", params={"state": "submitted", "limit": 1000}))["items"]
    chosen = [visit["id"] for visit in visits[: len(visits) * 2 // 3]]
    if not chosen:
        return
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


async def _record_work_problem(stage: Stage, township: Township) -> None:
    manager = await stage.as_("township_manager")
    body = {
        "division_code": township.code,
        "problem_type": "no_upkeep_mechanism",
        "description": "管护机制未落实，粪污满后无人清掏（演示数据）",
    }
    checked(await manager.post(f"{API}/problems", json=body))
