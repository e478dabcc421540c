"""The real app on a real PostgreSQL: a server and a database a process, put back to the template after each test."""

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

import psycopg
import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from fastapi.testclient import TestClient
from procrastinate.periodic import PeriodicDeferrer
from sqlmodel import col, select

from tests.building import the_app
from tests.conftest import SUBSET, make_settings, on, plain
from tests.delivery.running import PASSWORD as DEMO_PASSWORD
from tests.delivery.running import run
from tests.folders import quick_folder
from tests.reporting.statistics.counting import uncounted
from tests.restoring import KeptPool, Restored
from tests.scenes import Stage, on_stage
from tests.talking import save_hops, talking
from tests.world import load_people
from toilet_api.accounts import keys, tokens
from toilet_api.accounts.tables import Principal
from toilet_api.app import connect
from toilet_api.divisions import loading
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.embedded import EmbeddedPostgres
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.migrations import migrate
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings

# What has been imported stays for good: the collector, which stood still meanwhile (tests/__init__.py), needn't look
# through it again and again.
gc.freeze()
gc.enable()
gc.set_threshold(50_000, 20, 50)

# Half of what a short statement costs the server is to think about how to do it, with so few rows in vain.
QUICK_PLANS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_mergejoin": "off",
    "enable_memoize": "off",
    "enable_incremental_sort": "off",
}
# Nothing of it need survive, and nobody copies it; who waits in a circle is told so at once, not after a second.
FORGETFUL = {
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_compression": "off",
    "deadlock_timeout": "'50ms'",
    **QUICK_PLANS,
}


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """URL of this process's own embedded server; it forgets everything, so it needn't be durable."""
    with quick_folder("toilet-test-") as folder:
        postgres = EmbeddedPostgres(Path(folder), fsync=False, options=FORGETFUL)
        yield postgres.start()
        postgres.stop()


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture(scope="session")
def subset() -> Path:
    """A small part of the real division tree, as a file to load."""
    return SUBSET


