"""The wall behind the narrowing: the database itself shows the application's role nothing from outside of the scope."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from tests.conftest import make_settings, on, plain
from tests.scope.conftest import House
from tests.scope.places import COUNTIES, HOMES
from toilet_api.kernel.migrations import migrate

UNWALLED = {
    "alembic_version": "which migrations have run",
    "change_horizon": "from which transaction on the change feed is kept",
    "division_successor": "the tree and its past are public",
    "idempotency_key": "found by the caller's own id and key",
    "rate_use": "counts of requests by account or address, for ten minutes; no route reads it",
    "sync_item": "found by the caller's own id and the item's",
    "login_attempt": "a keyed hash of who tried, before anyone is known",
    "signing_key": "keys of the deployment, sealed",
    "procrastinate_": "the queue holds numbers of jobs, no data; no route reads it",
}
"""Tables without row-level security, or how their names begin, and why."""
PUBLIC = {"division"}
"""Walled against change, but read by everyone."""
SEEN_FROM_BELOW = {
    "campaign": "true",
    "problem_type": "true",
    "checklist": "true",
    "import_synonym": "true",
    "dataset_share": "true",
    "dataset_access": "true",
    "assessment": "state = 'published'",
    "assessment_formula": "state = 'published'",
    "audit_entry": "subject_type in ('campaign', 'problem_type', 'checklist')",
    "change_entry": "subject_type in ('campaign', 'problem_type', 'checklist', 'import_synonym', 'assessment',"
    " 'assessment_formula')",
}
"""A county's campaign, catalogue and checklists, and what was done to them, are read in its villages; and the headings
that its ledgers use, there and in its townships. How it shares its data is read there too; and a pull of all of a
province by each of its counties. What a level has published of its ranking is read by all whom it is about."""
OF_AN_ACCOUNT = {"credential", "principal_grant", "refresh_token", "training"}
"""Seen with the account that they belong to; a grant may lie elsewhere."""
COUNTY = "360423"

_TABLES = """
    select c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relispartition,
           has_table_privilege(:role, c.oid, 'select,insert,update,delete,truncate') as reachable,
           has_table_privilege(:role, c.oid, 'update') as changeable,
           array(select attname::text from pg_attribute where attrelid = c.oid and attnum > 0) as columns
    from pg_class c where c.relnamespace = 'toilet'::regnamespace and c.relkind in ('r', 'p')
    order by c.relname
