"""What goes out for records of falsification."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from toilet_api.kernel.fields import DivisionCode, Schema
from toilet_api.oversight.codes import FalsificationState, SignedAs
from toilet_api.survey.schemas import ID, AllowedActions


class FalsificationRow(Schema):
    """弄虚作假记录 / Falsification, recorded against somebody who signed."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: DivisionCode
    village_name: str | None = Field(title="村", examples=["示例村委会"])
    township_name: str | None = Field(title="乡镇", examples=["示例乡"])
    problem_id: UUID = Field(title="问题编号")
    type_zh: str = Field(title="问题名称", examples=["化粪池（桶体）破裂"])
    sample_id: UUID | None = Field(
        title="抽查编号", description="上级组织的检查下级看不到 / null for a check of a level above"
    )
    sample_unit_id: UUID | None = Field(title="抽中记录编号")
    person_id: UUID = Field(title="人员编号")
    person_name: str = Field(title="人员", examples=["村摸排员（演示）"])
    signed_as: SignedAs
    statement: str = Field(title="事实", examples=["现场无化粪池，整改照片为他处所摄"])
    state: FalsificationState
    withdrawn_at: datetime | None = Field(title="撤回时间")
    withdrawn_reason: str | None = Field(title="撤回理由")
    version: int = Field(title="版本", examples=[1])
    created_at: datetime = Field(title="记录时间")
    created_by: UUID | None = Field(title="记录人编号")
    updated_at: datetime = Field(title="修改时间")
    allowed_actions: AllowedActions
