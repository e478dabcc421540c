"""What goes in and out for assessments."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from toilet_api.kernel.fields import DivisionCode, LongText, Reason, Schema, ShortText
from toilet_api.reporting.assessment.codes import AssessmentState, ListColour, ListReason, Part
from toilet_api.reporting.assessment.formula_schemas import FalsificationPoints, HolderCode, Shrinkage, Weights
from toilet_api.survey.schemas import ID, AllowedActions, OptionalId

_CAMPAIGNS = "县级可不填；省、市不填即各县当前的行动 / A city or province may leave it out: the open one of each county"
CampaignIds = Annotated[
    list[UUID], Field(max_length=1000, title="摸排行动编号", description=_CAMPAIGNS, examples=[[ID]])
]
UnitCode = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{6}([0-9]{3})?$"),
    Field(title="被考核单位区划代码", examples=["360423208"]),
]
Score = Annotated[float, Field(title="得分", description="0 至 100 / From 0 to 100", examples=[87.35])]
Rank = Annotated[int, Field(title="名次", description="得分相同的并列 / Equal scores share a rank", examples=[1])]


class PooledPart(Schema):
    """一项指标的全体情况 / A part over all divisions: what each is drawn toward."""

    part: Part
    weight: int = Field(title="权重", examples=[20])
    weight_used: float = Field(
        title="实际权重",
        description="没有数据的指标不计，其权重按比例分摊 / Weights of those without figures are spread",
        examples=[22.22],
    )
    has_figures: bool = Field(title="有数据", examples=[True])
    numerator: int = Field(title="分子", description="弄虚作假项为条数 / Of falsification: how many", examples=[800])
    denominator: int | None = Field(title="分母", examples=[1000])
    rate: float | None = Field(title="全体比率", description="0 至 1 / From 0 to 1", examples=[0.8])
    prior_strength: float | None = Field(
        title="修正强度（例）", description="各单位加上这么多例平均水平 / Average cases added to each", examples=[30]
    )


class PartLine(Schema):
    """一个单位的一项指标 / A part of a division."""

    part: Part
    numerator: int = Field(title="分子", description="弄虚作假项为条数 / Of falsification: how many", examples=[98])
    denominator: int | None = Field(title="分母", examples=[100])
    raw_rate: float | None = Field(title="原比率", description="分子除以分母 / As counted", examples=[0.98])
    rate: float | None = Field(title="修正后比率", description="小样本修正后 / After shrinkage", examples=[0.94])
    low: float | None = Field(title="可信区间下限（95%）", examples=[0.89])
    high: float | None = Field(title="可信区间上限（95%）", examples=[0.97])
    score: Score
    own_figures: bool = Field(
        title="有本单位数据", description="没有的以全体比率代替 / Without, the pooled rate stands in", examples=[True]
    )
    records: str = Field(
        title="明细地址",
        description="考核所列为生成时的记录，预览和试算所列为现时的记录 / Of an assessment those that it counted; of a "
        "preview or simulation those of today",
        examples=[f"/api/v1/assessments/{ID}/records?part=close_out&place=360423208"],
    )


class ListedReason(Schema):
    """列入名单的一条理由 / A reason why a division is on a list."""

    kind: ListReason
    list: ListColour = Field(title="名单")
    part: Part | None = Field(title="考核指标")
    value: float = Field(title="实际值", examples=[0.35])
    limit: float = Field(title="界限", examples=[0.3])
    numerator: int | None = Field(title="分子", examples=[35])
    denominator: int | None = Field(title="分母", examples=[100])
    text: str = Field(title="说明", examples=["逾期 35 个，占 100 个问题的 35.0%，高于 30.0%"])
    since: datetime = Field(title="起始时间", description="连续几次公布均有的，为首次 / Of an unbroken run, the first")


class Listed(Schema):
    """名单上的一个单位 / A division on a list."""

    division_code: UnitCode
    name: str | None = Field(title="单位", examples=["示例乡"])
    since: datetime = Field(title="列入时间", description="连续列入的，为首次 / Of an unbroken run, the first")
    reasons: list[ListedReason] = Field(title="理由")


class UnitLine(Schema):
    """一个单位的考核结果 / A division's result."""

    division_code: UnitCode
    name: str | None = Field(title="单位", examples=["示例乡"])
    rank: Rank | None = Field(title="名次", description="没有任何台账的不排名 / Nothing recorded: not ranked")
    score: Score | None = Field(title="得分")
    score_low: float | None = Field(
        title="得分区间下限（95%）",
        description="区间重叠的，名次之差可能出于偶然 / Where they overlap, chance may decide",
    )
    score_high: float | None = Field(title="得分区间上限（95%）", examples=[91.2])
    problems: int = Field(title="问题数（不含撤销）", examples=[120])
    overdue: int = Field(title="逾期问题数", examples=[4])
    listed: ListColour | None = Field(title="名单")
    listed_since: datetime | None = Field(title="列入时间")
    reasons: list[ListedReason] = Field(title="列入理由")
    parts: list[PartLine] = Field(title="各项指标")


