"""What goes in and out for the catalogue and the records of a dataset."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from toilet_api.exchange.sharing.codes import Sensitivity, SharedDataset, SharingType, UpdateFrequency
from toilet_api.kernel.fields import ShortText, Text
from toilet_api.survey.schemas import ID, CountyCode, Patch, unset


class DatasetItem(BaseModel):
    """数据项 / A column of a dataset."""

    name: str = Field(title="字段", examples=["mode"])
    title: str = Field(title="中文名", examples=["改厕方式"])
    type: str = Field(
        title="类型",
        description=(
            "text、code、uuid、integer、decimal（元）、boolean、date、date_time、list，可能增加"
            " / `decimal` is money in yuan; there may be more"
        ),
        examples=["code"],
    )
    code_list: str | None = Field(
        title="代码表", description="见 GET /code-lists / See there", examples=["toilet_mode"]
    )
    sensitivity: Sensitivity
    personal: bool = Field(
        title="个人信息", description="总是脱敏，须申请 / Always masked, and only on approval", examples=[False]
    )


class DatasetRow(BaseModel):
    """目录中的数据集 / A dataset in the catalogue."""

    dataset: SharedDataset
    title: str = Field(title="名称", examples=["农户与户厕"])
    description: str = Field(title="说明", examples=["农户及其户厕，每座户厕一行"])
    description_en: str = Field(title="英文说明", examples=["Households with their toilets, masked"])
    division_code: CountyCode | None = Field(
        description="所示为该县的共享设置；为空即目录的默认 / Whose settings these are; null: the catalogue's own"
    )
    sharing_type: SharingType
    conditions: str | None = Field(title="共享条件", examples=["写明用途和法律依据，由县级答复"])
    legal_basis: str | None = Field(
        title="不予共享的依据", description="不予共享时必填 / Given where it is not shared", examples=[None]
    )
    responsible_unit: str = Field(title="提供单位", examples=["县卫生健康委、县农业农村局"])
    update_frequency: UpdateFrequency
    version: int = Field(title="版本", description="0：县级尚未设置 / 0: the county has set nothing yet", examples=[1])
    updated_at: datetime | None = Field(title="设置时间")


class DatasetOut(DatasetRow):
    """数据集及其数据项 / A dataset with its columns."""

    items: list[DatasetItem] = Field(title="数据项")


class DatasetList(BaseModel):
    """数据资源目录 / The catalogue."""

    items: list[DatasetRow] = Field(title="数据集")


class DatasetPatch(Patch):
    """本县对一个数据集的共享设置 / How a county shares a dataset."""

    sharing_type: SharingType = Field(default_factory=unset)
    conditions: Text | None = Field(
        default_factory=unset, min_length=2, title="共享条件", examples=["写明用途和法律依据，由县级答复"]
    )
    legal_basis: Text | None = Field(
        default_factory=unset,
        min_length=2,
        title="不予共享的依据",
        description="法律、行政法规或党中央、国务院政策 / The law or policy that it rests on",
        examples=[None],
    )
    responsible_unit: ShortText | None = Field(default_factory=unset, title="提供单位", examples=["县农业农村局"])


class DatasetRecord(BaseModel):
    """数据集的一条记录，含已授权的字段 / A record of a dataset, with the fields that were granted."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "id": ID,
                    "division_code": "360423208202",
                    "mode": "three_compartment",
                    "updated_at": "2026-06-30T09:30:00+08:00",
                }
            ]
        },
    )

    id: UUID | None = Field(
        None, title="编号", description="若已授权；区划数据集为 code / Where granted; divisions have `code`"
    )


def item_of(item: Any) -> DatasetItem:
    """A column of the catalogue as an answer."""
    return DatasetItem(
        name=item.name,
        title=item.title,
        type=item.type,
        code_list=item.code_list,
        sensitivity=item.sensitivity,
        personal=item.is_personal,
    )
