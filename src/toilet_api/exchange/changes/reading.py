"""A page of the change feed."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.changes import interest, records
from toilet_api.exchange.changes.cursors import Seal, digest
from toilet_api.exchange.changes.interest import Interest, Told
from toilet_api.exchange.changes.problems import CURSOR_EXPIRED
from toilet_api.exchange.changes.subjects import SUBJECTS
from toilet_api.kernel import feed
from toilet_api.kernel.database import enter_scope
from toilet_api.kernel.feed import Batch, Entry

NOW = "now"
SECONDS = 0.5
"""How long a page is looked for where much is passed over; then it is answered with what there is, and `more`."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for. No `types`: all that the caller may read. `since`: a cursor, `now`, or None for the oldest."""

    since: str | None
    types: tuple[str, ...]
    division: str | None
    limit: int
    with_records: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Items as JSON, the cursor behind them, and what to wait for when there are none."""

    items: list[str]
    next_cursor: str
    more: bool
    interest: Interest


def page(session: Session, caller: Caller, question: Question, secret: bytes, today: date) -> Page:
    """The next changes for `caller`. Raises what `interest.of` and `Seal.open` do, and `change_cursor_expired`."""
    wanted = interest.of(session, caller, question.types, question.division)
    asked = digest([sorted(question.types), question.division])
    seal = Seal(secret, caller.id, asked, digest(wanted.described()))
    enter_scope(session, interest.readable(caller, wanted.scopes).prefixes)
    prefixes = None if question.division is None else wanted.scope.prefixes
    try:
        batch, told = _next(session, wanted, prefixes, question.limit, _position(session, seal, question.since))
    except feed.ExpiredError:
        raise CURSOR_EXPIRED.problem() from None
    shown = _records(session, wanted, caller, today, told) if question.with_records else {}
    return Page(_items(seal, batch, told, shown), seal.close(batch.position), batch.more, wanted)


def _position(session: Session, seal: Seal, since: str | None) -> feed.Position:
    if since is None:
        return feed.start(session)
    return feed.now(session) if since == NOW else seal.open(since)


def _next(
    session: Session, wanted: Interest, prefixes: tuple[str, ...] | None, limit: int, position: feed.Position
) -> tuple[Batch, list[tuple[Entry, Told]]]:
    """Entries until there is one for the caller, all up to now have been looked at, or it takes too long."""
    until = time.monotonic() + SECONDS
    above = [name for name in wanted.scopes if SUBJECTS[name].from_above]
    while True:
        batch = feed.read(session, position, subjects=wanted.scopes, prefixes=prefixes, above=above, limit=limit)
        told = [(entry, how) for entry in batch.entries if (how := wanted.tell(entry)) is not None]
        if told or not batch.more or time.monotonic() > until:
            return batch, told
        position = batch.position


def _key(entry: Entry) -> Any:
    return entry.division_code if entry.subject_type == "division" else entry.subject_id


def _records(
    session: Session, wanted: Interest, caller: Caller, today: date, told: Sequence[tuple[Entry, Told]]
) -> dict[str, dict[str, str]]:
    """Type -> key -> the record as JSON."""
    keys: dict[str, set[Any]] = {}
    for entry, how in told:
        if how.op != "left_scope":
            keys.setdefault(entry.subject_type, set()).add(_key(entry))
    return {
        subject.name: records.as_json(session, subject, narrowed, today, keys[subject.name])
        for subject, narrowed in wanted.callers(caller)
        if subject.name in keys
    }


def _items(seal: Seal, batch: Batch, told: Sequence[tuple[Entry, Told]], shown: dict[str, dict[str, str]]) -> list[str]:
    """Put together by hand: of ids, codes and numbers, which need no escape, and of records that are JSON already."""
    cursor = seal.closing(batch.window)
    none: dict[str, str] = {}
    items = []
    for entry, how in told:
        kind, record_id, place = entry.subject_type, str(entry.subject_id), _text(how.division_code)
        key = record_id if kind != "division" else entry.division_code or ""
        record = "null" if how.op == "left_scope" else shown.get(kind, none).get(key, "null")
        version = "null" if entry.version is None else entry.version
        items.append(
            f'{{"cursor":"{cursor(entry)}","type":"{kind}","id":"{record_id}","op":"{how.op}","version":{version},'
            f'"at":"{entry.at.isoformat()}","division_code":{place},'
            f'"from_division_code":{_text(how.from_division_code)},"record":{record}}}'
        )
    return items


def _text(code: str | None) -> str:
    return "null" if code is None else f'"{code}"'
