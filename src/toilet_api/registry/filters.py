"""The filters of the lists of households and toilets, and of the search by personal data."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Query
from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import ColumnElement, Select, and_, exists, not_, or_
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.divisions import lookup
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.kernel.fields import DivisionCode, Moment, Schema
from toilet_api.kernel.scope import Scope
from toilet_api.kernel.vault import Vault, normalise
from toilet_api.registry import codes
from toilet_api.registry.tables import Household, Toilet

Removed = Annotated[
    Literal["false", "true", "any"],
    Field(
        title="已删除",
        description="false 现有，true 已删除 / Standing, removed, any",
        examples=["false"],
    ),
]
Division = Annotated[
    DivisionCode, Field(description="区划，含下级；旧代码自动换算 / A division with all below it; old codes resolve")
]
FilterYear = Annotated[int, Field(ge=1900, le=2999, title="改厕年份", examples=[2024])]
UpdatedSince = Annotated[
    Moment,
    Field(title="更新起", description="含此刻 / Changed at or after", examples=["2026-06-30T09:30:00+08:00"]),
]
HasToilet = Annotated[bool, Field(title="有厕", description="不含“无厕” / One other than `none`", examples=[True])]
Counted = Annotated[bool, Field(title="计入统计", examples=[True])]


class HouseholdFilter(Schema):
    """农户的筛选条件。改厕条件须由同一座户厕满足 / Conditions on toilets must be met by one and the same toilet."""

    division: Division | None = None
    dwelling_state: codes.DwellingState | None = None
    has_toilet: HasToilet | None = None
    mode: codes.ToiletMode | None = None
    grade: codes.ToiletGrade | None = None
    built_year_from: FilterYear | None = None
    built_year_to: FilterYear | None = None
    led_by: codes.Leader | None = None
    updated_since: UpdatedSince | None = None
    removed: Removed = "false"


class HouseholdSearch(HouseholdFilter):
    """按个人信息查找：全等匹配，不支持片段 / Search by personal data: equality only, never parts.

    姓名、号码以密文存储，只能按完整内容查找；放在请求体中，不进入网址和日志 / Values are stored encrypted and found
    by their whole content alone. They go into the body, so that no URL and no log holds them.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"id_number": "360423194901010000"}]})

    name: Annotated[str, StringConstraints(min_length=1, max_length=50)] | None = Field(
        None, title="户主姓名", examples=["张三丰"]
    )
    id_number: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = Field(
        None, title="身份证号码", examples=["360423194901010000"]
    )
    phone: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = Field(
        None, title="联系电话", examples=["19900001234"]
    )

    @model_validator(mode="after")
    def something_to_look_for(self) -> "HouseholdSearch":
        """Without personal data it would be the list."""
        given = {kind: value for kind in ("name", "id_number", "phone") if (value := getattr(self, kind)) is not None}
        if not given or not all(normalise(kind, value) for kind, value in given.items()):
            raise PydanticCustomError(
                "nothing_to_look_for",
                "give a name, an ID number or a phone",
                {"bilingual": ("须给出姓名、身份证号码或电话", "give a name, an ID number or a phone")},
            )
        return self


class ToiletFilter(Schema):
    """户厕的筛选条件 / Conditions on toilets."""

    division: Division | None = None
    household_id: UUID | None = None
    mode: codes.ToiletMode | None = None
    grade: codes.ToiletGrade | None = None
    counted: Counted | None = None
    built_year_from: FilterYear | None = None
    built_year_to: FilterYear | None = None
    led_by: codes.Leader | None = None
    placement: codes.Placement | None = None
    dwelling_state: codes.DwellingState | None = None
    updated_since: UpdatedSince | None = None
    removed: Removed = "false"


async def _household_filter(
    division: Annotated[Division | None, Query()] = None,
    dwelling_state: Annotated[codes.DwellingState | None, Query()] = None,
    has_toilet: Annotated[HasToilet | None, Query()] = None,
    mode: Annotated[codes.ToiletMode | None, Query()] = None,
    grade: Annotated[codes.ToiletGrade | None, Query()] = None,
    built_year_from: Annotated[FilterYear | None, Query()] = None,
    built_year_to: Annotated[FilterYear | None, Query()] = None,
    led_by: Annotated[codes.Leader | None, Query()] = None,
    updated_since: Annotated[UpdatedSince | None, Query()] = None,
    removed: Annotated[Removed, Query()] = "false",
) -> HouseholdFilter:
    return HouseholdFilter.model_construct(**locals())