"""


def tables(house: House) -> dict[str, Any]:
    """Every table of the schema, as the catalogue has it."""
    with _owner(house) as connection:
        rows = connection.execute(text(_TABLES), {"role": house.database.settings.app_role})
        return {row.relname: row for row in rows}


def walled(house: House) -> list[Any]:
    """The tables with row-level security that hold something of somewhere."""
    return [one for name, one in tables(house).items() if one.relrowsecurity and name not in PUBLIC]


@contextmanager
def _owner(house: House) -> Iterator[Connection]:
    with house.database.engine.connect() as connection:
        connection.execute(text("set search_path to toilet"))
        yield connection


@contextmanager
def _app(house: House, *prefixes: str) -> Iterator[Connection]:
    """A transaction of the application, as a route has it; rolled back."""
    with house.database.transaction(prefixes) as session:
        yield session.connection()


def _places(connection: Connection, table: str) -> list[str | None]:
    """Where the rows of a table stand, without any filter."""
    if table in OF_AN_ACCOUNT:
        of = f"{table} t join toilet.principal p on p.id = t.principal_id"
        return list(connection.execute(text(f"select p.division_code from {of}")).scalars())
    return list(connection.execute(text(f"select division_code from {table}")).scalars())


def test_every_table_is_walled_or_listed_with_its_reason(house: House) -> None:
    found = tables(house)
    bare = {name for name, one in found.items() if not one.relrowsecurity and not one.relispartition}
    assert {name for name in bare if not name.startswith(tuple(UNWALLED))} == set()
    assert all(any(name.startswith(listed) for name in bare) for listed in UNWALLED)
    carrying = {name for name, one in found.items() if {"division_code", "from_division_code"} & set(one.columns)}
    assert len(carrying) > 12
    assert {name for name in carrying if name in bare} == set()
    for name, one in found.items():
        if one.relispartition:  # reached through its parent only, whose policies hold
            assert not one.reachable, name
        elif one.relrowsecurity:
            assert one.relforcerowsecurity, f"{name} doesn't hold its owner"


def test_the_application_can_not_climb_over_the_wall(house: House) -> None:
    role = house.database.settings.app_role
    with _owner(house) as connection:
        ask = connection.execute
        can = ask(
            text("select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication"
                 " from pg_roles where rolname = :role"), {"role": role},
        ).one()  # fmt: skip
        assert not any(can)
        owned = "select relname from pg_class where relowner = :role ::regrole union all"
        owned += " select proname from pg_proc where proowner = :role ::regrole"
        assert ask(text(owned), {"role": role}).all() == []
        assert (
            ask(text("select roleid from pg_auth_members where member = :role ::regrole"), {"role": role}).all() == []
        )
        # Functions that run as their owner: known, and without a way to read.
        definers = "select proname from pg_proc where prosecdef and pronamespace = 'toilet'::regnamespace"
        known = {"change_forget", "change_open", "change_renew", "change_state", "ensure_months", "statistic_fold"}
        assert set(ask(text(definers)).scalars()) == known
        views = "select relname from pg_class where relkind in ('v', 'm') and relnamespace = 'toilet'::regnamespace"
        assert ask(text(views)).all() == []


def test_a_transaction_that_nobody_scoped_sees_nothing(house: House) -> None:
    for table in walled(house):
        with _app(house) as connection:
            assert connection.execute(text(f"select count(*) from {table.relname}")).scalar_one() == 0, table.relname


@pytest.mark.parametrize("home", sorted({*HOMES.values(), *COUNTIES}))
def test_a_plain_select_sees_nothing_of_elsewhere(house: House, home: str) -> None:
    for table in walled(house):
        name = table.relname
        with _owner(house) as connection:
            everywhere = _places(connection, name)
            below = f"select division_code from {name} where {SEEN_FROM_BELOW.get(name)}"
            above = connection.execute(text(below)).scalars().all() if name in SEEN_FROM_BELOW else []
        with _app(house, home) as connection:
            seen = _places(connection, name)
            counted = connection.execute(text(f"select count(*) from {name}")).scalar_one()
        expected = [code for code in everywhere if code is not None and code.startswith(home)]
        expected += [code for code in above if code != home and home.startswith(code)]
        assert sorted(seen) == sorted(expected), name
        assert counted == len(seen) < len(everywhere), name


def test_nothing_is_written_or_moved_beyond_the_wall(house: House) -> None:
    tried = []
    for table in walled(house):
        if not table.changeable or "division_code" not in table.columns or table.relname in OF_AN_ACCOUNT:
            continue
        tried.append(table.relname)
        with _owner(house) as connection:
            inside = [code for code in _places(connection, table.relname) if code and code.startswith(COUNTY)]
        with _app(house, COUNTY) as connection:
            touch = f"update {table.relname} set division_code = division_code"
            assert connection.execute(text(touch)).rowcount == len(inside) > 0, table.relname
        move = f"update {table.relname} set division_code = '11' || substr(division_code, 3)"
        with pytest.raises(ProgrammingError, match="row-level security"), _app(house, COUNTY) as connection:
            connection.execute(text(move))
    assert len(tried) > 10


def test_an_owner_without_superuser_migrates_and_is_held_by_the_wall(server: str, tmp_path: Path) -> None:
    # As on a hosted PostgreSQL. The application never works as the owner; if it did, it would see nothing.
    with psycopg.connect(plain(server), autocommit=True) as connection:
        connection.execute("create role plain_owner login createrole")
        connection.execute("create database plain_county owner plain_owner template template0")
    try:
        url = on(server, "plain_county").replace("//postgres@", "//plain_owner@")
        settings = make_settings(url, tmp_path).model_copy(update={"database_schema": "plain"})
        migrate(settings)
        with psycopg.connect(plain(url)) as connection:
            assert connection.execute("select count(*) from plain.problem_type").fetchone() == (0,)
            connection.execute("select set_config('toilet.scope', '{\"\"}', true)")
            counted = connection.execute("select count(*) from plain.problem_type").fetchone()
            assert counted is not None
            assert counted[0] > 0
    finally:
        with psycopg.connect(plain(server), autocommit=True) as connection:
            connection.execute("drop database plain_county with (force)")
            connection.execute("drop role plain_app")
            connection.execute("drop role plain_owner")
