"""What an item of a device is told by: its type, its operation, what became of it, and how a conflict is decided."""

from toilet_api.kernel.codes import Code, code_list

ITEM_TYPES = code_list(
    "sync_type",
    "离线条目的记录类型",
    "Type of record of an offline item",
    [
        Code("household", "农户", "household"),
        Code("toilet", "户厕", "toilet"),
        Code("visit", "摸排记录", "survey visit"),
        Code("task", "整改任务", "rectification task"),
    ],
)
ITEM_OPERATIONS = code_list(
    "sync_operation",
    "离线条目的操作",
    "Operation of an offline item",
    [
        Code("create", "新建", "create"),
        Code("update", "修改（JSON Merge Patch）", "change, as a JSON Merge Patch"),
        Code("submit", "提交摸排记录", "submit a visit"),
        Code("note", "登记整改进展", "note progress of a task"),
        Code("remove", "删除，须写明理由", "remove, with a reason"),
    ],
)
ITEM_STATES = code_list(
    "sync_state",
    "离线条目的结果",
    "What became of an offline item",
    [
        Code("applied", "已写入", "applied"),
        Code("merged", "已写入；记录其间已有他人的修改，未涉及同一内容", "applied on top of somebody else's changes"),
        Code("already_applied", "此前已写入", "was applied before"),
        Code("conflict", "冲突，未写入；双方内容保留待决定", "nothing applied; both sides are kept for a decision"),
        Code("rejected", "被拒绝，原因见 problem；内容保留", "rejected, see `problem`; what was sent is kept"),
    ],
)
CONFLICT_KINDS = code_list(
    "sync_conflict_kind",
    "待决定条目的类别",
    "Kind of an item that is kept for a decision",
    [
        Code("conflict", "双方修改了同一内容", "both sides changed the same"),
        Code("rejected", "被拒绝的条目", "a rejected item"),
    ],
)
CONFLICT_STATES = code_list(
    "sync_conflict_state",
    "待决定条目的状态",
    "State of an item that is kept for a decision",
    [Code("open", "待决定", "open"), Code("resolved", "已决定", "resolved")],
)
DECISIONS = code_list(
    "sync_decision",
    "冲突的决定",
    "How a conflict is decided",
    [
        Code("keep_server", "保留系统中的内容", "keep what the server has"),
        Code("take_client", "采用手机上的内容", "take what the phone sent"),
        Code("set_values", "另行填写", "write other values"),
    ],
)
