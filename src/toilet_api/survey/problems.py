"""The errors of the survey."""

from toilet_api.kernel.errors import ProblemType

NO_OPEN_CAMPAIGN = ProblemType(
    "no_open_campaign",
    409,
    "本县没有进行中的摸排行动，请县级管理员先开启",
    "The county has no open campaign; its administrator has to open one first",
    "工作方案 四（一）",
)
CAMPAIGN_ALREADY_OPEN = ProblemType(
    "campaign_already_open",
    409,
    "本县已有进行中的行动，须先结束它",
    "The county already has an open campaign; close that one first",
)
NOT_SURVEYOR = ProblemType(
    "not_surveyor",
    403,
    "只有本次摸排的摸排人可以修改和提交；他人请用更正并签名",
    "Only the surveyor of this visit may change and submit it; others correct it, with their own signature",
    "工作方案 四（二）3：谁摸排、谁签字、谁负责",
)
VERIFIER_IS_SURVEYOR = ProblemType(
    "verifier_is_surveyor",
    403,
    "摸排人不能核实或退回自己的记录",
    "A surveyor can't verify or return their own visit",
    "工作方案 四（二）3：谁摸排、谁签字、谁负责",
)
CODE_TAKEN = ProblemType(
    "problem_type_code_taken",
    409,
    "该问题类型代码已在使用",
    "That problem type code is in use",
)
ALREADY_RETIRED = ProblemType("problem_type_retired", 409, "该问题类型已停用", "That problem type is retired")
SEEDED_TYPE = ProblemType(
    "problem_type_seeded",
    403,
    "全国通用的问题类型不能由县修改；可为本县另建",
    "The common problem types can't be changed by a county; it can add its own",
)
ALREADY_IN_LEDGER = ProblemType(
    "problem_already_open",
    409,
    "同一厕所的同类问题已在台账中",
    "A problem of this type is already live for this toilet",
)
IMAGE_KIND_REFUSED = ProblemType(
    "image_kind_refused",
    415,
    "只接受 JPEG、PNG、WebP 图片；按内容而不是文件名判断",
    "Only JPEG, PNG and WebP images are taken; the content decides, not the name",
)
IMAGE_DAMAGED = ProblemType("image_damaged", 422, "图片已损坏或不完整", "The image is damaged or truncated")
IMAGE_TOO_MANY_PIXELS = ProblemType(
    "image_too_many_pixels", 422, "图片像素过多", "The image has more pixels than are taken"
)
