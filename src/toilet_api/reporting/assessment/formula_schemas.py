"""What goes in and out for formulas of assessment."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from toilet_api.kernel.fields import LongText, Schema, ShortText
from toilet_api.reporting.assessment.codes import AssessmentState, ListColour, RatedPart
from toilet_api.reporting.assessment.scoring import Method, Rule
from toilet_api.reporting.assessment.shrinkage import Fixed, Moments, Prior
from toilet_api.survey.schemas import ID, AllowedActions, OptionalId, Patch, unset

HolderCode = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{2}([0-9]{2}([0-9]{2})?)?$"),
    Field(
        title="考核单位区划代码",
        description="县考核乡镇；省、市考核县 / A county ranks its townships; a city or province its counties",
        examples=["360423"],
    ),
]
_WEIGHT: dict[str, Any] = {"ge": 0, "le": 100}
_SHARE: dict[str, Any] = {"ge": 0, "le": 1, "allow_inf_nan": False}
_LEAST = Field(10, ge=1, le=100_000, title="最少记录数", description="少于此数不按本条列入 / Fewer prove nothing")


class Weights(Schema):
    """各项权重，合计 100 / The weight of each part; together 100."""

    completeness: int = Field(15, **_WEIGHT, title="摸排完整率权重", examples=[15])
    reports_on_time: int = Field(10, **_WEIGHT, title="按时报送率权重", examples=[10])
    deadlines_met: int = Field(15, **_WEIGHT, title="按期销号率权重", examples=[15])
    close_out: int = Field(20, **_WEIGHT, title="销号率权重", examples=[20])
    first_pass: int = Field(10, **_WEIGHT, title="一次验收合格率权重", examples=[10])
    review: int = Field(15, **_WEIGHT, title="复核抽查属实率权重", examples=[15])
    falsification: int = Field(5, **_WEIGHT, title="弄虚作假权重", examples=[5])
    satisfaction: int = Field(5, **_WEIGHT, title="农户满意率权重", examples=[5])
    upkeep: int = Field(5, **_WEIGHT, title="长效管护权重", examples=[5])

    @model_validator(mode="after")
    def whole(self) -> "Weights":
        """They sum to 100."""
        total = sum(self.model_dump().values())
        if total != 100:
            raise PydanticCustomError(
                "weights_not_100",
                "the weights sum to {total}, not to 100",
                {"total": total, "bilingual": (f"权重合计 {total}，应为 100", f"the weights sum to {total}, not 100")},
            )
        return self


class FixedPrior(Schema):
    """固定强度：每项相当于给各单位加上这么多例平均水平的记录 / As if so many average cases were added to each."""

    kind: Literal["fixed"] = Field(title="修正方式")
    strength: int = Field(ge=1, le=10_000, title="强度（例）", examples=[30])

    def prior(self) -> Prior:
        """As the sums want it."""
        return Fixed(self.strength)


class MomentsPrior(Schema):
    """按各单位差异估计强度（矩估计），限在上下限内 / Estimated from how far the divisions lie apart, within limits."""

    kind: Literal["moments"] = Field(title="修正方式")
    least: int = Field(10, ge=1, le=10_000, title="强度下限", examples=[10])
    most: int = Field(500, ge=1, le=10_000, title="强度上限", examples=[500])

    @model_validator(mode="after")
    def in_order(self) -> "MomentsPrior":
        """The least isn't more than the most."""
        if self.least > self.most:
            raise PydanticCustomError(
                "limits_reversed",
                "least lies above most",
                {"bilingual": ("强度下限高于上限", "least lies above most")},
            )
        return self

    def prior(self) -> Prior:
        """As the sums want it."""
        return Moments(self.least, self.most)


Shrinkage = Annotated[
    FixedPrior | MomentsPrior,
    Field(discriminator="kind", title="小样本修正", examples=[{"kind": "fixed", "strength": 30}]),
]


class _ListRule(Schema):
    list: ListColour = Field(title="名单")

    def rule(self) -> Rule:
        """As the sums want it."""
        given = self.model_dump()
        limit = next((given[name] for name in ("share", "score", "number") if name in given), 0)
        return Rule(given["kind"], given["list"], limit, given.get("part"), given.get("least_count", 1))


class OverdueRule(_ListRule):
    """逾期问题占比高于 / The share of overdue problems, of those not dismissed, is above."""

    kind: Literal["overdue_share_above"] = Field(title="规则")
    share: float = Field(**_SHARE, title="比例", examples=[0.1])
    least_count: int = _LEAST


class PartRule(_ListRule):
    """某项指标（未经修正的比率）低于 / A part's rate, as counted, is below."""

    kind: Literal["part_below"] = Field(title="规则")
    part: RatedPart = Field(title="考核指标", examples=["close_out"])
    share: float = Field(**_SHARE, title="比率", examples=[0.6])
    least_count: int = _LEAST


class ScoreRule(_ListRule):
    """得分低于 / The score is below."""

    kind: Literal["score_below"] = Field(title="规则")
    score: float = Field(ge=0, le=100, allow_inf_nan=False, title="分数", examples=[60])


class LastRule(_ListRule):
    """排名末位若干（比例，向下取整）/ Among the last of the ranking: a share of those ranked, rounded down."""

    kind: Literal["last_share"] = Field(title="规则")
    share: float = Field(**_SHARE, title="比例", examples=[0.1])


