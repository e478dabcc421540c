"""The errors of ranking and assessment. Each names the paragraph behind it, and what to do next."""

from toilet_api.kernel.errors import ProblemType
from toilet_api.reporting.assessment.rules import CALL_RULE, RANK_RULE

NOT_OWN_LEVEL = ProblemType(
    "not_own_level",
    403,
    "须由考核或约谈单位本级办理",
    "Only the level that ranks or calls in may do this",
    RANK_RULE,
    ("请由该单位本级有权限的人员办理。", "Leave it to somebody who holds the permission at that level."),
)
FORMULA_MISSING = ProblemType(
    "formula_missing",
    409,
    "尚未公布考核办法，不能考核",
    "No formula is published yet; there is nothing to assess by",
    RANK_RULE,
    (
        "请先起草并公布考核办法（POST /assessment-formulas），参考办法见 GET /assessment-formulas/default。",
        "Draft and publish a formula first (POST /assessment-formulas); GET /assessment-formulas/default has a start.",
    ),
)
NO_CAMPAIGN_TO_ASSESS = ProblemType(
    "no_campaign_to_assess",
    409,
    "所辖各县没有进行中的摸排行动",
    "None of the counties has an open campaign",
    RANK_RULE,
    ("请待各县开启摸排行动后再考核。", "Assess once a county has opened its campaign."),
)
NOTHING_TO_RANK = ProblemType(
    "nothing_to_rank",
    409,
    "没有任何数据，无从考核",
    "Nothing is recorded; there is nothing to rank",
    RANK_RULE,
    ("请待乡镇录入台账后再考核；可先用预览查看。", "Assess once something is recorded; the preview shows it."),
)
NOT_CORRECTABLE = ProblemType(
    "assessment_not_correctable",
    409,
    "只能更正已公布且未被更正的考核",
    "Only a published assessment that isn't superseded can be corrected",
    RANK_RULE,
    ("请更正最新公布的一次，或直接新建考核。", "Correct the latest that is published, or draw a new one."),
)
FORMULA_CHANGED = ProblemType(
    "formula_changed",
    409,
    "草稿所用的考核办法已被新版替代",
    "The formula that the draft was drawn by has been superseded",
    RANK_RULE,
    ("请作废草稿，按现行办法重新考核。", "Withdraw the draft and draw it again by the formula in force."),
)
NOT_BELOW_CALLER = ProblemType(
    "not_below_caller",
    422,
    "约谈对象须为本级直接考核的单位：县约谈乡镇，省、市约谈县",
    "A county calls in its townships; a city or province its counties",
    CALL_RULE,
    ("请改为约谈本级考核的单位。", "Call in a division that your level ranks."),
)
