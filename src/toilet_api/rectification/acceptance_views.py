"""How acceptances are shown: one list of columns, for single records and for pages alike; and the shares reached."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Float,
    Integer,
    Select,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.divisions.tables import Division
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.rectification import checklists
from toilet_api.rectification.acceptance_schemas import (
    AcceptanceOut,
    AcceptanceRow,
    AcceptanceShareRow,
    AcceptedProblem,
    ResultOut,
)
from toilet_api.rectification.rules import ACCEPTANCE, ON_PANEL
from toilet_api.rectification.tables import Acceptance, AcceptanceProblem, Task
from toilet_api.registry.filters import scope_of
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey.actions import actions_column, remembered
from toilet_api.survey.places import Township, Village, with_places
from toilet_api.survey.tables import Campaign, CatalogueType, LedgerProblem

_NONE: Any = None
DECIDED: ColumnElement[Any] = func.coalesce(
    col(Acceptance.decided_at),
    literal_column("timestamptz '1970-01-01 00:00:00+00'", DateTime(timezone=True)),
    type_=DateTime(timezone=True),
)
SORTS: dict[str, list[Any]] = {
    "division_code": [col(Acceptance.division_code)],
    "-decided_at": [DECIDED.desc()],
    "updated_at": [col(Acceptance.updated_at)],
    "-updated_at": [col(Acceptance.updated_at).desc()],
}


@remembered
def acceptance_select(caller: Caller) -> Select[Any]:
    """The members of `AcceptanceRow`, of the acceptances in the caller's scope."""
    ids = (
        select(func.array_agg(aggregate_order_by(col(AcceptanceProblem.problem_id), col(AcceptanceProblem.problem_id))))
        .where(col(AcceptanceProblem.acceptance_id) == col(Acceptance.id))
        .scalar_subquery()
    )
    place: Any = col(Acceptance.division_code)
    panel: Any = col(Acceptance.panel)
    on_panel = and_(
        literal(caller.id) == func.any(col(Acceptance.panel_user_ids)),
        or_(col(Acceptance.level) != "county", panel.contains([{"user_id": str(caller.id), "side": "county"}])),
    )
    made: dict[str, Any] = {
        "village_name": Village.name,
        "township_name": Township.name,
        "head_masked": Household.name_masked,
        "toilet_mode": Toilet.mode,
        "problem_ids": ids,
        "allowed_actions": actions_column(ACCEPTANCE, col(Acceptance.state), place, caller, {ON_PANEL: on_panel}),
    }
    columns = [made.get(name, getattr(Acceptance, name, _NONE)).label(name) for name in AcceptanceRow.model_fields]
    statement = (
        select(*columns)
        .select_from(Acceptance)
        .outerjoin(Household, col(Household.id) == col(Acceptance.household_id))
        .outerjoin(Toilet, col(Toilet.id) == col(Acceptance.toilet_id))
        .where(col(Acceptance.removed_at).is_(None))
    )
    return caller.scope.narrow(with_places(statement, place), place)


@dataclass(frozen=True, slots=True)
class AcceptanceFilter:
    """What a clerk looks for. Dates are days in Shanghai, both ends included."""

    division: str | None = None
    state: list[str] = field(default_factory=list)
    level: str | None = None
    campaign_id: UUID | None = None
    problem_id: UUID | None = None
    household_id: UUID | None = None
    toilet_id: UUID | None = None
    checked_from: date | None = None
    checked_to: date | None = None


def filtered(session: Session, caller: Caller, statement: Select[Any], wanted: AcceptanceFilter) -> Select[Any]:
    """`statement` with the filters. A foreign division is a 404."""
    one = Acceptance
    if wanted.division is not None:
        statement = scope_of(session, caller, wanted.division).narrow(statement, col(one.division_code))
    if wanted.state:
        statement = statement.where(col(one.state).in_(wanted.state))
    exact: list[tuple[Any, Any]] = [
        (one.level, wanted.level),
        (one.campaign_id, wanted.campaign_id),
        (one.household_id, wanted.household_id),
        (one.toilet_id, wanted.toilet_id),
    ]
    for column, value in exact:
        if value is not None:
            statement = statement.where(column == value)
    if wanted.problem_id is not None:
        statement = statement.where(
            exists().where(
                col(AcceptanceProblem.acceptance_id) == col(one.id),
                col(AcceptanceProblem.problem_id) == wanted.problem_id,
            )
        )
    checked_on = func.date(func.timezone("Asia/Shanghai", col(one.checked_at)))
    if wanted.checked_from is not None:
        statement = statement.where(checked_on >= wanted.checked_from)
    if wanted.checked_to is not None:
        statement = statement.where(checked_on <= wanted.checked_to)
    return statement


