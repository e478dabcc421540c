"""How visits are shown: one list of columns, for single records and for pages alike."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.kernel.fields import Position
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey.actions import remembered, visit_actions_column
from toilet_api.survey.places import Township, Village, with_places
from toilet_api.survey.tables import CatalogueType, Finding, Visit
from toilet_api.survey.visit_schemas import FindingOut, VisitOut, VisitRow

_NONE: Any = None


@remembered
def visit_select(caller: Caller) -> Select[Any]:
    """The members of `VisitRow`, of the visits in the caller's scope."""
    findings = (
        select(func.count())
        .where(col(Finding.visit_id) == col(Visit.id), col(Finding.withdrawn_at).is_(None))
        .scalar_subquery()
    )
    made: dict[str, Any] = {
        "village_name": Village.name,
        "township_name": Township.name,
        "head_masked": Household.name_masked,
        "toilet_mode": Toilet.mode,
        "findings_count": findings,
        "allowed_actions": visit_actions_column(caller),
    }
    columns = [made.get(name, getattr(Visit, name, _NONE)).label(name) for name in VisitRow.model_fields]
    statement = (
        select(*columns)
        .select_from(Visit)
        .join(Household, col(Household.id) == col(Visit.household_id))
        .outerjoin(Toilet, col(Toilet.id) == col(Visit.toilet_id))
        .where(col(Visit.removed_at).is_(None))
    )
    return caller.scope.narrow(with_places(statement, col(Visit.division_code)), col(Visit.division_code))


def present(session: Session, caller: Caller, visit: Visit) -> VisitOut:
    """One visit as an answer, with its findings."""
    session.flush()
    statement = visit_select(caller).where(col(Visit.id) == visit.id)
    row = session.connection().execute(statement).mappings().one_or_none()
    if row is None:
        raise NOT_FOUND.problem()
    named = {name: getattr(visit, name) for name in VisitOut.model_fields if hasattr(visit, name)}
    position = None
    if visit.longitude is not None and visit.latitude is not None:
        position = Position(
            longitude=visit.longitude, latitude=visit.latitude, system="wgs84", accuracy_m=visit.position_accuracy_m
        )
    return VisitOut(**{**named, **row}, position=position, findings=_findings(session, visit.id))


def _findings(session: Session, visit_id: UUID) -> list[FindingOut]:
    rows: Any = session.connection().execute(
        select(
            col(Finding.id),
            col(CatalogueType.code).label("problem_type"),
            col(CatalogueType.zh).label("type_zh"),
            col(Finding.note),
            col(Finding.photo_ids),
            col(Finding.problem_id),
        )
        .join(CatalogueType, col(CatalogueType.id) == col(Finding.type_id))
        .where(col(Finding.visit_id) == visit_id, col(Finding.withdrawn_at).is_(None))
        .order_by(col(Finding.place))
    )
    return [FindingOut(**row) for row in rows.mappings()]
