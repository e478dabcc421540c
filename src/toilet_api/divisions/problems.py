"""The errors of this room."""

from toilet_api.kernel.errors import ProblemType

UNKNOWN_DIVISION = ProblemType("unknown_division", 422, "没有这个区划代码", "There is no division of this code")
WRONG_DIVISION_LEVEL = ProblemType("wrong_division_level", 422, "区划级别不对", "The division is of the wrong level")
DIVISION_ENDED = ProblemType(
    "division_ended", 409, "该区划已撤销，且没有继承的区划", "The division has ended and nothing succeeds it"
)
DIVISION_CODE_TAKEN = ProblemType(
    "division_code_taken", 409, "该区划代码已使用过", "The division code is or was in use"
)
DIVISION_NAME_TAKEN = ProblemType(
    "division_name_taken", 409, "同一上级下已有同名区划", "The parent already has a division of this name"
)
NO_FREE_CODE = ProblemType("no_free_division_code", 409, "该号段已用完", "No code is left in this range")
DIVISION_NOT_EMPTY = ProblemType(
    "division_not_empty", 409, "该区划下还有记录或下级区划", "The division still has records or divisions below it"
)
RECORDS_IN_CONFLICT = ProblemType(
    "division_records_in_conflict",
    409,
    "随区划转移的记录与目标区划已有记录重复",
    "Records that would follow are in conflict with records at the target",
)
