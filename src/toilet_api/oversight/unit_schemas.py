"""What goes in and out for the units of a sample and their checks."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from toilet_api.kernel.fields import DivisionCode, Reason, Schema, Text
from toilet_api.oversight.codes import CheckResult, SampleMode, Satisfaction, SignedAs
from toilet_api.survey.schemas import ID, AllowedActions
from toilet_api.survey.visit_schemas import PhotoIds


class UnitRow(Schema):
    """范围内的一个问题及其核查 / A closed problem of the frame, and its check."""

    id: UUID = Field(title="编号", examples=[ID])
    sample_id: UUID = Field(title="抽查编号")
    problem_id: UUID = Field(title="问题编号")
    division_code: DivisionCode
    village_name: str | None = Field(title="村", examples=["示例村委会"])
    township_name: str | None = Field(title="乡镇", examples=["示例乡"])
    township: str = Field(title="分层乡镇代码", description="抽取时 / As it was drawn", examples=["360423208"])
    mode: SampleMode
    contractor: str = Field(title="施工单位", examples=["示例建筑公司"])
    draw_key: str = Field(
        title="抽签值", description="SHA-256(种子:问题编号) / of seed:problem_id", examples=["00a1f3c2d4e5b697"]
    )
    selected: bool = Field(title="是否抽中", examples=[True])
    problem_type: str = Field(title="问题类型", examples=["tank_cracked"])
    type_zh: str = Field(title="问题名称", examples=["化粪池（桶体）破裂"])
    problem_state: str = Field(title="问题现状", examples=["closed"])
    closed_at: datetime | None = Field(title="最近销号时间")
    household_id: UUID | None = Field(title="农户编号")
    head_masked: str | None = Field(title="户主（脱敏）", examples=["张**"])
    toilet_id: UUID | None = Field(title="厕所编号")
    result: CheckResult | None = Field(title="核查结论")
    survey_true: bool | None = Field(title="排查是否属实")
    rectified_really: bool | None = Field(title="整改是否到位")
    closed_justified: bool | None = Field(title="销号是否合理")
    household_satisfaction: Satisfaction | None = Field(
        title="农户满意度", description="为空即未回访 / null: it wasn't asked", examples=["satisfied"]
    )
    note: str | None = Field(title="说明")
    photo_ids: list[UUID] = Field(title="照片")
    checked_at: datetime | None = Field(title="核查时间")
    checked_by: UUID | None = Field(title="核查人编号")
    checked_by_name: str | None = Field(title="核查人", examples=["省督导员（演示）"])
    falsifications: int = Field(title="弄虚作假记录数", examples=[0])
    allowed_actions: AllowedActions


class Against(Schema):
    """针对哪些签字人 / Against whom: everybody who signed in this part, or one of them."""

    signed_as: SignedAs
    person_id: UUID | None = Field(
        None, title="人员编号", description="不填即该身份的全部签字人 / Left out: all of them"
    )


class Accusation(Schema):
    """弄虚作假 / Falsification, recorded against whoever signed."""

    statement: Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)] = Field(
        title="事实", examples=["现场无化粪池，整改照片为他处所摄"]
    )
    against: list[Against] | None = Field(
        None, min_length=1, max_length=20, title="针对", description="不填即全部签字人 / Left out: everybody who signed"
    )


class Check(Schema):
    """核查结论 / The result of a check on site."""

    result: CheckResult
    survey_true: bool | None = Field(None, title="排查是否属实", examples=[True])
    rectified_really: bool | None = Field(None, title="整改是否到位", examples=[True])
    closed_justified: bool | None = Field(None, title="销号是否合理", examples=[True])
    household_satisfaction: Satisfaction | None = Field(
        None,
        title="农户满意度",
        description="入户或电话回访时农户的回答，不改变核查结论；考核以最近一次回答为准 / What it answers, on site or"
        " by telephone; it doesn't change the result, and an assessment counts the latest answer",
        examples=["satisfied"],
    )
    note: Text | None = Field(
        None,
        title="说明",
        description="不属实、无法核查的必填 / Needed unless it is upheld",
        examples=["现场可正常使用，农户认可"],
    )
    photo_ids: PhotoIds = Field(default_factory=list)
    falsification: Accusation | None = Field(None, title="弄虚作假")
    recheck: bool = Field(False, title="更正已有结论", examples=[False])
    reason: Reason | None = Field(None, title="更正理由", description="recheck 时必填 / Needed for a recheck")
