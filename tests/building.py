"""The app, built once a process: building takes longer than most tests, connecting it takes nothing."""

import gc
from functools import cache
from pathlib import Path

from fastapi import FastAPI

from tests.conftest import make_settings
from toilet_api.app import connect, create_app
from toilet_api.settings import Settings


@cache
def the_app() -> FastAPI:
    """Connected to nothing yet."""
    nowhere = Path("/dev/null/unused")  # where nothing can be kept
    app = create_app(make_settings("postgresql://nowhere/nothing", nowhere))
    app.state.database.dispose()
    gc.freeze()
    return app


def connected(settings: Settings) -> FastAPI:
    """The app with other settings, as if it were built for them."""
    app = the_app()
    connect(app, settings)
    return app
