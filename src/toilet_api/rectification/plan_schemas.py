"""What goes in and out for plans and the problems in them."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from toilet_api.kernel.fields import Day, DivisionCode, Fen, LongText, Reason, Schema, ShortText, Text
from toilet_api.rectification.codes import FundSource, PlanKind, PlanState
from toilet_api.survey.codes import Cause, ProblemClass, ProblemState
from toilet_api.survey.schemas import ID, AllowedActions, OptionalId, Patch, unset

AT_ONCE = 2000
"""Problems in one request, so that one transaction never holds a whole county."""

TownshipCode = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{9}$"),
    Field(title="乡镇代码", description="9 位乡镇（区）代码 / Township code of 9 digits", examples=["360423208"]),
]
Measure = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, strip_whitespace=True),
    Field(title="整改措施", examples=["更换破裂的化粪池并做满水试验"]),
]
_TYPE = Field(title="问题类型", description="问题目录中的代码 / A code of the catalogue", examples=["tank_cracked"])
_KEY_POINTS: Any = {"title": "整改重点", "examples": ["优先整改池体破裂、渗漏的厕所"]}
_ROUTE: Any = {"title": "技术路线", "examples": ["三格化粪池破损的整体更换，按国家标准做满水试验"]}
_WORKFORCE: Any = {"title": "力量组织", "examples": ["乡镇成立工作专班，委托有资质单位施工"]}
_DUE: Any = {"title": "时限要求", "description": "最后一天 / The last day that is in time", "examples": ["2026-12-31"]}
_TIMETABLE: Any = {"title": "时间表和路线图", "examples": ["2027 年上半年随管网建设改为水冲式"]}
_PERSON: Any = {
    "title": "责任人",
    "description": "干部或施工人员，不是农户 / An official or worker",
    "examples": ["李主任"],
}
_UNIT: Any = {"title": "责任单位", "examples": ["示例乡人民政府"]}
_CONTRACTOR: Any = {"title": "施工单位", "examples": ["示例建筑公司"]}
_COST: Any = {"title": "预计费用（分）", "examples": [120000]}


class FundLine(Schema):
    """一项经费 / A line of the funds."""

    source: FundSource
    amount_fen: Fen = Field(title="金额（分）")
    note: Text | None = Field(None, title="说明", examples=["户厕改造奖补资金"])


Funds = Annotated[list[FundLine], Field(max_length=50, title="经费保障")]


class PlanNew(Schema):
    """编制乡镇整改方案（草稿）/ A township's plan, as a draft."""

    id: OptionalId = None
    division_code: TownshipCode
    title: ShortText | None = Field(
        None, title="名称", description="不填即“某某农村户厕问题整改方案” / Left out: made of the township's name"
    )
    key_points: LongText | None = Field(None, **_KEY_POINTS)
    technical_route: LongText | None = Field(None, **_ROUTE)
    workforce: LongText | None = Field(None, **_WORKFORCE)
    funds: Funds = Field(default_factory=list)
    due_on: Day | None = Field(None, **_DUE)


class PlanPatch(Patch):
    """修改编制中或被退回的方案；经费整体替换 / Changes a draft or returned plan; the funds as a whole."""

    title: ShortText = Field(default_factory=unset, title="名称", examples=["示例乡农村户厕问题整改方案"])
    key_points: LongText | None = Field(None, **_KEY_POINTS)
    technical_route: LongText | None = Field(None, **_ROUTE)
    workforce: LongText | None = Field(None, **_WORKFORCE)
    funds: Funds = Field(default_factory=unset)
    due_on: Day | None = Field(None, **_DUE)


class PlanFollowing(Schema):
    """编制新版或补充方案 / Another edition, or an addendum."""

    id: OptionalId = None


class PlanApproval(Schema):
    """审核备案 / Approval and filing."""

    filing_number: ShortText | None = Field(None, title="备案号", examples=["修厕整改备〔2026〕8号"])


class PlanWithdrawal(Schema):
    """作废 / A withdrawal."""

    reason: Reason | None = Field(None, title="理由", examples=["重复编制"])


