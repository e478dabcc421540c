"""What can go wrong with an item of a device, beside what the single routes refuse."""

from toilet_api.kernel.errors import ProblemType

_CONVENTION = "接口约定：离线同步"
WHOLE_AGAIN = ("请不带 since 重新获取整村数据。", "Pull the village whole again, without since.")

SYNC_UNSUPPORTED = ProblemType(
    "sync_unsupported",
    422,
    "不支持这种条目",
    "That kind of item is not supported",
    _CONVENTION,
    ("type 与 op 须为 expected 所列的组合。", "Send a combination of type and op that `expected` lists."),
)
SYNC_ITEM_REUSED = ProblemType(
    "sync_item_reused",
    409,
    "该条目编号已用于另一内容",
    "That item id was used for other content",
    _CONVENTION,
    ("每个条目请用新的编号；重发须内容不变。", "Give each item an id of its own; a resend says the very same."),
)
SYNC_DEPENDENCY_REJECTED = ProblemType(
    "sync_dependency_rejected",
    409,
    "所依据的条目未写入，此条目未执行",
    "The item that this one builds on was not applied",
    _CONVENTION,
    ("请先处理 depends_on 所指的条目，再以新编号发送。", "Settle the item that `depends_on` names, then send it anew."),
)
SYNC_VERSION_AHEAD = ProblemType(
    "sync_version_ahead",
    409,
    "base_version 高于系统中的版本",
    "base_version is ahead of the server's",
    _CONVENTION,
    ("请重新获取整村数据（GET /sync/pull，不带 since）。", "Pull the village anew (GET /sync/pull without since)."),
)
CONFLICT_RESOLVED = ProblemType(
    "sync_conflict_resolved",
    409,
    "该条目已由他人决定",
    "This one has been decided already",
    _CONVENTION,
    ("请重新读取，查看决定。", "Read it again to see the decision."),
)
SYNC_CURSOR_EXPIRED = ProblemType(
    "sync_cursor_expired",
    410,
    "游标已过期，或村已调整",
    "The cursor has expired, or the village is another by now",
    _CONVENTION,
    WHOLE_AGAIN,
)
