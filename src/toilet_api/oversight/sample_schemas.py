"""What goes in and out for reviews and spot checks."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from toilet_api.kernel.fields import Day, DivisionCode, Schema, ShortText, Text
from toilet_api.oversight.codes import SampleKind, SampleMode, SampleState
from toilet_api.survey.schemas import ID, AllowedActions, OptionalId, Patch, unset

HolderCode = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{2}([0-9]{2}([0-9]{2})?)?$"),
    Field(
        title="组织单位区划代码",
        description="组织检查的省、市、县，须为您本级；下级看不到 / Who holds it, your own level; not seen from below",
        examples=["360423"],
    ),
]
Contractor = Annotated[
    str,
    StringConstraints(max_length=100, strip_whitespace=True),
    Field(title="施工单位", examples=["示例建筑公司"]),
]
_MODES: Any = Field(default_factory=list, max_length=20, title="模式", description="为空即全部 / Empty: all")
_CONTRACTORS: Any = Field(
    default_factory=list,
    max_length=50,
    title="施工单位",
    description="为空即全部；空文字为未写明的 / Empty: all; an empty text: those where none is named",
    examples=[["示例建筑公司"]],
)
_SEED = Field(
    None,
    title="种子",
    description="不填则抽取时随机产生；公开摇号的可填 / Left out: random at the draw",
    examples=["2026-09-01.public-draw.0417"],
)
Seed = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._-]{8,100}$")]


class Frame(Schema):
    """抽样范围：哪些已销号的问题 / Which closed problems it is drawn from. Days in Shanghai, both included."""

    division: DivisionCode | None = Field(
        None, title="区划", description="不填即组织单位全境 / Left out: all of the holder's division"
    )
    campaign_id: UUID | None = Field(None, title="摸排行动编号")
    modes: list[SampleMode] = _MODES
    contractors: list[Contractor] = _CONTRACTORS
    closed_from: Day = Field(title="销号日期起", examples=["2026-05-15"])
    closed_to: Day = Field(title="销号日期止", examples=["2026-09-30"])

    @model_validator(mode="after")
    def in_order(self) -> "Frame":
        """The first day isn't after the last."""
        if self.closed_from > self.closed_to:
            raise PydanticCustomError(
                "dates_reversed",
                "closed_to lies before closed_from",
                {"bilingual": ("销号日期止早于起", "closed_to lies before closed_from")},
            )
        return self


class SizeAll(Schema):
    """全部 / All of the frame."""

    kind: Literal["all"] = Field(title="样本量方式")


class SizeNumber(Schema):
    """指定数量 / A number of records."""

    kind: Literal["number"] = Field(title="样本量方式")
    number: int = Field(ge=1, le=1_000_000, title="数量", examples=[200])


class SizePrecision(Schema):
    """按精度计算 / As many as a precision needs: n0 = z²p(1-p)/e², with finite population correction."""

    kind: Literal["precision"] = Field(title="样本量方式")
    confidence: float = Field(0.95, ge=0.8, le=0.999, allow_inf_nan=False, title="置信水平", examples=[0.95])
    margin: float = Field(ge=0.005, le=0.5, allow_inf_nan=False, title="误差", examples=[0.05])
    expected: float = Field(0.5, ge=0.01, le=0.99, allow_inf_nan=False, title="预计比例", examples=[0.5])


Size = Annotated[SizeAll | SizeNumber | SizePrecision, Field(discriminator="kind")]


class SampleNew(Schema):
    """拟定复核或抽查 / A new review or spot check, planned."""

    id: OptionalId = None
    division_code: HolderCode
    kind: SampleKind
    name: ShortText = Field(title="名称", examples=["2026 年三季度抽查"])
    frame: Frame
    size: Size = Field(title="样本量")
    seed: Seed | None = _SEED
    note: Text | None = Field(None, title="备注")


class SamplePatch(Patch):
    """修改未抽取的检查；frame、size 整体替换 / Changes one that isn't drawn; frame and size as a whole."""

    kind: SampleKind = Field(default_factory=unset)
    name: ShortText = Field(default_factory=unset, title="名称", examples=["2026 年三季度抽查"])
    frame: Frame = Field(default_factory=unset)
    size: Size = Field(default_factory=unset, title="样本量")
    seed: Seed | None = _SEED
    note: Text | None = Field(None, title="备注")


