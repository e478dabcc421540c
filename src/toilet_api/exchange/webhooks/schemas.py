"""What goes in and out for webhooks."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from toilet_api.exchange.webhooks import catalogue, events, targets
from toilet_api.kernel.codes import field
from toilet_api.kernel.fields import DivisionCode, Moment, Schema
from toilet_api.survey.schemas import ID, AllowedActions, OptionalId, Patch, unset

if TYPE_CHECKING:
    State = str
    StateReason = str
    DeliveryState = str
    OutcomeCode = str
else:
    State = field(catalogue.WEBHOOK_STATES)
    StateReason = field(catalogue.STATE_REASONS)
    DeliveryState = field(catalogue.DELIVERY_STATES)
    OutcomeCode = field(catalogue.OUTCOMES)

URL_EXAMPLE = "https://receiver.example/hooks/toilets"
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="  # noqa: S105 - an example, no secret


def _known(pattern: str) -> str:
    if pattern not in events.PATTERNS:
        expected = ", ".join(events.PATTERNS)
        raise PydanticCustomError(
            "unknown_code", "unknown event type; expected one of {expected}", {"expected": expected}
        )
    return pattern


def _once(patterns: list[str]) -> list[str]:
    return list(dict.fromkeys(patterns))


EventType = Annotated[
    str,
    Field(
        title="事件类型",
        description="见代码表 webhook_event_type / See the code list; clients must tolerate new ones",
        examples=["problem.closed"],
    ),
]
EventTypes = Annotated[
    list[
        Annotated[
            str,
            AfterValidator(_known),
            Field(title="事件类型", json_schema_extra={"x-extensible-enum": list(events.PATTERNS)}),
        ]
    ],
    Field(
        min_length=1,
        max_length=200,
        title="事件类型",
        description=(
            "代码表 webhook_event_type 中的类型；`问题.*` 一类写作 `problem.*`；`*` 为可读的全部"
            " / Types of the code list webhook_event_type, `problem.*` for all of a kind, `*` for all that may be read"
        ),
        examples=[["problem.closed", "household.*"]],
    ),
    AfterValidator(_once),  # after the list was measured, as it was sent
]
Url = Annotated[
    str,
    StringConstraints(pattern=targets.URL_PATTERN, max_length=targets.URL_MAX),
    Field(
        title="接收地址",
        description=(
            "公网 https 地址，不含账号口令；内网地址须由运维放行"
            " / A public https URL without credentials; private addresses are opened by the operator"
        ),
        examples=[URL_EXAMPLE],
    ),
]
Description = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    Field(title="说明", description="供您自己辨认 / For yourself", examples=["省级平台"]),
]


class WebhookNew(Schema):
    """推送订阅 / A subscription."""

    id: OptionalId = None
    url: Url
    event_types: EventTypes
    division: DivisionCode | None = Field(
        None,
        title="区划",
        description="在您的管辖范围内；不填为您的区划 / Within your own; left out: yours",
        examples=["360423"],
    )
    description: Description | None = None


class WebhookPatch(Patch):
    """修改推送订阅 / Change a subscription; what waits already is sent to the new URL."""

    url: Url = Field(default_factory=unset)
    event_types: EventTypes = Field(default_factory=unset)
    description: Description | None = None


class Webhook(Schema):
    """推送订阅 / A subscription."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: DivisionCode
    url: str = Field(title="接收地址", examples=[URL_EXAMPLE])
    event_types: list[str] = Field(title="事件类型", examples=[["problem.closed", "household.*"]])
    description: str | None = Field(title="说明", examples=["省级平台"])
    state: State
    state_reason: StateReason | None = Field(
        title="停止推送的原因", description="为空即由您启停 / null: as you left it", examples=[None]
    )
    state_since: datetime = Field(title="进入此状态的时间")
    lacking: list[str] = Field(
        title="欠缺的权限",
        description="订阅所需而您已没有的权限，其事件不推送 / Permissions that you lack now: their events are not sent",
        examples=[[]],
    )
    pending: int = Field(title="待推送", examples=[0])
    dead: int = Field(title="未送达（不再重试）", description="测试推送不计 / Pings don't count", examples=[0])
    failing_since: datetime | None = Field(title="连续失败起", description="最近一次成功后清空 / null after a success")
    last_success_at: datetime | None = Field(title="最近一次送达")
    last_failure_at: datetime | None = Field(title="最近一次失败")
    last_outcome: OutcomeCode | None = Field(title="最近一次结果")
    former_secret_until: datetime | None = Field(
        title="旧密钥有效至", description="此前新旧密钥同时签名 / Until then both secrets sign"
    )
    version: int = Field(title="版本", description="PATCH 的 If-Match / For If-Match", examples=[1])
    created_at: datetime = Field(title="创建时间")
    updated_at: datetime = Field(title="修改时间")
    allowed_actions: AllowedActions = Field(examples=[["pause", "test", "replay", "rotate_secret", "remove"]])


