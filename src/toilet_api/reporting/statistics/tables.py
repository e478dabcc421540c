"""Cross-tables: one subject counted by up to two of its dimensions, filtered by any."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from toilet_api.kernel.codes import CodeList
from toilet_api.rectification.codes import TASK_PATHS, TASK_STATES
from toilet_api.registry.codes import DWELLING_STATES, LEADERS, TOILET_GRADES, TOILET_MODES
from toilet_api.registry.rules import GRADE_OF_MODE
from toilet_api.reporting.statistics.reading import NOWHERE
from toilet_api.survey.codes import CAUSES, PROBLEM_CLASSES, PROBLEM_STATES, VISIT_STATES

_GRADES = "case k1 " + " ".join(f"when '{mode}' then '{grade}'" for mode, grade in GRADE_OF_MODE.items()) + " end"
_PAST = "case when k6 <> '' and k6 < :today then 'true' else 'false' end"


def _type(key: str) -> str:
    """The code of a problem type that is kept by its id."""
    return f"(select code from problem_type where id = cast({key} as uuid))"


def _flag(key: str) -> str:
    return f"case {key} when '1' then 'true' else 'false' end"


def _codes(codes: CodeList, *never: str) -> tuple[str, ...]:
    """The codes of a list, without those that are never counted."""
    return tuple(code.code for code in codes if code.code not in never)


UNKNOWN = ""
"""The value of what is not known."""
FLAGS = ("true", "false")


@dataclass(frozen=True, slots=True)
class Dimension:
    """What a subject can be told apart by: the SQL of its value, the keys that this needs, and the values it has.

    `values` is None where they aren't a list of codes: years, and the types of the catalogue.
    """

    value: str
    keys: frozenset[int]
    values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What is counted: the view that keeps all of its keys, smaller views, and its dimensions."""

    zh: str
    en: str
    view: str
    dimensions: Mapping[str, Dimension]
    views: tuple[tuple[str, frozenset[int]], ...] = ()
    """Smaller views with the keys that they keep, smallest first; villages have none of them."""
    condition: str = "true"


def _of(**keys: tuple[str, int, tuple[str, ...] | None]) -> dict[str, Dimension]:
    return {name: Dimension(value, frozenset({key}), values) for name, (value, key, values) in keys.items()}


SUBJECTS: dict[str, Subject] = {
    "households": Subject("农户", "Households", "household", _of(dwelling_state=("k1", 1, _codes(DWELLING_STATES)))),
    "toilets": Subject(
        "户厕（不含“无厕”）",
        "Toilets, without the mode `none`",
        "toilet",
        _of(
            mode=("k1", 1, _codes(TOILET_MODES, "none")),
            grade=(_GRADES, 1, _codes(TOILET_GRADES, "none")),
            built_year=("k2", 2, None),
            led_by=("k3", 3, (*_codes(LEADERS), UNKNOWN)),
            counted=(_flag("k4"), 4, FLAGS),
        ),
        (
            ("toilet.leader", frozenset({3, 4})),
            ("toilet.mode", frozenset({1, 4})),
            ("toilet.year", frozenset({2, 4})),
            ("toilet.mode_leader", frozenset({1, 3, 4})),
            ("toilet.year_leader", frozenset({2, 3, 4})),
            ("toilet.mode_year", frozenset({1, 2, 4})),
        ),
        "k1 <> 'none'",
    ),
    "visits": Subject(
        "已提交的摸排", "Visits that were submitted", "visit", _of(state=("k1", 1, _codes(VISIT_STATES, "draft")))
    ),
    "surveyed_households": Subject(
        "已摸排农户", "Households surveyed", "survey", _of(level=("k1", 1, _codes(VISIT_STATES, "draft")))
    ),
    "problems": Subject(
        "台账问题",
        "Problems of the ledger",
        "problem",
        _of(
            problem_class=("k1", 1, _codes(PROBLEM_CLASSES)),
            cause=("k2", 2, _codes(CAUSES)),
            type=(_type("k3"), 3, None),
            state=("k4", 4, _codes(PROBLEM_STATES)),
            reopened=(_flag("k5"), 5, FLAGS),
            overdue=(_PAST, 6, FLAGS),
        ),
        (("problem.cause", frozenset({1, 2, 4, 5})),),
    ),
    "problem_toilets": Subject(
        "问题厕所",
        "Toilets with problems that are not dismissed, each at its least advanced one",
        "problem_toilet",
        {
            "cause": Dimension("k2", frozenset({1, 2}), _codes(CAUSES)),
            "type": Dimension(f"case k1 when 'type' then {_type('k2')} end", frozenset({1, 2})),
            "state": Dimension("k3", frozenset({3}), _codes(PROBLEM_STATES, "dismissed")),
        },
    ),
    "tasks": Subject(
        "整改任务",
        "Rectification tasks",
        "task",
        _of(
            state=("k1", 1, _codes(TASK_STATES)),
            path=("k2", 2, _codes(TASK_PATHS)),
            redone=(_flag("k3"), 3, FLAGS),
        ),
    ),
}
DIVISION = "division"
"""The dimension that every subject has: the divisions directly below."""