class FalsificationRule(_ListRule):
    """弄虚作假记录达到 / As many records of falsification stand."""

    kind: Literal["falsifications_at_least"] = Field(title="规则")
    number: int = Field(ge=1, le=1000, title="次数", examples=[1])


class NoRecordsRule(_ListRule):
    """没有任何台账 / Nothing is recorded at all."""

    kind: Literal["no_records"] = Field(title="规则")


ListRule = Annotated[
    OverdueRule | PartRule | ScoreRule | LastRule | FalsificationRule | NoRecordsRule, Field(discriminator="kind")
]
ListRules = Annotated[
    list[ListRule],
    Field(
        max_length=30,
        title="黄牌、红牌规则",
        description="符合任一条即列入；红牌优先 / One is enough; red goes before yellow",
        examples=[[{"kind": "falsifications_at_least", "list": "red", "number": 1}]],
    ),
]
FalsificationPoints = Annotated[
    int,
    Field(
        ge=1,
        le=100,
        title="弄虚作假每条扣分",
        description="自该项 100 分中扣，扣完为止 / Points off that part's 100 for each record, down to 0",
        examples=[25],
    ),
]
Source = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4000, strip_whitespace=True),
    Field(title="依据", description="权重和规则从何而来 / Where the weights and rules come from", examples=["县方案"]),
]


class Terms(Schema):
    """办法的内容 / All of a formula that decides about scores and lists."""

    weights: Weights = Field(default_factory=Weights, title="权重")
    shrinkage: Shrinkage = Field(default_factory=lambda: FixedPrior(kind="fixed", strength=30))
    falsification_points: FalsificationPoints = 25
    lists: ListRules = Field(default_factory=lambda: default_lists())

    def method(self) -> Method:
        """As the sums want it."""
        return Method(
            self.weights.model_dump(),
            self.shrinkage.prior(),
            self.falsification_points,
            [one.rule() for one in self.lists],
        )


class DefaultFormula(Terms):
    """起草用的参考办法 / A starting point for a formula of one's own."""

    source: Source


class FormulaNew(Terms):
    """起草考核办法；不填的按参考办法 / A new formula, as a draft; what is left out is as in the starting point."""

    id: OptionalId = None
    division_code: HolderCode
    campaign_id: UUID | None = Field(
        None,
        title="摸排行动编号",
        description="县级必填，省、市不填 / A county names its own; a city or province none",
        examples=[ID],
    )
    name: ShortText = Field(title="名称", examples=["2026 年户厕问题整改考核办法"])
    source: Source
    note: LongText | None = Field(None, title="备注", examples=["征求意见稿"])


class FormulaPatch(Patch):
    """修改草稿；各成员整体替换 / Changes a draft; each member as a whole."""

    name: ShortText = Field(default_factory=unset, title="名称", examples=["2026 年户厕问题整改考核办法"])
    weights: Weights = Field(default_factory=unset, title="权重")
    shrinkage: Shrinkage = Field(default_factory=unset)
    falsification_points: FalsificationPoints = Field(default_factory=unset)
    lists: ListRules = Field(default_factory=unset)
    source: Source = Field(default_factory=unset)
    note: LongText | None = Field(None, title="备注", examples=["征求意见稿"])


class FormulaRow(Schema):
    """考核办法 / A formula of assessment."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: HolderCode
    division_name: str | None = Field(title="考核单位", examples=["示例县"])
    campaign_id: UUID | None = Field(title="摸排行动编号")
    name: str = Field(title="名称", examples=["2026 年户厕问题整改考核办法"])
    number: int | None = Field(title="版次", description="公布时编号 / Numbered when it is published", examples=[1])
    state: AssessmentState
    weights: Weights = Field(title="权重")
    shrinkage: Shrinkage
    falsification_points: FalsificationPoints
    lists: ListRules
    source: Source
    note: str | None = Field(title="备注", examples=["征求意见稿"])
    published_at: datetime | None = Field(title="公布时间")
    published_by_name: str | None = Field(title="公布人", examples=["县级管理员（演示）"])
    superseded_at: datetime | None = Field(title="被替代时间")
    superseded_by_id: UUID | None = Field(title="替代它的办法编号")
    withdrawn_reason: str | None = Field(title="作废理由", examples=["重复起草"])
    version: int = Field(title="版本", examples=[1])
    created_at: datetime = Field(title="起草时间")
    updated_at: datetime = Field(title="修改时间")
    allowed_actions: AllowedActions


def default_lists() -> list[Any]:
    """The rules of the starting point. No official limits are published either."""
    return [
        FalsificationRule(kind="falsifications_at_least", list="red", number=1),
        OverdueRule(kind="overdue_share_above", list="red", share=0.3),
        OverdueRule(kind="overdue_share_above", list="yellow", share=0.1),
        PartRule(kind="part_below", list="yellow", part="close_out", share=0.6),
        LastRule(kind="last_share", list="yellow", share=0.1),
        NoRecordsRule(kind="no_records", list="yellow"),
    ]


DEFAULT_SOURCE = (
    "参考起点，不是规定：工作方案 五（四）要求年终考核排名，未公布权重和标准，请按本地实际修改后公布。"
    " / A starting point, not a rule: the work plan 五（四）asks for a ranking and publishes no weights or limits; "
    "change it to suit and publish it."
)
