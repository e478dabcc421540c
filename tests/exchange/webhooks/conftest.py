"""Receivers run on 127.0.0.1, which the settings of these tests open."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import make_settings
from tests.exchange.webhooks.receiver import Receiver, receiving
from toilet_api.exchange.webhooks import working
from toilet_api.kernel import jobs
from toilet_api.kernel.database import Database
from toilet_api.kernel.objects import ObjectStore
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return make_settings(database_url, tmp_path).model_copy(update={"webhook_allowed_networks": "127.0.0.0/8"})


@pytest.fixture
def context(database: Database, settings: Settings) -> jobs.Context:
    return jobs.Context(database, Vault(settings), ObjectStore(settings), settings)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def push(context: jobs.Context) -> Callable[..., int]:
    """Collect and send what is due, here and now, or as of another moment; gives how many attempts were made."""

    def due(at: Any = None) -> int:
        return working.push_due(context, at)

    return due