@pytest.fixture(scope="session")
def divided(server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated database with a small part of the real division tree, and nobody in it."""
    _execute(server, "create database template_divisions")
    settings = make_settings(on(server, "template_divisions"), tmp_path_factory.mktemp("divided"))
    migrate(settings)
    database = Database(settings)
    loading.load(database, SUBSET)
    database.dispose()
    return "template_divisions"


@pytest.fixture(scope="session")
def template(server: str, divided: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same with one account for each role, and a signing key."""
    _execute(server, f"create database template_county template {divided} strategy file_copy")
    url = on(server, "template_county")
    settings = make_settings(url, tmp_path_factory.mktemp("template"))
    database = Database(settings)
    load_people(database, settings)
    with database.transaction(EVERYWHERE) as session:
        keys.rotate(session, Vault(settings))
    database.dispose()
    _execute(url, "delete from toilet.audit_entry where action = 'signing_key.rotated'")
    return "template_county"


@pytest.fixture(scope="session")
def restored(server: str, template: str) -> Iterator[Restored]:
    """The database that this process's tests use one after the other."""
    made = Restored(lambda name: plain(on(server, name)), template)
    yield made
    made.drop()


@pytest.fixture(scope="session")
def kept_pool() -> KeptPool:
    """The app's connections to it, which outlive a test as they outlive a request."""
    return KeptPool()


@pytest.fixture
def database_url(server: str, restored: Restored, kept_pool: KeptPool, tmp_path: Path) -> Iterator[str]:
    """A database as the template is, this test's own while it runs.

    With STATISTICS_CHECKED set, each test ends by counting all it left behind: the whole suite is then one long
    sequence of writes after which every figure must equal a plain count.
    """
    restored.make(kept_pool.backends())
    url = on(server, restored.name)
    yield url
    if os.environ.get("STATISTICS_CHECKED"):
        counted = Database(make_settings(url, tmp_path))
        assert uncounted(counted) == []
        counted.dispose()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return make_settings(database_url, tmp_path)


@pytest.fixture(scope="session")
def built_app() -> FastAPI:
    """The app, built once a process."""
    return the_app()


@pytest.fixture(scope="session")
def demonstrated() -> Iterator[Path]:
    """A data folder with a small demonstration, as `demo` leaves it, for whoever serves a copy of it."""
    with quick_folder("demonstration-") as data:
        loaded = run("divisions", "load", SUBSET, "--data-dir", data)
        assert loaded.code == 0, loaded.err
        # Fewer households than by default; what `serve --demo` then finds, it serves as it is.
        filled = run("demo", "--households", "24", "--data-dir", data, DEMO_PASSWORD=DEMO_PASSWORD)
        assert filled.code == 0, filled.err
        yield Path(data)


@pytest.fixture(scope="session")
def portal(built_app: FastAPI) -> Iterator[BlockingPortal]:
    """The event loop in which the app runs, started once a process."""
    save_hops()
    with TestClient(built_app, backend_options={"use_uvloop": True}) as running:
        assert running.portal is not None
        yield running.portal


@pytest.fixture(scope="session")
def stage(restored: Restored) -> Iterator[Stage]:
    """What is kept of the scenes that tests begin with."""
    made = Stage(restored)
    yield made
    made.end()


@pytest.fixture
def app(
    built_app: FastAPI, settings: Settings, kept_pool: KeptPool, restored: Restored, stage: Stage
) -> Iterator[FastAPI]:
    """The app on this test's database."""
    connect(built_app, settings)
    kept_pool.lend(built_app.state.database, restored.clones)
    with on_stage(stage, built_app):
        yield built_app
    built_app.dependency_overrides.clear()
    kept_pool.take_back(built_app.state.database)


@pytest.fixture
def database(app: FastAPI) -> Database:
    """The app's own way to Postgres, for what can't be seen from outside."""
    made: Database = app.state.database
    return made


@pytest.fixture
def client(app: FastAPI, portal: BlockingPortal) -> TestClient:
    """Talks to the app without a login."""
    return talking(app, portal)


@pytest.fixture(scope="session")
def tokens_made_out() -> dict[tuple[UUID, int], str]:
    """Access tokens by account and version: the template's accounts and signing key are those of every test."""
    return {}


@pytest.fixture(scope="session")
def tokens_at_first() -> dict[str, str]:
    """Access tokens by name, good as long as nothing is written."""
    return {}


@pytest.fixture
def as_(
    client: TestClient,
    app: FastAPI,
    portal: BlockingPortal,
    restored: Restored,
    tokens_made_out: dict[tuple[UUID, int], str],
    tokens_at_first: dict[str, str],
) -> Callable[[str], TestClient]:
    """`as_("township_manager")`: a client that is logged in. How one logs in has tests of its own."""
    made: dict[str, TestClient] = {}

    def token(name: str) -> str:
        if not restored.is_as_made():
            return _token(app, name, tokens_made_out)
        if name not in tokens_at_first:
            tokens_at_first[name] = _token(app, name, tokens_made_out)
        return tokens_at_first[name]

    def login(name: str) -> TestClient:
        if name not in made:
            one = talking(app, portal)
            one.headers["Authorization"] = f"Bearer {token(name)}"
            made[name] = one
        return made[name]

    return login


def _token(app: FastAPI, name: str, known: dict[tuple[UUID, int], str]) -> str:
    state = app.state
    with state.database.transaction(EVERYWHERE) as session:
        one = session.exec(select(Principal).where(col(Principal.username) == name)).one()
        if (one.id, one.token_version) not in known:
            known[one.id, one.token_version] = tokens.issue(
                session,
                state.key_ring,
                state.settings.model_copy(update={"access_token_minutes": 120}),
                subject=one.id,
                token_version=one.token_version,
                family=new_id() if one.kind == "person" else None,
                scope=None,
            )
        return known[one.id, one.token_version]


@pytest.fixture
def drain_jobs(settings: Settings, app: FastAPI) -> Callable[[], None]:
    """Run every queued job, here and now, by the app's own connections, which know the statements already.

    But not what the clock would start, which depends on the minute.
    """

    def drain() -> None:
        with patch.object(PeriodicDeferrer, "get_previous_tasks", return_value=()):
            jobs.run_worker(settings, wait=False, database=app.state.database)

    return drain
