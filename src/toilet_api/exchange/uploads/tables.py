"""The table of resumable uploads."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime
from sqlmodel import Field, SQLModel

from toilet_api.kernel.fields import new_id, now
from toilet_api.kernel.tables import DivisionCodeColumn

_MOMENT: Any = DateTime(timezone=True)


class Upload(SQLModel, table=True):
    """A file on its way in. `stored_bytes` of it are safe on disk: the next part begins there."""

    __tablename__ = "upload"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    division_code: str = Field(sa_type=DivisionCodeColumn)
    created_by: UUID
    file_name: str
    size_bytes: int = Field(sa_type=BigInteger)
    stored_bytes: int = Field(default=0, sa_type=BigInteger)
    declared_sha256: str | None = None
    """What the client says the whole file hashes to."""
    sha256: str | None = None
    """What it does; the name of the object that holds it."""
    state: str = "open"
    created_at: datetime = Field(default_factory=now, sa_type=_MOMENT)
    expires_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    """When an upload that is not complete goes away; each part puts it off."""
