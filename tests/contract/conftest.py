"""The document; and a furnished county behind a real server, once a process."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from anyio import to_thread
from fastapi import FastAPI

from tests.conftest import make_settings, on, plain
from tests.contract.served import Served, furnish, here, serving
from toilet_api.app import create_app


@pytest.fixture(scope="session")
def document(built_app: FastAPI) -> dict[str, Any]:
    return json.loads(json.dumps(built_app.openapi()))  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def served(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An app and a database of its own for the tests of the contract, once a process."""
    with psycopg.connect(plain(server), autocommit=True) as connection:
        connection.execute(f"create database contract template {template} strategy file_copy".encode())
    settings = make_settings(on(server, "contract"), tmp_path_factory.mktemp("contract"))
    app = create_app(settings.model_copy(update={"access_token_minutes": 24 * 60, "upload_max_bytes": 8 * 1024 * 1024}))
    with serving(app) as running:
        furnish(running)
        yield running
        running.owner.close()
    app.state.database.dispose()


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that never ask for two things at a time: the server saves the hops to its threads."""
    monkeypatch.setattr(to_thread, "run_sync", here)
