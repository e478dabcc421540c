"""The engine, one transaction a request, and the row-level scope that stands behind every query."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Annotated, Any, cast
from uuid import UUID

import psycopg
from anyio import to_thread
from fastapi import Depends, Request
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from toilet_api.kernel.scope import EVERYWHERE, Scope
from toilet_api.settings import Settings

__all__ = ["EVERYWHERE", "Actor", "Database", "Session", "Transaction", "actor_of", "driver", "enter_scope"]

# They stand at the head of every request, which makes one round trip of them.
_BEGIN = (
    "begin{kind}; {snapshot}set local role {role}; set local search_path = {schema};"
    " set local timezone = 'Asia/Shanghai'; set local toilet.scope = {scope}"
)
_SNAPSHOT = " isolation level repeatable read, read only"
_NARROW = "set local toilet.scope = {scope}"
# A server that ended is noticed by whoever asks at that moment, and its other connections are given up at once.
_LIES_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does the writes of a transaction, for the journal. `kind`: person, client or system."""

    id: UUID | None
    kind: str
    name: str
    request_id: str | None = None


_UNDER_WAY = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
SYSTEM = Actor(None, "system", "system")


def driver_url(url: str) -> str:
    """`url` with the driver that we use; operators may write plain `postgresql://`."""
    scheme, rest = url.split("://", 1)
    if scheme.split("+")[0] not in ("postgresql", "postgres"):
        raise ValueError("DATABASE_URL must be a postgresql:// URL: PostgreSQL is the only database")
    return f"postgresql+psycopg://{rest}"


def _lies_since_now(_: Any, record: ConnectionPoolEntry) -> None:
    record.info["lies_since"] = time.monotonic()


def _see_whether_it_lives(connection: psycopg.Connection[Any], record: ConnectionPoolEntry, _: Any) -> None:
    """Asked of a connection that has lain in the pool for a while; another one is taken where it has died.

    `pool_pre_ping` asks each time, which is a seventh of a short request.
    """
    lies_since = record.info.get("lies_since")
    if lies_since is None or time.monotonic() - lies_since < _LIES_SECONDS:
        return
    try:
        was_autocommit, connection.autocommit = connection.autocommit, True
        connection.execute("")
        connection.autocommit = was_autocommit
    except psycopg.Error as error:
        raise DisconnectionError from error


