"""Waiting for changes: who is woken, when, and what is held meanwhile: nothing."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.exchange.changes.walking import API, Held, ask, here
from tests.registry import made as registry
from tests.registry.made import OTHER_VILLAGE
from toilet_api.exchange.changes import waiting
from toilet_api.exchange.changes.waiting import Watch
from toilet_api.kernel.database import Database

As = Callable[[str], TestClient]


def _watch(app: FastAPI) -> Watch:
    watch: Watch = app.state.change_watch
    return watch


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)


def _waiting(app: FastAPI, pool: ThreadPoolExecutor, work: Callable[[], Any], count: int = 1) -> Future[Any]:
    """Something that waits in another thread; it does when this returns."""
    running = pool.submit(work)
    _until(lambda: _watch(app).waiting_now == count)
    return running


def _nobody(app: FastAPI) -> bool:
    return _watch(app).waiting_now == 0


def test_a_change_is_answered_at_once_and_nothing_is_held_meanwhile(as_: As, app: FastAPI, database: Database) -> None:
    surveyor = as_("village_surveyor")
    cursor = here(surveyor)
    with ThreadPoolExecutor(1) as pool:
        waiter = _waiting(app, pool, lambda: (ask(surveyor, cursor, wait=20), time.monotonic()))
        _until(lambda: database.engine.pool.checkedout() <= 1)  # type: ignore[attr-defined]  # the look of the process
        held = Held(database)
        held.write(uuid4(), 1)
        committed = time.monotonic()
        held.commit()
        page, answered = waiter.result()
    assert len(page["items"]) == 1
    assert answered - committed < 10
    assert _nobody(app)
    _until(lambda: database.engine.pool.checkedout() == 0)  # type: ignore[attr-defined]


def test_what_concerns_others_wakes_nobody(as_: As, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    surveyor, other = as_("village_surveyor"), as_("village_surveyor_2")
    cursor, others = here(surveyor), here(other)
    with ThreadPoolExecutor(2) as pool:
        mine = _waiting(app, pool, lambda: ask(surveyor, cursor, wait=1))
        theirs = _waiting(app, pool, lambda: ask(other, others, wait=20), 2)
        registry.household(as_("county_admin"), division_code=OTHER_VILLAGE)
        page = theirs.result()
        began = time.monotonic()
        empty = mine.result()
    assert [one["division_code"] for one in page["items"]] == [OTHER_VILLAGE]
    assert (empty["items"], empty["more"]) == ([], False)
    assert time.monotonic() - began < 1.5
    assert ask(surveyor, empty["next_cursor"])["items"] == []


def test_an_empty_feed_is_answered_when_the_time_is_over(as_: As) -> None:
    cursor, began = here(as_("village_surveyor")), time.monotonic()
    assert ask(as_("village_surveyor"), cursor, wait=1)["items"] == []
    assert 0.9 < time.monotonic() - began < 2


def test_rights_taken_away_end_the_waiting(as_: As, app: FastAPI) -> None:
    admin, surveyor = as_("county_admin"), as_("village_surveyor")
    cursor = here(surveyor)
    person = admin.get("/api/v1/users", params={"text": "village_surveyor"}).json()["items"][0]
    with ThreadPoolExecutor(1) as pool:
        waiter = _waiting(app, pool, lambda: surveyor.get(API, params={"since": cursor, "wait": 20}))
        answer = admin.post(f"/api/v1/users/{person['id']}/lock", json={"reason": "离岗"})
        assert answer.status_code == 200, answer.text
        registry.household(admin)
        assert waiter.result().status_code == 401


def test_only_so_many_wait(as_: As, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    surveyor, manager = as_("village_surveyor"), as_("township_manager")
    cursor, other = here(surveyor), here(manager)
    monkeypatch.setattr(waiting, "EACH", 1)
    with ThreadPoolExecutor(1) as pool:
        waiter = _waiting(app, pool, lambda: ask(surveyor, cursor, wait=20))
        refused = surveyor.get(API, params={"since": cursor, "wait": 20})
        assert (refused.status_code, refused.json()["code"]) == (503, "too_many_waiting")
        assert refused.headers["retry-after"] == "5"
        monkeypatch.setattr(app.state.settings, "change_waiters", 1)
        assert manager.get(API, params={"since": other, "wait": 20}).status_code == 503
        assert ask(surveyor, cursor)["items"] == []  # who doesn't wait is answered
        registry.household(surveyor)
        assert len(waiter.result()["items"]) == 1


def test_a_process_that_stops_lets_its_waiters_go(as_: As, app: FastAPI, portal: BlockingPortal) -> None:
    surveyor = as_("village_surveyor")
    cursor = here(surveyor)
    with ThreadPoolExecutor(1) as pool:
        waiter = _waiting(app, pool, lambda: ask(surveyor, cursor, wait=20))
        portal.call(_watch(app).close)
        assert waiter.result()["items"] == []
        assert ask(surveyor, cursor, wait=20)["items"] == []


def test_who_goes_away_frees_everything(as_: As, app: FastAPI, portal: BlockingPortal) -> None:
    cursor = here(as_("village_surveyor"))
    token = as_("village_surveyor").headers["Authorization"]
    sent: list[Any] = []

    async def go() -> None:
        leave = asyncio.Event()
        asking = asyncio.create_task(_asked(app, f"since={cursor}&wait=20", token, leave, sent))
        while _watch(app).waiting_now == 0:
            await asyncio.sleep(0.005)
        leave.set()
        await asyncio.wait_for(asking, 2)

    portal.call(go)
    assert _nobody(app)


def _asked(app: FastAPI, query: str, token: str, leave: asyncio.Event, sent: list[Any]) -> Coroutine[Any, Any, None]:
    """A request whose client leaves when it is told to."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "headers": [(b"authorization", token.encode())],
        "scheme": "http",
        "path": API,
        "raw_path": API.encode(),
        "query_string": query.encode(),
        "server": ("testserver", 80),
        "client": ("testclient", 50000),
        "root_path": "",
    }
    begun = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        for message in begun:
            return message
        await leave.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    return app(scope, receive, send)


def test_a_look_that_fails_wakes_everyone_and_is_begun_anew(
    as_: As, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    surveyor = as_("village_surveyor")
    cursor, failures = here(surveyor), [1]
    looked = waiting._ended

    def fails_once(connection: Any) -> str:
        if failures:
            failures.pop()
            raise OSError
        return looked(connection)

    monkeypatch.setattr(waiting, "_ended", fails_once)
    monkeypatch.setattr(waiting, "FAILED_SECONDS", 0.05)
    with ThreadPoolExecutor(1) as pool:
        waiter = _waiting(app, pool, lambda: ask(surveyor, cursor, wait=20))
        _until(lambda: not failures)
        time.sleep(0.2)
        registry.household(surveyor)
        assert len(waiter.result()["items"]) == 1
