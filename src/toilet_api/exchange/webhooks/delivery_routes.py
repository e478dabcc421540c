"""Deliveries over HTTP: what was sent, what came of it, and again."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from sqlmodel import col

from toilet_api.exchange.webhooks import schemas, subscriptions, views
from toilet_api.exchange.webhooks.problems import REPLAY_TOO_WIDE
from toilet_api.exchange.webhooks.routes import ALWAYS, STEP, Subscriber, WebhookId
from toilet_api.exchange.webhooks.tables import WebhookDelivery
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.errors import BAD_CURSOR, INVALID, NOT_FOUND, WRONG_STATE, problems
from toilet_api.kernel.paging import Paging, answer_page, page_schema
from toilet_api.kernel.requests import Room

router = Room(tags=["exchange"])

DeliveryId = Annotated[UUID, Path(title="推送编号")]


@router.get(
    "/webhooks/{webhook_id}/deliveries",
    operation_id="list_webhook_deliveries",
    summary="推送记录 / Deliveries",
    description=(
        "`state=dead` 为未送达、不再重试的。保留若干天（默认 30）。排序：`-created_at`（默认）、`created_at`。"
        " / `state=dead`: given up. Kept for some days (30 by default). Orders: `-created_at` (default), `created_at`."
    ),
    response_model=None,
    responses={
        200: page_schema(schemas.DeliveryRow, "created_at", "-created_at"),
        **problems(*ALWAYS, BAD_CURSOR, NOT_FOUND, INVALID),
    },
)
def list_webhook_deliveries(
    request: Request,
    session: Transaction,
    caller: Subscriber,
    paging: Paging,
    webhook_id: WebhookId,
    state: Annotated[schemas.DeliveryState | None, Query()] = None,
    event_type: Annotated[str | None, Query(max_length=60, title="事件类型", examples=["problem.closed"])] = None,
) -> Response:
    subscriptions.own(session, caller, webhook_id)
    statement = views.delivery_select(webhook_id)
    if state is not None:
        statement = statement.where(col(WebhookDelivery.state) == state)
    if event_type is not None:
        statement = statement.where(col(WebhookDelivery.event_type) == event_type)
    orders: dict[str, list[Any]] = {
        "created_at": [col(WebhookDelivery.created_at)],
        "-created_at": [col(WebhookDelivery.created_at).desc()],
    }
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=schemas.DeliveryRow,
        sorts=orders,
        default_sort="-created_at",
        key=col(WebhookDelivery.message_id),
    )


@router.get(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}",
    operation_id="get_webhook_delivery",
    summary="一次推送 / A delivery",
    description="每次尝试的时间、结果、耗时和答复摘录。/ Each attempt: time, outcome, duration, excerpt.",
    responses=problems(*ALWAYS, NOT_FOUND, INVALID),
)
def get_webhook_delivery(
    response: Response, session: Transaction, caller: Subscriber, webhook_id: WebhookId, delivery_id: DeliveryId
) -> schemas.Delivery:
    response.headers["Cache-Control"] = "no-store"
    subscriptions.own(session, caller, webhook_id)
    return views.show_delivery(session, webhook_id, delivery_id)


@router.post(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
    operation_id="redeliver_webhook_delivery",
    summary="再次推送 / Send it again",
    description=(
        "立即再推送，`webhook-id` 不变，失败仍按退避重试；暂停或停用期间排队等待。"
        " / At once, with the same `webhook-id` and all retries; while nothing is sent it waits."
    ),
    responses=problems(*ALWAYS, NOT_FOUND, INVALID, WRONG_STATE),
)
def redeliver_webhook_delivery(
    session: Transaction, caller: Subscriber, webhook_id: WebhookId, delivery_id: DeliveryId
) -> schemas.Delivery:
    subscriptions.redeliver(session, caller, webhook_id, delivery_id)
    return views.show_delivery(session, webhook_id, delivery_id)


@router.post(
    "/webhooks/{webhook_id}/replay",
    operation_id="replay_webhook",
    summary="重放一段时间 / Replay a span of time",
    description=(
        "把该时段发生的、订阅所含且您现在可读的变更再推送一遍，包括此前没有推送过的；同一变更的 `webhook-id` 不变。"
        f"一次最多 {subscriptions.REPLAY_MAX} 条变更。"
        " / Sends the changes of that time that are subscribed to and that you may read now once more, or for the first"
        f" time; a change keeps its `webhook-id`. At most {subscriptions.REPLAY_MAX} changes at a time."
    ),
    responses={**STEP, **problems(INVALID, REPLAY_TOO_WIDE)},
)
def replay_webhook(
    session: Transaction, caller: Subscriber, webhook_id: WebhookId, body: schemas.Replay
) -> schemas.Replayed:
    queued = subscriptions.replay(session, caller, webhook_id, body.since, body.until)
    return schemas.Replayed(id=webhook_id, events=queued)
