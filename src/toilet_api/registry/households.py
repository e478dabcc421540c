"""What is done to a household: register, change, move, remove, restore, reveal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller
from toilet_api.divisions import lookup, moves
from toilet_api.kernel import journal
from toilet_api.kernel.errors import NOT_FOUND, Problem
from toilet_api.kernel.fields import new_id, now
from toilet_api.kernel.preconditions import require_match
from toilet_api.kernel.vault import Vault
from toilet_api.registry import counting, people, schemas, toilets, uniqueness, unsealing, views
from toilet_api.registry.merging import canonical, changes_of, difference, merge
from toilet_api.registry.problems import NOT_REMOVED, RECORD_REMOVED
from toilet_api.registry.tables import Household, HouseholdPerson, Toilet

_SHOWN = (
    "division_code",
    "name_masked",
    "id_number_masked",
    "phone_masked",
    "address_masked",
    "family_size",
    "dwelling_state",
    "note",
)


def document(household: Household) -> dict[str, Any]:
    """A household as the journal keeps it: masked."""
    return {name: getattr(household, name) for name in _SHOWN}


def _journal(session: Session, household: Household, action: str, **entry: Any) -> None:
    journal.record(
        session,
        action=f"household.{action}",
        subject_type="household",
        subject_id=household.id,
        division_code=household.division_code,
        version=household.version,
        **entry,
    )


def _held(session: Session, caller: Caller, household_id: UUID) -> Household:
    """The household, its row held until the transaction ends. Raises `not_found`."""
    statement = select(Household).where(Household.id == household_id).with_for_update(key_share=True)
    household = session.exec(caller.scope.narrow(statement, col(Household.division_code))).first()
    if household is None:
        raise NOT_FOUND.problem()
    return household


def register(session: Session, vault: Vault, caller: Caller, body: schemas.HouseholdCreate) -> tuple[UUID, bool]:
    """Store a household with its toilets. Gives its id, and whether it is new: a retry finds what the first try made.

    Raises `id_taken`, `duplicate_id_number`, `duplicate_household`, and what `resolve_for_write` raises.
    """
    digest = digest_of(vault, body)
    if body.id and uniqueness.was_sent_before(session, caller, Household, body.id, digest):
        return body.id, False
    village = lookup.resolve_for_write(session, body.division_code, scope=caller.scope).code
    household, sealed, made = built(vault, caller, body, village, digest)
    household_id = household.id
    try:
        with uniqueness.guarded(session):
            session.add(household)
            session.flush()
            session.add(HouseholdPerson(household_id=household_id, division_code=village, sealed=sealed.sealed))
            session.add_all(made)
    except uniqueness.CollisionError as collision:
        # Another request may have stored the same household since we looked: then this is its retry.
        if body.id and uniqueness.was_sent_before(session, caller, Household, body.id, digest):
            return body.id, False
        if collision.index == uniqueness.IDENTITY:
            raise uniqueness.duplicate_of(session, caller, sealed) from None
        raise uniqueness.id_taken() from None
    counting.recount(session, [household_id], written=[one.id for one in made])
    _journal(session, household, "created", op="create", after=document(household))
    for toilet in made:
        session.refresh(toilet)
        toilets.journal_toilet(session, toilet, "created", op="create", after=toilets.document(toilet))
    return household_id, True


def digest_of(vault: Vault, body: schemas.HouseholdCreate) -> bytes:
    """What a creating body said, by which a retry is told from another record with its id."""
    return vault.blind_index("create_household", canonical(body))


def built(
    vault: Vault, caller: Caller, body: schemas.HouseholdCreate, village: str, digest: bytes
) -> tuple[Household, people.SealedPerson, list[Toilet]]:
    """The rows of a new household with its toilets; not stored yet."""
    household_id = body.id or new_id()
    sealed = people.seal(vault, household_id, _person(body.person), village)
    household = Household(
        id=household_id,
        division_code=village,
        created_by=caller.id,
        updated_by=caller.id,
        family_size=body.family_size,
        dwelling_state=body.dwelling_state,
        note=body.note or None,
        origin_digest=digest,
        **sealed.columns(),
    )
    return household, sealed, [toilets.built(vault, caller, household, one) for one in body.toilets]


def _person(given: schemas.PersonInput) -> people.Person:
    return people.Person(given.name, given.id_number, tuple(given.phones), given.address)


def change(
    session: Session,
    vault: Vault,
    caller: Caller,
    household_id: UUID,
    body: schemas.HouseholdPatch,
    if_match: str | None,
) -> None:
    """Apply a merge patch. A patch that changes nothing leaves no trace and no new version.

    Another `division_code` moves the household with all that hangs on it; both villages must be in the caller's scope.
    """
    values = changes_of(body)
    target = values.pop("division_code", None)
    # Divisions are locked before records: a merge does it in that order too.
    village = None if target is None else lookup.resolve_for_write(session, target, scope=caller.scope).code
    household = _held(session, caller, household_id)
    require_match(if_match, household.version, lambda: views.show_household(session, caller, household_id))
    if household.removed_at is not None:
        raise RECORD_REMOVED.problem()
    if village is not None and village != household.division_code:
        _move(session, caller, household, village)
    altered = alter(vault, household, values, lambda: unsealing.unseal(session, vault, household))
    if altered is None:
        return
    duplicate = _duplicate_error(session, caller, household, altered.values, household.division_code)
    try:
        with uniqueness.guarded(session):
            altered.write(household)
            household.touch(caller.id)
            session.add(household)
    except uniqueness.CollisionError:
        raise duplicate() from None
    if altered.sealed is not None:
        session.get_one(HouseholdPerson, household_id).sealed = altered.sealed.sealed
        session.flush()
    if "dwelling_state" in altered.becomes:
        counting.recount(session, [household_id])
    _journal(session, household, "updated", op="update", before=altered.was, after=altered.becomes)


@dataclass(frozen=True, slots=True)
class Alteration:
    """What a patch does to a household: columns to write, the person sealed anew if changed, what is journaled."""

    values: dict[str, Any]
    sealed: people.SealedPerson | None
    was: dict[str, Any]
    becomes: dict[str, Any]

    @property
    def personal(self) -> list[str]:
        """The personal fields that differ."""
        return list(self.becomes.get("changed_personal_fields", ()))

    def write(self, household: Household) -> None:
        """Set the columns."""
        for name, value in self.values.items():
            setattr(household, name, value)


def alter(
    vault: Vault, household: Household, patch: dict[str, Any], person: Callable[[], people.Person]
) -> Alteration | None:
    """What `patch` (without `division_code`) changes of a household; None for nothing. `person` opens the plain data.

    The household is left as it is.
    """
    values = {name: value for name, value in patch.items() if name != "person"}
    before = document(household)
    changed_fields, sealed = _resealed(vault, household, patch.get("person"), person)
    if sealed is not None:
        values |= sealed.columns()
    if values.get("note") == "":
        values["note"] = None
    was, becomes = difference(before, {name: values.get(name, before[name]) for name in before})
    if not becomes and not changed_fields:
        return None
    if changed_fields:
        becomes["changed_personal_fields"] = changed_fields
    return Alteration(values, sealed, was, becomes)


def _move(session: Session, caller: Caller, household: Household, village: str) -> None:
    """Give the household, and all that belongs to it in every room, another village: a version and entry of its own."""
    duplicate = _duplicate_error(session, caller, household, {}, village)
    try:
        with session.begin_nested():
            moves.carry_households(
                session, household.division_code, village, [household.id], "农户迁村", caller.scope.prefixes
            )
    except Problem as problem:
        if problem.extensions.get("constraint") == uniqueness.IDENTITY:
            raise duplicate() from None
        raise
    session.refresh(household)


def _resealed(
    vault: Vault, household: Household, patch: dict[str, Any] | None, person: Callable[[], people.Person]
) -> tuple[list[str], people.SealedPerson | None]:
    """Which personal fields a patch really changes, and the person sealed anew if any."""
    if not patch:
        return [], None
    old = person()
    new = _merged_person(old, patch)
    changed = [name for name in ("name", "id_number", "phones", "address") if getattr(old, name) != getattr(new, name)]
    return changed, people.seal(vault, household.id, new, household.division_code) if changed else None


def _merged_person(old: people.Person, personal: dict[str, Any]) -> people.Person:
    plain = {"name": old.name, "id_number": old.id_number, "phones": list(old.phones), "address": old.address}
    merged = {name: value for name, value in plain.items() if value is not None}
    merged = merge(merged, personal)
    return people.Person(
        merged["name"], merged.get("id_number"), tuple(merged.get("phones", ())), merged.get("address")
    )


def _duplicate_error(
    session: Session, caller: Caller, household: Household, values: dict[str, Any], village: str
) -> Callable[[], Problem]:
    """The error for an identity that is taken, made ready before the write: a failed write forgets its values."""
    number = values.get("id_number_masked", household.id_number_masked)
    index = values.get("identity_index", household.identity_index)
    place = village[:6] if number is not None else village
    return lambda: uniqueness.duplicate_household(session, caller, place, index, number is not None)


def remove(session: Session, caller: Caller, household_id: UUID, reason: str) -> None:
    """Remove a household, and with it the toilets that stand. All can be restored by the level above."""
    household = _held(session, caller, household_id)
    if household.removed_at is not None:
        raise RECORD_REMOVED.problem()
    before = document(household)
    household.touch(caller.id)
    household.removed_at, household.removed_reason = now(), reason
    session.add(household)
    _journal(session, household, "removed", op="remove", before=before, reason=reason)
    standing = select(Toilet).where(Toilet.household_id == household_id, col(Toilet.removed_at).is_(None))
    for toilet in session.exec(standing.order_by(col(Toilet.id))).all():
        toilets.take_away(session, caller, toilet, reason, with_household=True)


def restore(session: Session, caller: Caller, household_id: UUID, reason: str) -> None:
    """Bring back a household, and the toilets that went with it."""
    household = _held(session, caller, household_id)
    if household.removed_at is None:
        raise NOT_REMOVED.problem()
    before = {"removed_at": household.removed_at, "removed_reason": household.removed_reason}
    duplicate = _duplicate_error(session, caller, household, {}, household.division_code)
    try:
        with uniqueness.guarded(session):
            household.touch(caller.id)
            household.removed_at = household.removed_reason = None
            session.add(household)
    except uniqueness.CollisionError:
        raise duplicate() from None
    gone = select(Toilet).where(Toilet.household_id == household_id, col(Toilet.removed_with_household).is_(True))
    back = session.exec(gone.order_by(col(Toilet.id))).all()
    for toilet in back:
        toilets.bring_back(session, caller, toilet)
    counting.recount(session, [household_id], written=[toilet.id for toilet in back])
    _journal(session, household, "restored", op="restore", before=before, after=document(household), reason=reason)
    for toilet in back:
        session.refresh(toilet)
        toilets.journal_toilet(session, toilet, "restored", op="restore", after=toilets.document(toilet), reason=reason)


def reveal(session: Session, vault: Vault, caller: Caller, household_id: UUID, purpose: str) -> schemas.RevealedPerson:
    """The plain personal data. Who looked, and for what, is journaled in the same transaction (PIPL; GB/T 35273)."""
    household = _held(session, caller, household_id)
    if household.removed_at is not None:
        raise RECORD_REMOVED.problem()
    person = unsealing.unseal(session, vault, household)
    _journal(session, household, "revealed", op="note", reason=purpose)
    return schemas.RevealedPerson(
        id=household_id,
        name=person.name,
        id_number=person.id_number,
        phones=list(person.phones),
        address=person.address,
    )
