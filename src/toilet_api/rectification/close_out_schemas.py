"""What goes in and out for close-outs."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from toilet_api.kernel.errors import ProblemError
from toilet_api.kernel.fields import DivisionCode, LongText, Schema, ShortText, Text
from toilet_api.rectification.codes import CloseOutKind
from toilet_api.survey.codes import ProblemClass
from toilet_api.survey.schemas import ID
from toilet_api.survey.visit_schemas import SignatureIds

AT_ONCE = 500
"""Problems in one bulk request, so that one transaction never holds a whole county."""


class Statement(Schema):
    """农户不能签字时的代签说明，须有见证人 / In place of the household's signature, with a witness."""

    text: LongText = Field(min_length=1, title="说明", examples=["户主电话中同意销号，已现场试用并告知结果"])
    reason: Text = Field(min_length=1, title="未能签字的原因", examples=["户主常年在外务工"])
    witness_name: str = Field(
        min_length=1,
        max_length=50,
        title="见证人姓名",
        description="个人信息：加密存储，只显示脱敏 / Personal data: sealed, shown masked only",
        examples=["张三丰"],
    )
    witness_relation: ShortText = Field(title="见证人与农户的关系", examples=["村民小组长"])
    witness_signature_ids: Annotated[SignatureIds, Field(min_length=1, title="见证人签名")]


class CloseOutNew(Schema):
    """销号依据：厕所问题用农户签字或代签说明，工作推进问题用县级决定 / A signature or statement; or the decision."""

    household_signature_ids: SignatureIds = Field(default_factory=list, title="农户签名")
    statement: Statement | None = Field(None, title="代签说明")
    decision: Text | None = Field(None, min_length=1, title="县级决定", examples=["管护制度已建立，同意销号"])
    note: Text | None = Field(None, title="备注")


class BulkCloseItem(CloseOutNew):
    """一个问题及其销号依据 / A problem with its evidence."""

    problem_id: UUID = Field(title="问题编号", examples=[ID])


class BulkClose(Schema):
    """整村或整乡镇销号，逐条检查 / A village or township at once; each problem is checked on its own."""

    division_code: DivisionCode
    items: list[BulkCloseItem] = Field(min_length=1, max_length=AT_ONCE, title="问题与依据")


class BulkClosed(Schema):
    """已销号的一条 / One that was closed."""

    problem_id: UUID = Field(title="问题编号", examples=[ID])
    close_out_id: UUID = Field(title="销号记录编号", examples=[ID])
    version: int = Field(title="问题的版本", examples=[6])


class BulkCloseRefused(Schema):
    """未销号的一条及原因 / One that was not, and why."""

    problem_id: UUID = Field(title="问题编号", examples=[ID])
    code: str = Field(title="原因代码", examples=["household_consent_missing"])
    detail: str = Field(title="原因", examples=["问题厕所销号须有农户签字，或有见证人的代签说明"])
    rule: str | None = Field(title="依据", examples=["工作方案 四（五）：由农户签字同意后销号"])
    remedy: str | None = Field(title="下一步", examples=["请上传农户签名填入 household_signature_ids"])
    state: str | None = Field(title="当前状态", examples=["accepted"])
    errors: list[ProblemError] | None = Field(title="逐项错误")


class BulkCloseResult(Schema):
    """整批销号的结果 / What was closed, and what was not and why."""

    done: list[BulkClosed] = Field(title="已销号")
    refused: list[BulkCloseRefused] = Field(title="未销号")


class CloseOutRow(Schema):
    """销号记录 / A close-out with its evidence. It stays when its problem is reopened."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: DivisionCode
    village_name: str | None = Field(title="村", examples=["示例村委会"])
    township_name: str | None = Field(title="乡镇", examples=["示例乡"])
    campaign_id: UUID = Field(title="摸排行动编号")
    problem_id: UUID = Field(title="问题编号")
    problem_class: ProblemClass
    problem_type: str = Field(title="问题类型", examples=["tank_cracked"])
    type_zh: str = Field(title="问题名称", examples=["化粪池（桶体）破裂"])
    household_id: UUID | None = Field(title="农户编号")
    head_masked: str | None = Field(title="户主（脱敏）", examples=["张**"])
    toilet_id: UUID | None = Field(title="厕所编号")
    task_id: UUID = Field(title="整改任务编号")
    kind: CloseOutKind
    signature_ids: list[UUID] = Field(title="农户签名")
    signature_seen_before: bool = Field(
        title="签名是否另有他户使用",
        description=(
            "同一图片也是另一农户摸排或销号的签名；供复核参考"
            " / The same image is the signature of another household's visit or close-out; a signal for reviewers"
        ),
    )
    statement: str | None = Field(title="代签说明")
    no_signature_reason: str | None = Field(title="未能签字的原因")
    witness_masked: str | None = Field(title="见证人（脱敏）", examples=["张**"])
    witness_relation: str | None = Field(title="见证人与农户的关系", examples=["村民小组长"])
    witness_signature_ids: list[UUID] = Field(title="见证人签名")
    decision: str | None = Field(title="县级决定")
    note: str | None = Field(title="备注")
    closed_at: datetime = Field(title="销号时间")
    closed_by: UUID = Field(title="销号人编号")
    closed_by_name: str = Field(title="销号人", examples=["乡镇管理员"])
    standing: bool = Field(title="是否有效", description="问题未被重新打开 / Its problem was not reopened")
    reopened_at: datetime | None = Field(title="重新打开时间")
    version: int = Field(title="版本", examples=[1])
    updated_at: datetime = Field(title="修改时间")
