"""The table of what is kept for a decision. Items themselves are `sync_item`, see `remembering`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from toilet_api.kernel.fields import new_id, now
from toilet_api.kernel.tables import DivisionCodeColumn, no_items

_MOMENT: Any = DateTime(timezone=True)


class SyncConflict(SQLModel, table=True):
    """An item of a device that was not applied: in conflict with somebody else's change, or rejected."""

    __tablename__ = "sync_conflict"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    division_code: str = Field(sa_type=DivisionCodeColumn)
    household_id: UUID | None = Field(default=None, foreign_key="household.id")
    kind: str
    state: str = "open"
    type: str
    op: str
    record_id: UUID
    base_version: int | None = None
    server_version: int | None = None
    fields: list[str] = Field(default_factory=no_items, sa_type=ARRAY(Text))
    """What both sides changed, and not to the same."""
    sealed: bytes = Field(sa_type=LargeBinary)
    """`changes` of the item, with the personal data in it; opens for this row alone."""
    problem: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    item_id: UUID
    device_id: UUID
    sent_by: UUID
    sent_by_name: str
    client_time: datetime = Field(sa_type=_MOMENT)
    """By the clock of the device."""
    clock_offset_seconds: float
    """How far that clock was ahead of the server's when the batch came."""
    received_at: datetime = Field(default_factory=now, sa_type=_MOMENT)
    decision: str | None = None
    note: str | None = None
    decided_by: UUID | None = None
    decided_by_name: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=_MOMENT)
