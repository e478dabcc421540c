"""Finds the header of a sheet: below titles, of one to three rows, merged or not."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from toilet_api.exchange.ledgers import limits
from toilet_api.exchange.ledgers.headings import FIELDS, SEVERAL, Recognised, normalise, recognise, unit_of
from toilet_api.exchange.ledgers.mode_rules import mode_of
from toilet_api.exchange.ledgers.problems import COLUMN_AMBIGUOUS, COLUMN_MISSING
from toilet_api.exchange.ledgers.sheets import INVISIBLE, Cell, Merge, Sheet, as_text, column_letter
from toilet_api.kernel.errors import FieldError

_DEPTH_MAX = 3
_TICKED_MODES = 2
"""So many columns must be headed by a mode (三格式, 双瓮式) before they are taken for columns of ticks."""
_SYNONYM_RANK = -1
"""A word that the county has given itself is better than any other."""
_ENOUGH = 3
"""So many different fields must be recognised before a row is taken for a header."""


@dataclass(slots=True)
class Column:
    """One column of the file and what becomes of it.

    `how`: heading, explicit, synonym, tick, unmapped, not_used, ignored.

    `mode` is what a tick in the column says.
    """

    index: int
    heading: str
    field: str | None
    how: str
    unit: str | None = None
    mode: str | None = None

    @property
    def letter(self) -> str:
        return column_letter(self.index)


@dataclass(slots=True)
class Header:
    """Where the header stands and what its columns mean."""

    first_row: int
    last_row: int
    columns: list[Column]
    texts: list[str] = field(default_factory=list)

    def of(self, name: str) -> list[Column]:
        """The columns of a field, from left to right."""
        return [column for column in self.columns if column.field == name]

    @property
    def fields(self) -> set[str]:
        return {column.field for column in self.columns if column.field is not None}


def find_header(
    sheet: Sheet, mapping: Mapping[str, str | None] | None = None, synonyms: Mapping[str, str | None] | None = None
) -> Header | None:
    """The header with the most recognised columns among the first rows, or None. Of equals the shallowest, topmost.

    `synonyms`: normalised heading -> field, or None for a column that is left out. They stand below `mapping` and above
    the words that everybody uses.
    """
    best = (0, 0, 0)
    best_levels: list[list[str]] = []
    top = sheet.head(limits.HEADER_WITHIN_ROWS)
    explicit = {normalise(heading) for heading in mapping or {}} | set(synonyms or {})
    for index in range(len(top)):
        for depth in range(1, min(_DEPTH_MAX, len(top) - index) + 1):
            levels = _levels(sheet, top[index : index + depth], depth)
            score = _score(levels, explicit)
            if score >= _ENOUGH and (score, -depth, -index) > best:
                best, best_levels = (score, -depth, -index), levels
    if not best_levels:
        return None
    depth, index = -best[1], -best[2]
    columns = _columns(best_levels, mapping or {}, synonyms or {})
    texts = [normalise(text) for text in best_levels[-1]]
    return Header(top[index][0], top[index + depth - 1][0], columns, texts)


def _levels(sheet: Sheet, rows: list[tuple[int, list[Cell]]], depth: int) -> list[list[str]]:
    """The header rows as texts of equal width, merged cells filled in."""
    width = max(len(cells) for _, cells in rows)
    grid = [[as_text(cell).strip(INVISIBLE) for cell in cells] + [""] * (width - len(cells)) for _, cells in rows]
    numbers = [number for number, _ in rows]
    if depth == 1:
        return grid
    for level, texts in enumerate(grid):
        _spread(sheet.merges, numbers, grid, level)
        if level < depth - 1 and not sheet.merges:
            # Without merges (CSV): a heading reaches to the right over columns that have one below it.
            for column in range(1, width):
                if not texts[column] and grid[level + 1][column] and texts[column - 1] and grid[level + 1][column - 1]:
                    texts[column] = texts[column - 1]
    return grid


def _spread(merges: list[Merge], numbers: list[int], grid: list[list[str]], level: int) -> None:
    for first_row, first_column, last_row, last_column in merges:
        if first_row != numbers[level] or first_column >= len(grid[level]):
            continue
        text = grid[level][first_column]
        for column in range(first_column, min(last_column, len(grid[level]) - 1) + 1):
            grid[level][column] = text
        for lower in range(level + 1, len(grid)):
            if numbers[lower] <= last_row:
                grid[lower][first_column] = grid[lower][first_column] or text


def _score(levels: list[list[str]], explicit: set[str]) -> int:
    """Different fields recognised; a cell that is not understood where one level would be weighs nothing."""
    found = set()
    ticked = set()
    for column in range(len(levels[0])):
        heading, recognised = _meaning(levels, column)
        if recognised is not None:
            found.add(recognised.field)
        elif (mode := mode_of(levels[-1][column])) is not None:
            ticked.add(mode)
        elif normalise(heading) in explicit:
            found.add(normalise(heading))
    if len(levels) > 1 and not any(_is_heading(levels, len(levels) - 1, column) for column in range(len(levels[0]))):
        return 0
    return len(found) + (len(ticked) + 1 if len(ticked) >= _TICKED_MODES and "mode" not in found else 0)


def _is_heading(levels: list[list[str]], level: int, column: int) -> bool:
    text, above = levels[level][column], levels[level - 1][column]
    return bool(text) and text != above and (recognise(text, above) or mode_of(text)) is not None


def _meaning(levels: list[list[str]], column: int) -> tuple[str, Recognised | None]:
    """The heading of a column as shown, and what it means: the lowest text, with those above it."""
    texts = list(dict.fromkeys(level[column] for level in levels if level[column]))
    if not texts:
        return "", None
    above = "".join(texts[:-1])
    shown = "/".join(" ".join(text.split()) for text in texts)
    if not levels[-1][column]:
        # The level below is blank: the heading above stands for the column if it is understood by itself.
        return shown, recognise(texts[-1], "".join(texts[:-1]))
    return shown, recognise(texts[-1], above)


def _columns(
    levels: list[list[str]], mapping: Mapping[str, str | None], synonyms: Mapping[str, str | None]
) -> list[Column]:
    explicit = {_key(heading): name for heading, name in mapping.items()}
    columns: list[Column] = []
    ranks: dict[int, int] = {}
    for index in range(len(levels[0])):
        heading, recognised = _meaning(levels, index)
        keys = [_key(column_letter(index) + ":"), _key(heading), normalise(levels[-1][index])]
        chosen = next((key for key in keys if key in explicit), None)
        if chosen is not None:
            name = explicit[chosen]
            columns.append(Column(index, heading, name, "explicit" if name else "ignored", unit_of(heading)))
        elif (word := next((key for key in keys[1:] if key in synonyms), None)) is not None:
            ranks[index] = _SYNONYM_RANK
            columns.append(Column(index, heading, synonyms[word], "synonym", unit_of(heading)))
        elif recognised is not None:
            ranks[index] = recognised.rank
            columns.append(Column(index, heading, recognised.field, "heading", recognised.unit))
        elif heading:
            columns.append(Column(index, heading, None, "unmapped"))
    _take_exported(columns)
    _settle(columns, ranks)
    if not any(column.field == "mode" for column in columns):
        _take_ticks(columns, levels[-1])
    return columns


def _take_exported(columns: list[Column]) -> None:
    """In an export 编号 (id) stands beside 厕所编号 (toilet_id), and is the household's, no number of the clerk's."""
    if any(column.field == "toilet_id" for column in columns):
        for column in columns:
            if column.how == "heading" and normalise(column.heading) in ("编号", "id"):
                column.field = "household_id"


def _take_ticks(columns: list[Column], lowest: list[str]) -> None:
    """A column for each mode, in which the row's own is ticked."""
    headed = {column.index: mode_of(lowest[column.index]) for column in columns if column.how == "unmapped"}
    modes = {index: mode for index, mode in headed.items() if mode is not None}
    if len(set(modes.values())) < _TICKED_MODES:
        return
    for column in columns:
        if column.index in modes:
            column.field, column.how, column.mode = "mode", "tick", modes[column.index]


