"""Waiting for changes, without a thread or a database connection for whoever waits.

One look a process, some forty times a second and only while somebody waits, asks Postgres which transactions have
ended. If any has, their entries are read once for all, and those are woken whom one of them concerns. NOTIFY would have
each writer take a lock at its commit that all writers of the server share.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from anyio import to_thread
from sqlalchemy import Connection, text

from toilet_api.exchange.changes.interest import Interest
from toilet_api.exchange.changes.problems import TOO_MANY_WAITING
from toilet_api.kernel import feed
from toilet_api.kernel.database import EVERYWHERE, Database

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.025
FAILED_SECONDS = 1.0
EACH = 16
"""How many requests of one caller may wait in a process."""
_LOOK = text("select pg_current_snapshot()::text")


@dataclass(eq=False, slots=True)
class _Waiter:
    who: UUID
    interest: Interest
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Watch:
    """The waiting requests of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiters: set[_Waiter] = set()
        self._looking: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self.is_closing = False

    @property
    def waiting_now(self) -> int:
        """How many wait."""
        return len(self._waiters)

    @asynccontextmanager
    async def waiting(self, who: UUID, interest: Interest) -> AsyncIterator[asyncio.Event]:
        """From here on whatever is committed that concerns `interest` sets the event; it may be set without need.

        What was committed before must be looked for once inside. Raises `too_many_waiting`.
        """
        most = self._database.settings.change_waiters
        if len(self._waiters) >= most or sum(one.who == who for one in self._waiters) >= EACH:
            raise TOO_MANY_WAITING.problem(headers={"Retry-After": "5"})
        waiter = _Waiter(who, interest)
        self._waiters.add(waiter)
        try:
            if self._looking is None:
                self._ready = asyncio.Event()
                self._looking = asyncio.create_task(self._look())
            await self._ready.wait()
            yield waiter.woken
        finally:
            self._waiters.discard(waiter)

    def close(self) -> None:
        """The process is about to stop: nobody waits any longer."""
        self.is_closing = True
        self._wake_all()

    async def _look(self) -> None:
        ready, connection = self._ready, None
        try:
            connection = await to_thread.run_sync(self._connect)
            position = await to_thread.run_sync(self._now)
            ready.set()
            seen = ""
            while self._waiters:
                await asyncio.sleep(LOOK_SECONDS)
                ended = await to_thread.run_sync(_ended, connection)
                if ended != seen:
                    seen, position = ended, await self._tell(position)
            self._looking = None  # before anything is awaited: who comes now starts another look
        except Exception as error:  # noqa: BLE001 - whoever waits finds out by himself
            log.warning("looking for changes failed: %s", type(error).__name__)
            await asyncio.sleep(FAILED_SECONDS)
            self._looking = None
            ready.set()
            self._wake_all()
        finally:
            if connection is not None:
                await to_thread.run_sync(connection.close)

    async def _tell(self, position: feed.Position) -> feed.Position:
        """Wake those whom something since `position` concerns; all of them where it is very much."""
        batch = await to_thread.run_sync(self._read, position)
        if batch.more:
            self._wake_all()
            return await to_thread.run_sync(self._now)
        for waiter in self._waiters:
            if any(waiter.interest.tell(entry) is not None for entry in batch.entries):
                waiter.woken.set()
        return batch.position

    def _wake_all(self) -> None:
        for waiter in self._waiters:
            waiter.woken.set()

    def _connect(self) -> Connection:
        # Each look is a transaction of its own and needs no session: a pooler in transaction mode may stand between.
        return self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def _now(self) -> feed.Position:
        with self._database.transaction() as session:
            return feed.now(session)

    def _read(self, position: feed.Position) -> feed.Batch:
        with self._database.transaction(EVERYWHERE) as session:
            return feed.read(session, position)


def _ended(connection: Connection) -> str:
    return str(connection.execute(_LOOK).scalar_one())
