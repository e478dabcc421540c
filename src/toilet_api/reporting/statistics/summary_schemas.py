"""What the summary of a campaign shows: the figures of the county's final report, counted from the ledger."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from toilet_api.kernel.fields import DivisionCode, Schema
from toilet_api.survey.schemas import ID


class LedgerCounts(Schema):
    """台账数 / Counts of the ledger. found = open + in_work + accepted + closed + dismissed, always."""

    found: int = Field(title="摸排出的问题", examples=[128])
    open: int = Field(title="待整改", examples=[20])
    in_work: int = Field(title="整改中", examples=[30])
    accepted: int = Field(title="已验收，待销号", examples=[8])
    closed: int = Field(title="已销号", examples=[66])
    dismissed: int = Field(title="已撤销", examples=[4])
    overdue: int = Field(title="逾期", description="期限已过且未结 / Past due and live", examples=[3])
    reopened: int = Field(title="曾重新打开", examples=[2])


class SurveyCounts(Schema):
    """摸排数 / Counts of the survey in this campaign."""

    households: int = Field(title="农户", examples=[900])
    households_surveyed: int = Field(
        title="已摸排农户", description="有已提交的摸排记录 / With a visit that was submitted", examples=[880]
    )
    toilets: int = Field(title="户厕", examples=[910])
    problem_toilets: int = Field(
        title="问题厕所", description="有未撤销问题的户厕 / Toilets with a problem not dismissed", examples=[120]
    )
    visits_submitted: int = Field(title="村级已提交", description="待乡镇核实 / To be verified", examples=[10])
    visits_township_verified: int = Field(title="乡镇已核实", examples=[70])
    visits_county_verified: int = Field(title="县级已核实", examples=[790])
    visits_returned: int = Field(title="已退回", examples=[10])


class ShareCounts(Schema):
    """验收比例 / How much of the finished work each level has checked, against what the campaign asks."""

    submitted: int = Field(title="已报请验收", description="含已验收 / Accepted ones included", examples=[80])
    accepted_by_township: int = Field(title="乡镇验收合格", examples=[74])
    rechecked_by_county: int = Field(title="县级复验合格", examples=[25])
    township_target_percent: int = Field(title="乡镇验收比例要求（%）", examples=[100])
    county_target_percent: int = Field(title="县级复验比例要求（%）", examples=[30])


class CauseCounts(LedgerCounts):
    """按原因分类的台账数 / Counts of one cause class."""

    cause: str = Field(title="原因分类", examples=["construction_quality"])


class Remaining(Schema):
    """下步整改计划：未销号问题 / What is left to do, by cause: the next steps of the final report."""

    cause: str = Field(title="原因分类", examples=["technical_mode"])
    problems: int = Field(title="未销号问题", examples=[12])
    planned: int = Field(title="已列入方案或已安排", description="有整改任务 / With a task", examples=[10])
    without_deadline: int = Field(title="尚无期限", examples=[2])
    last_deadline: date | None = Field(title="最晚期限", examples=["2027-06-30"])
    cost_fen: int = Field(title="计划费用（分）", description="单位：分 / In fen", examples=[1_200_000])


class PlanCounts(Schema):
    """整改方案数 / Plans of the townships."""

    townships: int = Field(title="乡镇数", examples=[19])
    approved: int = Field(title="已审核备案", description="有现行方案的乡镇 / With a plan in force", examples=[15])
    submitted: int = Field(title="待审核", examples=[2])
    returned: int = Field(title="已退回", examples=[1])
    draft: int = Field(title="编制中", examples=[1])
    addenda: int = Field(title="现行补充方案", examples=[3])
    funds_fen: int = Field(title="现行方案经费（分）", description="单位：分 / In fen", examples=[25_000_000])


class DivisionSummary(Schema):
    """一个下级区划的数 / The figures of one division below."""

    division_code: DivisionCode
    name: str | None = Field(title="名称", examples=["示例乡"])
    survey: SurveyCounts = Field(title="摸排")
    ledger: LedgerCounts = Field(title="台账")


class CampaignSummary(Schema):
    """行动汇总：联合行文上报所需的数据 / The data of the county's joint final report (work plan 四（五）)."""

    campaign_id: UUID = Field(title="摸排行动编号", examples=[ID])
    campaign_name: str = Field(title="行动名称", examples=["农村户厕问题摸排整改"])
    division_code: DivisionCode
    as_of: datetime = Field(title="统计时间", description="同一时刻的快照 / One snapshot")
    survey: SurveyCounts = Field(title="摸排总结")
    ledger: LedgerCounts = Field(title="台账")
    toilet_problems: LedgerCounts = Field(title="问题厕所台账")
    work_problems: LedgerCounts = Field(title="工作推进问题台账")
    causes: list[CauseCounts] = Field(title="按原因分类")
    plans: PlanCounts = Field(title="整改方案")
    acceptance: ShareCounts = Field(title="验收比例")
    remaining: list[Remaining] = Field(title="下步整改计划")
    divisions: list[DivisionSummary] = Field(title="分区划")
