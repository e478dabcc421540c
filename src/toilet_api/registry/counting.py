"""One dwelling, one toilet (一宅一厕): which toilet enters the statistics. `rules.counted_toilet` in SQL."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BindParameter, Uuid, bindparam, text
from sqlmodel import Session

from toilet_api.kernel import journal
from toilet_api.kernel.database import actor_of

_LOCK = "select id from household where id in ({households}) order by id for no key update"

# Toilets lose the mark before others get it, as the unique index on (household_id) where counted demands.
_RECOUNT = """
    with own as materialized (select unnest(cast(:written as uuid[])) as id),
    ranked as (
        select toilet.id, toilet.counted, own.id is not null as is_own,
               toilet.removed_at is null and toilet.mode <> 'none' and household.removed_at is null
               and household.dwelling_state <> 'demolished'
               and row_number() over (
                   partition by toilet.household_id
                   order by toilet.removed_at is not null,
                            array_position(array['harmless', 'sanitary', 'unsanitary', 'none'], toilet.grade),
                            toilet.built_year desc nulls last, toilet.built_month desc nulls last, toilet.id
               ) = 1 as counts
        from toilet join household on household.id = toilet.household_id left join own on own.id = toilet.id
        where household.id in ({households})
    )
    update toilet
    set counted = ranked.counts,
        version = version + case when ranked.is_own then 0 else 1 end,
        updated_at = case when ranked.is_own then updated_at else now() end,
        updated_by = case when ranked.is_own then updated_by else cast(:actor as uuid) end
    from ranked
    where toilet.id = ranked.id and toilet.counted <> ranked.counts and ranked.counts = :counts
    returning toilet.id, toilet.division_code, toilet.version, ranked.counts
"""

_GIVEN = "select unnest(cast(:households as uuid[]))"
_UUIDS = ARRAY(Uuid())


def lock(session: Session, household_id: UUID) -> None:
    """Hold the household's row until the transaction ends, so that two writes to its toilets follow each other."""
    session.connection().execute(
        text(_LOCK.format(households=":household")).bindparams(bindparam("household", type_=Uuid())),
        {"household": household_id},
    )


def recount(
    session: Session,
    households: Collection[UUID] | str,
    *,
    written: Collection[UUID] = (),
    parameters: dict[str, object] | None = None,
) -> None:
    """Apply the counting rule to households: given by id, or by an SQL select of ids (with `parameters`).

    Locks the household rows first, then ranks in a statement of its own, which therefore sees what the writers waited
    for. `written` are toilets that the caller wrote in this transaction and journals himself; any other toilet whose
    mark changes gets a new version and a journal entry of its own here.
    """
    session.flush()
    connection = session.connection()
    values: dict[str, object] = {**(parameters or {})}
    types: list[BindParameter[Any]] = [bindparam("written", type_=_UUIDS), bindparam("actor", type_=Uuid())]
    if isinstance(households, str):
        selection = households
        connection.execute(text(_LOCK.format(households=selection)), values)
    else:
        selection = _GIVEN
        values["households"] = list(households)
        types.append(bindparam("households", type_=_UUIDS))
        connection.execute(text(_LOCK.format(households=selection)).bindparams(types[-1]), values)
    statement = text(_RECOUNT.format(households=selection)).bindparams(*types)
    own = set(written)
    for counts in (False, True):
        changed = connection.execute(
            statement, {**values, "written": list(own), "actor": actor_of(session).id, "counts": counts}
        ).all()
        for toilet_id, division_code, version, _ in changed:
            if toilet_id not in own:
                journal.record(
                    session,
                    action="toilet.recounted",
                    subject_type="toilet",
                    subject_id=toilet_id,
                    division_code=division_code,
                    version=version,
                    before={"counted": not counts},
                    after={"counted": counts},
                )
