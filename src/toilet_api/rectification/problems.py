"""The errors of rectification. Each names the paragraph behind it, and what to do next."""

from toilet_api.kernel.errors import ProblemType

_PLAN = "工作方案 四（三）：以乡镇（区）为单位制定整改方案，报县级审核备案"
_PANEL = "工作方案 四（五）：由县、乡组织人员进行验收"
_STANDARD = "工作方案 四（五）：严格按照国家标准整改到位，确保符合标准且能够正常使用"
_CLOSE = "工作方案 四（五）：由农户签字同意后销号"

# --- plans ---
PLAN_EXISTS = ProblemType(
    "plan_exists",
    409,
    "该乡镇在本行动中已有整改方案",
    "The township has a plan in this campaign already",
    _PLAN,
    (
        "请修改编制中的方案，或对已备案的方案编制新版或补充方案。",
        "Edit the draft; revise or supplement an approved one.",
    ),
)
PLAN_FROZEN = ProblemType(
    "plan_frozen",
    409,
    "已报送或已备案的方案不能修改",
    "A plan that is submitted or approved can't be changed",
    _PLAN,
    ("请编制新版（revise）或补充方案（supplement）。", "Make another edition (revise) or an addendum (supplement)."),
)
SUBMITTED_BY_YOURSELF = ProblemType(
    "submitted_by_yourself",
    403,
    "报送人不能审核自己报送的方案",
    "Who submitted a plan can't decide on it",
    _PLAN,
    ("请由县级其他审核人员办理。", "Leave it to another reviewer of the county."),
)
PROBLEM_NOT_PLANNABLE = ProblemType(
    "problem_not_plannable",
    409,
    "有问题不能列入方案",
    "Some problems can't be in the plan",
    _PLAN,
    ("请按 errors 移出这些问题后重试。", "Take those that errors lists out of the plan, then try again."),
)

# --- tasks ---
TASK_EXISTS = ProblemType(
    "task_exists",
    409,
    "该问题已有整改任务",
    "The problem has a task already",
    "工作方案 四（三）：整改一个、验收一个、销号一个",
    ("请在该任务上开工、登记进展。", "Work on that task."),
)
NOT_AT_ONCE = ProblemType(
    "not_at_once",
    409,
    "该问题的原因分类不属于立行立改",
    "Problems of this cause are not mended at once",
    "工作方案 一：立行立改；四（三）：分类整改",
    ("请列入整改方案，报县级审核备案后整改。", "Put it into a plan and have it approved."),
)
AFTER_PHOTO_MISSING = ProblemType(
    "after_photo_missing",
    409,
    "报请验收须有整改后照片",
    "A photo of the finished work is needed before acceptance",
    "工作方案 四（五）：整改到位",
    ("请先登记一条整改后（after）的进展并附照片。", "Add a note of the stage `after` with a photo first."),
)
POSTPONEMENT_PENDING = ProblemType(
    "postponement_pending",
    409,
    "该任务已有待审批的延期申请",
    "A postponement of this task waits for a decision already",
    "工作方案 四（三）：明确时限要求",
    ("请等待县级审批，或先撤回该申请。", "Wait for the county, or withdraw that request first."),
)
POSTPONEMENT_OVERTAKEN = ProblemType(
    "postponement_overtaken",
    409,
    "任务的现期限已不早于所申请的期限",
    "The task is due no earlier than the day asked for by now",
    "工作方案 四（三）：明确时限要求",
    ("请不同意该申请，或由申请人撤回后另行申请。", "Refuse it, or have it withdrawn and asked for anew."),
)
REQUESTED_BY_YOURSELF = ProblemType(
    "requested_by_yourself",
    403,
    "申请人不能审批自己的延期申请",
    "Who asked for a postponement can't decide on it",
    "工作方案 四（三）：明确时限要求",
    ("请由县级其他人员审批。", "Leave it to another of the county."),
)
NOT_REQUESTER = ProblemType(
    "not_requester",
    403,
    "只有申请人可以撤回申请",
    "Only who asked for it may withdraw it",
    "工作方案 四（三）：明确时限要求",
    ("请由申请人撤回，或由县级审批。", "Leave it to who asked, or have the county decide."),
)

