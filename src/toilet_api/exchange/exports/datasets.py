"""What a dataset is: its columns, where they come from, who may have it, and what changes it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, String, Text, and_, bindparam, case, cast, func, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from toilet_api.accounts.permissions import Permission
from toilet_api.divisions.tables import Division
from toilet_api.exchange.exports.columns import Column, Fragment, guarded
from toilet_api.exchange.exports.schemas import ExportFilters

_Here: Any = aliased(Division, name="here")
_Above: Any = aliased(Division, name="above")


@dataclass(frozen=True, slots=True)
class Shard:
    """A range of division codes: `low` and above, below `high`. A dataset is read shard by shard, in their order."""

    low: str
    high: str

    def covers(self, code: Any) -> ColumnElement[bool]:
        """The SQL condition that a record lies inside.

        Its parameters have the names of `parameters`, so that a statement that was compiled for one shard reads others.
        """
        named = {name: bindparam(name, value, String) for name, value in self.parameters.items()}
        return and_(code >= named["shard_low"], code < named["shard_high"])

    @property
    def parameters(self) -> dict[str, str]:
        """What `covers` is bound to."""
        return {"shard_low": self.low, "shard_high": self.high}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is read: a range of divisions, filtered, as of a day in Shanghai."""

    shard: Shard
    filters: ExportFilters
    today: date


@dataclass(frozen=True)
class Source:
    """A dataset within one shard: its columns, the rows without columns, and their order."""

    columns: Sequence[Column]
    rows: Select[Any]
    order: Sequence[Any]
    ready: Fragment | None = None
    sealed: Any = None
    """The sealed person of a row, where the dataset shows one."""

    def select(self, *shown: Any) -> Select[Any]:
        """The rows with these expressions, in order."""
        return self.rows.add_columns(*shown).order_by(*self.order)


@dataclass(frozen=True)
class Dataset:
    """A dataset. `build` gives its rows; `counted` is the table whose rows tell about how many there will be."""

    name: str
    permissions: tuple[Permission, ...]
    subjects: tuple[str, ...]
    """The types of record in the change feed that show in it."""
    filters: frozenset[str]
    build: Callable[[Asked], Source]
    counted: Any
    is_hashed: bool = False
    """Each table that it joins is limited to the range: hash joins are best. Behind row-level security the planner
    believes in few rows, and would look each of them up."""
    is_dated: bool = False
    """It shows what depends on the day: what is overdue, who is trained."""
    shows_persons: bool = False
    """It holds personal data, which may be asked for in plain."""


@dataclass(frozen=True, slots=True)
class Places:
    """The divisions of a shard with the names above them: found once, joined to many rows."""

    table: Any

    @classmethod
    def of(cls, shard: Shard) -> "Places":
        level = col(_Here.level)
        names: dict[str, Any] = {
            "city": case((level >= 2, _above(4))),
            "county": case((level >= 3, _above(6))),
            "township": case((level >= 4, _above(9))),
            "village": case((level == 5, _Here.name)),
        }
        found = (
            select(_Here.code, _Here.name, *(name.label(key) for key, name in names.items()))
            .where(shard.covers(_Here.code))
            .subquery("found")
        )
        members = [
            text
            for key in names
            for text in (f'"{key}":', func.coalesce(cast(func.to_json(found.c[key]), Text), "null"), ",")
        ]
        statement = select(
            found.c.code,
            guarded(found.c.name).label("name"),
            *(found.c[key] for key in names),
            *(guarded(found.c[key]).label(f"{key}_shown") for key in names),
            func.concat(*members, '"village_code":"', found.c.code, '"').label("members"),
        )
        return cls(statement.cte("place").prefix_with("materialized", dialect="postgresql"))

    def join(self, statement: Select[Any], division_code: Any) -> Select[Any]:
        """`statement`, joined to the place of each of its rows."""
        return statement.outerjoin(self.table, self.table.c.code == division_code)

    def column(self, key: str, zh: str, width: float = 12) -> Column:
        """The name of the place, or of what lies above it: city, county, township, village."""
        return Column(key, zh, self.table.c[key], shown_as=self.table.c[f"{key}_shown"], width=width)


def _above(length: int) -> Any:
    """The name of the division at the first digits of the code: looked up, however few or many divisions there are."""
    return select(_Above.name).where(_Above.code == func.left(_Here.code, length)).correlate(_Here).scalar_subquery()


def any_of(column: Any, values: Sequence[str] | None) -> list[ColumnElement[bool]]:
    """A filter by several values; none of it where nothing was asked."""
    return [] if values is None else [column.in_(values)]


def between_days(moment: Any, filters: ExportFilters) -> list[ColumnElement[bool]]:
    """The moment lies on the days asked for, ends included, in Shanghai."""
    day = func.date(func.timezone("Asia/Shanghai", moment))
    bounds = ((day.__ge__, filters.date_from), (day.__le__, filters.date_to))
    return [compare(bound) for compare, bound in bounds if bound is not None]
