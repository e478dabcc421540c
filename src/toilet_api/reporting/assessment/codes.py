"""The codes of ranking and assessment, with their Chinese labels."""

from typing import Any

from toilet_api.kernel import codes
from toilet_api.kernel.codes import Code, code_list

PARTS = code_list(
    "assessment_part",
    "考核指标",
    "Part of an assessment",
    [
        Code("completeness", "摸排完整率", "Households surveyed, of all"),
        Code("reports_on_time", "按时报送率", "Reports submitted in time, of those due"),
        Code(
            "deadlines_met",
            "按期销号率",
            "Problems closed by their deadline, of those closed or past it, with a deadline",
        ),
        Code("close_out", "销号率", "Problems closed, of those not dismissed"),
        Code("first_pass", "一次验收合格率", "Tasks accepted without a redo, of those that were accepted or sent back"),
        Code("review", "复核抽查属实率", "Checks that upheld the close-out, of those that came to a result"),
        Code("falsification", "弄虚作假（扣分）", "Points off for each record of falsification that stands"),
        Code(
            "satisfaction",
            "农户满意率",
            "Acceptances whose household was satisfied, there or at a later check, of those that asked",
        ),
        Code("upkeep", "长效管护", "Upkeep; there are no figures of it yet"),
    ],
)
ASSESSMENT_STATES = code_list(
    "assessment_state",
    "考核及办法状态",
    "State of an assessment, or of its formula",
    [
        Code("draft", "草稿", "Draft"),
        Code("published", "已公布", "Published: frozen"),
        Code("superseded", "已被替代", "Superseded by a later one; stays to be seen"),
        Code("withdrawn", "已作废", "Withdrawn before it was published"),
    ],
)
LIST_COLOURS = code_list(
    "assessment_list",
    "警示名单",
    "Warning list",
    [Code("yellow", "黄牌", "Yellow"), Code("red", "红牌", "Red")],
)
LIST_REASONS = code_list(
    "assessment_list_reason",
    "列入名单的规则",
    "Rule of a warning list",
    [
        Code("overdue_share_above", "逾期比例过高", "The share of overdue problems is above a limit"),
        Code("part_below", "指标偏低", "A part's rate, as counted, is below a limit"),
        Code("score_below", "得分偏低", "The score is below a limit"),
        Code("last_share", "排名末位", "Among the last of the ranking"),
        Code("falsifications_at_least", "弄虚作假", "As many records of falsification stand"),
        Code("no_records", "没有台账", "Nothing is recorded at all"),
    ],
)
CALL_IN_STATES = code_list(
    "call_in_state",
    "约谈状态",
    "State of a call-in",
    [
        Code("planned", "拟约谈", "Planned"),
        Code("held", "已约谈，跟踪落实", "Held, being followed up"),
        Code("followed_up", "已办结", "Followed up"),
        Code("cancelled", "已取消", "Cancelled"),
    ],
)
CALL_IN_OUTCOMES = code_list(
    "call_in_outcome",
    "落实情况",
    "What came of the demands",
    [
        Code("met", "已落实", "Met"),
        Code("partly_met", "部分落实", "Partly met"),
        Code("not_met", "未落实", "Not met"),
    ],
)

# Each is a checked string type; the names are for annotations.
Part: Any = codes.field(PARTS)
RatedPart: Any = codes.field(PARTS, but="falsification")
AssessmentState: Any = codes.field(ASSESSMENT_STATES)
ListColour: Any = codes.field(LIST_COLOURS)
ListReason: Any = codes.field(LIST_REASONS)
CallInState: Any = codes.field(CALL_IN_STATES)
CallInOutcome: Any = codes.field(CALL_IN_OUTCOMES)
