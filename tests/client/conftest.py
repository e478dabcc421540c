"""A fake server, and time that doesn't pass."""

from types import SimpleNamespace

import pytest

from tests.client.fake import FakeServer
from toilet_api.client import connection, jobs


@pytest.fixture
def fake() -> FakeServer:
    return FakeServer()


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it would have waited after a fault, each time."""
    pauses: list[float] = []
    monkeypatch.setattr(connection, "time", SimpleNamespace(sleep=pauses.append))
    monkeypatch.setattr(jobs, "FIRST_SECONDS", 0.0)
    return pauses
