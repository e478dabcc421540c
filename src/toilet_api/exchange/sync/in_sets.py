"""What sets share: one savepoint, one statement a table, and whatever fails goes one by one."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import flag_modified

from toilet_api.exchange.sync.work import Desk, Outcome, Record, Work


def conclude(desk: Desk, work: Work, row: Record, *, made: bool) -> None:
    """The item is applied. `made`: it made the row's version; otherwise it changed nothing."""
    state = "merged" if work.merges else "applied"
    work.outcome = Outcome(state, version=row.version, made=row.version if made else None)
    if made:
        desk.own.setdefault(work.subject, set()).add(row.version)


def alike(rows: Iterable[Any], names: Sequence[str]) -> None:
    """Have the rows written with the same columns, so that one statement goes for all of them."""
    for row in rows:
        for name in names:
            flag_modified(row, name)


def written(desk: Desk, write: Any) -> bool:
    """Run `write` in a savepoint. False when the database refuses some of it: then none of it is there."""
    try:
        with desk.session.begin_nested():
            write()
            desk.session.flush()
    except IntegrityError:
        return False
    return True


def entry(kind: str, action: str, row: Record, op: str, before: Any, after: Any) -> dict[str, Any]:
    """A journal entry, as `journal_many` takes it."""
    return {
        "action": f"{kind}.{action}",
        "subject_type": kind,
        "subject_id": row.id,
        "division_code": row.division_code,
        "version": row.version,
        "op": op,
        "before": before,
        "after": after,
        "reason": None,
    }
