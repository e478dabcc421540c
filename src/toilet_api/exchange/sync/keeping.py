"""What was not applied is kept, with what the client wanted, for somebody to decide."""

from collections.abc import Sequence
from typing import Any

from toilet_api.exchange.sync.tables import SyncConflict
from toilet_api.exchange.sync.work import NOT_APPLIED, Desk, Work
from toilet_api.survey.records import journal_many


def keep(desk: Desk, works: Sequence[Work]) -> None:
    """Keep the items of these that were not applied."""
    rows: list[SyncConflict] = []
    for work in works:
        outcome = work.outcome
        if outcome is None or outcome.state not in NOT_APPLIED:
            continue
        row = desk.row(work.subject)
        home = desk.households.get(work.household_id) if work.household_id is not None else None
        kept = SyncConflict(
            division_code=_place(desk, work),
            household_id=None if home is None else home.id,
            kind=outcome.state,
            type=work.item.type,
            op=work.item.op,
            record_id=work.item.record_id,
            base_version=work.item.base_version,
            server_version=None if row is None else row.version,
            fields=outcome.fields,
            sealed=b"",
            problem=outcome.problem,
            item_id=work.item.id,
            device_id=desk.device_id,
            sent_by=desk.caller.id,
            sent_by_name=desk.caller.display_name,
            client_time=work.item.client_time,
            clock_offset_seconds=desk.offset,
            received_at=desk.now,
        )
        kept.sealed = desk.vault.seal({"changes": work.item.changes}, kept.id.bytes)
        outcome.conflict_id = kept.id
        rows.append(kept)
    if not rows:
        return
    desk.session.add_all(rows)
    desk.session.flush()
    journal_many(desk.session, [_entry(row) for row in rows])


def _place(desk: Desk, work: Work) -> str:
    """Where the record lies, if the caller sees it; else where the item puts it; else where the caller works."""
    row = desk.row(work.subject)
    home = desk.households.get(work.household_id) if work.household_id is not None else None
    given = getattr(work.body, "division_code", None)
    places = (row and row.division_code, home and home.division_code, given)
    for place in places:
        if isinstance(place, str) and desk.caller.scope.covers(place):
            return place
    return desk.caller.scope.prefixes[0]


def _entry(row: SyncConflict) -> dict[str, Any]:
    return {
        "action": "sync_conflict.kept",
        "subject_type": "sync_conflict",
        "subject_id": row.id,
        "division_code": row.division_code,
        "version": None,
        "op": "note",
        "before": None,
        "after": {
            "kind": row.kind,
            "type": row.type,
            "op": row.op,
            "record_id": row.record_id,
            "fields": row.fields,
            "problem": row.problem and row.problem["code"],
        },
        "reason": None,
    }