class SampleRow(Schema):
    """复核或抽查 / A review or spot check."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: HolderCode
    kind: SampleKind
    name: str = Field(title="名称", examples=["2026 年三季度抽查"])
    state: SampleState
    frame: Frame
    size: Size = Field(title="样本量")
    seed: str | None = Field(title="种子", examples=["5f2b8c0d9e7a4c31b6f0a1d2c3e4f506"])
    seed_given: bool = Field(title="种子由人指定", examples=[False])
    method: str | None = Field(title="抽取方法", examples=["stratified-sha256/1"])
    frame_size: int | None = Field(title="范围内问题数", examples=[1280])
    frame_digest: str | None = Field(
        title="范围摘要",
        description="按序编号的 SHA-256 / SHA-256 over the ids in order",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    sample_size: int | None = Field(title="抽中数", examples=[200])
    raised_from: int | None = Field(
        title="原定数量", description="为覆盖各乡镇、模式、施工单位而增加时 / Where coverage took more", examples=[180]
    )
    checked: int = Field(title="已核查数", examples=[150])
    failed: int = Field(title="不属实数", examples=[6])
    drawn_at: datetime | None = Field(title="抽取时间")
    completed_at: datetime | None = Field(title="完成时间")
    cancel_reason: str | None = Field(title="取消理由")
    note: str | None = Field(title="备注")
    version: int = Field(title="版本", examples=[1])
    created_at: datetime = Field(title="拟定时间")
    updated_at: datetime = Field(title="修改时间")
    allowed_actions: AllowedActions


class StratumOut(Schema):
    """一层：乡镇、模式、施工单位 / A stratum, with its population and how many of it were drawn."""

    township: str = Field(title="乡镇代码", examples=["360423208"])
    township_name: str | None = Field(title="乡镇", examples=["示例乡"])
    mode: SampleMode
    contractor: str = Field(title="施工单位", description="为空即未写明 / Empty: none named", examples=["示例建筑公司"])
    population: int = Field(title="问题数", examples=[64])
    sample: int = Field(title="抽中数", examples=[10])


class ProgressOut(Schema):
    """一个乡镇的核查进度 / How far the checks of a township are."""

    township: str = Field(title="乡镇代码", examples=["360423208"])
    township_name: str | None = Field(title="乡镇", examples=["示例乡"])
    selected: int = Field(title="抽中数", examples=[40])
    checked: int = Field(title="已核查数", examples=[30])
    upheld: int = Field(title="属实数", examples=[28])
    failed: int = Field(title="不属实数", examples=[1])
    not_checkable: int = Field(title="无法核查数", examples=[1])


_RATE = Field(title="销号合理率（估计）", description="0 至 1 / From 0 to 1", examples=[0.965])


class GroupOut(Schema):
    """分组结果 / The results of a township, mode or contractor."""

    key: str = Field(title="分组", examples=["360423208"])
    name: str | None = Field(title="名称", examples=["示例乡"])
    population: int = Field(title="问题数", examples=[320])
    selected: int = Field(title="抽中数", examples=[40])
    checked: int = Field(title="已核查数", examples=[40])
    upheld: int = Field(title="属实数", examples=[38])
    failed: int = Field(title="不属实数", examples=[1])
    not_checkable: int = Field(title="无法核查数", examples=[1])
    rate: float | None = _RATE


class FaultsOut(Schema):
    """不属实的各有几个 / Of the failed ones, how many in which aspect."""

    survey_untrue: int = Field(title="排查不属实", examples=[1])
    not_rectified: int = Field(title="整改不到位", examples=[4])
    not_justified: int = Field(title="销号不合理", examples=[6])


class EstimateOut(Schema):
    """由样本估计的销号合理率 / The rate of justified close-outs in the frame, as the sample tells."""

    confidence: float = Field(title="置信水平", examples=[0.95])
    population: int = Field(title="范围内问题数", examples=[1280])
    n: int = Field(title="抽中数", examples=[200])
    checked: int = Field(title="已核查数", examples=[200])
    upheld: int = Field(title="属实数", examples=[190])
    failed: int = Field(title="不属实数", examples=[6])
    not_checkable: int = Field(title="无法核查数", examples=[4])
    rate: float | None = _RATE
    low: float | None = Field(title="置信下限", examples=[0.932])
    high: float | None = Field(title="置信上限", examples=[0.982])
    faults: FaultsOut
    by_township: list[GroupOut] = Field(title="分乡镇")
    by_mode: list[GroupOut] = Field(title="分模式")
    by_contractor: list[GroupOut] = Field(title="分施工单位")
    method: str = Field(title="方法", examples=["分层估计 / Stratified estimate"])


class SampleOut(SampleRow):
    """复核或抽查，含分层、进度和估计 / One review or spot check, with strata, progress and estimate."""

    strata: list[StratumOut] = Field(title="分层")
    progress: list[ProgressOut] = Field(title="分乡镇进度")
    estimate: EstimateOut | None = Field(title="估计", description="完成时定格 / Frozen when it is completed")


class RedrawOut(Schema):
    """重新抽取的结果 / What comes out when it is drawn again from its frame and seed."""

    same: bool = Field(title="与原抽取一致", examples=[True])
    method: str = Field(title="抽取方法", examples=["stratified-sha256/1"])
    seed: str = Field(title="种子", examples=["5f2b8c0d9e7a4c31b6f0a1d2c3e4f506"])
    seed_given: bool = Field(title="种子由人指定", examples=[False])
    frame_size: int = Field(title="范围内问题数", examples=[1280])
    frame_digest: str = Field(title="范围摘要", examples=["9f86d081884c7d659a2feaa0c55ad015"])
    selected_digest: str = Field(title="抽中摘要", examples=["60303ae22b998861bce3b28f33eec1be"])
    how: str = Field(title="手工复算方法", examples=["对每个问题计算 SHA-256 / For each problem take SHA-256"])


def frame_of(stored: dict[str, Any]) -> Frame:
    """A frame as it is stored."""
    return Frame.model_validate(stored)
