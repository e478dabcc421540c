"""What goes in and out."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from toilet_api.kernel.fields import Day, DivisionCode, Reason, Schema, ShortText
from toilet_api.promise.said import SAID_LATER


def _clean(name: str) -> str:
    """Names stand in ledgers and messages: one line, no control characters."""
    if any(letter < " " or "\x7f" <= letter <= "\x9f" or letter in "\u2028\u2029" for letter in name):
        raise PydanticCustomError(
            "control_character",
            "the name holds a control character",
            {"bilingual": ("名称含有控制字符", "the name holds a control character")},
        )
    return name


_ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*[^\s\x00-\x1f\x7f-\x9f\u2028\u2029][^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
Name = Annotated[
    ShortText,
    AfterValidator(_clean),
    Field(
        title="名称",
        description="区划名称 / Name of the division",
        examples=["安乐村委会"],
        json_schema_extra={"pattern": _ONE_LINE, SAID_LATER: True},
    ),
]
Effective = Annotated[
    Day | None,
    Field(
        title="生效日期",
        description="不晚于今天；缺省为今天 / Not ahead; today when left out",
        examples=["2026-06-30"],
    ),
]
Level = Annotated[
    int,
    Field(
        ge=1,
        le=5,
        title="级别",
        description="1 省、2 市、3 县、4 乡镇、5 村 / 1 province to 5 village",
        examples=[5],
    ),
]


class DivisionRow(Schema):
    """一个区划 / One division."""

    code: DivisionCode
    name: Name
    full_name: str = Field(
        title="全称",
        description="自省级起的名称 / The names from the province down",
        examples=["江西省九江市武宁县石渡乡安乐村委会"],
    )
    level: Level
    parent_code: DivisionCode | None = Field(title="上级代码", examples=["360423208"])
    valid_from: date | None = Field(title="生效日期", description="为空即一直有效 / null: from of old")
    valid_to: date | None = Field(
        title="撤销日期", description="自该日起无效；为空即现行 / Not valid from this day on; null: in force"
    )
    version: int = Field(title="版本", ge=1, examples=[1])


class DivisionView(DivisionRow):
    """一个区划及可执行的步骤 / One division with the steps that the caller may take."""

    resolved_from: DivisionCode | None = Field(
        None,
        title="原代码",
        description="所查代码已撤销，此为其继承者 / The code asked for has ended; this succeeds it",
    )
    allowed_actions: list[str] = Field(
        title="可执行的步骤", description="您现在可以执行的步骤 / What you may do now", examples=[["rename", "move"]]
    )


class DivisionList(Schema):
    """若干区划 / Some divisions."""

    items: list[DivisionRow] = Field(title="区划")


class DivisionEvent(Schema):
    """一次变更：何码变为何码 / One change: which code became which."""

    kind: Literal["rename", "merge", "split", "move"] = Field(title="变更")
    old_code: DivisionCode = Field(title="原代码")
    old_name: str = Field(title="原名称", examples=["安乐村委会"])
    new_code: DivisionCode = Field(title="新代码")
    new_name: str = Field(title="新代码现名", examples=["安乐新村委会"])
    main: bool = Field(title="主要继承者", description="原代码由此继承 / The old code resolves to this one")
    at: date = Field(title="生效日期")
    reason: str | None = Field(title="理由")
    recorded_at: datetime = Field(title="登记时间")


class DivisionHistory(Schema):
    """由此及彼的全部变更，由早到晚 / Every change before and after, oldest first."""

    items: list[DivisionEvent] = Field(title="变更")


class DivisionCreate(Schema):
    """新增区划 / A new division. Give `code`, or `parent_code` to be given the next free code."""

    code: DivisionCode | None = None
    parent_code: DivisionCode | None = Field(None, title="上级代码", examples=["360423208"])
    name: Name
    valid_from: Effective = None
    reason: Reason | None = None

    @model_validator(mode="after")
    def _has_place(self) -> "DivisionCreate":
        if self.code is None and self.parent_code is None:
            raise PydanticCustomError(
                "code_or_parent",
                "give code or parent_code",
                {"bilingual": ("须给出 code 或 parent_code", "give code or parent_code")},
            )
        return self


class DivisionPatch(Schema):
    """改名（JSON Merge Patch）/ Another name."""

    name: Name = Field(default_factory=lambda: unset())
    reason: Reason | None = None


def unset() -> Any:
    """The default of a member that a patch may leave out but not set to null."""
    return None


class DivisionMerge(Schema):
    """并入另一区划 / Merge into another division of the same level."""

    into: DivisionCode = Field(title="并入", examples=["360423208203"])
    reason: Reason
    effective: Effective = None


class SplitPart(Schema):
    """拆出的一个村 / One of the new villages."""

    code: DivisionCode | None = Field(
        None, title="新代码", description="缺省取下一个空号 / The next free one when left out"
    )
    name: Name
    household_ids: list[UUID] = Field(
        default_factory=list,
        max_length=20_000,
        title="划入的农户",
        description="连同其户厕等 / With all that is theirs",
    )


class DivisionSplit(Schema):
    """拆分村 / Split a village."""

    into: list[SplitPart] = Field(min_length=1, max_length=20, title="拆出的村")
    rest: int | None = Field(
        None,
        ge=0,
        title="其余归属",
        description="其余农户归入 into 的第几个（自 0 起），原村随之撤销；为空则留在原村 / "
        "Index in `into` of the village that takes all others, the old one then ends; null: they stay",
        examples=[0],
    )
    reason: Reason
    effective: Effective = None

    @model_validator(mode="after")
    def _is_consistent(self) -> "DivisionSplit":
        if self.rest is not None and self.rest >= len(self.into):
            raise PydanticCustomError(
                "rest_outside",
                "rest is no index of into",
                {"bilingual": ("rest 超出 into", "rest is no index of into")},
            )
        ids = [one for part in self.into for one in part.household_ids]
        names = [part.name for part in self.into]
        if len(set(ids)) != len(ids) or len(set(names)) != len(names):
            raise PydanticCustomError(
                "repeated",
                "a household or a name appears twice",
                {"bilingual": ("农户或名称重复", "a household or a name appears twice")},
            )
        return self


class DivisionMove(Schema):
    """移到另一上级之下 / Put under another parent."""

    new_parent: DivisionCode = Field(title="新上级", examples=["360423500"])
    new_code: DivisionCode | None = Field(
        None, title="新代码", description="缺省保留末位，已占用则取空号 / The same last digits if free, when left out"
    )
    reason: Reason
    effective: Effective = None


class DivisionClose(Schema):
    """撤销空的区划 / Close a division that has nothing left."""

    reason: Reason
    effective: Effective = None


class Recoded(Schema):
    """一个代码的变更 / One code that became another."""

    old_code: DivisionCode = Field(title="原代码")
    new_code: DivisionCode = Field(title="新代码")


class DivisionChange(Schema):
    """变更的结果 / What a change did."""

    division: DivisionView = Field(title="现在的区划")
    recoded: list[Recoded] = Field(title="代码变更")
    records: dict[str, int] = Field(
        title="随之转移的记录",
        description="各表记录数 / Records that followed, by kind",
        examples=[{"household": 312, "toilet": 318}],
    )
