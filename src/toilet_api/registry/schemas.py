"""What goes into the registry and what comes out. Personal data goes in plain and comes out masked."""

from datetime import datetime
from typing import Annotated, Any
from uuid import RFC_4122, UUID

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from toilet_api.kernel.fields import CoordinateSystem, Position, Reason, Schema, VillageCode
from toilet_api.registry import codes
from toilet_api.registry.fields import (
    Address,
    Builder,
    BuiltMonth,
    BuiltYear,
    Chambers,
    FamilySize,
    HeadName,
    IdNumber,
    Note,
    Phones,
    Subsidy,
    VolumeLitres,
)

_ID = "01980000-0000-7000-8000-000000000001"
_TOILET_ID = "01980000-0000-7000-8000-000000000002"


def _rfc_4122(value: UUID) -> UUID:
    if value.variant != RFC_4122:
        raise PydanticCustomError(
            "uuid_variant",
            "a UUID of RFC 9562, version 7 best",
            {"bilingual": ("须为标准 UUID，建议第 7 版", "a UUID")},
        )
    return value


ClientId = Annotated[
    UUID,
    AfterValidator(_rfc_4122),
    Field(
        title="编号",
        description="可由客户端生成，建议 UUIDv7 / May be made by the client, so that a retry makes no second record",
        examples=[_ID],
    ),
]


def _unset() -> Any:
    """The default of a member that a patch may leave out but not set to null."""
    return None


class PersonInput(Schema):
    """户主。加密存储，读取时脱敏 / The head of household: stored encrypted, shown masked."""

    name: HeadName
    id_number: IdNumber | None = None
    phones: Phones = Field(default_factory=list)
    address: Address | None = None


class PersonPatch(Schema):
    """户主信息的修改；未给出的不变 / Changes of the head of household; what is left out stays."""

    name: HeadName = Field(default_factory=_unset)
    id_number: IdNumber | None = None
    phones: Phones | None = None
    address: Address | None = None


class PositionPatch(Schema):
    """位置的修改。未给出 system 时按 WGS 84 / Changes of a position; without `system` they are WGS 84."""

    longitude: float = Field(
        default_factory=_unset, ge=-180, le=180, allow_inf_nan=False, title="经度", examples=[115.1]
    )
    latitude: float = Field(default_factory=_unset, ge=-90, le=90, allow_inf_nan=False, title="纬度", examples=[29.26])
    system: CoordinateSystem = Field(default_factory=_unset, title="坐标系", examples=["gcj02"])
    accuracy_m: float | None = Field(None, ge=0, le=100_000, allow_inf_nan=False, title="精度（米）", examples=[8.0])


class ToiletOptions(Schema):
    """All that a ledger or an audit page may tell of a toilet beside its mode; each may be unknown."""

    built_year: BuiltYear | None = None
    built_month: BuiltMonth | None = None
    built_by: Builder | None = None
    led_by: codes.Leader | None = None
    subsidy_fen: Subsidy | None = None
    placement: codes.Placement | None = None
    structure: codes.Structure | None = None
    fixture: codes.Fixture | None = None
    flush: codes.Flush | None = None
    water_source: codes.WaterSource | None = None
    tank_material: codes.TankMaterial | None = None
    discharge: codes.Discharge | None = None
    chambers: Chambers | None = None
    volume_litres: VolumeLitres | None = None
    note: Note | None = None


class ToiletInput(ToiletOptions):
    """户厕 / A toilet, within its household."""

    id: ClientId | None = None
    mode: codes.ToiletMode
    position: Position | None = None

    @model_validator(mode="after")
    def month_needs_year(self) -> "ToiletInput":
        """A month alone says nothing."""
        if self.built_month is not None and self.built_year is None:
            raise PydanticCustomError(
                "month_without_year", "a month needs a year", {"bilingual": ("有月份须有年份", "a month needs a year")}
            )
        return self


_TOILET_EXAMPLE: dict[str, Any] = {
    "mode": "three_compartment",
    "built_year": 2024,
    "led_by": "agriculture",
    "subsidy_fen": 150000,
    "placement": "courtyard",
    "position": {"longitude": 115.1, "latitude": 29.26, "system": "gcj02", "accuracy_m": 8.0},
}


class ToiletCreate(ToiletInput):
    """新增户厕 / A new toilet of a household."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"household_id": _ID, **_TOILET_EXAMPLE}]})

    household_id: UUID = Field(title="农户编号", examples=[_ID])


class ToiletPatch(ToiletOptions):
    """户厕的修改（JSON Merge Patch）：未给出的不变，null 清空 / What is left out stays, null empties."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"mode": "full_sewer", "built_year": 2025, "note": None}]}
    )

    mode: codes.ToiletMode = Field(default_factory=_unset)
    position: PositionPatch | None = None


