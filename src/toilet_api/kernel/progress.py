"""How far a long work has come: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Step = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""

PLAIN_SECONDS = 5.0


@contextmanager
def shown(stream: TextIO | None = None) -> Iterator[Step]:
    """While the block runs, what is passed to the yielded function is shown on `stream` (standard error)."""
    out = stream or sys.stderr
    if not out.isatty():
        yield _plain(out)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=out)) as progress:
        tasks: dict[str, int] = {}

        def step(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total)
            progress.update(progress.task_ids[tasks[name]], completed=done, total=total)

        yield step


def _plain(out: TextIO) -> Step:
    """A line at the start and the end of each work, and every few seconds between."""
    told: dict[str, float] = {}

    def step(name: str, done: int, total: int) -> None:
        now = time.monotonic()
        finished = done >= total
        if name in told and not finished and now - told[name] < PLAIN_SECONDS:
            return
        if told.get(name) == float("inf"):
            return
        told[name] = float("inf") if finished else now
        print(f"{name}: {done}/{total}", file=out, flush=True)

    return step
