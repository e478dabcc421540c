"""What every stored record has in common."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import DateTime, Text
from sqlmodel import Field, SQLModel

from toilet_api.kernel.fields import new_id, now

DivisionCodeColumn: Any = Text(collation="C")
"""Codes sort by digit, so that a prefix is an index range in any database locale."""


def no_items() -> list[Any]:
    """The default of a column with a list. Of `list` itself pydantic reads the signature anew for each row: 0.1 ms."""
    return []


class Record(SQLModel):
    """Base of the tables of a record: who made and changed it, where it belongs, which version it is.

    A removed record stays (`removed_at`), with its reason, and can be restored.
    """

    seen_from_below: ClassVar[bool] = False
    """A county's own, read in its villages too (campaign, catalogue, checklists)."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    division_code: str = Field(sa_type=DivisionCodeColumn)
    version: int = 1
    created_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    created_by: UUID | None = None
    updated_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    updated_by: UUID | None = None
    removed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    removed_reason: str | None = None

    def touch(self, by: UUID | None) -> None:
        """A change was made: next version, now, by whom."""
        self.version += 1
        self.updated_at = now()
        self.updated_by = by
