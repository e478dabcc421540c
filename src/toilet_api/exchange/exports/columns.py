"""The columns of a dataset, and how each is written: to be read by people, as JSON, or typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Text,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    type_coerce,
)

from toilet_api.kernel.codes import CodeList

Kind = Literal["text", "plain", "uuid", "code", "codes", "texts", "uuids", "flag", "whole", "yuan", "moment", "day"]
"""What a column holds. `text` was written by people, so it is guarded and escaped; `plain` is text of ours alone, such
as the code of a division; `yuan` is stored in fen."""
TEXTS: Any = ARRAY(Text)
LISTS = frozenset({"codes", "texts", "uuids"})

GUARDED = "=+-@\t\r"
"""What makes a spreadsheet take a cell for a formula; `kernel.paging.csv_cell` guards the same."""
JOINT = "；"
"""Between several values of one cell. Labels and names hold 、 at times, never this."""
_SHANGHAI = "Asia/Shanghai"
_QUOTED = frozenset({"uuid", "code", "day", "plain"})
"""Kinds whose JSON is the value in quotes."""


@dataclass(frozen=True)
class Column:
    """A column: its English name, its Chinese heading, and the expression that holds its value as it is stored."""

    key: str
    zh: str
    value: Any
    kind: Kind = "text"
    codes: CodeList | None = None
    required: bool = False
    """Never None."""
    shown_as: Any = None
    """How people see it, formula-safe, where that doesn't follow from the value."""
    width: float = 12

    @cached_property
    def shown(self) -> ColumnElement[Any]:
        """For people: labels, 是 and 否, Beijing time, money in yuan, formula-safe. None stays None."""
        if self.shown_as is not None:
            return type_coerce(self.shown_as, Text)
        match self.kind:
            case "code" if self.codes is not None:
                return _labelled(self.value, self.codes)
            case "codes" if self.codes is not None:
                return joined(_mapped(self.value, self.codes))
            case "texts":
                return guarded(joined(self.value))
            case "uuids" | "codes":
                return joined(self.value)
            case "flag":
                return case((self.value.is_(True), "是"), (self.value.is_(False), "否"))
            case "yuan":
                return yuan(self.value)
            case "moment":
                return type_coerce(func.timezone(_SHANGHAI, self.value), Text)
            case "text":
                return guarded(self.value)
            case _:
                return type_coerce(self.value, Text)

    def json_parts(self, before: str) -> list[Any]:
        """What makes up the value as JSON text when put together, with `before` in front; `null` for None.

        Pieces and not a text, because putting texts together twice takes most of the time. Codes and ids need no
        escaping.
        """
        missing, null = self.value.is_(None), literal(before + "null", Text)
        if self.kind in _QUOTED:
            if self.required:
                return [before + '"', self.value, '"']
            opened = case((missing, null), else_=literal(before + '"', Text))
            return [opened, self.value, case((~missing, literal('"', Text)))]
        if self.required:
            return [before, self._plain_json]
        return [case((missing, null), else_=literal(before, Text)), self._plain_json]

    @property
    def _plain_json(self) -> Any:
        match self.kind:
            case "flag":
                return case((self.value.is_(True), "true"), (self.value.is_(False), "false"))
            case "whole":
                return self.value
            case "yuan":
                return yuan(self.value)
            case kind if kind in LISTS:
                return func.to_json(self.value)
            case _:
                # Unlike to_json it finds out but once for a query how the type is written.
                return func.json_scalar(self.value)

    @cached_property
    def json(self) -> ColumnElement[str]:
        """The value as JSON text; `null` for None."""
        return func.concat(*self.json_parts(""))

    @cached_property
    def typed(self) -> ColumnElement[Any]:
        """The value as text that Parquet's columns are read from: moments in microseconds since 1970, lists joined."""
        match self.kind:
            case kind if kind in LISTS:
                return joined(self.value)
            case "moment":
                return cast(func.extract("epoch", self.value) * 1_000_000, BigInteger)
            case "yuan":
                return yuan(self.value)
            case "flag":
                return cast(self.value, Text)
            case _:
                return type_coerce(self.value, Text)


def guarded(text: Any) -> ColumnElement[str]:
    """The text, with an apostrophe before it where a spreadsheet would run it."""
    return case(
        (func.ascii(text).in_([ord(character) for character in GUARDED]), literal("'", Text) + text), else_=text
    )


def yuan(fen: Any) -> ColumnElement[str]:
    """Fen as yuan, exactly: 1500, 1500.5. Whole amounts go without numeric, which is slow."""
    exact = cast(func.trim_scale(fen / literal_column("100.0")), Text)
    return case((fen % 100 == 0, cast(fen // 100, Text)), else_=exact)


@dataclass(frozen=True)
class Fragment:
    """Members that were made ready as JSON (`"a":1,"b":2`) once for many rows; they stand in for columns of `keys`."""

    value: Any
    keys: frozenset[str]


def as_object(columns: Sequence[Column], ready: Fragment | None = None) -> ColumnElement[str]:
    """One JSON object a row, as text. `json_build_object` of the same takes twice as long."""
    parts: list[Any] = []
    before = "{"
    is_placed = False
    for column in columns:
        if ready is None or column.key not in ready.keys:
            parts += column.json_parts(f'{before}"{column.key}":')
        elif not is_placed:
            parts += [before, ready.value]
            is_placed = True
        before = ","
    parts.append("}")
    # A function takes a hundred arguments at most.
    made = [literal(part, Text) if isinstance(part, str) else part for part in _merged(parts)]
    groups = [made[start : start + 90] for start in range(0, len(made), 90)]
    return func.concat(*groups[0]) if len(groups) == 1 else func.concat(*(func.concat(*group) for group in groups))


def _merged(parts: Sequence[Any]) -> list[Any]:
    """Texts that follow each other as one."""
    merged: list[Any] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return merged


def _labelled(value: Any, codes: CodeList) -> ColumnElement[str]:
    return case({one.code: one.zh for one in codes.codes}, value=value, else_=value)


def _mapped(values: Any, codes: CodeList) -> ColumnElement[Any]:
    """An array of codes as an array of labels, in its order."""
    element: Any = func.unnest(values).column_valued("element")
    return select(func.array_agg(_labelled(element, codes))).scalar_subquery()


def joined(values: Any) -> ColumnElement[str]:
    """An array as one text; an empty one as None."""
    return func.nullif(func.array_to_string(values, JOINT), "")
