"""What goes in and out for tasks, their progress notes, and what is mended at once."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from toilet_api.kernel.fields import DivisionCode, Fen, Schema, ShortText, Text
from toilet_api.rectification.codes import Stage, TaskPath, TaskState
from toilet_api.survey.codes import Cause, ProblemClass, ProblemState
from toilet_api.survey.schemas import ID, AllowedActions, OptionalId, Patch, unset
from toilet_api.survey.visit_schemas import PhotoIds

Measure = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000, strip_whitespace=True),
    Field(title="整改措施", description="怎样整改 / What is to be done", examples=["更换破裂的第二池，重新做渗漏试验"]),
]
_PERSON = "工作人员姓名，不是农户 / Of an official or worker, never of a household"
_ACCOUNT = (
    "该账号的授权须含本地；此人此后不得验收"
    " / An account whose grant covers the place; whoever it names may not accept the work"
)


class AtOnce(Schema):
    """立行立改：安排并当场开工 / Mended at once: somebody is charged with it, and begins."""

    id: OptionalId = None
    measure: Measure
    responsible_person: ShortText | None = Field(None, title="责任人", description=_PERSON, examples=["李工"])
    responsible_unit: ShortText | None = Field(None, title="责任单位", examples=["示例村委会"])
    contractor: ShortText | None = Field(None, title="施工单位", examples=["示例建筑工程队"])
    cost_fen: Fen | None = Field(None, title="预计费用（分）")


class TaskPatch(Patch):
    """安排整改任务；期限只由方案或批准的延期改变 / Its due date is the plan's, or a postponement's, to change."""

    measure: Measure = Field(default_factory=unset)
    timetable: Text | None = Field(None, title="时间表、路线图", examples=["9 月完成选址，10 月底前完工"])
    responsible_person: ShortText | None = Field(None, title="责任人", description=_PERSON, examples=["李工"])
    responsible_unit: ShortText | None = Field(None, title="责任单位", examples=["示例村委会"])
    responsible_user_id: UUID | None = Field(None, title="责任人账号编号", description=_ACCOUNT)
    contractor: ShortText | None = Field(None, title="施工单位", examples=["示例建筑工程队"])
    cost_fen: Fen | None = Field(None, title="预计费用（分）")


class TaskSubmission(Schema):
    """报请验收 / The work is done; to be accepted."""

    actual_cost_fen: Fen | None = Field(None, title="实际费用（分）")
    note: Text | None = Field(
        None, min_length=1, title="说明", description="存为一条进展 / Kept as a note", examples=["已完工并试水"]
    )


class TaskNoteNew(Schema):
    """登记进展；附照片须写明阶段 / A progress note; photos need their stage."""

    id: OptionalId = None
    text: Text = Field(min_length=1, title="进展", examples=["新池已安装，待回填"])
    percent: int | None = Field(None, ge=0, le=100, title="完成比例（%）", examples=[60])
    stage: Stage | None = Field(None, examples=["after"])
    photo_ids: PhotoIds = Field(default_factory=list)


class TaskNoteRow(Schema):
    """一条进展，不再更改 / A progress note; never changed."""

    id: UUID = Field(title="编号", examples=[ID])
    task_id: UUID = Field(title="整改任务编号", examples=[ID])
    noted_at: datetime = Field(title="登记时间")
    noted_by: UUID = Field(title="登记人编号")
    noted_by_name: str = Field(title="登记人", examples=["摸排员"])
    text: str = Field(title="进展", examples=["新池已安装，待回填"])
    percent: int | None = Field(title="完成比例（%）", examples=[60])
    stage: str | None = Field(title="照片阶段", examples=["during"])
    photo_ids: list[UUID] = Field(title="照片")


class TaskRow(Schema):
    """整改任务 / The work on one problem."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: DivisionCode
    village_name: str | None = Field(title="村", examples=["示例村委会"])
    township_name: str | None = Field(title="乡镇", examples=["示例乡"])
    campaign_id: UUID = Field(title="摸排行动编号")
    problem_id: UUID = Field(title="问题编号")
    problem_class: ProblemClass
    problem_type: str = Field(title="问题类型", examples=["tank_cracked"])
    type_zh: str = Field(title="问题名称", examples=["化粪池（桶体）破裂"])
    type_en: str = Field(title="问题名称（英文）", examples=["Tank is cracked"])
    cause: Cause
    problem_state: ProblemState
    household_id: UUID | None = Field(title="农户编号")
    head_masked: str | None = Field(title="户主（脱敏）", examples=["张**"])
    toilet_id: UUID | None = Field(title="厕所编号")
    toilet_mode: str | None = Field(title="改厕模式", examples=["three_compartment"])
    plan_id: UUID | None = Field(title="整改方案编号", description="立行立改的没有 / None when mended at once")
    path: TaskPath
    attempt: int = Field(
        title="第几次", description="重新打开的问题再有一个任务 / A reopened problem gets another", examples=[1]
    )
    state: TaskState
    measure: str = Field(title="整改措施", examples=["更换破裂的第二池，重新做渗漏试验"])
    timetable: str | None = Field(title="时间表、路线图")
    responsible_person: str | None = Field(title="责任人", description=_PERSON, examples=["李工"])
    responsible_unit: str | None = Field(title="责任单位", examples=["示例村委会"])
    responsible_user_id: UUID | None = Field(title="责任人账号编号")
    contractor: str | None = Field(title="施工单位", examples=["示例建筑工程队"])
    due_on: date | None = Field(title="完成期限", description="北京时间，最后一天 / The last day that is in time")
    overdue: bool = Field(title="是否逾期", description="由期限与今天得出 / Computed from due_on and today")
    cost_fen: int | None = Field(title="预计费用（分）", examples=[200000])
    actual_cost_fen: int | None = Field(title="实际费用（分）", examples=[185000])
    percent: int | None = Field(
        title="完成比例（%）", description="最近一次登记的 / As last noted", examples=[60], ge=0, le=100
    )
    started_at: datetime | None = Field(title="开工时间")
    submitted_at: datetime | None = Field(title="报请验收时间")
    submitted_by: UUID | None = Field(title="报请人编号")
    accepted_at: datetime | None = Field(title="验收合格时间")
    cancelled_at: datetime | None = Field(title="取消时间")
    cancel_reason: str | None = Field(title="取消理由")
    redos: int = Field(title="返工次数", examples=[0])
    redo_reason: str | None = Field(title="最近返工理由")
    photos_before: list[UUID] = Field(title="整改前照片")
    photos_during: list[UUID] = Field(title="整改中照片")
    photos_after: list[UUID] = Field(title="整改后照片")
    worker_ids: list[UUID] = Field(
        title="参与整改人员编号", description="不得验收此任务 / None of them may accept the work"
    )
    version: int = Field(title="版本", examples=[1])
    created_at: datetime = Field(title="创建时间")
    updated_at: datetime = Field(title="修改时间")
    allowed_actions: AllowedActions
