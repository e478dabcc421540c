"""What every other test relies on: the database that it gets is as the template is, whatever the one before did."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests import restoring
from tests.conftest import on, plain
from tests.restoring import Restored

Contents = dict[str, Any]


@pytest.fixture
def own(server: str, template: str) -> Iterator[Restored]:
    made = Restored(lambda name: plain(on(server, name)), template, "restored")
    made.make()
    yield made
    made.drop()


def execute(server: str, own: Restored, *statements: str) -> None:
    with psycopg.connect(plain(on(server, own.name)), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def contents(server: str, own: Restored) -> Contents:
    """Every row of every table, and where every sequence stands."""
    with psycopg.connect(plain(on(server, own.name))) as connection:
        names = connection.execute(
            "select relname, relkind from pg_class"
            " where relnamespace = 'toilet'::regnamespace and relkind in ('r', 'S') order by relname"
        ).fetchall()
        return {
            name: sorted(connection.execute(f"select t::text from toilet.{name} t".encode()).fetchall())
            if kind == "r"
            else connection.execute(f"select last_value, is_called from toilet.{name}".encode()).fetchone()
            for name, kind in names
        }


def test_rows_and_sequences_are_put_back(server: str, own: Restored) -> None:
    before, clones = contents(server, own), own.clones
    assert sum(bool(rows) for rows in before.values()) > 5
    for _ in range(2):
        execute(
            server,
            own,
            "set session_replication_role = replica",
            "update toilet.division set name = name || '?', version = 9 where length(code) < 9",
            "delete from toilet.division where length(code) > 9",
            "delete from toilet.principal_grant",
            "update toilet.principal set token_version = 7",
            "insert into toilet.login_attempt (key, failures, last_at) values ('\\x00', 1, now())",
            "select nextval('toilet.procrastinate_jobs_id_seq') from generate_series(1, 3)",
        )
        assert contents(server, own) != before
        own.make()
        assert own.clones == clones, "put back, not made anew"
        assert contents(server, own) == before


CHANGES = (
    "create table toilet.extra (n int)",
    "drop table toilet.finding cascade",
    "alter table toilet.household disable row level security",
    "alter table toilet.household alter column id set default gen_random_uuid()",
    "grant select on toilet.credential to public",
    "truncate toilet.login_attempt",
    "create function toilet.extra() returns int language sql as 'select 1'",
    "create schema extra",
)


def test_a_changed_schema_leads_to_a_new_database(server: str, own: Restored) -> None:
    before = contents(server, own)
    for change in CHANGES:
        clones = own.clones
        execute(server, own, change)
        own.make()
        assert own.clones == clones + 1, change
        assert contents(server, own) == before, change


def test_a_swollen_database_is_replaced(server: str, own: Restored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoring, "_SWOLLEN", 1024 * 1024)
    before, clones = contents(server, own), own.clones
    execute(
        server,
        own,
        "set session_replication_role = replica",
        "insert into toilet.login_attempt (key, failures, last_at)"
        " select decode(md5(n::text), 'hex'), 1, now() from generate_series(1, 30000) n",
    )
    own.make()
    assert own.clones == clones + 1
    assert contents(server, own) == before


def test_who_still_holds_a_lock_is_sent_away(server: str, own: Restored) -> None:
    before, clones = contents(server, own), own.clones
    with psycopg.connect(plain(on(server, own.name))) as forgotten:
        forgotten.execute("update toilet.division set version = 9")
        own.make({forgotten.info.backend_pid})
        with pytest.raises(psycopg.OperationalError):
            forgotten.execute("select 1")
    assert own.clones == clones
    assert contents(server, own) == before
