"""Toilets by themselves, and tasks: datasets that exports don't have."""

from typing import Any

from sqlalchemy import Select, select
from sqlmodel import col

from toilet_api.accounts.permissions import Permission
from toilet_api.exchange.exports.columns import Column
from toilet_api.exchange.exports.datasets import Asked, Dataset, Places, Source
from toilet_api.exchange.exports.surveyed import PROBLEM_SUBJECTS
from toilet_api.rectification.codes import TASK_PATHS, TASK_STATES
from toilet_api.rectification.tables import Task
from toilet_api.rectification.task_views import overdue
from toilet_api.registry import codes
from toilet_api.registry.tables import Toilet
from toilet_api.survey.codes import CAUSES, PROBLEM_CLASSES
from toilet_api.survey.tables import CatalogueType, LedgerProblem


def _toilets(asked: Asked) -> Source:
    places, one = Places.of(asked.shard), Toilet
    columns = (
        Column("id", "编号", col(one.id), "uuid", required=True),
        Column("household_id", "农户编号", col(one.household_id), "uuid", required=True),
        *_placed(places, col(one.division_code)),
        Column("mode", "改厕方式", col(one.mode), "code", codes.TOILET_MODES, required=True),
        Column("grade", "卫生等级", col(one.grade), "code", codes.TOILET_GRADES),
        Column("counted", "计入统计", col(one.counted), "flag", required=True),
        Column("built_year", "改厕年份", col(one.built_year), "whole"),
        Column("built_month", "改厕月份", col(one.built_month), "whole"),
        Column("led_by", "牵头部门", col(one.led_by), "code", codes.LEADERS),
        Column("subsidy", "补助金额(元)", col(one.subsidy_fen), "yuan"),
        Column("placement", "位置", col(one.placement), "code", codes.PLACEMENTS),
        Column("flush", "冲水方式", col(one.flush), "code", codes.FLUSHES),
        Column("discharge", "粪污去向", col(one.discharge), "code", codes.DISCHARGES),
        Column("chambers", "格数", col(one.chambers), "whole"),
        Column("volume_litres", "有效容积(升)", col(one.volume_litres), "whole"),
        Column("note", "备注", col(one.note)),
        Column("updated_at", "更新时间", col(one.updated_at), "moment", required=True),
    )
    rows = _standing(one, asked)
    return Source(columns, places.join(rows, col(one.division_code)), (col(one.division_code), col(one.id)))


def _tasks(asked: Asked) -> Source:
    places, one = Places.of(asked.shard), Task
    columns = (
        Column("id", "编号", col(one.id), "uuid", required=True),
        Column("problem_id", "问题编号", col(one.problem_id), "uuid", required=True),
        Column("household_id", "农户编号", col(LedgerProblem.household_id), "uuid"),
        Column("toilet_id", "厕所编号", col(LedgerProblem.toilet_id), "uuid"),
        *_placed(places, col(one.division_code)),
        Column("problem_class", "问题类别", col(LedgerProblem.problem_class), "code", PROBLEM_CLASSES),
        Column("problem_type", "问题类型", col(CatalogueType.code)),
        Column("cause", "原因分类", col(LedgerProblem.cause), "code", CAUSES),
        Column("path", "整改路径", col(one.path), "code", TASK_PATHS, required=True),
        Column("state", "状态", col(one.state), "code", TASK_STATES, required=True),
        Column("due_on", "期限", col(one.due_on), "day"),
        Column("overdue", "是否逾期", overdue(asked.today), "flag", required=True),
        Column("responsible_person", "责任人", col(one.responsible_person)),
        Column("responsible_unit", "责任单位", col(one.responsible_unit)),
        Column("contractor", "施工单位", col(one.contractor)),
        Column("measure", "整改措施", col(one.measure)),
        Column("cost", "预算(元)", col(one.cost_fen), "yuan"),
        Column("actual_cost", "实际费用(元)", col(one.actual_cost_fen), "yuan"),
        Column("started_at", "开工时间", col(one.started_at), "moment"),
        Column("submitted_at", "报验时间", col(one.submitted_at), "moment"),
        Column("accepted_at", "验收时间", col(one.accepted_at), "moment"),
        Column("version", "版本", col(one.version), "whole", required=True),
        Column("updated_at", "更新时间", col(one.updated_at), "moment", required=True),
    )
    rows = (
        _standing(one, asked)
        .join(LedgerProblem, col(LedgerProblem.id) == col(one.problem_id))
        .join(CatalogueType, col(CatalogueType.id) == col(LedgerProblem.type_id))
    )
    return Source(columns, places.join(rows, col(one.division_code)), (col(one.division_code), col(one.id)))


def _placed(places: Places, division_code: Any) -> tuple[Column, ...]:
    return (
        places.column("county", "县"),
        places.column("township", "乡镇"),
        places.column("village", "村"),
        Column("division_code", "区划代码", division_code, "plain", required=True),
    )


def _standing(table: type[Toilet] | type[Task], asked: Asked) -> Select[Any]:
    """The records of a range of places that aren't removed, and were changed since the moment asked for."""
    conditions = [asked.shard.covers(col(table.division_code)), col(table.removed_at).is_(None)]
    if asked.filters.updated_since is not None:
        conditions.append(col(table.updated_at) >= asked.filters.updated_since)
    return select().select_from(table).where(*conditions)


TOILETS = Dataset(
    "toilets",
    (Permission.HOUSEHOLD_READ,),
    ("toilet", "division"),
    frozenset({"updated_since"}),
    _toilets,
    Toilet,
)
TASKS = Dataset(
    "tasks",
    (Permission.TASK_READ,),
    PROBLEM_SUBJECTS,
    frozenset({"updated_since"}),
    _tasks,
    Task,
    is_dated=True,
)
