"""The types of record that the change feed tells of: who may read each, and how it is shown.

A type is shown by the very select of its list, so that a field means the same in both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Select, Text, Uuid, case, func, select
from sqlmodel import col

from toilet_api.accounts import reading
from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission
from toilet_api.accounts.schemas import Client, User
from toilet_api.accounts.tables import Principal
from toilet_api.divisions import schemas as divisions
from toilet_api.divisions import views as division_views
from toilet_api.divisions.tables import Division
from toilet_api.exchange.imports.synonym_schemas import SynonymRow
from toilet_api.exchange.imports.synonym_tables import ImportSynonym
from toilet_api.exchange.imports.synonyms import synonym_select
from toilet_api.kernel.codes import Code, code_list
from toilet_api.kernel.fields import now
from toilet_api.oversight.falsification_schemas import FalsificationRow
from toilet_api.oversight.falsifications import falsification_select
from toilet_api.oversight.sample_schemas import SampleRow
from toilet_api.oversight.sample_views import sample_select
from toilet_api.oversight.tables import Falsification, Sample
from toilet_api.rectification.acceptance_schemas import AcceptanceRow
from toilet_api.rectification.acceptance_views import acceptance_select
from toilet_api.rectification.checklist_schemas import ChecklistRow
from toilet_api.rectification.checklists import checklist_select
from toilet_api.rectification.close_out_schemas import CloseOutRow
from toilet_api.rectification.close_out_views import close_out_select
from toilet_api.rectification.plan_schemas import PlanRow
from toilet_api.rectification.plan_views import plan_select
from toilet_api.rectification.postponement_schemas import PostponementRow
from toilet_api.rectification.postponement_views import postponement_select
from toilet_api.rectification.tables import Acceptance, Checklist, CloseOut, Plan, Postponement, Task, TaskNote
from toilet_api.rectification.task_schemas import TaskNoteRow, TaskRow
from toilet_api.rectification.task_views import task_select
from toilet_api.registry import schemas as registry
from toilet_api.registry import views as registry_views
from toilet_api.registry.tables import Household, Toilet
from toilet_api.reporting.assessment.assessment_views import assessment_select
from toilet_api.reporting.assessment.call_in_schemas import CallInRow
from toilet_api.reporting.assessment.call_ins import call_in_select
from toilet_api.reporting.assessment.formula_schemas import FormulaRow
from toilet_api.reporting.assessment.formulas import formula_select
from toilet_api.reporting.assessment.schemas import AssessmentRow
from toilet_api.reporting.assessment.tables import Assessment, AssessmentFormula, CallIn
from toilet_api.reporting.reports.schemas import ReportRow
from toilet_api.reporting.reports.tables import Report
from toilet_api.reporting.reports.views import report_select
from toilet_api.survey.actions import remembered
from toilet_api.survey.campaign_schemas import CampaignRow
from toilet_api.survey.campaigns import campaign_select
from toilet_api.survey.catalogue import type_select
from toilet_api.survey.ledger_schemas import ProblemRow
from toilet_api.survey.ledger_views import ledger_select
from toilet_api.survey.schemas import AttachmentOut, ProblemTypeRow
from toilet_api.survey.tables import Attachment, Campaign, CatalogueType, LedgerProblem, Visit
from toilet_api.survey.visit_schemas import VisitRow
from toilet_api.survey.visit_views import visit_select

Build = Callable[[Caller, date], Select[Any]]


@dataclass(frozen=True, slots=True)
class Shown:
    """How records are shown: the select of their list, for a caller and a day in Shanghai, without removed ones."""

    schema: type[BaseModel]
    build: Build


@dataclass(frozen=True, slots=True)
class Subject:
    """A type of record. `key` tells the records apart; a division is known by its code, all else by its id."""

    name: str
    zh: str
    en: str
    permission: Permission
    key: Any
    shown: tuple[Shown, ...]
    from_above: bool = False
    """A level's own, which is read in the divisions below it too."""
    told_below: tuple[str, ...] = ()
    """What makes a draft visible below; until then nobody below hears of it. Empty: there are no drafts."""

    @property
    def key_type(self) -> Any:
        """The SQL type of the key."""
        return Text() if self.name == "division" else Uuid()


