"""The rules of the survey, pure: state machines, what contradicts itself in a visit, when a problem is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from toilet_api.accounts.permissions import Permission
from toilet_api.kernel.errors import FieldError
from toilet_api.kernel.fields import SHANGHAI
from toilet_api.kernel.machines import Guard, Machine, Step

BY_SURVEYOR = Guard("by_surveyor", "限摸排人本人", "by its surveyor only")
BY_ANOTHER = Guard("by_another", "不得为摸排人本人", "by somebody else than its surveyor")
BY_TRAINED = Guard("by_trained", "有有效的培训记录", "by somebody with a valid training record")
AT_ONCE = Guard(
    "at_once", "原因分类可立行立改，且没有整改任务", "its cause is one to be mended at once, and it has no task"
)
OF_TOILET = Guard("of_toilet", "问题厕所", "a problem of a toilet")
OF_WORK = Guard("of_work", "工作推进中存在的问题", "a problem in the work itself")
SURVEY_VERIFIED = Guard(
    "survey_verified", "摸排记录已由行动要求的各级核实", "its visit is verified by the levels that the campaign names"
)
CHECKED_ENOUGH = Guard(
    "checked_enough",
    "行动要求县级全部复验的，已由县级复验",
    "re-checked by the county, where the campaign asks for all of them",
)

_BEGIN_RULE = "工作方案 四（一）：启动阶段"
_UNTIL_RULE = "工作方案 四（四）：摸排整改任务完成前"
CAMPAIGN = Machine(
    "campaign",
    "摸排行动",
    "planned",
    [
        Step(
            "edit",
            {"planned"},
            "planned",
            permission=Permission.CAMPAIGN_MANAGE,
            zh="修改",
            rule=_BEGIN_RULE,
        ),
        Step(
            "edit",
            {"open"},
            "open",
            permission=Permission.CAMPAIGN_MANAGE,
            zh="修改",
            rule=_UNTIL_RULE,
        ),
        Step(
            "open",
            {"planned", "closed"},
            "open",
            permission=Permission.CAMPAIGN_MANAGE,
            zh="开启",
            rule=_BEGIN_RULE,
        ),
        Step(
            "close",
            {"open"},
            "closed",
            permission=Permission.CAMPAIGN_MANAGE,
            zh="结束",
            rule=_UNTIL_RULE,
        ),
    ],
)

_VERIFY_RULE = "工作方案 四（二）4：逐级汇总、分级录入"
_SIGN_RULE = "工作方案 四（二）3：谁摸排、谁签字、谁负责"
VISIT = Machine(
    "visit",
    "摸排记录",
    "draft",
    [
        Step(
            "edit",
            {"draft"},
            "draft",
            permission=Permission.VISIT_WRITE,
            zh="修改",
            guards=[BY_SURVEYOR],
            rule=_SIGN_RULE,
        ),
        Step(
            "edit",
            {"returned"},
            "returned",
            permission=Permission.VISIT_WRITE,
            zh="修改",
            guards=[BY_SURVEYOR],
            rule=_SIGN_RULE,
        ),
        Step(
            "submit",
            {"draft", "returned"},
            "submitted",
            permission=Permission.VISIT_SUBMIT,
            zh="提交",
            guards=[BY_SURVEYOR, BY_TRAINED],
            rule=f"{_SIGN_RULE}；五（二）：先培训后上岗",
        ),
        Step(
            "verify_township",
            {"submitted"},
            "township_verified",
            permission=Permission.VISIT_VERIFY_TOWNSHIP,
            zh="乡镇核实",
            guards=[BY_ANOTHER],
            rule=_VERIFY_RULE,
        ),
        Step(
            "verify_county",
            {"township_verified"},
            "county_verified",
            permission=Permission.VISIT_VERIFY_COUNTY,
            zh="县级核实",
            guards=[BY_ANOTHER],
            rule=_VERIFY_RULE,
        ),
        Step(
            "return_township",
            {"submitted", "township_verified"},
            "returned",
            permission=Permission.VISIT_VERIFY_TOWNSHIP,
            zh="乡镇退回",
            guards=[BY_ANOTHER],
            rule=_VERIFY_RULE,
        ),
        Step(
            "return_county",
            {"township_verified", "county_verified"},
            "returned",
            permission=Permission.VISIT_VERIFY_COUNTY,
            zh="县级退回",
            guards=[BY_ANOTHER],
            rule=_VERIFY_RULE,
        ),
        Step(
            "correct",
            {"submitted", "township_verified", "county_verified", "returned"},
            "submitted",
            permission=Permission.VISIT_SUBMIT,
            zh="更正",
            guards=[BY_TRAINED],
            rule=_SIGN_RULE,
        ),
    ],
)

_ENTRY_RULE = "工作方案 四（二）4：分级如实录入；四（五）：销号后不再改动"
_PANEL_RULE = "工作方案 四（五）：由县、乡组织人员进行验收"
_CLOSE_RULE = "工作方案 四（五）：由农户签字同意后销号；四（三）：整改一个、验收一个、销号一个"
PROBLEM = Machine(
    "problem",
    "问题",
    "open",
    [
        Step(
            "edit",
            {"open"},
            "open",
            permission=Permission.PROBLEM_RECORD_WORK,
            zh="修改",
            rule="工作方案 四（二）4：分级如实录入；四（五）：销号后不再改动",
        ),
        Step(
            "dismiss",
            {"open", "in_work"},
            "dismissed",
            permission=Permission.PROBLEM_DISMISS,
            zh="撤销",
            rule="工作方案 四（二）4：分级如实录入",
        ),
        Step(
            "rectify_at_once",
            {"open"},
            "in_work",
            permission=Permission.TASK_WORK,
            zh="立行立改",
            guards=[AT_ONCE],
            rule="工作方案 一：边查边改、立行立改；四（三）：边排查边整改，不等不靠",
        ),
        Step(
            "start",
            {"open"},
            "in_work",
            permission=Permission.TASK_WORK,
            zh="开始整改",
            driven_by="task",
            rule="工作方案 四（三）：整改方案审核备案后整改",
        ),
        Step(
            "accept",
            {"in_work"},
            "accepted",
            permission=Permission.ACCEPTANCE_DECIDE,
            zh="验收合格",
            driven_by="acceptance",
            rule=_PANEL_RULE,
        ),
        Step(
            "send_back",
            {"accepted"},
            "in_work",
            permission=Permission.ACCEPTANCE_DECIDE,
            zh="复验不合格，返工",
            driven_by="acceptance",
            rule=_PANEL_RULE,
        ),
        Step(
            "close",
            {"accepted"},
            "closed",
            permission=Permission.PROBLEM_CLOSE,
            zh="农户签字销号",
            guards=[OF_TOILET, SURVEY_VERIFIED, CHECKED_ENOUGH],
            rule=_CLOSE_RULE,
        ),
        Step(
            "close",
            {"accepted"},
            "closed",
            permission=Permission.PROBLEM_CLOSE_WORK,
            zh="县级决定销号",
            guards=[OF_WORK, CHECKED_ENOUGH],
            rule="工作方案 四（三）：对工作推进中存在的问题提出整改措施和时限；四（五）：县级全面复核",
        ),
        Step(
            "reopen",
            {"closed", "dismissed"},
            "open",
            permission=Permission.PROBLEM_REOPEN,
            zh="重新打开",
            rule="工作方案 四（五）：全面复核，销号是否合理",
        ),
    ],
)
SETTLED_STATES = ("closed", "dismissed")
"""In these states a problem is no longer live: never overdue, and the same type may be opened anew."""

WHOLE = 100
"""All of it, in percent."""


@dataclass(frozen=True, slots=True)
class ProblemFacts:
    """What the guards of a problem look at. `visit_state`: of the visit that found it; None for one in the work."""

    problem_class: str
    cause: str
    has_task: bool
    visit_state: str | None
    accepted_level: str | None
    at_once_causes: Sequence[str]
    verification_levels: Sequence[str]
    county_share: int


def verified_by(visit_state: str | None) -> tuple[str, ...]:
    """The levels that have verified a visit in this state."""
    return {"county_verified": ("township", "county"), "township_verified": ("township",)}.get(visit_state or "", ())


def failing_guards(problem: ProblemFacts) -> set[Guard]:
    """The guards of `PROBLEM` that don't hold for a problem."""
    unverified = set(problem.verification_levels) - set(verified_by(problem.visit_state))
    fails = {
        AT_ONCE: problem.has_task or problem.cause not in problem.at_once_causes,
        OF_TOILET: problem.problem_class != "toilet",
        OF_WORK: problem.problem_class != "work",
        SURVEY_VERIFIED: problem.visit_state is not None and bool(unverified),
        CHECKED_ENOUGH: problem.county_share >= WHOLE and problem.accepted_level != "county",
    }
    return {guard for guard, failed in fails.items() if failed}


