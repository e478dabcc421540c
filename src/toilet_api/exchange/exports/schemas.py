"""What goes in and out for exports."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import Field

from toilet_api.exchange.exports import catalogue
from toilet_api.kernel.codes import field
from toilet_api.kernel.fields import Day, DivisionCode, Moment, Reason, Schema, Year
from toilet_api.registry.codes import DwellingState, Leader, ToiletGrade, ToiletMode
from toilet_api.survey.codes import Cause, ProblemClass, ProblemState, Usability, VisitState

if TYPE_CHECKING:
    Dataset = str
    Format = str
    State = str
    Personal = str
else:
    Dataset = field(catalogue.EXPORT_DATASETS)
    Format = field(catalogue.EXPORT_FORMATS)
    State = field(catalogue.EXPORT_STATES)
    Personal = field(catalogue.PERSONAL)

_ID = "0199f2c4-7c1e-7000-8000-000000000001"


class ExportFilters(Schema):
    """筛选条件；各导出内容可用的条件见接口说明，其他为 422 / Filters; those that a dataset doesn't know are a 422."""

    mode: list[ToiletMode] | None = Field(None, max_length=20, title="改厕方式")
    grade: list[ToiletGrade] | None = Field(None, max_length=10, title="卫生等级")
    led_by: list[Leader] | None = Field(None, max_length=10, title="牵头部门")
    built_year_from: Year | None = Field(None, title="改厕年份起", examples=[2024])
    built_year_to: Year | None = Field(None, title="改厕年份止", examples=[2026])
    dwelling_state: list[DwellingState] | None = Field(None, max_length=10, title="住房状态")
    has_toilet: bool | None = Field(None, title="有厕", description="不含“无厕” / One other than `none`")
    updated_since: Moment | None = Field(None, title="更新起", description="含此刻 / Changed at or after")
    campaign_id: UUID | None = Field(None, title="摸排行动编号")
    visit_state: list[VisitState] | None = Field(None, max_length=10, title="摸排记录状态")
    usability: list[Usability] | None = Field(None, max_length=10, title="使用情况")
    problem_class: ProblemClass | None = Field(None, title="问题类别")
    problem_state: list[ProblemState] | None = Field(None, max_length=10, title="问题状态")
    problem_type: list[str] | None = Field(
        None,
        max_length=50,
        title="问题类型",
        description="问题目录中的代码 / Codes of the catalogue",
        examples=[["tank_cracked"]],
    )
    cause: list[Cause] | None = Field(None, max_length=10, title="原因分类")
    overdue: bool | None = Field(None, title="是否逾期", description="期限已过且未结 / Past due and live")
    date_from: Day | None = Field(
        None,
        title="日期起",
        description=(
            "含当日；摸排为摸排日期，问题为发现日期，销号为销号日期"
            " / That day included: of the visit, of the find, of the close-out"
        ),
    )
    date_to: Day | None = Field(None, title="日期止", description="含当日 / That day included")
    standing: bool | None = Field(None, title="有效的销号", description="问题未被重新打开 / Not reopened")


class ExportNew(Schema):
    """导出什么、为哪个区划、用什么格式 / What to export, of which division, in which format."""

    id: UUID | None = Field(
        None, title="编号", description="可由客户端生成 / May be made by the client", examples=[_ID]
    )
    dataset: Dataset
    format: Format = Field(examples=["csv"])
    division: DivisionCode | None = Field(
        None,
        title="区划",
        description="在您的管辖范围内；不填为您的区划 / Within your own; left out: yours",
        examples=["360423208"],
    )
    filters: ExportFilters = Field(default_factory=ExportFilters, title="筛选条件")
    bom: bool = Field(
        False,
        title="字节顺序标记",
        description="仅用于 CSV；Excel 直接打开须有 / CSV alone; Excel needs it to open the file as it is",
    )
    personal: Personal = Field("masked", examples=["masked"])
    purpose: Reason | None = Field(
        None,
        min_length=2,
        title="目的",
        description="明文导出必填，写入审计 / Needed for plain personal data; kept in the audit trail",
        examples=[None],
    )


class Export(Schema):
    """导出任务 / An export."""

    id: UUID = Field(title="编号", examples=[_ID])
    dataset: Dataset
    format: Format
    division_code: DivisionCode
    filters: dict[str, Any] = Field(title="筛选条件", examples=[{"mode": ["three_compartment"]}])
    bom: bool = Field(title="字节顺序标记")
    personal: Personal
    state: State
    progress: float = Field(title="进度", description="0 至 1 / From 0 to 1", examples=[1.0])
    rows: int = Field(title="行数", description="已写入的行数 / Rows written so far", examples=[28153])
    bytes: int | None = Field(title="字节数", examples=[8446100])
    sha256: str | None = Field(
        title="文件的 SHA-256", examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]
    )
    change_cursor: str | None = Field(
        title="变更游标",
        description=(
            "文件为此刻的快照；变更源由此游标继续读取，不漏、不重"
            " / The file is true as of here: what it doesn't have comes after it in the feed, once"
        ),
        examples=["MS43ODkwMS4w"],
    )
    as_of: datetime | None = Field(title="数据时点", description="快照的时刻 / The moment of the snapshot")
    reused_from: UUID | None = Field(
        title="沿用的导出", description="此后无变化，沿用其文件 / Nothing has changed since: its file serves again"
    )
    file_name: str = Field(title="文件名", examples=["农户与户厕_石渡乡_20260630-0930.csv"])
    file_removed_at: datetime | None = Field(title="文件删除时间", description="到期删除 / Removed when its time is up")
    created_at: datetime = Field(title="创建时间")
    created_by: UUID = Field(title="创建人编号", examples=[_ID])
    created_by_name: str = Field(title="创建人", examples=["township_manager"])
    started_at: datetime | None = Field(title="开始时间")
    finished_at: datetime | None = Field(title="结束时间")
    problem: dict[str, Any] | None = Field(
        title="失败原因", description="problem+json，state 为 failed 时 / When failed"
    )
    allowed_actions: list[str] = Field(title="可执行操作", examples=[["download"]])
