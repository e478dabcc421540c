"""What goes in and out for postponements."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from toilet_api.kernel.fields import Day, DivisionCode, Reason, Schema
from toilet_api.rectification.codes import PostponementState, TaskState
from toilet_api.survey.schemas import ID, AllowedActions, OptionalId


class PostponementNew(Schema):
    """申请延期，由县级审批 / A request to postpone a task; the county decides."""

    id: OptionalId = None
    to_due: Day = Field(
        title="申请的新期限",
        description="最后一天；须晚于今天和现期限 / The last day in time; later than today and the present one",
        examples=["2027-03-31"],
    )
    reason: Reason


class Grant(Schema):
    """同意延期 / A grant."""

    reason: Reason | None = Field(None, title="审批意见", examples=["雨季无法施工，同意"])


class Refusal(Schema):
    """不同意延期，须写明理由 / A refusal, with its reason."""

    reason: Reason


class PostponementRow(Schema):
    """延期申请 / A request to postpone a task."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: DivisionCode
    village_name: str | None = Field(title="村", examples=["示例村委会"])
    township_name: str | None = Field(title="乡镇", examples=["示例乡"])
    campaign_id: UUID = Field(title="摸排行动编号")
    task_id: UUID = Field(title="整改任务编号")
    task_state: TaskState
    task_due_on: date | None = Field(title="任务现期限", description="北京时间 / As it is now")
    problem_id: UUID = Field(title="问题编号")
    problem_type: str = Field(title="问题类型", examples=["tank_cracked"])
    type_zh: str = Field(title="问题名称", examples=["化粪池（桶体）破裂"])
    state: PostponementState
    from_due: date | None = Field(title="申请时的期限", description="为空即当时未定 / null: there was none then")
    to_due: date = Field(title="申请的新期限", examples=["2027-03-31"])
    reason: str = Field(title="申请理由", examples=["雨季无法施工"])
    requested_by: UUID | None = Field(title="申请人编号")
    requested_by_name: str = Field(title="申请人", examples=["乡镇管理员"])
    decided_at: datetime | None = Field(title="审批时间")
    decided_by: UUID | None = Field(title="审批人编号")
    decided_by_name: str | None = Field(title="审批人", examples=["县级审核员"])
    decision_reason: str | None = Field(title="审批意见")
    version: int = Field(title="版本", examples=[1])
    created_at: datetime = Field(title="申请时间")
    updated_at: datetime = Field(title="修改时间")
    allowed_actions: AllowedActions
