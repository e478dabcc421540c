"""Households with their toilets: a row for each toilet, one for a household without. Headings are the importer's."""

from typing import Any

from sqlalchemy import ColumnElement, Text, and_, case, cast, exists, func, literal, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from toilet_api.accounts.permissions import Permission
from toilet_api.exchange.exports.columns import Column, Fragment
from toilet_api.exchange.exports.datasets import Asked, Dataset, Places, Source, any_of
from toilet_api.registry.codes import DWELLING_STATES, LEADERS, TOILET_GRADES, TOILET_MODES
from toilet_api.registry.tables import Household, HouseholdPerson, Toilet

_Theirs: Any = aliased(Toilet, name="theirs")
PERSONAL = {"name": "name", "id_number": "id_number", "address": "address", "phone": "phones"}
"""Column -> member of the sealed person."""
_PLACE_KEYS = frozenset({"city", "county", "township", "village", "village_code"})


def _build(asked: Asked) -> Source:
    places = Places.of(asked.shard)
    person, toilet = Household, Toilet
    year, month = cast(col(toilet.built_year), Text), cast(col(toilet.built_month), Text)
    # As `year_rules` reads them back; 2019-06 would become a day in a spreadsheet.
    shown_year = case((col(toilet.built_month).is_(None), year), else_=year + "年" + month + "月")
    plain_year = case(
        (col(toilet.built_month).is_(None), year), else_=year + "-" + func.lpad(month, 2, literal("0", Text))
    )
    columns = (
        Column("id", "编号", col(person.id), "uuid", required=True, width=38),
        Column("toilet_id", "厕所编号", col(toilet.id), "uuid", width=38),
        places.column("city", "市"),
        places.column("county", "县"),
        places.column("township", "乡镇"),
        places.column("village", "村", 16),
        Column("village_code", "村代码", col(person.division_code), "plain", required=True, width=15),
        Column("name", "户主姓名", col(person.name_masked), required=True),
        Column("id_number", "身份证号码", col(person.id_number_masked), "plain", width=21),
        Column("address", "住址", col(person.address_masked), width=24),
        Column("phone", "联系电话", col(person.phone_masked), "plain", width=15),
        Column("family_size", "家庭人口", col(person.family_size), "whole", width=9),
        Column("dwelling_state", "住房状态", col(person.dwelling_state), "code", DWELLING_STATES, required=True),
        Column("mode", "改厕方式", col(toilet.mode), "code", TOILET_MODES, width=18),
        Column("year", "改厕年份", plain_year, "plain", shown_as=shown_year),
        Column("led_by", "牵头部门", col(toilet.led_by), "code", LEADERS, width=14),
        Column("subsidy", "补助金额(元)", col(toilet.subsidy_fen), "yuan"),
        Column("note", "备注", col(person.note), width=24),
        Column("grade", "卫生等级", col(toilet.grade), "code", TOILET_GRADES, width=16),
        Column("counted", "计入统计", col(toilet.counted), "flag", width=9),
        Column("toilet_note", "厕所备注", col(toilet.note), width=24),
        Column("updated_at", "更新时间", _updated(), "moment", required=True, width=26),
    )
    rows = (
        select()
        .select_from(person)
        .outerjoin(
            toilet,
            and_(
                col(toilet.household_id) == col(person.id),
                col(toilet.removed_at).is_(None),
                asked.shard.covers(col(toilet.division_code)),
            ),
        )
        .where(asked.shard.covers(col(person.division_code)), col(person.removed_at).is_(None), *_filtered(asked))
    )
    return Source(
        columns,
        places.join(rows, col(person.division_code)),
        (col(person.division_code), col(person.id), col(toilet.id)),
        Fragment(places.table.c.members, _PLACE_KEYS),
        sealed_person(),
    )


def sealed_person() -> Any:
    """The sealed person of a household of the row, in hex."""
    return (
        select(func.encode(col(HouseholdPerson.sealed), literal("hex", Text)))
        .where(col(HouseholdPerson.household_id) == col(Household.id))
        .correlate(Household)
        .scalar_subquery()
    )


def _updated() -> ColumnElement[Any]:
    return func.greatest(col(Household.updated_at), col(Toilet.updated_at))


def _filtered(request: Asked) -> list[ColumnElement[bool]]:
    """Of the toilet of the row, except `has_toilet`, which is of its household."""
    asked, year = request.filters, col(Toilet.built_year)
    found = [
        *any_of(col(Toilet.mode), asked.mode),
        *any_of(col(Toilet.grade), asked.grade),
        *any_of(col(Toilet.led_by), asked.led_by),
        *any_of(col(Household.dwelling_state), asked.dwelling_state),
    ]
    if asked.built_year_from is not None:
        found.append(year >= asked.built_year_from)
    if asked.built_year_to is not None:
        found.append(year <= asked.built_year_to)
    if asked.updated_since is not None:
        found.append(_updated() >= asked.updated_since)
    if asked.has_toilet is not None:
        has = exists(
            select(literal(1))
            .select_from(_Theirs)
            .where(
                _Theirs.household_id == col(Household.id),
                _Theirs.removed_at.is_(None),
                _Theirs.mode != literal("none", Text),
                request.shard.covers(_Theirs.division_code),
            )
            .correlate(Household)
        )
        found.append(has if asked.has_toilet else ~has)
    return found


HOUSEHOLDS = Dataset(
    "households",
    (Permission.HOUSEHOLD_READ,),
    ("household", "toilet", "division"),
    frozenset(
        {
            *("mode", "grade", "led_by", "built_year_from", "built_year_to"),
            *("dwelling_state", "has_toilet", "updated_since"),
        }
    ),
    _build,
    Household,
    is_hashed=True,
    shows_persons=True,
)
