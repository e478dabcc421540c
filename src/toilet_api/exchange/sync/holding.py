"""Everything that a batch touches is found and held at its beginning: divisions, then households, toilets, visits.

That is the order of every other writer, so that nobody waits in a ring; and it is a few queries for all items.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlmodel import col, select

from toilet_api.divisions import lookup
from toilet_api.exchange.sync.merging import journaled_fields
from toilet_api.exchange.sync.work import Desk, Subject, Work
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey.tables import Visit

_IDS = ARRAY(Uuid())
_WHERE = text(
    """
    select 'household' as type, id, id as household_id, division_code from household where id = any(:households)
    union all
    select 'toilet', id, household_id, division_code from toilet where id = any(:toilets)
    union all
    select 'visit', id, household_id, division_code from visit where id = any(:visits)
    """
).bindparams(*(bindparam(name, type_=_IDS) for name in ("households", "toilets", "visits")))
_MADE = text(
    """
    select type, record_id, version from sync_item
    where principal_id = :principal and device_id = :device and record_id = any(:ids) and version is not null
    """
).bindparams(bindparam("ids", type_=_IDS))
_LATER = text(
    """
    select entry.subject_type, entry.subject_id, entry.version, entry.action, entry.after
    from jsonb_to_recordset(cast(:asked as jsonb)) as asked (type text, id uuid, base int)
    join audit_entry as entry on entry.subject_type = asked.type and entry.subject_id = asked.id
                             and entry.version > asked.base
    """
)


def hold(desk: Desk, works: Sequence[Work]) -> None:
    """Hold what the items touch, and note each item's household."""
    wanted: dict[str, set[UUID]] = {"household": set(), "toilet": set(), "visit": set()}
    codes: set[str] = set()
    embedded: dict[UUID, UUID] = {}
    for work in works:
        if work.item.type in wanted:
            wanted[work.item.type].add(work.item.record_id)
        household_id = getattr(work.body, "household_id", None)
        if household_id is not None:
            wanted["household"].add(household_id)
        code = getattr(work.body, "division_code", None)
        if code is not None:
            codes.add(code)
        embedded |= {one.id: work.item.record_id for one in getattr(work.body, "toilets", ()) if one.id is not None}
        work.household_id = household_id or (work.item.record_id if work.item.type == "household" else None)
    rows = desk.session.connection().execute(_WHERE, {f"{name}s": list(ids) for name, ids in wanted.items()})
    homes: dict[Subject, UUID] = {}
    for row in rows:
        homes[row.type, row.id] = row.household_id
        codes.add(row.division_code)
    made = {work.subject: work.household_id for work in works if work.item.op == "create"}
    for work in works:
        work.household_id = (
            work.household_id or homes.get(work.subject) or made.get(work.subject) or embedded.get(work.item.record_id)
        )
    desk.villages = lookup.lock_for_write(desk.session, codes)
    _lock(desk, wanted, homes)
    _look_back(desk, [work for work in works if work.kind is not None and work.kind.judged])


def _lock(desk: Desk, wanted: dict[str, set[UUID]], homes: dict[Subject, UUID]) -> None:
    tables: tuple[tuple[str, Any, dict[UUID, Any], Collection[UUID], bool], ...] = (
        ("household", Household, desk.households, set(homes.values()), True),
        ("toilet", Toilet, desk.toilets, wanted["toilet"], False),
        ("visit", Visit, desk.visits, wanted["visit"], False),
    )
    for name, table, rows, ids, weakly in tables:
        if not ids:
            continue
        statement = select(table).where(col(table.id).in_(ids)).order_by(col(table.id))
        statement = desk.caller.scope.narrow(statement, col(table.division_code))
        # An update never changes the key, so that whoever only refers to a household needn't wait.
        statement = statement.with_for_update(key_share=weakly).execution_options(populate_existing=True)
        for row in desk.session.exec(statement):
            rows[row.id] = row
            desk.held[name, row.id] = row.version


def see(desk: Desk, work: Work) -> None:
    """Read the row of an item's record, without holding it."""
    kind, record_id = work.subject
    if kind == "visit":
        row = desk.session.get(Visit, record_id)
        if row is not None and row.removed_at is None:
            desk.visits[record_id] = row


def renew(desk: Desk, works: Sequence[Work]) -> None:
    """Read the held rows of these items again: earlier items of the batch may have moved or recounted them."""
    tables: tuple[tuple[str, Any, dict[UUID, Any]], ...] = (
        ("household", Household, desk.households),
        ("toilet", Toilet, desk.toilets),
        ("visit", Visit, desk.visits),
    )
    desk.widen()
    for name, table, rows in tables:
        ids = [work.item.record_id for work in works if work.item.type == name and work.item.record_id in rows]
        if ids:
            statement = select(table).where(col(table.id).in_(ids)).execution_options(populate_existing=True)
            desk.session.exec(statement).all()


def _look_back(desk: Desk, works: Sequence[Work]) -> None:
    """What has happened to the records since the versions that the items are based on."""
    asked: dict[Subject, int] = {}
    for work in works:
        held, base = desk.held.get(work.subject), work.item.base_version or 1
        if held is not None and held > base:
            asked[work.subject] = min(base, asked.get(work.subject, base))
    if not works:
        return
    connection = desk.session.connection()
    given = {
        "principal": desk.caller.id,
        "device": desk.device_id,
        "ids": list({work.item.record_id for work in works}),
    }
    for made in connection.execute(_MADE, given):
        desk.own.setdefault((made.type, made.record_id), set()).add(made.version)
    if not asked:
        return
    entries = [{"type": kind, "id": str(record_id), "base": base} for (kind, record_id), base in asked.items()]
    for row in connection.execute(_LATER, {"asked": json.dumps(entries)}):
        versions = desk.later.setdefault((row.subject_type, row.subject_id), {})
        versions.setdefault(row.version, set()).update(journaled_fields(row.action, row.after))
