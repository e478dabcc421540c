"""Training: recorded by the level above, revoked with a reason (工作方案 五（二）先培训后上岗)."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from toilet_api.accounts.authority import managed
from toilet_api.accounts.caller import Caller
from toilet_api.accounts.granting import note
from toilet_api.accounts.schemas import TrainingCreate, TrainingView
from toilet_api.accounts.tables import Training
from toilet_api.kernel.errors import ID_TAKEN, INVALID, NOT_FOUND, WRONG_STATE, FieldError
from toilet_api.kernel.fields import SHANGHAI, new_id, now


def _today() -> date:
    return datetime.now(SHANGHAI).date()


def _view(training: Training) -> TrainingView:
    today = _today()
    valid = (
        training.revoked_at is None
        and training.held_on <= today
        and (training.valid_until is None or training.valid_until >= today)
    )
    return TrainingView(valid=valid, **training.model_dump(include=set(TrainingView.model_fields) - {"valid"}))


def trainings(session: Session, principal_id: UUID) -> list[TrainingView]:
    """Every record of a person, newest first. The caller must have found the person in scope before."""
    rows = session.exec(
        select(Training)
        .where(col(Training.principal_id) == principal_id)
        .order_by(col(Training.held_on).desc(), col(Training.id).desc())
    )
    return [_view(row) for row in rows]


def record_training(session: Session, caller: Caller, principal_id: UUID, body: TrainingCreate) -> TrainingView:
    """A course that a person took. Nobody records his own."""
    person = managed(session, caller, "person", principal_id, "update")
    if body.held_on > _today():
        message = ("培训日期不能晚于今天", "the training lies in the future")
        raise INVALID.problem(errors=[FieldError("/held_on", "in_future", message, str(body.held_on))])
    training = add_training(session, person.id, body, by=caller.id)
    person.touch(caller.id)
    session.add(person)
    after = body.model_dump(mode="json", exclude={"id"})
    note(session, person, "training_recorded", after=after | {"training_id": str(training.id)})
    return _view(training)


def add_training(session: Session, principal_id: UUID, body: TrainingCreate, by: UUID | None = None) -> Training:
    """Store a record; for the demonstration as well."""
    values = body.model_dump(exclude={"id"})
    training = Training(id=body.id or new_id(), principal_id=principal_id, recorded_by=by, **values)
    try:
        with session.begin_nested():
            session.add(training)
            session.flush()
    except IntegrityError:
        raise ID_TAKEN.problem() from None
    return training


def revoke_training(
    session: Session, caller: Caller, principal_id: UUID, training_id: UUID, reason: str
) -> TrainingView:
    """A record that should not stand; it stays visible with the reason."""
    person = managed(session, caller, "person", principal_id, "update")
    training = session.exec(
        select(Training).where(col(Training.id) == training_id, col(Training.principal_id) == person.id)
    ).one_or_none()
    if training is None:
        raise NOT_FOUND.problem()
    if training.revoked_at is not None:
        raise WRONG_STATE.problem(("该培训记录已撤销。", "The record is revoked already."), state="revoked")
    training.revoked_at, training.revoked_by, training.revoked_reason = now(), caller.id, reason
    person.touch(caller.id)
    session.add_all([training, person])
    note(session, person, "training_revoked", before={"training_id": str(training.id)}, reason=reason)
    return _view(training)
