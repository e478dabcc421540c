"""The members of the registry's bodies as annotated types, each described once."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from toilet_api.kernel.fields import LongText
from toilet_api.registry import rules


def _fault(code: str, zh: str, en: str, **context: Any) -> PydanticCustomError:
    return PydanticCustomError(code, "{english}", {"english": en, "bilingual": (zh, en), **context})


def _plain(value: str) -> str:
    """Masked text that a client sends back must never replace the real value."""
    if "*" in value:
        raise _fault("masked_value", "不能写入脱敏后的内容（含 *）", "masked text (with *) can't be written")
    return value


def _id_number(value: str) -> str:
    number = rules.canonical_id_number(_plain(value))
    fault = rules.check_id_number(number)
    if fault is not None:
        raise _fault(fault.value, *fault.message)
    return number


def _phone(value: str) -> str:
    if not rules.is_phone(_plain(value)):
        raise _fault(
            "phone_number",
            "应为 11 位手机号，或 7 至 12 位固定电话",
            "a mobile number of 11 digits, or a landline of 7 to 12",
        )
    return value


def _built_year(value: int) -> int:
    bounds = rules.year_fault(value)
    if bounds is not None:
        raise _fault(
            "year_out_of_range",
            f"年份应在 {bounds[0]} 至 {bounds[1]} 之间",
            f"the year must lie from {bounds[0]} to {bounds[1]}",
            expected=f"{bounds[0]}..{bounds[1]}",
        )
    return value


HeadName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=50, strip_whitespace=True),
    AfterValidator(_plain),
    Field(title="户主姓名", description="加密存储 / Head of household; stored encrypted", examples=["张三丰"]),
]
IdNumber = Annotated[
    str,
    StringConstraints(min_length=1, max_length=40, strip_whitespace=True),
    AfterValidator(_id_number),
    Field(
        title="身份证号码",
        description="18 位，按 GB 11643 校验，加密存储 / 18 characters, checked after GB 11643, stored encrypted",
        examples=["360423194901010000"],
    ),
]
Phone = Annotated[
    str,
    StringConstraints(min_length=1, max_length=40, strip_whitespace=True),
    AfterValidator(_phone),
    Field(title="联系电话", description="手机或固定电话 / Mobile or landline", examples=["19900001234"]),
]
Phones = Annotated[
    list[Phone],
    Field(
        max_length=rules.PHONES_AT_MOST,
        title="联系电话",
        description="最多三个 / Three at most",
        examples=[["19900001234"]],
    ),
]
Address = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
    AfterValidator(_plain),
    Field(
        title="住址（门牌号）",
        description="组、门牌号，加密存储 / Group and house number; stored encrypted",
        examples=["3组12号"],
    ),
]
FamilySize = Annotated[
    int,
    Field(ge=0, le=50, title="家庭人口", description="人口数 / People in the family", examples=[4]),
]
Note = Annotated[
    LongText,
    Field(
        title="备注",
        description="备注，明文显示，请勿填写个人信息 / A note, shown in clear: no personal data here",
        examples=["长子在外务工"],
    ),
]
BuiltYear = Annotated[
    int,
    AfterValidator(_built_year),
    Field(
        title="改厕年份",
        description="近一百年内，不晚于今年 / Year built or rebuilt, one of the last hundred",
        examples=[2024],
    ),
]
BuiltMonth = Annotated[int, Field(ge=1, le=12, title="改厕月份", description="须有年份 / Needs a year", examples=[5])]
Builder = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, strip_whitespace=True),
    Field(title="施工单位", description="施工单位 / Who built it, a firm or team", examples=["石门楼镇改厕施工队"]),
]
Subsidy = Annotated[
    int,
    Field(ge=0, le=10**12, title="奖补资金（分）", description="单位分 / In fen", examples=[150000]),
]
Chambers = Annotated[
    int, Field(ge=0, le=9, title="格数", description="化粪池格数 / Chambers of the tank", examples=[3])
]
VolumeLitres = Annotated[
    int,
    Field(
        ge=1,
        le=1_000_000,
        title="有效容积（升）",
        description="有效容积，单位升；1500 即 1.5 立方米 / Effective volume in litres; 1500 is 1.5 m3",
        examples=[1500],
    ),
]
