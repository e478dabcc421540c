"""Reading the tree: lists, search, one division, its history."""

from datetime import date
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, Text, and_, case, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from toilet_api.divisions import lookup, rules, schemas
from toilet_api.divisions.tables import Division
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.kernel.scope import Scope, prefix_range

MANAGE = "division.manage"


class DivisionCaller(Protocol):
    """What this room needs to know of whoever asks. The floor above, accounts, has the real one."""

    @property
    def scope(self) -> Scope:
        """Where the permission of the running request holds."""

    def permissions_at(self, division_code: str) -> set[str]:
        """What the caller may do at a division."""


_Above: Any = aliased(Division, name="above")

_HISTORY = text(
    """
    with recursive back (id, code) as (
        select past.id, past.old_code from division_successor as past where past.new_code = :code
        union
        select past.id, past.old_code from back join division_successor as past on past.new_code = back.code
    ),
    forth (id, code) as (
        select next.id, next.new_code from division_successor as next where next.old_code = :code
        union
        select next.id, next.new_code from forth join division_successor as next on next.old_code = forth.code
    )
    select event.kind, event.old_code, event.old_name, event.new_code, division.name as new_name, event.main, event.at,
           event.reason, event.recorded_at
    from division_successor as event join division on division.code = event.new_code
    where event.id in (select id from back union select id from forth)
    order by event.at, event.id
    """
)


def full_name() -> Any:
    """The names from the province down, without the entries that only hold a place in the code (市辖区)."""
    code = col(Division.code)
    return (
        select(func.string_agg(_Above.name, aggregate_order_by(literal(""), _Above.code)))
        .where(
            _Above.code.in_([func.left(code, length) for length in rules.LEVEL_OF_LENGTH]),
            or_(_Above.name.not_in(rules.PLACEHOLDERS), _Above.code == code),
        )
        .correlate(Division)
        .scalar_subquery()
    )


def rows() -> Select[Any]:
    """The columns of `DivisionRow`."""
    return select(
        col(Division.code),
        col(Division.name),
        full_name().label("full_name"),
        col(Division.level),
        col(Division.parent_code),
        col(Division.valid_from),
        col(Division.valid_to),
        col(Division.version),
    )


def in_force(at: date | None) -> ColumnElement[bool]:
    """Divisions of a day; of today without one."""
    if at is None:
        return col(Division.valid_to).is_(None)
    return and_(
        or_(col(Division.valid_from).is_(None), col(Division.valid_from) <= at),
        or_(col(Division.valid_to).is_(None), col(Division.valid_to) > at),
    )


def place(session: Session, code: str, at: date | None = None) -> str:
    """The code of a filter, followed to its successor unless the question is about another day. 404 when unknown."""
    division = lookup.find(session, code) if at is not None else lookup.resolve(session, code)
    if division is None:
        raise NOT_FOUND.problem()
    return division.code


def under(code: str) -> ColumnElement[bool]:
    """At `code` or below it."""
    return prefix_range(col(Division.code), code)


def matching(session: Session, search: str) -> ColumnElement[bool]:
    """Name contains the text (a single character: begins with it), or the code does begin so, or has led here."""
    name, sought = col(Division.name), literal(search, Text)
    if len(search) == 1:
        found = and_(name >= search, name < search + chr(0x10FFFF))
    else:
        # Every pair of characters by the index, then their order by looking.
        pairs = func.division_bigrams(name).op("@>")(func.division_bigrams(sought))
        found = and_(pairs, func.strpos(name, sought) > 0)
    if not (search.isascii() and search.isdigit() and len(search) <= 12):
        return found
    now_at = lookup.resolve(session, search) if rules.is_code(search) else None
    return or_(found, prefix_range(col(Division.code), search), col(Division.code) == (now_at.code if now_at else ""))


def relevance(search: str) -> ColumnElement[int]:
    """0 the very name or code, 1 begins with it, 2 contains it."""
    name = col(Division.name)
    return case(
        (or_(name == search, col(Division.code) == search), 0),
        (or_(func.starts_with(name, search), func.starts_with(col(Division.code), search)), 1),
        else_=2,
    )


def row(session: Session, code: str) -> dict[str, Any]:
    """One `DivisionRow`. 404 when unknown."""
    found = session.connection().execute(rows().where(col(Division.code) == code)).mappings().one_or_none()
    if found is None:
        raise NOT_FOUND.problem()
    return dict(found)


def show(session: Session, caller: DivisionCaller, code: str, *, follow: bool = True) -> schemas.DivisionView:
    """One division as the caller sees it; an old code shows what has become of it."""
    today = place(session, code) if follow else code
    found = row(session, today)
    return schemas.DivisionView(
        **found,
        resolved_from=code if today != code else None,
        allowed_actions=[] if found["valid_to"] else allowed_actions(caller, found["code"]),
    )


def allowed_actions(caller: DivisionCaller, code: str) -> list[str]:
    """The changes that the caller may make of a division in force: merge and move need the parent as well."""
    if MANAGE not in caller.permissions_at(code):
        return []
    parent, level = rules.parent_of(code), rules.level_of(code)
    steps = ["create"] if level < 5 else ["split"]
    if parent is not None and MANAGE in caller.permissions_at(parent):
        steps += ["merge", "move"]
    return ["rename", *steps, "close"]


def ancestors(session: Session, code: str) -> list[dict[str, Any]]:
    """From the province down to the parent."""
    above = rules.prefixes_of(place(session, code))[:-1]
    found = session.connection().execute(rows().where(col(Division.code).in_(above)).order_by(col(Division.code)))
    return [dict(one) for one in found.mappings()]


def history(session: Session, code: str) -> list[dict[str, Any]]:
    """Every rename, merge, split and move that led to this code, or away from it, through any number of steps."""
    if lookup.find(session, code) is None:
        raise NOT_FOUND.problem()
    return [dict(one) for one in session.connection().execute(_HISTORY, {"code": code}).mappings()]
