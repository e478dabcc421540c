"""What goes in and out for campaigns."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from toilet_api.kernel.fields import Day, Schema, ShortText, Text, Year
from toilet_api.survey.codes import CAUSES, CampaignState, Cause, Level
from toilet_api.survey.codes import Phase as PhaseCode
from toilet_api.survey.schemas import ID, AllowedActions, CountyCode, OptionalId, Patch, unset


class FixedDeadline(Schema):
    """固定日期 / On a fixed date."""

    kind: Literal["fixed"] = Field(title="规则")
    date: Day = Field(title="期限", description="最后一天 / The last day that is in time", examples=["2026-12-31"])


class DaysDeadline(Schema):
    """发现后若干日 / A number of days after the problem was found."""

    kind: Literal["days"] = Field(title="规则")
    days: int = Field(ge=0, le=3650, title="天数", examples=[7])


class TimetableDeadline(Schema):
    """另定时间表和路线图 / A timetable of its own, which a plan sets later."""

    kind: Literal["timetable"] = Field(title="规则")


DeadlineRule = Annotated[FixedDeadline | DaysDeadline | TimetableDeadline, Field(discriminator="kind")]


def _known_causes(rules: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(rules) - {entry.code for entry in CAUSES})
    if unknown:
        raise PydanticCustomError(
            "unknown_code",
            "unknown cause class: {names}",
            {"names": ", ".join(unknown), "expected": ", ".join(entry.code for entry in CAUSES)},
        )
    return rules


DeadlineRules = Annotated[
    dict[str, DeadlineRule],
    AfterValidator(_known_causes),
    Field(
        title="各类原因的整改期限",
        description="按原因分类；未列出的另定时间表（工作方案 四（三））/ By cause; others: a timetable",
        examples=[
            {
                "construction_quality": {"kind": "fixed", "date": "2026-12-31"},
                "product_quality": {"kind": "fixed", "date": "2026-12-31"},
                "technical_mode": {"kind": "timetable"},
                "small_defect": {"kind": "days", "days": 7},
            }
        ],
    ),
]
DocumentNumbers = Annotated[list[ShortText], Field(max_length=20, title="文号", examples=[["农办社〔2026〕4号"]])]


class Phase(Schema):
    """工作阶段及期限（工作方案 四（一）至（六））/ A phase of the campaign, with its deadline."""

    phase: PhaseCode
    starts_on: Day | None = Field(None, title="开始日期", examples=["2026-08-01"])
    due_on: Day | None = Field(None, title="截止日期", description="最后一天 / The last day", examples=["2026-08-31"])
    note: Text | None = Field(None, title="说明", examples=["整改方案于 8 月底前报县级审核备案"])


class AcceptanceShares(Schema):
    """各级验收比例（%）/ How much of the work each level checks, in percent (domain: township all, county a share)."""

    township: int = Field(100, ge=0, le=100, title="乡镇验收比例", examples=[100])
    county: int = Field(30, ge=0, le=100, title="县级复验比例", examples=[30])


def check_phases(phases: Sequence[Phase], survey_due: date | None) -> None:
    """Raises for a phase that stands twice, ends before it begins, or ends the survey on another day."""
    seen: set[str] = set()
    for one in phases:
        if one.phase in seen:
            raise _phase_fault(f"阶段 {one.phase} 重复", f"the phase {one.phase} stands twice")
        seen.add(one.phase)
        if one.starts_on and one.due_on and one.due_on < one.starts_on:
            raise _phase_fault(f"阶段 {one.phase} 截止日早于开始日", f"the phase {one.phase} ends before it begins")
        if one.phase == "survey" and survey_due and one.due_on and one.due_on != survey_due:
            raise _phase_fault(
                "摸排阶段的截止日与 survey_due 不一致", "the survey's phase ends on another day than survey_due"
            )


def _phase_fault(zh: str, en: str) -> Exception:
    return PydanticCustomError("phase_contradicts", "the phases contradict each other", {"bilingual": (zh, en)})


def _levels_in_order(levels: list[str]) -> list[str]:
    """Upward: the county verifies what the township has verified."""
    if sorted(set(levels)) != sorted(levels) or ("county" in levels and "township" not in levels):
        raise PydanticCustomError(
            "levels_contradict",
            "each level once; the county verifies after the township",
            {"bilingual": ("各级只写一次，县级核实须在乡镇核实之后", "each level once; the county after the township")},
        )
    return [level for level in ("township", "county") if level in levels]


def _causes_once(causes: list[str]) -> list[str]:
    if len(set(causes)) < len(causes):
        told = ("同一原因分类只能写一次", "each cause once")
        raise PydanticCustomError("cause_repeated", "each cause once", {"bilingual": told})
    return causes


Phases = Annotated[list[Phase], Field(max_length=20, title="工作阶段")]
AtOnceCauses = Annotated[
    list[Cause],
    AfterValidator(_causes_once),
    Field(
        max_length=10,
        title="立行立改的原因分类",
        description="不经方案即可整改（工作方案 一：立行立改）/ Mended at once, without a plan",
        examples=[["small_defect"]],
    ),
]
VerificationLevels = Annotated[
    list[Level],
    Field(
        max_length=2,
        title="须核实摸排的层级",
        description="列入方案和销号前须完成（工作方案 四（二）4）/ Verify a visit before plan and close-out",
        examples=[["township", "county"]],
    ),
    AfterValidator(_levels_in_order),  # after the list was measured, as it was sent
]


def _in_order(starts_on: date, survey_due: date) -> None:
    if survey_due < starts_on:
        raise PydanticCustomError(
            "dates_reversed",
            "survey_due lies before starts_on",
            {"bilingual": ("摸排截止日早于开始日", "survey_due lies before starts_on")},
        )


class CampaignNew(Schema):
    """新建摸排行动 / A new campaign."""

    id: OptionalId = None
    division_code: CountyCode
    name: ShortText = Field(title="名称", examples=["农村户厕问题摸排整改"])
    document_numbers: DocumentNumbers = Field(default_factory=list)
    cut_off_year: Year = Field(title="起始改厕年份", description="重点摸排该年以来改造的户厕 / Rebuilt since")
    starts_on: Day = Field(title="开始日期", examples=["2026-05-15"])
    survey_due: Day = Field(title="摸排截止日期", examples=["2026-07-31"])
    deadline_rules: DeadlineRules = Field(default_factory=dict)
    phases: Phases = Field(default_factory=list)
    at_once_causes: AtOnceCauses = Field(default_factory=lambda: ["small_defect"])
    verification_levels: VerificationLevels = Field(default_factory=lambda: ["township", "county"])
    acceptance_shares: AcceptanceShares = Field(default_factory=AcceptanceShares, title="各级验收比例")

    @model_validator(mode="after")
    def _dates(self) -> "CampaignNew":
        _in_order(self.starts_on, self.survey_due)
        check_phases(self.phases, self.survey_due)
        return self


class CampaignPatch(Patch):
    """修改摸排行动；期限规则改变时，未结问题期限随之重算 / Changed rules move the deadlines of live problems."""

    name: ShortText = Field(default_factory=unset, title="名称", examples=["农村户厕问题摸排整改"])
    document_numbers: DocumentNumbers = Field(default_factory=unset)
    cut_off_year: Year = Field(default_factory=unset, title="起始改厕年份")
    starts_on: Day = Field(default_factory=unset, title="开始日期")
    survey_due: Day = Field(default_factory=unset, title="摸排截止日期")
    deadline_rules: DeadlineRules = Field(default_factory=unset)
    phases: Phases = Field(default_factory=unset)
    at_once_causes: AtOnceCauses = Field(default_factory=unset)
    verification_levels: VerificationLevels = Field(default_factory=unset)
    acceptance_shares: AcceptanceShares = Field(default_factory=unset, title="各级验收比例")

    @model_validator(mode="after")
    def _phases(self) -> "CampaignPatch":
        if "phases" in self.model_fields_set:
            check_phases(self.phases, None)
        return self


class CampaignRow(Schema):
    """摸排行动 / A campaign."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: CountyCode
    name: str = Field(title="名称", examples=["农村户厕问题摸排整改"])
    document_numbers: list[str] = Field(title="文号", examples=[["农办社〔2026〕4号"]])
    cut_off_year: int = Field(title="起始改厕年份", examples=[2024])
    starts_on: date = Field(title="开始日期")
    survey_due: date = Field(title="摸排截止日期")
    deadline_rules: dict[str, DeadlineRule] = Field(title="各类原因的整改期限")
    phases: list[Phase] = Field(title="工作阶段")
    at_once_causes: list[str] = Field(title="立行立改的原因分类", examples=[["small_defect"]])
    verification_levels: list[str] = Field(title="须核实摸排的层级", examples=[["township", "county"]])
    acceptance_shares: AcceptanceShares = Field(title="各级验收比例")
    state: CampaignState
    opened_at: datetime | None = Field(title="开启时间")
    closed_at: datetime | None = Field(title="结束时间")
    version: int = Field(title="版本", examples=[1])
    created_at: datetime = Field(title="创建时间")
    updated_at: datetime = Field(title="修改时间")
    allowed_actions: AllowedActions
