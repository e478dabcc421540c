"""The demonstration county: loaded once into an empty database, with one password for all its logins."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

from toilet_api.commands import demo_password
from toilet_api.commands.deployment import say
from toilet_api.demonstration.places import CLIENT, DemonstrationRefusedError
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
    from toilet_api.demonstration import county as made  # the whole house, which `serve` without it needn't load

    password = demo_password.choose(settings)
    if faults := demo_password.weaknesses(password):
        say(f"注意：DEMO_PASSWORD 较弱，勿对外开放 / DEMO_PASSWORD is weak; keep this to yourself: {'; '.join(faults)}")
    with _marked(settings):
        made.load(settings, county, households, seed, password, step)


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
    try:
        yield
    except DemonstrationRefusedError:  # before anything was written
        adopt(settings)
        raise
    adopt(settings)


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """One process at a time fills a data directory; another one that starts meanwhile waits, and finds it filled."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    handle = os.open(settings.data_dir / "filling", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
