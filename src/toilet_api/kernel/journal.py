"""The audit entry and the change-feed entry of each write, in the write's own transaction. The only writer of both.

The audit trail says who changed what, before and after, and why; it can't be altered by the application's role.
Personal data appears in it masked only. The change feed says which record is new; each entry carries its
transaction id, because neither time nor a sequence follows the order of commits.
"""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field
from sqlalchemy import Select, text
from sqlmodel import Session

from toilet_api.kernel import feed
from toilet_api.kernel.database import actor_of
from toilet_api.kernel.fields import Schema, new_id

Operation = Literal["create", "update", "remove", "restore", "move", "note"]

_RECORD = text(
    """
    with audit as (
        insert into audit_entry (id, actor_id, actor_kind, actor_name, request_id, action, subject_type, subject_id,
                                 division_code, version, before, after, reason)
        values (:id, :actor_id, :actor_kind, :actor_name, :request_id, :action, :subject_type, :subject_id,
                :division_code, :version, cast(:before as jsonb), cast(:after as jsonb), :reason)
    )
    insert into change_entry (subject_type, subject_id, division_code, from_division_code, version, op)
    select :subject_type, cast(:subject_id as uuid), :division_code, :moved_from, :version, :op
    where :op <> 'note'
    """
)

_RECORD_SELECTED = """
    with written as materialized ({rows}),
    audit as (
        insert into audit_entry (id, actor_id, actor_kind, actor_name, request_id, action, subject_type, subject_id,
                                 division_code, version, before, after, reason)
        select uuidv7(), cast(:actor_id as uuid), :actor_kind, :actor_name, :request_id, action, subject_type,
               subject_id, division_code, version, before, after, reason
        from written
    )
    insert into change_entry (subject_type, subject_id, division_code, from_division_code, version, op)
    select subject_type, subject_id, division_code, {moved_from}, version, op from written where op <> 'note'
"""


def record(
    session: Session,
    *,
    action: str,
    subject_type: str,
    subject_id: UUID | None,
    division_code: str | None,
    version: int | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
    op: Operation = "update",
    moved_from: str | None = None,
) -> None:
    """Journal one write. `op="note"` is audited only (a login, a reveal); it changes no record."""
    actor = actor_of(session)
    session.flush()
    session.connection().execute(
        _RECORD,
        {
            "id": new_id(),
            "actor_id": actor.id,
            "actor_kind": actor.kind,
            "actor_name": actor.name,
            "request_id": actor.request_id,
            "action": action,
            "subject_type": subject_type,
            "subject_id": subject_id,
            "division_code": division_code,
            "version": version,
            "before": None if before is None else json.dumps(before, default=str, ensure_ascii=False),
            "after": None if after is None else json.dumps(after, default=str, ensure_ascii=False),
            "reason": reason,
            "op": op,
            "moved_from": moved_from,
        },
    )


def record_created(session: Session, subject: str, after: str, source: str, reason: str) -> None:
    """Journal the records of a table expression of new ones, which has their id and division_code: two plain inserts.

    `after` is the SQL of what the journal keeps of one. A common table expression for both would cost half as much
    again, and a county has a hundred thousand rows.
    """
    actor = actor_of(session)
    connection = session.connection()
    connection.execute(
        text(
            f"""
            insert into audit_entry (id, actor_id, actor_kind, actor_name, request_id, action, subject_type, subject_id,
                                     division_code, version, after, reason)
            select uuidv7(), cast(:actor_id as uuid), :actor_kind, :actor_name, :request_id, '{subject}.created',
                   '{subject}', id, division_code, 1, {after}, :reason
            from {source}
            """
        ),
        {
            "actor_id": actor.id,
            "actor_kind": actor.kind,
            "actor_name": actor.name,
            "request_id": actor.request_id,
            "reason": reason,
        },
    )
    connection.execute(
        text(
            f"""
            insert into change_entry (subject_type, subject_id, division_code, version, op)
            select '{subject}', id, division_code, 1, 'create' from {source}
            """
        )
    )


