"""Rows judged in a process of its own (`judge`): this side asks for batches, ahead of need, and for single rows.

What is asked is pickled to the process's standard input, what it answers comes from its standard output; both are our
own programs. Nothing of a file, and no key, stands in a command line, in the environment or in a log.
"""

import pickle
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import suppress
from subprocess import DEVNULL, PIPE
from types import TracebackType
from typing import Any

from toilet_api.exchange.imports import giving_way
from toilet_api.exchange.imports.batches import Batch, Tally
from toilet_api.exchange.imports.carried import AHEAD, Carried, Task, problem_of, unpacked
from toilet_api.exchange.imports.judged import JudgedRow
from toilet_api.exchange.ledgers.spool import Spool


class Apart:
    """Batches that another process judges. To be used within `with`, which ends the process."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._seal_ahead = True
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._waiting: deque[Carried] = deque()
        self._tally: Tally | None = None

    def __enter__(self) -> "Apart":
        rows = [one.sheet.rows for one in self._task.plan.sheets]
        spools = [one.descriptor for one in rows if isinstance(one, Spool)]
        command = [sys.executable, "-m", "toilet_api.exchange.imports.judge"]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            pass_fds=spools,
            start_new_session=True,  # for `giving_way`, which means the whole session
        )
        giving_way.with_process(self._process.pid, giving_way.JUDGE)
        self._listener = threading.Thread(target=self._listen, name="apart", daemon=True)
        self._listener.start()
        self._ask(self._task)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # a question that nobody will read
                    pipe.close()

    @property
    def seal_ahead(self) -> bool:
        """See `sources.Source`."""
        return self._seal_ahead

    @seal_ahead.setter
    def seal_ahead(self, value: bool) -> None:
        if value != self._seal_ahead:
            self._seal_ahead = value
            self._ask(("seal", value))

    def tally(self) -> Tally:
        """See `sources.Source`."""
        if self._tally is None:
            raise RuntimeError("the file has not been read to its end")
        return self._tally

    def __iter__(self) -> Iterator[Batch]:
        for _ in range(AHEAD):
            self._ask(("next",))
        while self._tally is None or self._waiting:
            if self._tally is None:
                self._ask(("next",))
            if not self._waiting:
                self._take()
            if self._waiting:
                yield self._batch(self._waiting.popleft())

    def _batch(self, carried: Carried) -> Batch:
        def rows(positions: Collection[int] | None) -> list[JudgedRow]:
            if carried.rows is None:
                wanted = None if positions is None else set(positions)
                self._ask(("rows", carried.number, wanted))
                return [unpacked(one) for one in self._rows()]
            found = (unpacked(one) for one in carried.rows)
            return [one for one in found if positions is None or one.position in positions]

        return Batch(carried.last, carried.count, carried.taken, carried.prepared, rows)

    def _rows(self) -> list[Any]:
        while (found := self._take()) is None:
            pass
        return found

    def _take(self) -> list[Any] | None:
        """The next answer; rows are given, all else is kept."""
        kind, value = self._answers.get()
        if kind == "rows":
            rows: list[Any] = value
            return rows
        if kind == "batch":
            self._waiting.append(value)
        elif kind == "end":
            self._tally = value
        elif kind == "problem":
            raise problem_of(value)
        else:
            raise RuntimeError(f"judging failed: {value}")
        return None

    def _ask(self, question: Any) -> None:
        if self._process.stdin is None:
            raise RuntimeError("the judge has no pipe")
        with suppress(BrokenPipeError):  # it has failed; its last answer, or its silence, says so
            pickle.dump(question, self._process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()

    def _listen(self) -> None:
        try:
            while self._process.stdout is not None:
                self._answers.put(pickle.load(self._process.stdout))  # noqa: S301 - our own program
        except (EOFError, pickle.UnpicklingError, ValueError):
            self._answers.put(("failed", "the process has ended"))
