"""Closed problems for the tests of oversight, written straight into the tables: hundreds in a moment."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi.testclient import TestClient
from sqlmodel import Session, select

from tests.scenes import scene
from tests.survey.made import API, VILLAGE, ok
from toilet_api.accounts.tables import Principal
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id, now
from toilet_api.rectification.tables import Acceptance, AcceptanceProblem, Checklist, CloseOut, Task
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey.tables import Campaign, CatalogueType, LedgerProblem, Visit

SIGNERS = {
    "surveyor": "village_surveyor",
    "township_verifier": "township_manager",
    "county_verifier": "county_admin",
    "task_submitter": "township_manager",
    "closer": "township_manager",
}
PANEL = ("county_admin", "township_manager")


@dataclass
class Closed:
    """How problems came to be closed. People are named by their logins."""

    village: str = VILLAGE
    mode: str = "three_compartment"
    contractor: str | None = "甲公司"
    days_ago: float = 1
    signers: dict[str, str] = field(default_factory=lambda: dict(SIGNERS))
    panel: Sequence[str] = PANEL
    work: bool = False


@scene
def close(database: Database, number: int, how: Closed | None = None, **members: Any) -> list[str]:
    """The ids of so many problems of county 360423, each at a toilet of its own, surveyed, mended and closed."""
    how = how or Closed(**members)
    with database.transaction(EVERYWHERE) as session:
        people = {one.username: one for one in session.exec(select(Principal))}
        kind = session.exec(
            select(CatalogueType).where(CatalogueType.code == ("no_upkeep_mechanism" if how.work else "tank_cracked"))
        ).one()
        batch = _Batch(how, people, _campaign(session), kind.id, _checklist(session))
        made = [batch.one() for _ in range(number)]
        for rows in zip(*made, strict=True):  # parents first: toilets before problems, problems before tasks
            session.add_all(row for row in rows if row is not None)
            session.flush()
        return [str(rows[3].id) for rows in made]


def _campaign(session: Session) -> UUID:
    found = session.exec(select(Campaign).where(Campaign.division_code == "360423")).first()
    if found is None:
        found = Campaign(
            division_code="360423",
            name="农村户厕问题摸排整改",
            cut_off_year=2024,
            starts_on=now().date() - timedelta(days=100),
            survey_due=now().date(),
            state="open",
            opened_at=now(),
        )
        session.add(found)
        session.flush()
    return found.id


def _checklist(session: Session) -> UUID:
    found = session.exec(select(Checklist)).first()
    if found is None:
        found = Checklist(division_code="360423", applies_to="any_toilet", edition=1, zh="清单", en="List", items=[])
        session.add(found)
        session.flush()
    return found.id


@dataclass
class _Batch:
    how: Closed
    people: dict[str, Principal]
    campaign: UUID
    kind: UUID
    checklist: UUID

    def id_of(self, part: str) -> UUID:
        return self.people[self.how.signers[part]].id

    def name_of(self, part: str) -> str:
        return self.people[self.how.signers[part]].display_name

    def one(self) -> tuple[Any, ...]:
        """(household, toilet, visit, problem, task, acceptance, its line, close-out)."""
        at, place = now() - timedelta(days=self.how.days_ago), self.how.village
        problem_id, close_out = new_id(), self._close_out(place, at)
        household = toilet = visit = None
        if not self.how.work:
            index = os.urandom(16)
            household = Household(division_code=place, name_masked="张**", identity_index=index, name_index=index)
            toilet = Toilet(division_code=place, household_id=household.id, mode=self.how.mode, built_year=2024)
            visit = self._visit(household.id, toilet.id, place, at)
        problem = LedgerProblem(
            id=problem_id,
            division_code=place,
            campaign_id=self.campaign,
            problem_class="work" if self.how.work else "toilet",
            type_id=self.kind,
            cause="work_process" if self.how.work else "product_quality",
            visit_id=visit.id if visit else None,
            household_id=household.id if household else None,
            toilet_id=toilet.id if toilet else None,
            found_at=at - timedelta(days=30),
            state="closed",
            accepted_at=at,
            accepted_level="township",
            closed_at=at,
            close_out_id=close_out.id,
        )
        task = self._task(problem_id, place, at)
        acceptance = self._acceptance(household, toilet, place, at)
        line = AcceptanceProblem(
            division_code=place,
            acceptance_id=acceptance.id,
            problem_id=problem_id,
            task_id=task.id,
            is_open=False,
            outcome="accepted",
        )
        close_out.problem_id, close_out.task_id = problem_id, task.id
        return household, toilet, visit, problem, task, acceptance, line, close_out

    def _visit(self, household: UUID, toilet: UUID, place: str, at: datetime) -> Visit:
        return Visit(
            division_code=place,
            campaign_id=self.campaign,
            household_id=household,
            toilet_id=toilet,
            state="county_verified",
            method="ask_and_look",
            presence="at_home",
            usability="not_usable",
            visited_at=at - timedelta(days=30),
            surveyor_id=self.id_of("surveyor"),
            surveyor_name=self.name_of("surveyor"),
            submitted_at=at - timedelta(days=30),
            township_verified_at=at - timedelta(days=29),
            township_verified_by=self.id_of("township_verifier"),
            county_verified_at=at - timedelta(days=28),
            county_verified_by=self.id_of("county_verifier"),
        )

    def _task(self, problem: UUID, place: str, at: datetime) -> Task:
        return Task(
            division_code=place,
            campaign_id=self.campaign,
            problem_id=problem,
            path="at_once",
            state="accepted",
            measure="更换化粪池",
            contractor=self.how.contractor,
            started_at=at,
            submitted_at=at,
            submitted_by=self.id_of("task_submitter"),
            accepted_at=at,
            worker_ids=[self.id_of("task_submitter")],
        )

    def _acceptance(self, household: Household | None, toilet: Toilet | None, place: str, at: datetime) -> Acceptance:
        members = [self.people[name] for name in self.how.panel]
        return Acceptance(
            division_code=place,
            campaign_id=self.campaign,
            household_id=household.id if household else None,
            toilet_id=toilet.id if toilet else None,
            checklist_id=self.checklist,
            level="township",
            state="passed",
            panel=[{"user_id": str(one.id), "name": one.display_name, "side": "county"} for one in members],
            panel_user_ids=[one.id for one in members],
            signatures=[{"user_id": str(one.id), "attachment_id": str(new_id())} for one in members],
            checked_at=at,
            decided_at=at,
            decided_by=members[0].id,
        )

    def _close_out(self, place: str, at: datetime) -> CloseOut:
        return CloseOut(
            division_code=place,
            problem_id=new_id(),
            task_id=new_id(),
            kind="decision" if self.how.work else "signature",
            signature_ids=[] if self.how.work else [new_id()],
            decision="同意销号" if self.how.work else None,
            closed_at=at,
            closed_by=self.id_of("closer"),
            closed_by_name=self.name_of("closer"),
        )


def body(**members: Any) -> dict[str, Any]:
    """The body of a spot check of the province."""
    frame = {
        "closed_from": (now() - timedelta(days=60)).date().isoformat(),
        "closed_to": now().date().isoformat(),
        **members.pop("frame", {}),
    }
    return {
        "division_code": "36",
        "kind": "spot_check",
        "name": "三季度抽查",
        "frame": frame,
        "size": {"kind": "number", "number": 5},
        **members,
    }


def planned(client: TestClient, **members: Any) -> dict[str, Any]:
    """A planned sample."""
    shown: dict[str, Any] = ok(client.post(f"{API}/samples", json=body(**members)), 201)
    return shown


def drawn(client: TestClient, **members: Any) -> dict[str, Any]:
    """A drawn sample."""
    shown: dict[str, Any] = step(client, planned(client, **members), "draw")
    return shown


def step(client: TestClient, one: dict[str, Any], name: str, **body: Any) -> Any:
    """The sample after a step that must succeed."""
    return ok(client.post(f"{API}/samples/{one['id']}/{name}", json=body or None))


def units(client: TestClient, sample: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    """The units of a sample, those selected unless asked for others."""
    items: list[dict[str, Any]] = ok(
        client.get(f"{API}/samples/{sample['id']}/units", params={"limit": 1000, **params})
    )["items"]
    return items


def upheld(**members: Any) -> dict[str, Any]:
    """The body of a check that upholds."""
    return {
        "result": "upheld",
        "survey_true": True,
        "rectified_really": True,
        "closed_justified": True,
        **members,
    }


def failed(**members: Any) -> dict[str, Any]:
    """The body of a check that fails."""
    return {
        "result": "failed",
        "survey_true": True,
        "rectified_really": False,
        "closed_justified": False,
        "note": "池体仍渗漏",
        **members,
    }


def check(client: TestClient, unit: dict[str, Any], body: dict[str, Any]) -> Any:
    """The answer to a check."""
    return client.post(f"{API}/samples/{unit['sample_id']}/units/{unit['id']}/check", json=body)


def refusal(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The problem of a refusal, which says the rule behind it and what to do next."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    shown: dict[str, Any] = answer.json()
    assert shown["code"] == code, answer.text
    assert shown.get("rule"), answer.text
    assert shown.get("remedy"), answer.text
    return shown