class Database:
    """The application's way to Postgres. Needs `settings.database_url` (the embedded server fills it in)."""

    def __init__(self, settings: Settings) -> None:
        if not settings.database_url:
            raise ValueError("no DATABASE_URL and no embedded server was started")
        self.settings = settings
        self.engine: Engine = create_engine(
            driver_url(settings.database_url),
            pool_size=settings.database_pool_size,
            # Two are spare beside the requests' own (see `slots`), however small the pool.
            max_overflow=max(0, 3 - settings.database_pool_size),
            # The one used last knows most: its statements are prepared, and what it has read of the tables is at hand.
            pool_use_lifo=True,
            # Filters and orders make some thousand statements of our lists; the usual 500 would be compiled in turns.
            query_cache_size=2000,
            connect_args={"prepare_threshold": 5 if settings.database_prepare else None, "application_name": "toilet"},
        )
        event.listen(self.engine, "checkin", _lies_since_now)
        event.listen(self.engine, "checkout", _see_whether_it_lives)
        self._slots: dict[int, asyncio.Semaphore] = {}

    @property
    def slots(self) -> asyncio.Semaphore:
        """One permit per pooled connection of the running loop.

        A request waits here, without a thread, so that threads never wait for connections held by requests that wait
        for threads.
        """
        loop = id(asyncio.get_running_loop())
        return self._slots.setdefault(loop, asyncio.Semaphore(max(1, self.settings.database_pool_size - 2)))

    @contextmanager
    def transaction(self, prefixes: tuple[str, ...] = (), actor: Actor = SYSTEM) -> Iterator[Session]:
        """One transaction, seeing only what lies under `prefixes` (nothing by default); commits on a clean exit."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            begin(session, self.settings, prefixes, actor)
            session.connection()  # its `now()` is this moment, not that of its first statement
            yield session

    @contextmanager
    def snapshot(self, prefixes: tuple[str, ...], of: Session | None = None) -> Iterator[Session]:
        """One transaction that reads all as of one moment, however long it takes, and writes nothing.

        `of`: as of the moment of another such transaction, which must be open. As long as it is open, vacuum keeps what
        has been changed since.
        """
        shared = None if of is None else of.connection().exec_driver_sql("select pg_export_snapshot()").scalar_one()
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            begin(session, self.settings, prefixes, SYSTEM)
            session.info["snapshot"] = shared or ""
            session.connection()
            yield session

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def begin(session: Session, settings: Settings, prefixes: tuple[str, ...], actor: Actor) -> None:
    """Give the transaction its role, schema, time zone and scope, in one round trip once it is first used.

    They are local to the transaction: a pooler in transaction mode may hand the connection to anyone afterwards.
    """
    session.info.update(settings=settings, scope=prefixes, actor=actor)


@event.listens_for(Session, "after_begin")
def _begun(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    settings: Settings | None = session.info.get("settings")
    if settings is None or transaction.nested:
        return
    snapshot: str | None = session.info.get("snapshot")
    named = f"set transaction snapshot '{snapshot}'; " if snapshot else ""  # of hexadecimal digits and hyphens
    role, schema = _quoted(settings)
    session.info["bare"] = _bare(connection)
    _tell(
        connection,
        _BEGIN.format(
            kind="" if snapshot is None else _SNAPSHOT,
            snapshot=named,
            role=role,
            schema=schema,
            scope=_literal(session.info["scope"]),
        ),
    )


def _tell(connection: Connection, words: str) -> None:
    """Several commands at once that answer nothing, by the shortest way; a fault of theirs comes by the usual one."""
    bare = _bare(connection)
    with suppress(psycopg.Error):
        if bare.pgconn.exec_(words.encode()).status == ExecStatus.COMMAND_OK:
            return
        if words.startswith("begin"):
            bare.pgconn.exec_(b"rollback")
    connection.exec_driver_sql(words)


def enter_scope(session: Session, prefixes: tuple[str, ...], actor: Actor | None = None) -> None:
    """From here on the transaction sees what lies under `prefixes`, and its writes are `actor`'s."""
    if actor is not None:
        session.info["actor"] = actor
    session.info["scope"] = prefixes
    if session.in_transaction():
        _tell(session.connection(), _NARROW.format(scope=_literal(session.info["scope"])))


def forget(session: Session) -> None:
    """Undo what the transaction has done, and give its connection back, which still knows its prepared statements.

    By the driver's own `rollback` it would forget them all, in case the transaction had made the tables that they read;
    a request makes none, and each that follows one that was refused would prepare its statements anew.
    """
    bare = session.info.get("bare")
    if bare is not None and bare.pgconn.transaction_status in _UNDER_WAY:
        with suppress(psycopg.Error):  # a connection that is dead: SQLAlchemy finds that out by itself
            bare.pgconn.exec_(b"rollback")
    session.close()


def actor_of(session: Session) -> Actor:
    """Who does the writes of this transaction."""
    return cast("Actor", session.info.get("actor", SYSTEM))


def driver(session: Session) -> psycopg.Connection[Any]:
    """The bare driver connection inside the session's transaction, for COPY."""
    return _bare(session.connection())


def _bare(connection: Connection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def _literal(prefixes: tuple[str, ...]) -> str:
    """As an array of Postgres, quoted."""
    array = "{" + ",".join(f'"{prefix}"' for prefix in Scope.of(prefixes).prefixes) + "}"
    return "'" + array.replace("'", "''") + "'"


def _quoted(settings: Settings) -> tuple[str, str]:
    """The names of the application's role and schema."""
    role, schema = (name.replace('"', '""') for name in (settings.app_role, settings.database_schema))
    return f'"{role}"', f'"{schema}"'


async def open_transaction(request: Request) -> AsyncIterator[Session]:
    """The request's transaction. It sees nothing until the caller is known, and commits before the answer is sent.

    A request that is refused before it reads anything costs the database nothing.
    """
    database: Database = request.app.state.database
    async with database.slots:
        session = Session(database.engine, expire_on_commit=False)
        begin(session, database.settings, (), SYSTEM)
        request.state.session = session
        try:
            yield session
        except BaseException:
            if session.in_transaction():
                await to_thread.run_sync(forget, session)
            raise
        if session.in_transaction():
            await to_thread.run_sync(lambda: _end(session))


def _end(session: Session) -> None:
    try:
        session.commit()
    finally:
        session.close()


Transaction = Annotated[Session, Depends(open_transaction, scope="function")]