class Result(Schema):
    """考核结果 / What an assessment says."""

    parts: list[PooledPart] = Field(title="各项指标的全体情况")
    units: list[UnitLine] = Field(title="各单位，按名次", description="未排名的在后 / By rank; unranked ones last")
    red_list: list[Listed] = Field(title="红牌名单")
    yellow_list: list[Listed] = Field(title="黄牌名单")


class PreviewOut(Result):
    """考核预览（实时计算，不存）/ An assessment as it would be now; nothing is stored."""

    division_code: HolderCode
    campaign_ids: CampaignIds
    formula_id: UUID | None = Field(
        title="考核办法编号", description="尚无已公布的办法时为空，按参考办法计算 / null: the starting point"
    )
    as_of: datetime = Field(title="截至时间")


class AssessmentNew(Schema):
    """按已公布的办法考核，存为草稿 / Draws an assessment by the published formula; it is a draft at first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"division_code": "360423", "campaign_id": ID, "name": "2026 年度乡镇户厕问题整改考核"}]
        }
    )

    id: OptionalId = None
    division_code: HolderCode
    campaign_id: UUID | None = Field(
        None, title="摸排行动编号", description="县级必填，省、市不填 / A county names its own; a city or province none"
    )
    name: ShortText = Field(title="名称", examples=["2026 年度乡镇户厕问题整改考核"])
    note: LongText | None = Field(None, title="备注", examples=["年终考核"])
    corrects_id: UUID | None = Field(
        None, title="更正的考核编号", description="更正已公布的一次 / A published one that this one corrects"
    )
    correction_reason: Reason | None = Field(None, title="更正理由", examples=["补录复核结论后重新计算"])

    @model_validator(mode="after")
    def correction_explained(self) -> "AssessmentNew":
        """A correction has its reason, and nothing else has one."""
        if (self.corrects_id is None) != (self.correction_reason is None):
            raise PydanticCustomError(
                "correction_unexplained",
                "a correction names the earlier one and the reason",
                {
                    "bilingual": (
                        "更正须同时写明被更正的考核和理由",
                        "a correction names the earlier one and the reason",
                    )
                },
            )
        return self


class AssessmentRow(Schema):
    """考核 / An assessment."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: HolderCode
    division_name: str | None = Field(title="考核单位", examples=["示例县"])
    name: str = Field(title="名称", examples=["2026 年度乡镇户厕问题整改考核"])
    campaign_ids: CampaignIds
    formula_id: UUID = Field(title="考核办法编号")
    formula_number: int | None = Field(title="考核办法版次", examples=[1])
    as_of: datetime = Field(title="截至时间")
    state: AssessmentState
    ranked: int = Field(title="排名单位数", examples=[18])
    yellow: int = Field(title="黄牌单位数", examples=[2])
    red: int = Field(title="红牌单位数", examples=[1])
    corrects_id: UUID | None = Field(title="更正的考核编号")
    correction_reason: str | None = Field(title="更正理由", examples=["补录复核结论后重新计算"])
    note: str | None = Field(title="备注", examples=["年终考核"])
    published_at: datetime | None = Field(title="公布时间")
    published_by_name: str | None = Field(title="公布人", examples=["县级管理员（演示）"])
    superseded_at: datetime | None = Field(title="被更正时间")
    superseded_by_id: UUID | None = Field(title="更正它的考核编号")
    withdrawn_reason: str | None = Field(title="作废理由", examples=["数据未审核完"])
    version: int = Field(title="版本", examples=[1])
    created_at: datetime = Field(title="生成时间")
    updated_at: datetime = Field(title="修改时间")
    allowed_actions: AllowedActions


