"""Principals (people and systems), their secrets, grants, training, refresh tokens, signing keys."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, LargeBinary, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from toilet_api.kernel.fields import new_id, now
from toilet_api.kernel.tables import DivisionCodeColumn, Record, no_items

_Moment: Any = DateTime(timezone=True)


class Principal(Record, table=True):
    """Someone or something that logs in. `division_code` is where it belongs: whose managers look after it."""

    kind: str
    username: str
    """Of a system: its client_id. Never given to another, even after removal, so that the audit trail stays clear."""
    display_name: str
    token_version: int = 1
    """Raised when every token so far must die: password changed, locked, removed."""
    must_change_password: bool = False
    locked_at: datetime | None = Field(default=None, sa_type=_Moment)
    locked_reason: str | None = None
    scopes: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    """Of a system: what it may do at most. People have none."""


class Credential(SQLModel, table=True):
    """The password or secret of a principal, as an Argon2 hash, and the hashes before it."""

    principal_id: UUID = Field(primary_key=True)
    secret_hash: str
    changed_at: datetime = Field(default_factory=now, sa_type=_Moment)
    previous: list[str] = Field(default_factory=no_items, sa_type=ARRAY(Text))


class PrincipalGrant(SQLModel, table=True):
    """A role in a division. Its division follows merges and moves like that of any record."""

    __tablename__ = "principal_grant"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    principal_id: UUID
    role: str
    division_code: str = Field(sa_type=DivisionCodeColumn)
    granted_at: datetime = Field(default_factory=now, sa_type=_Moment)
    granted_by: UUID | None = None
    removed_at: datetime | None = Field(default=None, sa_type=_Moment)
    removed_by: UUID | None = None
    removed_reason: str | None = None


class Training(SQLModel, table=True):
    """A course that someone took before his duty (工作方案 五（二）先培训后上岗)."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    principal_id: UUID
    held_on: date
    course: str
    trainer: str
    hours: Decimal = Field(sa_type=Numeric(5, 1))
    certificate_no: str | None = None
    valid_until: date | None = None
    recorded_at: datetime = Field(default_factory=now, sa_type=_Moment)
    recorded_by: UUID | None = None
    revoked_at: datetime | None = Field(default=None, sa_type=_Moment)
    revoked_by: UUID | None = None
    revoked_reason: str | None = None


class RefreshToken(SQLModel, table=True):
    """One refresh token, by its hash. All that came of one login are a family and die together."""

    __tablename__ = "refresh_token"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    family_id: UUID
    principal_id: UUID
    token_hash: bytes = Field(sa_type=LargeBinary)
    token_version: int
    scope: str | None = None
    expires_at: datetime = Field(sa_type=_Moment)
    used_at: datetime | None = Field(default=None, sa_type=_Moment)
    revoked_at: datetime | None = Field(default=None, sa_type=_Moment)


class SigningKey(SQLModel, table=True):
    """A key pair that signs access tokens; the private part is sealed by the vault."""

    __tablename__ = "signing_key"

    kid: str = Field(primary_key=True)
    public_jwk: dict[str, Any] = Field(sa_type=JSONB)
    sealed: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(default_factory=now, sa_type=_Moment)
    verify_until: datetime | None = Field(default=None, sa_type=_Moment)
    """None: it signs. Else the moment from which its signatures are worth nothing."""