CLOCK_TOLERANCE = timedelta(minutes=10)
"""How far a phone's clock may run ahead of the server's."""
OLDEST = timedelta(days=50 * 366)
"""Before that nobody surveyed; such a time is a clock that was never set, or a slip."""


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """What the consistency rules look at. `finding_classes`: the problem class of each finding."""

    method: str
    presence: str
    usability: str | None
    has_toilet: bool
    visited_at: datetime
    finding_classes: Sequence[str]


def contradictions(visit: VisitFacts, now: datetime) -> list[FieldError]:
    """What can't be true in any state, a draft included."""
    found: list[FieldError] = []
    if visit.presence == "away" and visit.method == "ask_and_look":
        found.append(
            _fault(
                "/method",
                "method_needs_household",
                "农户不在家时须实地查看或当场使用（工作方案 四（二）3）",
                "With nobody at home the toilet must be looked at or used (work plan 4(2)3)",
                visit.method,
                ["look", "use"],
            )
        )
    if visit.presence == "at_home" and visit.method == "look":
        found.append(
            _fault(
                "/method",
                "household_not_asked",
                "农户在家时须询问并查看（工作方案 四（二）3）",
                "With the household at home it must be asked too (work plan 4(2)3)",
                visit.method,
                ["ask_and_look", "use"],
            )
        )
    found += moment_faults(visit.visited_at, now, "/visited_at")
    if not visit.has_toilet and visit.usability not in (None, "idle", "demolished"):
        found.append(
            _fault(
                "/usability",
                "no_toilet",
                "没有厕所的农户不能填写该使用情况",
                "A household without a toilet can't have this usability",
                visit.usability,
                ["idle", "demolished"],
            )
        )
    found.extend(
        _fault(
            f"/findings/{place}/problem_type",
            "work_problem_in_visit",
            "工作推进中的问题请在村或乡镇登记，不写在入户摸排里",
            "Problems in the work itself are recorded at the village or township, not in a visit",
        )
        for place, kind in enumerate(visit.finding_classes)
        if kind != "toilet"
    )
    if visit.usability == "demolished" and "toilet" in visit.finding_classes:
        found.append(
            _fault(
                "/findings",
                "finding_at_demolished",
                "已拆除的厕所不能再有厕所问题",
                "A demolished toilet can't have problems",
            )
        )
    return found


