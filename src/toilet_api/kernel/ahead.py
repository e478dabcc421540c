"""Work ahead: what an iterator gives is made by a thread, while the one that asked is busy with what came before."""

import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class _End:
    """The iterator is exhausted, or has failed with `error`."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class Ahead(Generic[T]):
    """The members of an iterable, made ahead of time; to be used within `with`, which ends the thread."""

    def __init__(self, members: Iterable[T], most: int = 2) -> None:
        """The thread begins at once; `most` members wait at most, so that memory stays bounded."""
        self._members = members
        self._made: queue.Queue[T | _End] = queue.Queue(most)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._make, name="ahead", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def __iter__(self) -> Iterator[T]:
        """The members, once. What they raise is raised here."""
        while not isinstance(member := self._made.get(), _End):
            yield member
        if member.error is not None:
            raise member.error

    def _make(self) -> None:
        try:
            for member in self._members:
                if not self._put(member):
                    return
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that asks
            self._put(_End(error))
        else:
            self._put(_End())
        finally:
            if isinstance(self._members, Generator):
                self._members.close()

    def _put(self, member: T | _End) -> bool:
        while not self._stopped.is_set():
            try:
                self._made.put(member, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False
