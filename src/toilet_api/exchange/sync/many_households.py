"""Households of a wave, set-based: the rules are the registry's, only reading and writing are done for all together."""

from functools import partial
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, Text, bindparam, text
from sqlmodel import col, select

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import LEVEL_OF_LENGTH
from toilet_api.exchange.sync.in_sets import alike, conclude, entry, written
from toilet_api.exchange.sync.work import Desk, Work
from toilet_api.registry import counting, households, toilets, unsealing
from toilet_api.registry.households import Alteration
from toilet_api.registry.merging import changes_of
from toilet_api.registry.people import Person, SealedPerson
from toilet_api.registry.tables import Household, HouseholdPerson, Toilet
from toilet_api.survey.records import journal_many

_VILLAGE = LEVEL_OF_LENGTH[12]
_COLUMNS = (
    *("name_masked", "id_number_masked", "phone_masked", "address_masked", "identity_index", "name_index"),
    *("phone_index", "family_size", "dwelling_state", "note", "version", "updated_at", "updated_by"),
)
_TAKEN = text(
    """
    select household.identity_place, household.identity_index
    from unnest(:places, :indexes) as wanted (place, index)
    join household on household.identity_place = wanted.place and household.identity_index = wanted.index
                  and household.removed_at is null
    """
).bindparams(bindparam("places", type_=ARRAY(Text())), bindparam("indexes", type_=ARRAY(LargeBinary())))

_New = tuple[Work, Household, SealedPerson, list[Toilet]]


def create(desk: Desk, caller: Caller, works: list[Work]) -> list[Work]:
    """Register households with their toilets. Ids or identities that are taken are left to be told one by one."""
    undone: list[Work] = []
    made: list[_New] = []
    for work in works:
        village = desk.villages.get(work.body.division_code)
        known = work.item.record_id in desk.households
        if known or village is None or village.level != _VILLAGE or not caller.scope.covers(village.code):
            undone.append(work)
            continue
        digest = households.digest_of(desk.vault, work.body)
        made.append((work, *households.built(desk.vault, caller, work.body, village.code, digest)))
    made = _without_taken(desk, made, undone)
    if made and not written(desk, lambda: _insert(desk, made)):
        return works
    for work, household, _, _ in made:
        desk.households[household.id] = household
        conclude(desk, work, household, made=True)
    return undone


def _without_taken(desk: Desk, made: list[_New], undone: list[Work]) -> list[_New]:
    """Those whose identity is free, and not that of another one of the wave."""
    if not made:
        return []
    rows = desk.session.connection().execute(
        _TAKEN,
        {
            "places": [sealed.identity_place for _, _, sealed, _ in made],
            "indexes": [sealed.identity_index for _, _, sealed, _ in made],
        },
    )
    taken = {(row.identity_place, bytes(row.identity_index)) for row in rows}
    free: list[_New] = []
    for one in made:
        identity = (one[2].identity_place, one[2].identity_index)
        if identity in taken:
            undone.append(one[0])
        else:
            taken.add(identity)
            free.append(one)
    return free


def _insert(desk: Desk, made: list[_New]) -> None:
    session = desk.session
    session.add_all(household for _, household, _, _ in made)
    session.flush()
    session.add_all(
        HouseholdPerson(household_id=household.id, division_code=household.division_code, sealed=sealed.sealed)
        for _, household, sealed, _ in made
    )
    standing = [toilet for *_, ones in made for toilet in ones]
    session.add_all(standing)
    session.flush()
    if standing:
        counting.recount(session, [household.id for _, household, _, _ in made], written=[one.id for one in standing])
        refresh(desk, standing)
    entries = []
    for _, household, _, ones in made:
        entries.append(entry("household", "created", household, "create", None, households.document(household)))
        entries += [entry("toilet", "created", one, "create", None, toilets.document(one)) for one in ones]
    journal_many(session, entries)


def refresh(desk: Desk, rows: list[Toilet]) -> None:
    """Read toilets again after they were counted."""
    ids = [row.id for row in rows]
    statement = select(Toilet).where(col(Toilet.id).in_(ids)).execution_options(populate_existing=True)
    desk.session.exec(statement).all()


def update(desk: Desk, caller: Caller, works: list[Work]) -> list[Work]:
    """Apply patches. Moves, and changes of what a household is recognised by, are left to be done one by one."""
    undone: list[Work] = []
    altered: list[tuple[Work, Household, Alteration]] = []
    persons = _persons(desk, works)
    for work in works:
        household = desk.households.get(work.item.record_id)
        changes = changes_of(work.body)
        if (
            household is None
            or household.removed_at is not None
            or not caller.scope.covers(household.division_code)
            or "division_code" in changes
        ):
            undone.append(work)
            continue
        alteration = households.alter(desk.vault, household, changes, partial(persons.__getitem__, household.id))
        if alteration is None:
            conclude(desk, work, household, made=False)
        elif alteration.sealed is not None and alteration.sealed.identity_index != bytes(household.identity_index):
            undone.append(work)
        else:
            altered.append((work, household, alteration))
    if altered and not written(desk, lambda: _write(desk, caller, altered)):
        return [*undone, *(work for work, _, _ in altered)]
    for work, household, _ in altered:
        conclude(desk, work, household, made=True)
    return undone


def _persons(desk: Desk, works: list[Work]) -> dict[UUID, Person]:
    """The plain data of those whose head of household is patched."""
    ids = [work.item.record_id for work in works if "person" in work.body.model_fields_set]
    ids = [one for one in ids if one in desk.households]
    if not ids:
        return {}
    rows = desk.session.exec(select(HouseholdPerson).where(col(HouseholdPerson.household_id).in_(ids))).all()
    # Held in the session while `rows` lives, so that the registry finds them there.
    return {
        row.household_id: unsealing.unseal(desk.session, desk.vault, desk.households[row.household_id]) for row in rows
    }


def _write(desk: Desk, caller: Caller, altered: list[tuple[Work, Household, Alteration]]) -> None:
    session = desk.session
    for _, household, alteration in altered:
        alteration.write(household)
        household.touch(caller.id)
    alike((household for _, household, _ in altered), _COLUMNS)
    resealed = {household.id: one.sealed.sealed for _, household, one in altered if one.sealed is not None}
    if resealed:
        rows = session.exec(select(HouseholdPerson).where(col(HouseholdPerson.household_id).in_(resealed))).all()
        for row in rows:
            row.sealed = resealed[row.household_id]
    session.flush()
    recounted = [household.id for _, household, one in altered if "dwelling_state" in one.becomes]
    if recounted:
        counting.recount(session, recounted)
    journal_many(
        session,
        [entry("household", "updated", household, "update", one.was, one.becomes) for _, household, one in altered],
    )
