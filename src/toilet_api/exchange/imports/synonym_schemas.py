"""What goes in and out for the headings that a county adds."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from toilet_api.exchange.imports.schemas import ImportKind
from toilet_api.exchange.ledgers.headings import normalise
from toilet_api.exchange.records.columns import fields_of
from toilet_api.kernel.fields import Schema
from toilet_api.survey.schemas import ID, OptionalId, Patch

HEADING_MAX = 200
_PLACE = "^[0-9]{6}([0-9]{3}([0-9]{3})?)?$"
FieldName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=60),
    Field(
        title="字段",
        description="导入字段；null 为不取该列 / A field of the import; null leaves the column out",
        examples=["name"],
    ),
]


def fits(heading: str) -> bool:
    """Whether a text can be told as a heading, and is no longer than one."""
    return len(heading) <= HEADING_MAX and bool(normalise(heading))


def _says_something(heading: str) -> str:
    if not fits(heading):
        zh, en = "表头除标点、括号外须有文字", "beside punctuation and brackets a heading needs words"
        raise PydanticCustomError("empty_heading", "a heading needs words", {"bilingual": (zh, en)})
    return heading


class SynonymNew(Schema):
    """本地台账的表头词 / A heading of the local ledgers."""

    id: OptionalId = None
    division_code: Annotated[str, StringConstraints(pattern=_PLACE)] = Field(
        title="区划代码",
        description="县、乡镇或村；下级同样适用 / A county or below; it holds in all below",
        examples=["360423"],
    )
    kind: ImportKind = "households"
    heading: Annotated[
        str, StringConstraints(min_length=1, max_length=HEADING_MAX), AfterValidator(_says_something)
    ] = Field(
        title="表头",
        description="括号、空格、标点不计 / Brackets, blanks and punctuation don't count",
        examples=["当家人"],
    )
    field: FieldName | None

    @model_validator(mode="after")
    def _of_the_kind(self) -> "SynonymNew":
        known = fields_of(self.kind)
        if self.field is not None and self.field not in known:
            told = ("该种导入没有这个字段", "imports of this kind have no such field")
            raise PydanticCustomError("unknown_column", told[1], {"expected": ", ".join(known), "bilingual": told})
        return self


class SynonymPatch(Patch):
    """改正表头词所对应的字段 / Which field a heading means."""

    field: FieldName | None = None


class SynonymRow(Schema):
    """表头词 / A heading and the field that it means."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: str = Field(title="区划代码", examples=["360423"])
    kind: ImportKind
    heading: str = Field(title="表头", examples=["当家人"])
    field: str | None = Field(
        title="字段", description="null 为不取该列 / null: the column is left out", examples=["name"]
    )
    version: int = Field(title="版本", examples=[1])
    created_at: datetime = Field(title="创建时间")
    updated_at: datetime = Field(title="修改时间")
