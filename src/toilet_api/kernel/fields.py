"""The types that rooms build their schemas of: ids, codes, texts, times, money, places."""

import re
import time
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import cos, pi, sin, sqrt
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
)
from pydantic.fields import ComputedFieldInfo, FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from toilet_api.kernel.entropy import random_bytes

SHANGHAI = ZoneInfo("Asia/Shanghai")


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random, so that keys grow with time."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(random_bytes(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def _title(name: str, field: FieldInfo | ComputedFieldInfo) -> str:
    """The title of an annotated type also where the member may be null (`SomeType | None`)."""
    for alternative in get_args(getattr(field, "annotation", None)):
        for metadata in getattr(alternative, "__metadata__", ()):
            if isinstance(metadata, FieldInfo) and metadata.title:
                return metadata.title
    return field.title or name.replace("_", " ").title()


def _number(value: Any) -> Any:
    if isinstance(value, (bool, str)):
        raise PydanticCustomError("float_type", "Input should be a valid number")
    return value


def _truth(value: Any) -> Any:
    if not isinstance(value, bool):
        raise PydanticCustomError("bool_type", "Input should be a valid boolean")
    return value


def _no_longer_than(most: int) -> Callable[[Any], Any]:
    """Outer blanks count, as they do in the document: they are stripped after this."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and len(value) > most:
            plural = "" if most == 1 else "s"
            raise PydanticCustomError(
                "string_too_long", f"String should have at most {most} character{plural}", {"max_length": most}
            )
        return value

    return check


def _check_of(node: dict[str, Any]) -> Callable[[Any], Any] | None:
    if node.get("type") == "str" and "max_length" in node:
        return _no_longer_than(node["max_length"])
    return {"int": _number, "float": _number, "bool": _truth}.get(str(node.get("type")))


def _as_json_has_it(node: Any) -> Any:
    """A core schema that takes values as documented: pydantic would also read "5" as a number, "yes" as true."""
    if isinstance(node, list):
        return [_as_json_has_it(one) for one in node]
    if not isinstance(node, dict) or node.get("type") == "model":
        return node
    made = {
        name: member if name in ("keys_schema", "metadata", "serialization") else _as_json_has_it(member)
        for name, member in node.items()
    }
    check = _check_of(node)
    return made if check is None else core_schema.no_info_before_validator_function(check, made)


def _with_members(node: Any) -> Any:
    """A model's core schema, or that of a validator around it, with the members as JSON has them."""
    if node["type"] == "model":
        return {**node, "schema": _as_json_has_it(node["schema"])}
    return {**node, "schema": _with_members(node["schema"])} if node["type"].startswith("function-") else node


