"""What goes in and out for the problem ledger."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from toilet_api.kernel.fields import DivisionCode, LongText, Moment, Schema
from toilet_api.survey.codes import Cause, DeadlineSource, Group, ProblemClass, ProblemState
from toilet_api.survey.schemas import ID, AllowedActions, OptionalId, Patch, unset
from toilet_api.survey.visit_schemas import PhotoIds


class WorkProblemNew(Schema):
    """登记工作推进中的问题（村或乡镇）/ A problem in the work itself, at a village or township."""

    id: OptionalId = None
    division_code: DivisionCode = Field(description="9 位乡镇或 12 位村代码 / A township or a village")
    problem_type: str = Field(min_length=1, max_length=60, title="问题类型", examples=["no_upkeep_mechanism"])
    description: LongText | None = Field(None, title="说明", examples=["管护员未落实，粪污满了无人掏"])
    found_at: Moment | None = Field(None, title="发现时间", description="不填即现在 / Left out: now")
    photo_ids: PhotoIds = Field(default_factory=list)


class ProblemPatch(Patch):
    """修改未结问题；改原因分类会按行动规则重算期限 / A changed cause sets the deadline anew, by the campaign's rule."""

    description: LongText | None = Field(None, title="说明")
    cause: Cause = Field(default_factory=unset)
    photo_ids: PhotoIds = Field(default_factory=unset)


class ProblemRow(Schema):
    """台账中的问题 / A problem of the ledger."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: DivisionCode
    village_name: str | None = Field(title="村", examples=["示例村委会"])
    township_name: str | None = Field(title="乡镇", examples=["示例乡"])
    campaign_id: UUID = Field(title="摸排行动编号")
    problem_class: ProblemClass
    problem_type: str = Field(title="问题类型", examples=["tank_cracked"])
    type_zh: str = Field(title="问题名称", examples=["化粪池（桶体）破裂"])
    type_en: str = Field(title="问题名称（英文）", examples=["Tank is cracked"])
    problem_group: Group
    cause: Cause
    state: ProblemState
    found_at: datetime = Field(title="发现时间")
    deadline: date | None = Field(
        title="整改期限", description="北京时间；为空即另定时间表 / null: a timetable of its own"
    )
    overdue: bool = Field(title="是否逾期", description="由期限与今天得出 / Computed from the deadline and today")
    household_id: UUID | None = Field(title="农户编号")
    head_masked: str | None = Field(title="户主（脱敏）", examples=["张**"])
    toilet_id: UUID | None = Field(title="厕所编号")
    toilet_mode: str | None = Field(title="改厕模式", examples=["three_compartment"])
    built_year: int | None = Field(title="改厕年份", examples=[2024])
    led_by: str | None = Field(title="牵头部门", examples=["health"])
    visit_id: UUID | None = Field(title="摸排编号")
    visit_state: str | None = Field(title="摸排核实状态", examples=["township_verified"])
    description: str | None = Field(title="说明")
    photo_ids: list[UUID] = Field(title="照片")
    dismissed_at: datetime | None = Field(title="撤销时间")
    dismissed_reason: str | None = Field(title="撤销理由")
    deadline_source: DeadlineSource
    task_id: UUID | None = Field(title="整改任务编号", description="为空即尚未安排 / null: nobody is charged with it")
    accepted_at: datetime | None = Field(title="验收时间")
    accepted_level: str | None = Field(title="验收层级", examples=["township"])
    closed_at: datetime | None = Field(title="销号时间")
    close_out_id: UUID | None = Field(title="销号记录编号")
    reopenings: int = Field(title="重新打开次数", examples=[0])
    reopened_at: datetime | None = Field(title="最近重新打开时间")
    reopen_reason: str | None = Field(title="最近重新打开的理由")
    version: int = Field(title="版本", examples=[1])
    created_at: datetime = Field(title="登记时间")
    updated_at: datetime = Field(title="修改时间")
    allowed_actions: AllowedActions