async def _toilet_filter(
    division: Annotated[Division | None, Query()] = None,
    household_id: Annotated[UUID | None, Query(title="农户编号")] = None,
    mode: Annotated[codes.ToiletMode | None, Query()] = None,
    grade: Annotated[codes.ToiletGrade | None, Query()] = None,
    counted: Annotated[Counted | None, Query()] = None,
    built_year_from: Annotated[FilterYear | None, Query()] = None,
    built_year_to: Annotated[FilterYear | None, Query()] = None,
    led_by: Annotated[codes.Leader | None, Query()] = None,
    placement: Annotated[codes.Placement | None, Query()] = None,
    dwelling_state: Annotated[codes.DwellingState | None, Query()] = None,
    updated_since: Annotated[UpdatedSince | None, Query()] = None,
    removed: Annotated[Removed, Query()] = "false",
) -> ToiletFilter:
    return ToiletFilter.model_construct(**locals())


HouseholdFilters = Annotated[HouseholdFilter, Depends(_household_filter)]
ToiletFilters = Annotated[ToiletFilter, Depends(_toilet_filter)]


def scope_of(session: Session, caller: Caller, division: str | None) -> Scope:
    """The caller's scope, or what of it lies under `division`. A division wholly outside reads as not found."""
    if division is None:
        return caller.scope
    found = lookup.resolve(session, division)
    scope = Scope() if found is None else caller.scope.within(found.code)
    if scope.is_empty:
        raise NOT_FOUND.problem()
    return scope


def _common(table: type[Household] | type[Toilet], removed: str, since: datetime | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if removed != "any":
        gone = col(table.removed_at).is_not(None)
        conditions.append(gone if removed == "true" else not_(gone))
    if since is not None:
        conditions.append(col(table.updated_at) >= since)
    return conditions


def _of_toilet(given: HouseholdFilter | ToiletFilter) -> list[ColumnElement[bool]]:
    """The conditions on a toilet that both lists know."""
    conditions: list[ColumnElement[bool]] = []
    if given.mode is not None:
        conditions.append(col(Toilet.mode) == given.mode)
    if given.grade is not None:
        conditions.append(col(Toilet.grade) == given.grade)
    if given.built_year_from is not None:
        conditions.append(col(Toilet.built_year) >= given.built_year_from)
    if given.built_year_to is not None:
        conditions.append(col(Toilet.built_year) <= given.built_year_to)
    if given.led_by is not None:
        conditions.append(col(Toilet.led_by) == given.led_by)
    return conditions


def filter_households(session: Session, caller: Caller, statement: Select[Any], given: HouseholdFilter) -> Select[Any]:
    """`statement`, a select of households, limited to the caller's scope and the filter."""
    statement = scope_of(session, caller, given.division).narrow(statement, col(Household.division_code))
    statement = statement.where(*_common(Household, given.removed, given.updated_since))
    if given.dwelling_state is not None:
        statement = statement.where(col(Household.dwelling_state) == given.dwelling_state)
    # The toilets of a removed household went with it; whoever looks among those means the toilets that it had.
    theirs = and_(
        col(Toilet.household_id) == col(Household.id),
        or_(col(Toilet.removed_at).is_(None), col(Toilet.removed_with_household)),
    )
    if given.has_toilet is not None:
        has = exists().where(theirs, col(Toilet.mode) != "none")
        statement = statement.where(has if given.has_toilet else not_(has))
    if conditions := _of_toilet(given):
        statement = statement.where(exists().where(theirs, *conditions))
    return statement


def filter_toilets(session: Session, caller: Caller, statement: Select[Any], given: ToiletFilter) -> Select[Any]:
    """`statement`, a select of toilets, limited to the caller's scope and the filter."""
    statement = scope_of(session, caller, given.division).narrow(statement, col(Toilet.division_code))
    statement = statement.where(*_common(Toilet, given.removed, given.updated_since), *_of_toilet(given))
    if given.household_id is not None:
        statement = statement.where(col(Toilet.household_id) == given.household_id)
    if given.counted is not None:
        statement = statement.where(col(Toilet.counted).is_(given.counted))
    if given.placement is not None:
        statement = statement.where(col(Toilet.placement) == given.placement)
    if given.dwelling_state is not None:
        lives = exists().where(
            col(Household.id) == col(Toilet.household_id), col(Household.dwelling_state) == given.dwelling_state
        )
        statement = statement.where(lives)
    return statement


def by_person(vault: Vault, given: HouseholdSearch) -> list[ColumnElement[bool]]:
    """The conditions of a search, by blind index: no plain value reaches the database."""
    conditions: list[ColumnElement[bool]] = []
    if given.name is not None:
        conditions.append(col(Household.name_index) == vault.blind_index("name", given.name))
    if given.id_number is not None:
        conditions.append(col(Household.id_number_masked).is_not(None))
        conditions.append(col(Household.identity_index) == vault.blind_index("id_number", given.id_number))
    if given.phone is not None:
        phones: Any = col(Household.phone_index)
        index = vault.blind_index("phone", given.phone)
        conditions.append(or_(*(phones[place] == index for place in (1, 2, 3))))
    return conditions
