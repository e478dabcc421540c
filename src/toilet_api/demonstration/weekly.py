"""Two past weeks of reports: in time, late, corrected, still to be received, and of most townships missing."""

from datetime import datetime, time, timedelta
from typing import Any

from toilet_api.demonstration.stage import API, Stage, checked, signed
from toilet_api.kernel.fields import SHANGHAI
from toilet_api.reporting.reports.periods import Period, last_due, preceding

BEFORE = timedelta(hours=2)
"""How long before close of business a township that is in time hands in."""
_AFTER = timedelta(hours=1)
_LATE = timedelta(hours=16)
_CORRECTED = timedelta(days=3)
_NOON = time(12)


def past_weeks(moment: datetime, closing: time) -> tuple[Period, Period]:
    """The last two weeks whose reports are due and, at `moment`, handed in."""
    later = last_due("weekly", moment - 2 * _AFTER, closing)
    return preceding(later, closing), later


class Reporting:
    """What two townships and their county do with their weekly reports."""

    def __init__(self, stage: Stage, county: str, first: str, second: str) -> None:
        self._stage, self._county = stage, county
        self._managers = {first: "township_manager", second: "township_manager_2"}
        self._first, self._second = first, second
        self._reports: dict[tuple[str, str], str] = {}
        self._signatures: dict[str, str] = {}

    async def earlier_week(self, week: Period) -> None:
        """One township is in time and one is late; the county sums up and signs."""
        await self._stage.strike(_opening(week))
        with self._stage.at(week.cutoff_at - BEFORE):
            await self._hand_in(self._first, week, "draw")
            await self._receive(self._first, week)
        await self._stage.strike(week.cutoff_at)
        with self._stage.at(week.cutoff_at + _LATE):
            await self._hand_in(self._second, week)
            await self._receive(self._second, week)
            await self._step("county_admin", self._county, week, "draw")
            await self._sign("county_admin", self._county, week)

    async def correction(self, week: Period) -> None:
        """The first township corrects what the county has received, and the county sums up again."""
        with self._stage.at(corrected_at(week)):
            await self._hand_in(self._first, week, "correct", "漏登一户，补录后重新取数（演示）")
            await self._receive(self._first, week)
            await self._step("county_admin", self._county, week, "draw", reason="下级报表更正，重新汇总（演示）")
            await self._sign("county_admin", self._county, week)

    async def later_week(self, week: Period) -> None:
        """One report is received, one is still to be; the county's summary is to be signed."""
        await self._stage.strike(_opening(week))
        with self._stage.at(week.cutoff_at - BEFORE):
            await self._hand_in(self._first, week, "draw")
            await self._receive(self._first, week)
            await self._hand_in(self._second, week, "draw")
        await self._stage.strike(week.cutoff_at)
        with self._stage.at(week.cutoff_at + _AFTER):
            await self._step("county_admin", self._county, week, "draw")

    async def _hand_in(self, township: str, week: Period, first_step: str = "", reason: str = "") -> None:
        """Drawn by hand or by the clock, with its remarks, signed and submitted."""
        username = self._managers[township]
        if first_step:
            await self._step(username, township, week, first_step, **({"reason": reason} if reason else {}))
        manager = await self._stage.as_(username)
        report = await self._report(username, township, week)
        remarks = {
            "difficulties": "部分农户常年外出，入户困难（演示）",
            "next_steps": "继续逐户摸排，抓紧整改销号（演示）",
        }
        checked(await manager.patch(f"{API}/reports/{report}", json=remarks, headers={"If-Match": "*"}))
        await self._sign(username, township, week)
        await self._step(username, township, week, "submit")

    async def _receive(self, township: str, week: Period) -> None:
        await self._step("county_reviewer", township, week, "receive")

    async def _sign(self, username: str, division: str, week: Period) -> None:
        if division not in self._signatures:
            self._signatures[division] = await signed(await self._stage.as_(username), division)
        await self._step(username, division, week, "sign", signature_ids=[self._signatures[division]])

    async def _step(self, username: str, division: str, week: Period, name: str, **body: Any) -> None:
        who = await self._stage.as_(username)
        report = await self._report(username, division, week)
        checked(await who.post(f"{API}/reports/{report}/{name}", json=body or None))

    async def _report(self, username: str, division: str, week: Period) -> str:
        """The id of the weekly report of the division itself."""
        if (division, week.key) not in self._reports:
            who = await self._stage.as_(username)
            params: dict[str, str | int] = {"kind": "weekly", "period": week.key, "division": division, "limit": 1000}
            found = checked(await who.get(f"{API}/reports", params=params))["items"]
            self._reports |= {(one["division_code"], week.key): one["id"] for one in found}
        return self._reports[division, week.key]


def corrected_at(week: Period) -> datetime:
    """When a report of this week is corrected: days after it was received."""
    return week.cutoff_at + _CORRECTED


def _opening(week: Period) -> datetime:
    return datetime.combine(week.start, _NOON, SHANGHAI)
