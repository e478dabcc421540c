"""The tables of rectification. What the database itself holds (frozen plans, evidence) stands in migration 0008."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Date, DateTime, LargeBinary, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from toilet_api.kernel.fields import new_id
from toilet_api.kernel.tables import DivisionCodeColumn, Record, no_items

_MOMENT: Any = DateTime(timezone=True)
_UUIDS: Any = ARRAY(Uuid)


class Plan(Record, table=True):
    """A township's rectification plan (整改方案), one edition of it, or an addendum (补充方案) to one in force."""

    campaign_id: UUID = Field(foreign_key="campaign.id")
    drawn_for: str
    """The township that it was drawn up for; stays when townships are merged."""
    series_id: UUID
    """The id of the first edition; an addendum has a series of its own."""
    edition: int = 1
    kind: str = "plan"
    amends_id: UUID | None = Field(default=None, foreign_key="plan.id")
    """Of an addendum: the plan that it joins. Of a later edition: the one before."""
    state: str = "draft"
    title: str
    key_points: str | None = None
    technical_route: str | None = None
    workforce: str | None = None
    funds: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=JSONB)
    """[{source, amount_fen, note}]"""
    due_on: date | None = Field(default=None, sa_type=Date)
    submitted_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    submitted_by: UUID | None = None
    return_reason: str | None = None
    returned_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    approved_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    approved_by: UUID | None = None
    filing_number: str | None = None
    superseded_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    superseded_by_id: UUID | None = None
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class PlanItem(SQLModel, table=True):
    """A problem in a plan, with its measure. Frozen with its plan."""

    __tablename__ = "plan_item"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    division_code: str = Field(sa_type=DivisionCodeColumn)
    plan_id: UUID = Field(foreign_key="plan.id")
    problem_id: UUID = Field(foreign_key="problem.id")
    measure: str
    timetable: str | None = None
    """时间表、路线图: for what can't be mended by the campaign's own deadline."""
    due_on: date | None = Field(default=None, sa_type=Date)
    responsible_person: str | None = None
    responsible_unit: str | None = None
    contractor: str | None = None
    cost_fen: int | None = Field(default=None, sa_type=BigInteger)


