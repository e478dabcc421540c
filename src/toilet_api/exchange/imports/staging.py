"""Rows into the register: COPY to temporary tables, then set-based statements. SQL stands in the open.

Everything finds its way by index, whatever is stored: households by (identity_place, identity_index), toilets by
household. Unique indexes decide races; two imports of one household end with one household.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlmodel import Session

from toilet_api.exchange.imports.matching import Registered
from toilet_api.exchange.ledgers.rows import Row, Toilet
from toilet_api.kernel import journal
from toilet_api.kernel.database import driver
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.vault import Vault
from toilet_api.registry import counting
from toilet_api.registry.people import Person, SealedPerson
from toilet_api.registry.schemas import ToiletOptions

_TABLES = (
    """
    create temp table staged_identity (
        position int, identity_place text collate "C", identity_index bytea) on commit drop
    """,
    """
    create temp table staged_household (
        position int, id uuid, division_code text collate "C", name_masked text, id_number_masked text,
        phone_masked text, address_masked text, identity_place text collate "C", identity_index bytea,
        name_index bytea, phone_index bytea[], sealed bytea, family_size int, dwelling_state text, note text
    ) on commit drop
    """,
    """
    create temp table staged_toilet (
        id uuid, household_id uuid, mode text, built_year int, built_month int, led_by text, subsidy_fen bigint
    ) on commit drop
    """,
)
_EMPTY = "truncate staged_identity, staged_household, staged_toilet"
_HOUSEHOLD_SHOWN = (
    "division_code",
    "name_masked",
    "id_number_masked",
    "phone_masked",
    "address_masked",
    "family_size",
    "dwelling_state",
    "note",
)
"""What the journal keeps of a household: the members of `registry.households.document`."""
_TOILET_SHOWN = ("household_id", "division_code", "mode", "counted", *ToiletOptions.model_fields)

# One index lookup for each staged row; a hash join would read every household that is stored.
_FIND = text(
    """
    select staged.position, found.id
    from staged_identity as staged
    cross join lateral (
        select household.id from household
        where household.identity_place = staged.identity_place and household.identity_index = staged.identity_index
          and household.removed_at is null
        limit 1
    ) as found
    """
)
_HOLD = text(
    "select id from household where id = any(:ids) and removed_at is null order by id for no key update"
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_SHOW = text(
    """
    select household.id, household.division_code, household.version, household.family_size, household.dwelling_state,
           household.note, person.sealed,
           (select coalesce(jsonb_agg(jsonb_build_object(
                       'id', toilet.id, 'mode', toilet.mode, 'built_year', toilet.built_year,
                       'built_month', toilet.built_month, 'led_by', toilet.led_by, 'subsidy_fen', toilet.subsidy_fen,
                       'counted', toilet.counted)
                   order by toilet.created_at, toilet.id), '[]')
            from toilet where toilet.household_id = household.id and toilet.removed_at is null) as toilets
    from household join household_person as person on person.household_id = household.id
    where household.id = any(:ids) and household.removed_at is null
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_INSERT_HOUSEHOLDS = text(
    """
    insert into household (id, division_code, created_by, updated_by, name_masked, id_number_masked, phone_masked,
                           address_masked, identity_index, name_index, phone_index, family_size, dwelling_state, note)
    select id, division_code, cast(:actor as uuid), cast(:actor as uuid), name_masked, id_number_masked, phone_masked,
           address_masked, identity_index, name_index, phone_index, family_size, dwelling_state, note
    from staged_household
    -- Every import takes the index entries in one order, so that two of them never wait for each other in a circle.
    order by identity_place, identity_index
    on conflict (identity_place, identity_index) where removed_at is null do nothing
    returning id
    """
)
_INSERT_PERSONS = text(
    """
    insert into household_person (household_id, division_code, sealed)
    select staged.id, staged.division_code, staged.sealed
    from staged_household as staged join household on household.id = staged.id
    """
)
_INSERT_TOILETS = text(
    """
    insert into toilet (id, household_id, division_code, created_by, updated_by, mode, built_year, built_month, led_by,
                        subsidy_fen)
    select staged.id, staged.household_id, household.division_code, cast(:actor as uuid), cast(:actor as uuid),
           staged.mode, staged.built_year, staged.built_month, staged.led_by, staged.subsidy_fen
    from staged_toilet as staged join household on household.id = staged.household_id
    returning toilet.id
    """
)


@dataclass(slots=True)
class Staged:
    """A row on its way into the register, with its place in the file's order."""

    position: int
    row: Row
    person: Person
    village: str
    identity: tuple[str, bytes]


def prepare(session: Session) -> None:
    """The temporary tables; they go with the transaction."""
    for statement in _TABLES:
        session.connection().execute(text(statement))


