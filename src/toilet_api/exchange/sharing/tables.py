"""The tables of data sharing."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Date, DateTime, LargeBinary, Text
from sqlmodel import Field, SQLModel

from toilet_api.kernel.fields import new_id, now
from toilet_api.kernel.tables import DivisionCodeColumn, Record

_MOMENT: Any = DateTime(timezone=True)
_TEXTS: Any = ARRAY(Text)


class DatasetShare(Record, table=True):
    """How a county shares a dataset (共享属性). Without a row the catalogue's own default holds."""

    __tablename__ = "dataset_share"
    seen_from_below: ClassVar[bool] = True

    dataset: str
    sharing_type: str
    conditions: str | None = None
    legal_basis: str | None = None
    responsible_unit: str | None = None


class DatasetRequest(Record, table=True):
    """Somebody asks a county for a dataset, or some fields of it (共享申请)."""

    __tablename__ = "dataset_request"

    dataset: str
    fields: list[str] = Field(sa_type=_TEXTS)
    purpose: str
    legal_basis: str
    until: date = Field(sa_type=Date)
    """The last day of use."""
    consumer_id: UUID
    """The system that is to have the data."""
    client_id: str
    consumer_name: str
    requested_by_name: str
    state: str = "requested"
    answer_due: date = Field(sa_type=Date)
    decided_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    decided_by: UUID | None = None
    decided_by_name: str | None = None
    decision_reason: str | None = None
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class DatasetGrant(Record, table=True):
    """What a county has granted to a system (共享授权): fields of a dataset, in a division, up to a day."""

    __tablename__ = "dataset_grant"

    dataset_request_id: UUID = Field(foreign_key="dataset_request.id")
    dataset: str
    fields: list[str] = Field(sa_type=_TEXTS)
    purpose: str
    until: date = Field(sa_type=Date)
    consumer_id: UUID
    client_id: str
    consumer_name: str
    granted_by_name: str
    state: str = "active"
    revoked_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    revoked_by: UUID | None = None
    revoked_by_name: str | None = None
    revoke_reason: str | None = None


class DatasetAccess(SQLModel, table=True):
    """One pull of data by a system, in one division that it touched (访问记录). Never changed.

    A pull that touches several divisions has a row for each, of the same `pull_id`.
    """

    __tablename__ = "dataset_access"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    at: datetime = Field(default_factory=now, sa_type=_MOMENT)
    pull_id: UUID
    division_code: str = Field(sa_type=DivisionCodeColumn)
    principal_id: UUID
    client_id: str
    operation: str
    dataset: str | None = None
    fields: list[str] | None = Field(default=None, sa_type=_TEXTS)
    """Those asked for or granted; None: all that the caller may read."""
    records: int | None = Field(default=None, sa_type=BigInteger)
    """None: not counted."""
    bytes: int = Field(sa_type=BigInteger)
    """Of the answer's body, before it is packed for the way."""
    status: int
    request_id: str | None = None
