"""Falsification (弄虚作假): recorded against whoever signed, shown, withdrawn with a reason."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from toilet_api.accounts.caller import Caller
from toilet_api.kernel import journal
from toilet_api.kernel.errors import INVALID, NOT_FOUND, FieldError
from toilet_api.kernel.preconditions import optional_match
from toilet_api.oversight.falsification_schemas import FalsificationRow
from toilet_api.oversight.problems import ACCUSED_YOURSELF, RECORDED_ABOVE
from toilet_api.oversight.rules import BY_HOLDER, FALSE_RULE, FALSIFICATION, NOT_ACCUSED
from toilet_api.oversight.signatories import Signatory, signatories
from toilet_api.oversight.tables import Falsification, Sample, SampleUnit
from toilet_api.oversight.unit_schemas import Accusation
from toilet_api.registry.merging import difference
from toilet_api.survey.actions import actions_column, remembered
from toilet_api.survey.places import Township, Village, with_places
from toilet_api.survey.records import locked, snapshot
from toilet_api.survey.tables import CatalogueType, LedgerProblem

_CONTENT = (
    *("problem_id", "sample_unit_id", "person_id", "person_name", "signed_as", "statement", "state"),
    "withdrawn_reason",
)
_NONE: Any = None


def record(
    session: Session, caller: Caller, sample: Sample, unit: SampleUnit, problem: LedgerProblem, what: Accusation
) -> None:
    """One record for each signatory and part. Raises 422 for a part in which nobody signed."""
    signed = signatories(session, problem, sample.drawn_at or problem.updated_at, caller.scope.prefixes)
    for one in _chosen(signed, what):
        if _stands(session, unit.id, one):
            continue
        row = Falsification(
            division_code=problem.division_code,
            problem_id=problem.id,
            sample_unit_id=unit.id,
            person_id=one.person_id,
            person_name=one.person_name,
            signed_as=one.signed_as,
            statement=what.statement,
            created_by=caller.id,
            updated_by=caller.id,
        )
        session.add(row)
        session.flush()
        _journal(session, row, "falsification.recorded", None, op="create")


def withdraw(
    session: Session, caller: Caller, falsification_id: UUID, reason: str, if_match: str | None, now: datetime
) -> Falsification:
    """Take a record back, with a reason; it stays to be seen.

    Raises `accused_yourself`, and `recorded_above` for a check of a level above, which is not the caller's to undo.
    """
    row = locked(session, caller, Falsification, falsification_id)
    optional_match(if_match, row.version, lambda: present(session, caller, row))
    target = FALSIFICATION.next(row.state, "withdraw")
    if row.person_id == caller.id:
        raise ACCUSED_YOURSELF.problem()
    unit = session.get(SampleUnit, row.sample_unit_id)
    sample = None if unit is None else session.get(Sample, unit.sample_id)
    if sample is None or not caller.scope.covers(sample.division_code):
        raise RECORDED_ABOVE.problem()
    _withdraw(session, caller, row, target, reason, now)
    return row


def withdraw_with_check(session: Session, caller: Caller, unit_id: UUID, reason: str, now: datetime) -> None:
    """Take back what a check recorded that doesn't stand: falsification goes with a failed check only."""
    statement = rows_of(Falsification).where(Falsification.sample_unit_id == unit_id, Falsification.state == "recorded")
    for row in session.exec(statement.order_by(col(Falsification.id)).with_for_update()).all():
        _withdraw(session, caller, row, FALSIFICATION.next(row.state, "withdraw"), reason, now)


@remembered
def falsification_select(caller: Caller) -> Select[Any]:
    """The members of `FalsificationRow`, in the caller's scope. The sample is named to whom it is shown."""
    held = col(Sample.id).is_not(None)
    guards = {NOT_ACCUSED: col(Falsification.person_id) != caller.id, BY_HOLDER: held}
    state, place = col(Falsification.state), col(Falsification.division_code)
    made: dict[str, Any] = {
        "village_name": Village.name,
        "township_name": Township.name,
        "type_zh": CatalogueType.zh,
        "sample_id": Sample.id,
        "allowed_actions": actions_column(FALSIFICATION, state, place, caller, guards),
    }
    columns = [
        made.get(name, getattr(Falsification, name, _NONE)).label(name) for name in FalsificationRow.model_fields
    ]
    statement = (
        select(*columns)
        .select_from(Falsification)
        .join(LedgerProblem, col(LedgerProblem.id) == col(Falsification.problem_id))
        .join(CatalogueType, col(CatalogueType.id) == col(LedgerProblem.type_id))
        .outerjoin(SampleUnit, col(SampleUnit.id) == col(Falsification.sample_unit_id))
        .outerjoin(
            Sample,
            (col(Sample.id) == col(SampleUnit.sample_id)) & caller.scope.condition(col(Sample.division_code)),
        )
        .where(col(Falsification.removed_at).is_(None))
    )
    return caller.scope.narrow(with_places(statement, place), place)


def present(session: Session, caller: Caller, row: Falsification) -> FalsificationRow:
    """One record as an answer."""
    session.flush()
    statement = falsification_select(caller).where(col(Falsification.id) == row.id)
    found = session.connection().execute(statement).mappings().one_or_none()
    if found is None:
        raise NOT_FOUND.problem()
    return FalsificationRow(**found)


def _withdraw(session: Session, caller: Caller, row: Falsification, target: str, reason: str, now: datetime) -> None:
    before = snapshot(row, _CONTENT)
    row.state, row.withdrawn_at, row.withdrawn_reason = target, now, reason
    row.touch(caller.id)
    _journal(session, row, "falsification.withdrawn", before, reason=reason)


def _chosen(signed: list[Signatory], what: Accusation) -> list[Signatory]:
    if what.against is None:
        return signed
    chosen: dict[Signatory, None] = {}
    for place, one in enumerate(what.against):
        meant = [each for each in signed if each.signed_as == one.signed_as and one.person_id in (None, each.person_id)]
        if not meant:
            fault = ("没有以该身份签字的人", "nobody signed in that part")
            pointer = f"/falsification/against/{place}"
            expected = sorted({each.signed_as for each in signed})
            raise INVALID.problem(
                errors=[FieldError(pointer, "not_signed", fault, one.signed_as, expected, rule=FALSE_RULE)]
            )
        chosen.update(dict.fromkeys(meant))
    return list(chosen)


def _stands(session: Session, unit_id: UUID, one: Signatory) -> bool:
    """Whether it is recorded already: a recheck says it again."""
    statement = rows_of(Falsification.id).where(
        Falsification.sample_unit_id == unit_id,
        Falsification.person_id == one.person_id,
        Falsification.signed_as == one.signed_as,
        Falsification.state == "recorded",
    )
    return session.exec(statement).first() is not None


def _journal(
    session: Session,
    row: Falsification,
    action: str,
    before: dict[str, Any] | None,
    reason: str | None = None,
    op: journal.Operation = "update",
) -> None:
    after = snapshot(row, _CONTENT)
    if before is not None:
        before, after = difference(before, after)
    journal.record(
        session,
        action=action,
        subject_type="falsification",
        subject_id=row.id,
        division_code=row.division_code,
        version=row.version,
        before=before,
        after=after,
        reason=reason,
        op=op,
    )
