"""What statements appended is summed up beside a worker's jobs, so that reading stays cheap. Nothing waits for it."""

import time
from threading import Event

from sqlalchemy import text

from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE

MOST = 50_000
"""Rows summed up at a time: a transaction of a second or two."""
ENOUGH = 1_000
"""So many rows are worth summing up at once: a sum is rewritten whole, and so few rows cost a reader nothing."""
_TICK_SECONDS = 1.0
_LONGEST_SECONDS = 30.0
_WAITING = text("select count(*) from (select from statistic_delta limit :enough) as waiting")


def fold(context: jobs.Context, most: int = MOST) -> int:
    """Sum up at most so many rows; answers how many. 0 also while another worker does it."""
    with context.database.transaction(EVERYWHERE) as session:
        return int(session.connection().execute(text("select statistic_fold(:most)"), {"most": most}).scalar_one())


def fold_all(context: jobs.Context) -> int:
    """Sum up all there is."""
    folded = 0
    while done := fold(context):
        folded += done
    return folded


@jobs.beside(name="statistics", once=fold_all)
def keep_folding(context: jobs.Context, stop: Event) -> None:
    """Sum up when there is enough of it, and every half minute what there is."""
    folded_at = time.monotonic()
    while not stop.wait(_TICK_SECONDS):
        if _enough(context) or time.monotonic() - folded_at > _LONGEST_SECONDS:
            while fold(context) == MOST and not stop.is_set():
                pass
            folded_at = time.monotonic()


def _enough(context: jobs.Context) -> bool:
    with context.database.transaction(EVERYWHERE) as session:
        return bool(session.connection().execute(_WAITING, {"enough": ENOUGH}).scalar_one() == ENOUGH)
