"""The rules of data sharing, pure: how requests and grants go on, when an answer is due.

Sources: 国务院《政务信息资源共享管理暂行办法》（国发〔2016〕51号）,
《政务数据共享条例》（国务院令第809号，2025-08-01 起施行）.
"""

from datetime import date, timedelta

from toilet_api.accounts.permissions import Permission
from toilet_api.kernel.machines import Guard, Machine, Step

ANSWER_RULE = "国发〔2016〕51号 第十二条：10 个工作日内答复，不予共享的说明理由；政务数据共享条例 第四章"
TYPE_RULE = "国发〔2016〕51号 第九条、第十条：三种共享类型，不予共享须有法律、行政法规或党中央、国务院政策依据"
USE_RULE = "国发〔2016〕51号 第十四条：按明确的用途使用，不得提供给第三方"
ANSWER_WORKING_DAYS = 10

NOT_BY_ASKER = Guard("not_by_asker", "不得为申请人或使用方本人", "by somebody else than who asked, or is to have it")
BY_ASKER = Guard("by_asker", "限申请人或使用方本人", "by who asked for it, or is to have it")

DATASET_REQUEST = Machine(
    "dataset_request",
    "数据共享申请",
    "requested",
    [
        Step(
            "approve",
            {"requested"},
            "approved",
            permission=Permission.DATASET_MANAGE,
            zh="同意共享",
            guards=[NOT_BY_ASKER],
            rule=ANSWER_RULE,
        ),
        Step(
            "refuse",
            {"requested"},
            "refused",
            permission=Permission.DATASET_MANAGE,
            zh="不同意共享",
            guards=[NOT_BY_ASKER],
            rule=ANSWER_RULE,
        ),
        Step(
            "withdraw",
            {"requested"},
            "withdrawn",
            permission=Permission.DATASET_REQUEST,
            zh="撤回申请",
            guards=[BY_ASKER],
            rule=ANSWER_RULE,
        ),
    ],
)
DATASET_GRANT = Machine(
    "dataset_grant",
    "数据共享授权",
    "active",
    [
        Step(
            "revoke",
            {"active"},
            "revoked",
            permission=Permission.DATASET_MANAGE,
            zh="撤销授权",
            rule=USE_RULE,
        )
    ],
)


def answer_due(asked_on: date) -> date:
    """The last day for an answer: ten working days after the day of the request.

    Working days are Monday to Friday: the year's public holidays are announced each autumn and stand in no table here,
    so that around them the true day lies later.
    """
    day, left = asked_on, ANSWER_WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.isoweekday() <= 5
    return day
