"""The tables of imports: the job, and what became of each row of its file."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from toilet_api.kernel.fields import new_id, now
from toilet_api.kernel.tables import DivisionCodeColumn, no_items

_MOMENT: Any = DateTime(timezone=True)


class ImportJob(SQLModel, table=True):
    """One upload (台账导入). It runs within `division_code`, as whoever created it."""

    __tablename__ = "import_job"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    division_code: str = Field(sa_type=DivisionCodeColumn)
    state: str = "queued"
    phase: str = "queued"
    kind: str = "households"
    mode: str = "row_by_row"
    dry_run: bool
    on_conflict: str
    mapping: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    file_name: str
    file_sha256: str
    file_bytes: int = Field(sa_type=BigInteger)
    file_format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheets: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=JSONB)
    skipped_sheets: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=JSONB)
    rows_total: int | None = None
    rows_done: int = 0
    rows_in: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    ignored: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    ignored_rows: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=JSONB)
    corrections: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    reasons: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    written: bool = False
    """Whether it changed anything."""
    problem: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    cancel_requested: bool = False
    narrowed_to: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    """The scopes of the token that asked for it, where it had any."""
    actor_kind: str
    actor_name: str
    request_id: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=_MOMENT)
    created_by: UUID | None = None
    started_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    finished_at: datetime | None = Field(default=None, sa_type=_MOMENT)


class ImportRow(SQLModel, table=True):
    """What became of one row. Personal data stands in it masked only."""

    __tablename__ = "import_row"

    job_id: UUID = Field(primary_key=True)
    position: int = Field(primary_key=True)
    division_code: str = Field(sa_type=DivisionCodeColumn)
    sheet: str | None = None
    row_number: int
    outcome: str
    village_code: str | None = Field(default=None, sa_type=DivisionCodeColumn)
    name_masked: str | None = None
    household_id: UUID | None = None
    record_type: str | None = None
    record_id: UUID | None = None
    corrections: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=JSONB)
    errors: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=JSONB)
    changes: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=JSONB)
