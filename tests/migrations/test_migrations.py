"""The migrations: from nothing, over data, beside each other, and against what the code believes of the tables."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import String, create_engine, text
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import SQLModel

from tests.conftest import make_settings, on, plain
from toilet_api.divisions import loading
from toilet_api.kernel.database import Database
from toilet_api.kernel.migrations import heads, migrate, revisions
from toilet_api.settings import Settings

_numbers = itertools.count()


@pytest.fixture
def empty(server: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings for a database without anything in it."""
    name = f"migrations_{next(_numbers)}"
    with psycopg.connect(plain(server), autocommit=True) as connection:
        connection.execute(f"create database {name} template template0".encode())
        yield make_settings(on(server, name), tmp_path)
        connection.execute(f"drop database {name} with (force)".encode())


def ask(settings: Settings, question: str) -> list[tuple]:
    """What the owner reads."""
    with psycopg.connect(plain(settings.database_url)) as connection:
        return connection.execute(question.encode()).fetchall()


def test_one_at_a_time_and_then_again(empty: Settings) -> None:
    assert len(revisions()) >= 6
    for revision in revisions():
        migrate(empty, revision)
        assert ask(empty, "select version_num from toilet.alembic_version") == [(revision,)]
    assert {revisions()[-1]} == heads()
    migrate(empty)


def test_nothing_is_in_public_and_all_is_in_the_schema(empty: Settings) -> None:
    migrate(empty)
    placed = ask(
        empty,
        """
        select distinct n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
        union select distinct n.nspname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
        union select distinct n.nspname from pg_type t join pg_namespace n on n.oid = t.typnamespace
         where n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
        """,
    )
    assert placed == [("toilet",)]


def test_two_deployments_share_a_database_and_see_nothing_of_each_other(empty: Settings, subset: Path) -> None:
    provinces = [empty.model_copy(update={"database_schema": name}) for name in ("jiangxi", "hunan")]
    for settings in provinces:
        migrate(settings)
    database = Database(provinces[0])
    loading.load(database, subset)
    database.dispose()
    assert ask(empty, "select count(*) > 100 from jiangxi.division") == [(True,)]
    assert ask(empty, "select count(*) from hunan.division") == [(0,)]
    with psycopg.connect(plain(empty.database_url)) as connection:
        connection.execute("set role hunan_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select count(*) from jiangxi.division")


def test_what_is_stored_survives_what_comes_after(empty: Settings, subset: Path) -> None:
    migrate(empty, "0002_divisions")
    database = Database(empty)
    loading.load(database, subset)
    before = ask(empty, "select code, name, valid_from, valid_to, version from toilet.division order by code")
    for revision in revisions()[2:]:
        migrate(empty, revision)
        assert (
            ask(empty, "select code, name, valid_from, valid_to, version from toilet.division order by code") == before
        )
    database.dispose()


def test_processes_that_start_at_once_migrate_one_after_the_other(empty: Settings) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(migrate, empty) for _ in range(4)]:
            done.result()
    assert {(one,) for one in heads()} == set(ask(empty, "select version_num from toilet.alembic_version"))


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
def test_the_code_believes_what_the_migrations_made(settings: Settings) -> None:
    """Columns, types and nullability of every table that the code declares are those of the database."""
    engine = create_engine(settings.database_url)
    with engine.connect() as connection:
        connection.execute(text("select set_config('search_path', 'toilet', true)"))
        context = MigrationContext.configure(connection, opts={"include_object": _is_ours, "compare_type": _differs})
        differences = compare_metadata(context, SQLModel.metadata)
    engine.dispose()
    assert [(d[0][0], *d[0][2:4], *d[0][5:]) if isinstance(d, list) else d for d in differences] == []


def _differs(
    context: object, inspected: object, believed: object, stored: TypeEngine, declared: TypeEngine
) -> bool | None:
    # PostgreSQL's text and varchar are one thing to the code.
    if isinstance(declared, TypeDecorator):
        declared = declared.impl_instance
    return False if isinstance(stored, String) and isinstance(declared, String) else None


def _is_ours(thing: object, name: str | None, kind: str, reflected: bool, against: object) -> bool:
    # Indexes and constraints are the migrations' own; the code needs only the columns. A table that no code declares is
    # procrastinate's or Alembic's.
    if kind in ("index", "unique_constraint", "foreign_key_constraint"):
        return False
    return not (kind == "table" and reflected and against is None)
