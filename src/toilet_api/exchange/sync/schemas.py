"""What goes in and out for offline clients' changes."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from toilet_api.exchange.sync import catalogue
from toilet_api.kernel.codes import CodeList, field
from toilet_api.kernel.fields import Moment, Schema, Text
from toilet_api.promise.said import FILLED
from toilet_api.registry.schemas import ClientId

if TYPE_CHECKING:
    State = str
    ConflictKind = str
    ConflictState = str
    Decision = str
else:
    State = field(catalogue.ITEM_STATES)
    ConflictKind = field(catalogue.CONFLICT_KINDS)
    ConflictState = field(catalogue.CONFLICT_STATES)
    Decision = field(catalogue.DECISIONS)

_ID = "0199f2c4-7c1e-7000-8000-000000000001"
_ITEM = "0199f2c4-7c1e-7000-8000-0000000000a1"
_DEVICE = "0199f2c4-7c1e-7000-8000-0000000000d1"
_NAME = StringConstraints(min_length=1, max_length=40)

_CHANGES = (
    "所给字段即单条接口的字段：`household`、`toilet`、`visit` 的 create 同 HouseholdCreate、ToiletCreate、VisitNew"
    "（编号为 record_id），update 同 HouseholdPatch、ToiletPatch、VisitPatch；`task` 的 note 同 TaskNoteNew；"
    "remove 为 `{reason}`；submit 不填"
    " / The very members of the single routes' bodies: create as HouseholdCreate, ToiletCreate, VisitNew, whose id is"
    " record_id; update as HouseholdPatch, ToiletPatch, VisitPatch; a task's note as TaskNoteNew; remove is `{reason}`;"
    " none for submit"
)


def _codes(known: CodeList) -> dict[str, Any]:
    """Any other is refused with its item alone: one step that a phone is ahead of us in must not stop the batch."""
    return {"x-extensible-enum": [code.code for code in known.codes], "pattern": FILLED}


class SyncItem(Schema):
    """离线时做的一项修改 / One change that was made offline."""

    id: ClientId = Field(
        title="条目编号",
        description="由客户端生成，每项一个；重发时不变 / The item's own, made by the client; a resend keeps it",
        examples=[_ITEM],
    )
    type: Annotated[str, _NAME] = Field(
        title="记录类型",
        description="household、toilet、visit、task / The type of the record",
        examples=["household"],
        json_schema_extra=_codes(catalogue.ITEM_TYPES),
    )
    op: Annotated[str, _NAME] = Field(
        title="操作",
        description=(
            "household、toilet：create、update、remove；visit：create、update、submit；task：note"
            " / household, toilet: create, update, remove; visit: create, update, submit; task: note"
        ),
        examples=["update"],
        json_schema_extra=_codes(catalogue.ITEM_OPERATIONS),
    )
    record_id: UUID = Field(title="记录编号", examples=[_ID])
    base_version: int | None = Field(
        None,
        ge=1,
        le=2**31 - 1,
        title="依据的版本",
        description=(
            "修改时手机上记录的版本；本机新建而尚不知版本的不填"
            " / The version of the record that was changed; left out for one that this device has made and whose"
            " version it does not know yet"
        ),
        examples=[3],
    )
    changes: dict[str, Any] | None = Field(
        None, title="内容", description=_CHANGES, examples=[{"family_size": 5, "person": {"phones": ["19900004321"]}}]
    )
    client_time: Moment = Field(
        title="修改时间",
        description="按设备时钟，存档备查 / By the device's clock; recorded, not trusted",
        examples=["2026-06-30T09:12:00+08:00"],
    )


class SyncBatch(Schema):
    """离线时做的修改，按先后 / Changes that were made offline, in their order."""

    device_id: ClientId = Field(
        title="设备编号",
        description="安装时生成一次 / Made once, when the client is installed",
        examples=[_DEVICE],
    )
    device_time: Moment = Field(
        title="设备当前时间",
        description="与服务器时间之差随条目保存 / How far it differs from the server's is kept with the items",
        examples=["2026-06-30T10:00:03+08:00"],
    )
    items: list[SyncItem] = Field(min_length=1, max_length=500, title="条目")


class SyncResult(Schema):
    """一个条目的结果 / What became of an item."""

    id: UUID = Field(title="条目编号", examples=[_ITEM])
    state: State
    replayed: bool = Field(
        title="重发",
        description="此前收到过，再次给出首次的结果 / It came before; this is what became of it then",
        examples=[False],
    )
    type: str = Field(title="记录类型", examples=["household"])
    record_id: UUID = Field(title="记录编号", examples=[_ID])
    version: int | None = Field(
        title="版本", description="写入后的版本；未写入的为系统中的版本 / After the item, or as it stands", examples=[4]
    )
    fields: list[str] = Field(
        title="冲突字段", description="双方改成了不同内容的 / Changed by both sides, to other values", examples=[[]]
    )
    conflict_id: UUID | None = Field(
        title="待决定编号", description="见 GET /sync-conflicts / Where it is kept", examples=[None]
    )
    server: dict[str, Any] | None = Field(
        title="系统中的记录",
        description="merged、conflict 时；脱敏 / For merged and conflict: as its own route shows it, masked",
        examples=[None],
    )
    problem: dict[str, Any] | None = Field(
        title="拒绝原因",
        description=(
            "problem+json：code、remedy、errors[]（pointer、code、value），位置相对于 changes；附件未到为 errors[].code"
            " `attachment_expected` / With pointers into `changes`; where a photo or signature has not come yet,"
            " errors[] has `attachment_expected` with its id as value"
        ),
        examples=[None],
    )


class SyncAnswer(Schema):
    """各条目的结果，顺序与请求一致 / A result for each item, in the order of the request."""

    received_at: datetime = Field(title="服务器时间", examples=["2026-06-30T10:00:00+08:00"])
    clock_offset_seconds: float = Field(
        title="时钟偏差（秒）",
        description="设备时钟比服务器快多少 / How far the device's clock is ahead of the server's",
        examples=[3.0],
    )
    results: list[SyncResult] = Field(title="结果")


class SyncConflictRow(Schema):
    """待决定的条目 / An item that was not applied, kept for a decision."""

    model_config = ConfigDict(json_schema_extra={"description": "待决定的条目 / An item kept for a decision."})

    id: UUID = Field(title="编号", examples=[_ID])
    division_code: str = Field(title="区划代码", examples=["360423208202"])
    village_name: str | None = Field(title="村", examples=["示例村委会"])
    kind: ConflictKind
    state: ConflictState
    type: str = Field(title="记录类型", examples=["household"])
    op: str = Field(title="操作", examples=["update"])
    record_id: UUID = Field(title="记录编号", examples=[_ID])
    household_id: UUID | None = Field(title="农户编号")
    base_version: int | None = Field(title="依据的版本", examples=[3])
    server_version: int | None = Field(
        title="当时系统中的版本", description="记录不存在时为空 / null where there was no record", examples=[4]
    )
    fields: list[str] = Field(title="冲突字段", examples=[["family_size"]])
    problem_code: str | None = Field(
        title="拒绝原因代码", description="kind 为 rejected 时 / Of what was rejected", examples=[None]
    )
    item_id: UUID = Field(title="条目编号", examples=[_ITEM])
    device_id: UUID = Field(title="设备编号", examples=[_DEVICE])
    sent_by: UUID = Field(title="发送人编号", examples=[_ID])
    sent_by_name: str = Field(title="发送人", examples=["摸排员"])
    client_time: datetime = Field(title="设备上的修改时间")
    clock_offset_seconds: float = Field(title="时钟偏差（秒）", examples=[3.0])
    received_at: datetime = Field(title="收到时间")
    decision: Decision | None = Field(title="决定", description="未决定为空 / null until decided", examples=[None])
    note: str | None = Field(title="决定的说明", examples=[None])
    decided_by: UUID | None = Field(title="决定人编号")
    decided_by_name: str | None = Field(title="决定人", examples=[None])
    decided_at: datetime | None = Field(title="决定时间")
    allowed_actions: list[str] = Field(title="可执行操作", examples=[["resolve"]])


class SyncConflictOut(SyncConflictRow):
    """待决定的条目，附双方内容 / With both sides."""

    client: dict[str, Any] = Field(
        title="手机上的内容", description="个人信息脱敏 / Personal data masked", examples=[{"family_size": 5}]
    )
    server: dict[str, Any] | None = Field(
        title="系统中的记录",
        description="现在的内容，脱敏；其 version 用作 If-Match / As it is now, masked; its version goes into If-Match",
        examples=[{"family_size": 4, "version": 4}],
    )
    problem: dict[str, Any] | None = Field(title="拒绝原因", description="problem+json", examples=[None])


class SyncResolution(Schema):
    """对冲突的决定 / The decision."""

    decision: Decision
    values: dict[str, Any] | None = Field(
        None,
        title="另行填写的内容",
        description="set_values 时必填，字段同单条接口 / For set_values: members of the single route's body",
        examples=[None],
    )
    note: Text | None = Field(
        None, min_length=1, title="说明", description="写入审计 / Kept in the audit trail", examples=["已电话核实"]
    )
