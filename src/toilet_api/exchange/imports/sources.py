"""Who judges the rows of a file while the batch before is written: a thread, or for a long file a process of its own.

A process takes half a second to start, and then leaves this one's interpreter to the transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from toilet_api.exchange.imports import judged
from toilet_api.exchange.imports.apart import Apart
from toilet_api.exchange.imports.batches import Batch, Tally, Told, batch_of
from toilet_api.exchange.imports.carried import Task
from toilet_api.exchange.imports.judged import JudgedRows
from toilet_api.exchange.ledgers import reading
from toilet_api.exchange.ledgers.villages import Places
from toilet_api.kernel import jobs
from toilet_api.kernel.ahead import Ahead
from toilet_api.kernel.fields import now

LONG = 5_000
"""From so many rows on a process is worth it."""


class Source(Protocol):
    """Batches in the order of the file, once; then what they came to."""

    seal_ahead: bool
    """Whether persons are sealed as they are read; a waste where most households are registered already."""

    def __iter__(self) -> Iterator[Batch]: ...

    def tally(self) -> Tally:
        """What reading the file came to, after the last batch."""


class Beside:
    """Judged by a thread of this process."""

    def __init__(self, rows: JudgedRows, plan: reading.Plan, told: Told) -> None:
        self._rows, self._plan, self._told = rows, plan, told

    @property
    def seal_ahead(self) -> bool:
        """See `Source`."""
        return self._rows.seal_ahead

    @seal_ahead.setter
    def seal_ahead(self, value: bool) -> None:
        self._rows.seal_ahead = value

    def __iter__(self) -> Iterator[Batch]:
        with Ahead(batch_of(rows, self._told) for rows in self._rows) as batches:
            yield from batches

    def tally(self) -> Tally:
        """See `Source`."""
        rows, plan = self._rows, self._plan
        return Tally(rows.count, rows.corrections, rows.reasons, plan.ignored, plan.ignored_rows)


@contextmanager
def judging(context: jobs.Context, plan: reading.Plan, places: Places, told: Told) -> Iterator[Source]:
    """The batches of a planned file."""
    today = now().date()
    if reading.count_rows(plan) < LONG:
        yield Beside(JudgedRows(context.vault, reading.judged_rows(plan, places, today), judged.BATCH), plan, told)
        return
    with Apart(Task(context.settings, plan, places, told, today, judged.BATCH)) as apart:
        yield apart
