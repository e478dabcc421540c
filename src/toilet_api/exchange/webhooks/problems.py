"""What can go wrong with a subscription."""

from toilet_api.kernel.errors import ProblemType

_RULE = "接口约定：推送（docs/webhooks.md）"

TARGET_REFUSED = ProblemType(
    "webhook_target_refused",
    422,
    "不能向该地址推送",
    "Nothing is sent to that address",
    _RULE,
    (
        "请用公网 https 地址，不含账号口令；内网地址须由运维放行（WEBHOOK_ALLOWED_NETWORKS）。",
        "Use public https without credentials; the operator opens other networks (WEBHOOK_ALLOWED_NETWORKS).",
    ),
)
TOO_MANY = ProblemType(
    "webhook_too_many",
    409,
    "推送订阅过多",
    "Too many subscriptions",
    _RULE,
    ("请先删除不用的订阅。", "Remove some that are not needed first."),
)
REPLAY_TOO_WIDE = ProblemType(
    "webhook_replay_too_wide",
    422,
    "该时段的变更过多，不能一次重放",
    "Too many changes in that time for one replay",
    _RULE,
    (
        "请分成更短的时段，或用变更源（GET /changes）补读。",
        "Take shorter spans, or read them from the change feed (GET /changes).",
    ),
)
