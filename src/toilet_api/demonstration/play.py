"""The first weeks of a campaign, played over the product's own API: what it shows really happened in it."""

import asyncio
import io
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import httpx
from PIL import Image, ImageDraw

from toilet_api.app import create_app
from toilet_api.demonstration.ledger import write
from toilet_api.demonstration.persons import Persons
from toilet_api.demonstration.places import Township
from toilet_api.kernel import jobs
from toilet_api.kernel.fields import now
from toilet_api.settings import Settings

Progress = Callable[[str, int, int], None]
_API = "/api/v1"
_VISITS_A_VILLAGE = 24
_FINDINGS = (
    ("not_usable", "tank_cracked"),
    ("not_usable", "blocked"),
    ("part_of_year", "freezes_in_winter"),
    ("part_of_year", "no_water"),
    ("not_usable", "full_not_emptied"),
    ("not_usable", "pipe_not_connected"),
)


class _Stage:
    """The app, and someone logged in to it for each account that plays."""

    def __init__(self, settings: Settings, password: str) -> None:
        self._app = create_app(settings)
        self._password = password
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def as_(self, username: str) -> httpx.AsyncClient:
        if username not in self._clients:
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app=self._app), base_url="http://demonstration", timeout=120
            )
            form = {"grant_type": "password", "username": username, "password": self._password}
            token = _checked(await client.post(f"{_API}/auth/token", data=form))["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            self._clients[username] = client
        return self._clients[username]

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._app.state.database.dispose()


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
    """Open a campaign, upload two townships' ledgers, survey two villages, verify part of it, record a work problem."""
    stage = _Stage(settings, password)
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
            progress("ledgers", done, len(ledgers))
        surveyors = ("village_surveyor", "village_surveyor_2")
        for done, username in enumerate(surveyors, 1):
            await _survey(stage, username, uploaded, random)
            progress("surveys", done, len(surveyors))
        await _verify(stage, first)
        await _record_work_problem(stage, first)
        progress("verification", 1, 1)
    finally:
        await stage.close()


async def _open_campaign(stage: _Stage, county: str) -> None:
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
    made = _checked(await admin.post(f"{_API}/campaigns", json=body))
    _checked(await admin.post(f"{_API}/campaigns/{made['id']}/open", headers={"If-Match": f'"{made["version"]}"'}))


async def _upload(
    stage: _Stage,
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
    job = _checked(await manager.post(f"{_API}/imports", data=form, files=files))
    await asyncio.to_thread(jobs.run_worker, settings, wait=False)
    ended = _checked(await manager.get(f"{_API}/imports/{job['id']}"))
    if ended["state"] != "succeeded" or ended["counts"]["rejected"]:
        raise RuntimeError(f"the demonstration's own ledger was not taken: {ended}")
    rows = _checked(await manager.get(f"{_API}/imports/{job['id']}/rows", params={"limit": 1000}))
    return list(rows["items"])


async def _survey(stage: _Stage, username: str, uploaded: list[dict[str, str]], random: Random) -> None:
    surveyor = await stage.as_(username)
    village = _checked(await surveyor.get(f"{_API}/me"))["grants"][0]["division_code"]
    files = {"file": ("signature.png", _signature(), "image/png")}
    form = {"kind": "signature", "division_code": village}
    signature = _checked(await surveyor.post(f"{_API}/attachments", data=form, files=files))
    households = [row["household_id"] for row in uploaded if row["village_code"] == village]
    for number, household in enumerate(households[:_VISITS_A_VILLAGE]):
        toilets = _checked(await surveyor.get(f"{_API}/toilets", params={"household_id": household}))
        visit = {
            "household_id": household,
            "toilet_id": toilets["items"][0]["id"],
            "method": "ask_and_look",
            "presence": "at_home",
            "usability": "usable_all_year",
            "visited_at": (now() - timedelta(hours=2 + number)).isoformat(),
            "checked_against": ["rebuild_ledger"],
            "surveyor_signature_ids": [signature["id"]],
            "note": "演示数据",
        }
        if random.random() < 0.4:
            usability, problem = random.choice(_FINDINGS)
            visit |= {"usability": usability, "findings": [{"problem_type": problem, "note": "演示数据"}]}
        made = _checked(await surveyor.post(f"{_API}/visits", json=visit))
        if number % 6 != 5:
            _checked(await surveyor.post(f"{_API}/visits/{made['id']}/submit"))


async def _verify(stage: _Stage, township: Township) -> None:
    manager = await stage.as_("township_manager")
    visits = _checked(await manager.get(f"{_API}/visits", params={"state": "submitted", "limit": 1000}))["items"]
    chosen = [visit["id"] for visit in visits[: len(visits) * 2 // 3]]
    if not chosen:
        return
    body: dict[str, Any] = {
        "division_code": township.code,
        "level": "township",
        "decision": "verify",
        "visit_ids": chosen,
    }
    _checked(await manager.post(f"{_API}/visits/bulk-verify", json=body))
    reviewer = await stage.as_("county_reviewer")
    body |= {"level": "county", "visit_ids": chosen[: max(1, len(chosen) // 2)]}
    _checked(await reviewer.post(f"{_API}/visits/bulk-verify", json=body))


async def _record_work_problem(stage: _Stage, township: Township) -> None:
    manager = await stage.as_("township_manager")
    body = {
        "division_code": township.code,
        "problem_type": "no_upkeep_mechanism",
        "description": "管护机制未落实，粪污满后无人清掏（演示数据）",
    }
    _checked(await manager.post(f"{_API}/problems", json=body))


def _signature() -> bytes:
    """A scribble that stands for a signature."""
    image = Image.new("RGB", (240, 80), "white")
    ImageDraw.Draw(image).line([(20, 60), (60, 20), (90, 60), (130, 25), (170, 55), (220, 30)], fill="navy", width=3)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _checked(response: httpx.Response) -> Any:
    if response.is_error:
        raise RuntimeError(f"{response.request.method} {response.request.url.path}: {response.text}")
    return response.json()
