"""The errors of the registry. Each names the rule behind it, and what to do next."""

from toilet_api.kernel.errors import ProblemType

_ONE_FILE = "农户档案一户一档（domain.md 5）"
_KEPT = "接口约定：删除留痕，可由上级恢复"

DUPLICATE_ID_NUMBER = ProblemType(
    "duplicate_id_number",
    409,
    "本县已有使用该身份证号码的农户",
    "A household with that ID number is already registered in the county",
    "农户档案一户一档，按身份证号码查重（domain.md 5）",
    ("请核对号码；已有的农户请直接修改。", "Check the number; change the household that is there."),
)
DUPLICATE_HOUSEHOLD = ProblemType(
    "duplicate_household",
    409,
    "本村已有同名同址且未登记身份证号码的农户",
    "A household of that name and address, without ID number, is already registered in the village",
    _ONE_FILE,
    ("请补登身份证号码以区分，或修改已有的农户。", "Add the ID number, or change the household that is there."),
)
RECORD_REMOVED = ProblemType(
    "record_removed",
    409,
    "记录已删除，须先恢复",
    "The record is removed; it must be restored first",
    _KEPT,
    ("请由上级恢复（restore）后再办。", "Have the level above restore it first."),
)
NOT_REMOVED = ProblemType(
    "not_removed",
    409,
    "记录未被删除",
    "The record is not removed",
    _KEPT,
    ("无须恢复。", "There is nothing to restore."),
)
HOUSEHOLD_REMOVED = ProblemType(
    "household_removed",
    409,
    "所属农户已删除，须先恢复农户",
    "Its household is removed; restore the household first",
    _KEPT,
    ("请由上级先恢复农户。", "Have the level above restore the household first."),
)
