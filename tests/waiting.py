"""Two at once, one of whom waits for the other: the order in which they come is the test's."""

import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from tests.conftest import plain


@contextmanager
def nobody_adds_to(database_url: str, table: str, mode: str = "share") -> Iterator[psycopg.Connection]:
    """Whoever would write a row of the table waits, with all that it wrote before; `exclusive`: or hold one."""
    with psycopg.connect(plain(database_url), autocommit=True) as connection, connection.transaction():
        connection.execute(sql.SQL("lock table toilet.{} in {} mode").format(sql.Identifier(table), sql.SQL(mode)))
        yield connection


def waiting(connection: psycopg.Connection, number: int, *others: Future[Any]) -> None:
    """Until so many wait for a lock, or all of `others` are done."""
    for _ in range(1000):
        row = connection.execute("select count(distinct pid) from pg_locks where not granted").fetchone()
        if (row is not None and row[0] >= number) or (others and all(one.done() for one in others)):
            return
        time.sleep(0.01)
    raise AssertionError("nobody waits")
