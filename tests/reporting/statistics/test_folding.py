"""A worker sums up beside its jobs: soon where there is enough of it, after a while whatever there is."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.reporting.statistics.counting import uncounted
from tests.survey.made import home
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.objects import ObjectStore
from toilet_api.kernel.vault import Vault
from toilet_api.reporting.statistics import folding
from toilet_api.settings import Settings

As = Callable[[str], TestClient]


def waiting(database: Database) -> int:
    with database.transaction(EVERYWHERE) as session:
        return int(session.connection().execute(text("select count(*) from statistic_delta")).scalar_one())


@pytest.mark.parametrize(("enough", "longest"), [(1, 600.0), (1_000_000, 0.0)])
def test_what_was_written_is_summed_up_beside_the_jobs(
    as_: As, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch, enough: int, longest: float
) -> None:
    for name, value in (("ENOUGH", enough), ("_LONGEST_SECONDS", longest), ("_TICK_SECONDS", 0.01)):
        monkeypatch.setattr(folding, name, value)
    home(as_("village_surveyor"))
    assert waiting(database) > 0
    context = jobs.Context(database, Vault(settings), ObjectStore(settings), settings)
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(folding.keep_folding, context, stop)
        deadline = time.monotonic() + 20
        while waiting(database) and not working.done() and time.monotonic() < deadline:
            time.sleep(0.02)
        stop.set()
        working.result(20)
    assert waiting(database) == 0
    assert uncounted(database) == []
    assert folding.fold(context) == 0
