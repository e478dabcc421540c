"""The tables of the survey. Columns that Postgres derives are marked; nobody writes them."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Date, DateTime, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from toilet_api.kernel.fields import new_id
from toilet_api.kernel.tables import DivisionCodeColumn, Record, no_items

_MOMENT: Any = DateTime(timezone=True)
_UUIDS: Any = ARRAY(Uuid)
_TEXTS: Any = ARRAY(Text)


class Campaign(Record, table=True):
    """A campaign (摸排行动) of a county: everything that has a date or a year in it. At most one is open per county."""

    seen_from_below: ClassVar[bool] = True

    name: str
    document_numbers: list[str] = Field(default_factory=no_items, sa_type=_TEXTS)
    cut_off_year: int
    """Toilets rebuilt since this year are in the survey."""
    starts_on: date
    survey_due: date
    deadline_rules: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    """Cause class -> {kind, date | days}; see `rules.deadline`."""
    phases: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=JSONB)
    """[{phase, starts_on, due_on, note}] (work plan 四（一）to（六）)."""
    at_once_causes: list[str] = Field(default_factory=lambda: ["small_defect"], sa_type=_TEXTS)
    """Causes that are mended at once (立行立改), without a plan."""
    verification_levels: list[str] = Field(default_factory=lambda: ["township", "county"], sa_type=_TEXTS)
    """Levels that must have verified the survey before a problem is planned and closed."""
    acceptance_shares: dict[str, Any] = Field(default_factory=lambda: {"township": 100, "county": 30}, sa_type=JSONB)
    """Level -> how much of the work it checks, in percent."""
    state: str = "planned"
    opened_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    closed_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class CatalogueType(Record, table=True):
    """A problem type of the catalogue. `division_code` is the county that made it, or empty: it holds everywhere."""

    __tablename__ = "problem_type"
    seen_from_below: ClassVar[bool] = True

    code: str
    zh: str
    en: str
    problem_class: str
    problem_group: str
    cause: str
    retired_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class Visit(Record, table=True):
    """A survey visit (摸排) to a household and its toilet, or to a household without one."""

    campaign_id: UUID | None = Field(default=None, foreign_key="campaign.id")
    """The campaign that was open when it was submitted first."""
    household_id: UUID = Field(foreign_key="household.id")
    toilet_id: UUID | None = Field(default=None, foreign_key="toilet.id")
    state: str = "draft"
    method: str
    presence: str
    usability: str | None = None
    visited_at: datetime = Field(sa_type=_MOMENT)
    """By the clock of the device."""
    longitude: float | None = None
    latitude: float | None = None
    position_system: str | None = None
    position_accuracy_m: float | None = None
    checked_against: list[str] = Field(default_factory=no_items, sa_type=_TEXTS)
    note: str | None = None
    photo_ids: list[UUID] = Field(default_factory=no_items, sa_type=_UUIDS)
    surveyor_id: UUID
    surveyor_name: str
    surveyor_signature_ids: list[UUID] = Field(default_factory=no_items, sa_type=_UUIDS)
    household_signature_ids: list[UUID] = Field(default_factory=no_items, sa_type=_UUIDS)
    submitted_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    township_verified_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    township_verified_by: UUID | None = None
    county_verified_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    county_verified_by: UUID | None = None
    return_reason: str | None = None
    returned_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    corrections: int = 0
    """How often it was corrected after submission; the earlier values stand in its history."""
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class Finding(SQLModel, table=True):
    """A problem that a visit found. One per visit and type; a withdrawn one stays, so that it can come back."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    division_code: str = Field(sa_type=DivisionCodeColumn)
    visit_id: UUID = Field(foreign_key="visit.id")
    type_id: UUID = Field(foreign_key="problem_type.id")
    note: str | None = None
    photo_ids: list[UUID] = Field(default_factory=no_items, sa_type=_UUIDS)
    place: int
    """Its place in the visit's list."""
    problem_id: UUID | None = Field(default=None, foreign_key="problem.id")
    """The ledger's problem that it opened, or that was live already; set when the visit is submitted."""
    withdrawn_at: datetime | None = Field(default=None, sa_type=_MOMENT)


class LedgerProblem(Record, table=True):
    """A problem (问题) of the ledger, from found to closed. The work on it stands in rectification's tables."""

    __tablename__ = "problem"

    campaign_id: UUID = Field(foreign_key="campaign.id")
    problem_class: str
    type_id: UUID = Field(foreign_key="problem_type.id")
    cause: str
    visit_id: UUID | None = Field(default=None, foreign_key="visit.id")
    """The visit that found it first."""
    household_id: UUID | None = Field(default=None, foreign_key="household.id")
    toilet_id: UUID | None = Field(default=None, foreign_key="toilet.id")
    description: str | None = None
    photo_ids: list[UUID] = Field(default_factory=no_items, sa_type=_UUIDS)
    found_at: datetime = Field(sa_type=_MOMENT)
    deadline: date | None = Field(default=None, sa_type=Date)
    """The last day that is in time, in Asia/Shanghai. None: a timetable of its own, which a plan sets."""
    state: str = "open"
    dismissal: str | None = None
    """Why it is dismissed: `decided` by someone, or `withdrawn` with the finding that opened it."""
    dismissed_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    dismissed_reason: str | None = None
    task_id: UUID | None = None
    """Its live task; None when nobody is charged with it."""
    deadline_source: str = "rule"
    """What set the deadline: the campaign's `rule`, a `plan`, or a `postponement`."""
    accepted_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    accepted_level: str | None = None
    closed_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    close_out_id: UUID | None = None
    reopenings: int = 0
    reopened_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    reopen_reason: str | None = None
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class Attachment(Record, table=True):
    """An uploaded image: what its bytes say, and the hash under which they are stored, unchanged."""

    kind: str
    household_id: UUID | None = Field(default=None, foreign_key="household.id")
    """The household whose visit refers to it first."""
    sha256: str
    media_type: str
    size_bytes: int = Field(sa_type=BigInteger)
    width: int
    height: int
    captured_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    captured_zone_stated: bool = False
    longitude: float | None = None
    latitude: float | None = None


class ExpectedAttachment(SQLModel, table=True):
    """An attachment that a visit names and that nobody has uploaded yet. It goes when the attachment comes."""

    __tablename__ = "expected_attachment"

    visit_id: UUID = Field(primary_key=True, foreign_key="visit.id")
    attachment_id: UUID = Field(primary_key=True)
    division_code: str = Field(sa_type=DivisionCodeColumn)
    kind: str


__all__ = ["Attachment", "Campaign", "CatalogueType", "ExpectedAttachment", "Finding", "LedgerProblem", "Visit"]
