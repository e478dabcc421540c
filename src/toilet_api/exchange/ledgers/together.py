"""What the cells of several fields come to together, remembered: most rows say of the village and of the works what
some row before has said.

Remembered are answers that nothing was corrected for, and whose cells each stand alone (see `Carrying`). Only for cells
that name no person.
"""

from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

from toilet_api.exchange.ledgers.carrying import Carrying
from toilet_api.exchange.ledgers.findings import Findings
from toilet_api.exchange.ledgers.sheets import Cell, is_blank

T = TypeVar("T")

_AT_MOST = 10_000
_Above = tuple[tuple[int, Cell], ...]


class Together(Generic[T]):
    """The answers for one group of columns of a sheet."""

    def __init__(self, carrying: Carrying, columns: Sequence[int], carried: Sequence[int]) -> None:
        """`carried`: those of the columns whose empty cells may be filled from above."""
        self._carrying, self._columns, self._carried = carrying, columns, carried
        self._known: dict[Hashable, tuple[T, _Above]] = {}

    def key(self, cells: list[Cell], beside: str | None = None) -> Hashable:
        """All that an answer depends on: the cells, each with its type, and what else there is `beside` them."""
        width = len(cells)
        found = [cells[column] if column < width else None for column in self._columns]
        return (beside, *found, *map(type, found))

    def get(self, key: Hashable) -> T | None:
        """The answer for a key, if there was such a row. What the row says counts for those that refer to it."""
        known = self._known.get(key)
        if known is None:
            return None
        self._carrying.above(known[1])
        return known[0]

    def keep(self, key: Hashable, value: T, cells: list[Cell], found: Findings) -> None:
        """Remember the answer if it may be; `found` is what its rules alone have found."""
        if found.corrections or found.faults:
            return
        width = len(cells)
        stand = [(column, cells[column] if column < width else None) for column in self._carried]
        if not all(self._carrying.stands_alone(column, cell) for column, cell in stand):
            return
        if len(self._known) >= _AT_MOST:
            self._known.clear()
        self._known[key] = value, tuple((column, cell) for column, cell in stand if not is_blank(cell))
