"""What goes in and out for acceptances."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from toilet_api.kernel.fields import Day, DivisionCode, Moment, Reason, Schema, ShortText, Text
from toilet_api.rectification.checklist_schemas import Value
from toilet_api.rectification.codes import AcceptanceLevel, AcceptanceState, ItemKind, Outcome, PanelSide
from toilet_api.survey.codes import ProblemState
from toilet_api.survey.schemas import ID, AllowedActions, OptionalId, Patch, unset
from toilet_api.survey.visit_schemas import PhotoIds


class PanelMemberIn(Schema):
    """验收组成员：填 user_id，或填 name 和 unit（专家、村干部等无账号者）/ By account, or by name and unit."""

    user_id: UUID | None = Field(
        None, title="用户编号", description="见 GET /panel-candidates / Of a person with an account", examples=[ID]
    )
    name: ShortText | None = Field(None, title="姓名", description="无账号者填 / Of one without", examples=["李工"])
    unit: ShortText | None = Field(None, title="单位", description="无账号者填 / Of one without", examples=["县水利局"])

    @model_validator(mode="after")
    def _one_way(self) -> "PanelMemberIn":
        guest = self.name is not None and self.unit is not None
        if (self.user_id is not None) == guest or (self.user_id is not None and (self.name or self.unit)):
            told = ("须填 user_id，或填 name 和 unit", "give user_id, or both name and unit")
            raise PydanticCustomError("member_unclear", told[1], {"bilingual": told})
        return self


_PanelIn = Annotated[
    list[PanelMemberIn],
    Field(
        min_length=1,
        max_length=20,
        title="验收组",
        description="至少一名县级和一名乡镇成员，不得参与过整改 / Of county and township, none of who did the work",
        examples=[[{"user_id": ID}, {"name": "李工", "unit": "县水利局"}]],
    ),
]
_ProblemIds = Annotated[
    list[UUID],
    Field(
        min_length=1,
        max_length=60,
        title="问题编号",
        description="同一厕所的问题，或同一地点的工作推进问题 / Of one toilet, or in the work at one place",
        examples=[[ID]],
    ),
]
_PlannedOn = Annotated[Day | None, Field(title="计划验收日期", examples=["2026-09-10"])]


class AcceptanceNew(Schema):
    """新建验收 / A new acceptance."""

    id: OptionalId = None
    level: AcceptanceLevel
    problem_ids: _ProblemIds
    panel: _PanelIn
    planned_on: _PlannedOn = None


class AcceptancePatch(Patch):
    """修改待办的验收；panel、problem_ids 整体替换 / Changes an open acceptance; panel and problems as a whole."""

    problem_ids: _ProblemIds = Field(default_factory=unset)
    panel: _PanelIn = Field(default_factory=unset)
    planned_on: _PlannedOn = None


class ResultIn(Schema):
    """检查结果 / The result of an item."""

    code: str = Field(min_length=1, max_length=60, title="检查项代码", examples=["effective_volume"])
    passed: bool | None = Field(
        None, title="是否合格", description="测量项由限值判定，可不填 / Of a measure the bounds decide"
    )
    value: Value | None = Field(None, title="测得值", description="测量项必填 / Needed for a measure", examples=[1.6])
    note: Text | None = Field(None, title="说明", examples=["满水 24 小时无渗漏"])


class PanelSignature(Schema):
    """成员签名，由本人上传 / The signature of a member, uploaded by that member."""

    user_id: UUID = Field(title="用户编号", examples=[ID])
    attachment_id: UUID = Field(title="签名附件编号", examples=[ID])


class Redo(Schema):
    """返工的问题 / A problem that is to be done again."""

    problem_id: UUID = Field(title="问题编号", examples=[ID])
    redo: Reason | None = Field(
        None, title="返工内容", description="不填即总的理由 / Left out: the reason", examples=["第二池底部重新防渗"]
    )
    redo_due: Day | None = Field(
        None, title="返工期限", description="不填则任务期限不变 / Left out: as it is", examples=["2026-09-30"]
    )


class Decision(Schema):
    """判定合格 / Everything passes."""

    checked_at: Moment | None = Field(
        None, title="现场验收时间", description="不填即现在；不早于报验 / Left out: now; not before the work was done"
    )
    results: list[ResultIn] = Field(max_length=100, title="逐项结果", description="必检项不可缺 / Each required item")
    signatures: list[PanelSignature] = Field(
        default_factory=list,
        max_length=20,
        title="成员签名",
        description="县级、乡镇成员各至少一人 / One of the county and one of the township at least",
    )
    photo_ids: PhotoIds = Field(default_factory=list)
    note: Text | None = Field(None, title="备注", examples=["农户在场"])


class PartialDecision(Decision):
    """判定部分合格 / Passes in part: what `redo` names is done again, the rest is accepted."""

    reason: Reason
    redo: list[Redo] = Field(min_length=1, max_length=60, title="返工的问题")


class FailedDecision(Decision):
    """判定不合格，全部返工 / Fails: everything is done again."""

    reason: Reason
    redo: list[Redo] = Field(
        default_factory=list, max_length=60, title="返工内容", description="未列出的问题用总的理由 / Else: the reason"
    )


class PanelMember(Schema):
    """验收组成员 / A member of a panel."""

    user_id: UUID | None = Field(title="用户编号", description="为空即无账号 / null: without an account")
    name: str = Field(title="姓名", examples=["王审核"])
    unit: str | None = Field(title="单位", examples=["武宁县"])
    side: PanelSide


class PanelCandidate(Schema):
    """可任验收组成员的人员 / Somebody who may sit on a panel."""

    user_id: UUID = Field(title="用户编号", examples=[ID])
    name: str = Field(title="姓名", examples=["王审核"])
    side: PanelSide
    roles: list[str] = Field(title="角色", examples=[["county_reviewer"]])


class ResultOut(Schema):
    """检查项及其结果 / An item of the checklist with its result."""

    code: str = Field(title="检查项代码", examples=["effective_volume"])
    zh: str = Field(title="中文名称", examples=["化粪池有效容积"])
    en: str = Field(title="英文名称", examples=["Effective volume of the tank"])
    kind: ItemKind
    unit: str | None = Field(title="单位", examples=["m3"])
    min: float | None = Field(title="下限", examples=[1.5])
    max: float | None = Field(title="上限", examples=[10.0])
    veto: bool = Field(title="一票否决")
    required: bool = Field(title="必检")
    source: str = Field(title="出处", examples=["GB/T 38836-2020 农村三格式户厕建设技术规范"])
    passed: bool | None = Field(title="是否合格", description="为空即未填或不适用 / null: not filled in, or n/a")
    value: float | None = Field(title="测得值", examples=[1.6])
    note: str | None = Field(title="说明")


class AcceptedProblem(Schema):
    """验收中的问题及结论 / A problem in an acceptance, and what became of it."""

    problem_id: UUID = Field(title="问题编号", examples=[ID])
    problem_type: str = Field(title="问题类型", examples=["tank_cracked"])
    type_zh: str = Field(title="问题名称", examples=["化粪池（桶体）破裂"])
    state: ProblemState
    task_id: UUID = Field(title="整改任务编号", examples=[ID])
    outcome: Outcome | None = Field(title="结论", description="为空即未判定 / null: not decided")
    redo: str | None = Field(title="返工内容")
    redo_due: date | None = Field(title="返工期限")


class AcceptanceRow(Schema):
    """验收（列表）/ An acceptance in a list."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: DivisionCode
    village_name: str | None = Field(title="村", examples=["示例村委会"])
    township_name: str | None = Field(title="乡镇", examples=["示例乡"])
    campaign_id: UUID = Field(title="摸排行动编号")
    household_id: UUID | None = Field(title="农户编号")
    head_masked: str | None = Field(title="户主（脱敏）", examples=["张**"])
    toilet_id: UUID | None = Field(title="厕所编号")
    toilet_mode: str | None = Field(title="改厕模式", examples=["three_compartment"])
    level: AcceptanceLevel
    state: AcceptanceState
    problem_ids: list[UUID] = Field(title="问题编号", examples=[[ID]])
    checklist_id: UUID = Field(title="验收清单编号", description="所用版次 / The edition that it goes by")
    planned_on: date | None = Field(title="计划验收日期")
    checked_at: datetime | None = Field(title="现场验收时间")
    decided_at: datetime | None = Field(title="判定时间")
    reason: str | None = Field(
        title="理由", description="不合格、部分合格或取消的理由 / Why it failed or was cancelled"
    )
    version: int = Field(title="版本", examples=[1])
    updated_at: datetime = Field(title="修改时间")
    allowed_actions: AllowedActions


