"""Reports as the clock makes them, at whatever time a test says that it is. Append only: several tests share it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.scenes import scene
from tests.survey.made import API, believing, campaign, ok, signature
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import SHANGHAI
from toilet_api.reporting.reports import clock
from toilet_api.survey.clock import this_moment

TOWNSHIP, OTHER_TOWNSHIP = "360423208", "360423500"
MONDAY, FRIDAY = "2026-11-23T09:00", "2026-11-27T17:30"
"""A week is opened at the latest, and is due."""


def at(text: str) -> datetime:
    """A moment in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@contextmanager
def it_is(app: FastAPI, moment: datetime) -> Iterator[None]:
    """The routes believe that it is this moment."""

    async def told() -> datetime:
        return moment

    app.dependency_overrides[this_moment] = told
    with believing(moment):
        yield
    del app.dependency_overrides[this_moment]


@scene
def begun(admin: TestClient, database: Database, *moments: str) -> dict[str, Any]:
    """A campaign that was opened in November 2026, whatever day it is; then the clock strikes at these moments."""
    shown = campaign(admin, verification_levels=[])
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(text("update campaign set opened_at = '2026-11-20T09:00+08:00'"))
    pass_time(database, *moments)
    return shown


def pass_time(database: Database, *moments: str) -> None:
    """The clock strikes at these moments."""
    for moment in moments:
        clock.run(database, at(moment))


def reports(client: TestClient, **params: Any) -> list[dict[str, Any]]:
    """The list's items."""
    items: list[dict[str, Any]] = ok(client.get(f"{API}/reports", params={"limit": 1000, **params}))["items"]
    return items


def report(client: TestClient, **params: Any) -> dict[str, Any]:
    """The only report of this kind, with its newest edition."""
    found = reports(client, **params)
    assert len(found) == 1, found
    shown: dict[str, Any] = ok(client.get(f"{API}/reports/{found[0]['id']}"))
    return shown


def weekly(client: TestClient, division: str = TOWNSHIP, **params: Any) -> dict[str, Any]:
    """The township's weekly report."""
    return report(client, kind="weekly", division=division, level="township", **params)


def step(client: TestClient, one: dict[str, Any], name: str, **body: Any) -> dict[str, Any]:
    """The report after a step that must succeed."""
    shown: dict[str, Any] = ok(client.post(f"{API}/reports/{one['id']}/{name}", json=body or None))
    return shown


@scene
def handed_in(manager: TestClient, one: dict[str, Any]) -> dict[str, Any]:
    """A drawn report, signed by its township and submitted."""
    step(manager, one, "sign", signature_ids=[signature(manager, one["division_code"])])
    return step(manager, one, "submit")


def records(client: TestClient, one: dict[str, Any], figure: str, **params: Any) -> list[dict[str, Any]]:
    """The records behind a figure."""
    answer = client.get(f"{API}/reports/{one['id']}/records", params={"figure": figure, "limit": 1000, **params})
    items: list[dict[str, Any]] = ok(answer)["items"]
    return items
