"""The errors of oversight. Each names the paragraph behind it, and what to do next."""

from toilet_api.kernel.errors import ProblemType
from toilet_api.oversight.rules import ASPECT_RULE, FALSE_RULE, REVIEW_RULE

FRAME_EMPTY = ProblemType(
    "frame_empty",
    409,
    "范围内没有已销号的问题，无从抽取",
    "No closed problem lies in the frame; there is nothing to draw",
    REVIEW_RULE,
    ("请放宽 frame（日期、区划、模式、施工单位）后再抽取。", "Widen the frame (dates, division, modes), then draw."),
)
SAMPLE_NOT_DRAWN = ProblemType(
    "sample_not_drawn",
    409,
    "尚未抽取",
    "The sample is not drawn yet",
    REVIEW_RULE,
    ("请先抽取（draw）。", "Draw it first."),
)
UNITS_UNCHECKED = ProblemType(
    "units_unchecked",
    409,
    "抽中的记录尚未全部核查",
    "Some selected records have no result yet",
    REVIEW_RULE,
    (
        "请核查余下的记录；确实无法核查的登记 not_checkable 并写明原因。",
        "Check the rest; record not_checkable, with the reason, where it can't be done.",
    ),
)
UNIT_NOT_SELECTED = ProblemType(
    "unit_not_selected",
    409,
    "该记录在范围内但未被抽中",
    "That record is in the frame but was not selected",
    REVIEW_RULE,
    ("只核查抽中的记录（GET units，selected=true）。", "Check those that were selected (GET units, selected=true)."),
)
ALREADY_CHECKED = ProblemType(
    "already_checked",
    409,
    "该记录已有核查结论",
    "That record has a result already",
    ASPECT_RULE,
    (
        "确需更正的，带 recheck: true 和理由（reason）重新登记；原结论留存。",
        "To correct it send recheck: true with a reason; the earlier result is kept.",
    ),
)
CHECKER_SIGNED = ProblemType(
    "checker_signed",
    403,
    "您在该问题的摸排、整改、验收或销号中签过字，不能核查它",
    "You signed for this problem (survey, work, acceptance or close-out) and can't check it",
    "工作方案 四（二）3：谁摸排、谁签字、谁负责；四（五）：全面复核",
    ("请由未参与该问题的人员核查。", "Leave it to somebody who had no part in it."),
)
ACCUSED_YOURSELF = ProblemType(
    "accused_yourself",
    403,
    "不能撤回针对本人的弄虚作假记录",
    "You can't withdraw a record of falsification against yourself",
    FALSE_RULE,
    ("请由组织检查一级的其他人员办理。", "Leave it to another of the level that held the check."),
)
RECORDED_ABOVE = ProblemType(
    "recorded_above",
    403,
    "该记录由上级检查作出，本级不能撤回",
    "A level above recorded it; it can't be withdrawn from here",
    FALSE_RULE,
    ("请由组织检查的一级办理。", "Leave it to the level that held the check."),
)
