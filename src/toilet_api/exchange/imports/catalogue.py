"""What an import's job and its rows are told by: states, outcomes, what to do on a conflict."""

from toilet_api.kernel.codes import Code, code_list

IMPORT_STATES = code_list(
    "import_state",
    "导入状态",
    "State of an import",
    [
        Code("queued", "排队中", "waiting"),
        Code("running", "处理中", "running"),
        Code("succeeded", "已完成", "finished; the report says what became of each row"),
        Code("failed", "失败（未写入任何记录）", "failed; nothing was written"),
        Code("cancelled", "已取消（未写入任何记录）", "cancelled; nothing was written"),
    ],
)

ROW_OUTCOMES = code_list(
    "import_outcome",
    "行处理结果",
    "What became of a row",
    [
        Code("created", "新增", "a household was created"),
        Code("updated", "更新", "a household was changed"),
        Code("unchanged", "无变化", "already registered; nothing was changed"),
        Code("rejected", "拒绝", "not taken; the faults are listed"),
    ],
)

ON_CONFLICT = code_list(
    "import_on_conflict",
    "与已有记录不同时",
    "What to do where a registered household differs",
    [
        Code("fail", "拒绝该行", "reject the row"),
        Code("skip", "保留已有记录", "keep what is registered"),
        Code("update", "用本行更新", "update from the row"),
    ],
)

IMPORT_MODES = code_list(
    "import_mode",
    "导入方式",
    "What becomes of a file some of whose rows are rejected",
    [
        Code("row_by_row", "逐行取舍", "each row by itself; what is rejected is listed"),
        Code("all_or_nothing", "全部或全不", "nothing is written where a row is rejected"),
    ],
)

IMPORT_KINDS = code_list(
    "import_kind",
    "导入的记录种类",
    "Kind of records that an import brings",
    [
        Code("households", "农户与户厕", "households with their toilets"),
        Code("visits", "摸排记录", "survey visits"),
        Code("problems", "问题", "problems"),
        Code("close_outs", "销号", "close-outs"),
        Code("users", "人员账号", "people's accounts"),
        Code("divisions", "区划", "divisions"),
    ],
)
