"""Random bytes for ids and nonces, fetched from the operating system in blocks.

A system call for each lets go of the interpreter's lock; where a thread works beside, as in an import, each of a
hundred thousand calls would wait for it to come back.
"""

import os
import threading

_BLOCK = 16_384


class _Kept(threading.local):
    """What this thread has fetched and not yet handed out."""

    block = b""
    place = 0


_kept = _Kept()


def random_bytes(count: int) -> bytes:
    """`count` bytes of `os.urandom`, each handed out once."""
    kept = _kept
    start, end = kept.place, kept.place + count
    if end > len(kept.block):
        kept.block, start, end = os.urandom(max(_BLOCK, count)), 0, count
    kept.place = end
    return kept.block[start:end]


def _forget() -> None:
    _kept.block, _kept.place = b"", 0


# A child would hand out the very same bytes as its parent.
os.register_at_fork(after_in_child=_forget)
