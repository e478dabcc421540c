"""The tables of periodic reports. That what was drawn never changes is held by triggers of migration 0020."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Date, DateTime, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from toilet_api.kernel.fields import new_id
from toilet_api.kernel.tables import DivisionCodeColumn, Record, no_items

_MOMENT: Any = DateTime(timezone=True)
_UUIDS: Any = ARRAY(Uuid)
_TEXTS: Any = ARRAY(Text)


class Report(Record, table=True):
    """A report of a division for a period (定期报表). Its figures stand in its editions."""

    campaign_id: UUID | None = Field(default=None, foreign_key="campaign.id")
    """None for cities and provinces: theirs hold every open campaign of their counties."""
    kind: str
    reported_for: str = Field(sa_type=DivisionCodeColumn)
    """The division that it was opened for; stays when divisions are merged."""
    period: str
    period_start: date = Field(sa_type=Date)
    period_end: date = Field(sa_type=Date)
    cutoff_at: datetime = Field(sa_type=_MOMENT)
    state: str = "opened"
    edition: int = 0
    """The newest; 0 before it is drawn."""
    received_edition: int | None = None
    """The newest that its receiver has received: what a roll-up is made of."""
    corrected: bool = False
    first_drawn_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    drawn_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    """Of the newest edition."""
    first_submitted_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    """Decides whether it was late, whatever came afterwards."""
    submitted_by: UUID | None = None
    reminded_soon_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    reminded_late_at: datetime | None = Field(default=None, sa_type=_MOMENT)


class ReportEdition(SQLModel, table=True):
    """What was drawn for a report at one moment, and what was done with it. The figures never change."""

    __tablename__ = "report_edition"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    division_code: str = Field(sa_type=DivisionCodeColumn)
    report_id: UUID = Field(foreign_key="report.id")
    edition: int
    kind: str = "first"
    reason: str | None = None
    figures: dict[str, Any] = Field(sa_type=JSONB)
    """`figures.Figures` without pace: a median can't be summed up."""
    drawn_at: datetime = Field(sa_type=_MOMENT)
    drawn_on: date = Field(sa_type=Date)
    """The day in Shanghai by which overdue was told."""
    drawn_by: UUID | None = None
    drawn_by_name: str
    chain_id: UUID | None = Field(default=None, foreign_key="report_chain.id")
    """Of a township's: where its records stand. A roll-up has parts instead."""
    draw: int | None = None
    difficulties: str | None = None
    next_steps: str | None = None
    signed_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    signed_by: UUID | None = None
    signed_by_name: str | None = None
    signature_ids: list[UUID] = Field(default_factory=no_items, sa_type=_UUIDS)
    submitted_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    submitted_by: UUID | None = None
    submitted_by_name: str | None = None
    received_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    received_by: UUID | None = None
    received_by_name: str | None = None
    returned_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    returned_by: UUID | None = None
    returned_by_name: str | None = None
    return_reason: str | None = None


class ReportPart(SQLModel, table=True):
    """A division of the level below in a roll-up, with the edition that was summed up, or without: missing."""

    __tablename__ = "report_part"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    division_code: str = Field(sa_type=DivisionCodeColumn)
    edition_id: UUID = Field(foreign_key="report_edition.id")
    part_of: str = Field(sa_type=DivisionCodeColumn)
    report_id: UUID | None = Field(default=None, foreign_key="report.id")
    part_edition: int | None = None
    part_edition_id: UUID | None = Field(default=None, foreign_key="report_edition.id")
    expected_report_id: UUID | None = Field(default=None, foreign_key="report.id")
    """The report of the period that was due."""
    outdated: bool = False
    """The report of an earlier period stands in for it."""


class ReportChain(SQLModel, table=True):
    """The draws of a township in a campaign, one after the other. Whoever draws holds its row."""

    __tablename__ = "report_chain"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    division_code: str = Field(sa_type=DivisionCodeColumn)
    campaign_id: UUID = Field(foreign_key="campaign.id")
    drawn_for: str = Field(sa_type=DivisionCodeColumn)
    draws: int = 0


class ReportedRecord(SQLModel, table=True):
    """A record as it stood from the draw `draw_from` up to, not including, `draw_to` (None: it still does)."""

    __tablename__ = "reported_record"

    chain_id: UUID = Field(primary_key=True, foreign_key="report_chain.id")
    record_type: str = Field(primary_key=True, sa_type=DivisionCodeColumn)
    record_id: UUID = Field(primary_key=True)
    draw_from: int = Field(primary_key=True)
    draw_to: int | None = None
    division_code: str = Field(sa_type=DivisionCodeColumn)
    """The township's, so that who sees the report sees what it is made of."""
    place_code: str = Field(sa_type=DivisionCodeColumn)
    """The village, or the township of a problem in its work, as it was at the draw."""
    household_id: UUID | None = None
    toilet_id: UUID | None = None
    dwelling_state: str | None = None
    survey_level: str | None = None
    mode: str | None = None
    grade: str | None = None
    counted: bool | None = None
    built_year: int | None = None
    led_by: str | None = None
    problem_class: str | None = None
    cause: str | None = None
    causes: list[str] | None = Field(default=None, sa_type=_TEXTS)
    """Of a problem toilet: the cause classes of its problems that are not dismissed."""
    problem_type: str | None = None
    state: str | None = None
    deadline: date | None = Field(default=None, sa_type=Date)
    rectified: bool | None = None
    reopened: bool | None = None


__all__ = ["Report", "ReportChain", "ReportEdition", "ReportPart", "ReportedRecord"]
