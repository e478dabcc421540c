"""How assessments are shown, and the one that documents and dashboards take."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, cast, func, literal, select
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions.tables import Division
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.kernel.scope import Scope
from toilet_api.reporting.assessment.answers import own_codes, shown_to
from toilet_api.reporting.assessment.measures import MEASURES, Asked
from toilet_api.reporting.assessment.results import lists_of
from toilet_api.reporting.assessment.rules import ASSESSMENT, OWN_LEVEL
from toilet_api.reporting.assessment.schemas import AssessmentOut, AssessmentRow, UnitLine
from toilet_api.reporting.assessment.tables import Assessment, AssessmentFormula
from toilet_api.survey.actions import actions_column, remembered

_NONE: Any = None


def _columns(actions: Any) -> list[Any]:
    made: dict[str, Any] = {
        "division_name": Division.name,
        "formula_number": AssessmentFormula.number,
        "allowed_actions": actions,
    }
    return [made.get(name, getattr(Assessment, name, _NONE)).label(name) for name in AssessmentRow.model_fields]


def _joined(statement: Select[Any]) -> Select[Any]:
    return (
        statement.select_from(Assessment)
        .outerjoin(Division, col(Division.code) == col(Assessment.division_code))
        .join(AssessmentFormula, col(AssessmentFormula.id) == col(Assessment.formula_id))
    )


@remembered
def assessment_select(caller: Caller) -> Select[Any]:
    """The members of `AssessmentRow`: those in the caller's scope, and what levels above have published."""
    holder = col(Assessment.division_code)
    holds = {OWN_LEVEL: holder.in_(own_codes(caller, Permission.ASSESSMENT_MANAGE))}
    actions = actions_column(ASSESSMENT, Assessment.state, holder, caller, holds)
    return _joined(select(*_columns(actions))).where(shown_to(caller, Assessment))


def present(session: Session, caller: Caller, assessment_id: UUID) -> AssessmentOut:
    """One assessment with its frozen result."""
    session.flush()
    statement = assessment_select(caller).where(col(Assessment.id) == assessment_id)
    return _whole(session, statement)


def newest_published(session: Session, campaign_id: UUID) -> AssessmentOut | None:
    """The latest published assessment of a county's campaign, as far as the transaction sees it; None before any.

    For documents: it names no steps.
    """
    latest = (
        select(col(Assessment.id))
        .where(
            col(Assessment.campaign_ids) == [campaign_id],
            func.length(col(Assessment.division_code)) == 6,
            col(Assessment.state) == "published",
            col(Assessment.removed_at).is_(None),
        )
        .order_by(col(Assessment.as_of).desc(), col(Assessment.id).desc())
        .limit(1)
    )
    found = session.connection().execute(latest).scalar_one_or_none()
    if found is None:
        return None
    nothing = func.jsonb_build_array()
    return _whole(session, _joined(select(*_columns(nothing))).where(col(Assessment.id) == found))


def records_select(part: str, asked: Asked, scope: Scope) -> Select[Any]:
    """The members of `AssessmentRecordRow`: the records behind a part, inside of `scope`."""
    measure = MEASURES[part]
    rows = measure.build(asked).subquery("behind")
    statement = select(
        rows.c.id,
        cast(literal(measure.record_type), Text).label("record_type"),
        rows.c.division_code,
        rows.c.counted,
        rows.c.href,
    )
    return scope.narrow(statement, rows.c.division_code)


def _whole(session: Session, statement: Select[Any]) -> AssessmentOut:
    with_result = statement.add_columns(col(Assessment.parts).label("parts"), col(Assessment.units).label("units"))
    row = session.connection().execute(with_result).mappings().one_or_none()
    if row is None:
        raise NOT_FOUND.problem()
    lines = [UnitLine.model_validate(line) for line in row["units"]]
    return AssessmentOut(**{**row, "units": lines}, **lists_of(lines))