def present(session: Session, caller: Caller, row: Acceptance) -> AcceptanceOut:
    """One acceptance as an answer, with each item of its checklist, filled in or not."""
    session.flush()
    statement = acceptance_select(caller).where(col(Acceptance.id) == row.id)
    found = session.connection().execute(statement).mappings().one_or_none()
    if found is None:
        raise NOT_FOUND.problem()
    more = (name for name in AcceptanceOut.model_fields if name not in AcceptanceRow.model_fields)
    named = {name: getattr(row, name) for name in more if hasattr(row, name) and name != "results"}
    return AcceptanceOut(**found, **named, problems=_problems(session, row.id), results=_results(session, caller, row))


def _problems(session: Session, acceptance_id: UUID) -> list[AcceptedProblem]:
    part = AcceptanceProblem
    rows: Any = session.connection().execute(
        select(
            col(part.problem_id),
            col(CatalogueType.code).label("problem_type"),
            col(CatalogueType.zh).label("type_zh"),
            col(LedgerProblem.state),
            *(col(one) for one in (part.task_id, part.outcome, part.redo, part.redo_due)),
        )
        .join(LedgerProblem, col(LedgerProblem.id) == col(part.problem_id))
        .join(CatalogueType, col(CatalogueType.id) == col(LedgerProblem.type_id))
        .where(col(part.acceptance_id) == acceptance_id)
        .order_by(col(part.problem_id))
    )
    return [AcceptedProblem(**one) for one in rows.mappings()]


def _results(session: Session, caller: Caller, row: Acceptance) -> list[ResultOut]:
    given = {one["code"]: one for one in row.results}
    empty = {"passed": None, "value": None, "note": None}
    return [
        ResultOut(**item.model_dump(exclude={"note"}), **{name: given.get(item.code, empty)[name] for name in empty})
        for item in checklists.items_of(checklists.frozen(session, caller, row.checklist_id))
    ]


def share_select(session: Session, caller: Caller, division: str | None, campaign_id: UUID | None) -> Select[Any]:
    """The members of `AcceptanceShareRow`, a row for each township and campaign that has work to be checked.

    The township checks what was submitted so far, the county a share of what the township has accepted; both by the
    campaign's own percentages. `campaign_id` left out: the open campaigns.
    """
    place = col(LedgerProblem.division_code)
    accepted = col(LedgerProblem.state).in_(("accepted", "closed"))
    waiting = (col(LedgerProblem.state) == "in_work") & (col(Task.state) == "submitted")
    running = select(col(Campaign.id)).where(col(Campaign.state) == "open")
    campaigns = (
        col(LedgerProblem.campaign_id).in_(running)
        if campaign_id is None
        else col(LedgerProblem.campaign_id) == campaign_id
    )
    counted = (
        scope_of(session, caller, division)
        .narrow(
            select(
                col(LedgerProblem.campaign_id).label("campaign_id"),
                func.left(place, literal_column("9")).label("division_code"),
                func.count().label("submitted"),
                func.count().filter(accepted).label("accepted"),
                func.count().filter(accepted, col(LedgerProblem.accepted_level) == "county").label("rechecked"),
            ),
            place,
        )
        .outerjoin(Task, col(Task.id) == col(LedgerProblem.task_id))
        .where(col(LedgerProblem.removed_at).is_(None), accepted | waiting, campaigns)
        .group_by(col(LedgerProblem.campaign_id), func.left(place, literal_column("9")))
        .subquery("counted")
    )
    township, county = _target("township", 100), _target("county", 0)
    made: dict[str, Any] = {
        **{name: counted.c[name] for name in ("campaign_id", "division_code", "submitted", "accepted", "rechecked")},
        "township_name": Division.name,
        "township_target": township,
        "township_share": _share(counted.c.accepted, counted.c.submitted),
        "township_needed": _needed(counted.c.accepted, counted.c.submitted, township),
        "county_target": county,
        "county_share": _share(counted.c.rechecked, counted.c.accepted),
        "county_needed": _needed(counted.c.rechecked, counted.c.accepted, county),
    }
    rows = (
        select(*(made[name].label(name) for name in AcceptanceShareRow.model_fields))
        .select_from(counted)
        .join(Campaign, col(Campaign.id) == counted.c.campaign_id)
        .outerjoin(Division, col(Division.code) == counted.c.division_code)
        .subquery("share")
    )
    return select(*rows.c)


def _target(level: str, otherwise: int) -> ColumnElement[int]:
    shares: Any = col(Campaign.acceptance_shares)
    return func.coalesce(shares[level].as_integer(), otherwise, type_=Integer)


def _share(done: ColumnElement[int], base: ColumnElement[int]) -> ColumnElement[Any]:
    return case((base > 0, cast(func.round(done * literal_column("100.0") / base, 1), Float)), else_=None)


def _needed(done: ColumnElement[int], base: ColumnElement[int], target: ColumnElement[int]) -> ColumnElement[Any]:
    enough = cast(func.ceil(base * target / literal_column("100.0")), Integer)
    return func.greatest(enough - done, 0)
