"""The records behind a figure of an edition, at any level: through the parts of a roll-up down to the draws."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, literal, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from toilet_api.divisions.tables import Division
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.registry.tables import Household
from toilet_api.reporting.reports.counting import figure, of_draw
from toilet_api.reporting.reports.drawing import numbered
from toilet_api.reporting.reports.problems import NOT_DRAWN
from toilet_api.reporting.reports.schemas import ReportedRecordRow
from toilet_api.reporting.reports.tables import Report, ReportEdition, ReportedRecord, ReportPart

R = ReportedRecord
SORTS: dict[str, list[Any]] = {"place_code": [col(R.place_code)]}
_Place: Any = aliased(Division, name="place")
_NONE: Any = None


def edition_of(session: Session, report: Report, number: int | None) -> ReportEdition:
    """The edition of a number, or the newest. Raises `not_found`, or `report_not_drawn` before the first."""
    found = numbered(session, report, report.edition if number is None else number)
    if found is None:
        raise (NOT_DRAWN if number is None else NOT_FOUND).problem()
    return found


@dataclass(frozen=True, slots=True)
class Draws:
    """The draws that an edition comes to: one of its own, known, or those of its parts, which a join brings in."""

    chain_id: Any
    draw: Any
    drawn_on: Any
    joined: Any = None

    def rows(self, path: str) -> ColumnElement[bool]:
        """The stored rows that are in a figure. Raises 422 for an unknown figure."""
        return and_(of_draw(self.chain_id, self.draw), figure(path).rows(self.drawn_on))

    def within(self, statement: Select[Any], path: str) -> Select[Any]:
        """A select from stored rows, of those that are in a figure."""
        if self.joined is None:
            return statement.where(self.rows(path))
        return statement.join(self.joined, self.rows(path))


def draws(edition: ReportEdition, name: str) -> Draws:
    """The draws of an edition; `name` tells those of two editions apart in one query."""
    if edition.chain_id is not None:
        return Draws(edition.chain_id, edition.draw, edition.drawn_on)
    tree = select(literal(edition.id).label("id")).cte(f"{name}_tree", recursive=True)
    below: Any = aliased(ReportPart, name=f"{name}_part")
    tree = tree.union_all(
        select(below.part_edition_id).where(below.edition_id == tree.c.id, below.part_edition_id.is_not(None))
    )
    one: Any = aliased(ReportEdition, name=f"{name}_edition")
    found = (
        select(one.chain_id, one.draw, one.drawn_on)
        .join(tree, tree.c.id == one.id)
        .where(one.chain_id.is_not(None))
        .subquery(name)
    )
    return Draws(found.c.chain_id, found.c.draw, found.c.drawn_on, found)


def record_select(edition: ReportEdition, path: str) -> Select[Any]:
    """The members of `ReportedRecordRow`: the rows of a figure, as many as it says."""
    rows = select(*record_columns(ReportedRecordRow.model_fields, {})).select_from(R)
    return with_names(draws(edition, "drawn").within(rows, path))


def record_columns(names: Any, more: dict[str, Any]) -> list[Any]:
    """Columns of stored rows under the names of a schema."""
    made: dict[str, Any] = {
        "id": R.record_id,
        "place_name": _Place.name,
        "head_masked": Household.name_masked,
        **more,
    }
    return [made.get(name, getattr(R, name, _NONE)).label(name) for name in names]


def with_names(statement: Select[Any]) -> Select[Any]:
    """Joined to the name of the place and the masked name of the head of household, where the caller sees them."""
    return statement.outerjoin(_Place, _Place.code == col(R.place_code)).outerjoin(
        Household, col(Household.id) == col(R.household_id)
    )
