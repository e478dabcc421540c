"""What goes in and out for call-ins (约谈)."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from toilet_api.kernel.fields import Day, LongText, Moment, Schema, ShortText, Text
from toilet_api.reporting.assessment.codes import CallInOutcome, CallInState, ListReason
from toilet_api.reporting.assessment.formula_schemas import HolderCode
from toilet_api.reporting.assessment.schemas import UnitCode
from toilet_api.survey.schemas import ID, AllowedActions, OptionalId, Patch, unset

_PLANNED: Any = {"title": "拟约谈时间", "examples": ["2026-12-21T09:30:00+08:00"]}
_CALLED: Any = {
    "title": "约谈对象",
    "description": "职务 / Who is asked to come, by post",
    "examples": ["乡长、分管副乡长"],
}
_PLACE: Any = {"title": "地点", "examples": ["县政府三楼会议室"]}
_NOTE: Any = {"title": "备注", "examples": ["请带整改台账"]}
_FilledText = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
_FilledLongText = Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True)]


class CallInReason(Schema):
    """约谈事由 / A reason for a call-in."""

    kind: ListReason | None = Field(None, title="名单规则", description="不因名单的不填 / null: not from a list")
    text: _FilledText = Field(title="事由", examples=["逾期 35 个，占 100 个问题的 35.0%，高于 30.0%"])


Reasons = Annotated[list[CallInReason], Field(min_length=1, max_length=30, title="约谈事由")]


class CallInNew(Schema):
    """拟约谈；填了考核的，事由取自其名单 / A planned call-in; with an assessment, its reasons come from its lists."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "division_code": "360423208",
                    "planned_at": "2026-12-21T09:30:00+08:00",
                    "place": "县政府三楼会议室",
                    "called": "乡长、分管副乡长",
                    "reasons": [{"text": "逾期 35 个，占 100 个问题的 35.0%，高于 30.0%"}],
                }
            ]
        }
    )

    id: OptionalId = None
    division_code: UnitCode
    campaign_id: UUID | None = Field(None, title="摸排行动编号")
    assessment_id: UUID | None = Field(None, title="考核编号", description="本级的考核 / One of your own level")
    planned_at: Moment = Field(**_PLANNED)
    place: Text | None = Field(None, **_PLACE)
    called: ShortText = Field(**_CALLED)
    reasons: Reasons | None = Field(
        None, description="不填即取考核名单的理由 / Left out: those of the assessment's lists"
    )
    note: LongText | None = Field(None, **_NOTE)


class CallInPatch(Patch):
    """修改未进行的约谈 / Changes a call-in that hasn't been held."""

    planned_at: Moment = Field(default_factory=unset, **_PLANNED)
    place: Text | None = Field(None, **_PLACE)
    called: ShortText = Field(default_factory=unset, **_CALLED)
    reasons: Reasons = Field(default_factory=unset)
    note: LongText | None = Field(None, **_NOTE)


class Attendee(Schema):
    """应到人员 / Somebody who was to be there."""

    name: ShortText = Field(title="姓名", examples=["乡镇管理员（演示）"])
    post: ShortText = Field(title="职务", examples=["副乡长"])
    unit: ShortText | None = Field(None, title="单位", examples=["示例乡人民政府"])
    present: bool = Field(title="到场", examples=[True])


class DemandNew(Schema):
    """整改要求 / What is demanded, and by when."""

    text: _FilledText = Field(title="要求", examples=["逾期问题全部整改到位并销号"])
    due_on: Day = Field(title="期限", description="最后一天 / The last day that is in time", examples=["2027-01-15"])


class Demand(DemandNew):
    """整改要求及落实情况 / A demand, and what came of it."""

    met: bool | None = Field(None, title="已落实", examples=[True])
    note: Text | None = Field(None, title="落实情况", examples=["已全部销号"])


class Held(Schema):
    """登记约谈 / What took place."""

    held_at: Moment = Field(title="约谈时间", examples=["2026-11-20T09:30:00+08:00"])
    attendance: list[Attendee] = Field(min_length=1, max_length=100, title="应到人员及到场情况")
    minutes: _FilledLongText = Field(title="纪要", examples=["通报逾期情况，明确整改要求和时限。"])
    demands: list[DemandNew] = Field(min_length=1, max_length=50, title="整改要求")


class DemandResult(Schema):
    """一条要求的落实情况 / What came of a demand."""

    met: bool = Field(title="已落实", examples=[True])
    note: Text | None = Field(None, title="落实情况", examples=["已全部销号"])


class FollowedUp(Schema):
    """登记落实结果 / What came of it."""

    outcome: CallInOutcome
    result: _FilledLongText = Field(title="落实结果", examples=["要求均已落实，逾期清零。"])
    demands: list[DemandResult] = Field(
        min_length=1,
        max_length=50,
        title="各条要求的落实情况",
        description="按要求的次序 / In the order of the demands",
    )


class CallInRow(Schema):
    """约谈 / A call-in."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: UnitCode
    division_name: str | None = Field(title="被约谈单位", examples=["示例乡"])
    called_by: HolderCode = Field(title="约谈单位区划代码")
    campaign_id: UUID | None = Field(title="摸排行动编号")
    assessment_id: UUID | None = Field(title="考核编号")
    state: CallInState
    planned_at: datetime = Field(title="拟约谈时间")
    place: str | None = Field(**_PLACE)
    called: str = Field(**_CALLED)
    reasons: list[CallInReason] = Field(title="约谈事由")
    note: str | None = Field(**_NOTE)
    held_at: datetime | None = Field(title="约谈时间")
    attendance: list[Attendee] = Field(title="应到人员及到场情况")
    minutes: str | None = Field(title="纪要", examples=["通报逾期情况，明确整改要求和时限。"])
    demands: list[Demand] = Field(title="整改要求")
    due_on: date | None = Field(title="最早的期限", examples=["2027-01-15"])
    outcome: CallInOutcome | None = Field(title="落实情况")
    result: str | None = Field(title="落实结果", examples=["要求均已落实，逾期清零。"])
    followed_up_at: datetime | None = Field(title="办结时间")
    cancel_reason: str | None = Field(title="取消理由", examples=["改为书面通报"])
    version: int = Field(title="版本", examples=[1])
    created_at: datetime = Field(title="登记时间")
    updated_at: datetime = Field(title="修改时间")
    allowed_actions: AllowedActions
