"""Changes of registered households by an import with `on_conflict=update`, set-based, each with its journal entry."""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from toilet_api.divisions import moves
from toilet_api.exchange.imports import staging
from toilet_api.exchange.imports.matching import Difference, Registered
from toilet_api.exchange.imports.written import NOT_IN_A_LEDGER
from toilet_api.kernel import journal
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.vault import Vault
from toilet_api.registry import counting
from toilet_api.registry.people import SealedPerson, seal

_TABLES = (
    """
    create temp table if not exists staged_change (
        id uuid primary key, resealed boolean, name_masked text, id_number_masked text, phone_masked text,
        address_masked text, name_index bytea, phone_index bytea[], sealed bytea, family_size int,
        dwelling_state text, note text, before text, after text
    ) on commit drop
    """,
    """
    create temp table if not exists staged_more_toilet (
        id uuid, household_id uuid, mode text, built_year int, built_month int, led_by text, subsidy_fen bigint
    ) on commit drop
    """,
    """
    create temp table if not exists staged_toilet_change (
        id uuid primary key, household_id uuid, mode text, built_year int, built_month int, led_by text,
        subsidy_fen bigint, before text, after text, was_counted boolean
    ) on commit drop
    """,
)
_UPDATE_HOUSEHOLDS = text(
    """
    update household
    set name_masked = case when resealed then staged.name_masked else household.name_masked end,
        id_number_masked = case when resealed then staged.id_number_masked else household.id_number_masked end,
        phone_masked = case when resealed then staged.phone_masked else household.phone_masked end,
        address_masked = case when resealed then staged.address_masked else household.address_masked end,
        name_index = case when resealed then staged.name_index else household.name_index end,
        phone_index = case when resealed then staged.phone_index else household.phone_index end,
        family_size = staged.family_size, dwelling_state = staged.dwelling_state, note = staged.note,
        version = version + 1, updated_at = now(), updated_by = cast(:actor as uuid)
    from staged_change as staged where household.id = staged.id and household.id = any(cast(:ids as uuid[]))
    """
)
_UPDATE_PERSONS = text(
    """
    update household_person set sealed = staged.sealed
    from staged_change as staged
    where household_person.household_id = staged.id and staged.resealed
      and household_person.household_id = any(cast(:ids as uuid[]))
    """
)
_UPDATE_TOILETS = text(
    """
    update toilet
    set mode = staged.mode, built_year = staged.built_year, built_month = staged.built_month, led_by = staged.led_by,
        subsidy_fen = staged.subsidy_fen, version = version + 1, updated_at = now(), updated_by = cast(:actor as uuid)
    from staged_toilet_change as staged where toilet.id = staged.id and toilet.id = any(cast(:ids as uuid[]))
    """
)
_INSERT_TOILETS = text(
    """
    insert into toilet (id, household_id, division_code, created_by, updated_by, mode, built_year, built_month, led_by,
                        subsidy_fen)
    select staged.id, staged.household_id, household.division_code, cast(:actor as uuid), cast(:actor as uuid),
           staged.mode, staged.built_year, staged.built_month, staged.led_by, staged.subsidy_fen
    from staged_more_toilet as staged join household on household.id = staged.household_id
    returning toilet.id
    """
)
_MORE_TOILETS = "(select toilet.* from staged_more_toilet join toilet using (id)) as more"
_JOURNAL_HOUSEHOLDS = """
    select 'household.updated' as action, 'household' as subject_type, household.id as subject_id,
           household.division_code, household.version, 'update' as op, cast(staged.before as jsonb) as before,
           cast(staged.after as jsonb) as after, cast(:why as text) as reason
    from staged_change as staged join household on household.id = staged.id
    where household.id = any(cast(:ids as uuid[]))
"""
_JOURNAL_TOILETS = """
    select 'toilet.updated' as action, 'toilet' as subject_type, toilet.id as subject_id, toilet.division_code,
           toilet.version, 'update' as op,
           cast(staged.before as jsonb) || case when toilet.counted <> staged.was_counted
               then jsonb_build_object('counted', staged.was_counted) else '{}' end as before,
           cast(staged.after as jsonb) || case when toilet.counted <> staged.was_counted
               then jsonb_build_object('counted', toilet.counted) else '{}' end as after,
           cast(:why as text) as reason
    from staged_toilet_change as staged join toilet on toilet.id = staged.id
    where toilet.id = any(cast(:ids as uuid[]))
"""
_NEW_TOILET = f"""
    cast('{json.dumps(NOT_IN_A_LEDGER)}' as jsonb) || jsonb_build_object(
        'household_id', household_id, 'division_code', division_code, 'mode', mode, 'counted', counted,
        'built_year', built_year, 'built_month', built_month, 'led_by', led_by, 'subsidy_fen', subsidy_fen)
"""
"""What the journal keeps of one more toilet: only the register knows whether it counts."""
_COUNTED_BY = {"mode", "built_year", "built_month"}
_SHOWN = ("name_masked", "id_number_masked", "phone_masked", "address_masked")

Change = tuple[Registered, Difference]


