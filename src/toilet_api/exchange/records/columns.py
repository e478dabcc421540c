"""What a file of each kind may say: fields, their headings, how a cell is read, and what an import does with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from toilet_api.accounts.permissions import ROLES
from toilet_api.exchange.ledgers.headings import FIELDS, normalise
from toilet_api.exchange.ledgers.problems import BAD_MAPPING
from toilet_api.kernel.codes import Code, CodeList
from toilet_api.kernel.errors import FieldError
from toilet_api.rectification.codes import CLOSE_OUT_KINDS
from toilet_api.survey import codes

Use = Literal["write", "check", "pass"]
Read = Literal[
    "text", "id", "ids", "moment", "day", "code", "codes", "type", "findings", "number", "yes", "id_number", "place"
]
USER_STATES = CodeList(
    "user_state",
    "账号状态",
    "State of an account",
    (Code("active", "正常", "active"), Code("locked", "已锁定", "locked"), Code("removed", "已删除", "removed")),
)
ROLE_CODES = CodeList("role", "角色", "Role", tuple(Code(role.value, rule.zh, rule.en) for role, rule in ROLES.items()))


@dataclass(frozen=True, slots=True)
class Column:
    """A field of a kind. The first of `words` is its heading in reports and documents.

    `use`: `write` it is taken; `check` it is compared with what is stored, and never written; `pass` it is known, and
    not read: what it shows is derived, or changes by itself. `read`: how its cells are read, by `cells`.
    """

    field: str
    words: tuple[str, ...]
    en: str
    use: Use = "write"
    read: Read = "text"
    codes: CodeList | None = None

    @property
    def zh(self) -> str:
        return self.words[0]


def _column(
    field: str, words: str, en: str, use: Use = "write", read: Read = "text", codes: CodeList | None = None
) -> Column:
    return Column(field, tuple(words.split()), en, use, read, codes)


_SERIAL = _column("serial", "序号 顺序号 no", "serial number", "pass")
_VERSION = _column("version", "版本 版本号", "version at which the row was exported", "write", "number")
_TOWNSHIP = "乡镇 乡 镇 街道 所在乡镇 所属乡镇 乡镇名称 乡镇街道"
_VILLAGE = "村 行政村 村名 所在村 所属村 行政村名称 村委会 村居"
_PHOTOS = _column("photo_ids", "照片编号 照片 照片附件", "ids of photos", "write", "ids")
_MOMENTS = (
    _column("created_at", "创建时间 登记时间", "created at", "pass"),
    _column("updated_at", "更新时间 修改时间", "updated at", "pass"),
)
_HOUSEHOLD = "农户编号 农户ID 户编号"
_NAME = "户主姓名 户主 农户姓名 姓名 户主脱敏 head"
_SIGNED = "农户签名编号 农户签名 户主签名 农户签字 signature_ids"

VISITS = (
    _SERIAL,
    _column("id", "编号 摸排编号 记录编号 摸排记录编号", "id of the visit", "write", "id"),
    _column("division_code", "村代码 区划代码 行政村代码", "code of the village", "check", "place"),
    _column("township", _TOWNSHIP, "township", "check", "place"),
    _column("village", _VILLAGE, "village", "check", "place"),
    _column("household_id", _HOUSEHOLD, "id of the household", "write", "id"),
    _column("name", _NAME, "head of household"),
    _column(
        "id_number",
        "身份证号码 身份证号 户主身份证号码 户主身份证号 公民身份号码 身份证",
        "ID number of the head of household",
        "write",
        "id_number",
    ),
    _column("toilet_id", "厕所编号 户厕编号 厕所ID", "id of the toilet", "write", "id"),
    _column("visited_at", "摸排时间 摸排日期 入户时间 入户日期 调查时间 调查日期 日期", "when", "write", "moment"),
    _column("method", "摸排方式 调查方式 核查方式", "how", "write", "code", codes.METHODS),
    _column(
        "presence",
        "是否在家 入户情况 农户是否在家 在家情况 农户在家情况 户主是否在家",
        "whether the household was at home",
        "write",
        "code",
        codes.PRESENCE,
    ),
    _column("usability", "使用情况 厕所使用情况 可用情况 厕所状态", "usability", "write", "code", codes.USABILITY),
    _column(
        "checked_against",
        "核对资料 核对的资料 核对台账 核对的台账资料",
        "papers checked against",
        "write",
        "codes",
        codes.EVIDENCE,
    ),
    _column(
        "findings",
        "问题 发现的问题 存在问题 问题类型 问题清单 发现问题 problems",
        "problems found",
        "write",
        "findings",
    ),
    _column("note", "备注 说明 备注说明", "note"),
    _PHOTOS,
    _column(
        "surveyor_signature_ids",
        "摸排人签名编号 摸排人签名 摸排人签字",
        "ids of the surveyor's signatures",
        "write",
        "ids",
    ),
    _column("household_signature_ids", _SIGNED, "ids of the household's signatures", "write", "ids"),
    _column("surveyor_name", "摸排人 摸排员 调查人 入户人员 surveyor", "surveyor", "check"),
    _column("submit", "提交 是否提交", "submit at once", "write", "yes"),
    _column("state", "状态 摸排状态 摸排记录状态", "state", "check", "code", codes.VISIT_STATES),
    _VERSION,
    _column("toilet_mode", "改厕方式 改厕模式 厕所类型", "mode of the toilet", "pass"),
    _column("findings_count", "问题数 发现问题数", "number of problems", "pass"),
    _column("return_reason", "退回理由", "why it was returned", "pass"),
    _column("submitted_at", "提交时间", "submitted at", "pass"),
    _column("surveyor_id", "摸排人编号", "id of the surveyor", "pass"),
    _column("campaign_id", "行动编号 摸排行动编号", "id of the campaign", "pass"),
    *_MOMENTS,
)
PROBLEMS = (
    _SERIAL,
    _column("id", "编号 问题编号 台账编号", "id of the problem", "write", "id"),
    _column("division_code", "区划代码 村代码 乡镇代码 区划", "code of the village or township", "write", "place"),
    _column("township", _TOWNSHIP, "township", "write", "place"),
    _column("village", _VILLAGE, "village", "write", "place"),
    _column("problem_class", "问题类别 类别", "class", "check", "code", codes.PROBLEM_CLASSES),
    _column("problem_type", "问题类型 问题名称 问题 存在问题 类型", "type", "write", "type"),
    _column("cause", "责任类别 原因分类 原因 问题原因", "cause class", "write", "code", codes.CAUSES),
    _column("found_at", "发现时间 发现日期 登记日期 摸排日期 日期", "when it was found", "write", "moment"),
    _column("description", "描述 问题说明 说明 问题描述 具体问题 情况说明 备注", "description"),
    _PHOTOS,
    _column("household_id", _HOUSEHOLD, "id of the household", "check", "id"),
    _column("toilet_id", "厕所编号 户厕编号", "id of the toilet", "check", "id"),
    _column("visit_id", "摸排编号 摸排记录编号", "id of the visit", "check", "id"),
    _column("state", "状态 问题状态", "state", "check", "code", codes.PROBLEM_STATES),
    _column("deadline", "整改期限 期限 整改时限", "deadline", "check", "day"),
    _VERSION,
    _column("problem_group", "问题分组", "group", "pass"),
    _column("name", _NAME, "head of household", "pass"),
    _column("toilet_mode", "改厕方式 改厕模式", "mode of the toilet", "pass"),
    _column("built_year", "改厕年份", "year built", "pass"),
    _column("led_by", "牵头部门", "who led the rebuild", "pass"),
    _column("overdue", "是否逾期", "overdue", "pass"),
    _column("task_id", "整改任务编号 任务编号", "id of the task", "pass"),
    _column("measure", "整改措施", "measure", "pass"),
    _column("responsible_person", "责任人", "responsible person", "pass"),
    _column("responsible_unit", "责任单位", "responsible unit", "pass"),
    _column("task_state", "整改状态", "state of the task", "pass"),
    _column("accepted_at", "验收时间", "accepted at", "pass"),
    _column("closed_at", "销号时间", "closed at", "pass"),
    _column("reopenings", "重新打开次数", "how often it was reopened", "pass"),
    *_MOMENTS,
)
CLOSE_OUTS = (
    _SERIAL,
    _column("id", "编号 销号编号 销号记录编号", "id of the close-out", "check", "id"),
    _column("problem_id", "问题编号", "id of the problem", "write", "id"),
    _column("division_code", "区划代码 村代码 乡镇代码", "code of the village or township", "check", "place"),
    _column("kind", "销号依据 销号方式", "kind of evidence", "check", "code", CLOSE_OUT_KINDS),
    _column("household_signature_ids", _SIGNED, "ids of the household's signatures", "write", "ids"),
    _column("statement", "户主确认 代签说明 确认说明 农户确认", "statement in place of the signature"),
    _column("no_signature_reason", "未签字原因 未能签字的原因 原因", "why the household didn't sign"),
    _column("witness_name", "见证人 见证人姓名 witness", "witness"),
    _column("witness_relation", "与农户关系 见证人与农户的关系 见证人关系", "relation of the witness"),
    _column(
        "witness_signature_ids",
        "见证人签名编号 见证人签名 见证人签字",
        "ids of the witness's signatures",
        "write",
        "ids",
    ),
    _column("decision", "县级决定 决定", "the county's decision"),
    _column("note", "备注 说明", "note"),
    _column("closed_at", "销号时间 销号日期", "closed at", "check", "moment"),
    _column("township", _TOWNSHIP, "township", "pass"),
    _column("village", _VILLAGE, "village", "pass"),
    _column("problem_type", "问题类型 问题名称 问题", "type of the problem", "pass"),
    _column("problem_class", "问题类别", "class of the problem", "pass"),
    _column("household_id", _HOUSEHOLD, "id of the household", "pass"),
    _column("name", _NAME, "head of household", "pass"),
    _column("toilet_id", "厕所编号 户厕编号", "id of the toilet", "pass"),
    _column("task_id", "整改任务编号 任务编号", "id of the task", "pass"),
    _column("closed_by_name", "销号人", "closed by", "pass"),
    _column("standing", "是否有效", "whether it stands", "pass"),
    _column("reopened_at", "重新打开时间", "reopened at", "pass"),
    _column("version", "版本", "version", "pass"),
    *_MOMENTS,
)
USERS = (
    _SERIAL,
    _column("id", "编号 用户编号", "id of the user", "write", "id"),
    _column("username", "用户名 账号 登录名", "username"),
    _column("display_name", "姓名 显示名称 名称 岗位", "name or post"),
    _column("roles", "角色 岗位角色 role", "role; several joined by 、", "write", "codes", ROLE_CODES),
    _column(
        "grant_divisions",
        "授权区划 区划 区划代码 管辖区划 管辖范围 grant_division",
        "division of each role, in the order of the roles",
    ),
    _column("division_code", "所属区划 所属区划代码", "division that the account belongs to"),
    _column("state", "状态 账号状态", "state", "check", "code", USER_STATES),
    _VERSION,
    _column("division_name", "所属区划名称", "name of that division", "pass"),
    _column("trained", "已培训 是否培训", "trained", "pass"),
    _column("must_change_password", "须修改口令", "must change the password", "pass"),
    *_MOMENTS,
)
DIVISIONS = (
    _SERIAL,
    _column("code", "代码 区划代码 编号 统计用区划代码 行政区划代码 村代码 id", "code"),
    _column("name", "名称 区划名称 村名 村名称 行政村", "name"),
    _column("parent_code", "上级代码 上级区划代码 上级", "code of the parent"),
    _column("valid_from", "有效期起 生效日期 启用日期", "in force from", "write", "day"),
    _column("reason", "理由 备注 变更理由 说明", "reason"),
    _column("valid_to", "有效期止 撤销日期 停用日期", "in force until", "check", "day"),
    _VERSION,
    _column("level", "级别", "level", "pass"),
    _column("full_name", "全称", "full name", "pass"),
    *_MOMENTS,
)
KINDS: dict[str, tuple[Column, ...]] = {
    "visits": VISITS,
    "problems": PROBLEMS,
    "close_outs": CLOSE_OUTS,
    "users": USERS,
    "divisions": DIVISIONS,
}
"""Kind of import -> its columns. Households have a reader of their own (`exchange.ledgers`)."""


@cache
def _words(kind: str) -> dict[str, tuple[Column, int]]:
    known: dict[str, tuple[Column, int]] = {}
    for column in KINDS[kind]:
        for rank, word in enumerate(column.words):
            known.setdefault(normalise(word), (column, rank))
    for column in KINDS[kind]:
        known.setdefault(normalise(column.field), (column, 0))
    return known


def recognise(kind: str, heading: str) -> tuple[Column, int] | None:
    """The column that a heading means, with its rank among the words for it (0 is the best)."""
    return _words(kind).get(normalise(heading))


@cache
def column_of(kind: str, field: str) -> Column:
    """The column of a field. Raises KeyError for one that the kind doesn't have."""
    return {column.field: column for column in KINDS[kind]}[field]


def fields_of(kind: str) -> dict[str, tuple[str, str]]:
    """Field -> (Chinese, English) of any kind of import; what a mapping or a synonym may name."""
    if kind == "households":
        return dict(FIELDS)
    return {column.field: (column.zh, column.en) for column in KINDS[kind]}


def check_mapping(kind: str, mapping: Mapping[str, str | None]) -> None:
    """Raises `import_bad_mapping` for a field that the kind doesn't have."""
    known = fields_of(kind)
    faults = [
        FieldError(f"/mapping/{heading}", "unknown_column", ("没有这个字段", "no such field"), name, list(known))
        for heading, name in mapping.items()
        if name is not None and name not in known
    ]
    if faults:
        raise BAD_MAPPING.problem(errors=faults)
