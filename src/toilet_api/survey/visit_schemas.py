"""What goes in and out for visits and their verification."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from toilet_api.kernel.fields import DivisionCode, Moment, Position, Reason, Schema, Text
from toilet_api.survey.codes import Decision, Evidence, Level, Method, Presence, Usability, VisitState
from toilet_api.survey.schemas import ID, AllowedActions, OptionalId, Patch, unset

PhotoIds = Annotated[
    list[UUID],
    Field(max_length=50, title="照片", description="附件编号 / Ids of attachments of kind photo", examples=[[ID]]),
]
SignatureIds = Annotated[
    list[UUID],
    Field(max_length=10, title="签名", description="附件编号 / Ids of attachments of kind signature", examples=[[ID]]),
]
_TYPE = Field(
    min_length=1,
    max_length=60,
    title="问题类型",
    description="问题目录中的代码，见 GET /problem-types / A code of the catalogue",
    examples=["tank_cracked"],
)


class FindingIn(Schema):
    """发现的问题 / A problem found on the visit. Each type once."""

    problem_type: str = _TYPE
    note: Text | None = Field(None, title="说明", examples=["第二池底部渗水"])
    photo_ids: PhotoIds = Field(default_factory=list)


class FindingOut(Schema):
    """发现的问题 / A problem found on the visit."""

    id: UUID = Field(title="编号", examples=[ID])
    problem_type: str = _TYPE
    type_zh: str = Field(title="问题名称", examples=["化粪池（桶体）破裂"])
    note: str | None = Field(title="说明")
    photo_ids: list[UUID] = Field(title="照片")
    problem_id: UUID | None = Field(title="台账问题编号", description="提交后产生 / Set when the visit is submitted")


_Findings = Annotated[list[FindingIn], Field(max_length=60, title="发现的问题")]
_Evidence = Annotated[
    list[Evidence],
    Field(max_length=10, title="核对的资料", examples=[["rebuild_ledger"]]),
]
_VISITED = Field(title="摸排时间", description="设备时间，不得晚于现在 / By the device's clock; not in the future")


class VisitNew(Schema):
    """新建摸排记录（草稿）/ A new visit, as a draft."""

    id: OptionalId = None
    household_id: UUID = Field(title="农户编号", examples=[ID])
    toilet_id: UUID | None = Field(None, title="厕所编号", description="无厕所的农户不填 / None without a toilet")
    method: Method
    presence: Presence
    usability: Usability | None = Field(None, title="使用情况")
    visited_at: Moment = _VISITED
    position: Position | None = Field(None, title="位置")
    checked_against: _Evidence = Field(default_factory=list)
    findings: _Findings = Field(default_factory=list)
    note: Text | None = Field(None, title="备注")
    photo_ids: PhotoIds = Field(default_factory=list)
    surveyor_signature_ids: SignatureIds = Field(default_factory=list)
    household_signature_ids: SignatureIds = Field(default_factory=list)


class VisitPatch(Patch):
    """修改草稿或被退回的记录；findings 整体替换 / Changes a draft or returned visit; findings as a whole."""

    toilet_id: UUID | None = Field(None, title="厕所编号")
    method: Method = Field(default_factory=unset)
    presence: Presence = Field(default_factory=unset)
    usability: Usability | None = Field(None, title="使用情况")
    visited_at: Moment = Field(default_factory=unset, title="摸排时间")
    position: Position | None = Field(None, title="位置")
    checked_against: _Evidence = Field(default_factory=unset)
    findings: _Findings = Field(default_factory=unset)
    note: Text | None = Field(None, title="备注")
    photo_ids: PhotoIds = Field(default_factory=unset)
    surveyor_signature_ids: SignatureIds = Field(default_factory=unset)
    household_signature_ids: SignatureIds = Field(default_factory=unset)


class VisitCorrection(VisitPatch):
    """更正已提交的记录：保留原值，写明理由，重新提交 / Keeps the earlier value and the reason, and submits anew."""

    reason: Reason


class Verification(Schema):
    """核实 / A verification."""

    level: Level | None = Field(
        None,
        title="层级",
        description="只有一级权限时可省略 / May be left out by who verifies at one level only",
        examples=["township"],
    )


class Return(Verification):
    """退回 / A return, with its reason."""

    reason: Reason


class BulkVerification(Schema):
    """整村（或整乡镇）核实或退回，逐条检查 / A whole village or township at once; each visit is checked on its own."""

    division_code: DivisionCode
    level: Level
    decision: Decision
    reason: Reason | None = Field(None, title="理由", description="退回时必填 / Needed for a return")
    visit_ids: list[UUID] | None = Field(
        None,
        min_length=1,
        max_length=2000,
        title="摸排编号",
        description="不填即该区划内全部 / Left out: all of the division",
        examples=[[ID]],
    )


class BulkDone(Schema):
    """已完成的一条 / One that was done."""

    id: UUID = Field(title="摸排编号", examples=[ID])
    state: VisitState
    version: int = Field(title="版本", examples=[3])


class BulkRefused(Schema):
    """未完成的一条及原因 / One that was not, and why."""

    id: UUID = Field(title="摸排编号", examples=[ID])
    code: str = Field(title="原因代码", examples=["wrong_state"])
    detail: str = Field(title="原因", examples=["当前状态为 draft，不能“乡镇核实”"])
    state: str | None = Field(title="当前状态", examples=["draft"])


class BulkResult(Schema):
    """整批核实的结果 / What was done, and what was not and why."""

    done: list[BulkDone] = Field(title="已完成")
    refused: list[BulkRefused] = Field(title="未完成")
    remaining: int = Field(
        title="尚未处理", description="一次最多 2,000 条，再次提交即继续 / Call again for the rest", examples=[0]
    )


class VisitRow(Schema):
    """摸排记录（列表）/ A visit in a list."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: DivisionCode
    village_name: str | None = Field(title="村", examples=["示例村委会"])
    township_name: str | None = Field(title="乡镇", examples=["示例乡"])
    campaign_id: UUID | None = Field(title="摸排行动编号")
    household_id: UUID = Field(title="农户编号")
    head_masked: str = Field(title="户主（脱敏）", examples=["张**"])
    toilet_id: UUID | None = Field(title="厕所编号")
    toilet_mode: str | None = Field(title="改厕模式", examples=["three_compartment"])
    state: VisitState
    method: Method
    presence: Presence
    usability: Usability | None = Field(title="使用情况")
    visited_at: datetime = Field(title="摸排时间")
    surveyor_id: UUID = Field(title="摸排人编号")
    surveyor_name: str = Field(title="摸排人", examples=["摸排员"])
    findings_count: int = Field(title="发现问题数", examples=[1])
    return_reason: str | None = Field(title="退回理由")
    submitted_at: datetime | None = Field(title="提交时间")
    version: int = Field(title="版本", examples=[1])
    updated_at: datetime = Field(title="修改时间")
    allowed_actions: AllowedActions


class VisitOut(VisitRow):
    """摸排记录 / A visit."""

    position: Position | None = Field(title="位置", description="WGS 84")
    checked_against: list[Evidence] = Field(title="核对的资料")
    note: str | None = Field(title="备注")
    findings: list[FindingOut] = Field(title="发现的问题")
    photo_ids: list[UUID] = Field(title="照片")
    surveyor_signature_ids: list[UUID] = Field(title="摸排人签名")
    household_signature_ids: list[UUID] = Field(title="农户签名")
    township_verified_at: datetime | None = Field(title="乡镇核实时间")
    township_verified_by: UUID | None = Field(title="乡镇核实人编号")
    county_verified_at: datetime | None = Field(title="县级核实时间")
    county_verified_by: UUID | None = Field(title="县级核实人编号")
    returned_at: datetime | None = Field(title="退回时间")
    corrections: int = Field(title="更正次数", examples=[0])
    created_at: datetime = Field(title="创建时间")
