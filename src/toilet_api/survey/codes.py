"""The codes of the survey, with their Chinese labels."""

from typing import Any

from toilet_api.kernel import codes
from toilet_api.kernel.codes import Code, code_list

CAMPAIGN_STATES = code_list(
    "campaign_state",
    "行动状态",
    "Campaign state",
    [Code("planned", "筹备", "Planned"), Code("open", "进行中", "Open"), Code("closed", "已结束", "Closed")],
)
DEADLINE_KINDS = code_list(
    "deadline_kind",
    "期限规则",
    "Deadline rule",
    [
        Code("fixed", "固定日期", "On a fixed date"),
        Code("days", "发现后若干日", "A number of days after it was found"),
        Code("timetable", "另定时间表和路线图", "By a timetable of its own, which a plan sets"),
    ],
)
METHODS = code_list(
    "visit_method",
    "摸排方式",
    "How the visit was made",
    [
        Code("ask_and_look", "询问并查看", "Asked and looked"),
        Code("look", "实地查看", "Looked on site"),
        Code("use", "当场使用", "Used it on the spot"),
    ],
)
PRESENCE = code_list(
    "visit_presence",
    "农户是否在家",
    "Whether the household was at home",
    [Code("at_home", "在家", "At home"), Code("away", "不在家", "Away")],
)
USABILITY = code_list(
    "usability",
    "使用情况",
    "Whether the toilet can be used",
    [
        Code("usable_all_year", "全年可用", "Usable all year"),
        Code("part_of_year", "不能全年使用", "Usable only part of the year"),
        Code("not_usable", "不能使用", "Not usable now"),
        Code("idle", "闲置", "Idle"),
        Code("demolished", "已拆除", "Demolished"),
    ],
)
EVIDENCE = code_list(
    "checked_against",
    "核对的台账资料",
    "Which papers the visit was checked against",
    [
        Code("rebuild_ledger", "改厕台账", "Rebuild ledger"),
        Code("acceptance_record", "验收记录", "Acceptance record"),
        Code("subsidy_record", "资金奖补情况", "Subsidy record"),
    ],
)
VISIT_STATES = code_list(
    "visit_state",
    "摸排记录状态",
    "Visit state",
    [
        Code("draft", "草稿", "Draft"),
        Code("submitted", "村级已提交", "Submitted"),
        Code("township_verified", "乡镇已核实", "Verified by the township"),
        Code("county_verified", "县级已核实", "Verified by the county"),
        Code("returned", "已退回", "Returned"),
    ],
)
LEVELS = code_list(
    "verification_level",
    "核实层级",
    "Level of verification",
    [Code("township", "乡镇", "Township"), Code("county", "县级", "County")],
)
DECISIONS = code_list(
    "verification_decision",
    "核实决定",
    "Decision of a verification",
    [Code("verify", "核实通过", "Verify"), Code("return", "退回", "Return")],
)
PROBLEM_CLASSES = code_list(
    "problem_class",
    "问题类别",
    "Problem class",
    [
        Code("toilet", "问题厕所", "Problem toilet: not usable now, or not all year"),
        Code("work", "工作推进中存在的问题", "Problem in the work itself, at a village or township"),
    ],
)
CAUSES = code_list(
    "cause_class",
    "原因分类",
    "Cause class; it decides which deadline rule of the campaign holds",
    [
        Code("construction_quality", "施工不到位", "Construction quality"),
        Code("product_quality", "产品质量不过关", "Product quality"),
        Code("technical_mode", "技术模式不适宜", "Unsuitable technical mode"),
        Code("small_defect", "立行立改的小问题", "Small defect, mended at once"),
        Code("management", "管护不到位", "Upkeep"),
        Code("work_process", "工作推进问题", "The way the work was done"),
    ],
)
GROUPS = code_list(
    "problem_group",
    "问题分组",
    "Problem group",
    [
        Code("product", "产品质量", "Product quality"),
        Code("construction", "施工质量", "Construction quality"),
        Code("siting_mode", "选址与模式", "Siting and mode"),
        Code("house_fixtures", "厕屋与设施", "House and fixtures"),
        Code("management", "管护", "Upkeep"),
        Code("old_pit", "旧厕拆除", "The old pit"),
        Code("targets", "目标任务", "Targets and pace"),
        Code("way_of_work", "推进方式", "The way of working"),
        Code("technique", "技术把关", "Technique and quality control"),
        Code("mechanism", "管护机制", "Upkeep mechanism"),
        Code("other", "其他", "Other"),
    ],
)
PROBLEM_STATES = code_list(
    "problem_state",
    "问题状态",
    "Problem state",
    [
        Code("open", "待整改", "Open"),
        Code("in_work", "整改中", "In work"),
        Code("accepted", "已验收，待销号", "Accepted, to be closed"),
        Code("closed", "已销号", "Closed"),
        Code("dismissed", "已撤销", "Dismissed"),
    ],
)
DEADLINE_SOURCES = code_list(
    "deadline_source",
    "期限依据",
    "What set the deadline",
    [
        Code("rule", "行动的期限规则", "The campaign's rule"),
        Code("plan", "整改方案的时间表", "The plan's timetable"),
        Code("postponement", "批准延期", "A postponement that was granted"),
    ],
)
PHASES = code_list(
    "campaign_phase",
    "工作阶段",
    "Phase of a campaign",
    [
        Code("kickoff", "启动阶段", "Kick-off"),
        Code("survey", "问题摸排", "Survey"),
        Code("rectification", "分类整改", "Rectification by class"),
        Code("dispatch", "调度指导", "Dispatch"),
        Code("evaluation", "检查评估", "Inspection and evaluation"),
        Code("consolidation", "巩固提升", "Consolidation"),
    ],
)
ATTACHMENT_KINDS = code_list(
    "attachment_kind",
    "附件种类",
    "Kind of attachment",
    [Code("photo", "照片", "Photo"), Code("signature", "签名", "Signature")],
)

# Each is a checked string type; the names are for annotations.
Method: Any = codes.field(METHODS)
Presence: Any = codes.field(PRESENCE)
Usability: Any = codes.field(USABILITY)
Evidence: Any = codes.field(EVIDENCE)
VisitState: Any = codes.field(VISIT_STATES)
Level: Any = codes.field(LEVELS)
Decision: Any = codes.field(DECISIONS)
ProblemClass: Any = codes.field(PROBLEM_CLASSES)
Cause: Any = codes.field(CAUSES)
Group: Any = codes.field(GROUPS)
ProblemState: Any = codes.field(PROBLEM_STATES)
CampaignState: Any = codes.field(CAMPAIGN_STATES)
DeadlineSource: Any = codes.field(DEADLINE_SOURCES)
Phase: Any = codes.field(PHASES)
AttachmentKind: Any = codes.field(ATTACHMENT_KINDS)
