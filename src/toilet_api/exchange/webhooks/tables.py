"""The tables of subscriptions and deliveries."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from toilet_api.kernel.fields import now
from toilet_api.kernel.tables import DivisionCodeColumn, Record, no_items

_MOMENT: Any = DateTime(timezone=True)


class Webhook(Record, table=True):
    """A subscription (推送订阅): its owner's alone. What is sent lies within `division_code` and the owner's rights."""

    __tablename__ = "webhook"

    url: str
    event_types: list[str] = Field(sa_type=ARRAY(Text))
    description: str | None = None
    state: str = "active"
    state_reason: str | None = None
    state_since: datetime = Field(default_factory=now, sa_type=_MOMENT)
    narrowed_to: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    """The scopes of the token that made it, where it had any: the subscription never hears more."""
    lacking: list[str] = Field(default_factory=no_items, sa_type=ARRAY(Text))
    """Permissions that its events need and the owner hasn't any more."""
    position: str
    """How far the change feed is read."""
    position_at: datetime = Field(default_factory=now, sa_type=_MOMENT)
    sealed: bytes = Field(sa_type=LargeBinary)
    """Its secrets; see `signing`."""
    former_secret_until: datetime | None = Field(default=None, sa_type=_MOMENT)
    failures: int = 0
    """How often it failed in a row; attempts of one moment count once."""
    failing_since: datetime | None = Field(default=None, sa_type=_MOMENT)
    quiet_until: datetime | None = Field(default=None, sa_type=_MOMENT)
    """A receiver that fails or asks for patience is left alone until then."""
    last_success_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    last_failure_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    last_outcome: str | None = None
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class WebhookDelivery(SQLModel, table=True):
    """One event on its way to one subscriber, or there. `message_id` is what the receiver knows it by, always."""

    __tablename__ = "webhook_delivery"

    message_id: UUID = Field(primary_key=True)
    webhook_id: UUID
    division_code: str = Field(sa_type=DivisionCodeColumn)
    """Of the subscription, which it is seen with."""
    event_type: str
    seq: int | None = Field(default=None, sa_type=BigInteger)
    """Its number in the change feed; a ping has none."""
    subject_type: str
    subject_id: UUID
    op: str
    subject_version: int | None = None
    subject_division: str | None = Field(default=None, sa_type=DivisionCodeColumn)
    from_division: str | None = Field(default=None, sa_type=DivisionCodeColumn)
    occurred_at: datetime = Field(sa_type=_MOMENT)
    state: str = "pending"
    tries: int = 0
    """Attempts since it was last queued."""
    next_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    """When it is due; while it is being sent, when it would be taken for lost."""
    attempts: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=JSONB)
    created_at: datetime = Field(default_factory=now, sa_type=_MOMENT)
    finished_at: datetime | None = Field(default=None, sa_type=_MOMENT)
