"""Places in queries: the names of village and township beside a record, and the place that a body names."""

from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.divisions.lookup import resolve_for_write
from toilet_api.divisions.tables import Division
from toilet_api.registry.filters import scope_of

Village: Any = aliased(Division, name="village")
Township: Any = aliased(Division, name="township")


def with_places(statement: Select[Any], division_code: Any) -> Select[Any]:
    """`statement`, joined to the village and the township of `division_code`."""
    return statement.outerjoin(Village, (Village.code == division_code) & (func.length(division_code) == 12)).outerjoin(
        Township, Township.code == func.left(division_code, 9)
    )


def own_place(session: Session, caller: Caller, division: str, level: int | None) -> str:
    """The present code of a division that a body names, held so that no merge moves it meanwhile.

    Raises 403 `out_of_scope` outside of the caller's scope, 422 for an unknown one or another level.
    """
    return resolve_for_write(session, division, level, scope=caller.scope).code


def county_or_above(session: Session, caller: Caller, division: str, column: Any) -> ColumnElement[bool]:
    """A filter `division=` over records of counties: of a village or township it is its county that is meant."""
    scope = scope_of(session, caller, division)
    counties = {prefix[:6] for prefix in scope.prefixes if len(prefix) >= 6}
    return or_(scope.condition(column), column.in_(counties))