class HouseholdCreate(Schema):
    """新增农户，可带户厕 / A new household, with its toilets if it has any."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "division_code": "360423208202",
                    "person": {
                        "name": "张三丰",
                        "id_number": "360423194901010000",
                        "phones": ["19900001234"],
                        "address": "3组12号",
                    },
                    "family_size": 4,
                    "toilets": [_TOILET_EXAMPLE],
                }
            ]
        }
    )

    id: ClientId | None = None
    division_code: VillageCode
    person: PersonInput
    family_size: FamilySize | None = None
    dwelling_state: codes.DwellingState = "occupied"
    note: Note | None = None
    toilets: list[ToiletInput] = Field(
        [], max_length=20, title="户厕", description="一户可有多个，一宅一厕计数 / Several may stand; one counts"
    )


class HouseholdPatch(Schema):
    """农户的修改（JSON Merge Patch）：未给出的不变，null 清空 / What is left out stays, null empties.

    改 division_code 即迁村 / Another `division_code` moves the household with its toilets.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"family_size": 5, "person": {"phones": ["19900004321"]}, "note": None}]}
    )

    division_code: VillageCode = Field(default_factory=_unset)
    person: PersonPatch = Field(default_factory=_unset)
    family_size: FamilySize | None = None
    dwelling_state: codes.DwellingState = Field(default_factory=_unset)
    note: Note | None = None


class WithReason(Schema):
    """删除或恢复的理由 / Why something is removed or restored."""

    reason: Reason


class Purpose(Schema):
    """查看个人信息的目的 / What the personal data is needed for."""

    purpose: Reason = Field(
        min_length=2, title="目的", description="写入审计 / Kept in the audit trail", examples=["电话核实改厕意愿"]
    )


class RevealedPerson(Schema):
    """户主明文信息。不得缓存 / The plain personal data. Not to be cached."""

    id: UUID = Field(title="农户编号", examples=[_ID])
    name: str = Field(title="户主姓名", examples=["张三丰"])
    id_number: str | None = Field(title="身份证号码", examples=["360423194901010000"])
    phones: list[str] = Field(title="联系电话", examples=[["19900001234"]])
    address: str | None = Field(title="住址（门牌号）", examples=["3组12号"])


class _Stored(Schema):
    version: int = Field(title="版本", description="即 ETag / Also the ETag", examples=[1])
    created_at: datetime = Field(title="建档时间", examples=["2026-06-30T09:30:00+08:00"])
    created_by: UUID | None = Field(title="建档人")
    updated_at: datetime = Field(title="更新时间", examples=["2026-06-30T09:30:00+08:00"])
    updated_by: UUID | None = Field(title="更新人")
    removed_at: datetime | None = Field(title="删除时间")
    removed_reason: str | None = Field(title="删除理由")
    allowed_actions: list[str] = Field(
        title="可执行操作",
        description="您现在可以执行的步骤，各对应哪个接口见文首“步骤” / What you may do now; which call: Steps, above",
        examples=[["edit", "add_toilet"]],
    )


class Household(_Stored):
    """农户。个人信息脱敏 / A household, personal data masked."""

    id: UUID = Field(title="编号", examples=[_ID])
    division_code: str = Field(title="村代码", examples=["360423208202"])
    name_masked: str = Field(title="户主姓名（脱敏）", examples=["张**"])
    id_number_masked: str | None = Field(title="身份证号码（脱敏）", examples=["360423********0000"])
    phone_masked: str | None = Field(title="联系电话（脱敏）", examples=["199****1234"])
    address_masked: str | None = Field(title="住址（脱敏）", examples=["3组***"])
    family_size: int | None = Field(title="家庭人口", examples=[4])
    dwelling_state: codes.DwellingState
    note: str | None = Field(title="备注")


class Toilet(_Stored, ToiletOptions):
    """户厕 / A toilet."""

    id: UUID = Field(title="编号", examples=[_TOILET_ID])
    division_code: str = Field(title="村代码", examples=["360423208202"])
    household_id: UUID = Field(title="农户编号", examples=[_ID])
    mode: codes.ToiletMode
    grade: codes.ToiletGrade
    counted: bool = Field(
        title="计入统计",
        description="一宅一厕：卫生等级最高者计入 / The one of the dwelling that counts",
        examples=[True],
    )
    built_year: int | None = Field(title="改厕年份", examples=[2024])
    position: Position | None = Field(title="位置", description="WGS 84")
    position_source: CoordinateSystem | None = Field(
        title="原坐标系", description="录入时的坐标系 / The system in which it was given", examples=["gcj02"]
    )


class HouseholdWithToilets(Household):
    """农户及其户厕 / A household and its toilets."""

    toilets: list[Toilet] = Field(title="户厕")
