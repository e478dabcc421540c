"""Bring a database up to date. The migrations themselves stand in `migrations/` at the top of the repository."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text

from toilet_api.kernel.database import driver_url
from toilet_api.settings import Settings

LOCATION = Path(__file__).resolve().parents[3] / "migrations"
_LOCK = 0x746F696C6574  # "toilet": two processes that start at once migrate one after the other


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(LOCATION).replace("%", "%%"))
    config.set_main_option("prepend_sys_path", str(LOCATION.parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@cache
def heads() -> set[str]:
    """The revisions that a complete database has."""
    return set(ScriptDirectory.from_config(_config()).get_heads())


@cache
def revisions() -> tuple[str, ...]:
    """Every revision, the first one first."""
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return tuple(reversed([script.revision for script in scripts]))


def applied(engine: Engine, schema: str) -> set[str]:
    """The revisions that a database has; none when nothing was ever migrated."""
    with engine.connect() as connection:
        if (
            connection.execute(text("select to_regclass(:name)"), {"name": f'"{schema}".alembic_version'}).scalar()
            is None
        ):
            return set()
        return set(connection.execute(text(f'select version_num from "{schema}".alembic_version')).scalars())


def migrate(settings: Settings, revision: str = "head") -> None:
    """Run what is missing, as the owner of the database, in one transaction. Running it again changes nothing."""
    if settings.owner_url is None:
        raise ValueError("no DATABASE_URL and no embedded server was started")
    engine = create_engine(driver_url(settings.owner_url), connect_args={"application_name": "toilet-migrate"})
    try:
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            config = _config()
            config.attributes["connection"] = connection
            config.attributes["schema"] = settings.database_schema
            config.attributes["app_role"] = settings.app_role
            command.upgrade(config, revision)
    finally:
        engine.dispose()
