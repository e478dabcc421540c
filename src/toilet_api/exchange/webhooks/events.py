"""The events that are pushed: their names, which subscription wants them, and what is sent of one.

An event is an entry of the change feed. It is named by the journal's action where that says more than the feed does
(`problem.closed`), else by record and operation (`household.updated`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from toilet_api.exchange.changes.catalogue import PAST
from toilet_api.exchange.changes.subjects import SUBJECTS
from toilet_api.kernel.codes import Code, code_list
from toilet_api.kernel.feed import Entry

ANY, PING = "*", "webhook.ping"
_KEPT = {"created": "新建", "updated": "修改", "removed": "删除", "restored": "恢复", "moved": "变更区划"}

VERBS: dict[str, dict[str, str]] = {
    "household": _KEPT,
    "toilet": _KEPT | {"recounted": "重新计入统计"},
    "visit": {
        "created": "新建",
        "updated": "修改",
        "submitted": "提交",
        "corrected": "更正",
        "township_verified": "乡镇核实",
        "township_returned": "乡镇退回",
        "county_verified": "县级核实",
        "county_returned": "县级退回",
        "moved": "变更区划",
    },
    "problem": {
        "opened": "摸排发现",
        "recorded": "登记",
        "updated": "修改",
        "dismissed": "撤销",
        "charged": "落实责任",
        "work_started": "开始整改",
        "replanned": "调整方案",
        "dropped_from_plan": "移出方案",
        "postponed": "延期",
        "deadline_moved": "期限变动",
        "accepted_by_township": "乡镇验收合格",
        "accepted_by_county": "县级验收合格",
        "sent_back": "退回返工",
        "closed": "销号",
        "reopened": "重新打开",
        "moved": "变更区划",
    },
    "plan": {
        "created": "新建",
        "updated": "修改",
        "items_put": "列入问题",
        "items_removed": "移出问题",
        "submitted": "提交",
        "withdrawn": "撤回",
        "approved": "审核备案",
        "returned": "退回",
        "revised": "修订",
        "supplemented": "补充",
        "superseded": "被新版取代",
        "moved": "变更区划",
    },
    "task": {
        "created": "新建",
        "assigned": "指派",
        "started": "开工",
        "noted": "登记进展",
        "submitted": "提交验收",
        "recalled": "撤回提交",
        "sent_back": "退回返工",
        "accepted": "验收合格",
        "replanned": "调整方案",
        "postponed": "延期",
        "due_moved": "期限变动",
        "cancelled": "取消",
        "moved": "变更区划",
    },
    "task_note": {"created": "新建", "moved": "变更区划"},
    "postponement": {
        "requested": "提出",
        "withdrawn": "撤回",
        "granted": "批准",
        "refused": "不予批准",
        "moved": "变更区划",
    },
    "acceptance": {
        "created": "新建",
        "updated": "修改",
        "passed": "合格",
        "passed_partly": "部分合格",
        "failed": "不合格",
        "cancelled": "取消",
        "moved": "变更区划",
    },
    "checklist": {"created": "新建", "retired": "停用", "moved": "变更区划"},
    "close_out": {"created": "新建", "reopened": "因问题重开失效", "moved": "变更区划"},
    "sample": {
        "created": "新建",
        "updated": "修改",
        "drawn": "抽取",
        "unit_checked": "核查",
        "unit_rechecked": "重新核查",
        "completed": "完成",
        "cancelled": "取消",
        "moved": "变更区划",
    },
    "falsification": {"recorded": "登记", "withdrawn": "撤销", "moved": "变更区划"},
    "report": {
        "opened": "开设",
        "drawn": "取数",
        "updated": "填写说明",
        "signed": "核签",
        "submitted": "报送",
        "received": "接收",
        "returned": "退回",
        "corrected": "更正",
        "reminded": "提醒",
        "removed": "因区划合并撤销",
        "moved": "变更区划",
    },
    "assessment_formula": {
        "created": "起草",
        "updated": "修改",
        "published": "公布",
        "superseded": "被新版替代",
        "withdrawn": "作废",
        "moved": "变更区划",
    },
    "assessment": {
        "created": "生成",
        "published": "公布",
        "superseded": "被更正",
        "withdrawn": "作废",
        "moved": "变更区划",
    },
    "call_in": {
        "created": "登记",
        "updated": "修改",
        "held": "约谈",
        "followed_up": "登记落实结果",
        "cancelled": "取消",
        "moved": "变更区划",
    },
    "campaign": {"created": "新建", "updated": "修改", "opened": "开始", "closed": "结束", "moved": "变更区划"},
    "problem_type": {"created": "新建", "updated": "修改", "retired": "停用", "moved": "变更区划"},
    "attachment": {"created": "新建", "moved": "变更区划"},
    "division": {
        "created": "新建",
        "renamed": "更名",
        "merged": "合并",
        "split": "拆分",
        "moved": "变更隶属",
        "closed": "撤销",
    },
}
"""What may happen to records of each kind, with its Chinese name. Accounts and headings are in the feed alone."""
FROM_ABOVE = tuple(name for name in VERBS if SUBJECTS[name].from_above)
TYPES: dict[str, str] = {
    f"{name}.{verb}": SUBJECTS[name].zh + zh for name, verbs in VERBS.items() for verb, zh in verbs.items()
}
EVENT_TYPES = code_list(
    "webhook_event_type",
    "事件类型",
    "Type of an event",
    [
        *(Code(name, zh, name.replace(".", " ").replace("_", " ")) for name, zh in TYPES.items()),
        Code(PING, "测试推送", "a ping, to try the receiver"),
    ],
)
PATTERNS = (ANY, *(f"{name}.*" for name in VERBS), *TYPES)
"""What may be subscribed to."""

# The action of the very change: of the same record, version and moment. The journal's notes have other actions.
_ACTIONS = text(
    """
    select distinct on (entry.seq) entry.seq, audit.action
    from unnest(cast(:seqs as bigint[]), cast(:subjects as text[]), cast(:ids as uuid[]), cast(:versions as int[]),
                cast(:moments as timestamptz[])) as entry (seq, subject, id, version, at)
    join audit_entry audit
      on audit.subject_type = entry.subject and audit.subject_id = entry.id
     and audit.version is not distinct from entry.version and audit.action = any(:known)
     and audit.at between entry.at - interval '1 hour' and entry.at + interval '1 hour'
    order by entry.seq, greatest(audit.at, entry.at) - least(audit.at, entry.at)
    """
)


def is_told_below(event_type: str) -> bool:
    """Whether those below the record's level hear of it: of a draft nobody does."""
    name, _, verb = event_type.partition(".")
    told = SUBJECTS[name].told_below
    return not told or verb in told


