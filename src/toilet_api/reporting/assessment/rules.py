"""The rules of ranking and assessment, pure: the machines of formula, assessment and call-in. Sums: `scoring`."""

from toilet_api.accounts.permissions import Permission
from toilet_api.kernel.machines import Guard, Machine, Step

RANK_RULE = "工作方案 五（四）：年终，县级对各乡镇（区）户厕问题摸排整改工作进行考核排名"
CALL_RULE = "工作方案 五（四）：用好通报约谈等举措；对工作开展不力的乡镇（区）通报或约谈"

OWN_LEVEL = Guard("own_level", "限考核或约谈单位本级", "by the level that ranks or calls in itself")

_PUBLISH = Step(
    "publish",
    {"draft"},
    "published",
    permission=Permission.ASSESSMENT_MANAGE,
    zh="公布",
    guards=[OWN_LEVEL],
    rule=RANK_RULE,
)
_WITHDRAW = Step(
    "withdraw",
    {"draft"},
    "withdrawn",
    permission=Permission.ASSESSMENT_MANAGE,
    zh="作废",
    guards=[OWN_LEVEL],
    rule=RANK_RULE,
)

FORMULA = Machine(
    "assessment_formula",
    "考核办法",
    "draft",
    [
        Step(
            "edit",
            {"draft"},
            "draft",
            permission=Permission.ASSESSMENT_MANAGE,
            zh="修改",
            guards=[OWN_LEVEL],
            rule=RANK_RULE,
        ),
        _PUBLISH,
        _WITHDRAW,
        Step(
            "supersede",
            {"published"},
            "superseded",
            permission=Permission.ASSESSMENT_MANAGE,
            zh="被新版替代",
            driven_by="assessment_formula",
            rule=RANK_RULE,
        ),
    ],
)

ASSESSMENT = Machine(
    "assessment",
    "考核",
    "draft",
    [
        _PUBLISH,
        _WITHDRAW,
        Step(
            "supersede",
            {"published"},
            "superseded",
            permission=Permission.ASSESSMENT_MANAGE,
            zh="被更正",
            driven_by="assessment",
            rule=RANK_RULE,
        ),
    ],
)

CALL_IN = Machine(
    "call_in",
    "约谈",
    "planned",
    [
        Step(
            "edit",
            {"planned"},
            "planned",
            permission=Permission.CALL_IN_MANAGE,
            zh="修改",
            guards=[OWN_LEVEL],
            rule=CALL_RULE,
        ),
        Step(
            "hold",
            {"planned"},
            "held",
            permission=Permission.CALL_IN_MANAGE,
            zh="登记约谈",
            guards=[OWN_LEVEL],
            rule=CALL_RULE,
        ),
        Step(
            "follow_up",
            {"held"},
            "followed_up",
            permission=Permission.CALL_IN_MANAGE,
            zh="登记落实结果",
            guards=[OWN_LEVEL],
            rule=CALL_RULE,
        ),
        Step(
            "cancel",
            {"planned"},
            "cancelled",
            permission=Permission.CALL_IN_MANAGE,
            zh="取消",
            guards=[OWN_LEVEL],
            rule=CALL_RULE,
        ),
    ],
)
