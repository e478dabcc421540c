"""A batch from its items to their results. One bad item never blocks the rest."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.sync import holding, judging, keeping, ordering, reading, remembering
from toilet_api.exchange.sync.kinds import KINDS
from toilet_api.exchange.sync.problems import SYNC_DEPENDENCY_REJECTED
from toilet_api.exchange.sync.schemas import SyncAnswer, SyncBatch, SyncResult
from toilet_api.exchange.sync.work import NOT_APPLIED, Desk, Done, Kind, Outcome, Work
from toilet_api.kernel.errors import CONFLICT, INVALID, OUT_OF_SCOPE, Problem
from toilet_api.kernel.vault import Vault

FEW = 8
"""So many are done one by one without more ado."""


def receive(
    session: Session, vault: Vault, caller: Caller, batch: SyncBatch, now: datetime, language: str
) -> SyncAnswer:
    """Do the items of a batch, in one transaction, and say what became of each."""
    offset = round((batch.device_time - now).total_seconds(), 3)
    desk = Desk(session, vault, caller, batch.device_id, offset, now, language)
    works = [Work(place, item, reading.digest(item)) for place, item in enumerate(batch.items)]
    new = remembering.claim(desk, works)
    for work in new:
        _read(desk, work)
    readable = [work for work in new if work.outcome is None]
    # What was refused or done before counts too: others may build on it. Of an item that stands twice, the first does.
    ordering.connect(sorted([*readable, *(work for work in works if work.outcome)], key=lambda work: work.place))
    if readable:
        holding.hold(desk, readable)
    for step, wave in enumerate(ordering.waves(readable)):
        if step:
            holding.renew(desk, wave)
        _do_wave(desk, wave)
    desk.widen()
    keeping.keep(desk, new)
    remembering.finish(desk, new)
    remembering.repeat(desk, works)
    return SyncAnswer.model_construct(
        received_at=now, clock_offset_seconds=offset, results=[_result(work) for work in works]
    )


def _read(desk: Desk, work: Work) -> None:
    try:
        work.kind = reading.kind_of(work.item)
        work.body = reading.body_of(work.kind, work.item)
    except Problem as problem:
        _reject(desk, work, problem)


def _do_wave(desk: Desk, wave: Sequence[Work]) -> None:
    groups: dict[tuple[str, str], list[Work]] = {}
    for work in wave:
        broken = next((one for one in work.needs if _fails(one, work)), None)
        if broken is not None:
            _reject(desk, work, SYNC_DEPENDENCY_REJECTED.problem(depends_on=str(broken.item.id)))
        else:
            groups.setdefault((work.item.type, work.item.op), []).append(work)
    for key, kind in KINDS.items():
        if key in groups:
            _do_kind(desk, kind, groups[key])


def _fails(needed: Work, work: Work) -> bool:
    if needed.outcome is None or needed.outcome.state not in NOT_APPLIED:
        return False
    return needed.outcome.state == "rejected" or needed.subject == work.subject


def _do_kind(desk: Desk, kind: Kind, works: list[Work]) -> None:
    try:
        holder = desk.holder(kind.permission)
    except Problem as problem:
        for work in works:
            _reject(desk, work, problem)
        return
    if kind.judged:
        for work in works:
            try:
                judging.judge(desk, holder, work)
            except Problem as problem:
                _reject(desk, work, problem)
    left = [work for work in works if work.outcome is None]
    if kind.many is not None and left:
        left = _do_sets(desk, kind, holder, left)
    for work in sorted(left, key=lambda one: one.place):
        _do_one(desk, kind, holder, work)
    for work in works:
        if work.outcome is not None and work.outcome.state == "merged":
            work.outcome.server = judging.shown(desk, holder, work)


def _do_sets(desk: Desk, kind: Kind, holder: Caller, works: list[Work]) -> list[Work]:
    """Set-based, as far as sets go; gives what is left. A set that the database refuses is tried by halves."""
    if kind.many is None:
        return works
    left = kind.many(desk, holder, works)
    if len(left) < len(works) or len(works) <= FEW:
        return left
    half = len(works) // 2
    return [
        *_do_sets(desk, kind, holder, works[:half]),
        *_do_sets(desk, kind, holder, works[half:]),
    ]


def _do_one(desk: Desk, kind: Kind, holder: Caller, work: Work) -> None:
    try:
        with desk.session.begin_nested():
            done = kind.one(desk, holder, work)
            desk.session.flush()
    except Problem as problem:
        _reject(desk, work, problem)
    except RequestValidationError as error:
        _reject(desk, work, reading.invalid(error))
    except IntegrityError:
        _reject(desk, work, CONFLICT.problem())
    except DBAPIError as error:
        refused = _refusal(error)
        if refused is None:
            raise
        _reject(desk, work, refused)
    else:
        _conclude(desk, work, done)
        return
    # A room's function may have been elsewhere when it failed.
    desk.holder(kind.permission)


def _refusal(error: DBAPIError) -> Problem | None:
    """What a database error says about the item; None for one that is about the server, and ends the whole batch."""
    if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
        return OUT_OF_SCOPE.problem()
    if isinstance(error.orig, (psycopg.errors.NumericValueOutOfRange, psycopg.errors.DatetimeFieldOverflow)):
        return INVALID.problem()
    return None


def _conclude(desk: Desk, work: Work, done: Done) -> None:
    state = ("merged" if work.merges else "applied") if done.new else "already_applied"
    made = done.version if done.changed else None
    work.outcome = Outcome(state, version=done.version, made=made)
    if made is not None:
        desk.own.setdefault(work.subject, set()).add(made)


def _reject(desk: Desk, work: Work, problem: Problem) -> None:
    told: dict[str, Any] = problem.document(desk.language)
    if any(error.code in ("in_the_future", "too_long_ago") for error in problem.errors):
        # Times are as the person's device gave them; how far its clock is off is told along.
        told["clock_offset_seconds"] = desk.offset
    row = desk.row(work.subject)
    work.outcome = Outcome("rejected", version=None if row is None else row.version, problem=told)


def _result(work: Work) -> SyncResult:
    outcome = work.outcome
    if outcome is None:
        raise RuntimeError("an item without a result")
    return SyncResult.model_construct(
        id=work.item.id,
        state=outcome.state,
        replayed=outcome.replayed,
        type=work.item.type,
        record_id=work.item.record_id,
        version=outcome.version,
        fields=outcome.fields,
        conflict_id=outcome.conflict_id,
        server=outcome.server,
        problem=outcome.problem,
    )