_COUNT = """
    with part as materialized (
        select * from unnest(cast(:groups as text[]), cast(:codes as text[])) as part (place, code)
    ),
    found as (
        select place, cell.key, cell.n
        from part join statistic_sum on division_code = code cross join lateral unnest(keys, counts) as cell (key, n)
        where view = case when length(code) = 12 then :whole else :view end and campaign_id = any(:campaigns)
        union all
        select place, key, n from part join statistic_delta on division_code >= code and division_code < code || ':'
        where subject = :whole and campaign_id = any(:campaigns)
    ),
    cells as (
        select place, {parts}, n
        from (select place, key, sum(n) as n from found group by place, key having sum(n) <> 0) as summed
    )
    select {values}, cast(sum(n) as bigint) from cells where {condition}
    group by {places} having sum(n) <> 0 order by {places}
"""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a subject. `filters`: dimension -> the values that count ('' for what is not known)."""

    subject: str
    group_by: tuple[str, ...]
    filters: Mapping[str, Collection[str]]

    def asks_for(self) -> set[str]:
        """The dimensions it needs, without `division`."""
        return ({*self.group_by} | {*self.filters}) - {DIVISION}


def unknown_dimensions(question: Question) -> list[str]:
    """Those that the subject doesn't have."""
    return sorted(question.asks_for() - SUBJECTS[question.subject].dimensions.keys())


def count(
    session: Session,
    question: Question,
    places: Mapping[str, Sequence[str]],
    campaigns: Collection[UUID],
    today: date,
) -> list[tuple[list[str | None], int]]:
    """The values of each dimension in `group_by`, with how many there are; combinations of none are left out.

    `places` are name -> codes: one for the whole, or each division below. Unknown values are None, and come first.
    """
    subject = SUBJECTS[question.subject]
    asked = question.asks_for()
    conditions = [subject.condition]
    if question.subject == "problem_toilets":
        aspect = next((one for one in ("cause", "type") if one in asked), "all")
        conditions.append(f"k1 = '{aspect}'")
    values: dict[str, Any] = {}
    for dimension, wanted in question.filters.items():
        conditions.append(f"{subject.dimensions[dimension].value} = any(:only_{dimension})")
        values[f"only_{dimension}"] = list(wanted)
    exprs = ["place" if one == DIVISION else subject.dimensions[one].value for one in question.group_by]
    numbers = ", ".join(str(number) for number in range(1, len(exprs) + 1))
    statement = _COUNT.format(
        parts=", ".join(f"split_part(key, '|', {part}) as k{part}" for part in range(1, 7)),
        values=", ".join(exprs) or "''",
        condition=" and ".join(conditions),
        places=numbers or "1",
    )
    pairs = [(name, code) for name, codes in places.items() for code in codes]
    rows = session.connection().execute(
        text(statement),
        {
            "groups": [name for name, _ in pairs],
            "codes": [code for _, code in pairs],
            "whole": subject.view,
            "view": _smallest(subject, asked),
            "campaigns": [NOWHERE, *campaigns],
            **({"today": today.isoformat()} if ":today" in statement else {}),
            **values,
        },
    )
    width = len(exprs)
    return [([value or None for value in row[:width]], row[-1]) for row in rows]


def _smallest(subject: Subject, asked: Collection[str]) -> str:
    """The smallest view that keeps what is asked for."""
    needed = frozenset[int]().union(*(subject.dimensions[one].keys for one in asked))
    return next((view for view, kept in subject.views if needed <= kept), subject.view)


__all__ = ["DIVISION", "SUBJECTS", "UNKNOWN", "Dimension", "Question", "count", "unknown_dimensions"]
