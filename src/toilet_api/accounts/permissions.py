"""The one table of roles: what each may do, at which level of division it is granted, and whom it manages.

Shown at `GET /roles` and in docs/roles.md, which is written from here. A role is changed here and nowhere else.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

PrincipalKind = Literal["person", "client"]

LEVEL_OF_LENGTH = {2: 1, 4: 2, 6: 3, 9: 4, 12: 5}
"""Length of a division code -> its level: 1 province, 2 city, 3 county, 4 township, 5 village."""

LEVEL_NAMES = {
    1: ("省", "province"),
    2: ("市", "city"),
    3: ("县", "county"),
    4: ("乡镇", "township"),
    5: ("村", "village"),
}


class Permission(StrEnum):
    """一项权限，也是同名的 OAuth2 scope / One thing that can be allowed; also the OAuth2 scope of that name."""

    DIVISION_READ = "division.read"
    DIVISION_MANAGE = "division.manage"
    ACCOUNT_READ = "account.read"
    ACCOUNT_MANAGE = "account.manage"
    TRAINING_RECORD = "training.record"
    HOUSEHOLD_READ = "household.read"
    HOUSEHOLD_WRITE = "household.write"
    HOUSEHOLD_REMOVE = "household.remove"
    HOUSEHOLD_RESTORE = "household.restore"
    PERSON_REVEAL = "person.reveal"
    HISTORY_READ = "history.read"
    VISIT_READ = "visit.read"
    VISIT_WRITE = "visit.write"
    VISIT_SUBMIT = "visit.submit"
    VISIT_VERIFY_TOWNSHIP = "visit.verify_township"
    VISIT_VERIFY_COUNTY = "visit.verify_county"
    PROBLEM_READ = "problem.read"
    PROBLEM_RECORD_WORK = "problem.record_work"
    PROBLEM_DISMISS = "problem.dismiss"
    PROBLEM_CLOSE = "problem.close"
    PROBLEM_CLOSE_WORK = "problem.close_work"
    PROBLEM_REOPEN = "problem.reopen"
    PLAN_READ = "plan.read"
    PLAN_WRITE = "plan.write"
    PLAN_APPROVE = "plan.approve"
    TASK_READ = "task.read"
    TASK_MANAGE = "task.manage"
    TASK_WORK = "task.work"
    TASK_POSTPONE = "task.postpone"
    ACCEPTANCE_READ = "acceptance.read"
    ACCEPTANCE_DECIDE = "acceptance.decide"
    CHECKLIST_MANAGE = "checklist.manage"
    STATISTICS_READ = "statistics.read"
    SAMPLE_READ = "sample.read"
    SAMPLE_MANAGE = "sample.manage"
    REPORT_READ = "report.read"
    REPORT_SUBMIT = "report.submit"
    REPORT_RECEIVE = "report.receive"
    ASSESSMENT_READ = "assessment.read"
    ASSESSMENT_MANAGE = "assessment.manage"
    CALL_IN_READ = "call_in.read"
    CALL_IN_MANAGE = "call_in.manage"
    CATALOGUE_MANAGE = "catalogue.manage"
    CAMPAIGN_READ = "campaign.read"
    CAMPAIGN_MANAGE = "campaign.manage"
    IMPORT_CREATE = "import.create"
    IMPORT_READ = "import.read"
    EXPORT_CREATE = "export.create"
    SYNC_USE = "sync.use"
    CONFLICT_RESOLVE = "conflict.resolve"
    WEBHOOK_MANAGE = "webhook.manage"
    DATASET_READ = "dataset.read"
    DATASET_REQUEST = "dataset.request"
    DATASET_MANAGE = "dataset.manage"
    DATASET_TRACE = "dataset.trace"
    ATTACHMENT_WRITE = "attachment.write"
    ATTACHMENT_READ = "attachment.read"
    AUDIT_READ = "audit.read"
    ROLE_READ = "role.read"


PERMISSION_LABELS: dict[Permission, tuple[str, str]] = {
    Permission.DIVISION_READ: ("查看区划", "Read divisions"),
    Permission.DIVISION_MANAGE: ("维护区划", "Maintain divisions: create, rename, merge, split, move"),
    Permission.ACCOUNT_READ: ("查看账号", "Read accounts"),
    Permission.ACCOUNT_MANAGE: ("管理账号", "Manage the accounts of the roles below"),
    Permission.TRAINING_RECORD: ("登记培训", "Record training"),
    Permission.HOUSEHOLD_READ: ("查看农户户厕（脱敏）", "Read households and toilets, masked"),
    Permission.HOUSEHOLD_WRITE: ("录入和修改农户户厕", "Enter and alter households and toilets"),
    Permission.HOUSEHOLD_REMOVE: ("删除农户户厕（须说明理由）", "Remove households and toilets, with a reason"),
    Permission.HOUSEHOLD_RESTORE: ("恢复已删除的农户户厕", "Restore removed households and toilets"),
    Permission.PERSON_REVEAL: ("查看个人信息明文（留痕）", "Reveal personal data, with a trace"),
    Permission.HISTORY_READ: ("查看记录的修改历史", "Read the history of records"),
    Permission.VISIT_READ: ("查看摸排", "Read survey visits"),
    Permission.VISIT_WRITE: ("录入摸排", "Enter survey visits"),
    Permission.VISIT_SUBMIT: ("提交摸排", "Submit survey visits"),
    Permission.VISIT_VERIFY_TOWNSHIP: ("乡镇审核摸排", "Verify or return visits at the township"),
    Permission.VISIT_VERIFY_COUNTY: ("县级审核摸排", "Verify or return visits at the county"),
    Permission.PROBLEM_READ: ("查看问题台账", "Read the problem ledger"),
    Permission.PROBLEM_RECORD_WORK: ("登记工作推进中的问题", "Record problems in the work itself"),
    Permission.PROBLEM_DISMISS: ("撤销误登的问题", "Dismiss problems recorded in error"),
    Permission.PROBLEM_CLOSE: (
        "问题厕所销号（须农户签字）",
        "Close problems of toilets, signed by the household",
    ),
    Permission.PROBLEM_CLOSE_WORK: (
        "工作推进问题销号（县级决定）",
        "Close problems in the work, as the county decides",
    ),
    Permission.PROBLEM_REOPEN: ("重新打开问题（须说明理由）", "Reopen closed or dismissed problems, with a reason"),
    Permission.PLAN_READ: ("查看整改方案", "Read rectification plans"),
    Permission.PLAN_WRITE: ("编制、提交整改方案", "Draw up and submit rectification plans"),
    Permission.PLAN_APPROVE: ("审核备案整改方案", "Approve and file, or return, rectification plans"),
    Permission.TASK_READ: ("查看整改任务", "Read rectification tasks"),
    Permission.TASK_MANAGE: ("安排整改任务、申请延期", "Assign rectification tasks, ask for postponement"),
    Permission.TASK_WORK: ("实施整改、登记进展", "Do rectification tasks and report progress"),
    Permission.TASK_POSTPONE: ("审批延期", "Grant or refuse postponement"),
    Permission.ACCEPTANCE_READ: ("查看验收与验收清单", "Read acceptances and checklists"),
    Permission.ACCEPTANCE_DECIDE: ("组织验收", "Hold acceptances"),
    Permission.CHECKLIST_MANAGE: ("维护本县验收清单", "Maintain the county's checklists"),
    Permission.STATISTICS_READ: ("查看统计指标", "Read statistics"),
    Permission.SAMPLE_READ: ("查看复核、抽查和弄虚作假记录", "Read reviews, spot checks and falsification records"),
    Permission.SAMPLE_MANAGE: ("组织复核、抽查", "Hold reviews and spot checks"),
    Permission.REPORT_READ: ("查看定期报表", "Read periodic reports"),
    Permission.REPORT_SUBMIT: ("核签、报送本级定期报表", "Draw, sign and submit the reports of one's own level"),
    Permission.REPORT_RECEIVE: ("接收或退回下级定期报表", "Receive or return the reports of the level below"),
    Permission.ASSESSMENT_READ: ("查看考核办法和考核排名", "Read formulas of assessment, and rankings"),
    Permission.ASSESSMENT_MANAGE: ("起草、公布考核办法和考核排名", "Publish formulas of assessment, and rankings"),
    Permission.CALL_IN_READ: ("查看约谈记录", "Read call-ins"),
    Permission.CALL_IN_MANAGE: ("组织约谈", "Hold call-ins"),
    Permission.CATALOGUE_MANAGE: ("维护问题目录", "Maintain the catalogue of problems"),
    Permission.CAMPAIGN_READ: ("查看专项行动", "Read campaigns"),
    Permission.CAMPAIGN_MANAGE: ("管理专项行动", "Manage campaigns"),
    Permission.IMPORT_CREATE: ("导入台账", "Import ledgers"),
    Permission.IMPORT_READ: ("查看导入报告", "Read import reports"),
    Permission.EXPORT_CREATE: ("导出所能查看的数据（脱敏）", "Export what may be read, masked"),
    Permission.DATASET_READ: ("查看数据目录、读取共享数据", "Read the data catalogue, and what is shared"),
    Permission.DATASET_REQUEST: ("申请数据共享", "Ask for shared data"),
    Permission.DATASET_MANAGE: ("管理数据目录、答复共享申请", "Maintain the data catalogue, answer requests for data"),
    Permission.DATASET_TRACE: ("查看数据访问记录", "Read who pulled which data"),
    Permission.WEBHOOK_MANAGE: ("订阅变更推送（所能查看的数据）", "Subscribe to changes of what may be read"),
    Permission.SYNC_USE: ("离线同步", "Work offline: fetch a village, send changes in batches"),
    Permission.CONFLICT_RESOLVE: ("决定离线冲突和被拒绝的条目", "Decide about offline conflicts and rejected items"),
    Permission.ATTACHMENT_WRITE: ("上传照片附件", "Upload photos"),
    Permission.ATTACHMENT_READ: ("查看照片附件", "Read photos"),
    Permission.AUDIT_READ: ("查看审计记录", "Read audit entries"),
    Permission.ROLE_READ: ("查看角色表", "Read the table of roles"),
}


class Role(StrEnum):
    """角色 / A part that a person or a system plays in a division."""

    PROVINCE_INSPECTOR = "province_inspector"
    CITY_INSPECTOR = "city_inspector"
    COUNTY_ADMIN = "county_admin"
    COUNTY_REVIEWER = "county_reviewer"
    TOWNSHIP_MANAGER = "township_manager"
    VILLAGE_SURVEYOR = "village_surveyor"
    AUDITOR = "auditor"
    INTEGRATION_CLIENT = "integration_client"


@dataclass(frozen=True, slots=True)
class RoleRule:
    """One row of the table."""

    zh: str
    en: str
    kind: PrincipalKind
    levels: frozenset[int]
    """The levels of division it may be granted at."""
    permissions: frozenset[Permission]
    manages: frozenset[Role]
    """Roles whose accounts it creates, alters, locks and resets, inside its own division."""
    rule: str
    """Where the role comes from."""


_P = Permission

# What everyone reads in his own division. Personal data in it is masked.
_READ = frozenset(
    {
        _P.DIVISION_READ,
        _P.HOUSEHOLD_READ,
        _P.HISTORY_READ,
        _P.VISIT_READ,
        _P.PROBLEM_READ,
        _P.CAMPAIGN_READ,
        _P.PLAN_READ,
        _P.TASK_READ,
        _P.ACCEPTANCE_READ,
        _P.STATISTICS_READ,
        _P.ATTACHMENT_READ,
        _P.EXPORT_CREATE,
        _P.DATASET_READ,
        _P.REPORT_READ,
        _P.ASSESSMENT_READ,
        _P.CALL_IN_READ,
        _P.ROLE_READ,
    }
)
_ENTER = frozenset(
    {_P.HOUSEHOLD_WRITE, _P.VISIT_WRITE, _P.VISIT_SUBMIT, _P.TASK_WORK, _P.ATTACHMENT_WRITE, _P.SYNC_USE}
)
# Whoever goes and checks brings photos and signs.
_INSPECT = frozenset({_P.SAMPLE_READ, _P.SAMPLE_MANAGE, _P.ATTACHMENT_WRITE})
# Dispatch (调度): receives the reports of the level below, and reports to the one above.
_DISPATCH = frozenset({_P.REPORT_SUBMIT, _P.REPORT_RECEIVE})
# Ranking, notification and call-in (考核排名、通报约谈) of the level below.
_RANK = frozenset({_P.ASSESSMENT_MANAGE, _P.CALL_IN_MANAGE})
_ACCOUNTS = frozenset({_P.ACCOUNT_READ, _P.ACCOUNT_MANAGE})

ROLES: dict[Role, RoleRule] = {
    Role.PROVINCE_INSPECTOR: RoleRule(
        "省级督查员",
        "Provincial inspector",
        "person",
        frozenset({1}),
        # No import.read: a report quotes cells as they were uploaded, and inspectors read masked data only.
        _READ | _ACCOUNTS | _INSPECT | _DISPATCH | _RANK | {_P.DATASET_REQUEST, _P.WEBHOOK_MANAGE},
        # Counties directly under a province (省直管县) have no city above them, so the province may name their
        # administrators as well.
        frozenset({Role.CITY_INSPECTOR, Role.COUNTY_ADMIN, Role.AUDITOR, Role.INTEGRATION_CLIENT}),
        "工作方案 四（四）月调度、月通报；四（五）抽查复核",
    ),
    Role.CITY_INSPECTOR: RoleRule(
        "市级督查员",
        "City inspector",
        "person",
        frozenset({2}),
        _READ | _ACCOUNTS | _INSPECT | _DISPATCH | _RANK | {_P.DATASET_REQUEST, _P.WEBHOOK_MANAGE},
        frozenset({Role.COUNTY_ADMIN, Role.AUDITOR, Role.INTEGRATION_CLIENT}),
        "工作方案 四（四）每半月一调度",
    ),
    Role.COUNTY_ADMIN: RoleRule(
        "县级管理员",
        "County administrator",
        "person",
        frozenset({3}),
        # Everything but the audit entries: whoever administers is not the one who audits it (GB/T 22239-2019).
        frozenset(Permission) - {_P.AUDIT_READ},
        frozenset({Role.COUNTY_REVIEWER, Role.TOWNSHIP_MANAGER, Role.VILLAGE_SURVEYOR, Role.INTEGRATION_CLIENT}),
        "工作方案 四（二）2、4 县级牵头，建立系统和台账",
    ),
    Role.COUNTY_REVIEWER: RoleRule(
        "县级审核员",
        "County reviewer",
        "person",
        frozenset({3}),
        _READ
        | _INSPECT
        | {
            _P.VISIT_VERIFY_COUNTY,
            _P.PLAN_APPROVE,
            _P.TASK_POSTPONE,
            _P.ACCEPTANCE_DECIDE,
            _P.PROBLEM_CLOSE_WORK,
            _P.PROBLEM_REOPEN,
            _P.REPORT_RECEIVE,
        },
        frozenset(),
        "工作方案 四（三）审核备案；四（五）县、乡组织验收，县级全面复核",
    ),
    Role.TOWNSHIP_MANAGER: RoleRule(
        "乡镇管理员",
        "Township manager",
        "person",
        frozenset({4}),
        # Removal is undone by the level above, so household.restore is the county's.
        _READ
        | _ENTER
        | _ACCOUNTS
        | {
            _P.HOUSEHOLD_REMOVE,
            _P.CONFLICT_RESOLVE,
            _P.VISIT_VERIFY_TOWNSHIP,
            _P.PROBLEM_RECORD_WORK,
            _P.PROBLEM_CLOSE,
            _P.PLAN_WRITE,
            _P.REPORT_SUBMIT,
            _P.TASK_MANAGE,
            _P.ACCEPTANCE_DECIDE,
            _P.IMPORT_CREATE,
            _P.IMPORT_READ,
            _P.TRAINING_RECORD,
        },
        frozenset({Role.VILLAGE_SURVEYOR}),
        "工作方案 四（二）2 乡镇（区）为责任主体，抽调人员成立工作专班",
    ),
    Role.VILLAGE_SURVEYOR: RoleRule(
        "村级摸排员",
        "Village surveyor",
        "person",
        frozenset({5}),
        _READ | _ENTER,
        frozenset(),
        "工作方案 四（二）3 谁摸排、谁签字、谁负责；五（二）先培训后上岗",
    ),
    Role.AUDITOR: RoleRule(
        "审计员",
        "Auditor",
        "person",
        frozenset({1, 2, 3}),
        _READ | {_P.ACCOUNT_READ, _P.IMPORT_READ, _P.SAMPLE_READ, _P.AUDIT_READ, _P.DATASET_TRACE},
        frozenset(),
        "GB/T 22239-2019 审计管理与系统管理分离",
    ),
    Role.INTEGRATION_CLIENT: RoleRule(
        "对接系统",
        "Integration client",
        "client",
        frozenset({1, 2, 3}),
        _READ | {_P.IMPORT_CREATE, _P.IMPORT_READ, _P.DATASET_REQUEST, _P.WEBHOOK_MANAGE},
        frozenset(),
        "工作方案 四（二）4 大数据信息管理系统；接口约定",
    ),
}

DEFAULT_CLIENT_SCOPES = _READ | {_P.DATASET_REQUEST}
"""What a system may do when nothing more was granted to it: read, masked, and ask for data that is shared on approval.
`import.create` and `webhook.manage` must be named."""


def level_of(code: str) -> int:
    """The level of a division code, 1 province to 5 village; 0 for anything that is no division code."""
    return LEVEL_OF_LENGTH.get(len(code), 0)


def permissions_of(role: Role, narrowed_to: Set[str] | None = None) -> frozenset[Permission]:
    """What `role` may do, narrowed by the scopes of a token or system where there are any."""
    held = ROLES[role].permissions
    return held if narrowed_to is None else frozenset(p for p in held if p in narrowed_to)


def in_order(permissions: Iterable[str]) -> list[str]:
    """Permissions in the order of the table, so that answers and documents do not change by chance."""
    held = set(permissions)
    return [permission.value for permission in Permission if permission in held]
