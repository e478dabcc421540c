"""How far a transfer has come, for whoever shows it. The client itself prints nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Unit = Literal["bytes", "rows", "permille"]
Phase = Literal["hashing", "sending", "importing", "exporting", "receiving"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a phase: `done` of `total` (None while nobody knows), counted in `unit`."""

    phase: Phase
    done: int
    total: int | None
    unit: Unit


Tell = Callable[[Progress], None]
"""Called often and from the thread that works: it must be quick."""
Notice = Callable[[str], None]
"""Called with what a person may like to know, in Chinese and English: a retry, an upload that goes on."""


def nobody(_: Progress) -> None:
    """Shows nothing."""
