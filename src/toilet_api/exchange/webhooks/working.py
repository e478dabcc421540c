"""The part of a worker that pushes: it looks for changes twice a second, and sends what is due, many at a time.

It runs beside the jobs, in a thread and an event loop of its own: a receiver that takes its time holds up neither an
import nor another receiver.
"""

import asyncio
import logging
import time
from collections import Counter
from datetime import datetime
from threading import Event
from uuid import UUID

from toilet_api.exchange.webhooks import collecting, posting, sending
from toilet_api.exchange.webhooks.posting import Poster
from toilet_api.exchange.webhooks.sending import Sent
from toilet_api.kernel import jobs
from toilet_api.kernel.fields import now

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
SLOTS = 32
"""Messages on their way at a time."""
_TOGETHER_SECONDS = 0.01
_PAUSE_SECONDS = 5.0
_GRACE_SECONDS = 8.0
"""For what is on its way when the worker is stopped; what isn't recorded by then is sent again."""


Attempt = asyncio.Task[Sent]


class Pusher:
    """Collects and sends until it is told to stop."""

    def __init__(self, context: jobs.Context, poster: Poster) -> None:
        self._context, self._poster = context, poster
        self._busy: Counter[UUID] = Counter()
        self._under_way: set[Attempt] = set()
        self._stand: object = None
        self._not_before = 0.0

    async def run(self, stop: Event) -> None:
        """Work on; what goes wrong is logged, and tried again after a pause."""
        while not stop.is_set():
            try:
                at_once = await self.tick()
            except Exception:
                log.exception("pushing failed; it is tried again")
                await _wait(stop, _PAUSE_SECONDS)
                continue
            if not at_once:
                await _wait(stop, TICK_SECONDS)
        if self._under_way:
            await self._record(await asyncio.wait(self._under_way, timeout=_GRACE_SECONDS))

    async def tick(self) -> bool:
        """Look once for changes, for what is due and for what has arrived; gives whether to do so again at once."""
        if time.monotonic() >= self._not_before:
            await self._collect()
        free = SLOTS - len(self._under_way)
        busy = {one: count for one, count in self._busy.items() if count}
        messages = await asyncio.to_thread(sending.claim, self._context, free, busy, now()) if free else []
        for message in messages:
            self._busy[message.webhook_id] += 1
            self._under_way.add(asyncio.create_task(sending.send(self._poster, message, now())))
        if not self._under_way:
            return False
        # Whoever is quick makes room at once for what waits behind; who comes in a moment is recorded with him.
        await asyncio.wait(self._under_way, timeout=TICK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        await self._record(await asyncio.wait(self._under_way, timeout=_TOGETHER_SECONDS))
        return True

    async def _collect(self) -> None:
        """Read on, if there may be something new. What goes wrong with it doesn't keep from sending what is due."""
        self._not_before = time.monotonic() + TICK_SECONDS
        try:
            here = await asyncio.to_thread(collecting.stand, self._context)
            if here == self._stand:
                return
            more = await asyncio.to_thread(collecting.collect, self._context, now())
            self._stand = None if more else here
        except Exception:
            log.exception("the change feed was not read to its end; it is tried again")
            self._stand, self._not_before = None, time.monotonic() + _PAUSE_SECONDS

    async def _record(self, waited: tuple[set[Attempt], set[Attempt]]) -> None:
        """Write down what came of the attempts that are done; where that fails they are made again."""
        done, self._under_way = waited
        if not done:
            return
        attempts = [one.result() for one in done]
        try:
            await asyncio.to_thread(sending.record, self._context, attempts)
        finally:
            for one in attempts:
                self._busy[one.message.webhook_id] -= 1


def push_due(context: jobs.Context, at: datetime | None = None) -> int:
    """Collect what there is and send all that is due as of a moment; gives how many attempts were made."""

    async def work() -> int:
        made = 0
        messages = sending.claim(context, SLOTS, {}, at or now())
        if not messages:
            return made
        async with posting.opened(context.settings, SLOTS) as poster:
            while messages:
                for message in messages:
                    sending.record(context, [await sending.send(poster, message, at or now())])
                made += len(messages)
                messages = sending.claim(context, SLOTS, {}, at or now())
        return made

    while collecting.collect(context, at or now()):
        pass
    return asyncio.run(work())


async def _wait(stop: Event, seconds: float) -> None:
    await asyncio.to_thread(stop.wait, seconds)


@jobs.beside(name="webhooks", once=push_due)
def push(context: jobs.Context, stop: Event) -> None:
    """Push until `stop` is set."""

    async def work() -> None:
        async with posting.opened(context.settings, SLOTS) as poster:
            await Pusher(context, poster).run(stop)

    asyncio.run(work())
