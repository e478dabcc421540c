"""How much of a kind the tests try: by default each kind once, with TESTS=broad as much as CI tries besides.

Every test runs either way. A variable of the environment that a test names is an exact number for that test alone.
"""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
Number = TypeVar("Number", int, float)

IS_BROAD = os.environ.get("TESTS") == "broad"


def tries(name: str, usual: Number, broad: Number) -> Number:
    """How many of something, or for how long: as the variable `name` says, else the usual number or the broad one."""
    return type(usual)(os.environ.get(name, broad if IS_BROAD else usual))


def in_turn(every: Iterable[T], turn: int, of: int) -> Iterator[T]:
    """The part of `every` whose turn it is, one of so many turns; with TESTS=broad all of it is, at each turn."""
    return iter(every) if IS_BROAD else islice(every, turn % of, None, of)
