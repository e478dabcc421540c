"""The errors of the registry."""

from toilet_api.kernel.errors import ProblemType

DUPLICATE_ID_NUMBER = ProblemType(
    "duplicate_id_number",
    409,
    "本县已有使用该身份证号码的农户",
    "A household with that ID number is already registered in the county",
    "农户档案一户一档，按身份证号码查重（domain.md 5）",
)
DUPLICATE_HOUSEHOLD = ProblemType(
    "duplicate_household",
    409,
    "本村已有同名同址且未登记身份证号码的农户",
    "A household of that name and address, without ID number, is already registered in the village",
    "农户档案一户一档（domain.md 5）",
)
RECORD_REMOVED = ProblemType(
    "record_removed", 409, "记录已删除，须先恢复", "The record is removed; it must be restored first"
)
NOT_REMOVED = ProblemType("not_removed", 409, "记录未被删除", "The record is not removed")
HOUSEHOLD_REMOVED = ProblemType(
    "household_removed", 409, "所属农户已删除，须先恢复农户", "Its household is removed; restore the household first"
)
