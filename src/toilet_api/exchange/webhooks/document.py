"""What a receiver is sent, for the OpenAPI document: operations that others offer and we call."""

from typing import Annotated

from fastapi import APIRouter, Header

from toilet_api.exchange.webhooks.schemas import WebhookEvent
from toilet_api.survey.schemas import ID

router = APIRouter(tags=["exchange"])


@router.post(
    "recordChanged",
    operation_id="receive_event",
    summary="记录有变更 / A record has changed",
    response_description="已收到；请在 10 秒内以 2xx 答复 / Received; answer 2xx within 10 seconds",
    responses={
        410: {"description": "不再接收，订阅随即停用 / No more of it: the subscription is disabled"},
        "default": {"description": "其他答复按失败处理，稍后重试 / Any other answer: it is tried again later"},
    },
)
def receive_event(
    body: WebhookEvent,
    webhook_id: Annotated[
        str,
        Header(
            alias="webhook-id",
            title="推送编号",
            description="重试、重发和重放时不变，据此去重 / The same whenever it is sent again: drop repetitions",
            examples=[ID],
        ),
    ],
    webhook_timestamp: Annotated[
        int,
        Header(
            alias="webhook-timestamp",
            title="推送时间",
            description="Unix 秒；相差过大（如五分钟）的请拒收 / Unix seconds; refuse what is minutes off",
            examples=[1782783000],
        ),
    ],
    webhook_signature: Annotated[
        str,
        Header(
            alias="webhook-signature",
            title="签名",
            description=(
                "`v1,` 加 HMAC-SHA256(密钥, `编号.时间.请求体`) 的 Base64；更换密钥期间有多个，以空格分隔，任一相符即可"
                " / `v1,` and the Base64 of HMAC-SHA256(secret, `id.timestamp.body`); several, with blanks between,"
                " while a secret is rotated: one that matches is enough"
            ),
            examples=["v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="],
        ),
    ],
) -> None:
    """订阅（`POST /webhooks`）的变更推送到您的地址，遵循 Standard Webhooks 1.0。先验签，再据编号读取。

    Changes that you subscribed to are sent to your URL as Standard Webhooks 1.0 says. Verify, then read the record by
    its id. They come at least once, in no certain order: the version tells.
    """
