"""One furnished database for the whole matrix: every cell is rehearsed, never performed."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Request, Response

from tests.conftest import make_settings, on, plain
from tests.scope import (
    furnish,
    furnish_assessment,
    furnish_exchange,
    furnish_rectification,
    furnish_reports,
    furnish_sharing,
    furnish_statistics,
    furnish_sync,
    furnish_webhooks,
)
from tests.scope.places import CITIES, COUNTIES, HOMES, PROVINCES, TOWNSHIPS
from tests.scope.probe import Furniture
from tests.talking import answered, save_hops, talking
from tests.world import PASSWORD
from toilet_api.app import connect
from toilet_api.kernel import database, jobs
from toilet_api.kernel.database import SYSTEM, Actor, Database, Session, begin, forget

_STATE = ("settings", "database", "vault", "key_ring", "objects", "cursor_secret")


class Rehearsal(Database):
    """A database on which no transaction of the application is ever committed."""

    @contextmanager
    def transaction(self, prefixes: tuple[str, ...] = (), actor: Actor = SYSTEM) -> Iterator[Session]:
        with Session(self.engine, expire_on_commit=False) as session:
            begin(session, self.settings, prefixes, actor)
            yield session
            session.flush()


class _RehearsedSession(Session):
    """A request's session that writes what is pending, for its errors, and then forgets it."""

    def commit(self) -> None:
        self.flush()
        forget(self)


@dataclass(frozen=True)
class House:
    """The furnished database, and a client for each caller."""

    app: FastAPI
    furniture: Furniture
    tokens: dict[str, str]
    state: dict[str, Any]
    portal: BlockingPortal

    def answers(self, requests: Iterable[dict[str, Any]]) -> list[Response]:
        """What the app answers to these, one after the other, straight in its event loop: the quickest way to ask."""
        asked = [Request(**{**one, "url": f"http://testserver{one['url']}"}) for one in requests]

        async def ask() -> list[Response]:
            return [await answered(self.app, one, is_own=True) for one in asked]

        return self.portal.call(ask)

    @property
    def database(self) -> Database:
        """The way to it; its transactions are rolled back."""
        made: Database = self.state["database"]
        return made


def _login(app: FastAPI, portal: BlockingPortal, name: str) -> TestClient:
    client = talking(app, portal)
    form = {"grant_type": "password", "username": name, "password": PASSWORD}
    if name.endswith("_client"):
        form = {"grant_type": "client_credentials", "client_id": name, "client_secret": PASSWORD}
    answer = client.post("/api/v1/auth/token", data=form)
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return client


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture(scope="session")
def furnished(
    server: str, template: str, built_app: FastAPI, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """The house, furnished once a process."""
    _execute(server, f"create database furnished template {template} strategy file_copy")
    settings = make_settings(on(server, "furnished"), Path(tmp_path_factory.mktemp("furnished")))
    settings = settings.model_copy(update={"access_token_minutes": 120})  # the logins are for the whole matrix
    connect(built_app, settings)
    furniture = Furniture()
    save_hops()
    with start_blocking_portal(backend_options={"use_uvloop": True}) as portal:
        furnish.accounts(built_app.state.database, settings, furniture)
        names = (*HOMES, *furnish.KEEPERS, furnish.CHECKER, furnish.TWO_HATS)
        clients = {name: _login(built_app, portal, name) for name in names}
        for place in (*TOWNSHIPS, *COUNTIES, *CITIES, *PROVINCES):  # whoever works there
            clients[place] = _login(built_app, portal, f"active_{place}")
        furnish.records(clients, furniture)
        furnish_rectification.rectification(clients, furniture)
        furnish_rectification.oversight(clients, furniture)
        furnish_sync.sent(clients["keeper"], furniture)
        furnish_exchange.before_the_worker(clients, furniture)
        jobs.run_worker(settings, wait=False, database=built_app.state.database)
        furnish_exchange.after_the_worker(clients, furniture)
        furnish_sharing.furnish(clients, furniture, built_app.state.database)
        furnish_webhooks.webhooks(clients, furniture)
        furnish_reports.furnish(furniture, built_app.state.database)
        furnish_assessment.furnish(furniture, built_app.state.database)
        furnish_statistics.furnish(built_app.state.database)
        furnish.look(built_app.state.database, furniture)
        state = {name: getattr(built_app.state, name) for name in _STATE}
        state["database"].dispose()
        state["database"] = Rehearsal(settings)
        tokens = {name: client.headers["Authorization"] for name, client in clients.items()}
        yield House(built_app, furniture, tokens, state, portal)
        state["database"].dispose()
    _execute(server, "drop database furnished with (force)")


@pytest.fixture
def house(furnished: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """The furnished house, with the app connected to it; nothing is committed."""
    for name, value in furnished.state.items():
        setattr(furnished.app.state, name, value)
    # Not by dependency_overrides: FastAPI would analyse those anew for every request.
    monkeypatch.setattr(database, "Session", _RehearsedSession)
    return furnished
