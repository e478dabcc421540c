"""What goes in and out for periods, reports, their differences and the records behind their figures."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from toilet_api.kernel.fields import DivisionCode, LongText, Reason, Schema
from toilet_api.registry.codes import DwellingState, Leader, ToiletGrade, ToiletMode
from toilet_api.reporting.reports.codes import (
    CutoffMove,
    Membership,
    ReportedType,
    ReportKind,
    ReportLevel,
    ReportState,
)
from toilet_api.reporting.reports.edition_schemas import EditionOut
from toilet_api.survey.codes import Cause, ProblemClass, ProblemState, VisitState
from toilet_api.survey.schemas import ID, AllowedActions, Patch

_PERIOD = "2026-W48"


class PeriodOut(Schema):
    """报表的一个期次 / A period of reports."""

    kind: ReportKind
    period: str = Field(
        title="期次",
        description="周报为周五所在 ISO 周；半月报为 H1、H2 / Weekly: the ISO week of its Friday; half-months: H1, H2",
        examples=[_PERIOD],
    )
    start: date = Field(title="起", description="含当日 / Included", examples=["2026-11-21"])
    end: date = Field(title="止", description="含当日 / Included", examples=["2026-11-27"])
    cutoff_at: datetime = Field(title="截止时间", examples=["2026-11-27T17:30:00+08:00"])
    moved: CutoffMove
    announced: bool = Field(
        title="节假日安排已公布",
        description="未公布的年份只计法定节日，不含调休 / Before the announcement only the statutory days are known",
        examples=[True],
    )


class ReportRow(Schema):
    """定期报表 / A periodic report."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: DivisionCode
    division_name: str | None = Field(title="区划名称", examples=["清江乡"])
    level: ReportLevel
    reports_to: str | None = Field(
        title="接收单位区划代码", description="为空即本级汇总 / null: a level's own summary", examples=["360423"]
    )
    campaign_id: UUID | None = Field(
        title="摸排行动编号", description="市、省为空：含各县进行中的行动 / null for city and province", examples=[ID]
    )
    kind: ReportKind
    period: str = Field(title="期次", examples=[_PERIOD])
    period_start: date = Field(title="起", examples=["2026-11-21"])
    period_end: date = Field(title="止", examples=["2026-11-27"])
    cutoff_at: datetime = Field(title="截止时间", examples=["2026-11-27T17:30:00+08:00"])
    state: ReportState
    edition: int = Field(title="版次", description="0 为未取数 / 0: not drawn yet", examples=[1])
    received_edition: int | None = Field(title="已接收的最新版次", examples=[1])
    drawn_at: datetime | None = Field(title="取数时间", description="最新版次的 / Of the newest edition")
    drawn_late: bool = Field(
        title="迟取数",
        description="乡镇的首版晚于截止当日取数；汇总取已接收的报表，无所谓迟 / A township's, first drawn after the "
        "day of the cut-off; a roll-up is of what was received, whenever it is drawn",
        examples=[False],
    )
    first_submitted_at: datetime | None = Field(title="首次报送时间")
    late: bool = Field(
        title="迟报", description="首次报送晚于截止 / First submitted after the cut-off", examples=[False]
    )
    missing: bool = Field(
        title="缺报", description="已截止而从未报送 / The cut-off is over and it was never submitted", examples=[False]
    )
    corrected: bool = Field(title="接收后更正过", examples=[False])
    stale: bool = Field(
        title="所用下级报表已更新",
        description="汇总之后下级有新接收的版次，请重新取数 / A part was received anew since: draw it again",
        examples=[False],
    )
    reminded_soon_at: datetime | None = Field(title="到期提醒时间")
    reminded_late_at: datetime | None = Field(title="逾期提醒时间")
    version: int = Field(title="版本", examples=[1])
    created_at: datetime = Field(title="开设时间")
    updated_at: datetime = Field(title="修改时间")
    allowed_actions: AllowedActions


class ReportOut(ReportRow):
    """定期报表，含最新版次 / A periodic report with its newest edition."""

    current: EditionOut | None = Field(title="最新版次", description="未取数为空 / null before it is drawn")


