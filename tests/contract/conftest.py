"""The document, built without a database; and a furnished county behind a real server, once a module."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI

from tests.conftest import make_settings, on, plain
from tests.contract.served import Served, furnish, serving
from toilet_api.app import connect, create_app
from toilet_api.settings import Settings


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    app = create_app(Settings(database_url="postgresql://nowhere/none", secret_key="only-for-the-document-" * 2))
    app.state.database.dispose()
    return json.loads(json.dumps(app.openapi()))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def served(
    server: str,
    template: str,
    built_app: FastAPI,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Served]:
    """The app on a database of this module's own. Tests that take it mustn't take `app` too."""
    name = request.module.__name__.rsplit(".", 1)[-1]
    url = on(server, name)
    with psycopg.connect(plain(server), autocommit=True) as connection:
        connection.execute(f"create database {name} template {template} strategy file_copy".encode())
        settings = make_settings(url, tmp_path_factory.mktemp(name))
        connect(built_app, settings.model_copy(update={"access_token_minutes": 120}))
        with serving(built_app) as running:
            furnish(running)
            yield running
        built_app.state.database.dispose()
        connection.execute(f"drop database {name} with (force)".encode())
