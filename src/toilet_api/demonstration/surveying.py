"""The visits of the demonstration: planned by the seed, made one after the other as the weeks go by."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from toilet_api.demonstration.stage import API, Stage, checked, signed
from toilet_api.kernel.fields import now

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


@dataclass(frozen=True)
class _Visit:
    at: datetime
    surveyor: str
    body: dict[str, Any]
    is_submitted: bool


class Visits:
    """What the surveyors have in mind, and have not done yet."""

    def __init__(self) -> None:
        self._planned: list[_Visit] = []

    async def plan(self, stage: Stage, username: str, uploaded: list[dict[str, str]], random: Random) -> None:
        """Visits to the first households of the surveyor's village, over the last weeks."""
        surveyor = await stage.as_(username)
        village = checked(await surveyor.get(f"{API}/me"))["grants"][0]["division_code"]
        signature = await signed(surveyor, village)
        mine = [row["household_id"] for row in uploaded if row["village_code"] == village]
        households = mine[:_VISITS_A_VILLAGE]
        for number, household in enumerate(households):
            at = now() - timedelta(days=number * _DAYS_AGO / len(households), hours=2)
            body: dict[str, Any] = {
                "household_id": household,
                "method": "ask_and_look",
                "presence": "at_home",
                "usability": "usable_all_year",
                "visited_at": at.isoformat(),
                "checked_against": ["rebuild_ledger"],
                "surveyor_signature_ids": [signature],
                "note": "演示数据",
            }
            if random.random() < 0.4:
                usability, problem = random.choice(_FINDINGS)
                body |= {"usability": usability, "findings": [{"problem_type": problem, "note": "演示数据"}]}
            self._planned.append(_Visit(at, username, body, number % 6 != 5))

    async def make(self, stage: Stage, until: datetime) -> None:
        """Make those that are due by then, the earliest first, each at its time."""
        due = sorted((visit for visit in self._planned if visit.at < until), key=lambda visit: visit.at)
        self._planned = [visit for visit in self._planned if visit.at >= until]
        for visit in due:
            surveyor = await stage.as_(visit.surveyor)
            household = {"household_id": visit.body["household_id"]}
            toilets = checked(await surveyor.get(f"{API}/toilets", params=household))
            body = visit.body | {"toilet_id": toilets["items"][0]["id"]}
            with stage.at(visit.at):
                made = checked(await surveyor.post(f"{API}/visits", json=body))
                if visit.is_submitted:
                    checked(await surveyor.post(f"{API}/visits/{made['id']}/submit"))
