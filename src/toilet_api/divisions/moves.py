"""The records that follow when a division gets another code, set-based and in the change's own transaction.

Which tables those are is read from the database: every table that has a `division_code` and that the application may
update. The journal isn't one of them: it is never rewritten, its entries stay with the place where they were made.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from toilet_api.divisions.problems import RECORDS_IN_CONFLICT
from toilet_api.kernel import journal
from toilet_api.kernel.database import EVERYWHERE, actor_of, enter_scope

ROOT = "household"
"""The record that the others belong to; a split assigns records by it."""
HELD = ("household", "toilet", "visit", "acceptance", "problem", "task")
"""What whoever writes about a household holds while doing so, in the order in which it is held."""
TOLD = frozenset({"task_note"})
"""Parts that are never changed and so have no version, but are told of in the change feed one by one."""

_TABLES = text(
    """
    select class.relname, array_agg(attribute.attname::text order by attribute.attnum)
    from pg_class as class
    join pg_attribute as attribute on attribute.attrelid = class.oid and attribute.attnum > 0
                                  and not attribute.attisdropped
    where class.relnamespace = current_schema()::regnamespace and class.relkind in ('r', 'p')
      and not class.relispartition and has_table_privilege(class.oid, 'update')
    group by class.relname
    having bool_or(attribute.attname = 'division_code')
    order by class.relname
    """
)
_REFERENCES = text(
    """
    select source.relname, attribute.attname::text, target.relname
    from pg_constraint as constraint_
    join pg_class as source on source.oid = constraint_.conrelid
    join pg_class as target on target.oid = constraint_.confrelid
    join pg_attribute as attribute on attribute.attrelid = source.oid and attribute.attnum = constraint_.conkey[1]
    where constraint_.contype = 'f' and cardinality(constraint_.conkey) = 1
      and source.relnamespace = current_schema()::regnamespace
    order by source.relname, attribute.attnum
    """
)


@dataclass(frozen=True, slots=True)
class ScopedTable:
    """A table whose rows lie in a division."""

    name: str
    columns: frozenset[str]

    @property
    def is_record(self) -> bool:
        """It stands for itself in the change feed; other tables are parts of such a record."""
        return {"id", "version", "updated_at", "updated_by"} <= self.columns


def scoped_tables(session: Session) -> list[ScopedTable]:
    """Every table whose records follow their division."""
    rows = session.connection().execute(_TABLES)
    return [ScopedTable(name, frozenset(columns)) for name, columns in rows]


def records_at(session: Session, codes: Collection[str]) -> dict[str, dict[str, int]]:
    """Code -> table -> how many records that aren't removed lie exactly there. Codes without any are left out.

    Tables without `removed_at` hold parts of records, and live and die with them.
    """
    found: dict[str, dict[str, int]] = {}
    for table in scoped_tables(session):
        if "removed_at" not in table.columns:
            continue
        rows = session.connection().execute(
            text(
                f"select division_code, count(*) from {table.name}"
                f" where division_code = any(:codes) and removed_at is null group by division_code"
            ),
            {"codes": list(codes)},
        )
        for code, count in rows:
            found.setdefault(code, {})[table.name] = count
    return found


def carry(session: Session, recoded: Mapping[str, str], reason: str, scope: Sequence[str]) -> dict[str, int]:
    """Give every record at one of the old codes the new one; returns how many, by table.

    Grants of people who belong elsewhere follow as well, so the row-level scope is lifted meanwhile: the caller has
    checked every code against `scope`, which holds again afterwards. Raises `division_records_in_conflict`.
    """
    pairs = "unnest(cast(:old as text[]), cast(:new as text[])) as recoded (old_code, new_code)"
    condition = "record.division_code = recoded.old_code"
    parameters = {"old": list(recoded), "new": list(recoded.values()), "reason": reason}
    return _carry(session, dict.fromkeys(scoped_tables(session), condition), pairs, parameters, scope)


def carry_households(
    session: Session, old_code: str, new_code: str, ids: Collection[UUID], reason: str, scope: Sequence[str]
) -> dict[str, int]:
    """The same for some households of a village, with everything that belongs to them by foreign keys."""
    references: dict[str, list[tuple[str, str]]] = {}
    for source, column, target in session.connection().execute(_REFERENCES):
        references.setdefault(source, []).append((column, target))
    belonging = {}
    for table in scoped_tables(session):
        belongs = _belongs(table.name, references, frozenset())
        if belongs is not None:
            belonging[table] = belongs.format(alias="record")
    _hold(session, {table.name: belongs for table, belongs in belonging.items()}, ids, scope)
    conditions = {
        table: f"record.division_code = recoded.old_code and ({belongs})" for table, belongs in belonging.items()
    }
    pairs = "(values (cast(:old as text), cast(:new as text))) as recoded (old_code, new_code)"
    parameters = {"old": old_code, "new": new_code, "ids": list(ids), "reason": reason}
    return _carry(session, conditions, pairs, parameters, scope)


def _hold(session: Session, belonging: Mapping[str, str], ids: Collection[UUID], scope: Sequence[str]) -> None:
    """Hold the records that belong to the households `ids`, in the order of every writer.

    Writers hold the village too, which a merge shuts them out of; a household's move doesn't.
    """
    enter_scope(session, EVERYWHERE)
    for table in HELD:
        held = f"select from {table} as record where {belonging[table]} order by record.id for no key update"
        session.connection().execute(text(held), {"ids": list(ids)})
    enter_scope(session, tuple(scope))


def _belongs(table: str, references: dict[str, list[tuple[str, str]]], passed: frozenset[str]) -> str | None:
    """The SQL condition that a row belongs to one of the households `:ids`; None for a table that never does."""
    if table == ROOT:
        return "{alias}.id = any(:ids)"
    ways = []
    for column, target in references.get(table, []):
        if target == ROOT:
            ways.append(f"{{alias}}.{column} = any(:ids)")
        elif target != table and target not in passed:
            above = _belongs(target, references, passed | {table})
            if above is not None:
                alias = f"{target}_{len(passed)}"
                above = above.format(alias=alias)
                ways.append(f"{{alias}}.{column} in (select {alias}.id from {target} as {alias} where {above})")
    return " or ".join(ways) or None


def _carry(
    session: Session,
    conditions: Mapping[ScopedTable, str],
    pairs: str,
    parameters: Mapping[str, object],
    scope: Sequence[str],
) -> dict[str, int]:
    moved: Counter[str] = Counter()
    enter_scope(session, EVERYWHERE)
    try:
        # Who held a record has been waited for; what he then left to it, in a table that was done, comes along as well.
        # It ends, because no new code is one of the old ones: recoding gives codes that are free.
        while found := _carry_once(session, conditions, pairs, parameters):
            moved += found
    except IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        raise RECORDS_IN_CONFLICT.problem(
            table=getattr(diagnosis, "table_name", None), constraint=getattr(diagnosis, "constraint_name", None)
        ) from error
    enter_scope(session, tuple(scope))
    return dict(moved)


def _carry_once(
    session: Session, conditions: Mapping[ScopedTable, str], pairs: str, parameters: Mapping[str, object]
) -> Counter[str]:
    """How many records of each table there were to carry."""
    found: Counter[str] = Counter()
    for table, condition in sorted(conditions.items(), key=_turn):
        count = (
            session.connection()
            .execute(text(f"select count(*) from {table.name} as record, {pairs} where {condition}"), parameters)
            .scalar_one()
        )
        if count:
            found[table.name] = count
            _carry_table(session, table, condition, pairs, parameters)
    return found


def _turn(one: tuple[ScopedTable, str]) -> tuple[int, str]:
    """What writers hold goes first, in their order: who carries and who writes then don't wait for each other."""
    name = one[0].name
    return HELD.index(name) if name in HELD else len(HELD), name


def _carry_table(
    session: Session, table: ScopedTable, condition: str, pairs: str, parameters: Mapping[str, object]
) -> None:
    assignments = "division_code = recoded.new_code"
    if table.is_record:
        assignments += ", version = record.version + 1, updated_at = now(), updated_by = :moved_by"
        parameters = {**parameters, "moved_by": actor_of(session).id}
    update = f"update {table.name} as record set {assignments} from {pairs} where {condition}"
    if "id" not in table.columns:
        session.connection().execute(text(update), parameters)
        return
    journal.record_selected(
        session,
        f"""
        {update}
        returning '{table.name}.moved' as action, '{table.name}' as subject_type, record.id as subject_id,
            record.division_code, {"record.version" if table.is_record else "cast(null as int) as version"},
            '{"move" if table.is_record or table.name in TOLD else "note"}' as op,
            jsonb_build_object('division_code', recoded.old_code) as before,
            jsonb_build_object('division_code', recoded.new_code) as after,
            cast(:reason as text) as reason, recoded.old_code as from_division_code
        """,
        dict(parameters),
        moved_from=True,
    )
