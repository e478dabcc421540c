"""A page of the change feed."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.changes import interest, records
from toilet_api.exchange.changes.cursors import Seal, digest
from toilet_api.exchange.changes.interest import Interest, Told
from toilet_api.exchange.changes.problems import CURSOR_EXPIRED
from toilet_api.exchange.changes.records import Found, Wanted
from toilet_api.exchange.changes.subjects import SUBJECTS
from toilet_api.kernel import feed
from toilet_api.kernel.database import enter_scope
from toilet_api.kernel.feed import Batch, Entry

NOW = "now"
_NAMES = {name: name.encode() for name in SUBJECTS}
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

    items: list[bytes]
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
    keys = _keys(told)
    needed = _needed(wanted, caller, told, keys)
    drafts = [name for name in wanted.scopes if SUBJECTS[name].told_below]
    if not question.with_records:
        needed = (one for one in needed if one.subject.name in drafts)
    with records.asked(session, needed, today) as shown:
        heads = _heads(seal, batch, told, keys)
    items = _items(heads, told, keys, shown if question.with_records else {})
    if drafts:
        items = [
            item
            for item, (entry, _), key in zip(items, told, keys, strict=True)
            if entry.subject_type not in drafts or wanted.is_own(entry) or key in shown[entry.subject_type]
        ]
    return Page(items, seal.close(batch.position), batch.more, wanted)


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
        told = wanted.tell_each(batch.entries)
        if told or not batch.more or time.monotonic() > until:
            return batch, told
        position = batch.position


def _keys(told: Sequence[tuple[Entry, Told]]) -> list[bytes]:
    """By what each record is known: a division by its code, all else by its id."""
    return [
        (entry.division_code or "").encode() if entry.subject_type == "division" else str(entry.subject_id).encode()
        for entry, _ in told
    ]


def _needed(
    wanted: Interest, caller: Caller, told: Sequence[tuple[Entry, Told]], keys: Sequence[bytes]
) -> Iterator[Wanted]:
    """The records that belong to the changes."""
    asked: dict[str, set[bytes]] = {}
    for (entry, how), key in zip(told, keys, strict=True):
        if how.op != "left_scope":
            asked.setdefault(entry.subject_type, set()).add(key)
    for subject, narrowed in wanted.callers(caller):
        if subject.name in asked:
            yield Wanted(subject, narrowed, asked[subject.name])


def _heads(seal: Seal, batch: Batch, told: Sequence[tuple[Entry, Told]], keys: Sequence[bytes]) -> list[bytes]:
    """The items up to their records, put together by hand: ids, codes and numbers need no escape."""
    cursors = seal.close_each(batch.window, [entry.seq for entry, _ in told])
    heads = []
    for (entry, how), key, cursor in zip(told, keys, cursors, strict=True):
        kind = entry.subject_type
        record_id = key if kind != "division" else str(entry.subject_id).encode()
        version = b"null" if entry.version is None else b"%d" % entry.version
        at, (op, places) = entry.at.isoformat().encode(), how.written
        told_of = (cursor, _NAMES[kind], record_id, op, version, at, places)
        heads.append(b'{"cursor":"%b","type":"%b","id":"%b",%b,"version":%b,"at":"%b",%b' % told_of)
    return heads


def _items(
    heads: Sequence[bytes], told: Sequence[tuple[Entry, Told]], keys: Sequence[bytes], shown: Found
) -> list[bytes]:
    none: dict[bytes, bytes] = {}
    return [
        b'%b,"record":%b}' % (head, shown.get(entry.subject_type, none).get(key, b"null"))
        if how.op != "left_scope"
        else head + b',"record":null}'
        for head, (entry, how), key in zip(heads, told, keys, strict=True)
    ]
