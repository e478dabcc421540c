"""The datasets behind the official tables: what stands in a row, as people read it.

The first column is the household's id, by which plain personal data is found; the second the code of the place.
"""

from typing import Any

from sqlalchemy import Select, Text, and_, cast, func, literal, select, true
from sqlalchemy.orm import aliased
from sqlmodel import col

from toilet_api.accounts.permissions import Permission
from toilet_api.exchange.exports.columns import Column
from toilet_api.exchange.exports.datasets import Asked, Dataset, Places, Source
from toilet_api.exchange.exports.households import sealed_person
from toilet_api.exchange.exports.surveyed import PROBLEM_FILTERS, PROBLEM_SUBJECTS, found_by, problem_conditions
from toilet_api.rectification.codes import ACCEPTANCE_LEVELS, CLOSE_OUT_KINDS, TASK_STATES
from toilet_api.rectification.tables import CloseOut, Task
from toilet_api.registry.codes import DWELLING_STATES, LEADERS, TOILET_MODES
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey import codes
from toilet_api.survey.ledger_views import overdue
from toilet_api.survey.tables import CatalogueType, LedgerProblem, Visit

_NOT_IN = ("draft", "returned")
"""States of a visit that isn't, or is not any more, part of the survey."""


def _day(moment: Any) -> Any:
    return func.date(func.timezone("Asia/Shanghai", moment))


def _place(asked: Asked, code: Any) -> tuple[Places, list[Column]]:
    places = Places.of(asked.shard)
    columns = [
        Column("household_id", "农户编号", col(Household.id), "uuid"),
        Column("place", "区划代码", code, "plain", required=True),
        places.column("township", "乡镇"),
        places.column("village", "村", 13),
    ]
    return places, columns


def _person() -> list[Column]:
    return [
        Column("name", "户主姓名", col(Household.name_masked), width=9),
        Column("phone", "联系电话", col(Household.phone_masked), width=13),
    ]


def _survey_form(asked: Asked) -> Source:
    """Each toilet, and each household without one, with the visit that counts: the latest that was submitted."""
    places, columns = _place(asked, col(Household.division_code))
    seen: Any = aliased(Visit, _latest_visit(asked).lateral("seen"))
    year = cast(col(Toilet.built_year), Text)
    columns += [
        *_person(),
        Column("family_size", "家庭人口", col(Household.family_size), "whole", width=5.5),
        Column("dwelling_state", "住房状态", col(Household.dwelling_state), "code", DWELLING_STATES, width=8),
        Column("mode", "改厕方式", col(Toilet.mode), "code", TOILET_MODES, width=12),
        Column("year", "改厕年份", year, "plain", width=6),
        Column("led_by", "牵头部门", col(Toilet.led_by), "code", LEADERS, width=9),
        Column("visited_on", "摸排日期", _day(seen.visited_at), "day", width=11),
        Column("method", "摸排方式", seen.method, "code", codes.METHODS, width=10),
        Column("presence", "农户是否在家", seen.presence, "code", codes.PRESENCE, width=7),
        Column("usability", "使用情况", seen.usability, "code", codes.USABILITY, width=11),
        Column("findings", "存在问题", found_by(seen.id), width=24),
        Column("checked_against", "核对资料", seen.checked_against, "codes", codes.EVIDENCE, width=12),
        Column("surveyor", "摸排人", seen.surveyor_name, width=9),
        Column("signed", "农户签字", literal("", Text), "plain", width=9),
        Column("note", "备注", seen.note, width=14),
    ]
    rows = (
        select()
        .select_from(Household)
        .outerjoin(Toilet, and_(col(Toilet.household_id) == col(Household.id), col(Toilet.removed_at).is_(None)))
        .outerjoin(seen, true())
        .where(asked.shard.covers(col(Household.division_code)), col(Household.removed_at).is_(None))
    )
    return Source(
        columns,
        places.join(rows, col(Household.division_code)),
        (col(Household.division_code), col(Household.id), col(Toilet.id)),
        sealed=sealed_person(),
    )


def _latest_visit(asked: Asked) -> Select[Any]:
    one = Visit
    statement = select(one).where(
        col(one.household_id) == col(Household.id),
        col(one.toilet_id).is_not_distinct_from(col(Toilet.id)),
        col(one.removed_at).is_(None),
        col(one.state).not_in(_NOT_IN),
    )
    if asked.filters.campaign_id is not None:
        statement = statement.where(col(one.campaign_id) == asked.filters.campaign_id)
    latest = statement.order_by(col(one.visited_at).desc(), col(one.id).desc()).limit(1)
    return latest.correlate(Household, Toilet)


