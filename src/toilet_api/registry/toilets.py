"""What is done to a toilet: add, change, remove, restore. Each write holds the household's row, then recounts."""

from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller
from toilet_api.kernel import journal
from toilet_api.kernel.errors import INVALID, NOT_FOUND, FieldError
from toilet_api.kernel.fields import Position, new_id, now
from toilet_api.kernel.preconditions import require_match
from toilet_api.kernel.vault import Vault
from toilet_api.registry import counting, schemas, uniqueness, views
from toilet_api.registry.merging import canonical, changes_of, check_merged, difference, merge
from toilet_api.registry.problems import HOUSEHOLD_REMOVED, NOT_REMOVED, RECORD_REMOVED
from toilet_api.registry.tables import Household, Toilet

_OPTIONS = tuple(schemas.ToiletOptions.model_fields)


def document(toilet: Toilet) -> dict[str, Any]:
    """A toilet as the journal keeps it."""
    shown = {name: getattr(toilet, name) for name in ("household_id", "division_code", "mode", "counted", *_OPTIONS)}
    return {**shown, "position": _position(toilet), "position_source": toilet.position_system}


def _position(toilet: Toilet) -> dict[str, Any] | None:
    if toilet.longitude is None:
        return None
    return {
        "longitude": toilet.longitude,
        "latitude": toilet.latitude,
        "system": "wgs84",
        "accuracy_m": toilet.position_accuracy_m,
    }


def journal_toilet(session: Session, toilet: Toilet, action: str, **entry: Any) -> None:
    """Journal one write of a toilet."""
    journal.record(
        session,
        action=f"toilet.{action}",
        subject_type="toilet",
        subject_id=toilet.id,
        division_code=toilet.division_code,
        version=toilet.version,
        **entry,
    )


def built(vault: Vault, caller: Caller, household: Household, body: schemas.ToiletInput) -> Toilet:
    """A row of a body, in the household's village; not stored yet."""
    toilet = Toilet(
        id=body.id or new_id(),
        household_id=household.id,
        division_code=household.division_code,
        created_by=caller.id,
        updated_by=caller.id,
        mode=body.mode,
        origin_digest=vault.blind_index("create_toilet", canonical(body)),
    )
    for name in _OPTIONS:
        value = getattr(body, name)
        setattr(toilet, name, None if value == "" else value)
    _place(toilet, body.position)
    return toilet


def _place(toilet: Toilet, position: Position | None) -> None:
    """Store a position as WGS 84, and the system in which it came."""
    if position is None:
        toilet.longitude = toilet.latitude = toilet.position_system = toilet.position_accuracy_m = None
        return
    toilet.longitude, toilet.latitude = position.to_wgs84()
    toilet.position_system, toilet.position_accuracy_m = position.system, position.accuracy_m


def _household_held(session: Session, caller: Caller, household_id: UUID) -> Household:
    statement = select(Household).where(Household.id == household_id).with_for_update(key_share=True)
    household = session.exec(caller.scope.narrow(statement, col(Household.division_code))).first()
    if household is None:
        raise NOT_FOUND.problem()
    return household


def _held(session: Session, caller: Caller, toilet_id: UUID) -> Toilet:
    """The toilet, with its household's row held first: every writer takes them in this order. Raises `not_found`."""
    statement = select(Toilet).where(Toilet.id == toilet_id)
    toilet = session.exec(caller.scope.narrow(statement, col(Toilet.division_code))).first()
    if toilet is None:
        raise NOT_FOUND.problem()
    _household_held(session, caller, toilet.household_id)
    session.refresh(toilet, with_for_update=True)
    return toilet


def add(session: Session, vault: Vault, caller: Caller, body: schemas.ToiletCreate) -> tuple[UUID, bool]:
    """Store a toilet. Gives its id, and whether it is new: a retry finds what the first try made."""
    digest = vault.blind_index("create_toilet", canonical(body))
    if body.id and uniqueness.was_sent_before(session, caller, Toilet, body.id, digest):
        return body.id, False
    household = _household_held(session, caller, body.household_id)
    if household.removed_at is not None:
        raise HOUSEHOLD_REMOVED.problem()
    toilet = built(vault, caller, household, body)
    try:
        with uniqueness.guarded(session):
            session.add(toilet)
    except uniqueness.CollisionError:
        if body.id and uniqueness.was_sent_before(session, caller, Toilet, body.id, digest):
            return body.id, False
        raise uniqueness.id_taken() from None
    counting.recount(session, [household.id], written=[toilet.id])
    session.refresh(toilet)
    journal_toilet(session, toilet, "created", op="create", after=document(toilet))
    return toilet.id, True