class WebhookCreated(Webhook):
    """新的推送订阅，密钥仅此一次 / A new subscription; its secret is shown this once."""

    secret: str | None = Field(
        title="签名密钥",
        description="Standard Webhooks 密钥；仅显示一次，重试的答复为 null / Shown once; null in the answer to a retry",
        examples=[_SECRET],
    )


class WebhookResume(Schema):
    """恢复推送 / Resume a subscription."""

    skip_missed: bool = Field(
        False,
        title="跳过停止期间的事件",
        description="默认从停止处接着推送 / By default it goes on where it stopped",
    )


class RotateSecret(Schema):
    """更换签名密钥 / Rotate the secret."""

    overlap_hours: int = Field(
        24,
        ge=0,
        le=168,
        title="新旧并用的小时数",
        description="期间新旧密钥都签名；0 为旧密钥立即作废 / Both sign meanwhile; 0: the old one is dead at once",
        examples=[24],
    )


class WebhookSecret(Schema):
    """新的签名密钥，仅此一次 / The new secret, shown this once."""

    id: UUID = Field(title="编号", examples=[ID])
    secret: str = Field(title="签名密钥", examples=[_SECRET])
    former_secret_until: datetime | None = Field(title="旧密钥有效至")


class Replay(Schema):
    """重放一段时间的事件 / Send the events of a span of time again."""

    model_config = ConfigDict(populate_by_name=True)

    since: Moment = Field(alias="from", title="起", description="含此刻 / That moment included")
    until: Moment = Field(
        alias="to",
        title="止",
        description="不含此刻，不晚于现在 / Not included; not ahead",
        examples=["2026-06-30T10:30:00+08:00"],
    )


class Replayed(Schema):
    """重放的结果 / What is sent again."""

    id: UUID = Field(title="编号", examples=[ID])
    events: int = Field(title="事件数", description="已排队待推送 / Queued to be sent", examples=[12])


class Attempt(Schema):
    """一次推送尝试 / One attempt."""

    at: datetime = Field(title="时间")
    outcome: OutcomeCode
    status: int | None = Field(title="HTTP 状态码", examples=[500])
    duration_ms: int = Field(title="耗时（毫秒）", examples=[84])
    excerpt: str | None = Field(
        title="答复摘录", description="答复的前 500 个字节 / The first 500 bytes of the answer", examples=["error"]
    )


class DeliveryRow(Schema):
    """一次推送 / A delivery: one event for one subscription."""

    id: UUID = Field(title="编号", description="即 webhook-id / The webhook-id", examples=[ID])
    event_type: EventType
    record_type: str = Field(title="记录类型", examples=["problem"])
    record_id: UUID = Field(title="记录编号", examples=[ID])
    op: str = Field(
        title="变更",
        description="代码表 change_operation；测试推送为 ping / As in the change feed; `ping` of a test",
        examples=["updated"],
    )
    record_version: int | None = Field(title="记录版本", examples=[3])
    record_division: str | None = Field(title="记录的区划代码", examples=["360423208202"])
    state: DeliveryState
    tries: int = Field(title="已尝试次数", description="自最近一次排队起 / Since it was last queued", examples=[1])
    next_attempt_at: datetime | None = Field(title="下次尝试时间")
    last_outcome: OutcomeCode | None = Field(title="最近一次结果")
    last_status: int | None = Field(title="最近一次 HTTP 状态码", examples=[500])
    occurred_at: datetime = Field(title="发生时间")
    created_at: datetime = Field(title="排队时间")
    finished_at: datetime | None = Field(title="结束时间")


class Delivery(DeliveryRow):
    """一次推送及其全部尝试 / A delivery with all its attempts."""

    attempts: list[Attempt] = Field(title="尝试")


class EventData(Schema):
    """变更的记录，请据此读取；测试推送时为订阅本身 / The record that has changed; of a ping, the subscription."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(title="记录类型", examples=["problem"])
    id: UUID = Field(title="记录编号", examples=[ID])
    op: str = Field(
        title="变更",
        description="代码表 change_operation；测试推送为 ping / As in the change feed; `ping` of a test",
        examples=["updated"],
    )
    version: int | None = Field(
        title="记录版本",
        description="次序不作保证，以版本为准；区划等没有版本 / The order isn't certain, the version is",
        examples=[3],
    )
    division_code: str | None = Field(title="区划代码", examples=["360423208202"])
    from_division_code: str | None = Field(title="原区划代码", examples=[None])


class WebhookEvent(Schema):
    """推送的内容 / What is sent: which record, never its content."""

    model_config = ConfigDict(extra="allow")

    type: EventType
    timestamp: datetime = Field(title="发生时间")
    data: EventData
