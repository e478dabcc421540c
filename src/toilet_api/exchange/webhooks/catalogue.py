"""The states of subscriptions and deliveries, and what may come of an attempt."""

from toilet_api.kernel.codes import Code, code_list

WEBHOOK_STATES = code_list(
    "webhook_state",
    "推送订阅状态",
    "State of a subscription",
    [
        Code("active", "启用", "events are sent"),
        Code("paused", "已暂停", "paused by its owner; it goes on where it stopped"),
        Code("suspended", "已中止（权限已收回）", "the owner's right was withdrawn; nothing is sent"),
        Code("disabled", "已停用（接收方长期失败）", "the receiver failed for days, or is gone; nothing is sent"),
    ],
)
STATE_REASONS = code_list(
    "webhook_state_reason",
    "停止推送的原因",
    "Why a subscription doesn't send",
    [
        Code("account_inactive", "订阅者的账号已锁定或删除", "the owner's account is locked or removed"),
        Code(
            "right_withdrawn", "订阅者在该区划已无推送权限", "the owner may not have webhooks in that division any more"
        ),
        Code("receiver_gone", "接收方答复 410", "the receiver answered 410 Gone"),
        Code("receiver_failing", "接收方连续多日失败", "the receiver failed for days on end"),
        Code(
            "feed_expired",
            "停顿过久，其间的变更已不保留",
            "it stood still for so long that the changes are kept no more",
        ),
    ],
)
DELIVERY_STATES = code_list(
    "webhook_delivery_state",
    "推送状态",
    "State of a delivery",
    [
        Code("pending", "待推送", "to be sent, or sent again"),
        Code("delivered", "已送达", "the receiver answered 2xx"),
        Code("dead", "未送达（不再重试）", "given up after the last attempt; can be sent again by hand"),
        Code(
            "withheld", "未推送（无权限或订阅已删除）", "not sent: the right was withdrawn, or the subscription removed"
        ),
    ],
)
OUTCOMES = code_list(
    "webhook_outcome",
    "推送结果",
    "What came of an attempt",
    [
        Code("accepted", "接收方已接受", "2xx"),
        Code("rejected", "接收方答复错误", "another status than 2xx"),
        Code("redirected", "接收方要求跳转（不跟随）", "3xx; redirects are not followed"),
        Code("gone", "接收方已不再接收", "410"),
        Code("timed_out", "超时", "no whole answer in time"),
        Code("unreachable", "无法连接", "the connection failed or broke"),
        Code("tls_failed", "TLS 证书或协议错误", "the certificate or TLS is wrong"),
        Code("unresolvable", "域名无法解析", "the name has no address"),
        Code("target_refused", "地址不允许", "the address is not one that is sent to"),
    ],
)
