"""The rules of oversight, pure: the machines of samples and of records of falsification, and what a check must say."""

from dataclasses import dataclass

from toilet_api.accounts.permissions import Permission
from toilet_api.kernel.errors import FieldError
from toilet_api.kernel.machines import Guard, Machine, Step

REVIEW_RULE = "工作方案 四（五）：县级全面复核，省级适时抽查复核"
ASPECT_RULE = "工作方案 四（五）：重点查看排查是否全面、准确，整改是否到位、销号是否合理"
FALSE_RULE = "工作方案 五（四）：弄虚作假的通报批评、严肃处理；四（二）3：谁摸排、谁签字、谁负责"

ALL_CHECKED = Guard("all_checked", "抽中的记录已全部核查", "every selected record has a result")
CHECKER_FREE = Guard("checker_free", "核查人未在该问题上签过字", "by somebody who signed nothing of that problem")
NOT_ACCUSED = Guard("not_accused", "不得为被记录人本人", "by somebody else than who it is recorded against")
BY_HOLDER = Guard(
    "by_holder", "限组织该次检查的本级或上级", "by the level that held the check, or one above, which sees it"
)

SAMPLE = Machine(
    "sample",
    "复核、抽查",
    "planned",
    [
        Step("edit", {"planned"}, "planned", permission=Permission.SAMPLE_MANAGE, zh="修改", rule=REVIEW_RULE),
        Step("draw", {"planned"}, "drawn", permission=Permission.SAMPLE_MANAGE, zh="抽取", rule=REVIEW_RULE),
        Step(
            "check",
            {"drawn"},
            "drawn",
            permission=Permission.SAMPLE_MANAGE,
            zh="登记核查结论",
            guards=[CHECKER_FREE],
            rule=ASPECT_RULE,
        ),
        Step(
            "complete",
            {"drawn"},
            "completed",
            permission=Permission.SAMPLE_MANAGE,
            zh="完成",
            guards=[ALL_CHECKED],
            rule=REVIEW_RULE,
        ),
        Step(
            "cancel",
            {"planned", "drawn"},
            "cancelled",
            permission=Permission.SAMPLE_MANAGE,
            zh="取消",
            rule=REVIEW_RULE,
        ),
    ],
)

FALSIFICATION = Machine(
    "falsification",
    "弄虚作假记录",
    "recorded",
    [
        Step(
            "withdraw",
            {"recorded"},
            "withdrawn",
            permission=Permission.SAMPLE_MANAGE,
            zh="撤回",
            guards=[NOT_ACCUSED, BY_HOLDER],
            rule=FALSE_RULE,
        ),
    ],
)

ASPECTS = ("survey_true", "rectified_really", "closed_justified")
"""What a check looks at (work plan 四（五）): the survey, the rectification, the close-out."""


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """What a check says. `aspects`: name -> yes, no, or not stated."""

    result: str
    aspects: dict[str, bool | None]
    has_note: bool
    accuses: bool


def check_faults(check: CheckFacts) -> list[FieldError]:
    """What contradicts itself in a check, or is missing."""
    found: list[FieldError] = []
    denied = [name for name, holds in check.aspects.items() if holds is False]
    if check.result == "failed" and not denied:
        found.append(
            _fault(
                "/result",
                "aspect_missing",
                "判定不属实须写明至少一项为否：排查、整改或销号",
                "a failed check says which aspect is false: survey, rectification or close-out",
                expected=list(ASPECTS),
            )
        )
    if check.result == "upheld":
        found += [
            _fault(f"/{name}", "aspect_contradicts", "结论属实时各项不能为否", "nothing is false where it is upheld")
            for name in denied
        ]
        found += [
            _fault(f"/{name}", "missing", "结论属实须逐项查看并作答", "upheld: every aspect is answered", expected=True)
            for name, holds in check.aspects.items()
            if holds is None
        ]
    if check.result == "not_checkable":
        found += [
            _fault(f"/{name}", "aspect_contradicts", "无法核查时不填各项", "what can't be checked is not judged")
            for name, holds in check.aspects.items()
            if holds is not None
        ]
    if check.result in ("failed", "not_checkable") and not check.has_note:
        found.append(_fault("/note", "missing", "须写明查到的情况或原因", "say what was found, or why it couldn't be"))
    if check.accuses and check.result != "failed":
        fault = ("只有判定不属实才能记录弄虚作假", "falsification goes with a failed check only")
        found.append(FieldError("/falsification", "not_failed", fault, check.result, "failed", rule=FALSE_RULE))
    return found


def _fault(pointer: str, code: str, zh: str, en: str, expected: object = None) -> FieldError:
    return FieldError(pointer, code, (zh, en), expected=expected, rule=ASPECT_RULE)
