"""Several imports at once, of the same households in another order: each ends, and none has to be done again."""

import random
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from tests.conftest import plain
from tests.exchange.pure import number
from tests.exchange.test_places import As
from tests.exchange.test_register import households, ledger
from tests.exchange.upload import follow, upload
from toilet_api.exchange.imports import judged
from toilet_api.kernel import jobs
from toilet_api.kernel.database import Database
from toilet_api.settings import Settings

ROWS, FILES = 100, 2


def shuffled(seed: int, *, note: str = "") -> bytes:
    """The same households each time, in another order."""
    rows = [f"安乐村,张三丰,{number(one)},,,4,三格,2024,卫健,,{note}" for one in range(1, ROWS + 1)]
    random.Random(seed).shuffle(rows)
    return ledger(*rows)


def at_once(client: TestClient, database: Database, settings: Settings, *files: bytes, **form: str) -> list[Any]:
    """The jobs of these files, done at the same time, each at its first attempt."""
    made = [upload(client, content, f"{index}.csv", **form)["id"] for index, content in enumerate(files)]
    jobs.run_worker(settings, wait=False, concurrency=len(files), database=database)
    with psycopg.connect(plain(settings.database_url or "")) as connection:
        (attempts,) = connection.execute(
            "select max(attempts) from toilet.procrastinate_jobs where task_name = 'import.run'"
        ).fetchone() or (None,)
    assert attempts == 1
    return [follow(client, one) for one in made]


@pytest.fixture
def in_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that each holds a part of what the others need."""
    monkeypatch.setattr(judged, "BATCH", 4)


@pytest.mark.usefixtures("in_small_batches")
def test_the_same_households_in_another_order(as_: As, database: Database, settings: Settings) -> None:
    county = as_("county_admin")
    ended = at_once(county, database, settings, *(shuffled(seed) for seed in range(FILES)))
    assert [job["state"] for job in ended] == ["succeeded"] * FILES
    counts = [job["counts"] for job in ended]
    assert all(one["rows_in"] == ROWS for one in counts)
    assert sum(one["created"] for one in counts) == len(households(county)) == ROWS
    assert sum(one["unchanged"] + one["rejected"] for one in counts) == ROWS * (FILES - 1)

    noted = [shuffled(seed, note=f"第{seed}次") for seed in range(FILES)]
    ended = at_once(county, database, settings, *noted, on_conflict="update")
    assert [job["state"] for job in ended] == ["succeeded"] * FILES
    assert [job["counts"]["updated"] for job in ended] == [ROWS] * FILES
    assert len({one["note"] for one in households(county)}) == 1, "the last one's"
