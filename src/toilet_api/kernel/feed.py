"""The change feed, read in an order that misses nothing: for `GET /changes`, sync pull and webhooks.

Neither times, nor sequences, nor transaction ids follow the order of commits. So a position is told in snapshots:
`base` is what has been read, `goal` what is being read up to, and a window is all that `goal` sees and `base` doesn't.
Nothing can be missed or come twice, however long a writer takes, and nobody waits for the slowest writer.

Within a window the order is `seq`: who changes a record holds its lock until his commit, so `seq` follows its
versions. Between windows it holds too: what the former window has, had been committed when its goal was taken; had
another change of that record come before, it had been committed even earlier, and the same goal had seen it.
"""

import base64
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlmodel import Session

STEP = 20_000
"""How many values of `seq` one query looks through."""
SCANNED = 100_000
"""How many one `read` looks through, found or not."""


class ExpiredError(Exception):
    """The position is older than the entries that are kept, or of another life of the database (a restored backup).

    Whoever holds it must start again: what has changed since can't be told.
    """


class Entry(NamedTuple):
    """One change of a record."""

    seq: int
    at: datetime
    subject_type: str
    subject_id: UUID
    division_code: str | None
    from_division_code: str | None
    version: int | None
    op: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which transactions are seen: those below `xmin`, and of those below `xmax` all that aren't `running`."""

    xmin: int
    xmax: int
    running: tuple[int, ...] = ()

    @classmethod
    def of(cls, text_form: str) -> "Snapshot":
        """Postgres's own text form."""
        low, high, running = text_form.split(":")
        return cls(int(low), int(high), tuple(int(one) for one in running.split(",") if one))

    def __str__(self) -> str:
        return f"{self.xmin}:{self.xmax}:{','.join(map(str, self.running))}"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the feed: `base` is read whole, and of what `goal` sees besides, the entries up to `after`.

    `last` is the greatest `seq` of the window. `sure` was given out before `goal` was taken: transactions that began
    after it write greater ones. `era` is the life of the database in which the transaction ids count; "" if untold.
    """

    base: Snapshot
    goal: Snapshot
    after: int
    last: int
    sure: int
    era: str

    @classmethod
    def behind(cls, goal: Snapshot, sure: int, era: str) -> "Position":
        """Behind all that `goal` sees."""
        return cls(goal, goal, sure, sure, sure, era)

    @property
    def is_between(self) -> bool:
        """Between two windows: all that `goal` sees has been read, and nothing else."""
        return self.after >= self.last

    def __str__(self) -> str:
        if not self.era:
            return f"1.{self.goal.xmin}.0"
        head = f"2.{self.era}.{self.sure}.{_packed(self.goal)}"
        return head if self.is_between else f"{head}.{self.last}.{_packed(self.base)}.{self.after}"

    @classmethod
    def of(cls, written: str) -> "Position":
        """What `str` wrote. Raises ValueError for any other text."""
        match = _WRITTEN.fullmatch(written)
        if match is None:
            raise ValueError(_WRONG)
        if match["old"] is not None:
            return cls.behind(_unpacked(f"{match['old']}:0:"), 0, "")
        goal, sure = _unpacked(match["goal"]), int(match["sure"])
        if match["after"] is None:
            return cls.behind(goal, sure, match["era"])
        return cls(_unpacked(match["base"]), goal, int(match["after"]), int(match["last"]), sure, match["era"])

    def encode(self) -> str:
        """As opaque text, for `decode`."""
        return base64.urlsafe_b64encode(str(self).encode()).rstrip(b"=").decode()

    @classmethod
    def decode(cls, encoded: str) -> "Position":
        """The position that `encode` or `journal.cursor` wrote, or `journal.cursor` before there was a feed.

        Raises ValueError for any other text, and for another spelling of the same.
        """
        try:
            decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
            made = cls.of(decoded.decode("ascii"))
        except ValueError:
            raise ValueError(_WRONG) from None
        if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != encoded:
            raise ValueError(_WRONG)
        return made


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries in their order, the position behind them, and whether there is, or may be, more to be read at once.

    All entries are of one window; `at(entry)` is the position behind one of them.
    """

    entries: list[Entry]
    position: Position
    more: bool
    window: Position

    def at(self, entry: Entry) -> Position:
        """The position behind an entry of this batch."""
        return replace(self.window, after=entry.seq)


_WRONG = "not a position in the change feed"
_NUMBER = "[0-9]{1,18}"  # fits into a bigint
_SNAPSHOT = f"{_NUMBER}:{_NUMBER}:(?:{_NUMBER}(?:,{_NUMBER})*)?"
_WRITTEN = re.compile(
    rf"1\.(?P<old>{_NUMBER})\.0"
    rf"|2\.(?P<era>[0-9a-f]{{8}})\.(?P<sure>{_NUMBER})\.(?P<goal>{_SNAPSHOT})"
    rf"(?:\.(?P<last>{_NUMBER})\.(?P<base>{_SNAPSHOT})\.(?P<after>{_NUMBER}))?"
)
_OPEN = text(
    "select era, is_home, horizon_xid::text, next_xid::text, snapshot::text, sure, low, high"
    " from change_open(cast(:running as xid8[]), cast(:beyond as xid8), :sure)"
)
_STATE = text("select era, is_home, horizon_xid::text, horizon_seq, next_xid::text from change_state()")
_RENEW = text("select change_renew()")
_PAGE = """
    select seq, at, subject_type, subject_id, division_code, from_division_code, version, op
    from change_entry
    where seq > :after and seq <= :upto
      and pg_visible_in_snapshot(xid, cast(:goal as pg_snapshot))
      and not pg_visible_in_snapshot(xid, cast(:base as pg_snapshot))
      {conditions}
    order by seq limit :limit
"""
_OF_SUBJECTS = "and subject_type = any(:subjects)"
_UNDER = """
    and (division_code ^@ any(:prefixes) or from_division_code ^@ any(:prefixes)
         or subject_type = any(:above) and exists (
             select from unnest(cast(:prefixes as text[])) as prefix where prefix ^@ division_code))
"""


