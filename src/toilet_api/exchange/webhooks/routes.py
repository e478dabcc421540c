"""Webhooks over HTTP: subscribe, change, stop and start, rotate, try."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from sqlmodel import col

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions.problems import DIVISION_ENDED, UNKNOWN_DIVISION
from toilet_api.exchange.webhooks import schemas, subscriptions, views
from toilet_api.exchange.webhooks.problems import TARGET_REFUSED, TOO_MANY
from toilet_api.exchange.webhooks.tables import Webhook
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.dependencies import SettingsDep, VaultDep
from toilet_api.kernel.errors import (
    BAD_CURSOR,
    FORBIDDEN,
    ID_TAKEN,
    IDEMPOTENCY_MISMATCH,
    INVALID,
    MALFORMED,
    MATCH_REQUIRED,
    NOT_FOUND,
    OUT_OF_SCOPE,
    STALE,
    UNAUTHENTICATED,
    UNKNOWN_PARAMETER,
    WRONG_STATE,
    problems,
)
from toilet_api.kernel.paging import Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, require_match, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.survey.schemas import ReasonBody

router = Room(tags=["exchange"])

Subscriber = Annotated[Caller, may(Permission.WEBHOOK_MANAGE)]
WebhookId = Annotated[UUID, Path(title="推送订阅编号")]

ALWAYS = (UNAUTHENTICATED, FORBIDDEN, UNKNOWN_PARAMETER, MALFORMED)
STEP = problems(*ALWAYS, NOT_FOUND, INVALID, WRONG_STATE)


@router.post(
    "/webhooks",
    operation_id="create_webhook",
    summary="新建推送订阅 / Subscribe",
    description=(
        "此后发生的变更推送到 `url`：签名遵循 Standard Webhooks，至少一次，失败按退避重试约三天。"
        "内容只有记录编号和变更，不含个人信息；请凭编号读取。密钥仅在此显示一次。订阅只有本人可见；推送时按本人当时的权限和范围。"
        " / Changes from now on are sent to `url`, signed as Standard Webhooks says, at least once, retried with"
        " back-off over some three days. Only ids are sent, no personal data: read the record by its id. The secret is"
        " shown this once. A subscription is its owner's alone, and sends what its owner may read at that moment."
    ),
    status_code=201,
    responses={
        200: {"model": schemas.WebhookCreated, "description": "已有的同一订阅 / The subscription it made before"},
        **problems(
            *ALWAYS,
            INVALID,
            OUT_OF_SCOPE,
            UNKNOWN_DIVISION,
            DIVISION_ENDED,
            TARGET_REFUSED,
            TOO_MANY,
            ID_TAKEN,
            IDEMPOTENCY_MISMATCH,
        ),
    },
)
def create_webhook(
    request: Request,
    response: Response,
    session: Transaction,
    settings: SettingsDep,
    vault: VaultDep,
    caller: Subscriber,
    body: schemas.WebhookNew,
) -> schemas.WebhookCreated:
    row, secret = subscriptions.create(session, settings, vault, caller, body)
    shown = schemas.WebhookCreated(**views.show(session, caller, row.id).model_dump(), secret=None)
    # What an Idempotency-Key answers again is stored, and a secret is shown once.
    request.state.replay_body = shown.model_dump_json().encode()
    response.status_code = 201 if secret is not None else 200
    response.headers["Location"] = f"/api/v1/webhooks/{row.id}"
    shown.secret = secret
    set_etag(response, row.version)
    return shown


@router.get(
    "/webhooks",
    operation_id="list_webhooks",
    summary="我的推送订阅 / My subscriptions",
    description=(
        "只列本人的订阅。排序：`-created_at`（默认）、`created_at`。"
        " / Of the caller alone. Orders: `-created_at` (default), `created_at`."
    ),
    response_model=None,
    responses={
        200: page_schema(schemas.Webhook, "created_at", "-created_at"),
        **problems(*ALWAYS, BAD_CURSOR, INVALID),
    },
)
def list_webhooks(
    request: Request,
    session: Transaction,
    caller: Subscriber,
    paging: Paging,
    state: Annotated[schemas.State | None, Query()] = None,
) -> Response:
    statement = views.webhook_select(caller)
    if state is not None:
        statement = statement.where(col(Webhook.state) == state)
    orders: dict[str, list[Any]] = {
        "created_at": [col(Webhook.created_at)],
        "-created_at": [col(Webhook.created_at).desc()],
    }
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=schemas.Webhook,
        sorts=orders,
        default_sort="-created_at",
        key=col(Webhook.id),
    )


@router.get(
    "/webhooks/{webhook_id}",
    operation_id="get_webhook",
    summary="推送订阅 / A subscription",
    description="状态、待推送与未送达的数量、停止的原因。/ Its state, what waits and what failed, why it stopped.",
    responses=problems(*ALWAYS, NOT_FOUND, INVALID),
)
def get_webhook(response: Response, session: Transaction, caller: Subscriber, webhook_id: WebhookId) -> schemas.Webhook:
    return _shown(response, session, caller, webhook_id)


@router.patch(
    "/webhooks/{webhook_id}",
    operation_id="update_webhook",
    summary="修改推送订阅 / Change a subscription",
    description=(
        "地址、事件类型、说明；待推送的也发往新地址。`If-Match` 为其 version。"
        " / URL, events, description; what waits goes to the new URL too. `If-Match` is its version."
    ),
    responses=problems(*ALWAYS, NOT_FOUND, STALE, MATCH_REQUIRED, INVALID, TARGET_REFUSED),
)
def update_webhook(
    response: Response,
    session: Transaction,
    settings: SettingsDep,
    caller: Subscriber,
    webhook_id: WebhookId,
    body: schemas.WebhookPatch,
    if_match: IfMatch = None,
) -> schemas.Webhook:
    row = subscriptions.own(session, caller, webhook_id, hold=True)
    require_match(if_match, row.version, lambda: views.show(session, caller, webhook_id))
    subscriptions.change(session, settings, caller, row, body)
    return _shown(response, session, caller, webhook_id)


@router.post(
    "/webhooks/{webhook_id}/pause",
    operation_id="pause_webhook",
    summary="暂停推送 / Pause",
    description="期间的变更不丢失，恢复后接着推送。/ Nothing of the time between is lost; it is sent after resuming.",
    responses=STEP,
)
def pause_webhook(
    response: Response, session: Transaction, caller: Subscriber, webhook_id: WebhookId
) -> schemas.Webhook:
    subscriptions.pause(session, caller, webhook_id)
    return _shown(response, session, caller, webhook_id)


@router.post(
    "/webhooks/{webhook_id}/resume",
    operation_id="resume_webhook",
    summary="恢复推送 / Resume",
    description=(
        "从停止处接着推送；`skip_missed` 为只推送今后的变更。停止过久以致变更已不保留的，从现在开始。"
        " / Goes on where it stopped; with `skip_missed` only what happens from now on. After so long that the changes"
        " are kept no more it begins with now."
    ),
    responses=STEP,
)
def resume_webhook(
    response: Response,
    session: Transaction,
    caller: Subscriber,
    webhook_id: WebhookId,
    body: schemas.WebhookResume | None = None,
) -> schemas.Webhook:
    subscriptions.resume(session, caller, webhook_id, skip_missed=body is not None and body.skip_missed)
    return _shown(response, session, caller, webhook_id)


@router.post(
    "/webhooks/{webhook_id}/remove",
    operation_id="remove_webhook",
    summary="删除推送订阅 / Remove a subscription",
    description="须说明理由；待推送的不再推送。/ With the reason; what waits is not sent.",
    responses=STEP,
)
def remove_webhook(
    response: Response, session: Transaction, caller: Subscriber, webhook_id: WebhookId, body: ReasonBody
) -> schemas.Webhook:
    subscriptions.remove(session, caller, webhook_id, body.reason)
    shown = views.show(session, caller, webhook_id, removed=True)
    set_etag(response, shown.version)
    return shown


@router.post(
    "/webhooks/{webhook_id}/rotate-secret",
    operation_id="rotate_webhook_secret",
    summary="更换签名密钥 / Rotate the secret",
    description=(
        "新密钥仅显示一次；`overlap_hours` 小时内新旧密钥同时签名，接收方可从容更换。"
        " / The new secret is shown once; both sign for `overlap_hours`, so that the receiver can change over."
    ),
    responses=STEP,
)
def rotate_webhook_secret(
    response: Response,
    session: Transaction,
    vault: VaultDep,
    caller: Subscriber,
    webhook_id: WebhookId,
    body: schemas.RotateSecret | None = None,
) -> schemas.WebhookSecret:
    response.headers["Cache-Control"] = "no-store"
    hours = (body or schemas.RotateSecret()).overlap_hours
    secret = subscriptions.rotate_secret(session, vault, caller, webhook_id, hours)
    shown = views.show(session, caller, webhook_id)
    return schemas.WebhookSecret(id=shown.id, secret=secret, former_secret_until=shown.former_secret_until)


@router.post(
    "/webhooks/{webhook_id}/test",
    operation_id="test_webhook",
    summary="测试推送 / Send a ping",
    description=(
        "推送一条 `webhook.ping`，只试一次；结果见答复所指的推送。暂停时也可用。"
        " / Sends a `webhook.ping`, once; what came of it shows in the delivery. Also while it is paused."
    ),
    responses=STEP,
)
def test_webhook(session: Transaction, caller: Subscriber, webhook_id: WebhookId) -> schemas.Delivery:
    made = subscriptions.ping(session, caller, webhook_id)
    return views.show_delivery(session, webhook_id, made.message_id)


def _shown(response: Response, session: Transaction, caller: Caller, webhook_id: UUID) -> schemas.Webhook:
    shown = views.show(session, caller, webhook_id)
    # What waits and what failed changes without a new version: the answer isn't one to keep.
    response.headers["Cache-Control"] = "no-store"
    set_etag(response, shown.version)
    return shown
