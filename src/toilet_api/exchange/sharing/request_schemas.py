"""What goes in and out for requests and grants."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from toilet_api.exchange.sharing.codes import GrantState, RequestState, SharedDataset
from toilet_api.kernel.fields import Day, DivisionCode, Reason, Schema
from toilet_api.survey.schemas import ID, AllowedActions, OptionalId

FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,58}$")]
Fields = Annotated[
    list[FieldName],
    Field(
        min_length=1,
        max_length=100,
        title="字段",
        description="见 GET /datasets/{dataset} 的 items / As `items` of GET /datasets/{dataset} names them",
        examples=[["id", "village_code", "mode"]],
    ),
]
Purpose = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500),
    Field(title="用途", description="只能用于此 / It is used for nothing else", examples=["全省户厕整改月调度"]),
]
Until = Annotated[
    Day, Field(title="使用截止", description="最后一天，北京时间 / The last day", examples=["2027-12-31"])
]


class DatasetRequestNew(Schema):
    """申请共享 / A request for data."""

    id: OptionalId = None
    dataset: SharedDataset
    division: DivisionCode = Field(
        description="县、乡镇或村，在您的管辖范围内 / A county, township or village within your own"
    )
    fields: Fields
    purpose: Purpose
    legal_basis: Annotated[str, StringConstraints(min_length=1, max_length=500)] = Field(
        title="法律依据",
        description="履行何种职责所需 / The duty that it is needed for",
        examples=["省农业农村厅三定规定"],
    )
    until: Until
    client_id: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        title="使用方的客户端标识",
        description="由人员代为申请时必填；系统自行申请时不填 / Needed from a person; left out by a system",
        examples=["province_client"],
    )


class Approval(Schema):
    """同意共享，可以少给 / An approval; it may give less than was asked for."""

    fields: Fields | None = Field(None, description="不填为所申请的全部 / Left out: all that were asked for")
    until: Until | None = Field(None, description="不填为所申请的日期，不得更晚 / Left out: as asked; never later")
    reason: Reason | None = Field(None, title="答复意见", examples=["同意，仅限月调度使用"])


class DatasetRequestRow(Schema):
    """共享申请 / A request for data."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: DivisionCode
    dataset: SharedDataset
    fields: list[str] = Field(title="字段", examples=[["id", "village_code", "mode"]])
    purpose: str = Field(title="用途", examples=["全省户厕整改月调度"])
    legal_basis: str = Field(title="法律依据", examples=["省农业农村厅三定规定"])
    until: date = Field(title="使用截止")
    consumer_id: UUID = Field(title="使用方编号")
    client_id: str = Field(title="使用方的客户端标识", examples=["province_client"])
    consumer_name: str = Field(title="使用方", examples=["省级大数据平台"])
    requested_by: UUID | None = Field(title="申请人编号")
    requested_by_name: str = Field(title="申请人", examples=["省督导员"])
    state: RequestState
    answer_due: date = Field(
        title="答复期限",
        description="申请次日起第 10 个工作日，未计法定节假日 / Ten working days; public holidays aren't counted in",
    )
    overdue: bool = Field(title="逾期未答复", examples=[False])
    decided_at: datetime | None = Field(title="答复时间")
    decided_by: UUID | None = Field(title="答复人编号")
    decided_by_name: str | None = Field(title="答复人", examples=["县管理员"])
    decision_reason: str | None = Field(title="答复意见")
    dataset_grant_id: UUID | None = Field(title="授权编号", description="同意后 / Once approved")
    version: int = Field(title="版本", examples=[1])
    created_at: datetime = Field(title="申请时间")
    updated_at: datetime = Field(title="修改时间")
    allowed_actions: AllowedActions


class DatasetGrantRow(Schema):
    """共享授权 / A grant of data."""

    id: UUID = Field(title="编号", examples=[ID])
    dataset_request_id: UUID = Field(title="申请编号")
    division_code: DivisionCode
    dataset: SharedDataset
    fields: list[str] = Field(title="字段", examples=[["id", "village_code", "mode"]])
    purpose: str = Field(title="用途", examples=["全省户厕整改月调度"])
    until: date = Field(title="使用截止")
    consumer_id: UUID = Field(title="使用方编号")
    client_id: str = Field(title="使用方的客户端标识", examples=["province_client"])
    consumer_name: str = Field(title="使用方", examples=["省级大数据平台"])
    granted_by: UUID | None = Field(title="授权人编号")
    granted_by_name: str = Field(title="授权人", examples=["县管理员"])
    state: GrantState
    in_force: bool = Field(title="现在有效", description="未撤销且未到期 / Not revoked, not expired", examples=[True])
    revoked_at: datetime | None = Field(title="撤销时间")
    revoked_by: UUID | None = Field(title="撤销人编号")
    revoked_by_name: str | None = Field(title="撤销人", examples=["县管理员"])
    revoke_reason: str | None = Field(title="撤销理由")
    version: int = Field(title="版本", examples=[1])
    created_at: datetime = Field(title="授权时间")
    updated_at: datetime = Field(title="修改时间")
    allowed_actions: AllowedActions
