"""What goes out for the editions and parts of a report."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from toilet_api.kernel.fields import DivisionCode, Schema
from toilet_api.reporting.figures import Figures
from toilet_api.reporting.reports.codes import EditionKind
from toilet_api.survey.schemas import ID


class EditionOut(Schema):
    """报表的一个版次；指标取数后不再变动 / An edition of a report; its figures never change."""

    id: UUID = Field(title="编号", examples=[ID])
    edition: int = Field(title="版次", examples=[1])
    kind: EditionKind
    reason: str | None = Field(title="重新取数或更正的理由", examples=["漏报石渡村两户"])
    drawn_at: datetime = Field(title="取数时间")
    drawn_by_name: str = Field(
        title="取数人", description="system 为到点自动取数 / `system`: drawn by the clock", examples=["system"]
    )
    figures: Figures = Field(
        title="指标",
        description="取数时定格；`pace` 为空，中位数不能汇总 / Frozen; `pace` is empty: medians don't add up",
    )
    parts: int = Field(title="下级单位数", description="乡镇报表为 0 / 0 for a township's", examples=[19])
    parts_missing: int = Field(
        title="缺报的下级单位数", description="其数字未计入 / Their figures are not in the sums", examples=[0]
    )
    difficulties: str | None = Field(title="问题和困难", examples=["两个村改厕资金未到位"])
    next_steps: str | None = Field(title="下步打算", examples=["十二月底前完成剩余整改"])
    signed_at: datetime | None = Field(title="核签时间")
    signed_by_name: str | None = Field(title="核签人", examples=["乡镇管理员"])
    signature_ids: list[UUID] = Field(title="签名附件编号", examples=[[ID]])
    submitted_at: datetime | None = Field(title="报送时间")
    submitted_by_name: str | None = Field(title="报送人", examples=["乡镇管理员"])
    received_at: datetime | None = Field(title="接收时间")
    received_by_name: str | None = Field(title="接收人", examples=["县级审核员"])
    returned_at: datetime | None = Field(title="退回时间")
    returned_by_name: str | None = Field(title="退回人", examples=["县级审核员"])
    return_reason: str | None = Field(title="退回理由", examples=["逾期数与台账不符"])


class PartOut(Schema):
    """汇总的一个下级单位 / A division of the level below in a roll-up."""

    division_code: DivisionCode
    division_name: str | None = Field(title="区划名称", examples=["清江乡"])
    report_id: UUID | None = Field(title="所用报表编号", description="为空即缺报 / null: missing", examples=[ID])
    edition: int | None = Field(title="所用版次", examples=[1])
    period: str | None = Field(title="所用报表的期次", examples=["2026-W48"])
    missing: bool = Field(title="缺报", examples=[False])
    late: bool = Field(
        title="迟报", description="所用报表首次报送晚于其截止 / Submitted after its own cut-off", examples=[False]
    )
    outdated: bool = Field(
        title="以往期代替",
        description="当期未接收，用最近一期 / The newest received one before it stands in",
        examples=[False],
    )
    figures: Figures | None = Field(title="指标")
    difficulties: str | None = Field(title="问题和困难", examples=["两个村改厕资金未到位"])
    next_steps: str | None = Field(title="下步打算", examples=["十二月底前完成剩余整改"])
