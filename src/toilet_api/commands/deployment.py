"""What a command works on: its settings, and its database, which is started when it is the embedded one."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import text

from toilet_api.divisions import loading
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.embedded import EmbeddedPostgres
from toilet_api.kernel.migrations import applied, heads, migrate
from toilet_api.kernel.progress import Step
from toilet_api.settings import Settings

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="数据目录，默认取 DATA_DIR 或 ./data / Where data is kept. [env: DATA_DIR]"),
]


class NotMigratedError(Exception):
    """The tables are not those of this version."""


def say(line: str = "") -> None:
    """Tell the person at the terminal."""
    typer.echo(line)


def read_settings(data_dir: Path | None = None) -> Settings:
    """The settings, with the data directory of the command line, which child processes get as well."""
    if data_dir is not None:
        os.environ["DATA_DIR"] = str(data_dir)
    settings = Settings()
    return settings.model_copy(update={"data_dir": settings.data_dir.expanduser().resolve()})


@contextmanager
def deployment(data_dir: Path | None = None) -> Iterator[Settings]:
    """Settings with a database behind them. Without DATABASE_URL the embedded server runs as long as the block."""
    settings = read_settings(data_dir)
    if settings.database_url:
        yield settings
        return
    postgres = EmbeddedPostgres(settings.data_dir)
    try:
        url = postgres.start()
        yield settings.model_copy(update={"database_url": url, "database_owner_url": None})
    finally:
        postgres.stop()


def prepare(settings: Settings, step: Step) -> None:
    """Migrate where need be, and load the shipped division tree where there is none."""
    bring_up_to_date(settings)
    database = Database(settings)
    try:
        with database.transaction(EVERYWHERE) as session:
            empty = session.connection().execute(text("select not exists (select from division)")).scalar_one()
        if empty:
            loading.load(database, None, part(step, "区划 / divisions"))
    finally:
        database.dispose()


def bring_up_to_date(settings: Settings) -> None:
    """Migrate where something is missing. A complete database takes no owner's rights."""
    if not is_complete(settings):
        migrate(settings)


def require_migrated(settings: Settings) -> None:
    """Raises NotMigratedError on a database that this version does not fit."""
    if not is_complete(settings):
        raise NotMigratedError(
            "数据库迁移不完整，请先运行 toilet-api migrate / Migrations are missing; run toilet-api migrate first"
        )


def is_complete(settings: Settings) -> bool:
    """Whether the database has every migration of this version, and no other."""
    database = Database(settings)
    try:
        return applied(database.engine, settings.database_schema) == heads()
    finally:
        database.dispose()


def part(step: Step, name: str) -> Callable[[int, int], None]:
    """The part of a progress that has one name."""
    return partial(step, name)
