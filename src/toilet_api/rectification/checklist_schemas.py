"""What goes in and out for checklists."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from toilet_api.kernel.fields import Schema, ShortText, Text
from toilet_api.rectification.codes import ChecklistUse, ItemKind
from toilet_api.survey.schemas import ID, CountyCode, OptionalId

ItemCode = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,58}$"),
    Field(title="检查项代码", description="清单内唯一 / Once in a list", examples=["effective_volume"]),
]
Value = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False, title="数值", examples=[1.5])]


class ChecklistItem(Schema):
    """检查项，附标准出处 / An item of a checklist, with its source."""

    code: ItemCode
    zh: ShortText = Field(title="中文名称", examples=["化粪池有效容积"])
    en: ShortText = Field(title="英文名称", examples=["Effective volume of the tank"])
    kind: ItemKind = Field(examples=["measure"])
    unit: Annotated[str, StringConstraints(min_length=1, max_length=20)] | None = Field(
        None, title="单位", description="测量项必填 / Needed for a measure", examples=["m3"]
    )
    min: Value | None = Field(None, title="下限", description="含 / Included", examples=[1.5])
    max: Value | None = Field(None, title="上限", description="含 / Included", examples=[10.0])
    veto: bool = Field(False, title="一票否决", description="不合格即整体不合格 / Not met, it can only fail")
    required: bool = Field(True, title="必检", description="非必检的可不填，填了就须合格 / May be left out otherwise")
    source: ShortText = Field(title="出处", examples=["GB/T 38836-2020 农村三格式户厕建设技术规范"])
    note: Text | None = Field(None, title="说明", examples=["引自公开的二手资料，未与标准原文核对"])

    @model_validator(mode="after")
    def _bounds_fit_the_kind(self) -> "ChecklistItem":
        bounds = (self.min, self.max)
        if self.kind == "check" and (self.unit is not None or bounds != (None, None)):
            raise _contradiction("判断项没有单位和上下限", "a check has neither unit nor bounds")
        if self.kind == "measure" and (self.unit is None or bounds == (None, None)):
            raise _contradiction("测量项须有单位和至少一个限值", "a measure needs a unit and at least one bound")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise _contradiction("下限大于上限", "min exceeds max")
        return self


def _contradiction(zh: str, en: str) -> Exception:
    return PydanticCustomError("item_contradicts", "the item contradicts itself", {"bilingual": (zh, en)})


def _each_once(items: list[ChecklistItem]) -> list[ChecklistItem]:
    codes = [item.code for item in items]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        told = "、".join(twice)
        raise PydanticCustomError(
            "item_repeated",
            "an item stands twice",
            {"bilingual": (f"检查项重复：{told}", f"an item stands twice: {', '.join(twice)}")},
        )
    return items


Items = Annotated[list[ChecklistItem], Field(min_length=1, max_length=100, title="检查项"), AfterValidator(_each_once)]


class ChecklistNew(Schema):
    """本县验收清单的新版次；须含通用清单的全部检查项，只能增加或收紧 / A county's next edition: only ever tighter."""

    id: OptionalId = None
    division_code: CountyCode
    applies_to: ChecklistUse
    zh: ShortText = Field(title="中文名称", examples=["武宁县三格化粪池式厕所验收清单"])
    en: ShortText = Field(title="英文名称", examples=["Wuning: three-compartment toilets"])
    items: Items


class ChecklistRow(Schema):
    """验收清单的一个版次；版次不再改变 / An edition of a checklist; it is never changed."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: str | None = Field(
        title="县代码", description="为空即全国通用 / null: it holds everywhere", examples=["360423"]
    )
    applies_to: ChecklistUse
    edition: int = Field(title="版次", examples=[1])
    zh: str = Field(title="中文名称", examples=["三格化粪池式厕所验收清单"])
    en: str = Field(title="英文名称", examples=["Checklist of acceptance: three-compartment septic tank"])
    items: list[ChecklistItem] = Field(title="检查项")
    based_on_id: UUID | None = Field(title="所依据的通用清单编号")
    retired_at: datetime | None = Field(title="停用时间")
    version: int = Field(title="版本", examples=[1])
    created_at: datetime = Field(title="创建时间")
    updated_at: datetime = Field(title="修改时间")
