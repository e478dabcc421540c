"""The figures of a division: one vocabulary for live statistics, frozen reports, documents and the dashboard.

Each figure says what is counted. Removed records never count. Days are days in Asia/Shanghai.
"""

from typing import Literal

from pydantic import Field

from toilet_api.kernel.fields import Schema
from toilet_api.registry.codes import Leader, ToiletGrade, ToiletMode
from toilet_api.survey.codes import Cause

Denominator = Literal["households", "lived_in", "with_toilet"]
"""What coverage is a share of: all households that are not demolished; those lived in; those with a counted toilet."""


class ModeCount(Schema):
    """某模式的户厕 / Toilets of one technical mode."""

    mode: ToiletMode = Field(title="改厕模式")
    toilets: int = Field(title="户厕数", examples=[120])
    counted: int = Field(title="计入统计数（一宅一厕）", examples=[118])


class GradeCount(Schema):
    """某卫生等级的户厕 / Toilets of one sanitary grade."""

    grade: ToiletGrade = Field(title="卫生等级")
    toilets: int = Field(title="户厕数", examples=[120])
    counted: int = Field(title="计入统计数（一宅一厕）", examples=[118])


class YearCount(Schema):
    """某年改造的户厕 / Toilets rebuilt in one year; null: the year is not known."""

    built_year: int | None = Field(title="改厕年份", examples=[2023])
    toilets: int = Field(title="户厕数", examples=[120])
    counted: int = Field(title="计入统计数（一宅一厕）", examples=[118])


class LeaderCount(Schema):
    """某部门牵头改造的户厕 / Toilets by who led their rebuild; null: not known."""

    led_by: Leader | None = Field(title="牵头改造单位")
    toilets: int = Field(title="户厕数", examples=[120])
    counted: int = Field(title="计入统计数（一宅一厕）", examples=[118])


class RegistryFigures(Schema):
    """农户户厕底数 / Households and toilets, whatever the campaign."""

    households: int = Field(title="农户数", examples=[1000])
    occupied: int = Field(title="常住户数", examples=[800])
    vacant: int = Field(title="常年在外空心户数", examples=[190])
    demolished: int = Field(title="已拆除户数", examples=[10])
    toilets: int = Field(title="户厕数", description="不含“无厕” / Without the mode `none`", examples=[950])
    counted: int = Field(title="计入统计的户厕数（一宅一厕）", examples=[930])
    sanitary: int = Field(
        title="卫生厕所户数",
        description="计入统计且为卫生厕所（含无害化） / Counted, harmless or sanitary",
        examples=[900],
    )
    harmless: int = Field(title="无害化卫生厕所户数", examples=[880])
    base: int = Field(title="普及率分母（户）", examples=[990])
    sanitary_coverage: float | None = Field(
        title="卫生厕所普及率",
        description="0 至 1；分母为 0 时为空 / From 0 to 1; null without a base",
        examples=[0.909],
    )
    harmless_coverage: float | None = Field(
        title="无害化卫生厕所普及率", description="同上 / Likewise", examples=[0.889]
    )


class SurveyFigures(Schema):
    """摸排进度 / How far the survey is. A household counts once, at the highest level one of its visits has reached."""

    households: int = Field(title="农户数", examples=[1000])
    surveyed: int = Field(
        title="已摸排户数", description="有已提交的摸排 / With a visit that was submitted", examples=[900]
    )
    township_verified: int = Field(
        title="乡镇已审核户数", description="含县级已审核 / Including those that the county verified", examples=[700]
    )
    county_verified: int = Field(title="县级已审核户数", examples=[500])
    returned: int = Field(title="退回户数", description="只有退回的摸排 / With returned visits only", examples=[3])


class ProblemFigures(Schema):
    """问题台账 / Problems of the ledger. `found` = open + in_work + accepted + closed + dismissed."""

    found: int = Field(title="登记问题数", examples=[120])
    open: int = Field(title="待整改", examples=[40])
    in_work: int = Field(title="整改中", examples=[30])
    rectified: int = Field(
        title="已整改",
        description="整改完成待验收、已验收、已销号 / Work submitted for acceptance, accepted, or closed",
        examples=[60],
    )
    accepted: int = Field(title="已验收，待销号", examples=[10])
    closed: int = Field(title="已销号", examples=[40])
    dismissed: int = Field(title="已撤销", examples=[0])
    overdue: int = Field(
        title="逾期",
        description="期限已过而未销号、未撤销 / Past its deadline, neither closed nor dismissed",
        examples=[5],
    )
    reopened: int = Field(title="重新打开过的", examples=[1])


class CauseFigures(ProblemFigures):
    """某类原因的问题 / Problems of one cause class. A toilet with problems of two causes counts at both."""

    cause: Cause = Field(title="原因分类")
    problem_toilets: int = Field(title="问题厕所数", examples=[100])


class ProblemToiletFigures(Schema):
    """问题厕所 / Toilets with at least one problem that is not dismissed, each at its least advanced problem."""

    total: int = Field(title="问题厕所数", examples=[100])
    open: int = Field(title="待整改", examples=[30])
    in_work: int = Field(title="整改中", examples=[25])
    accepted: int = Field(title="已验收，待销号", examples=[10])
    closed: int = Field(title="全部问题已销号", examples=[35])


class PaceFigures(Schema):
    """一步用了多少天 / Days that a step took, over the records that have done it."""

    step: Literal[
        "submitted_to_township_verified",
        "township_verified_to_county_verified",
        "work_started_to_submitted",
        "work_submitted_to_accepted",
        "found_to_accepted",
        "accepted_to_closed",
        "found_to_closed",
    ] = Field(title="环节")
    records: int = Field(title="记录数", examples=[40])
    median_days: float | None = Field(
        title="天数中位数", description="上海时间自然日之差 / Difference of calendar days in Shanghai", examples=[12.0]
    )


class Figures(Schema):
    """一个区划的全部指标 / Every figure of a division; of the campaigns asked for, but for the register."""

    registry: RegistryFigures = Field(title="底数")
    survey: SurveyFigures = Field(title="摸排")
    problems: ProblemFigures = Field(title="全部问题")
    toilet_problems: ProblemFigures = Field(title="其中问题厕所的问题")
    work_problems: ProblemFigures = Field(title="其中工作推进中的问题")
    problem_toilets: ProblemToiletFigures = Field(title="问题厕所")
    by_cause: list[CauseFigures] = Field(title="按原因")
    by_mode: list[ModeCount] = Field(title="按改厕模式")
    by_grade: list[GradeCount] = Field(title="按卫生等级")
    by_year: list[YearCount] = Field(title="按改厕年份")
    by_leader: list[LeaderCount] = Field(title="按牵头单位")
    pace: list[PaceFigures] = Field(title="各环节天数")


class DivisionFigures(Schema):
    """一个区划及其指标 / A division with its figures."""

    division_code: str = Field(title="区划代码", examples=["360423208"])
    name: str | None = Field(title="区划名称", examples=["清江乡"])
    figures: Figures = Field(title="指标")
