"""How samples and their units are shown: one list of columns each, for single records and for pages alike."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, and_, case, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions import lookup
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.oversight.rules import ALL_CHECKED, SAMPLE
from toilet_api.oversight.sample_schemas import ProgressOut, SampleOut, SampleRow, StratumOut
from toilet_api.oversight.signatories import signed_by
from toilet_api.oversight.tables import Falsification, Sample, SampleUnit
from toilet_api.oversight.unit_schemas import UnitRow
from toilet_api.rectification.tables import CloseOut
from toilet_api.registry.tables import Household
from toilet_api.survey.actions import actions_column, remembered
from toilet_api.survey.places import Township, Village, with_places
from toilet_api.survey.tables import CatalogueType, LedgerProblem

_NONE: Any = None
_Counted: Any = aliased(SampleUnit, name="counted")
TOWNSHIP, MODE = (func.split_part(col(SampleUnit.stratum), "|", place) for place in (1, 2))
# What follows the second bar: a contractor's name may hold bars itself.
CONTRACTOR = func.substr(col(SampleUnit.stratum), func.length(TOWNSHIP) + func.length(MODE) + 3)


def _number(*conditions: ColumnElement[bool]) -> Any:
    """How many selected units of the sample are so; the index over selected units serves it."""
    return (
        select(func.count())
        .select_from(_Counted)
        .where(_Counted.sample_id == col(Sample.id), _Counted.selected, *conditions)
        .scalar_subquery()
    )


def unchecked() -> ColumnElement[bool]:
    """Whether a selected unit of the sample has no result yet."""
    return (
        select(_Counted.id)
        .where(_Counted.sample_id == col(Sample.id), _Counted.selected, _Counted.result.is_(None))
        .exists()
    )


@remembered
def sample_select(caller: Caller) -> Select[Any]:
    """The members of `SampleRow`, of the samples that are held in the caller's scope."""
    made: dict[str, Any] = {
        "checked": _number(_Counted.result.is_not(None)),
        "failed": _number(_Counted.result == "failed"),
        "allowed_actions": actions_column(
            SAMPLE, Sample.state, Sample.division_code, caller, {ALL_CHECKED: ~unchecked()}
        ),
    }
    columns = [made.get(name, getattr(Sample, name, _NONE)).label(name) for name in SampleRow.model_fields]
    statement = select(*columns).where(col(Sample.removed_at).is_(None))
    return caller.scope.narrow(statement, col(Sample.division_code))


def present(session: Session, caller: Caller, sample: Sample) -> SampleOut:
    """One sample as an answer, with its strata, progress and estimate."""
    session.flush()
    statement = sample_select(caller).where(col(Sample.id) == sample.id)
    row = session.connection().execute(statement).mappings().one_or_none()
    if row is None:
        raise NOT_FOUND.problem()
    progress = _progress(session, sample.id)
    names = lookup.names(session, {one["township"] for one in (*sample.strata, *progress)})
    return SampleOut(
        **row,
        strata=[StratumOut(**one, township_name=names.get(one["township"])) for one in sample.strata],
        progress=[ProgressOut(**one, township_name=names.get(one["township"])) for one in progress],
        estimate=sample.estimate,
    )


def _progress(session: Session, sample_id: UUID) -> list[dict[str, Any]]:
    result = col(SampleUnit.result)
    rows = session.connection().execute(
        select(
            TOWNSHIP.label("township"),
            func.count().label("selected"),
            func.count(result).label("checked"),
            *(func.count().filter(result == one).label(one) for one in ("upheld", "failed", "not_checkable")),
        )
        .where(col(SampleUnit.sample_id) == sample_id, col(SampleUnit.selected))
        .group_by(TOWNSHIP)
        .order_by(TOWNSHIP)
    )
    return [dict(row) for row in rows.mappings()]


@remembered
def unit_select(caller: Caller, sample_id: UUID) -> Select[Any]:
    """The members of `UnitRow`, of one sample's frame. The sample must have been found in scope before."""
    closed_at = select(func.max(CloseOut.closed_at)).where(col(CloseOut.problem_id) == col(SampleUnit.problem_id))
    recorded = (
        select(func.count())
        .where(col(Falsification.sample_unit_id) == col(SampleUnit.id), col(Falsification.state) == "recorded")
        .scalar_subquery()
    )
    made: dict[str, Any] = {
        "village_name": Village.name,
        "township_name": Township.name,
        "township": TOWNSHIP,
        "mode": MODE,
        "contractor": CONTRACTOR,
        "problem_type": CatalogueType.code,
        "type_zh": CatalogueType.zh,
        "problem_state": LedgerProblem.state,
        "closed_at": closed_at.scalar_subquery(),
        "household_id": LedgerProblem.household_id,
        "head_masked": Household.name_masked,
        "toilet_id": LedgerProblem.toilet_id,
        "falsifications": recorded,
        "allowed_actions": _unit_actions(caller),
    }
    columns = [made.get(name, getattr(SampleUnit, name, _NONE)).label(name) for name in UnitRow.model_fields]
    statement = (
        select(*columns)
        .select_from(SampleUnit)
        .join(Sample, col(Sample.id) == col(SampleUnit.sample_id))
        .join(LedgerProblem, col(LedgerProblem.id) == col(SampleUnit.problem_id))
        .join(CatalogueType, col(CatalogueType.id) == col(LedgerProblem.type_id))
        .outerjoin(Household, col(Household.id) == col(LedgerProblem.household_id))
        .where(col(SampleUnit.sample_id) == sample_id)
    )
    return caller.scope.narrow(with_places(statement, col(SampleUnit.division_code)), col(SampleUnit.division_code))


def present_unit(session: Session, caller: Caller, unit: SampleUnit) -> UnitRow:
    """One unit as an answer."""
    session.flush()
    statement = unit_select(caller, unit.sample_id).where(col(SampleUnit.id) == unit.id)
    row = session.connection().execute(statement).mappings().one_or_none()
    if row is None:
        raise NOT_FOUND.problem()
    return UnitRow(**row)


def _unit_actions(caller: Caller) -> ColumnElement[Any]:
    """`check`, or `recheck` once there is a result; for whoever may and signed nothing of the problem."""
    open_to_caller = and_(
        or_(*(col(Sample.state) == source for row in SAMPLE.steps if row.name == "check" for source in row.sources)),
        col(SampleUnit.selected),
        caller.scope_for(Permission.SAMPLE_MANAGE).condition(col(Sample.division_code)),
        ~signed_by(caller.id, col(SampleUnit.problem_id)),
    )
    return case(
        (and_(open_to_caller, col(SampleUnit.result).is_(None)), _steps('["check"]')),
        (open_to_caller, _steps('["recheck"]')),
        else_=_steps("[]"),
    )


def _steps(written: str) -> ColumnElement[Any]:
    return cast(literal(written, Text), JSONB)
