"""What a device gets: a village's working set, or what has changed in it."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from toilet_api.kernel.fields import Schema
from toilet_api.kernel.routes import CodeListAnswer
from toilet_api.rectification.checklist_schemas import ChecklistRow
from toilet_api.rectification.task_schemas import TaskRow
from toilet_api.registry.schemas import Household, Toilet
from toilet_api.survey.campaign_schemas import CampaignRow
from toilet_api.survey.ledger_schemas import ProblemRow
from toilet_api.survey.schemas import ProblemTypeRow
from toilet_api.survey.visit_schemas import VisitOut

_ID = "0199f2c4-7c1e-7000-8000-000000000001"
_TAG = "9f86d081884c7d659a2feaa0c55ad015"


class GoneRecord(Schema):
    """不再属于本村工作数据的记录：已删除，或已迁出 / Removed, or moved away: to be dropped from the device."""

    type: str = Field(title="记录类型", examples=["household"])
    id: UUID = Field(title="编号", examples=[_ID])


class SyncReference(Schema):
    """工作所需的目录和代码 / What the work needs beside the records."""

    tag: str = Field(
        title="标签",
        description="下次以 reference 带回，未变则不再下发 / Send it as `reference` next time",
        examples=[_TAG],
    )
    campaign: CampaignRow | None = Field(title="进行中的摸排行动", examples=[None])
    problem_types: list[ProblemTypeRow] = Field(title="问题目录")
    checklists: list[ChecklistRow] = Field(title="验收清单")
    code_lists: list[CodeListAnswer] = Field(title="代码表")


class SyncPull(Schema):
    """一个村的工作数据 / The working set of a village."""

    division_code: str = Field(title="村代码", examples=["360423208202"])
    whole: bool = Field(
        title="整村",
        description="true：替换设备上的全部数据；false：逐条并入 / Replace all on the device, or merge it in",
        examples=[True],
    )
    as_of: datetime = Field(title="数据时点", examples=["2026-06-30T10:00:00+08:00"])
    cursor: str = Field(
        title="游标", description="下次作为 since / Send it as `since` next time", examples=["bm8gY3Vyc29y"]
    )
    more: bool = Field(title="还有", description="为 true 请立即继续 / Go on at once", examples=[False])
    households: list[Household] = Field(title="农户")
    toilets: list[Toilet] = Field(title="户厕")
    visits: list[VisitOut] = Field(title="摸排记录")
    problems: list[ProblemRow] = Field(title="问题")
    tasks: list[TaskRow] = Field(title="整改任务")
    gone: list[GoneRecord] = Field(title="不再有的记录")
    reference: SyncReference | None = Field(
        title="目录和代码", description="与 reference 相同时为空 / null if unchanged"
    )