def is_letter(heading: str) -> bool:
    """Whether a key of a mapping is a column, given as `C:`."""
    text = heading.strip()
    return text.endswith(":") and text[:-1].isascii() and text[:-1].isalpha() and len(text) <= 4


def _key(heading: str) -> str:
    """Letters are given as `C:`; headings by their text."""
    return heading.strip().upper() if is_letter(heading) else normalise(heading)


def _settle(columns: list[Column], ranks: dict[int, int]) -> None:
    """One column per field: an explicit one, else the best heading. Equal claims are for the caller to decide."""
    for name in {column.field for column in columns if column.field}:
        rivals = [column for column in columns if column.field == name]
        if len(rivals) < 2 or name in SEVERAL:
            continue
        explicit = [column for column in rivals if column.how == "explicit"]
        best = explicit or sorted(rivals, key=lambda column: ranks.get(column.index, 0))
        if len(explicit) > 1 or (not explicit and _rank(best[0], ranks) == _rank(best[1], ranks)):
            tied = explicit or [column for column in best if _rank(column, ranks) == _rank(best[0], ranks)]
            raise COLUMN_AMBIGUOUS.problem(
                (
                    f"{'、'.join(f'{one.letter} 列“{one.heading}”' for one in tied)}都像 {name}，请用 mapping 指明。",
                    f"Columns {', '.join(one.letter for one in tied)} all claim {name}; choose by mapping.",
                ),
                field=name,
                columns=[{"letter": one.letter, "heading": one.heading} for one in tied],
            )
        for column in rivals:
            if column is not best[0]:
                column.field, column.how = None, "not_used"


def _rank(column: Column, ranks: dict[int, int]) -> int:
    return ranks.get(column.index, 0)


def require(header: Header, sheet: str, *, has_village: bool) -> None:
    """Raises `import_column_missing` for a header without name, mode or village, listing what was found.

    Without ID numbers a household is told by name with address or phone; without all three it can't be told.
    """
    fields = header.fields
    missing = [name for name in ("name", "mode") if name not in fields]
    if not has_village and not fields & {"village", "village_code"}:
        missing.append("village")
    if "id" not in fields and not fields & {"address", "phone"}:
        missing.append("id")
    if missing:
        raise COLUMN_MISSING.problem(
            (
                f"第 {header.last_row} 行表头缺少：{'、'.join(f'{FIELDS[name][0]}（{name}）' for name in missing)}。",
                f"The header in row {header.last_row} lacks: {', '.join(missing)}.",
            ),
            errors=[FieldError(f"/header/{name}", "missing", ("没有找到这一列", "no such column")) for name in missing],
            sheet=sheet,
            header_row=header.last_row,
            missing=missing,
            found=[{"letter": one.letter, "heading": one.heading, "column": one.field} for one in header.columns],
        )
