"""What comes out about who pulled which data."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field

from toilet_api.kernel.fields import DivisionCode
from toilet_api.survey.schemas import ID


class DatasetAccessRow(BaseModel):
    """一次数据访问 / One pull of data by a system."""

    id: UUID = Field(title="编号", examples=[ID])
    pull_id: UUID = Field(
        title="访问编号",
        description="一次访问涉及几个区划的，各有一条，访问编号相同 / A pull of several divisions has a row for each",
        examples=[ID],
    )
    at: datetime = Field(title="时间", description="答复完毕时 / When the answer was complete")
    principal_id: UUID = Field(title="系统编号", examples=[ID])
    client_id: str = Field(title="客户端标识", examples=["province_client"])
    operation: str = Field(title="操作", description="operationId", examples=["list_households"])
    dataset: str | None = Field(
        title="数据集",
        description="目录或导出中的名称；其他读取为空 / As the catalogue or exports name it; null for anything else",
        examples=["households"],
    )
    division_code: DivisionCode = Field(description="所取的区划 / The division that was read")
    fields: list[str] | None = Field(
        title="字段", description="为空即其可读的全部 / null: all that it may read", examples=[["id", "mode"]]
    )
    records: int | None = Field(title="记录数", description="为空即未计 / null: not counted", examples=[1000])
    bytes: int = Field(title="字节数", description="压缩之前 / Before it was packed", examples=[264_000])
    status: int = Field(title="HTTP 状态码", examples=[200])
    request_id: str | None = Field(title="请求编号", examples=["0199f2c47c1e70008000000000000001"])


class DatasetAccessDay(BaseModel):
    """一个系统一天对一个数据集的访问 / What one system pulled of one dataset on one day."""

    day: date = Field(title="日期", description="北京时间 / In Shanghai")
    principal_id: UUID = Field(title="系统编号", examples=[ID])
    client_id: str = Field(title="客户端标识", examples=["province_client"])
    dataset: str | None = Field(title="数据集", examples=["households"])
    pulls: int = Field(title="访问次数", examples=[12])
    refused: int = Field(title="其中被拒", examples=[0])
    records: int | None = Field(
        title="记录数", description="已计数的访问之和；都未计则为空 / Of the pulls that were counted", examples=[12_000]
    )
    bytes: int = Field(title="字节数", examples=[3_168_000])
    last_at: datetime = Field(title="最近一次")
