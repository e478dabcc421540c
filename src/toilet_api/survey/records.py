"""Storing a record once, finding it to change it, and journaling many at a time."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlmodel import Session, select

from toilet_api.accounts.caller import Caller
from toilet_api.kernel import journal
from toilet_api.kernel.errors import ID_TAKEN, NOT_FOUND, ProblemType
from toilet_api.kernel.tables import Record
from toilet_api.registry.merging import canonical
from toilet_api.registry.uniqueness import CollisionError, guarded

R = TypeVar("R", bound=Record)


def digest(body: BaseModel) -> bytes:
    """What a creating body said, so that a retry is told from another record with its id."""
    return hashlib.sha256(canonical(body).encode()).digest()


def insert_once(session: Session, row: R, conflicts: Mapping[str, ProblemType] | None = None) -> tuple[R, bool]:
    """(the stored record, whether it was made now): the same id from the same person with the same body is a retry.

    Raises `id_taken` when the id belongs to another record, and the problem that `conflicts` names for the unique
    index that refused it.
    """
    table = type(row)
    wanted, found = row.id, session.get(table, row.id)
    if found is None:
        try:
            with guarded(session):
                session.add(row)
        except CollisionError as collision:
            if conflicts and collision.index in conflicts:
                raise conflicts[collision.index].problem() from None
            found = session.get(table, wanted)
        else:
            return row, True
    if (
        found is None
        or found.created_by != row.created_by
        or getattr(found, "origin_digest", None) != getattr(row, "origin_digest", None)
    ):
        raise ID_TAKEN.problem()
    return found, False


def locked(session: Session, caller: Caller, table: type[R], record_id: UUID) -> R:
    """The record, held until the transaction ends; steps on it follow each other. Raises 404."""
    row = session.exec(
        select(table)
        .where(table.id == record_id, table.removed_at.is_(None))  # type: ignore[union-attr]
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None or not _is_seen(caller, row):
        raise NOT_FOUND.problem()
    return row


def existing(session: Session, caller: Caller, table: type[R], record_id: UUID) -> R:
    """The record, for reading. Raises 404."""
    row = session.get(table, record_id)
    if row is None or row.removed_at is not None or not _is_seen(caller, row):
        raise NOT_FOUND.problem()
    return row


def _is_seen(caller: Caller, row: Record) -> bool:
    """Inside of the caller's scope; a county's campaign and catalogue are seen from its villages too."""
    if caller.scope.covers(row.division_code):
        return True
    return row.seen_from_below and any(prefix.startswith(row.division_code) for prefix in caller.scope.prefixes)


def snapshot(row: Record, names: Sequence[str]) -> dict[str, Any]:
    """Members of a record for the journal."""
    return {name: getattr(row, name) for name in names}


_ENTRIES = """
    select * from jsonb_to_recordset(cast(:entries as jsonb)) as entry (
        action text, subject_type text, subject_id uuid, division_code text, version int, op text,
        before jsonb, after jsonb, reason text)
"""


def journal_many(session: Session, entries: Sequence[dict[str, Any]]) -> None:
    """Journal many writes in one statement. Each entry has the members of `journal.record`."""
    if entries:
        journal.record_selected(
            session, _ENTRIES, {"entries": json.dumps(list(entries), default=str, ensure_ascii=False)}
        )
