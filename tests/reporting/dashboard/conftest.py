"""Whoever looks at the dashboard."""

from collections.abc import Callable

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.reporting.dashboard.pages import viewer
from tests.talking import talking


@pytest.fixture
def seen_by(app: FastAPI, portal: BlockingPortal) -> Callable[[str], TestClient]:
    """`seen_by("county_admin")`: a browser that is logged in at the dashboard."""
    made: dict[str, TestClient] = {}

    def looking(name: str) -> TestClient:
        if name not in made:
            made[name] = viewer(talking(app, portal), name)
        return made[name]

    return looking