def find_registered(session: Session, vault: Vault, rows: Sequence[Staged], *, hold: bool) -> dict[int, Registered]:
    """The registered households of `rows` by position, their rows held (in the order of ids) if `hold`."""
    connection = session.connection()
    connection.execute(text(_EMPTY))
    copy_rows(
        session,
        "staged_identity (position, identity_place, identity_index)",
        ("int4", "text", "bytea"),
        ((one.position, *one.identity) for one in rows),
    )
    connection.execute(text("analyze staged_identity"))
    positions: dict[UUID, list[int]] = {}
    for position, household_id in connection.execute(_FIND):
        positions.setdefault(household_id, []).append(position)
    if not positions:
        return {}
    ids = sorted(positions)
    if hold:
        connection.execute(_HOLD, {"ids": ids})
    found: dict[int, Registered] = {}
    for shown in connection.execute(_SHOW, {"ids": ids}):
        plain = vault.open(shown.sealed, shown.id.bytes)
        there = Registered(
            shown.id,
            shown.division_code,
            shown.version,
            Person(plain["name"], plain["id_number"], tuple(plain["phones"]), plain["address"]),
            shown.family_size,
            shown.dwelling_state,
            shown.note,
            [{**toilet, "id": UUID(toilet["id"])} for toilet in shown.toilets],
        )
        found |= dict.fromkeys(positions[shown.id], there)
    return found


def insert(
    session: Session, rows: Sequence[tuple[Staged, UUID, SealedPerson]], actor: UUID | None, reason: str
) -> set[UUID]:
    """Create households with their toilets; gives the ids that came to be. The others' identity is taken."""
    connection = session.connection()
    connection.execute(text(_EMPTY))
    copy_rows(
        session,
        "staged_household",
        ("int4", "uuid", *("text",) * 6, "bytea", "bytea", "bytea[]", "bytea", "int4", "text", "text"),
        (_household_columns(one, household_id, sealed) for one, household_id, sealed in rows),
    )
    made = set(connection.execute(_INSERT_HOUSEHOLDS, {"actor": actor}).scalars())
    stage_toilets(
        session,
        ((household_id, toilet) for one, household_id, _ in rows if household_id in made for toilet in one.row.toilets),
    )
    connection.execute(text("analyze staged_household"))
    connection.execute(_INSERT_PERSONS)
    toilets = insert_toilets(session, actor)
    if made:
        counting.recount(
            session,
            "select staged_household.id from staged_household",
            written=toilets,
        )
    _journal_created(session, "household", _HOUSEHOLD_SHOWN, "staged_household", reason)
    journal_new_toilets(session, reason)
    return made


def stage_toilets(session: Session, toilets: Iterable[tuple[UUID, Toilet]]) -> None:
    """New toilets, each with the id of its household, into the empty staging table."""
    copy_rows(
        session,
        "staged_toilet",
        ("uuid", "uuid", "text", "int4", "int4", "text", "int8"),
        (
            (new_id(), household_id, toilet.mode, toilet.year, toilet.month, toilet.led_by, toilet.subsidy_fen)
            for household_id, toilet in toilets
        ),
    )


def insert_toilets(session: Session, actor: UUID | None) -> list[UUID]:
    """Store the staged toilets; gives their ids."""
    session.connection().execute(text("analyze staged_toilet"))
    return list(session.connection().execute(_INSERT_TOILETS, {"actor": actor}).scalars())


def journal_new_toilets(session: Session, reason: str) -> None:
    """Journal the staged toilets, after they were counted."""
    _journal_created(session, "toilet", _TOILET_SHOWN, "staged_toilet", reason)


def _household_columns(one: Staged, household_id: UUID, sealed: SealedPerson) -> tuple[Any, ...]:
    row = one.row
    return (
        one.position,
        household_id,
        one.village,
        sealed.name_masked,
        sealed.id_number_masked,
        sealed.phone_masked,
        sealed.address_masked,
        sealed.identity_place,
        sealed.identity_index,
        sealed.name_index,
        sealed.phone_index,
        sealed.sealed,
        row.family_size,
        row.dwelling_state or "occupied",
        row.note,
    )


def _journal_created(session: Session, subject: str, shown: Iterable[str], staged: str, reason: str) -> None:
    members = ", ".join(f"'{name}', {subject}.{name}" for name in shown)
    extra = ", 'position', null, 'position_source', null" if subject == "toilet" else ""
    journal.record_selected(
        session,
        f"""
        select '{subject}.created' as action, '{subject}' as subject_type, {subject}.id as subject_id,
               {subject}.division_code, {subject}.version, 'create' as op, cast(null as jsonb) as before,
               jsonb_build_object({members}{extra}) as after, cast(:why as text) as reason
        from {staged} join {subject} on {subject}.id = {staged}.id
        """,
        {"why": reason},
    )


def write_report(session: Session, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """The report of each row. COPY can't go into a table with row-level security, so it goes by way of a plain one."""
    connection = session.connection()
    connection.execute(text("create temp table staged_report (like import_row excluding indexes) on commit drop"))
    names = ", ".join(columns)
    with driver(session).cursor().copy(f"copy staged_report ({names}) from stdin") as copy:
        for row in rows:
            copy.write_row([json.dumps(cell, ensure_ascii=False) if isinstance(cell, list) else cell for cell in row])
    connection.execute(text(f"insert into import_row ({names}) select {names} from staged_report order by position"))


def copy_rows(session: Session, target: str, types: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """COPY into a temporary table. `target` is its name, with columns if not all, never a value from outside."""
    with driver(session).cursor().copy(f"copy {target} from stdin (format binary)") as copy:
        copy.set_types(list(types))
        for row in rows:
            copy.write_row(row)
