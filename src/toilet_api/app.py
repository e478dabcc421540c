"""Builds the FastAPI app: rooms, error answers, documentation."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI

from toilet_api import __version__
from toilet_api.accounts.caller import may
from toilet_api.accounts.keys import KeyRing
from toilet_api.accounts.permissions import Permission
from toilet_api.accounts.routes import routers as accounts
from toilet_api.accounts.routes import well_known
from toilet_api.divisions.routes import build_router as build_divisions
from toilet_api.exchange.changes.waiting import Watch
from toilet_api.exchange.routes import routers as exchange
from toilet_api.exchange.sharing.accesses import Accesses
from toilet_api.exchange.webhooks.document import router as webhooks
from toilet_api.handbook import pages
from toilet_api.kernel import answers
from toilet_api.kernel.compression import Compression
from toilet_api.kernel.database import Database
from toilet_api.kernel.limits import Envelope
from toilet_api.kernel.objects import ObjectStore
from toilet_api.kernel.paths import Paths
from toilet_api.kernel.rates import Meter
from toilet_api.kernel.requests import ContractRoute
from toilet_api.kernel.routes import health, problem_pages
from toilet_api.kernel.routes import router as reference
from toilet_api.kernel.vault import Vault
from toilet_api.openapi import describe
from toilet_api.oversight.routes import routers as oversight
from toilet_api.rectification.routes import routers as rectification
from toilet_api.registry.routes import routers as registry
from toilet_api.reporting.dashboard import routes as dashboard
from toilet_api.reporting.routes import routers as reporting
from toilet_api.settings import Settings
from toilet_api.survey.routes import routers as survey

API = "/api/v1"


def connect(app: FastAPI, settings: Settings) -> None:
    """Give `app` its database, its keys and its store of files. Building an app is dear, connecting it is cheap."""
    app.state.settings = settings
    app.state.database = Database(settings)
    app.state.meter = Meter(app.state.database)
    app.state.change_watch = Watch(app.state.database)
    app.state.vault = Vault(settings)
    app.state.key_ring = KeyRing(app.state.vault)
    app.state.objects = ObjectStore(settings)
    app.state.cursor_secret = settings.secret("cursor")


def create_app(settings: Settings) -> FastAPI:
    """The application. `settings.database_url` must be set; the database must be migrated before the first request."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = app.state.settings.database_pool_size + 12
        yield
        app.state.database.dispose()

    app = FastAPI(
        title="农村户厕问题摸排整改接口 / toilet_api",
        version=__version__,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        separate_input_output_schemas=True,
        redirect_slashes=False,
        webhooks=webhooks,
    )
    connect(app, settings)

    divisions = build_divisions(may(Permission.DIVISION_READ), may(Permission.DIVISION_MANAGE))
    rooms = (reference, *accounts, divisions, *registry, *survey, *rectification, *oversight, *reporting, *exchange)
    for router in rooms:  # each straight into the app: FastAPI looks through routers inside of routers at every request
        app.include_router(router, prefix=API)
    app.state.paths = Paths(
        (prefix + route.path, route.methods or ())
        for prefix, some in ((API, rooms), ("", (well_known, problem_pages, health)))
        for router in some
        for route in router.routes
        if isinstance(route, ContractRoute)
    )
    app.include_router(well_known)
    app.include_router(problem_pages)
    app.include_router(health)
    pages.mount(app)
    dashboard.mount(app)
    answers.install(app)
    app.add_middleware(Accesses)
    app.add_middleware(Compression)
    app.add_middleware(Envelope)
    describe(app)
    return app
