"""The catalogue: every dataset with what it is, its columns, who is responsible, and how it is shared by default."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from sqlalchemy import Numeric, cast, func
from sqlmodel import col

from toilet_api.divisions.tables import Division
from toilet_api.exchange.exports.columns import LISTS, Column, yuan
from toilet_api.exchange.exports.datasets import Asked, Dataset, Shard, Source
from toilet_api.exchange.exports.households import HOUSEHOLDS
from toilet_api.exchange.exports.others import CLOSE_OUTS, DIVISIONS
from toilet_api.exchange.exports.schemas import ExportFilters
from toilet_api.exchange.exports.surveyed import PROBLEMS, VISITS
from toilet_api.exchange.sharing.codes import SHARED_DATASETS
from toilet_api.exchange.sharing.work_datasets import TASKS, TOILETS
from toilet_api.kernel.errors import Bilingual
from toilet_api.rectification.tables import CloseOut, Task
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey.tables import LedgerProblem, Visit

_SENSITIVE = {"id_number"}
_PERSONAL = {"name", "address", "phone", "witness_name"}
_ON_DUTY = {"surveyor_name", "responsible_person", "closed_by_name"}
_FREE_TEXT = {
    *("note", "toilet_note", "description", "measure", "statement", "no_signature_reason", "decision"),
    *("return_reason", "findings"),
}
_TYPES = {
    "uuid": "uuid",
    "code": "code",
    "flag": "boolean",
    "whole": "integer",
    "yuan": "decimal",
    "moment": "date_time",
    "day": "date",
    **dict.fromkeys(LISTS, "list"),
}
"""Kind of column -> what it is in JSON, where it isn't a text."""


@dataclass(frozen=True)
class Item:
    """A column (数据项) of a dataset, as the catalogue tells of it."""

    name: str
    title: str
    type: str
    code_list: str | None
    sensitivity: str

    @property
    def is_general(self) -> bool:
        """It may be had without asking where its dataset is shared unconditionally; nothing about a person ever is."""
        return self.sensitivity == "general"

    @property
    def is_personal(self) -> bool:
        """It is somebody's personal data, masked."""
        return self.sensitivity in ("personal", "sensitive")


@dataclass(frozen=True, eq=False)
class Shared:
    """A dataset for sharing. `order` and then `key` make each row's place; their columns are never NULL."""

    dataset: Dataset
    about: Bilingual
    order: Sequence[Any]
    key: Any
    unit: str = "县卫生健康委、县农业农村局"
    sharing_type: str = "on_approval"
    conditions: str | None = "写明用途和法律依据，由县级答复"

    @property
    def name(self) -> str:
        """Its name in paths."""
        return self.dataset.name

    @property
    def zh(self) -> str:
        """Its Chinese name."""
        return SHARED_DATASETS.label(self.name)

    def source(self, division_code: str, filters: ExportFilters, today: date) -> Source:
        """Its columns, and its rows within a division. `today`: in Shanghai."""
        last = division_code[:-1] + chr(ord(division_code[-1]) + 1)
        return self.dataset.build(Asked(Shard(division_code, last), filters, today))

    @cached_property
    def items(self) -> dict[str, Item]:
        """Its columns by their names, in their order."""
        columns = self.source("00", ExportFilters(), date.min).columns
        return {one.key: self._item(one) for one in columns}

    @cached_property
    def general(self) -> frozenset[str]:
        """The columns that say nothing of a person."""
        return frozenset(name for name, item in self.items.items() if item.is_general)

    def _item(self, column: Column) -> Item:
        return Item(
            column.key,
            column.zh,
            _TYPES.get(column.kind, "text"),
            column.codes.name if column.codes else None,
            # The name of a division is nobody's.
            "general" if self.dataset is DIVISIONS else _sensitivity(column.key),
        )


def _sensitivity(name: str) -> str:
    for names, level in (
        (_SENSITIVE, "sensitive"),
        (_PERSONAL, "personal"),
        (_ON_DUTY, "on_duty"),
        (_FREE_TEXT, "free_text"),
    ):
        if name in names:
            return level
    return "general"


def value_of(column: Column) -> Any:
    """The value of a column as it goes into JSON: money in yuan, exactly, as exports of the same dataset have it."""
    return cast(yuan(column.value), Numeric) if column.kind == "yuan" else column.value


def _placed(table: Any) -> tuple[tuple[Any, ...], Any]:
    return (col(table.division_code),), col(table.id)


CATALOGUE: dict[str, Shared] = {
    one.name: one
    for one in (
        Shared(
            HOUSEHOLDS,
            (
                "农户及其户厕，每座户厕一行，无厕户一行；姓名、证件、电话、住址脱敏",
                "Households with their toilets, masked",
            ),
            (col(Household.division_code), col(Household.id)),
            # A household without a toilet has one row, any other a row for each toilet.
            func.coalesce(col(Toilet.id), col(Household.id)),
        ),
        Shared(
            TOILETS,
            ("户厕的方式、等级、年份、牵头部门和补助，不含农户个人信息", "Toilets: mode, grade, year, leader, subsidy"),
            *_placed(Toilet),
        ),
        Shared(
            VISITS,
            ("摸排记录：时间、方式、使用情况、发现的问题", "Survey visits: when, how, usability, findings"),
            *_placed(Visit),
        ),
        Shared(
            PROBLEMS,
            ("问题台账：类型、原因、状态、期限及整改情况", "The problem ledger: type, cause, state, deadline, work"),
            *_placed(LedgerProblem),
        ),
        Shared(
            TASKS,
            ("整改任务：责任单位、期限、费用、进度", "Rectification tasks: who, until when, cost, progress"),
            *_placed(Task),
        ),
        Shared(
            CLOSE_OUTS,
            ("销号记录：依据、时间、是否有效", "Close-outs: on what grounds, when, whether they stand"),
            *_placed(CloseOut),
        ),
        Shared(
            DIVISIONS,
            ("现行区划：代码、名称、上级", "The divisions of today: code, name, parent"),
            (),
            col(Division.code),
            unit="县级统计部门",
            sharing_type="unconditional",
            conditions=None,
        ),
    )
}
"""By name, in the order in which they are listed."""
