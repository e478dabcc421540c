"""The tables of oversight."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from toilet_api.kernel.fields import new_id
from toilet_api.kernel.tables import DivisionCodeColumn, Record, no_items

_MOMENT: Any = DateTime(timezone=True)


class Sample(Record, table=True):
    """A county's full review (全面复核) or a spot check (抽查) by any level. `division_code`: who holds it."""

    kind: str
    name: str
    state: str = "planned"
    frame: dict[str, Any] = Field(sa_type=JSONB)
    """{division, campaign_id, modes, contractors, closed_from, closed_to}: which closed problems it is drawn from."""
    size: dict[str, Any] = Field(sa_type=JSONB)
    """{kind: all} | {kind: number, number} | {kind: precision, confidence, margin, expected}"""
    seed: str | None = None
    seed_given: bool = False
    """Somebody named the seed (from a public draw, say); else it is made at random at the draw."""
    method: str | None = None
    """The name and version of the way of drawing, so that anyone can draw again."""
    frame_size: int | None = None
    frame_digest: str | None = None
    """SHA-256 over the ids of the frame, in order."""
    sample_size: int | None = None
    raised_from: int | None = None
    """The size that was asked for, where covering each township, mode and contractor took more."""
    strata: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=JSONB)
    drawn_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    completed_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    cancel_reason: str | None = None
    note: str | None = None
    estimate: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class SampleUnit(SQLModel, table=True):
    """A closed problem of a sample's frame; a selected one is checked on site."""

    __tablename__ = "sample_unit"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    division_code: str = Field(sa_type=DivisionCodeColumn)
    sample_id: UUID = Field(foreign_key="sample.id")
    problem_id: UUID = Field(foreign_key="problem.id")
    stratum: str
    draw_key: str = Field(sa_type=Text(collation="C"))
    selected: bool
    result: str | None = None
    survey_true: bool | None = None
    rectified_really: bool | None = None
    closed_justified: bool | None = None
    household_satisfaction: str | None = None
    note: str | None = None
    photo_ids: list[UUID] = Field(default_factory=no_items, sa_type=ARRAY(Uuid))
    checked_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    checked_by: UUID | None = None
    checked_by_name: str | None = None


class Falsification(Record, table=True):
    """Falsification (弄虚作假) recorded against somebody who signed."""

    problem_id: UUID = Field(foreign_key="problem.id")
    sample_unit_id: UUID | None = Field(default=None, foreign_key="sample_unit.id")
    person_id: UUID
    person_name: str
    signed_as: str
    statement: str
    state: str = "recorded"
    withdrawn_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    withdrawn_reason: str | None = None
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


__all__ = ["Falsification", "Sample", "SampleUnit"]
