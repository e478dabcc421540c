"""The codes of oversight, with their Chinese labels."""

from typing import Any

from toilet_api.kernel import codes
from toilet_api.kernel.codes import Code, code_list
from toilet_api.registry.codes import TOILET_MODES

SAMPLE_STATES = code_list(
    "sample_state",
    "复核、抽查状态",
    "State of a review or spot check",
    [
        Code("planned", "拟定", "Planned"),
        Code("drawn", "已抽取，核查中", "Drawn, being checked"),
        Code("completed", "已完成", "Completed"),
        Code("cancelled", "已取消", "Cancelled"),
    ],
)
SAMPLE_KINDS = code_list(
    "sample_kind",
    "检查方式",
    "Kind of check",
    [
        Code("full_review", "全面复核", "Full review: everything in the frame is checked"),
        Code("spot_check", "抽查", "Spot check: a random sample of the frame"),
    ],
)
SAMPLE_MODES = code_list(
    "sample_mode",
    "抽样模式",
    "Mode of a sampled problem: that of its toilet, or `work`",
    [*TOILET_MODES.codes, Code("work", "工作推进问题", "a problem in the work itself")],
)
CHECK_RESULTS = code_list(
    "check_result",
    "核查结论",
    "Result of a check on site",
    [
        Code("upheld", "属实，销号合理", "Upheld: the close-out is justified"),
        Code("failed", "不属实，退回整改", "Failed: the problem is reopened"),
        Code("not_checkable", "无法核查", "Not checkable"),
    ],
)
SATISFACTION = code_list(
    "household_satisfaction",
    "农户满意度",
    "What the household says of the work",
    [
        Code("satisfied", "满意", "Satisfied"),
        Code("basically_satisfied", "基本满意", "Basically satisfied"),
        Code("unsatisfied", "不满意", "Not satisfied"),
    ],
)
SIGNED_AS = code_list(
    "signed_as",
    "签字身份",
    "In which part somebody signed",
    [
        Code("surveyor", "摸排人", "Surveyor of the visit"),
        Code("township_verifier", "乡镇核实人", "Verified the visit for the township"),
        Code("county_verifier", "县级核实人", "Verified the visit for the county"),
        Code("task_submitter", "报请验收人", "Submitted the work for acceptance"),
        Code("panel_member", "验收组成员", "Signed an acceptance as a member of the panel"),
        Code("closer", "销号人", "Closed the problem"),
    ],
)
FALSIFICATION_STATES = code_list(
    "falsification_state",
    "弄虚作假记录状态",
    "State of a record of falsification",
    [Code("recorded", "已记录", "Recorded"), Code("withdrawn", "已撤回", "Withdrawn")],
)

# Each is a checked string type; the names are for annotations.
SampleState: Any = codes.field(SAMPLE_STATES)
SampleKind: Any = codes.field(SAMPLE_KINDS)
SampleMode: Any = codes.field(SAMPLE_MODES)
CheckResult: Any = codes.field(CHECK_RESULTS)
Satisfaction: Any = codes.field(SATISFACTION)
SignedAs: Any = codes.field(SIGNED_AS)
FalsificationState: Any = codes.field(FALSIFICATION_STATES)