def moment_faults(moment: datetime, now: datetime, pointer: str) -> list[FieldError]:
    """What is wrong with the time of a visit or discovery: it lies in the future, or too far back."""
    value = moment.isoformat()
    if moment > now + CLOCK_TOLERANCE:
        return [_fault(pointer, "in_the_future", "时间晚于现在", "It lies in the future", value)]
    if moment < now - OLDEST:
        return [_fault(pointer, "too_long_ago", "时间过早，请检查设备时钟", "Too long ago; check the clock", value)]
    return []


def gaps(visit: VisitFacts) -> list[FieldError]:
    """What a draft may lack but a submitted visit may not."""
    found: list[FieldError] = []
    if visit.has_toilet and visit.usability is None:
        found.append(_fault("/usability", "missing", "须填写使用情况", "The usability must be stated"))
    if visit.usability in ("not_usable", "part_of_year") and "toilet" not in visit.finding_classes:
        found.append(
            _fault(
                "/findings",
                "finding_missing",
                "不能使用或不能全年使用的厕所须至少登记一个厕所问题（工作方案 四（二）1）",
                "A toilet that isn't usable, or not all year, needs at least one problem (work plan 4(2)1)",
            )
        )
    return found


def shanghai_date(moment: datetime) -> date:
    """The calendar day of `moment` in Asia/Shanghai: deadlines are days there."""
    return moment.astimezone(SHANGHAI).date()


def deadline(rules: dict[str, dict[str, Any]], cause: str, found_at: datetime) -> date | None:
    """When a problem of this cause is due, by the campaign's rules (work plan 四（三）); the last day that is in time.

    None: its own timetable, which a plan sets later; also when the campaign has no rule for the cause.
    """
    rule = rules.get(cause, {"kind": "timetable"})
    if rule["kind"] == "fixed":
        return date.fromisoformat(rule["date"])
    if rule["kind"] == "days":
        return shanghai_date(found_at) + timedelta(days=int(rule["days"]))
    return None


def _fault(pointer: str, code: str, zh: str, en: str, value: Any = None, expected: Any = None) -> FieldError:
    about_findings = pointer.startswith("/findings")
    rule = "工作方案 四（二）1：摸排重点" if about_findings else "工作方案 四（二）3：摸排方式"
    return FieldError(pointer, code, (zh, en), value, expected, rule)