class AssessmentOut(AssessmentRow, Result):
    """考核及其结果，定格不变 / An assessment with its frozen result."""


_CLOSING_COUNTS_MOST: dict[str, JsonValue] = {
    "completeness": 10,
    "reports_on_time": 10,
    "deadlines_met": 10,
    "close_out": 50,
    "first_pass": 10,
    "review": 10,
    "falsification": 0,
    "satisfaction": 0,
    "upkeep": 0,
}


class Simulation(Schema):
    """换一套权重试算；取现时数据，或某次考核定格的数据 / Another weighting, on live or on frozen figures."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"division_code": "360423", "campaign_id": ID, "weights": _CLOSING_COUNTS_MOST}]
        }
    )

    assessment_id: UUID | None = Field(
        None, title="考核编号", description="用这次考核定格的数据 / With the frozen figures of this assessment"
    )
    division_code: HolderCode | None = Field(None, title="考核单位区划代码")
    campaign_id: UUID | None = Field(None, title="摸排行动编号")
    weights: Weights = Field(title="试算的权重")
    shrinkage: Shrinkage | None = Field(None, description="不填即同已公布的办法 / Left out: as in the formula")
    falsification_points: FalsificationPoints | None = Field(
        None, description="不填即同办法 / Left out: as in the formula"
    )

    @model_validator(mode="after")
    def of_one(self) -> "Simulation":
        """Either a frozen assessment or a place is named."""
        if (self.assessment_id is None) == (self.division_code is None):
            raise PydanticCustomError(
                "source_unclear",
                "name either assessment_id or division_code",
                {
                    "bilingual": (
                        "assessment_id 与 division_code 须且只能填一个",
                        "name either assessment_id or division_code",
                    )
                },
            )
        return self


class SimulatedUnit(Schema):
    """一个单位在两套权重下的名次 / A division's rank under both weightings."""

    division_code: UnitCode
    name: str | None = Field(title="单位", examples=["示例乡"])
    rank: Rank | None
    score: Score | None
    simulated_rank: int | None = Field(title="试算名次", examples=[3])
    simulated_score: float | None = Field(title="试算得分", examples=[84.1])
    moved: int | None = Field(title="名次变化", description="正数为上升 / Positive: moved up", examples=[-2])


class SimulationOut(Schema):
    """试算结果，不存 / The ranks under both weightings; nothing is stored."""

    formula_id: UUID | None = Field(title="对照的考核办法编号", description="为空即参考办法 / null: the starting point")
    assessment_id: UUID | None = Field(title="所用的考核编号")
    as_of: datetime = Field(title="数据截至时间")
    weights: Weights = Field(title="对照的权重")
    simulated_weights: Weights = Field(title="试算的权重")
    parts: list[PooledPart] = Field(title="试算下各项指标的全体情况")
    units: list[SimulatedUnit] = Field(title="各单位，按试算名次")


class AssessmentRecordRow(Schema):
    """一项指标背后的一条记录 / A record behind a part."""

    id: UUID = Field(title="编号", examples=[ID])
    record_type: str = Field(title="记录类型", examples=["problem"])
    division_code: DivisionCode
    counted: bool = Field(title="计入分子", description="分母包括全部 / All are in the denominator", examples=[True])
    href: str = Field(title="地址", examples=[f"/api/v1/problems/{ID}"])
