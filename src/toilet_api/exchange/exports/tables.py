"""The table of exports."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from toilet_api.kernel.fields import new_id, now
from toilet_api.kernel.tables import DivisionCodeColumn

_MOMENT: Any = DateTime(timezone=True)


class ExportJob(SQLModel, table=True):
    """One export (导出). It reads within `division_code` alone, and is seen by whoever asked for it alone."""

    __tablename__ = "export_job"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    division_code: str = Field(sa_type=DivisionCodeColumn)
    dataset: str
    format: str
    filters: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    bom: bool = False
    personal: str = "masked"
    purpose: str | None = None
    """What plain personal data is needed for; kept in the audit trail."""
    state: str = "queued"
    rows_total: int | None = Field(default=None, sa_type=BigInteger)
    """About how many rows there will be: for the progress alone."""
    rows: int = Field(default=0, sa_type=BigInteger)
    file_bytes: int | None = Field(default=None, sa_type=BigInteger)
    sha256: str | None = None
    change_cursor: str | None = None
    """Where in the change feed the file is true as of: see `journal.cursor`."""
    as_of: datetime | None = Field(default=None, sa_type=_MOMENT)
    likeness: str
    reused_from: UUID | None = None
    file_name: str
    file_removed_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    problem: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    cancel_requested: bool = False
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    actor_kind: str
    actor_name: str
    request_id: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=_MOMENT)
    created_by: UUID
    started_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    finished_at: datetime | None = Field(default=None, sa_type=_MOMENT)
