"""What becomes of an item that was kept: somebody looks at both sides and decides, once."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, case, cast, func, literal, select
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.sync import holding, judging, masking, reading
from toilet_api.exchange.sync.problems import CONFLICT_RESOLVED
from toilet_api.exchange.sync.schemas import SyncConflictOut, SyncConflictRow, SyncItem, SyncResolution
from toilet_api.exchange.sync.tables import SyncConflict
from toilet_api.exchange.sync.work import Desk, Work
from toilet_api.kernel import journal
from toilet_api.kernel.errors import INVALID, NOT_FOUND, STALE, FieldError, Problem
from toilet_api.kernel.preconditions import etag, optional_match
from toilet_api.kernel.vault import Vault
from toilet_api.survey.places import Village, with_places
from toilet_api.survey.problems import NOT_SURVEYOR

_NONE: Any = None


def conflict_select(caller: Caller) -> Select[Any]:
    """The members of `SyncConflictRow`, of the caller's scope."""
    made: dict[str, Any] = {
        "village_name": Village.name,
        "problem_code": col(SyncConflict.problem)["code"].as_string(),
        "allowed_actions": case(
            (col(SyncConflict.state) == "open", func.jsonb_build_array(cast(literal("resolve"), Text))),
            else_=func.jsonb_build_array(),
        ),
    }
    columns = [made.get(name, getattr(SyncConflict, name, _NONE)).label(name) for name in SyncConflictRow.model_fields]
    statement = with_places(select(*columns).select_from(SyncConflict), col(SyncConflict.division_code))
    return caller.scope.narrow(statement, col(SyncConflict.division_code))


def show(session: Session, vault: Vault, caller: Caller, conflict_id: UUID, now: datetime) -> SyncConflictOut:
    """One with both sides: what the client sent, and the record as it is now. Raises 404."""
    session.flush()
    found = session.connection().execute(conflict_select(caller).where(col(SyncConflict.id) == conflict_id))
    row = found.mappings().one_or_none()
    if row is None:
        raise NOT_FOUND.problem()
    kept = session.get_one(SyncConflict, conflict_id)
    work = _work(kept, _opened(vault, kept))
    desk = Desk(session, vault, caller, kept.device_id, kept.clock_offset_seconds, now)
    holding.see(desk, work)
    return SyncConflictOut(
        **row,
        client=masking.masked(kept.type, kept.op, work.item.changes),
        server=judging.shown(desk, caller, work),
        problem=kept.problem,
    )


def resolve(
    session: Session,
    vault: Vault,
    caller: Caller,
    conflict_id: UUID,
    body: SyncResolution,
    if_match: str | None,
    now: datetime,
) -> None:
    """Decide. What is written goes through the room's own function, as the decider's.

    Of two at once one decides, the other gets 409. Raises 412 when the record has moved on since the conflict, unless
    `if_match` names its version of now; and all that the single route raises.
    """
    kept = session.exec(
        rows_of(SyncConflict)
        .where(SyncConflict.id == conflict_id, caller.scope.condition(col(SyncConflict.division_code)))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if kept is None:
        raise NOT_FOUND.problem()
    if kept.state != "open":
        raise CONFLICT_RESOLVED.problem(decision=kept.decision, decided_by_name=kept.decided_by_name)
    if (body.values is not None) != (body.decision == "set_values"):
        fault = ("仅 set_values 须填写", "for set_values, and only then")
        raise INVALID.problem(errors=[FieldError("/values", "values_misplaced", fault)])
    if body.decision == "set_values":
        try:
            _write(session, vault, caller, kept, body.values, if_match, now)
        except Problem as problem:
            raise _within_values(problem) from None
    elif body.decision == "take_client":
        _write(session, vault, caller, kept, _opened(vault, kept), if_match, now)
    elif if_match is not None:  # nothing is written, but whoever names a version means that one
        seen = show(session, vault, caller, conflict_id, now).server
        optional_match(if_match, 0 if seen is None else seen["version"], lambda: seen)
    kept.state, kept.decision, kept.note = "resolved", body.decision, body.note
    kept.decided_by, kept.decided_by_name, kept.decided_at = caller.id, caller.display_name, now
    session.add(kept)
    journal.record(
        session,
        action="sync_conflict.resolved",
        subject_type="sync_conflict",
        subject_id=kept.id,
        division_code=kept.division_code,
        before={"state": "open"},
        after={"state": "resolved", "decision": body.decision, "record_id": kept.record_id},
        reason=body.note,
        op="note",
    )


def _within_values(problem: Problem) -> Problem:
    """The same problem, its pointers into the body of the decision: `/values/family_size`."""
    errors = (
        one if one.pointer.startswith("/header/") else replace(one, pointer=f"/values{one.pointer}")
        for one in problem.errors
    )
    return replace(problem, errors=tuple(errors))


def _write(
    session: Session,
    vault: Vault,
    caller: Caller,
    kept: SyncConflict,
    changes: dict[str, Any] | None,
    if_match: str | None,
    now: datetime,
) -> None:
    if kept.type == "visit" and kept.sent_by != caller.id:
        raise NOT_SURVEYOR.problem(
            (
                "摸排记录只能由摸排人本人录入和提交；请保留系统中的内容，由其重新发送。",
                "Only its surveyor enters and submits a visit: keep the server's, and have them send it anew.",
            )
        )
    work = _work(kept, changes)
    work.kind = reading.kind_of(work.item)
    work.body = reading.body_of(work.kind, work.item)
    desk = Desk(session, vault, caller, kept.device_id, kept.clock_offset_seconds, now)
    holding.hold(desk, [work])
    holder = desk.holder(work.kind.permission)
    row = desk.row(work.subject)
    if row is not None and work.kind.judged:
        _require_unmoved(desk, holder, kept, work, row.version, if_match)
    work.kind.one(desk, holder, work)
    session.flush()
    desk.widen()


def _require_unmoved(
    desk: Desk, holder: Caller, kept: SyncConflict, work: Work, version: int, if_match: str | None
) -> None:
    """The decision is about the record as it was seen: at the conflict, or as `if_match` says."""
    if if_match is None and version != kept.server_version:
        raise STALE.problem(headers={"ETag": etag(version)}, current=judging.shown(desk, holder, work))
    optional_match(if_match, version, lambda: judging.shown(desk, holder, work))


def _opened(vault: Vault, kept: SyncConflict) -> dict[str, Any] | None:
    changes: dict[str, Any] | None = vault.open(kept.sealed, kept.id.bytes)["changes"]
    return changes


def _work(kept: SyncConflict, changes: dict[str, Any] | None) -> Work:
    item = SyncItem.model_construct(
        id=kept.item_id,
        type=kept.type,
        op=kept.op,
        record_id=kept.record_id,
        base_version=kept.base_version,
        changes=changes,
        client_time=kept.client_time,
    )
    return Work(0, item, b"")
