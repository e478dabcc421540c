"""Formulas, assessments and call-ins for the tests, through the API."""

from datetime import date as date_type
from datetime import timedelta
from typing import Any

from fastapi.testclient import TestClient
from sqlmodel import col, select

from tests.survey.made import API, ok
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import now
from toilet_api.survey.tables import LedgerProblem

COUNTY, FIRST, SECOND = "360423", "360423208", "360423500"
SECOND_VILLAGE = "360423500001"


def formula_body(campaign_id: str, **members: Any) -> dict[str, Any]:
    """The body of a formula of the county."""
    return {
        "division_code": COUNTY,
        "campaign_id": campaign_id,
        "name": "年终考核办法",
        "source": "县方案",
        **members,
    }


def drafted(client: TestClient, campaign_id: str, **members: Any) -> dict[str, Any]:
    """A formula that isn't published."""
    shown: dict[str, Any] = ok(
        client.post(f"{API}/assessment-formulas", json=formula_body(campaign_id, **members)), 201
    )
    return shown


def published_formula(client: TestClient, campaign_id: str, **members: Any) -> dict[str, Any]:
    """A formula in force."""
    shown: dict[str, Any] = step(client, "assessment-formulas", drafted(client, campaign_id, **members), "publish")
    return shown


def body(campaign_id: str, **members: Any) -> dict[str, Any]:
    """The body of an assessment of the county."""
    return {"division_code": COUNTY, "campaign_id": campaign_id, "name": "年度考核", **members}


def drawn(client: TestClient, campaign_id: str, **members: Any) -> dict[str, Any]:
    """An assessment that isn't published."""
    shown: dict[str, Any] = ok(client.post(f"{API}/assessments", json=body(campaign_id, **members)), 201)
    return shown


def published(client: TestClient, campaign_id: str, **members: Any) -> dict[str, Any]:
    """A published assessment."""
    shown: dict[str, Any] = step(client, "assessments", drawn(client, campaign_id, **members), "publish")
    return shown


def step(client: TestClient, kind: str, one: dict[str, Any], name: str, **body: Any) -> Any:
    """The record after a step that must succeed."""
    return ok(client.post(f"{API}/{kind}/{one['id']}/{name}", json=body or None))


def unit(result: dict[str, Any], code: str) -> dict[str, Any]:
    """A township's line."""
    return next(one for one in result["units"] if one["division_code"] == code)


def part(result: dict[str, Any], code: str, name: str) -> dict[str, Any]:
    """A part of a township."""
    return next(one for one in unit(result, code)["parts"] if one["part"] == name)


def change_problems(database: Database, ids: list[str], **members: Any) -> None:
    """Set members of problems straight in the table."""
    with database.transaction(EVERYWHERE) as session:
        for row in session.exec(select(LedgerProblem).where(col(LedgerProblem.id).in_(ids))):
            for name, value in members.items():
                setattr(row, name, value)


def reopen(database: Database, ids: list[str], days_late: int = 5) -> None:
    """Problems that aren't closed any more, and are past their deadline by so many days."""
    day = now().date() - timedelta(days=days_late)
    change_problems(
        database,
        ids,
        state="open",
        closed_at=None,
        close_out_id=None,
        accepted_at=None,
        accepted_level=None,
        deadline=day,
    )


def date(database: Database, ids: list[str], deadline: date_type) -> None:
    """Give closed problems a deadline. One that is closed can't be changed, so each is open for a moment."""
    members = ("state", "closed_at", "close_out_id", "accepted_at", "accepted_level")
    with database.transaction(EVERYWHERE) as session:
        for row in session.exec(select(LedgerProblem).where(col(LedgerProblem.id).in_(ids))):
            before = {name: getattr(row, name) for name in members}
            for name in members:
                setattr(row, name, "open" if name == "state" else None)
            row.deadline = deadline
            session.flush()
            for name, value in before.items():
                setattr(row, name, value)
