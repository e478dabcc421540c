"""The errors of the survey. Each names the rule behind it, and what to do next."""

from toilet_api.kernel.errors import ProblemType

_SIGN = "工作方案 四（二）3：谁摸排、谁签字、谁负责"
_LEDGER = "工作方案 四（二）4：建立问题厕所电子台账，分级如实录入"

NO_OPEN_CAMPAIGN = ProblemType(
    "no_open_campaign",
    409,
    "本县没有进行中的摸排行动，请县级管理员先开启",
    "The county has no open campaign; its administrator has to open one first",
    "工作方案 四（一）",
    ("请县级管理员开启行动（POST /campaigns/{id}/open）。", "Have the county's administrator open one."),
)
CAMPAIGN_ALREADY_OPEN = ProblemType(
    "campaign_already_open",
    409,
    "本县已有进行中的行动，须先结束它",
    "The county already has an open campaign; close that one first",
    "工作方案 四（一）：一县一个行动同时进行",
    ("请先结束进行中的行动（POST /campaigns/{id}/close）。", "Close the open one first."),
)
NOT_SURVEYOR = ProblemType(
    "not_surveyor",
    403,
    "只有本次摸排的摸排人可以修改和提交；他人请用更正并签名",
    "Only the surveyor of this visit may change and submit it; others correct it, with their own signature",
    _SIGN,
    (
        "请由摸排人办理，或用更正（correct）并附本人签名。",
        "Leave it to its surveyor, or correct it, signed by yourself.",
    ),
)
VERIFIER_IS_SURVEYOR = ProblemType(
    "verifier_is_surveyor",
    403,
    "摸排人不能核实或退回自己的记录",
    "A surveyor can't verify or return their own visit",
    _SIGN,
    ("请由本级其他人员核实。", "Leave it to somebody else of that level."),
)
CODE_TAKEN = ProblemType(
    "problem_type_code_taken",
    409,
    "该问题类型代码已在使用",
    "That problem type code is in use",
    _LEDGER,
    ("请换一个代码，或使用已有的类型。", "Choose another code, or use the type that is there."),
)
ALREADY_RETIRED = ProblemType(
    "problem_type_retired",
    409,
    "该问题类型已停用",
    "That problem type is retired",
    _LEDGER,
    ("无须再办；新问题请用其他类型。", "Nothing is left to do; use another type for new findings."),
)
SEEDED_TYPE = ProblemType(
    "problem_type_seeded",
    403,
    "全国通用的问题类型不能由县修改；可为本县另建",
    "The common problem types can't be changed by a county; it can add its own",
    _LEDGER,
    ("请为本县新建类型（POST /problem-types）。", "Add one of the county's own (POST /problem-types)."),
)
ALREADY_IN_LEDGER = ProblemType(
    "problem_already_open",
    409,
    "同一厕所的同类问题已在台账中",
    "A problem of this type is already live for this toilet",
    _LEDGER,
    ("请在台账中已有的那条问题上办理。", "Go on with the one that is in the ledger."),
)
CAUSE_IS_COUNTYS = ProblemType(
    "cause_is_countys",
    403,
    "会延长期限、改走立行立改或影响已安排整改的原因分类，只能由县级更正",
    "A cause that gives more time, leads past the plan, or concerns planned work is changed by the county only",
    "工作方案 四（三）：分类整改，明确时限要求",
    ("请由县级管理员更正，或申请延期。", "Leave it to the county's administrator, or ask for a postponement."),
)
IMAGE_KIND_REFUSED = ProblemType(
    "image_kind_refused",
    415,
    "只接受 JPEG、PNG、WebP 图片；按内容而不是文件名判断",
    "Only JPEG, PNG and WebP images are taken; the content decides, not the name",
    _SIGN,
    ("请换成这几种格式的图片重传。", "Send it as one of those."),
)
IMAGE_DAMAGED = ProblemType(
    "image_damaged",
    422,
    "图片已损坏或不完整",
    "The image is damaged or truncated",
    _SIGN,
    ("请用原图重传。", "Send the original again."),
)
IMAGE_TOO_MANY_PIXELS = ProblemType(
    "image_too_many_pixels",
    422,
    "图片像素过多",
    "The image has more pixels than are taken",
    _SIGN,
    ("请降低相机分辨率后重拍或重传。", "Take or send it with fewer pixels."),
)
