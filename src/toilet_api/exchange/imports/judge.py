"""Judges the rows of a file: `python -m toilet_api.exchange.imports.judge`, started by `apart` and only by it.

Reads questions from standard input: first the task, then ("next",) for a batch, ("rows", number, positions) for rows of
one of the last batches, ("seal", whether) for whether persons are to be sealed as they are read. It ends with its
input: when the import does, however that ends.
"""

import gc
import pickle
import sys
import traceback
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, BinaryIO

from toilet_api.exchange.imports.batches import Tally, prepare
from toilet_api.exchange.imports.carried import AHEAD, Carried, Task, packed, problem_to
from toilet_api.exchange.imports.judged import JudgedRow, JudgedRows
from toilet_api.exchange.ledgers import reading
from toilet_api.kernel.errors import Problem
from toilet_api.kernel.vault import Vault


class Judge:
    """One file, batch by batch."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._judged = JudgedRows(
            Vault(task.settings), reading.judged_rows(task.plan, task.places, task.today), task.batch
        )
        self._batches: Iterator[list[JudgedRow]] = iter(self._judged)
        self._kept: OrderedDict[int, list[JudgedRow]] = OrderedDict()
        self._number = 0

    def answer(self, question: tuple[Any, ...]) -> tuple[str, Any] | None:
        """What to say to one question."""
        match question:
            case ("next",):
                return self._next()
            case ("rows", number, positions):
                rows = self._kept[number]
                return "rows", [packed(one) for one in rows if positions is None or one.position in positions]
            case ("seal", whether):
                self._judged.seal_ahead = whether
        return None

    def _next(self) -> tuple[str, Any]:
        rows = next(self._batches, None)
        if rows is None:
            judged, plan = self._judged, self._task.plan
            return "end", Tally(judged.count, judged.corrections, judged.reasons, plan.ignored, plan.ignored_rows)
        prepared = prepare(rows, self._task.told)
        self._number += 1
        taken = sum(one.taken for one in rows)
        if prepared is not None:
            self._kept[self._number] = rows
            if len(self._kept) > AHEAD + 1:
                self._kept.popitem(last=False)
        carried = [packed(one) for one in rows] if prepared is None else None
        return "batch", Carried(self._number, rows[-1].position, len(rows), taken, prepared, carried)


def main(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there are no more questions."""

    def say(answer: tuple[str, Any]) -> None:
        pickle.dump(answer, answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()

    try:
        judge = Judge(pickle.load(questions))  # noqa: S301 - our own program
        while True:
            answer = judge.answer(pickle.load(questions))  # noqa: S301
            if answer is not None:
                say(answer)
    except (EOFError, BrokenPipeError):
        return
    except Problem as problem:
        say(("problem", problem_to(problem)))
    except Exception as error:  # noqa: BLE001 - told without its message, which may quote a cell
        stack = "".join(traceback.format_tb(error.__traceback__))
        say(("failed", f"{type(error).__name__}\n{stack}"))


if __name__ == "__main__":
    # Rows are freed as they are let go; looking for cycles among a batch of them, again and again, is for nothing.
    gc.freeze()
    gc.set_threshold(200_000)
    main(sys.stdin.buffer, sys.stdout.buffer)
