"""The rules of plans, pure: which problems can stand in one, and what it still lacks before it is submitted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from toilet_api.kernel.errors import Bilingual, FieldError
from toilet_api.survey.rules import verified_by

RULE = "工作方案 四（三）：制定整改方案，提出整改措施，明确时限要求"
TIMETABLE_RULE = "工作方案 四（三）：技术模式不适宜的，明确时间表和路线图，逐步整改"
VERIFIED_RULE = "工作方案 四（二）4：逐级汇总、分级如实录入"
CONTENT_RULE = "工作方案 四（三）：明确整改重点、技术路线、力量组织、经费保障、时限要求"
DONE_STATES = ("accepted", "closed")
"""The work on the problem is done: a later edition shows it, and leaves it as it is."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A problem as a plan sees it.

    `task_state`: of its newest task in the plan's own series, None without one. `taken`: a live task of another plan,
    or at once. `elsewhere`: another plan in preparation lists it. `carried`: the edition before lists it.
    """

    problem_id: UUID
    place: str
    campaign_id: UUID
    state: str
    deadline: date | None
    from_visit: bool = False
    visit_state: str | None = None
    task_state: str | None = None
    taken: bool = False
    elsewhere: bool = False
    carried: bool = False

    @property
    def charged(self) -> bool:
        """Somebody is charged with it by this series of plans."""
        return self.task_state in ("pending", "in_work", "submitted")

    @property
    def done(self) -> bool:
        """A later edition shows it and leaves it as it is."""
        return self.carried and self.state in DONE_STATES


def why_not(one: Standing, township: str, campaign_id: UUID) -> FieldError | None:
    """Why a problem can't be in a plan of this township and campaign; None if it can. The pointer is left empty."""
    if not one.place.startswith(township):
        return _fault(
            "problem_elsewhere", ("问题不在本乡镇", "the problem lies in another township"), expected=township
        )
    if one.campaign_id != campaign_id:
        return _fault("other_campaign", ("问题属于另一行动", "the problem belongs to another campaign"))
    if one.elsewhere:
        text = ("问题已列入另一份编制中的方案", "another plan in preparation has this problem")
        return _fault("in_another_plan", text)
    if one.taken:
        return _fault("task_exists", ("问题已有整改任务", "the problem has a task already"))
    if one.charged or one.done:
        return None
    if one.state != "open":
        text = (f"问题状态为 {one.state}，不能列入", f"the problem is {one.state}; it can't be planned")
        return _fault("problem_not_open", text, expected="open")
    return None


def too_late(due_on: date | None, deadline: date | None) -> FieldError | None:
    """A plan can't move a deadline back: that takes a postponement, which the county decides on."""
    if due_on is None or deadline is None or due_on <= deadline:
        return None
    text = ("晚于问题的整改期限，须另行申请延期", "after the problem's deadline; that takes a postponement")
    return FieldError("", "due_after_deadline", text, str(due_on), f"<= {deadline}", RULE)


def passed(due_on: date | None, today: date) -> FieldError | None:
    """Nothing is planned for a day that is over; today is in time. `today`: in Shanghai."""
    if due_on is None or due_on >= today:
        return None
    text = ("早于今天", "that day is over")
    return FieldError("", "due_passed", text, str(due_on), f">= {today}", RULE)


def undated(due_on: date | None, timetable: str | None, deadline: date | None) -> FieldError | None:
    """A problem without a deadline of its own needs a day or a timetable from the plan."""
    if due_on is not None or timetable or deadline is not None:
        return None
    text = ("没有期限的问题须写明整改期限或时间表", "a problem without a deadline needs due_on or a timetable")
    return _fault("timetable_missing", text, rule=TIMETABLE_RULE)


def unverified(one: Standing, levels: Sequence[str]) -> FieldError | None:
    """The survey behind a problem that is to be planned anew must be verified by `levels`."""
    if not one.from_visit or one.charged or one.done:
        return None
    missing = [level for level in levels if level not in verified_by(one.visit_state)]
    if not missing:
        return None
    names = {"township": ("乡镇", "the township"), "county": ("县级", "the county")}
    zh, en = "、".join(names[one][0] for one in missing), " and ".join(names[one][1] for one in missing)
    text = (f"摸排记录尚未经{zh}核实", f"its survey visit is not verified by {en}")
    return FieldError("", "survey_unverified", text, None, ", ".join(missing), VERIFIED_RULE)


@dataclass(frozen=True, slots=True)
class PlanText:
    """What a plan says besides its problems. `cost_fen`: of all of its problems."""

    key_points: str | None
    technical_route: str | None
    workforce: str | None
    due_on: date | None
    fund_lines: int
    problems: int
    cost_fen: int


def gaps(plan: PlanText) -> list[FieldError]:
    """What a draft may lack but a submitted plan may not."""
    named: list[tuple[str, object, Bilingual]] = [
        ("key_points", plan.key_points, ("须写明整改重点", "the key points are needed")),
        ("technical_route", plan.technical_route, ("须写明技术路线", "the technical route is needed")),
        ("workforce", plan.workforce, ("须写明力量组织", "the workforce is needed")),
        ("due_on", plan.due_on, ("须写明时限要求", "the time limit is needed")),
        ("items", plan.problems, ("须至少列入一个问题及其措施", "at least one problem with its measure is needed")),
    ]
    found = [FieldError(f"/{name}", "missing", text, rule=CONTENT_RULE) for name, value, text in named if not value]
    if not plan.fund_lines and plan.cost_fen:
        text = ("有费用的方案须写明经费来源", "a plan with costs needs its funds")
        found.append(FieldError("/funds", "funds_missing", text, expected=plan.cost_fen, rule=CONTENT_RULE))
    return found


def dropped(one: Standing) -> FieldError | None:
    """Why a problem of the edition before can't be left out of the next; None if it can."""
    begun = one.task_state if one.task_state in ("in_work", "submitted") else None
    begun = one.state if one.state in DONE_STATES else begun
    if begun is None:
        return None
    text = (
        f"整改已开始（{begun}），新版方案不能去掉该问题",
        f"work on it has begun ({begun}); the next edition can't leave it out",
    )
    return _fault("task_begun", text, expected="pending")


def _fault(code: str, message: Bilingual, *, expected: object = None, rule: str = RULE) -> FieldError:
    return FieldError("", code, message, None, expected, rule)
