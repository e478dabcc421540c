"""Work ahead: what an iterator gives is made by a thread, while the one that asked is busy with what came before."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_AHEAD = 2
"""So many members wait at most: memory stays bounded."""


class _End:
    """The iterator is exhausted, or has failed with `error`."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def ahead(members: Iterable[T]) -> Iterator[T]:
    """The members, made ahead of time. What they raise is raised here; who stops asking stops the thread."""
    made: queue.Queue[T | _End] = queue.Queue(_AHEAD)
    stopped = threading.Event()

    def put(member: T | _End) -> bool:
        while not stopped.is_set():
            try:
                made.put(member, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def make() -> None:
        try:
            for member in members:
                if not put(member):
                    return
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that asks
            put(_End(error))
        else:
            put(_End())

    thread = threading.Thread(target=make, name="ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(member := made.get(), _End):
            yield member
        if member.error is not None:
            raise member.error
    finally:
        stopped.set()
        thread.join()