class Task(Record, table=True):
    """The work on one problem (整改任务): by a plan, or at once. A problem has one live task at most."""

    campaign_id: UUID = Field(foreign_key="campaign.id")
    problem_id: UUID = Field(foreign_key="problem.id")
    plan_id: UUID | None = Field(default=None, foreign_key="plan.id")
    path: str = "planned"
    attempt: int = 1
    """The how-manieth task of its problem: a reopened problem gets another."""
    state: str = "pending"
    measure: str
    timetable: str | None = None
    responsible_person: str | None = None
    responsible_unit: str | None = None
    responsible_user_id: UUID | None = None
    contractor: str | None = None
    due_on: date | None = Field(default=None, sa_type=Date)
    """The last day that is in time, in Asia/Shanghai."""
    cost_fen: int | None = Field(default=None, sa_type=BigInteger)
    actual_cost_fen: int | None = Field(default=None, sa_type=BigInteger)
    started_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    submitted_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    submitted_by: UUID | None = None
    accepted_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    cancelled_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    cancel_reason: str | None = None
    redos: int = 0
    redo_reason: str | None = None
    photos_before: list[UUID] = Field(default_factory=no_items, sa_type=_UUIDS)
    photos_during: list[UUID] = Field(default_factory=no_items, sa_type=_UUIDS)
    photos_after: list[UUID] = Field(default_factory=no_items, sa_type=_UUIDS)
    worker_ids: list[UUID] = Field(default_factory=no_items, sa_type=_UUIDS)
    """Whoever had a hand in the work; none of them may sit on its panel."""
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class TaskNote(SQLModel, table=True):
    """A progress note (进展) of a task. Never changed."""

    __tablename__ = "task_note"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    division_code: str = Field(sa_type=DivisionCodeColumn)
    task_id: UUID = Field(foreign_key="task.id")
    noted_at: datetime = Field(sa_type=_MOMENT)
    noted_by: UUID
    noted_by_name: str
    text: str
    percent: int | None = None
    stage: str | None = None
    photo_ids: list[UUID] = Field(default_factory=no_items, sa_type=_UUIDS)
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class Postponement(Record, table=True):
    """A request to postpone a task (延期申请), which the county grants or refuses."""

    task_id: UUID = Field(foreign_key="task.id")
    state: str = "requested"
    from_due: date | None = Field(default=None, sa_type=Date)
    to_due: date = Field(sa_type=Date)
    reason: str
    requested_by_name: str
    decided_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    decided_by: UUID | None = None
    decided_by_name: str | None = None
    decision_reason: str | None = None
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class Checklist(Record, table=True):
    """An edition of a checklist (验收清单). `division_code`: the county that made it; empty, it holds everywhere."""

    seen_from_below: ClassVar[bool] = True

    applies_to: str
    """A technical mode, `any_toilet` for those without a list of their own, or `work`."""
    edition: int
    zh: str
    en: str
    items: list[dict[str, Any]] = Field(sa_type=JSONB)
    """See `checklist_schemas.ChecklistItem`."""
    based_on_id: UUID | None = Field(default=None, foreign_key="checklist.id")
    retired_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class Acceptance(Record, table=True):
    """An acceptance (验收) of the work at one toilet, or on one problem in the work, by a panel."""

    campaign_id: UUID = Field(foreign_key="campaign.id")
    household_id: UUID | None = Field(default=None, foreign_key="household.id")
    toilet_id: UUID | None = Field(default=None, foreign_key="toilet.id")
    checklist_id: UUID = Field(foreign_key="checklist.id")
    level: str = "township"
    """`township`: the first check, of all; `county`: the re-check of a share."""
    state: str = "open"
    planned_on: date | None = Field(default=None, sa_type=Date)
    panel: list[dict[str, Any]] = Field(sa_type=JSONB)
    """[{user_id, name, unit, side}], side: county, township or other."""
    panel_user_ids: list[UUID] = Field(sa_type=_UUIDS)
    checked_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    results: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=JSONB)
    """[{code, passed, value, note}] for each item of the checklist."""
    signatures: list[dict[str, Any]] = Field(default_factory=no_items, sa_type=JSONB)
    """[{user_id, attachment_id}]"""
    photo_ids: list[UUID] = Field(default_factory=no_items, sa_type=_UUIDS)
    note: str | None = None
    reason: str | None = None
    """Why it failed, or passed in part only."""
    decided_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    decided_by: UUID | None = None
    cancelled_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class AcceptanceProblem(SQLModel, table=True):
    """A problem in an acceptance, and what became of it there."""

    __tablename__ = "acceptance_problem"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    division_code: str = Field(sa_type=DivisionCodeColumn)
    acceptance_id: UUID = Field(foreign_key="acceptance.id")
    problem_id: UUID = Field(foreign_key="problem.id")
    task_id: UUID = Field(foreign_key="task.id")
    is_open: bool = True
    """Its acceptance is still open: a problem is in one open acceptance at most."""
    outcome: str | None = None
    redo: str | None = None
    redo_due: date | None = Field(default=None, sa_type=Date)


class CloseOut(Record, table=True):
    """A close-out (销号) of a problem with its evidence. Stays when the problem is reopened."""

    __tablename__ = "close_out"

    problem_id: UUID = Field(foreign_key="problem.id")
    task_id: UUID = Field(foreign_key="task.id")
    kind: str
    signature_ids: list[UUID] = Field(default_factory=no_items, sa_type=_UUIDS)
    statement: str | None = None
    no_signature_reason: str | None = None
    """Why the household didn't sign itself; with a statement."""
    witness_masked: str | None = None
    witness_relation: str | None = None
    witness_signature_ids: list[UUID] = Field(default_factory=no_items, sa_type=_UUIDS)
    decision: str | None = None
    note: str | None = None
    closed_at: datetime = Field(sa_type=_MOMENT)
    closed_by: UUID
    closed_by_name: str
    reopened_at: datetime | None = Field(default=None, sa_type=_MOMENT)


class CloseOutWitness(SQLModel, table=True):
    """The name of a witness, sealed, apart from the close-out."""

    __tablename__ = "close_out_witness"

    close_out_id: UUID = Field(primary_key=True, foreign_key="close_out.id")
    division_code: str = Field(sa_type=DivisionCodeColumn)
    sealed: bytes = Field(sa_type=LargeBinary)


__all__ = [
    "Acceptance",
    "AcceptanceProblem",
    "Checklist",
    "CloseOut",
    "CloseOutWitness",
    "Plan",
    "PlanItem",
    "Postponement",
    "Task",
    "TaskNote",
]
