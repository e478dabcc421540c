"""A made-up county for the dashboard, written straight into the tables: what was found and mended over five months."""

import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from tests.scenes import scene
from tests.survey.made import RULES
from toilet_api.accounts.tables import Principal
from toilet_api.divisions.tables import Division
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id, now
from toilet_api.rectification.tables import CloseOut, Task
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey.tables import Campaign, CatalogueType, LedgerProblem, Visit

MODES = ("three_compartment", "three_compartment", "three_compartment", "double_urn", "full_sewer", "open_pit")
TYPES = ("tank_cracked", "blocked", "freezes_in_winter", "no_water", "pipe_not_connected", "full_not_emptied")
DAYS = 150
CENTRE = (115.1, 29.26)


@dataclass
class County:
    """What is written, a village after the other. The same seed gives the same county."""

    session: Session
    campaign: Campaign
    people: dict[str, Principal]
    types: dict[str, CatalogueType]
    random: Random
    rows: list[list[Any]] = field(default_factory=lambda: [[], [], [], [], [], []])

    def village(self, code: str, centre: tuple[float, float], households: int, zeal: float) -> None:
        """Households with toilets around `centre`; `zeal`, from 0 to 1, says how far the work has come."""
        for _ in range(households):
            index = os.urandom(16)
            home = Household(division_code=code, name_masked="张**", identity_index=index, name_index=index)
            toilet = Toilet(
                division_code=code,
                household_id=home.id,
                mode=self.random.choice(MODES),
                counted=True,
                built_year=self.random.choice((2022, 2023, 2024)),
                led_by=self.random.choice(("agriculture", "health", None)),
                longitude=centre[0] + self.random.gauss(0, 0.006),
                latitude=centre[1] + self.random.gauss(0, 0.005),
                position_system="wgs84",
            )
            self._put(0, home)
            self._put(1, toilet)
            if self.random.random() < 0.35 + 0.6 * zeal:
                self._visit(home, toilet, zeal)

    def _visit(self, home: Household, toilet: Toilet, zeal: float) -> None:
        at = now() - timedelta(days=self.random.triangular(2, DAYS, DAYS * 0.6))
        level = self.random.choices(
            ("submitted", "township_verified", "county_verified"), (1.2 - zeal, 0.5, 0.3 + zeal)
        )[0]
        is_verified = level != "submitted"
        visit = Visit(
            division_code=home.division_code,
            campaign_id=self.campaign.id,
            household_id=home.id,
            toilet_id=toilet.id,
            state=level,
            method="ask_and_look",
            presence="at_home",
            usability="usable_all_year",
            visited_at=at,
            surveyor_id=self.people["village_surveyor"].id,
            surveyor_name="村摸排员",
            submitted_at=at,
            township_verified_at=at + timedelta(days=2) if is_verified else None,
            township_verified_by=self.people["township_manager"].id if is_verified else None,
            county_verified_at=at + timedelta(days=5) if level == "county_verified" else None,
            county_verified_by=self.people["county_admin"].id if level == "county_verified" else None,
        )
        self._put(2, visit)
        if self.random.random() < 0.33:
            self._problem(visit, at, zeal)

    def _problem(self, visit: Visit, at: datetime, zeal: float) -> None:
        kind = self.types[self.random.choice(TYPES)]
        closed_at = at + timedelta(days=self.random.triangular(6, 60, 20))
        is_closed = closed_at < now() and self.random.random() < 0.25 + 0.7 * zeal
        deadline = (at + timedelta(days=self.random.choice((45, 90, 150)))).date()
        problem = LedgerProblem(
            division_code=visit.division_code,
            campaign_id=self.campaign.id,
            problem_class="toilet",
            type_id=kind.id,
            cause=kind.cause,
            visit_id=visit.id,
            household_id=visit.household_id,
            toilet_id=visit.toilet_id,
            found_at=at,
            deadline=deadline,
            state="closed" if is_closed else self.random.choice(("open", "in_work")),
        )
        self._put(3, problem)
        if is_closed:
            self._close(problem, at, closed_at)

    def _close(self, problem: LedgerProblem, at: datetime, closed_at: datetime) -> None:
        done_at = closed_at - timedelta(days=3)
        manager = self.people["township_manager"]
        task = Task(
            division_code=problem.division_code,
            campaign_id=self.campaign.id,
            problem_id=problem.id,
            path="at_once",
            state="accepted",
            measure="更换破损部件",
            started_at=at + timedelta(days=1),
            submitted_at=done_at,
            submitted_by=manager.id,
            accepted_at=done_at + timedelta(days=1),
            worker_ids=[manager.id],
        )
        close_out = CloseOut(
            division_code=problem.division_code,
            problem_id=problem.id,
            task_id=task.id,
            kind="signature",
            signature_ids=[new_id()],
            closed_at=closed_at,
            closed_by=manager.id,
            closed_by_name=manager.display_name,
        )
        problem.accepted_at, problem.accepted_level = task.accepted_at, "township"
        problem.closed_at, problem.close_out_id, problem.task_id = closed_at, close_out.id, task.id
        self._put(4, task)
        self._put(5, close_out)

    def _put(self, floor: int, row: Any) -> None:
        self.rows[floor].append(row)

    def write(self) -> None:
        """Parents first."""
        for rows in self.rows:
            self.session.add_all(rows)
            self.session.flush()


@scene
def fill(database: Database, prefix: str = "360423", households: int = 8, seed: int = 7) -> UUID:
    """Fill the villages under `prefix` with about so many households each; the open campaign's id."""
    random = Random(seed)
    with database.transaction(EVERYWHERE) as session:
        campaign = Campaign(
            division_code="360423",
            name="农村户厕问题摸排整改",
            cut_off_year=2022,
            starts_on=now().date() - timedelta(days=DAYS),
            survey_due=now().date() + timedelta(days=30),
            deadline_rules=RULES,
            state="open",
            opened_at=now() - timedelta(days=DAYS),
        )
        session.add(campaign)
        session.flush()
        people = {one.username: one for one in session.exec(select(Principal))}
        types = {one.code: one for one in session.exec(select(CatalogueType))}
        county = County(session, campaign, people, types, random)
        villages = session.exec(
            select(Division.code).where(col(Division.code).startswith(prefix), Division.level == 5).order_by("code")
        ).all()
        townships: dict[str, tuple[float, float, float]] = {}
        for code in villages:
            if code[:9] not in townships:
                townships[code[:9]] = (
                    CENTRE[0] + random.uniform(-0.42, 0.42),
                    CENTRE[1] + random.uniform(-0.22, 0.22),
                    random.random(),
                )
            x, y, zeal = townships[code[:9]]
            place = (x + random.gauss(0, 0.035), y + random.gauss(0, 0.028))
            number = max(1, round(random.lognormvariate(0, 0.6) * households))
            county.village(code, place, number, min(1, max(0, random.gauss(zeal, 0.15))))
        county.write()
        return campaign.id