@remembered
def _households(caller: Caller, _: date) -> Select[Any]:
    rows = select(*registry_views.household_columns(caller)).where(col(Household.removed_at).is_(None))
    return caller.scope.narrow(rows, col(Household.division_code))


@remembered
def _toilets(caller: Caller, _: date) -> Select[Any]:
    rows = select(*registry_views.toilet_columns(caller)).where(col(Toilet.removed_at).is_(None))
    return caller.scope.narrow(rows, col(Toilet.division_code))


@remembered
def _notes(caller: Caller, _: date) -> Select[Any]:
    rows = select(*(getattr(TaskNote, name).label(name) for name in TaskNoteRow.model_fields))
    return caller.scope.narrow(rows, col(TaskNote.division_code))


@remembered
def _attachments(caller: Caller, _: date) -> Select[Any]:
    place = func.jsonb_build_object(
        "longitude", col(Attachment.longitude), "latitude", col(Attachment.latitude), "system", "wgs84"
    )
    made: dict[str, Any] = {
        "gps": case((col(Attachment.longitude).is_not(None), place)),
        "content_url": func.concat("/api/v1/attachments/", col(Attachment.id), "/content"),
    }
    columns = [
        (made[name] if name in made else getattr(Attachment, name)).label(name) for name in AttachmentOut.model_fields
    ]
    rows = select(*columns).where(col(Attachment.removed_at).is_(None))
    return caller.scope.narrow(rows, col(Attachment.division_code))


def _users(caller: Caller, _: date) -> Select[Any]:
    return reading.accounts(caller, "person").where(col(Principal.removed_at).is_(None))


def _clients(caller: Caller, _: date) -> Select[Any]:
    return reading.accounts(caller, "client").where(col(Principal.removed_at).is_(None))


def _divisions(_: Caller, __: date) -> Select[Any]:
    return division_views.rows().where(col(Division.valid_to).is_(None))


def _reports(caller: Caller, _: date) -> Select[Any]:
    return report_select(caller, now())  # what is missing is so of this very moment


def _dateless(build: Callable[[Caller], Select[Any]]) -> Build:
    return lambda caller, _: build(caller)