class PlanItemIn(Schema):
    """方案中的一个问题及措施；整项替换 / A problem with its measure; an item is put as a whole."""

    problem_id: UUID = Field(title="问题编号", examples=[ID])
    measure: Measure
    timetable: LongText | None = Field(None, **_TIMETABLE)
    due_on: Day | None = Field(
        None,
        title="整改期限",
        description="不晚于问题的期限；不填即问题的期限 / Not after the problem's deadline; left out: that deadline",
        examples=["2026-11-30"],
    )
    responsible_person: ShortText | None = Field(None, **_PERSON)
    responsible_unit: ShortText | None = Field(None, **_UNIT)
    contractor: ShortText | None = Field(None, **_CONTRACTOR)
    cost_fen: Fen | None = Field(None, **_COST)


class PlanItemsIn(Schema):
    """列入问题，全部成功或全部不变 / Puts problems into the plan: all of them, or none."""

    items: list[PlanItemIn] = Field(min_length=1, max_length=AT_ONCE, title="问题及措施")


class PlanItemsRemoval(Schema):
    """移出问题 / Takes problems out of the plan."""

    problem_ids: list[UUID] = Field(min_length=1, max_length=AT_ONCE, title="问题编号", examples=[[ID]])
    reason: Reason | None = Field(None, title="理由", examples=["问题已撤销"])


class MeasureRule(Schema):
    """批量措施：按问题类型或原因分类 / A measure for all problems of a type or a cause; neither: for all."""

    problem_type: str | None = Field(None, min_length=1, max_length=60, title="问题类型", examples=["tank_cracked"])
    cause: Cause | None = Field(None, title="原因分类")
    measure: Measure
    timetable: LongText | None = Field(None, **_TIMETABLE)
    due_on: Day | None = Field(
        None,
        title="整改期限",
        description="期限更早的问题按其自身期限 / Where a problem is due earlier, its own deadline holds",
        examples=["2026-11-30"],
    )
    responsible_unit: ShortText | None = Field(None, **_UNIT)
    contractor: ShortText | None = Field(None, **_CONTRACTOR)


class PlanFill(Schema):
    """按规则列入本乡镇全部可列入的问题 / Puts in every problem of the township that can be planned."""

    measures: list[MeasureRule] = Field(
        min_length=1, max_length=100, title="措施规则", description="按顺序，先符合的为准 / The first that fits holds"
    )
    only_missing: bool = Field(
        True, title="只补缺", description="否则也更新已列入的 / false: those in the plan are changed too"
    )


class PlanItemsPut(Schema):
    """列入的结果 / What was put in."""

    plan_id: UUID = Field(title="整改方案编号", examples=[ID])
    added: int = Field(title="新增", examples=[12])
    changed: int = Field(title="修改", examples=[1])
    unchanged: int = Field(title="未变", examples=[0])
    total: int = Field(title="方案中的问题数", examples=[13])
    version: int = Field(title="方案版本", examples=[3])


class PlanFilled(PlanItemsPut):
    """批量列入的结果 / What was put in by rules."""

    without_rule: int = Field(title="无规则可用而未列入", examples=[2])
    own_deadline: int = Field(
        title="按自身期限", description="问题期限早于规则的期限 / Due earlier than the rule says", examples=[0]
    )


class PlanItemsRemoved(Schema):
    """移出的结果 / What was taken out."""

    plan_id: UUID = Field(title="整改方案编号", examples=[ID])
    removed: int = Field(title="已移出", examples=[1])
    not_in_plan: int = Field(title="本不在方案中", examples=[0])
    total: int = Field(title="方案中的问题数", examples=[12])
    version: int = Field(title="方案版本", examples=[4])


class PlanProblems(Schema):
    """方案中的问题，按状态 / The problems of a plan, by state."""

    total: int = Field(title="合计", examples=[13])
    open: int = Field(title="待整改", examples=[10])
    in_work: int = Field(title="整改中", examples=[2])
    accepted: int = Field(title="验收合格", examples=[0])
    closed: int = Field(title="已销号", examples=[1])
    dismissed: int = Field(title="已撤销", examples=[0])


