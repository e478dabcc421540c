"""The demonstration county: loaded once into an empty database, with one password for all its logins."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

from toilet_api import demonstration
from toilet_api.demonstration.county import CLIENT
from toilet_api.kernel.database import EVERYWHERE, Database, driver_url
from toilet_api.kernel.progress import Step
from toilet_api.settings import Settings

COUNTY = "360423"
HOUSEHOLDS = 600
SEED = 1


@dataclass(frozen=True)
class Login:
    """An account of the demonstration: its name, what it is, and where."""

    username: str
    kind: str
    display_name: str
    roles: str


def load(settings: Settings, county: str, households: int, seed: int, step: Step) -> None:
    """Load the demonstration. Raises DemonstrationRefusedError on a database with other data."""
    with _marked(settings):
        demonstration.load(settings, county, households, seed, password(settings), step)


def clear_unfinished(settings: Settings) -> bool:
    """Clear away a demonstration whose loading was killed half-way; whether there was one.

    Only for the embedded database, which nobody else can have filled in the meantime.
    """
    if not _mark(settings).exists():
        return False
    engine = create_engine(driver_url(settings.owner_url or ""))
    try:
        with engine.begin() as connection:
            connection.execute(text(f'drop schema if exists "{settings.database_schema}" cascade'))
    finally:
        engine.dispose()
    adopt(settings)
    return True


def adopt(settings: Settings) -> None:
    """Whatever is in the database stays from now on: it is about to be used."""
    _mark(settings).unlink(missing_ok=True)


def is_empty(settings: Settings) -> bool:
    """Whether nobody has an account yet."""
    database = Database(settings)
    try:
        with database.transaction(EVERYWHERE) as session:
            return bool(session.connection().execute(text("select not exists (select from principal)")).scalar_one())
    finally:
        database.dispose()


def password(settings: Settings) -> str:
    """DEMO_PASSWORD, or one that is made up at the first start and kept in DATA_DIR/demo_password (0600)."""
    if given := os.environ.get("DEMO_PASSWORD"):
        return given
    path = settings.data_dir / "demo_password"
    if not path.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        # Four groups with every kind of character that the password rules ask for.
        made = f"Demo-{secrets.token_hex(3)}-{secrets.token_hex(3)}-{secrets.randbelow(90) + 10}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(made + "\n")
    return path.read_text().strip()


def kept_password(settings: Settings) -> str | None:
    """The password that was made up at the first start, if one was."""
    path = settings.data_dir / "demo_password"
    return path.read_text().strip() if path.exists() else None


def logins(settings: Settings) -> list[Login]:
    """The accounts of the demonstration that are in the database."""
    names = [
        "province_inspector", "city_inspector", "county_admin", "county_reviewer", "township_manager",
        "township_manager_2", "village_surveyor", "village_surveyor_2", "auditor", CLIENT,
    ]  # fmt: skip
    database = Database(settings)
    try:
        with database.transaction(EVERYWHERE) as session:
            rows = session.connection().execute(
                text(
                    """
                    select username, kind, display_name, string_agg(role || ' @ ' || held.division_code, ', ') as roles
                    from principal join principal_grant held on held.principal_id = principal.id
                    where username = any(:names) group by principal.id
                    order by array_position(cast(:names as text[]), username)
                    """
                ),
                {"names": names},
            )
            return [Login(row.username, row.kind, row.display_name, row.roles) for row in rows]
    finally:
        database.dispose()


def _mark(settings: Settings) -> Path:
    return settings.data_dir / f"demonstration_unfinished.{settings.database_schema}"


@contextmanager
def _marked(settings: Settings) -> Iterator[None]:
    # Only on an empty database: a refused load must never lead to clearing other data.
    if is_empty(settings):
        _mark(settings).parent.mkdir(parents=True, exist_ok=True)
        _mark(settings).touch()
    yield
    adopt(settings)