def types_of(session: Session, entries: Sequence[Entry]) -> dict[int, str]:
    """The names of events by the number of their entry. The transaction must see everywhere."""
    given = {
        "seqs": [one.seq for one in entries],
        "subjects": [one.subject_type for one in entries],
        "ids": [one.subject_id for one in entries],
        "versions": [one.version for one in entries],
        "moments": [one.at for one in entries],
        "known": list(TYPES),
    }
    named = {row.seq: row.action for row in session.connection().execute(_ACTIONS, given)}
    return {one.seq: named.get(one.seq, f"{one.subject_type}.{PAST.get(one.op, one.op)}") for one in entries}


def wanted(patterns: Iterable[str], event_type: str) -> bool:
    """Whether a subscription to `patterns` hears of an event."""
    return not {ANY, event_type, f"{event_type.partition('.')[0]}.*"}.isdisjoint(patterns)


def subjects_of(patterns: Iterable[str]) -> set[str]:
    """The kinds of records that a subscription may hear of."""
    chosen = {one.partition(".")[0] for one in patterns}
    return set(VERBS) if ANY in chosen else chosen & set(VERBS)


def payload(
    event_type: str,
    at: datetime,
    *,
    record_type: str,
    record_id: UUID,
    op: str,
    version: int | None,
    division_code: str | None,
    from_division_code: str | None,
) -> dict[str, Any]:
    """What is sent of an event: which record, never its content."""
    data = {
        "type": record_type,
        "id": str(record_id),
        "op": op,
        "version": version,
        "division_code": division_code,
        "from_division_code": from_division_code,
    }
    return {"type": event_type, "timestamp": at.isoformat(), "data": data}