class PlanRow(Schema):
    """整改方案（列表）/ A plan in a list."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: DivisionCode
    township_name: str | None = Field(title="乡镇", examples=["示例乡"])
    campaign_id: UUID = Field(title="摸排行动编号")
    campaign_name: str = Field(title="摸排行动", examples=["农村户厕问题摸排整改"])
    kind: PlanKind
    series_id: UUID = Field(title="方案系列编号", description="第一版的编号 / The id of the first edition")
    edition: int = Field(title="版次", examples=[1])
    amends_id: UUID | None = Field(
        title="所依据的方案",
        description="新版：前一版；补充方案：所补充的方案 / The edition before, or the plan it joins",
    )
    superseded_by_id: UUID | None = Field(title="新版方案编号")
    state: PlanState
    title: str = Field(title="名称", examples=["示例乡农村户厕问题整改方案"])
    due_on: date | None = Field(title="时限要求")
    filing_number: str | None = Field(title="备案号", examples=["修厕整改备〔2026〕8号"])
    funds_total_fen: int = Field(title="经费合计（分）", examples=[5000000])
    cost_total_fen: int = Field(title="预计费用合计（分）", examples=[4800000])
    problems: PlanProblems = Field(title="问题数")
    submission_due: date | None = Field(
        title="报送截止日", description="行动“分类整改”阶段的截止日 / The end of the campaign's rectification phase"
    )
    late: bool = Field(
        title="是否逾期报送",
        description=(
            "第一版方案在截止日之后报送，或至今未报；新版和补充方案不计"
            " / The first edition was submitted after that day, or isn't yet; never of later ones and addenda"
        ),
    )
    return_reason: str | None = Field(title="退回理由")
    submitted_at: datetime | None = Field(title="报送时间")
    submitted_by: UUID | None = Field(title="报送人编号")
    approved_at: datetime | None = Field(title="审核备案时间")
    version: int = Field(title="版本", examples=[1])
    updated_at: datetime = Field(title="修改时间")
    allowed_actions: AllowedActions


class PlanOut(PlanRow):
    """整改方案 / A plan."""

    key_points: str | None = Field(**_KEY_POINTS)
    technical_route: str | None = Field(**_ROUTE)
    workforce: str | None = Field(**_WORKFORCE)
    funds: list[FundLine] = Field(title="经费保障")
    returned_at: datetime | None = Field(title="退回时间")
    approved_by: UUID | None = Field(title="审核人编号")
    superseded_at: datetime | None = Field(title="被新版替代的时间")
    created_by: UUID | None = Field(title="编制人编号")
    created_at: datetime = Field(title="创建时间")


class PlanItemRow(Schema):
    """方案中的问题 / A problem in a plan."""

    id: UUID = Field(title="编号", examples=[ID])
    problem_id: UUID = Field(title="问题编号", examples=[ID])
    division_code: DivisionCode
    village_name: str | None = Field(title="村", examples=["示例村委会"])
    head_masked: str | None = Field(title="户主（脱敏）", examples=["张**"])
    toilet_mode: str | None = Field(title="改厕模式", examples=["three_compartment"])
    problem_class: ProblemClass
    problem_type: str = _TYPE
    type_zh: str = Field(title="问题名称", examples=["化粪池（桶体）破裂"])
    cause: Cause
    problem_state: ProblemState
    deadline: date | None = Field(title="问题的整改期限")
    measure: str = Field(title="整改措施", examples=["更换破裂的化粪池并做满水试验"])
    timetable: str | None = Field(**_TIMETABLE)
    due_on: date | None = Field(title="方案中的整改期限")
    responsible_person: str | None = Field(**_PERSON)
    responsible_unit: str | None = Field(**_UNIT)
    contractor: str | None = Field(**_CONTRACTOR)
    cost_fen: int | None = Field(**_COST)
    task_id: UUID | None = Field(title="整改任务编号")
    task_state: str | None = Field(title="整改任务状态", examples=["pending"])
