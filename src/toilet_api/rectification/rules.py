"""The rules of rectification, pure: the state machines of plan, task, postponement and acceptance, and their guards."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from toilet_api.accounts.permissions import Permission
from toilet_api.kernel.machines import Guard, Machine, Step

BY_ANOTHER = Guard("by_another_than_submitted", "不得为报送人本人", "by somebody else than who submitted it")
NOT_BY_REQUESTER = Guard("not_by_requester", "不得为申请人本人", "by somebody else than who asked for it")
BY_REQUESTER = Guard("by_requester", "限申请人本人", "by who asked for it only")
AFTER_PHOTO = Guard("after_photo", "问题厕所须有整改后照片", "a toilet's, with a photo of the finished work")
NONE_PENDING = Guard("no_request_pending", "没有待审批的延期申请", "no postponement of it waits for a decision")
TASK_LIVE = Guard("task_live", "整改任务尚未了结", "its task is still live")
STILL_LATER = Guard("still_later", "新期限仍晚于任务现期限", "the day asked for is still later than the task's own")
ON_PANEL = Guard(
    "on_panel", "限验收组成员，县级复验限其中县级成员", "by a member of the panel; a re-check, by one of the county"
)
IS_PLAN = Guard("is_plan", "补充方案不能另行修订或补充", "not for an addendum")

_PLAN_RULE = "工作方案 四（三）：以乡镇（区）为单位制定整改方案"
_FILE_RULE = "工作方案 四（三）：整改方案于规定时限前报县级审核备案"
PLAN = Machine(
    "plan",
    "整改方案",
    "draft",
    [
        Step("edit", {"draft"}, "draft", permission=Permission.PLAN_WRITE, zh="修改", rule=_PLAN_RULE),
        Step("edit", {"returned"}, "returned", permission=Permission.PLAN_WRITE, zh="修改", rule=_PLAN_RULE),
        Step(
            "submit", {"draft", "returned"}, "submitted", permission=Permission.PLAN_WRITE, zh="报送", rule=_FILE_RULE
        ),
        Step(
            "withdraw", {"draft", "returned"}, "withdrawn", permission=Permission.PLAN_WRITE, zh="作废", rule=_PLAN_RULE
        ),
        Step(
            "return",
            {"submitted"},
            "returned",
            permission=Permission.PLAN_APPROVE,
            zh="退回",
            guards=[BY_ANOTHER],
            rule=_FILE_RULE,
        ),
        Step(
            "approve",
            {"submitted"},
            "approved",
            permission=Permission.PLAN_APPROVE,
            zh="审核备案",
            guards=[BY_ANOTHER],
            rule=_FILE_RULE,
        ),
        Step(
            "revise",
            {"approved"},
            "approved",
            permission=Permission.PLAN_WRITE,
            zh="编制新版",
            guards=[IS_PLAN],
            rule=_FILE_RULE,
        ),
        Step(
            "supplement",
            {"approved"},
            "approved",
            permission=Permission.PLAN_WRITE,
            zh="编制补充方案",
            guards=[IS_PLAN],
            rule="工作方案 四（三）：坚持边排查边整改，不等不靠",
        ),
        Step(
            "supersede",
            {"approved"},
            "superseded",
            permission=Permission.PLAN_APPROVE,
            zh="被新版替代",
            driven_by="plan",
            rule=_FILE_RULE,
        ),
    ],
)
PLAN_AT_WORK = ("draft", "returned")
"""States in which a plan and its problems can be changed; in any other it is frozen."""

_WORK_RULE = "工作方案 四（三）：整改一个、验收一个、销号一个"
_TIME_RULE = "工作方案 四（三）：明确时限要求、时间表和路线图"
TASK = Machine(
    "task",
    "整改任务",
    "pending",
    [
        Step("assign", {"pending"}, "pending", permission=Permission.TASK_MANAGE, zh="安排", rule=_WORK_RULE),
        Step("assign", {"in_work"}, "in_work", permission=Permission.TASK_MANAGE, zh="安排", rule=_WORK_RULE),
        Step("start", {"pending"}, "in_work", permission=Permission.TASK_WORK, zh="开工", rule=_WORK_RULE),
        Step("note", {"pending"}, "pending", permission=Permission.TASK_WORK, zh="登记进展", rule=_WORK_RULE),
        Step("note", {"in_work"}, "in_work", permission=Permission.TASK_WORK, zh="登记进展", rule=_WORK_RULE),
        Step(
            "submit",
            {"in_work"},
            "submitted",
            permission=Permission.TASK_WORK,
            zh="报请验收",
            guards=[AFTER_PHOTO],
            rule=_WORK_RULE,
        ),
        Step("recall", {"submitted"}, "in_work", permission=Permission.TASK_WORK, zh="撤回报验", rule=_WORK_RULE),
        Step(
            "postpone",
            {"pending"},
            "pending",
            permission=Permission.TASK_MANAGE,
            zh="申请延期",
            guards=[NONE_PENDING],
            rule=_TIME_RULE,
        ),
        Step(
            "postpone",
            {"in_work"},
            "in_work",
            permission=Permission.TASK_MANAGE,
            zh="申请延期",
            guards=[NONE_PENDING],
            rule=_TIME_RULE,
        ),
        Step(
            "accept",
            {"submitted"},
            "accepted",
            permission=Permission.ACCEPTANCE_DECIDE,
            zh="验收合格",
            driven_by="acceptance",
            rule=_WORK_RULE,
        ),
        Step(
            "redo",
            {"submitted", "accepted"},
            "in_work",
            permission=Permission.ACCEPTANCE_DECIDE,
            zh="返工",
            driven_by="acceptance",
            rule="工作方案 四（五）：严格按照国家标准整改到位",
        ),
        Step(
            "cancel",
            {"pending", "in_work", "submitted"},
            "cancelled",
            permission=Permission.PROBLEM_DISMISS,
            zh="取消",
            driven_by="problem",
            rule=_WORK_RULE,
        ),
    ],
)
ENDED_TASKS = ("accepted", "cancelled")
"""In these states a task is no longer live; its problem may have another."""

POSTPONEMENT = Machine(
    "postponement",
    "延期申请",
    "requested",
    [
        Step(
            "grant",
            {"requested"},
            "granted",
            permission=Permission.TASK_POSTPONE,
            zh="同意延期",
            guards=[NOT_BY_REQUESTER, TASK_LIVE, STILL_LATER],
            rule=_TIME_RULE,
        ),
        Step(
            "refuse",
            {"requested"},
            "refused",
            permission=Permission.TASK_POSTPONE,
            zh="不同意延期",
            guards=[NOT_BY_REQUESTER],
            rule=_TIME_RULE,
        ),
        Step(
            "withdraw",
            {"requested"},
            "withdrawn",
            permission=Permission.TASK_MANAGE,
            zh="撤回申请",
            guards=[BY_REQUESTER],
            rule=_TIME_RULE,
        ),
    ],
)

_PANEL_RULE = "工作方案 四（五）：由县、乡组织人员进行验收，确保符合标准且能够正常使用"
ACCEPTANCE = Machine(
    "acceptance",
    "验收",
    "open",
    [
        Step("edit", {"open"}, "open", permission=Permission.ACCEPTANCE_DECIDE, zh="修改", rule=_PANEL_RULE),
        Step(
            "pass",
            {"open"},
            "passed",
            permission=Permission.ACCEPTANCE_DECIDE,
            zh="判定合格",
            guards=[ON_PANEL],
            rule=_PANEL_RULE,
        ),
        Step(
            "pass_partly",
            {"open"},
            "partial",
            permission=Permission.ACCEPTANCE_DECIDE,
            zh="判定部分合格",
            guards=[ON_PANEL],
            rule=_PANEL_RULE,
        ),
        Step(
            "fail",
            {"open"},
            "failed",
            permission=Permission.ACCEPTANCE_DECIDE,
            zh="判定不合格",
            guards=[ON_PANEL],
            rule=_PANEL_RULE,
        ),
        Step("cancel", {"open"}, "cancelled", permission=Permission.ACCEPTANCE_DECIDE, zh="取消", rule=_PANEL_RULE),
    ],
)


def is_overdue(due_on: date | None, state: str, today: date) -> bool:
    """Whether a task's last day has passed while it is live: a fact of the moment, never a stored flag."""
    return due_on is not None and due_on < today and state not in ENDED_TASKS


def did_the_work(panel: Collection[UUID], workers: Collection[UUID]) -> set[UUID]:
    """The members of a panel who had a hand in the work, and so may not sit on it."""
    return set(panel) & set(workers)