def record_selected(
    session: Session,
    rows: str | Select[Any],
    parameters: dict[str, Any] | None = None,
    *,
    moved_from: bool = False,
) -> None:
    """Journal many writes at once.

    `rows` is a SELECT of action, subject_type, subject_id, division_code, version, op, before, after, reason, and with
    `moved_from` also from_division_code.
    """
    actor = actor_of(session)
    session.flush()
    connection = session.connection()
    if not isinstance(rows, str):
        compiled = rows.compile(connection, compile_kwargs={"literal_binds": True})
        rows = str(compiled).replace(":", "\\:")
    statement = _RECORD_SELECTED.format(
        rows=rows,
        moved_from="from_division_code" if moved_from else "cast(null as text)",
    )
    connection.execute(
        text(statement),
        {
            "actor_id": actor.id,
            "actor_kind": actor.kind,
            "actor_name": actor.name,
            "request_id": actor.request_id,
            **(parameters or {}),
        },
    )


_CHANGED = text(
    """
    select exists (
        select from change_entry
        where xid >= cast(:xid as xid8) and not pg_visible_in_snapshot(xid, cast(:read as pg_snapshot))
          and subject_type = any(:subjects)
          and (coalesce(division_code, '') ^@ any(cast(:prefixes as text[])) or from_division_code ^@ any(:prefixes)
               or exists (select from unnest(cast(:prefixes as text[])) as prefix
                          where prefix ^@ coalesce(division_code, '')))
    )
    """
)


_NOTED = text(
    """
    select exists (
        select from audit_entry
        where subject_type = :subject_type and subject_id is null and at > cast(:at as timestamptz) - interval '1 day'
          and (cast(cast(xmin as text) as bigint) - :low + 4294967296) % 4294967296 < 2147483648
    )
    """
)


def cursor(session: Session) -> str:
    """Where in the change feed this transaction's snapshot stands: opaque, for `changed_since` and for the feed.

    What the snapshot sees comes before it, and all else after it: see `feed.now`.
    """
    return feed.now(session).encode()


def changed_since(session: Session, cursor: str, subjects: Collection[str], prefixes: Collection[str]) -> bool:
    """Whether records of these types may have changed under `prefixes`, or above them, or left them, since `cursor`.

    It may say so without need, never the other way round. The transaction must see everywhere: what has left a scope
    stands where it has gone.
    """
    read = feed.Position.decode(cursor).base
    given = {"xid": str(read.xmin), "read": str(read), "subjects": list(subjects), "prefixes": list(prefixes)}
    return bool(session.connection().execute(_CHANGED, given).scalar_one())


def noted_since(session: Session, cursor: str, at: datetime, subject_type: str) -> bool:
    """Whether a note about all records of a type (a load of the tree) has been committed since `cursor`, taken `at`.

    Such notes aren't in the change feed. Rows know the lower half of their transaction's id: enough for a day.
    """
    given = {"low": feed.Position.decode(cursor).base.xmin % 2**32, "subject_type": subject_type, "at": at}
    return bool(session.connection().execute(_NOTED, given).scalar_one())


class HistoryEntry(Schema):
    """一次变更：谁、何时、改了什么 / One change of a record: who, when, what, why."""

    id: UUID = Field(title="编号")
    at: datetime = Field(title="时间")
    actor_id: UUID | None = Field(title="操作者编号")
    actor_kind: str = Field(title="操作者类别", examples=["person"])
    actor_name: str = Field(title="操作者", examples=["village_surveyor"])
    request_id: str | None = Field(title="请求编号")
    action: str = Field(title="操作", examples=["household.updated"])
    version: int | None = Field(title="版本", examples=[2])
    before: dict[str, Any] | None = Field(title="变更前")
    after: dict[str, Any] | None = Field(title="变更后")
    reason: str | None = Field(title="理由")


def history(session: Session, subject_type: str, subject_id: UUID) -> list[HistoryEntry]:
    """Every change of one record, oldest first. The caller must have found the record in scope before."""
    rows = session.connection().execute(
        text(
            "select id, at, actor_id, actor_kind, actor_name, request_id, action, version, before, after, reason"
            " from audit_entry where subject_type = :subject_type and subject_id = :subject_id order by at, id"
        ),
        {"subject_type": subject_type, "subject_id": subject_id},
    )
    return [HistoryEntry(**row) for row in rows.mappings()]
