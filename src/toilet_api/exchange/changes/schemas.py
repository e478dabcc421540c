"""What the change feed answers."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from toilet_api.exchange.changes.catalogue import CHANGE_OPERATIONS
from toilet_api.exchange.changes.subjects import CHANGE_TYPES
from toilet_api.kernel.codes import field
from toilet_api.kernel.fields import DivisionCode, Schema
from toilet_api.survey.schemas import ID

ChangeOperation: Any = field(CHANGE_OPERATIONS)
ChangeType: Any = field(CHANGE_TYPES)
Cursor = Annotated[
    str,
    Field(
        title="变更游标",
        description="不透明；下次作为 since / Opaque; the next `since`",
        examples=["tY2m1m0bTn3pXxN0Yy5hYmNkZWYwMS4xNTM4LjI0MDE6MDo"],
    ),
]


class Change(Schema):
    """一条变更 / One change of a record."""

    cursor: Cursor
    type: ChangeType
    id: UUID = Field(title="记录编号", examples=[ID])
    op: ChangeOperation
    version: int | None = Field(
        title="版本", description="这次变更得到的版本 / The version that this change made", examples=[3]
    )
    at: datetime = Field(title="时间", description="写入时间，不表示次序 / When it was written; not the order")
    division_code: DivisionCode | None = Field(
        description="变更后所在区划；移出范围时不告知 / Where the record was then; not told of one that left the scope"
    )
    from_division_code: DivisionCode | None = Field(
        title="原区划代码", description="变更区划前，限范围内 / Before a move, if inside of the scope", examples=[None]
    )
    record: dict[str, Any] | None = Field(
        title="记录",
        description=(
            "记录现在的内容，字段同其列表；已删除、已移出或 include=none 时为空。"
            " / The record as it is now, with the fields of its list; null when it is gone, or with include=none."
        ),
        examples=[{"id": ID, "division_code": "360423208202", "version": 3}],
    )


class ChangePage(Schema):
    """一页变更 / A page of changes."""

    items: list[Change] = Field(title="变更")
    next_cursor: Cursor
    more: bool = Field(
        title="还有更多",
        description="为真则立即再读；为假则已读到此刻 / true: read on at once; false: this is all up to now",
        examples=[False],
    )