def _problem_head(asked: Asked) -> tuple[Places, list[Column]]:
    places, columns = _place(asked, col(LedgerProblem.division_code))
    columns += [
        *_person(),
        Column("mode", "改厕方式", col(Toilet.mode), "code", TOILET_MODES, width=12),
        Column("type", "存在问题", col(CatalogueType.zh), width=20),
        Column("cause", "原因分类", col(LedgerProblem.cause), "code", codes.CAUSES, width=11),
    ]
    return places, columns


def _problem_rows(asked: Asked, places: Places, columns: list[Column], *joins: Any) -> Source:
    one = LedgerProblem
    rows = (
        select()
        .select_from(one)
        .join(CatalogueType, col(CatalogueType.id) == col(one.type_id))
        .outerjoin(Household, col(Household.id) == col(one.household_id))
        .outerjoin(Toilet, col(Toilet.id) == col(one.toilet_id))
    )
    for table, condition in joins:
        rows = rows.outerjoin(table, condition)
    rows = rows.where(
        asked.shard.covers(col(one.division_code)),
        col(one.removed_at).is_(None),
        col(one.state) != literal("dismissed", Text),
        *problem_conditions(asked.filters, asked.today),
    )
    return Source(
        columns,
        places.join(rows, col(one.division_code)),
        (col(one.division_code), col(one.found_at), col(one.id)),
        sealed=sealed_person(),
    )


def _problem_ledger(asked: Asked) -> Source:
    places, columns = _problem_head(asked)
    one = LedgerProblem
    columns += [
        Column("description", "问题说明", col(one.description), width=22),
        Column("found_on", "发现日期", _day(col(one.found_at)), "day", width=11),
        Column("deadline", "整改期限", col(one.deadline), "day", width=11),
        Column("state", "状态", col(one.state), "code", codes.PROBLEM_STATES, width=10),
        Column("overdue", "是否逾期", overdue(asked.today), "flag", width=6),
    ]
    return _problem_rows(asked, places, columns)


def _rectification_ledger(asked: Asked) -> Source:
    places, columns = _problem_head(asked)
    one = LedgerProblem
    work: Any = aliased(
        Task,
        select(Task)
        .where(col(Task.problem_id) == col(one.id), col(Task.state) != literal("cancelled", Text))
        .order_by(col(Task.attempt).desc())
        .limit(1)
        .correlate(one)
        .lateral("work"),
    )
    columns += [
        Column("measure", "整改措施", work.measure, width=22),
        Column("timetable", "时间表、路线图", work.timetable, width=14),
        Column("unit", "责任单位", work.responsible_unit, width=12),
        Column("person", "责任人", work.responsible_person, width=9),
        Column("contractor", "施工单位", work.contractor, width=12),
        Column("due", "整改时限", func.coalesce(work.due_on, col(one.deadline)), "day", width=11),
        Column("cost", "预算资金(元)", work.cost_fen, "yuan", width=9),
        Column("spent", "实际支出(元)", work.actual_cost_fen, "yuan", width=9),
        Column("task_state", "整改进展", work.state, "code", TASK_STATES, width=9),
        Column("accepted_on", "验收日期", _day(col(one.accepted_at)), "day", width=11),
        Column("accepted_level", "验收层级", col(one.accepted_level), "code", ACCEPTANCE_LEVELS, width=9),
        Column("closed_on", "销号日期", _day(col(one.closed_at)), "day", width=11),
        Column("evidence", "销号依据", col(CloseOut.kind), "code", CLOSE_OUT_KINDS, width=10),
        Column("state", "状态", col(one.state), "code", codes.PROBLEM_STATES, width=9),
        Column("overdue", "是否逾期", overdue(asked.today), "flag", width=6),
    ]
    return _problem_rows(asked, places, columns, (work, true()), (CloseOut, col(CloseOut.id) == col(one.close_out_id)))


SURVEY_FORM = Dataset(
    "survey_form",
    (Permission.HOUSEHOLD_READ, Permission.VISIT_READ),
    ("household", "toilet", "visit", "division", "problem_type"),
    frozenset({"campaign_id"}),
    _survey_form,
    Household,
    is_dated=True,
    shows_persons=True,
)
PROBLEM_LEDGER = Dataset(
    "problem_ledger",
    (Permission.PROBLEM_READ, Permission.HOUSEHOLD_READ),
    PROBLEM_SUBJECTS,
    PROBLEM_FILTERS,
    _problem_ledger,
    LedgerProblem,
    is_dated=True,
    shows_persons=True,
)
RECTIFICATION_LEDGER = Dataset(
    "rectification_ledger",
    (Permission.PROBLEM_READ, Permission.TASK_READ, Permission.HOUSEHOLD_READ),
    PROBLEM_SUBJECTS,
    PROBLEM_FILTERS,
    _rectification_ledger,
    LedgerProblem,
    is_dated=True,
    shows_persons=True,
)
