"""The tables of ranking and assessment. What is frozen once published is held so by the database (0021)."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Date, DateTime, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from toilet_api.kernel.tables import Record, no_items

_MOMENT: Any = DateTime(timezone=True)


class AssessmentFormula(Record, table=True):
    """How a level ranks those below it: weights, shrinkage, rules of the lists. `division_code`: who ranks."""

    __tablename__ = "assessment_formula"

    campaign_id: UUID | None = Field(default=None, foreign_key="campaign.id")
    """Of a county's: its campaign. A city or province ranks over its counties' campaigns."""
    name: str
    number: int | None = None
    """Its version among those published by this level for this campaign."""
    state: str = "draft"
    weights: dict[str, Any] = Field(sa_type=JSONB)
    shrinkage: dict[str, Any] = Field(sa_type=JSONB)
    falsification_points: int
    lists: list[dict[str, Any]] = Field(sa_type=JSONB)
    source: str
    note: str | None = None
    published_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    published_by_name: str | None = None
    superseded_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    superseded_by_id: UUID | None = Field(default=None, foreign_key="assessment_formula.id")
    withdrawn_reason: str | None = None
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class Assessment(Record, table=True):
    """A ranking (考核排名) of the divisions below `division_code`, frozen as it was drawn."""

    name: str
    formula_id: UUID = Field(foreign_key="assessment_formula.id")
    campaign_ids: list[UUID] = Field(sa_type=ARRAY(Uuid))
    as_of: datetime = Field(sa_type=_MOMENT)
    state: str = "draft"
    parts: list[dict[str, Any]] = Field(sa_type=JSONB)
    """See `schemas.PooledPart`."""
    units: list[dict[str, Any]] = Field(sa_type=JSONB)
    """See `schemas.UnitLine`."""
    ranked: int
    yellow: int
    red: int
    corrects_id: UUID | None = Field(default=None, foreign_key="assessment.id")
    correction_reason: str | None = None
    note: str | None = None
    published_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    published_by_name: str | None = None
    superseded_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    superseded_by_id: UUID | None = Field(default=None, foreign_key="assessment.id")
    withdrawn_reason: str | None = None
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class AssessmentRecord(SQLModel, table=True):
    """The records of a place that an assessment counted in a part, and those that it didn't count: frozen."""

    __tablename__ = "assessment_record"

    assessment_id: UUID = Field(primary_key=True, foreign_key="assessment.id")
    part: str = Field(primary_key=True, sa_type=Text(collation="C"))
    place_code: str = Field(primary_key=True, sa_type=Text(collation="C"))
    """The place as it was then."""
    counted: bool = Field(primary_key=True)
    division_code: str = Field(sa_type=Text(collation="C"))
    record_ids: list[UUID] = Field(sa_type=ARRAY(Uuid))


class CallIn(Record, table=True):
    """A call-in (约谈). `division_code`: who is called in, and so sees it.

    `called_by`: which level calls, by its code of then.
    """

    __tablename__ = "call_in"

    called_by: str = Field(sa_type=Text(collation="C"))
    campaign_id: UUID | None = Field(default=None, foreign_key="campaign.id")
    assessment_id: UUID | None = Field(default=None, foreign_key="assessment.id")
    state: str = "planned"
    planned_at: datetime = Field(sa_type=_MOMENT)
    place: str | None = None
    called: str
    """Who is asked to come, by post."""
    reasons: list[dict[str, Any]] = Field(sa_type=JSONB)
    """See `call_in_schemas.CallInReason`."""
    note: str | None = None
    held_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    attendance: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=JSONB)
    minutes: str | None = None
    demands: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=JSONB)
    due_on: date | None = Field(default=None, sa_type=Date)
    """The first day on which a demand is due."""
    outcome: str | None = None
    result: str | None = None
    followed_up_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    cancel_reason: str | None = None
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


__all__ = ["Assessment", "AssessmentFormula", "AssessmentRecord", "CallIn"]