_P = Permission
_PUBLISHED = ("published", "superseded")
_ALL = (
    Subject(
        "household",
        "农户",
        "households",
        _P.HOUSEHOLD_READ,
        col(Household.id),
        (Shown(registry.Household, _households),),
    ),
    Subject("toilet", "户厕", "toilets", _P.HOUSEHOLD_READ, col(Toilet.id), (Shown(registry.Toilet, _toilets),)),
    Subject(
        "visit", "摸排记录", "survey visits", _P.VISIT_READ, col(Visit.id), (Shown(VisitRow, _dateless(visit_select)),)
    ),
    Subject(
        "problem",
        "问题",
        "problems of the ledger",
        _P.PROBLEM_READ,
        col(LedgerProblem.id),
        (Shown(ProblemRow, ledger_select),),
    ),
    Subject("plan", "整改方案", "rectification plans", _P.PLAN_READ, col(Plan.id), (Shown(PlanRow, plan_select),)),
    Subject("task", "整改任务", "rectification tasks", _P.TASK_READ, col(Task.id), (Shown(TaskRow, task_select),)),
    Subject(
        "task_note",
        "整改进展",
        "progress notes of tasks",
        _P.TASK_READ,
        col(TaskNote.id),
        (Shown(TaskNoteRow, _notes),),
    ),
    Subject(
        "postponement",
        "延期申请",
        "requests for postponement",
        _P.TASK_READ,
        col(Postponement.id),
        (Shown(PostponementRow, _dateless(postponement_select)),),
    ),
    Subject(
        "acceptance",
        "验收",
        "acceptances",
        _P.ACCEPTANCE_READ,
        col(Acceptance.id),
        (Shown(AcceptanceRow, _dateless(acceptance_select)),),
    ),
    Subject(
        "close_out",
        "销号记录",
        "close-outs",
        _P.PROBLEM_READ,
        col(CloseOut.id),
        (Shown(CloseOutRow, _dateless(close_out_select)),),
    ),
    Subject(
        "attachment",
        "照片附件",
        "photos and signatures, without their bytes",
        _P.ATTACHMENT_READ,
        col(Attachment.id),
        (Shown(AttachmentOut, _attachments),),
    ),
    Subject(
        "sample",
        "复核抽查",
        "reviews and spot checks",
        _P.SAMPLE_READ,
        col(Sample.id),
        (Shown(SampleRow, _dateless(sample_select)),),
    ),
    Subject(
        "falsification",
        "弄虚作假记录",
        "records of falsification",
        _P.SAMPLE_READ,
        col(Falsification.id),
        (Shown(FalsificationRow, _dateless(falsification_select)),),
    ),
    Subject("report", "定期报表", "periodic reports", _P.REPORT_READ, col(Report.id), (Shown(ReportRow, _reports),)),
    Subject(
        "assessment_formula",
        "考核办法",
        "formulas of assessment",
        _P.ASSESSMENT_READ,
        col(AssessmentFormula.id),
        (Shown(FormulaRow, _dateless(formula_select)),),
        from_above=True,
        told_below=_PUBLISHED,
    ),
    Subject(
        "assessment",
        "考核",
        "assessments, without their lines",
        _P.ASSESSMENT_READ,
        col(Assessment.id),
        (Shown(AssessmentRow, _dateless(assessment_select)),),
        from_above=True,
        told_below=_PUBLISHED,
    ),
    Subject(
        "call_in", "约谈", "call-ins", _P.CALL_IN_READ, col(CallIn.id), (Shown(CallInRow, _dateless(call_in_select)),)
    ),
    Subject(
        "campaign",
        "摸排行动",
        "campaigns",
        _P.CAMPAIGN_READ,
        col(Campaign.id),
        (Shown(CampaignRow, _dateless(campaign_select)),),
        from_above=True,
    ),
    Subject(
        "problem_type",
        "问题类型",
        "types of problems",
        _P.PROBLEM_READ,
        col(CatalogueType.id),
        (Shown(ProblemTypeRow, _dateless(type_select)),),
        from_above=True,
    ),
    Subject(
        "checklist",
        "验收清单",
        "checklists",
        _P.ACCEPTANCE_READ,
        col(Checklist.id),
        (Shown(ChecklistRow, _dateless(checklist_select)),),
        from_above=True,
    ),
    Subject(
        "import_synonym",
        "表头词",
        "headings of ledgers",
        _P.IMPORT_CREATE,
        col(ImportSynonym.id),
        (Shown(SynonymRow, _dateless(synonym_select)),),
        from_above=True,
    ),
    Subject(
        "principal",
        "账号",
        "accounts of people and systems",
        _P.ACCOUNT_READ,
        col(Principal.id),
        (Shown(User, _users), Shown(Client, _clients)),
    ),
    Subject(
        "division",
        "区划",
        "divisions",
        _P.DIVISION_READ,
        col(Division.code),
        (Shown(divisions.DivisionRow, _divisions),),
    ),
)
SUBJECTS: dict[str, Subject] = {one.name: one for one in _ALL}
CHANGE_TYPES = code_list(
    "change_type", "记录类型", "Type of a record", [Code(one.name, one.zh, one.en) for one in SUBJECTS.values()]
)


def shown_as(subject: Subject) -> str:
    """The names of the schemas that its records have, for the documentation."""
    return "、".join(f"`{one.schema.__name__}`" for one in subject.shown)
