"""Rows into the register: COPY to temporary tables, then set-based statements. SQL stands in the open.

Everything finds its way by index, whatever is stored: households by (identity_place, identity_index), toilets by
household. Unique indexes decide races; two imports of one household end with one household.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from toilet_api.kernel import journal
from toilet_api.kernel.database import actor_of, driver

_TABLES = (
    # What the rows of the batch at hand are told by.
    """
    create temp table staged_key (
        position int, key bytea, identity_place text collate "C", identity_index bytea, household_id uuid,
        row_number int, sheet text
    ) on commit drop
    """,
    # What all rows so far were told by.
    "create temp table seen_key (key bytea primary key, position int, row_number int, sheet text) on commit drop",
    """
    create temp table staged_household (
        position int, id uuid, division_code text collate "C", name_masked text, id_number_masked text,
        phone_masked text, address_masked text, identity_place text collate "C", identity_index bytea,
        name_index bytea, phone_index bytea[], sealed bytea, family_size int, dwelling_state text, note text
    ) on commit drop
    """,
    """
    create temp table staged_toilet (
        id uuid default uuidv7(), position int, household_id uuid, division_code text collate "C", mode text,
        counted boolean, built_year int, built_month int, led_by text, subsidy_fen bigint, after text
    ) on commit drop
    """,
    """
    create temp table staged_report (
        job_id uuid, position int, division_code text, sheet text, row_number int, outcome text, village_code text,
        name_masked text, household_id uuid, record_type text, record_id uuid, corrections text, errors text,
        changes text
    ) on commit drop
    """,
)
_PLAN_BY_INDEX = text(
    """
    select set_config(name, :whether, true)
    from unnest(array['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin']) as name
    """
)
_FIRST_OF_A_KEY = text(
    """
    insert into seen_key (key, position, row_number, sheet)
    select key, position, row_number, sheet from staged_key order by position
    on conflict (key) do nothing
    """
)
_LATER_OF_A_KEY = text(
    """
    delete from staged_key as staged using seen_key as seen
    where seen.key = staged.key and seen.position <> staged.position
    returning staged.position, seen.row_number, seen.sheet
    """
)
# One index lookup for each staged row; a hash join would read every household that is stored.
_FIND = text(
    """
    select staged.position, found.id
    from staged_key as staged
    cross join lateral (
        select household.id from household
        where household.identity_place = staged.identity_place and household.identity_index = staged.identity_index
          and household.removed_at is null
        limit 1
    ) as found
    where staged.identity_index is not null
    """
)
_FIND_BY_ID = text(
    """
    select staged.position, found.id
    from staged_key as staged
    cross join lateral (
        select household.id from household
        where household.id = staged.household_id and household.removed_at is null
        limit 1
    ) as found
    where staged.household_id is not null
    """
)
_HOLD = text(
    """
    select id, removed_at is null as stands from household where id = any(cast(:ids as uuid[])) order by id
    for no key update
    """
)
_INSERT_HOUSEHOLDS = text(
    """
    insert into household (id, division_code, created_by, updated_by, name_masked, id_number_masked, phone_masked,
                           address_masked, identity_index, name_index, phone_index, family_size, dwelling_state, note)
    select id, division_code, cast(:actor as uuid), cast(:actor as uuid), name_masked, id_number_masked, phone_masked,
           address_masked, identity_index, name_index, phone_index, family_size, dwelling_state, note
    from staged_household
    order by identity_place, identity_index
    on conflict (identity_place, identity_index) where removed_at is null do nothing
    """
)
_LEAVE_OUT = tuple(
    text(f"delete from {table} where position = any(cast(:positions as int[]))")
    for table in ("staged_household", "staged_toilet")
)
_NOT_INSERTED = text(
    """
    select staged.position from staged_household as staged
    where not exists (select from household where household.id = staged.id)
    """
)
_INSERT_PERSONS = text(
    "insert into household_person (household_id, division_code, sealed)"
    " select id, division_code, sealed from staged_household"
)
_INSERT_TOILETS = text(
    """
    insert into toilet (id, household_id, division_code, created_by, updated_by, mode, counted, built_year, built_month,
                        led_by, subsidy_fen)
    select id, household_id, division_code, cast(:actor as uuid), cast(:actor as uuid), mode, counted, built_year,
           built_month, led_by, subsidy_fen
    from staged_toilet
    """
)
_CREATED = {
    "household": """
        jsonb_build_object(
            'division_code', division_code, 'name_masked', name_masked, 'id_number_masked', id_number_masked,
            'phone_masked', phone_masked, 'address_masked', address_masked, 'family_size', family_size,
            'dwelling_state', dwelling_state, 'note', note)
    """,
    "toilet": "cast(after as jsonb)",
}
"""What the journal keeps of a new record, from its staging table: as `document` of the registry's rooms gives it."""