def now(session: Session) -> Position:
    """Where the transaction's snapshot stands: what it sees counts as read, whatever else comes is yet to be read.

    In a transaction that is not REPEATABLE READ it is of this moment alone.
    """
    found = session.connection().execute(_OPEN, {"running": "{}", "beyond": None, "sure": 0}).one()
    _settle(session, found)
    return Position.behind(Snapshot.of(found.snapshot), found.sure, found.era)


def start(session: Session) -> Position:
    """Before the oldest transaction since which all entries are kept."""
    kept = _state(session)
    if _settle(session, kept):
        kept = _state(session)
    horizon = int(kept.horizon_xid)
    return Position.behind(Snapshot(horizon, horizon), kept.horizon_seq, kept.era)


def read(
    session: Session,
    position: Position,
    *,
    subjects: Collection[str] | None = None,
    prefixes: Sequence[str] | None = None,
    above: Collection[str] = (),
    limit: int = 1000,
) -> Batch:
    """The next entries of these types of record that lie under `prefixes`, have left them, or have come to them.

    None of either asks for all that row-level security lets through. Records of the types `above` are found too where
    they lie above a prefix. Only so many entries are looked through at a time: a batch may be empty with `more`.
    Raises `ExpiredError`.
    """
    is_new = position.is_between
    if is_new:
        window = _opened(session, position)
    else:
        _check(session, position, _state(session))
        window = position
    statement = _page(by_subject=subjects is not None, by_place=prefixes is not None)
    asked: dict[str, Any] = {"goal": str(window.goal), "base": str(window.base)}
    if subjects is not None:
        asked["subjects"] = list(subjects)
    if prefixes is not None:
        asked |= {"prefixes": list(prefixes), "above": list(above)}
    entries: list[Entry] = []
    after = window.after
    while after < min(window.last, window.after + SCANNED) and len(entries) < limit:
        upto, wanted = min(window.last, after + STEP), limit - len(entries)
        rows = session.connection().execute(statement, {**asked, "after": after, "upto": upto, "limit": wanted}).all()
        entries += map(Entry._make, rows)
        after = entries[-1].seq if len(rows) == wanted else upto
    if after < window.last:
        return Batch(entries, replace(window, after=after), True, window)
    return Batch(entries, Position.behind(window.goal, window.sure, window.era), not is_new, window)


@lru_cache
def _page(*, by_subject: bool, by_place: bool) -> TextClause:
    conditions = [one for one, wanted in ((_OF_SUBJECTS, by_subject), (_UNDER, by_place)) if wanted]
    return text(_PAGE.format(conditions=" ".join(conditions)))


def _opened(session: Session, place: Position) -> Position:
    """The next window; an empty one where nothing was committed since. Raises `ExpiredError`."""
    base = place.goal
    asked = {"running": _array(base.running), "beyond": str(base.xmax - 1), "sure": place.sure}
    found = session.connection().execute(_OPEN, asked).one()
    _check(session, place, found)
    goal = Snapshot.of(found.snapshot)
    if found.low is None:
        return Position.behind(goal, found.sure, found.era)
    return Position(base, goal, found.low - 1, found.high, found.sure, found.era)


def _check(session: Session, place: Position, kept: Any) -> None:
    """Raises `ExpiredError` unless it can be read on from `place` without a gap."""
    is_ahead = place.goal.xmax > int(kept.next_xid)
    is_old = place.base.xmin < int(kept.horizon_xid)
    if _settle(session, kept) or is_ahead or is_old or place.era not in ("", kept.era):
        raise ExpiredError


def _settle(session: Session, kept: Any) -> bool:
    """Whether the database has been restored into another cluster: then begin anew here, if that can be written."""
    if not kept.is_home and not session.info.get("snapshot"):
        session.connection().execute(_RENEW)
    return not kept.is_home


def _state(session: Session) -> Any:
    return session.connection().execute(_STATE).one()


def _array(ids: Sequence[int]) -> str:
    return "{" + ",".join(map(str, ids)) + "}"


def _packed(snapshot: Snapshot) -> str:
    """As text, in differences: the ids are long, and close to each other."""
    running = ",".join(str(one - snapshot.xmin) for one in snapshot.running)
    return f"{snapshot.xmin}:{snapshot.xmax - snapshot.xmin}:{running}"


def _unpacked(written: str) -> Snapshot:
    low, span, running = written.split(":")
    xmin, since = int(low), [int(one) for one in running.split(",") if one]
    if xmin == 0 or since != sorted(set(since)) or (since and since[-1] >= int(span)):
        raise ValueError(_WRONG)
    return Snapshot(xmin, xmin + int(span), tuple(xmin + one for one in since))
