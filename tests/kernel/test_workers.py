"""Jobs of workers that die, and of those that only seem to; and a worker that ends when nothing is due."""

import time
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import text
from tests.conftest import plain

from toilet_api.kernel import jobs, workers
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.objects import ObjectStore
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings

NAME = "test.task"
RAN: list[int] = []
GAVE_UP: list[str] = []


def _run(context: jobs.Context, *, seconds: float = 0) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        context.give_way()
        time.sleep(0.02)
    RAN.append(context.attempt)


def _failed(context: jobs.Context, error: Exception, *, seconds: float = 0) -> None:
    assert context.attempt == 1
    GAVE_UP.append(f"{error} ({seconds})")


@pytest.fixture
def context(database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> jobs.Context:
    monkeypatch.setitem(jobs._tasks, NAME, jobs.Task(NAME, _run, attempts=2, failed=_failed))
    RAN.clear()
    GAVE_UP.clear()
    return jobs.Context(database, Vault(settings), ObjectStore(settings), settings)


@pytest.fixture
def line(settings: Settings) -> Iterator[psycopg.Connection]:
    """The lifeline of a worker, until it is closed."""
    url = plain(settings.database_url or "")
    with psycopg.connect(url, autocommit=True, options="-c search_path=toilet") as connection:
        yield connection


def taken(database: Database, line: psycopg.Connection) -> int:
    """A job that a new worker works on; gives the worker's number."""
    with database.transaction(EVERYWHERE) as session:
        jobs.defer(session, NAME, seconds=0)
    number = int(line.execute("select procrastinate_register_worker_v1()").fetchone()[0])
    line.execute(workers._HOLD.encode(), [number])
    assert line.execute("select (procrastinate_fetch_job_v2(null, %s)).task_name", [number]).fetchone() == (NAME,)
    return number


def status(database: Database) -> tuple[str, int]:
    with database.transaction(EVERYWHERE) as session:
        question = text("select status::text, attempts from procrastinate_jobs where task_name = :name")
        found = session.connection().execute(question, {"name": NAME}).one()
        return (found[0], found[1])


def test_a_dead_worker_is_known_at_once_and_a_living_one_keeps_its_job(
    context: jobs.Context, database: Database, line: psycopg.Connection
) -> None:
    taken(database, line)
    assert jobs.rescue(context) == 0
    assert status(database) == ("doing", 0)
    line.close()  # as the kernel does for a process that is killed
    until = time.monotonic() + 5
    while not jobs.rescue(context):
        assert time.monotonic() < until
    assert status(database) == ("todo", 1)
    jobs.run_worker(context.settings, wait=False)
    assert (RAN, status(database)) == ([2], ("succeeded", 2))


def test_a_worker_that_fell_silent_loses_its_job_although_its_line_is_open(
    context: jobs.Context, database: Database, line: psycopg.Connection
) -> None:
    number = taken(database, line)
    line.execute("update procrastinate_workers set last_heartbeat = now() - interval '31 s' where id = %s", [number])
    assert jobs.rescue(context) == 1
    assert status(database) == ("todo", 1)


def test_a_job_that_outlives_every_worker_fails_and_says_so(
    context: jobs.Context, database: Database, line: psycopg.Connection
) -> None:
    number = taken(database, line)
    line.execute("update procrastinate_jobs set attempts = 1")
    line.execute("delete from procrastinate_workers where id = %s", [number])
    assert jobs.rescue(context) == 1
    assert status(database)[0] == "failed"
    assert GAVE_UP == ["the worker died during each attempt (0)"]


def test_a_worker_that_does_not_wait_ends_no_job_before_it_is_done(
    context: jobs.Context, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "GRACE_SECONDS", 0.1)
    with database.transaction(EVERYWHERE) as session:
        jobs.defer(session, NAME, seconds=0.5)
    jobs.run_worker(context.settings, wait=False)
    assert (RAN, status(database)) == ([1], ("succeeded", 1))


def test_a_worker_that_loses_its_lifeline_ends(
    context: jobs.Context, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would go on with jobs that others have taken by then."""
    monkeypatch.setattr(jobs, "HEARTBEAT_SECONDS", 0.1)
    registered = workers.Lifeline.register_worker

    async def cut(self: workers.Lifeline) -> int:
        number = await registered(self)
        await self._line.close()
        return number

    monkeypatch.setattr(workers.Lifeline, "register_worker", cut)
    began = time.monotonic()
    jobs.run_worker(context.settings)
    assert time.monotonic() - began < 10