class Schema(BaseModel):
    """Base of every body. Unknown members are refused; texts are stripped of outer blanks; JSON's types are meant."""

    model_config = ConfigDict(
        extra="forbid", str_strip_whitespace=True, from_attributes=True, field_title_generator=_title
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Each number and truth value of the members exactly as the document says it."""
        made: CoreSchema = handler(source)
        if made is not source.__dict__.get("__pydantic_core_schema__"):  # which has been through here
            made = _with_members(made)
        return made


ShortText = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
Text = Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)]
LongText = Annotated[str, StringConstraints(max_length=4000, strip_whitespace=True)]
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, strip_whitespace=True),
    Field(title="理由", description="理由，写入审计 / The reason; kept in the audit trail", examples=["重复登记"]),
]
DivisionCode = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$"),
    Field(
        title="区划代码",
        description="统计用区划代码，2、4、6、9 或 12 位 / Statistical division code of 2, 4, 6, 9 or 12 digits",
        examples=["360423208"],
    ),
]
VillageCode = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{12}$"),
    Field(title="村代码", description="12 位村级代码 / Village code of 12 digits", examples=["360423208202"]),
]


def _written(value: Any) -> Any:
    """A date as RFC 3339 writes it; pydantic would also take a bare number, for seconds since 1970."""
    if isinstance(value, date) or (isinstance(value, str) and _WRITTEN.match(value.strip())):
        return value
    raise PydanticCustomError(
        "date_parsing",
        "not a date as RFC 3339 writes it",
        {
            "bilingual": (
                "日期须写作 2026-06-30，时间须写作 2026-06-30T09:30:00+08:00",
                "not a date as RFC 3339 writes it",
            )
        },
    )


_WRITTEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
Day = Annotated[date, BeforeValidator(_written), Field(description="日期，北京时间 / A day in Shanghai")]


def _storable(value: datetime) -> datetime:
    """The same moment with an offset that Postgres knows: RFC 3339 goes up to 23:59, Postgres to 15:59."""
    if abs(value.utcoffset() or timedelta()) < timedelta(hours=16):
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("datetime_parsing", "beyond the years that can be stored") from None


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_written),
    AfterValidator(_storable),
    Field(description="RFC 3339，带时区 / RFC 3339 with offset", examples=["2026-06-30T09:30:00+08:00"]),
]
Fen = Annotated[int, Field(ge=0, le=10**12, description="金额，单位分 / Money in fen", examples=[200000])]
Year = Annotated[int, Field(ge=1949, le=2200, description="公历年 / Calendar year", examples=[2024])]
CoordinateSystem = Literal["gcj02", "wgs84", "cgcs2000"]


class Position(Schema):
    """位置。须说明坐标系，按 WGS 84 存储 / A position in a named coordinate system; stored as WGS 84."""

    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False, title="经度", examples=[115.1])
    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False, title="纬度", examples=[29.26])
    system: CoordinateSystem = Field(
        title="坐标系",
        description=(
            "gcj02 高德、腾讯、微信小程序给出的；wgs84 GPS 原始的；cgcs2000 测绘成果。答复中一律 wgs84"
            " / gcj02: of Chinese map apps; wgs84: of GPS itself; cgcs2000: of surveys. Answers always have wgs84"
        ),
        examples=["gcj02"],
    )
    accuracy_m: float | None = Field(None, ge=0, le=100_000, allow_inf_nan=False, title="精度（米）", examples=[8.0])

    def to_wgs84(self) -> tuple[float, float]:
        """(longitude, latitude) in degrees, WGS 84, rounded to 1e-7 degrees (about 1 cm).

        CGCS2000 and WGS 84 differ by centimetres and are taken as one. GCJ-02 is inverted by iteration.
        """
        if self.system != "gcj02":
            return round(self.longitude, 7), round(self.latitude, 7)
        longitude, latitude = self.longitude, self.latitude
        for _ in range(6):
            shifted = _gcj02_of(longitude, latitude)
            longitude += self.longitude - shifted[0]
            latitude += self.latitude - shifted[1]
        return round(longitude, 7), round(latitude, 7)


_AXIS, _ECCENTRICITY = 6378245.0, 0.00669342162296594323  # Krasovsky 1940, as GCJ-02 uses it


def _gcj02_of(longitude: float, latitude: float) -> tuple[float, float]:
    """GCJ-02 of a WGS 84 position; outside of China the two are the same."""
    if not (72.004 <= longitude <= 137.8347 and 0.8293 <= latitude <= 55.8271):
        return longitude, latitude
    x, y = longitude - 105.0, latitude - 35.0
    ripple = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + ripple
    north += (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3
    north += (160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + ripple
    east += (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3
    east += (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    angle = latitude / 180 * pi
    magic = 1 - _ECCENTRICITY * sin(angle) ** 2
    north = north * 180 / (_AXIS * (1 - _ECCENTRICITY) / (magic * sqrt(magic)) * pi)
    east = east * 180 / (_AXIS / sqrt(magic) * cos(angle) * pi)
    return longitude + east, latitude + north


def yuan_to_fen(yuan: Decimal) -> int:
    """Yuan to fen, exactly. Raises ValueError for less than a fen: money is never rounded."""
    fen = yuan * 100
    if fen != fen.to_integral_value():
        raise ValueError("less than one fen")
    return int(fen)


def now() -> datetime:
    """This moment, in Shanghai time."""
    return datetime.now(SHANGHAI)
