"""The codes of rectification, with their Chinese labels."""

from typing import Any

from toilet_api.kernel import codes
from toilet_api.kernel.codes import Code, code_list
from toilet_api.registry.codes import TOILET_MODES

PLAN_STATES = code_list(
    "plan_state",
    "整改方案状态",
    "Plan state",
    [
        Code("draft", "编制中", "Draft"),
        Code("submitted", "已报县级审核", "Submitted"),
        Code("returned", "已退回", "Returned"),
        Code("approved", "已审核备案", "Approved and filed"),
        Code("superseded", "已被新版替代", "Superseded"),
        Code("withdrawn", "已作废", "Withdrawn"),
    ],
)
PLAN_KINDS = code_list(
    "plan_kind",
    "方案种类",
    "Kind of plan",
    [Code("plan", "整改方案", "Plan"), Code("addendum", "补充方案", "Addendum")],
)
FUND_SOURCES = code_list(
    "fund_source",
    "资金来源",
    "Source of funds",
    [
        Code("central", "中央财政", "Central government"),
        Code("province", "省级财政", "Province"),
        Code("city", "市级财政", "City"),
        Code("county", "县级财政", "County"),
        Code("township", "乡镇自筹", "Township"),
        Code("village", "村集体", "Village collective"),
        Code("household", "农户自筹", "Households"),
        Code("contractor", "施工或供货单位承担", "Contractor or supplier"),
        Code("other", "其他", "Other"),
    ],
)
TASK_STATES = code_list(
    "task_state",
    "整改任务状态",
    "Task state",
    [
        Code("pending", "待实施", "Pending"),
        Code("in_work", "实施中", "In work"),
        Code("submitted", "已完工，待验收", "Done, to be accepted"),
        Code("accepted", "验收合格", "Accepted"),
        Code("cancelled", "已取消", "Cancelled"),
    ],
)
TASK_PATHS = code_list(
    "task_path",
    "整改路径",
    "Path of rectification",
    [Code("planned", "按方案整改", "By a plan"), Code("at_once", "立行立改", "At once")],
)
STAGES = code_list(
    "photo_stage",
    "照片阶段",
    "Stage of a photo",
    [Code("before", "整改前", "Before"), Code("during", "整改中", "During"), Code("after", "整改后", "After")],
)
POSTPONEMENT_STATES = code_list(
    "postponement_state",
    "延期申请状态",
    "State of a postponement",
    [
        Code("requested", "待县级审批", "Requested"),
        Code("granted", "已同意", "Granted"),
        Code("refused", "未同意", "Refused"),
        Code("withdrawn", "已撤回", "Withdrawn"),
    ],
)
ACCEPTANCE_STATES = code_list(
    "acceptance_state",
    "验收状态",
    "State of an acceptance",
    [
        Code("open", "待验收", "Open"),
        Code("passed", "合格", "Passed"),
        Code("partial", "部分合格", "Passed in part"),
        Code("failed", "不合格", "Failed"),
        Code("cancelled", "已取消", "Cancelled"),
    ],
)
ACCEPTANCE_LEVELS = code_list(
    "acceptance_level",
    "验收层级",
    "Level of an acceptance",
    [Code("township", "乡镇逐户验收", "First check, of all"), Code("county", "县级复验", "Re-check of a share")],
)
PANEL_SIDES = code_list(
    "panel_side",
    "验收组成员来自",
    "Which side a panel's member is of",
    [Code("county", "县级", "County"), Code("township", "乡镇", "Township"), Code("other", "其他", "Other")],
)
OUTCOMES = code_list(
    "acceptance_outcome",
    "验收结论",
    "What became of a problem in an acceptance",
    [Code("accepted", "合格", "Accepted"), Code("redo", "返工", "To be done again")],
)
CHECKLIST_USES = code_list(
    "checklist_use",
    "验收清单适用",
    "What a checklist is for",
    [
        *(Code(mode.code, mode.zh, mode.en) for mode in TOILET_MODES),
        Code("any_toilet", "其他厕所", "Toilets without a list of their own"),
        Code("work", "工作推进问题", "Problems in the work itself"),
    ],
)
ITEM_KINDS = code_list(
    "checklist_item_kind",
    "检查项种类",
    "Kind of a checklist's item",
    [Code("check", "判断", "Holds or not"), Code("measure", "测量", "A measured value")],
)
CLOSE_OUT_KINDS = code_list(
    "close_out_kind",
    "销号依据",
    "Evidence of a close-out",
    [
        Code("signature", "农户签字", "The household's signature"),
        Code("statement", "代签说明并有见证人", "A signed statement with a witness"),
        Code("decision", "县级决定", "The county's decision"),
    ],
)

PlanState: Any = codes.field(PLAN_STATES)
PlanKind: Any = codes.field(PLAN_KINDS)
FundSource: Any = codes.field(FUND_SOURCES)
TaskState: Any = codes.field(TASK_STATES)
TaskPath: Any = codes.field(TASK_PATHS)
Stage: Any = codes.field(STAGES)
PostponementState: Any = codes.field(POSTPONEMENT_STATES)
AcceptanceState: Any = codes.field(ACCEPTANCE_STATES)
AcceptanceLevel: Any = codes.field(ACCEPTANCE_LEVELS)
PanelSide: Any = codes.field(PANEL_SIDES)
Outcome: Any = codes.field(OUTCOMES)
ChecklistUse: Any = codes.field(CHECKLIST_USES)
ItemKind: Any = codes.field(ITEM_KINDS)
CloseOutKind: Any = codes.field(CLOSE_OUT_KINDS)
