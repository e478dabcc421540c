"""Items that were received: each is done once, and a resend is told what became of it the first time."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text

from toilet_api.exchange.sync.problems import SYNC_ITEM_REUSED
from toilet_api.exchange.sync.work import NOT_APPLIED, Desk, Outcome, Work

# In the order of ids, so that two resends at once wait for each other and never in a ring.
_CLAIM = text(
    """
    insert into sync_item (principal_id, id, digest, device_id, type, op, record_id, client_time, clock_offset_seconds,
                           received_at)
    select cast(:principal as uuid), id, decode(digest, 'hex'), cast(:device as uuid), type, op, record_id, client_time,
           :offset, :now
    from jsonb_to_recordset(cast(:items as jsonb))
         as item (id uuid, digest text, type text, op text, record_id uuid, client_time timestamptz)
    order by id
    on conflict (principal_id, id) do nothing
    returning id
    """
)
_FIRST = text("select id, digest, result from sync_item where principal_id = :principal and id = any(:ids)").bindparams(
    bindparam("ids", type_=ARRAY(Uuid()))
)
_FINISH = text(
    """
    update sync_item set version = done.version, state = done.state, result = done.result
    from jsonb_to_recordset(cast(:done as jsonb)) as done (id uuid, version int, state text, result jsonb)
    where sync_item.principal_id = :principal and sync_item.id = done.id
    """
)


def claim(desk: Desk, works: Sequence[Work]) -> list[Work]:
    """Take the items that are new; the others get what became of them, and are left out of what is given back.

    Two requests with one item at the same moment: the later one waits here until the first has committed.
    """
    firsts: dict[UUID, Work] = {}
    for work in works:
        firsts.setdefault(work.item.id, work)
    entries = [
        {
            "id": str(work.item.id),
            "digest": work.digest.hex(),
            "type": work.item.type,
            "op": work.item.op,
            "record_id": str(work.item.record_id),
            "client_time": work.item.client_time.isoformat(),
        }
        for work in firsts.values()
    ]
    connection = desk.session.connection()
    claimed = set(
        connection.execute(
            _CLAIM,
            {
                "principal": desk.caller.id,
                "device": desk.device_id,
                "offset": desk.offset,
                "now": desk.now,
                "items": json.dumps(entries),
            },
        ).scalars()
    )
    known = [one for one in firsts if one not in claimed]
    if known:
        for row in connection.execute(_FIRST, {"principal": desk.caller.id, "ids": known}):
            work = firsts[row.id]
            work.outcome = _again(desk, work, bytes(row.digest), row.result)
    return [work for work in firsts.values() if work.item.id in claimed]


def repeat(desk: Desk, works: Sequence[Work]) -> None:
    """Items that stand twice in one batch get what became of the first."""
    firsts: dict[UUID, Work] = {}
    for work in works:
        first = firsts.setdefault(work.item.id, work)
        if first is not work and first.outcome is not None:
            work.outcome = _again(desk, work, first.digest, _kept(first.outcome))


def finish(desk: Desk, works: Sequence[Work]) -> None:
    """Remember what became of the items that were claimed."""
    done = [
        {
            "id": str(work.item.id),
            "version": work.outcome.made,
            "state": work.outcome.state,
            "result": _kept(work.outcome),
        }
        for work in works
        if work.outcome is not None
    ]
    desk.session.flush()
    desk.session.connection().execute(
        _FINISH, {"principal": desk.caller.id, "done": json.dumps(done, default=str, ensure_ascii=False)}
    )


def _kept(outcome: Outcome) -> dict[str, Any]:
    """Without the record: a resend is not the way to read it."""
    return {
        "state": outcome.state,
        "version": outcome.version,
        "fields": outcome.fields,
        "conflict_id": None if outcome.conflict_id is None else str(outcome.conflict_id),
        "problem": outcome.problem,
    }


def _again(desk: Desk, work: Work, digest: bytes, first: dict[str, Any]) -> Outcome:
    if digest != work.digest:
        return Outcome("rejected", problem=SYNC_ITEM_REUSED.problem().document(desk.language))
    # What was applied is so already; what wasn't, isn't now either.
    state = first["state"] if first["state"] in NOT_APPLIED else "already_applied"
    conflict_id = first["conflict_id"]
    return Outcome(
        state,
        version=first["version"],
        fields=first["fields"],
        conflict_id=None if conflict_id is None else UUID(conflict_id),
        problem=first["problem"],
        replayed=True,
    )
