"""`/healthz` tells that the process runs, `/readyz` that it can serve."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.conftest import make_settings
from toilet_api.app import connect
from toilet_api.kernel.migrations import heads, migrate, revisions
from toilet_api.settings import Settings


@pytest.fixture
def on_empty(built_app: FastAPI, empty: Settings) -> Iterator[TestClient]:
    connect(built_app, empty)
    with TestClient(built_app, raise_server_exceptions=False) as client:
        yield client
    built_app.state.database.dispose()


def test_ready_only_when_every_migration_has_run(on_empty: TestClient, empty: Settings) -> None:
    def unready() -> str:
        assert on_empty.get("/healthz").status_code == 200
        answer = on_empty.get("/readyz", headers={"Accept-Language": "en"})
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.json()["detail"]

    assert "toilet-api migrate" in unready()
    migrate(empty, revisions()[-2])
    assert "toilet-api migrate" in unready()
    migrate(empty)
    ready = on_empty.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {"status": "ready", "migration": ", ".join(heads())}
    assert ready.headers["cache-control"] == "no-store"


def test_not_ready_without_the_database_which_says_nothing_of_its_address(
    built_app: FastAPI, tmp_path_factory: pytest.TempPathFactory
) -> None:
    connect(built_app, make_settings("postgresql://nobody:hidden@127.0.0.1:1/none", tmp_path_factory.mktemp("away")))
    with TestClient(built_app, raise_server_exceptions=False) as client:
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz", headers={"Accept-Language": "en"})
    assert answer.status_code == 503
    assert answer.json()["detail"] == "The database is not available."
    assert "127.0.0.1" not in answer.text
    built_app.state.database.dispose()
