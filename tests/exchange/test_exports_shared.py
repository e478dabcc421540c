"""A long export is read by two transactions side by side: the same file, of one moment, stopped as cleanly."""

import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, update

from tests.exchange.exporting import API, ask, content, exported, shown, table
from tests.registry import made as registry
from tests.registry.made import OTHER_TOWNSHIP, OTHER_VILLAGE, TOILET
from toilet_api.exchange.exports import job as running
from toilet_api.exchange.exports.reading import Reading
from toilet_api.exchange.exports.tables import ExportJob
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.objects import ObjectStore
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings

As = Callable[[str], TestClient]
Drain = Callable[[], None]


@pytest.fixture
def county(as_: As, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """Households in two townships; any export counts as long."""
    client = as_("county_admin")
    for place in (OTHER_VILLAGE, OTHER_TOWNSHIP, OTHER_TOWNSHIP):
        registry.household(client, division_code=place, toilets=[TOILET])
    monkeypatch.setattr(running, "LONG", 1)
    return client


@pytest.fixture
def lanes(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """The transactions that were taken to help."""
    taken: list[Session] = []
    share = Reading.share

    def note(reading: Reading, session: Session) -> None:
        taken.append(session)
        share(reading, session)

    monkeypatch.setattr(Reading, "share", note)
    return taken


def cells(data: bytes) -> list[list[Any]]:
    return [list(row) for row in openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True)]


@pytest.mark.parametrize(("form", "read"), [("csv", bytes), ("ndjson", bytes), ("xlsx", cells)])
def test_two_lanes_write_what_one_would(
    county: TestClient,
    lanes: list[Session],
    drain_jobs: Drain,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
    read: Callable[[bytes], Any],
) -> None:
    side_by_side = exported(county, drain_jobs, form=form)
    monkeypatch.setattr(running, "LONG", 1_000)
    # Another filter that leaves nothing out: a repeat would be answered from the stored file.
    alone = exported(county, drain_jobs, form=form, filters={"built_year_from": 1990})
    assert len(lanes) == 1
    assert read(content(county, side_by_side)) == read(content(county, alone))
    assert side_by_side["rows"] == alone["rows"] == 3


def test_both_see_one_moment(county: TestClient, drain_jobs: Drain, monkeypatch: pytest.MonkeyPatch) -> None:
    share = Reading.share

    def late(reading: Reading, session: Session) -> None:
        registry.household(county, division_code=OTHER_TOWNSHIP, toilets=[TOILET])
        share(reading, session)

    monkeypatch.setattr(Reading, "share", late)
    job = exported(county, drain_jobs)
    assert (job["rows"], len(table(content(county, job)))) == (3, 3)
    assert len(county.get(f"{API}/households").json()["items"]) == 4


def test_it_is_stopped_between_blocks_and_both_connections_serve_again(
    county: TestClient, lanes: list[Session], database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_PROGRESS_SECONDS", -1.0)
    job = ask(county)
    about = (database, Vault(settings), ObjectStore(settings), settings)
    with pytest.raises(jobs.JobAborted):
        running.run(jobs.Context(*about, stops=lambda: True), job_id=job["id"])
    assert shown(county, job)["state"] == "running"
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(update(ExportJob).values(cancel_requested=True))
    running.run(jobs.Context(*about), job_id=job["id"])
    assert (shown(county, job)["state"], len(lanes)) == ("cancelled", 2)
    assert not [path for path in (settings.data_dir / "exports").rglob("*") if path.is_file()]
    assert database.engine.pool.checkedout() == 0