# --- checklists and acceptance ---
CHECKLIST_LOOSENED = ProblemType(
    "checklist_loosened",
    422,
    "本县清单不能删减或放宽国家标准的检查项",
    "A county's checklist can't drop or loosen the items of the standard",
    _STANDARD,
    ("请保留原有检查项，只增加或收紧。", "Keep what is there; only add or tighten."),
)
SEEDED_CHECKLIST = ProblemType(
    "checklist_seeded",
    403,
    "全国通用清单不能由县停用",
    "The common checklists can't be retired by a county",
    _STANDARD,
    ("可为本县另建清单。", "Make a checklist of the county's own."),
)
CHECKLIST_RETIRED = ProblemType(
    "checklist_retired",
    409,
    "该清单已停用",
    "The checklist is retired",
    _STANDARD,
    ("请使用现行清单。", "Use the one in force."),
)
PANEL_INCOMPLETE = ProblemType(
    "panel_incomplete",
    422,
    "验收组须至少有一名县级和一名乡镇成员",
    "A panel needs a member of the county and one of the township at least",
    _PANEL,
    ("请补充成员，成员须有当地县级或乡镇授权。", "Add members who hold a grant at the county, or the township."),
)
PANEL_DID_THE_WORK = ProblemType(
    "panel_did_the_work",
    409,
    "参与整改的人员不能验收",
    "Who did the work may not accept it",
    _PANEL,
    ("请更换 members 中列出的成员。", "Replace the members listed in `members`."),
)
NOT_ON_PANEL = ProblemType(
    "not_on_panel",
    403,
    "只有验收组成员可以判定",
    "Only a member of the panel may decide",
    _PANEL,
    ("请由验收组成员办理，或先修改验收组。", "Leave it to a member, or change the panel first."),
)
COUNTY_DECIDES = ProblemType(
    "county_decides",
    403,
    "县级复验由验收组的县级成员判定",
    "The county's re-check is decided by a member of the county",
    _PANEL,
    ("请由验收组的县级成员办理。", "Leave it to a member of the county on the panel."),
)
SIGNATURE_USED = ProblemType(
    "panel_signature_used",
    409,
    "该签名已用于另一次验收，每次验收须另行签名",
    "The signature was given for another acceptance; each one is signed anew",
    _PANEL,
    ("请该成员为本次验收上传新的签名。", "Have that member upload a signature for this acceptance."),
)
NOT_READY = ProblemType(
    "not_ready_for_acceptance",
    409,
    "有问题尚不能验收",
    "Some problems are not ready to be accepted",
    "工作方案 四（三）：整改一个、验收一个、销号一个",
    (
        "请待整改任务报请验收后再办；县级复验须先通过乡镇验收。",
        "Have the work submitted first; the county checks after the township.",
    ),
)
IN_ANOTHER_ACCEPTANCE = ProblemType(
    "in_another_acceptance",
    409,
    "有问题已在另一次待办的验收中",
    "Some problems are in another open acceptance",
    _PANEL,
    ("请在那次验收中判定，或先取消它。", "Decide there, or cancel that one first."),
)
PANEL_SIGNATURE_MISSING = ProblemType(
    "panel_signature_missing",
    422,
    "须有县级和乡镇成员各至少一人的签名，且由本人上传",
    "A member of the county and one of the township must sign, with signatures that they uploaded themselves",
    _PANEL,
    (
        "请各成员上传签名（kind=signature）后填入 signatures。",
        "Have members upload them; name them in `signatures`.",
    ),
)
CHECK_NOT_PASSED = ProblemType(
    "check_not_passed",
    409,
    "有检查项不合格，不能判定合格",
    "Some items are not met; it can't pass",
    _STANDARD,
    ("请判定不合格或部分合格并写明返工内容。", "Fail it, or pass it in part, and say what is to be done again."),
)
VETO = ProblemType(
    "veto_item_failed",
    409,
    "一票否决项不合格，只能判定不合格",
    "A veto item is not met; it can only fail",
    _STANDARD,
    ("请判定不合格（fail）并写明返工内容。", "Fail it and say what is to be done again."),
)

# --- close-out ---
SURVEY_UNVERIFIED = ProblemType(
    "survey_unverified",
    409,
    "摸排记录尚未按本行动要求逐级核实",
    "The survey visit is not yet verified by the levels that the campaign names",
    "工作方案 四（二）4：逐级汇总、分级如实录入",
    ("请先由乡镇、县级核实该摸排记录。", "Have the township, then the county, verify the visit first."),
)
RECHECK_MISSING = ProblemType(
    "county_recheck_missing",
    409,
    "本行动要求县级全部复验，该问题尚未复验",
    "The campaign asks the county to re-check all, and has not yet done so here",
    _PANEL,
    ("请先由县级组织复验（level=county）。", "Have the county hold its acceptance (level=county) first."),
)
CONSENT_MISSING = ProblemType(
    "household_consent_missing",
    422,
    "问题厕所销号须有农户签字，或有见证人的代签说明",
    "A problem of a toilet is closed with the household's signature, or a signed statement with a witness",
    _CLOSE,
    ("请上传农户签名填入 household_signature_ids，或填写 statement。", "Send household_signature_ids, or a statement."),
)
DECISION_MISSING = ProblemType(
    "county_decision_missing",
    422,
    "工作推进问题销号须写明县级决定",
    "A problem in the work is closed with the county's decision",
    "工作方案 四（三）：对工作推进中存在的问题提出整改措施和时限",
    ("请填写 decision。", "Send `decision`."),
)
PROBLEM_REPEATED = ProblemType(
    "problem_repeated",
    422,
    "同一问题在本次请求中已列出，以先列的为准",
    "The problem is named earlier in this request; the first mention counts",
    "工作方案 四（三）：整改一个、验收一个、销号一个",
    (
        "请看先列的一条的结果；如未销号，请补正后单独再报。",
        "See what became of the first; if refused, mend and resend it.",
    ),
)
