"""Rows kept in a temporary file: written once, read again and again, in memory a batch at a time.

The file has no name: it goes with the process, however that ends. What is pickled in it is our own.
"""

import os
import pickle
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

BATCH = 1_000
"""Rows at a time in memory."""


class Spool:
    """Batches of anything that can be pickled, in the order in which they were added."""

    def __init__(self) -> None:
        # It lives as long as the spool.
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="toilet-spool-")  # noqa: SIM115
        self._frames: list[tuple[int, int]] = []
        self._end = 0
        self.count = 0

    def add(self, batch: list[Any]) -> None:
        """Append a batch."""
        self.add_pickled(pickle.dumps(batch, protocol=pickle.HIGHEST_PROTOCOL), len(batch))

    def add_pickled(self, frame: bytes, count: int) -> None:
        """Append a batch of `count` members that another process of ours has pickled."""
        self._file.write(frame)
        self._frames.append((self._end, len(frame)))
        self._end += len(frame)
        self.count += count

    def put_first(self, batch: list[Any]) -> None:
        """Put a batch before all others: what is known of them only at their end."""
        self.add(batch)
        self._frames.insert(0, self._frames.pop())

    def fill(self, members: Iterable[Any]) -> None:
        """Append them all, batch by batch."""
        batch: list[Any] = []
        for member in members:
            batch.append(member)
            if len(batch) >= BATCH:
                self.add(batch)
                batch = []
        if batch:
            self.add(batch)

    def batches(self) -> Iterator[list[Any]]:
        """The batches, from the first. Several readers may go through at once."""
        self._file.flush()
        for start, size in self._frames:
            yield pickle.loads(os.pread(self._file.fileno(), size, start))  # noqa: S301 - written by ourselves

    def __iter__(self) -> Iterator[Any]:
        for batch in self.batches():
            yield from batch

    def __len__(self) -> int:
        return self.count

    @property
    def descriptor(self) -> int:
        """The open file: a process that inherits it under this number may be sent the spool, pickled, to read it."""
        return self._file.fileno()

    def __getstate__(self) -> dict[str, Any]:
        self._file.flush()
        return {"file": self.descriptor, "frames": self._frames, "end": self._end, "count": self.count}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._file = os.fdopen(state["file"], "rb")
        self._frames, self._end, self.count = state["frames"], state["end"], state["count"]

    def close(self) -> None:
        """Free the space on disk."""
        self._file.close()