def change(session: Session, caller: Caller, toilet_id: UUID, body: schemas.ToiletPatch, if_match: str | None) -> None:
    """Apply a merge patch. A patch that changes nothing leaves no trace and no new version."""
    toilet = _held(session, caller, toilet_id)
    require_match(if_match, toilet.version, lambda: views.show_toilet(session, caller, toilet_id))
    if toilet.removed_at is not None:
        raise RECORD_REMOVED.problem()
    before = document(toilet)
    if not alter(toilet, body):
        return
    toilet.touch(caller.id)
    session.add(toilet)
    counting.recount(session, [toilet.household_id], written=[toilet_id])
    session.refresh(toilet)
    was, becomes = difference(before, document(toilet))
    journal_toilet(session, toilet, "updated", op="update", before=was, after=becomes)


def alter(toilet: Toilet, body: schemas.ToiletPatch) -> list[str]:
    """Write a merge patch into the row; gives which members that changed. Raises 422 for a month without a year."""
    changes = changes_of(body)
    before = document(toilet)
    if "position" in changes:
        _patch_position(toilet, changes.pop("position"))
    for name, value in changes.items():
        setattr(toilet, name, None if value == "" else value)
    if toilet.built_month is not None and toilet.built_year is None:
        raise INVALID.problem(
            errors=[FieldError("/built_month", "month_without_year", ("有月份须有年份", "a month needs a year"))]
        )
    return list(difference(before, document(toilet))[1])


def _patch_position(toilet: Toilet, patch: dict[str, Any] | None) -> None:
    if patch is None:
        _place(toilet, None)
        return
    merged = check_merged(Position, merge(_position(toilet), patch), "position")
    source = toilet.position_system
    _place(toilet, merged)
    if source is not None and not {"longitude", "latitude", "system"} & set(patch):
        toilet.position_system = source


def take_away(session: Session, caller: Caller, toilet: Toilet, reason: str, *, with_household: bool) -> None:
    """Mark a toilet as removed, and journal it."""
    before = document(toilet)
    toilet.touch(caller.id)
    toilet.removed_at, toilet.removed_reason = now(), reason
    toilet.removed_with_household, toilet.counted = with_household, False
    session.add(toilet)
    journal_toilet(session, toilet, "removed", op="remove", before=before, reason=reason)


def bring_back(session: Session, caller: Caller, toilet: Toilet) -> None:
    """Take the mark away again. The caller recounts and journals."""
    toilet.touch(caller.id)
    toilet.removed_at = toilet.removed_reason = None
    toilet.removed_with_household = False
    session.add(toilet)
    session.flush()


def remove(session: Session, caller: Caller, toilet_id: UUID, reason: str) -> None:
    """Remove a toilet; another one of its household may count from now on."""
    toilet = _held(session, caller, toilet_id)
    if toilet.removed_at is not None:
        raise RECORD_REMOVED.problem()
    take_away(session, caller, toilet, reason, with_household=False)
    counting.recount(session, [toilet.household_id], written=[toilet_id])


def restore(session: Session, caller: Caller, toilet_id: UUID, reason: str) -> None:
    """Bring a toilet back. Raises `household_removed` while its household is removed."""
    toilet = _held(session, caller, toilet_id)
    if toilet.removed_at is None:
        raise NOT_REMOVED.problem()
    household = session.get_one(Household, toilet.household_id)
    if household.removed_at is not None:
        raise HOUSEHOLD_REMOVED.problem()
    before = {"removed_at": toilet.removed_at, "removed_reason": toilet.removed_reason}
    bring_back(session, caller, toilet)
    counting.recount(session, [toilet.household_id], written=[toilet_id])
    session.refresh(toilet)
    journal_toilet(session, toilet, "restored", op="restore", before=before, after=document(toilet), reason=reason)
