"""The errors of this room. Each names the rule behind it, and what to do next."""

from toilet_api.kernel.errors import ProblemType

_TREE = "统计用区划代码（国家统计局）；区划变更随附记录（docs/divisions.md）"
_CHECK = ("请核对区划代码（GET /divisions）。", "Check the division code (GET /divisions).")

UNKNOWN_DIVISION = ProblemType(
    "unknown_division", 422, "没有这个区划代码", "There is no division of this code", _TREE, _CHECK
)
WRONG_DIVISION_LEVEL = ProblemType(
    "wrong_division_level", 422, "区划级别不对", "The division is of the wrong level", _TREE, _CHECK
)
DIVISION_ENDED = ProblemType(
    "division_ended",
    409,
    "该区划已撤销，且没有继承的区划",
    "The division has ended and nothing succeeds it",
    _TREE,
    ("请改用现行区划。", "Use a division of today."),
)
DIVISION_CODE_TAKEN = ProblemType(
    "division_code_taken",
    409,
    "该区划代码已使用过",
    "The division code is or was in use",
    _TREE,
    ("请换一个代码，或留空由系统编号。", "Choose another, or leave it out and have one made."),
)
DIVISION_NAME_TAKEN = ProblemType(
    "division_name_taken",
    409,
    "同一上级下已有同名区划",
    "The parent already has a division of this name",
    _TREE,
    ("请换一个名称，或使用已有的区划。", "Choose another name, or use the division that is there."),
)
NO_FREE_CODE = ProblemType(
    "no_free_division_code",
    409,
    "该号段已用完",
    "No code is left in this range",
    _TREE,
    ("请自行给出代码。", "Give a code yourself."),
)
DIVISION_NOT_EMPTY = ProblemType(
    "division_not_empty",
    409,
    "该区划下还有记录或下级区划",
    "The division still has records or divisions below it",
    _TREE,
    ("请先合并或转移其下的记录和区划。", "Merge or move what is below it first."),
)
RECORDS_IN_CONFLICT = ProblemType(
    "division_records_in_conflict",
    409,
    "随区划转移的记录与目标区划已有记录重复",
    "Records that would follow are in conflict with records at the target",
    _TREE,
    ("请先处理重复的记录。", "Settle the records that collide first."),
)
