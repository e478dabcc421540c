"""What the statistics answer over HTTP."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from toilet_api.kernel.codes import Code, code_list, field
from toilet_api.kernel.fields import Schema
from toilet_api.reporting.figures import Denominator, DivisionFigures, Figures
from toilet_api.reporting.statistics.tables import SUBJECTS
from toilet_api.reporting.statistics.trend import TrendDay

SUBJECT_CODES = code_list(
    "statistic_subject",
    "统计对象",
    "What is counted",
    [Code(name, subject.zh, subject.en) for name, subject in SUBJECTS.items()],
)
SubjectCode: type[str] = field(SUBJECT_CODES)


class StatisticsOut(Schema):
    """统计指标 / The figures of a division as of a moment, with those of the divisions below it."""

    division_code: str | None = Field(
        title="区划代码",
        description="为空：您的几个辖区合计 / null: your several divisions together",
        examples=["360423"],
    )
    name: str | None = Field(title="区划名称", examples=["武宁县"])
    campaign_ids: list[UUID] = Field(
        title="专项行动", description="指标所含的行动 / The campaigns that the figures are of"
    )
    as_of: datetime = Field(title="截至时刻")
    denominator: Denominator = Field(title="普及率分母")
    figures: Figures = Field(title="指标")
    children: list[DivisionFigures] = Field(title="下级区划的指标")


class TableCell(Schema):
    """交叉表的一格 / One cell of a cross-table."""

    values: list[str | None] = Field(
        title="各维度的取值",
        description="与 dimensions 同序；未知为空 / In the order of `dimensions`; null: not known",
        examples=[["construction_quality", "open"]],
    )
    count: int = Field(title="数量", examples=[12])


class TableOut(Schema):
    """交叉表 / A cross-table: the cells that aren't zero, in the order of their values."""

    subject: SubjectCode = Field(title="统计对象")  # type: ignore[valid-type]
    dimensions: list[str] = Field(title="维度", examples=[["cause", "state"]])
    division_code: str | None = Field(title="区划代码", examples=["360423"])
    campaign_ids: list[UUID] = Field(title="专项行动")
    as_of: datetime = Field(title="截至时刻")
    total: int = Field(title="合计", examples=[120])
    cells: list[TableCell] = Field(title="各格")


class TrendOut(Schema):
    """逐日进展 / Day by day."""

    division_code: str | None = Field(title="区划代码", examples=["360423"])
    campaign_ids: list[UUID] = Field(title="专项行动")
    since: date = Field(title="起始日")
    until: date = Field(title="截止日")
    days: list[TrendDay] = Field(title="各日")


class Point(Schema):
    """一个位置 / A GeoJSON point: longitude, latitude (WGS 84)."""

    type: Literal["Point"] = Field(default="Point", title="类型")
    coordinates: list[float] = Field(title="经度、纬度", min_length=2, max_length=2, examples=[[114.98, 29.27]])


class CentreProperties(Schema):
    """区划中心的属性 / What a centre stands for."""

    division_code: str = Field(title="区划代码", examples=["360423208202"])
    name: str | None = Field(title="区划名称", examples=["清江村"])
    toilets: int = Field(title="有位置的户厕数", examples=[80])


class CentreFeature(Schema):
    """区划中心 / The centre of a division: the mean position of its toilets."""

    type: Literal["Feature"] = Field(default="Feature", title="类型")
    id: str = Field(title="区划代码", examples=["360423208202"])
    geometry: Point = Field(title="位置")
    properties: CentreProperties = Field(title="属性")


class Centres(Schema):
    """区划中心的 GeoJSON / Centres of divisions as GeoJSON (RFC 7946)."""

    type: Literal["FeatureCollection"] = Field(default="FeatureCollection", title="类型")
    features: list[CentreFeature] = Field(title="各区划")


class ToiletsProperties(Schema):
    """一个或一群户厕的属性 / What a point of the map stands for: one toilet, or several in one cell of the grid."""

    toilets: int = Field(title="户厕数", examples=[12])
    toilet_id: UUID | None = Field(title="户厕编号", description="单个户厕时 / Of a single toilet")
    division_code: str | None = Field(title="区划代码", examples=["360423208202"])
    mode: str | None = Field(title="改厕模式", examples=["three_compartment"])
    grade: str | None = Field(title="卫生等级", examples=["harmless"])


class ToiletsFeature(Schema):
    """图上一点 / A point of the map."""

    type: Literal["Feature"] = Field(default="Feature", title="类型")
    geometry: Point = Field(title="位置")
    properties: ToiletsProperties = Field(title="属性")


class ToiletsMap(Schema):
    """窗口内的户厕 GeoJSON / Toilets in a window as GeoJSON (RFC 7946), clustered on a grid."""

    type: Literal["FeatureCollection"] = Field(default="FeatureCollection", title="类型")
    clustered: bool = Field(title="是否聚合", description="false：逐座 / false: one by one", examples=[True])
    cell_degrees: float | None = Field(
        title="聚合格的经度宽（度）", description="纬向为其一半 / Half of it north to south", examples=[0.351563]
    )
    features: list[ToiletsFeature] = Field(title="各点")