def update(
    session: Session, vault: Vault, changes: Sequence[Change], actor: UUID | None, scope: Sequence[str], reason: str
) -> None:
    """Apply the differences. The households' rows are held by the caller."""
    _move(session, changes, scope, reason)
    connection = session.connection()
    for statement in _TABLES:
        connection.execute(text(statement))
    connection.execute(text("truncate staged_change, staged_toilet_change, staged_more_toilet"))
    _stage(session, vault, changes)
    households = [there.id for there, difference in changes if _is_of_household(difference)]
    toilets = [toilet_id for _, difference in changes for toilet_id in difference.toilets]
    with staging.by_index(session):
        connection.execute(_UPDATE_HOUSEHOLDS, {"actor": actor, "ids": households})
        connection.execute(_UPDATE_PERSONS, {"ids": households})
        connection.execute(_UPDATE_TOILETS, {"actor": actor, "ids": toilets})
    new = list(connection.execute(_INSERT_TOILETS, {"actor": actor}).scalars())
    written = [*new, *toilets]
    recounted = [there.id for there, difference in changes if _may_count_otherwise(difference)]
    if recounted:
        counting.recount(session, recounted, written=written)
    with staging.by_index(session):
        journal.record_selected(session, _JOURNAL_HOUSEHOLDS, {"why": reason, "ids": households})
        journal.record_selected(session, _JOURNAL_TOILETS, {"why": reason, "ids": toilets})
    journal.record_created(session, "toilet", _NEW_TOILET, _MORE_TOILETS, reason)


def _is_of_household(difference: Difference) -> bool:
    """Whether the household's own row changes."""
    return difference.person is not None or bool(difference.household)


def _may_count_otherwise(difference: Difference) -> bool:
    """Whether another toilet may be the one that counts: by mode, age, or the state of the dwelling."""
    return (
        bool(difference.new_toilets)
        or "dwelling_state" in difference.household
        or any(changed.keys() & _COUNTED_BY for changed in difference.toilets.values())
    )


def _move(session: Session, changes: Sequence[Change], scope: Sequence[str], reason: str) -> None:
    """Households that the file puts into another village, with all that belongs to them in every room."""
    by_way: dict[tuple[str, str], list[UUID]] = defaultdict(list)
    for there, difference in changes:
        if difference.village is not None:
            by_way[there.village, difference.village].append(there.id)
    for (old, new), ids in sorted(by_way.items()):
        moves.carry_households(session, old, new, ids, reason, scope)


def _stage(session: Session, vault: Vault, changes: Sequence[Change]) -> None:
    staging.copy_rows(
        session,
        "staged_change",
        ("uuid", "bool", *("text",) * 4, "bytea", "bytea[]", "bytea", "int4", *("text",) * 4),
        (_household(vault, there, difference) for there, difference in changes if _is_of_household(difference)),
    )
    staging.copy_rows(
        session,
        "staged_toilet_change",
        ("uuid", "uuid", "text", "int4", "int4", "text", "int8", "text", "text", "bool"),
        (
            _toilet(there, toilet, difference.toilets[toilet["id"]])
            for there, difference in changes
            for toilet in there.toilets
            if toilet["id"] in difference.toilets
        ),
    )
    staging.copy_rows(
        session,
        "staged_more_toilet",
        ("uuid", "uuid", "text", "int4", "int4", "text", "int8"),
        (
            (new_id(), there.id, toilet.mode, toilet.year, toilet.month, toilet.led_by, toilet.subsidy_fen)
            for there, difference in changes
            for toilet in difference.new_toilets
        ),
    )


def _household(vault: Vault, there: Registered, difference: Difference) -> tuple[Any, ...]:
    """The household's new values, and the journal's before and after: masked, only what differs."""
    before: dict[str, Any] = {name: getattr(there, name) for name in difference.household}
    after: dict[str, Any] = dict(difference.household)
    sealed: SealedPerson | None = None
    if difference.person is not None:
        village = difference.village or there.village
        sealed = seal(vault, there.id, difference.person, village)
        old = _masks(seal(vault, there.id, there.person, village))
        new = _masks(sealed)
        before |= {name: old[name] for name in _SHOWN if old[name] != new[name]}
        after |= {name: new[name] for name in _SHOWN if old[name] != new[name]}
        after["changed_personal_fields"] = difference.personal
    person = _columns(sealed)
    return (
        there.id,
        sealed is not None,
        *person,
        difference.household.get("family_size", there.family_size),
        difference.household.get("dwelling_state", there.dwelling_state),
        difference.household.get("note", there.note),
        json.dumps(before, ensure_ascii=False),
        json.dumps(after, ensure_ascii=False),
    )


def _masks(sealed: SealedPerson) -> dict[str, Any]:
    return {name: getattr(sealed, name) for name in _SHOWN}


def _columns(sealed: SealedPerson | None) -> tuple[Any, ...]:
    if sealed is None:
        return (None,) * 7
    return (*_masks(sealed).values(), sealed.name_index, sealed.phone_index, sealed.sealed)


def _toilet(there: Registered, toilet: dict[str, Any], changed: dict[str, Any]) -> tuple[Any, ...]:
    new = toilet | changed
    return (
        toilet["id"],
        there.id,
        new["mode"],
        new["built_year"],
        new["built_month"],
        new["led_by"],
        new["subsidy_fen"],
        json.dumps({name: toilet[name] for name in changed}),
        json.dumps(changed),
        toilet["counted"],
    )
