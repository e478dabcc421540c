"""In production the owner of the tables and the login of the application are two, and neither is a superuser."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import on, plain
from tests.delivery.running import run
from toilet_api.settings import Settings

ROLES = Path(__file__).parents[2] / "deploy" / "roles.sql"


@pytest.fixture
def two_logins(empty: Settings, server: str) -> Iterator[dict[str, str]]:
    """DATABASE_OWNER_URL and DATABASE_URL after deploy/roles.sql, as docs/operations.md has it done."""
    # Roles are the server's, which other tests share: so ours have names of their own.
    statements = ROLES.read_text().replace("toilet_", "walled_")
    with psycopg.connect(plain(empty.database_url), autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(statements.encode())
        owner, app = (on(server, name).replace("postgres@", f"{login}@") for login in ("walled_owner", "walled_login"))
        yield {
            "DATABASE_OWNER_URL": owner,
            "DATABASE_URL": app,
            "DATABASE_SCHEMA": "walled",
            "DATA_DIR": str(empty.data_dir),
        }
        for role in ("walled_login", "walled_owner", "walled_app"):
            connection.execute(f"drop owned by {role} cascade".encode())
        connection.execute(b"drop role walled_login, walled_owner, walled_app")


@pytest.mark.slow
def test_an_unprivileged_login_does_everything_but_migrate(two_logins: dict[str, str], subset: Path) -> None:
    app = {name: value for name, value in two_logins.items() if name != "DATABASE_OWNER_URL"}
    refused = run("migrate", **app)
    assert refused.code == 1
    assert "DATABASE_OWNER_URL" in refused.err
    migrated = run("migrate", **two_logins)
    assert migrated.code == 0, migrated.err
    loaded = run("divisions", "load", subset, **app)
    assert loaded.code == 0, loaded.err
    filled = run("demo", "--households", "4", DEMO_PASSWORD="Two-Logins-2026", **app)
    assert filled.code == 0, filled.err
    assert run("keys", "rotate", **app).code == 0
    assert run("worker", "--no-wait", **app).code == 0
    with psycopg.connect(plain(app["DATABASE_URL"])) as connection:
        assert connection.execute("select count(*) from walled.household").fetchone() == (0,), "no scope, no rows"
