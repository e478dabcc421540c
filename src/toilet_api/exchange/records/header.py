"""Finds the header of a sheet of records: below titles, of one row or two."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from toilet_api.exchange.ledgers import limits
from toilet_api.exchange.ledgers.header_search import Column, Header
from toilet_api.exchange.ledgers.headings import normalise
from toilet_api.exchange.ledgers.problems import COLUMN_AMBIGUOUS
from toilet_api.exchange.ledgers.sheets import INVISIBLE, Sheet, as_text, column_letter
from toilet_api.exchange.records.columns import column_of, recognise

_ENOUGH = 2
"""So many different columns make a header; the smallest kind, divisions, has no more that it needs."""
_TICKED = 2
"""So many columns must be headed by problem types before they are taken for columns of ticks."""


@dataclass(slots=True)
class Words:
    """What headings mean in an import: as its mapping says, else its county's words, else everybody's.

    `synonyms`: normalised heading -> field, None for a column that is left out. `ticks`: normalised heading -> problem
    type, for columns of ticks.
    """

    kind: str
    mapping: Mapping[str, str | None]
    synonyms: Mapping[str, str | None]
    ticks: Mapping[str, str]
    _chosen: dict[str, str | None] = field(init=False)

    def __post_init__(self) -> None:
        self._chosen = {heading_key(heading): name for heading, name in self.mapping.items()}

    def explicit(self, index: int, heading: str) -> tuple[str | None, str] | None:
        """(field, how) where mapping or synonyms say what a column is."""
        for key in (f"{column_letter(index)}:", normalise(heading)):
            if key in self._chosen:
                return self._chosen[key], "explicit"
        if normalise(heading) in self.synonyms:
            return self.synonyms[normalise(heading)], "synonym"
        return None


def find_header(sheet: Sheet, words: Words) -> Header | None:
    """The row, or the two rows, with the most columns that are understood; of equals the topmost, the single one."""
    top = list(islice(sheet.rows, limits.HEADER_WITHIN_ROWS))
    best: tuple[int, int, int] = (0, 0, 0)
    texts: list[str] = []
    for index in range(len(top)):
        for depth in (1, 2):
            levels = [[as_text(cell).strip(INVISIBLE) for cell in cells] for _, cells in top[index : index + depth]]
            if len(levels) < depth:
                continue
            headings = levels[0] if depth == 1 else _lowest(*levels)
            score = _score(words, headings)
            if depth == 2 and score <= _score(words, levels[1]):
                continue
            if score >= _ENOUGH and (score, -depth, -index) > best:
                best, texts = (score, -depth, -index), headings
    if not texts:
        return None
    depth, index = -best[1], -best[2]
    columns = _columns(words, texts)
    return Header(top[index][0], top[index + depth - 1][0], columns, [normalise(text) for text in texts])


def _lowest(above: list[str], below: list[str]) -> list[str]:
    width = max(len(above), len(below))
    above, below = above + [""] * (width - len(above)), below + [""] * (width - len(below))
    return [low or high for high, low in zip(above, below, strict=True)]


def _score(words: Words, headings: list[str]) -> int:
    found: set[str] = set()
    for index, heading in enumerate(headings):
        recognised = recognise(words.kind, heading)
        explicit = words.explicit(index, heading)
        if explicit is not None:
            found.add(explicit[0] or normalise(heading))
        elif recognised is not None:
            found.add(recognised[0].field)
        elif normalise(heading) in words.ticks:
            found.add(normalise(heading))
    return len(found - {""})


def _columns(words: Words, headings: list[str]) -> list[Column]:
    columns: list[Column] = []
    ranks: dict[int, int] = {}
    for index, heading in enumerate(headings):
        shown = " ".join(heading.split())
        explicit = words.explicit(index, heading)
        recognised = recognise(words.kind, heading)
        if explicit is not None:
            name, how = explicit
            columns.append(Column(index, shown, name, how if name else "ignored"))
            ranks[index] = -2 if how == "explicit" else -1
        elif recognised is not None:
            column, ranks[index] = recognised
            columns.append(Column(index, shown, column.field, "heading"))
        elif shown:
            columns.append(Column(index, shown, None, "unmapped"))
    _settle(columns, ranks)
    if not any(column.field == "findings" for column in columns):
        _take_ticks(columns, words.ticks)
    for one in columns:
        if one.field not in (None, "serial") and column_of(words.kind, str(one.field)).use == "pass":
            one.field, one.how = None, "not_read"
    return columns


def _take_ticks(columns: list[Column], ticks: Mapping[str, str]) -> None:
    headed = [column for column in columns if column.how == "unmapped" and normalise(column.heading) in ticks]
    if len(headed) < _TICKED:
        return
    for column in headed:
        column.field, column.how, column.mode = "findings", "tick", ticks[normalise(column.heading)]


def _settle(columns: list[Column], ranks: Mapping[int, int]) -> None:
    """One column for a field: a chosen one, else the better heading. Raises for equal claims."""
    for name in {column.field for column in columns if column.field}:
        rivals = sorted((one for one in columns if one.field == name), key=lambda one: ranks[one.index])
        if len(rivals) > 1 and name != "serial" and ranks[rivals[0].index] == ranks[rivals[1].index]:
            tied = [one for one in rivals if ranks[one.index] == ranks[rivals[0].index]]
            raise COLUMN_AMBIGUOUS.problem(
                (
                    f"{'、'.join(f'{one.letter} 列“{one.heading}”' for one in tied)}都像 {name}，请用 mapping 指明。",
                    f"Columns {', '.join(one.letter for one in tied)} all claim {name}; choose by mapping.",
                ),
                field=name,
                columns=[{"letter": one.letter, "heading": one.heading} for one in tied],
            )
        for one in rivals[1:]:
            one.field, one.how = None, "not_used"


def heading_key(heading: str) -> str:
    """Letters are given as `C:`; headings by their text."""
    text = heading.strip().upper()
    if text.endswith(":") and text[:-1].isascii() and text[:-1].isalpha() and len(text) <= 4:
        return text
    return normalise(heading)
