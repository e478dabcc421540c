"""What has to be known of a whole sheet before its first row can be judged, found in one pass."""

from collections import defaultdict
from dataclasses import dataclass, field

from toilet_api.exchange.ledgers.header_search import Column, Header
from toilet_api.exchange.ledgers.identity_rules import is_cut_id
from toilet_api.exchange.ledgers.sheets import Cell, Sheet, as_text, is_blank

PLACES = ("province", "city", "county", "township", "village", "village_code")


@dataclass(slots=True)
class Merged:
    """A range of one column and several rows: its first and last row, and what stands in it."""

    first: int
    last: int
    value: Cell = None


@dataclass(slots=True)
class SheetFacts:
    """Facts of one sheet below its header."""

    rows: int = 0
    names_villages: bool = False
    """A row that holds a person names a village in a column."""
    id_was_cut: bool = False
    """ID numbers end in the zeros that Excel leaves of a number."""
    in_blocks: set[int] = field(default_factory=set)
    """Columns of places that name each once, at the head of its block, as a saved CSV leaves merged cells."""
    merged: dict[int, list[Merged]] = field(default_factory=lambda: defaultdict(list))
    """Merged ranges by column, from the top; a range may cover a million rows, so that none is written out."""


def find_facts(sheet: Sheet, header: Header) -> SheetFacts:
    """Go through the sheet once."""
    facts = SheetFacts()
    tops = _merged_ranges(sheet, header, facts)
    ids = [column.index for column in header.of("id")]
    persons = [column.index for name in ("name", "id") for column in header.of(name)]
    villages = [column.index for name in ("village", "village_code") for column in header.of(name)]
    blocks = [_Block(column) for name in PLACES for column in header.of(name)]
    open_blocks = blocks
    for number, cells in sheet.rows:
        if number in tops:
            for index, merged in tops[number]:
                merged.value = cells[index] if index < len(cells) else None
        if number <= header.last_row:
            continue
        facts.rows += 1
        width = len(cells)
        if not facts.id_was_cut and any(index < width and is_cut_id(cells[index]) for index in ids):
            facts.id_was_cut = True
        if (open_blocks or not facts.names_villages) and any(
            index < width and not is_blank(cells[index]) for index in persons
        ):
            if not facts.names_villages:
                facts.names_villages = any(index < width and not is_blank(cells[index]) for index in villages)
            open_blocks = [block for block in open_blocks if block.takes(cells)]
    facts.in_blocks = {block.index for block in open_blocks if block.is_one}
    return facts


class _Block:
    """Whether a column of places names each once, at the head of its block.

    A column that repeats its names has no blocks: an empty cell in it is an omission, and isn't guessed.
    """

    def __init__(self, column: Column) -> None:
        self.index = column.index
        self._named: set[str] = set()
        self._blank = 0

    def takes(self, cells: list[Cell]) -> bool:
        """Go on with the next person's row; False as soon as a name comes again."""
        cell = cells[self.index] if self.index < len(cells) else None
        if is_blank(cell):
            self._blank += 1
            return True
        name = as_text(cell).strip()
        if name in self._named:
            return False
        self._named.add(name)
        return True

    @property
    def is_one(self) -> bool:
        return bool(self._named) and self._blank >= max(2, len(self._named))


def _merged_ranges(sheet: Sheet, header: Header, facts: SheetFacts) -> dict[int, list[tuple[int, Merged]]]:
    """Note the ranges that reach down a column; gives them by the row of their value."""
    tops: dict[int, list[tuple[int, Merged]]] = defaultdict(list)
    for first_row, first_column, last_row, last_column in sorted(sheet.merges):
        if first_row > header.last_row and first_column == last_column and last_row > first_row:
            merged = Merged(first_row, last_row)
            facts.merged[first_column].append(merged)
            tops[first_row].append((first_column, merged))
    return tops
