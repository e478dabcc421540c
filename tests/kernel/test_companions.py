"""What a worker does beside its jobs: begun again when it breaks off, ended with it, done once by who leaves."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from toilet_api.kernel import jobs
from toilet_api.kernel.database import Database
from toilet_api.kernel.objects import ObjectStore
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings


def test_it_is_begun_again_and_ends_with_the_worker(
    monkeypatch: pytest.MonkeyPatch, database: Database, settings: Settings
) -> None:
    begun, running = [], threading.Event()

    def run(context: jobs.Context, stop: threading.Event) -> None:
        begun.append(context)
        if len(begun) < 3:
            raise RuntimeError
        running.set()
        stop.wait(10)
        begun.append(None)

    monkeypatch.setattr(jobs, "_companions", {"one": jobs.Companion("one", run, bool)})
    monkeypatch.setattr(jobs, "RESCUE_SECONDS", 0.01)
    context = jobs.Context(database, Vault(settings), ObjectStore(settings), settings)

    async def work() -> None:
        async with jobs._accompanied(context):
            assert await asyncio.to_thread(running.wait, 10)

    asyncio.run(work())
    assert begun == [context, context, context, None]


def test_a_worker_that_does_not_wait_does_it_once_after_the_jobs(
    monkeypatch: pytest.MonkeyPatch, drain_jobs: Callable[[], None]
) -> None:
    done: list[jobs.Context] = []
    monkeypatch.setattr(jobs, "_companions", {"one": jobs.Companion("one", lambda *_: None, done.append)})
    drain_jobs()
    assert len(done) == 1


def test_a_name_is_declared_once() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        jobs.beside(name="webhooks", once=bool)(lambda *_: None)