_STAGED_TOILET = (
    "position, household_id, division_code, mode, counted, built_year, built_month, led_by, subsidy_fen, after"
)
_PIECE = 1 << 18
_REPORT_COLUMNS = (
    "job_id", "position", "division_code", "sheet", "row_number", "outcome", "village_code", "name_masked",
    "household_id", "record_type", "record_id", "corrections", "errors", "changes",
)  # fmt: skip
_REPORTED = ", ".join(_REPORT_COLUMNS)
_AS_STORED = _REPORTED.replace("corrections, errors, changes", "corrections::jsonb, errors::jsonb, changes::jsonb")
_LINES_OUT = text("delete from staged_report where position = any(cast(:positions as int[]))")
_UNBORN = text(
    """
    update staged_report set household_id = null, record_type = null, record_id = null where outcome = 'created'
    """
)
_REPORT = text(f"insert into import_row ({_REPORTED}) select {_AS_STORED} from staged_report")


def prepare(session: Session) -> None:
    """The temporary tables; they go with the transaction."""
    connection = session.connection()
    for statement in _TABLES:
        connection.execute(text(statement))


@contextmanager
def by_index(session: Session) -> Iterator[None]:
    """Statements in here find each row of a batch by index.

    The planner, who knows nothing of temporary tables, would read a whole county for some thousand households. Where
    autovacuum looked at the register while none of it was committed, he takes it for empty and any index for as good as
    any other; so what they ask of the register names its rows by id.
    """
    session.connection().execute(_PLAN_BY_INDEX, {"whether": "off"})
    yield
    session.connection().execute(_PLAN_BY_INDEX, {"whether": "on"})


def find_repeated(session: Session, keys: bytes) -> dict[int, tuple[int, str | None]]:
    """Stage the keys of a batch; gives those that an earlier row of the file has, with that row's number and sheet."""
    connection = session.connection()
    connection.execute(text("truncate staged_key"))
    staged = copy_bytes(session, "staged_key", keys)
    if connection.execute(_FIRST_OF_A_KEY).rowcount == staged:
        return {}
    with by_index(session):
        found = connection.execute(_LATER_OF_A_KEY)
    return {row.position: (row.row_number, row.sheet) for row in found}


def find_registered(session: Session) -> dict[int, Any]:
    """The households that the staged keys are of, by position; they are held, in the order of ids as everywhere."""
    connection = session.connection()
    found = {row.position: row.id for statement in (_FIND, _FIND_BY_ID) for row in connection.execute(statement)}
    if not found:
        return {}
    held = connection.execute(_HOLD, {"ids": sorted(set(found.values()), key=attrgetter("int"))})
    standing = {row.id for row in held if row.stands}
    return {position: household_id for position, household_id in found.items() if household_id in standing}


def insert(
    session: Session, households: bytes, toilets: bytes, reason: str, without: Collection[int] = ()
) -> list[int]:
    """Create households and their toilets, with their journal, but for the rows at some positions.

    Gives the positions of those whose identity somebody else has taken meanwhile, or out of sight.
    """
    connection, actor = session.connection(), {"actor": actor_of(session).id}
    connection.execute(text("truncate staged_household, staged_toilet"))
    staged = copy_bytes(session, "staged_household", households)
    copy_bytes(session, f"staged_toilet ({_STAGED_TOILET})", toilets)
    if without:
        staged = _leave_out(session, without)
    made = connection.execute(_INSERT_HOUSEHOLDS, actor).rowcount
    left: list[int] = []
    if made != staged:
        left = list(connection.execute(_NOT_INSERTED).scalars())
        _leave_out(session, left)
    connection.execute(_INSERT_PERSONS)
    connection.execute(_INSERT_TOILETS, actor)
    for subject in ("household", "toilet"):
        journal.record_created(session, subject, _CREATED[subject], f"staged_{subject}", reason)
    return left


def _leave_out(session: Session, positions: Collection[int]) -> int:
    """Take rows out of both tables; gives how many households are left."""
    connection = session.connection()
    for statement in _LEAVE_OUT:
        connection.execute(statement, {"positions": list(positions)})
    return int(connection.execute(text("select count(*) from staged_household")).scalar_one())


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of the report, as bytes for COPY: all of a batch but some, and what stands in the place of these."""

    prepared: bytes
    without: Sequence[int] = ()
    instead: bytes | None = None


def write_report(session: Session, lines: Lines, *, unborn: bool) -> None:
    """Write lines of the report. `unborn`: what they say was created is taken back again, so that it has no id.

    COPY can't go into a table with row-level security, so it goes by way of a plain one.
    """
    connection = session.connection()
    connection.execute(text("truncate staged_report"))
    copy_bytes(session, "staged_report", lines.prepared)
    if lines.without:
        connection.execute(_LINES_OUT, {"positions": list(lines.without)})
    if lines.instead is not None:
        copy_bytes(session, "staged_report", lines.instead)
    if unborn:
        connection.execute(_UNBORN)
    connection.execute(_REPORT)


def copy_bytes(session: Session, target: str, data: bytes) -> int:
    """COPY into a temporary table what `BinaryRows` has written; gives its rows. `target` is never from outside."""
    cursor = driver(session).cursor()
    with cursor.copy(f"copy {target} from stdin (format binary)") as copy:
        for place in range(0, len(data), _PIECE):
            copy.write(data[place : place + _PIECE])
    return cursor.rowcount


def copy_rows(session: Session, target: str, types: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """COPY into a temporary table. `target` is its name, with columns if not all, never a value from outside."""
    with driver(session).cursor().copy(f"copy {target} from stdin (format binary)") as copy:
        copy.set_types(list(types))
        for row in rows:
            copy.write_row(row)
