"""Scope: which part of the country someone may see. A scope is a set of division code prefixes."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, false, or_, true

S = TypeVar("S", bound=Select[Any])

EVERYWHERE = ("",)


def prefix_range(column: Any, prefix: str) -> ColumnElement[bool]:
    """`column` starts with `prefix`, written as an index range (codes are digits, collation "C")."""
    if not prefix:
        return true()
    if len(prefix) == 12:
        return column == prefix  # type: ignore[no-any-return]
    return and_(column >= prefix, column < prefix[:-1] + chr(ord(prefix[-1]) + 1))


@lru_cache(4096)
def _condition(prefixes: tuple[str, ...], column: Any) -> ColumnElement[bool]:
    """Made once: a page of households asks for it seven times, and SQLAlchemy takes longer over it than Postgres."""
    return or_(*(prefix_range(column, prefix) for prefix in prefixes)) if prefixes else false()


@dataclass(frozen=True, slots=True)
class Scope:
    """Division code prefixes, none inside another. `("",)` is the whole country, `()` is nothing."""

    prefixes: tuple[str, ...] = ()

    @classmethod
    def of(cls, codes: Iterable[str]) -> "Scope":
        """The smallest set of prefixes that covers `codes`."""
        kept: list[str] = []
        for code in sorted(set(codes)):
            if not any(code.startswith(outer) for outer in kept):
                kept.append(code)
        return cls(tuple(kept))

    @property
    def is_empty(self) -> bool:
        return not self.prefixes

    def covers(self, code: str) -> bool:
        """Whether a record at `code` lies inside."""
        return any(code.startswith(prefix) for prefix in self.prefixes)

    def within(self, code: str) -> "Scope":
        """The part of this scope under `code`: `code` itself, this scope's own prefixes below it, or nothing."""
        if self.covers(code):
            return Scope((code,))
        return Scope(tuple(prefix for prefix in self.prefixes if prefix.startswith(code)))

    def condition(self, column: Any) -> ColumnElement[bool]:
        """The SQL condition that a record lies inside."""
        return _condition(self.prefixes, column)

    def narrow(self, statement: S, column: Any) -> S:
        """`statement`, limited to records inside."""
        return statement.where(self.condition(column))