class Redraw(Schema):
    """取数；再次取数须说明理由 / A draw; drawing again needs a reason."""

    reason: Reason | None = Field(None, title="理由", examples=["漏报石渡村两户，已补登"])


class Signing(Schema):
    """核签 / Checked and signed."""

    signature_ids: list[UUID] = Field(
        default_factory=list,
        max_length=10,
        title="签名附件编号",
        description="乡镇、县须有 / Needed from townships and counties",
        examples=[[ID]],
    )


class RemarksPatch(Patch):
    """随报表报送的说明 / What a division tells along with its figures."""

    difficulties: LongText | None = Field(None, title="问题和困难", examples=["两个村改厕资金未到位"])
    next_steps: LongText | None = Field(None, title="下步打算", examples=["十二月底前完成剩余整改"])


class ReportedRecordRow(Schema):
    """指标所含的一条记录，如取数时 / A record behind a figure, as it stood when that was drawn."""

    id: UUID = Field(title="记录编号", examples=[ID])
    record_type: ReportedType
    place_code: str = Field(title="村或乡镇代码", description="取数时的 / As of then", examples=["360423208202"])
    place_name: str | None = Field(title="村或乡镇名称", examples=["安乐村"])
    household_id: UUID | None = Field(title="农户编号", examples=[ID])
    head_masked: str | None = Field(
        title="户主姓名（脱敏）",
        description="现在的；不随报表留存 / Of today: reports keep nothing of a person",
        examples=["张**"],
    )
    toilet_id: UUID | None = Field(title="厕所编号", examples=[ID])
    dwelling_state: DwellingState | None
    survey_level: VisitState | None = Field(title="摸排到达的层级")
    mode: ToiletMode | None
    grade: ToiletGrade | None
    counted: bool | None = Field(title="计入统计", examples=[True])
    built_year: int | None = Field(title="改厕年份", examples=[2024])
    led_by: Leader | None
    problem_class: ProblemClass | None
    cause: Cause | None
    causes: list[str] | None = Field(title="原因分类（问题厕所）", examples=[["small_defect"]])
    problem_type: str | None = Field(title="问题类型", examples=["tank_cracked"])
    state: ProblemState | None
    deadline: date | None = Field(title="整改期限")
    rectified: bool | None = Field(title="已整改", examples=[False])
    reopened: bool | None = Field(title="重新打开过", examples=[False])


class ChangedRecordRow(ReportedRecordRow):
    """进入或离开指标的一条记录 / A record that has joined a figure or left it, as it stood while it was in it."""

    change: Membership


class FigureDifference(Schema):
    """一个指标的变化 / How a figure has changed."""

    figure: str = Field(
        title="指标", description="用于 records 的 figure / As `figure` of the records", examples=["problems.closed"]
    )
    title: str = Field(title="名称", examples=["全部问题·已销号"])
    before: int | float | None = Field(title="上期", examples=[38])
    now: int | float | None = Field(title="本期", examples=[40])
    difference: int | float | None = Field(title="增减", description="一方为空时为空 / null where one is", examples=[2])


class DifferenceOut(Schema):
    """两期（或两版）报表的比较 / Two reports, or two editions of one, held side by side."""

    before_report_id: UUID = Field(title="上期报表编号", examples=[ID])
    before_period: str = Field(title="上期期次", examples=["2026-W47"])
    before_edition: int = Field(title="上期版次", examples=[1])
    report_id: UUID = Field(title="本期报表编号", examples=[ID])
    period: str = Field(title="本期期次", examples=[_PERIOD])
    edition: int = Field(title="本期版次", examples=[1])
    items: list[FigureDifference] = Field(title="指标")


__all__ = [
    "ChangedRecordRow",
    "DifferenceOut",
    "FigureDifference",
    "PeriodOut",
    "Redraw",
    "RemarksPatch",
    "ReportOut",
    "ReportRow",
    "ReportedRecordRow",
    "Signing",
]
