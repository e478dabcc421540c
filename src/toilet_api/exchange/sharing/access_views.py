"""How pulls are shown: to a county, those that touched it, or all above it."""

from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Select,
    Text,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.sharing.access_schemas import DatasetAccessRow
from toilet_api.exchange.sharing.tables import DatasetAccess
from toilet_api.kernel.scope import Scope
from toilet_api.registry.filters import scope_of

SORTS: dict[str, list[Any]] = {
    "-at": [col(DatasetAccess.at).desc()],
    "at": [col(DatasetAccess.at)],
}
_LEVELS = (2, 4, 6, 9, 12)
_REFUSED = 400
_SHANGHAI = "Asia/Shanghai"


def access_select(
    session: Session,
    caller: Caller,
    *,
    division: str | None = None,
    client_id: str | None = None,
    dataset: str | None = None,
    date_from: date | None = None,
    date_to: date | None = None,
) -> Select[Any]:
    """The members of `DatasetAccessRow`, of the pulls that touched the caller's divisions. Days are Shanghai's.

    Raises `not_found` for a division outside of the caller's scope.
    """
    one = DatasetAccess
    statement = select(*(getattr(one, name).label(name) for name in DatasetAccessRow.model_fields))
    statement = statement.where(touching(caller.scope))
    if division is not None:
        statement = statement.where(touching(scope_of(session, caller, division)))
    if client_id is not None:
        statement = statement.where(col(one.client_id) == client_id)
    if dataset is not None:
        statement = statement.where(col(one.dataset) == dataset)
    if date_from is not None:
        statement = statement.where(col(one.at) >= _midnight(literal(date_from, Date)))
    if date_to is not None:
        statement = statement.where(col(one.at) < _midnight(literal(date_to, Date) + literal(1, Integer)))
    return statement


def touching(scope: Scope) -> ColumnElement[bool]:
    """A pull somewhere inside of `scope`, or of all that lies around it."""
    column = col(DatasetAccess.division_code)
    above = {prefix[:length] for prefix in scope.prefixes for length in _LEVELS if length < len(prefix)}
    return or_(scope.condition(column), column.in_(sorted(above)))


def day_select(pulls: Select[Any]) -> tuple[Select[Any], Any, Any]:
    """The members of `DatasetAccessDay` of these pulls, each pull once; with the column of days, and the key."""
    pull = col(DatasetAccess.pull_id)
    once = pulls.ext(distinct_on(pull)).order_by(pull).subquery("pull")
    day = cast(func.timezone(_SHANGHAI, once.c.at), Date)
    grouped = (
        select(
            day.label("day"),
            once.c.principal_id,
            once.c.client_id,
            once.c.dataset,
            func.count().label("pulls"),
            func.count().filter(once.c.status >= _REFUSED).label("refused"),
            cast(func.sum(once.c.records), BigInteger).label("records"),
            cast(func.sum(once.c.bytes), BigInteger).label("bytes"),
            func.max(once.c.at).label("last_at"),
        )
        .group_by(day, once.c.principal_id, once.c.client_id, once.c.dataset)
        .subquery("by_day")
    )
    key = func.concat(cast(grouped.c.principal_id, Text), literal("/", Text), grouped.c.dataset, type_=Text)
    return select(*grouped.c), grouped.c.day, key


def _midnight(day: ColumnElement[Any]) -> ColumnElement[Any]:
    """The beginning of a day in Shanghai."""
    return func.timezone(_SHANGHAI, cast(day, DateTime))