class AcceptanceOut(AcceptanceRow):
    """验收 / An acceptance."""

    panel: list[PanelMember] = Field(title="验收组")
    problems: list[AcceptedProblem] = Field(title="问题及结论")
    results: list[ResultOut] = Field(title="逐项结果", description="含未填的检查项 / Items without a result too")
    signatures: list[PanelSignature] = Field(title="成员签名")
    photo_ids: list[UUID] = Field(title="照片")
    note: str | None = Field(title="备注")
    decided_by: UUID | None = Field(title="判定人编号")
    cancelled_at: datetime | None = Field(title="取消时间")
    created_by: UUID | None = Field(title="创建人编号")
    created_at: datetime = Field(title="创建时间")


class AcceptanceShareRow(Schema):
    """一个乡镇的验收进度与比例 / How much of a township's work was checked, and how much is still needed."""

    campaign_id: UUID = Field(title="摸排行动编号", examples=[ID])
    division_code: DivisionCode = Field(title="乡镇代码", examples=["360423208"])
    township_name: str | None = Field(title="乡镇", examples=["示例乡"])
    submitted: int = Field(title="已报验", description="含已验收 / Accepted ones included", examples=[40])
    accepted: int = Field(title="乡镇验收合格", examples=[36])
    township_target: int = Field(title="乡镇验收比例要求（%）", examples=[100])
    township_share: float | None = Field(
        title="乡镇验收比例（%）", description="占已报验 / Of submitted", examples=[90.0]
    )
    township_needed: int = Field(title="乡镇尚需验收", examples=[4])
    rechecked: int = Field(title="县级复验合格", examples=[9])
    county_target: int = Field(title="县级复验比例要求（%）", examples=[30])
    county_share: float | None = Field(title="县级复验比例（%）", description="占已验收 / Of accepted", examples=[25.0])
    county_needed: int = Field(title="县级尚需复验", examples=[2])
