"""What each figure of a report counts: one table of conditions, from which figures and their lists both come.

So that a figure is the number of rows of its list by construction, now and years later.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Integer, Uuid, and_, bindparam, func, literal, or_, select, true
from sqlmodel import Session, col

from toilet_api.kernel.codes import CodeList
from toilet_api.kernel.errors import INVALID, FieldError
from toilet_api.registry.codes import LEADERS, TOILET_GRADES, TOILET_MODES
from toilet_api.reporting.figures import Figures
from toilet_api.reporting.reports.periods import WEEKLY_RULE
from toilet_api.reporting.reports.summing import completed
from toilet_api.reporting.reports.tables import ReportedRecord
from toilet_api.survey.codes import CAUSES
from toilet_api.survey.rules import SETTLED_STATES

Condition = ColumnElement[bool]
R = ReportedRecord
UNKNOWN = "unknown"
"""The key of toilets of which the year, or who led, isn't known."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: how many rows of a type meet a condition, which may ask for the day of the draw."""

    record_type: str
    condition: Callable[[Any], Condition]

    def rows(self, day: Any) -> Condition:
        """The rows that it counts. `day`: that of the draw, a date or a column of dates."""
        return and_(col(R.record_type) == self.record_type, self.condition(day))


def _is(column: Any, *values: Any) -> Callable[[Any], Condition]:
    return lambda _: col(column).in_(values)


def _all(_: Any) -> Condition:
    return true()


def _overdue(day: Any) -> Condition:
    known = literal(day, Date) if isinstance(day, date) else day
    return and_(col(R.deadline).is_not(None), col(R.deadline) < known, col(R.state).not_in(SETTLED_STATES))


_PROBLEMS: dict[str, Callable[[Any], Condition]] = {
    "found": _all,
    "open": _is(R.state, "open"),
    "in_work": _is(R.state, "in_work"),
    "rectified": lambda _: col(R.rectified).is_(True),
    "accepted": _is(R.state, "accepted"),
    "closed": _is(R.state, "closed"),
    "dismissed": _is(R.state, "dismissed"),
    "overdue": _overdue,
    "reopened": lambda _: col(R.reopened).is_(True),
}


def _both(one: Callable[[Any], Condition], other: Callable[[Any], Condition]) -> Callable[[Any], Condition]:
    return lambda day: and_(one(day), other(day))


_COUNTED: Callable[[Any], Condition] = lambda _: col(R.counted).is_(True)  # noqa: E731 - one of a row of conditions
_STANDING: Callable[[Any], Condition] = lambda _: col(R.dwelling_state) != "demolished"  # noqa: E731
SCALARS: dict[str, Figure] = {
    "registry.households": Figure("household", _all),
    "registry.occupied": Figure("household", _is(R.dwelling_state, "occupied")),
    "registry.vacant": Figure("household", _is(R.dwelling_state, "vacant")),
    "registry.demolished": Figure("household", _is(R.dwelling_state, "demolished")),
    "registry.toilets": Figure("toilet", _all),
    "registry.counted": Figure("toilet", _COUNTED),
    "registry.sanitary": Figure("toilet", _both(_COUNTED, _is(R.grade, "harmless", "sanitary"))),
    "registry.harmless": Figure("toilet", _both(_COUNTED, _is(R.grade, "harmless"))),
    "registry.base": Figure("household", _STANDING),
    "survey.households": Figure("household", _all),
    "survey.surveyed": Figure("household", lambda _: col(R.survey_level).is_not(None)),
    "survey.township_verified": Figure("household", _is(R.survey_level, "township_verified", "county_verified")),
    "survey.county_verified": Figure("household", _is(R.survey_level, "county_verified")),
    "survey.returned": Figure("household", _is(R.survey_level, "returned")),
    **{f"problems.{name}": Figure("problem", one) for name, one in _PROBLEMS.items()},
    **{
        f"{problem_class}_problems.{name}": Figure("problem", _both(_is(R.problem_class, problem_class), one))
        for problem_class in ("toilet", "work")
        for name, one in _PROBLEMS.items()
    },
    "problem_toilets.total": Figure("problem_toilet", _all),
    **{
        f"problem_toilets.{state}": Figure("problem_toilet", _is(R.state, state))
        for state in ("open", "in_work", "accepted", "closed")
    },
}
"""The figures that stand alone, by their path in `Figures`. Coverage is a quotient of two of them and has no list."""


@dataclass(frozen=True, slots=True)
class Group:
    """Figures by the value of a column: `by_mode.three_compartment.counted`."""

    key: str
    column: Any
    members: Mapping[str, Figure]
    codes: CodeList | None = None

    def holds(self, value: Any) -> Condition:
        """A row of this value; None: it isn't known."""
        return col(self.column).is_(None) if value is None else col(self.column) == value


_TOILETS = {"toilets": Figure("toilet", _all), "counted": Figure("toilet", _COUNTED)}
GROUPS: dict[str, Group] = {
    "by_cause": Group("cause", R.cause, {name: Figure("problem", one) for name, one in _PROBLEMS.items()}, CAUSES),
    "by_mode": Group("mode", R.mode, _TOILETS, TOILET_MODES),
    "by_grade": Group("grade", R.grade, _TOILETS, TOILET_GRADES),
    "by_year": Group("built_year", R.built_year, _TOILETS),
    "by_leader": Group("led_by", R.led_by, _TOILETS, LEADERS),
}


def _paths_of(name: str, group: Group) -> str:
    keys = "[0-9]{4}" if group.codes is None else "|".join(code.code for code in group.codes)
    members = [*group.members, *(("problem_toilets",) if name == "by_cause" else ())]
    return rf"{name}\.({keys}|{UNKNOWN})\.({'|'.join(members)})"


PATHS = "|".join([*(path.replace(".", r"\.") for path in SCALARS), *(_paths_of(*one) for one in GROUPS.items())])
"""The pattern of every path that `figure` knows."""


def figure(path: str) -> Figure:
    """The figure of a path. Raises 422 for one that isn't there."""
    found = SCALARS.get(path) or _of_group(path)
    if found is None:
        fault = ("没有这个指标，或该指标是比率、没有清单", "no such figure, or a share, which has no list")
        shown = ["problems.overdue", "survey.surveyed", "by_cause.small_defect.open", "by_mode.double_urn.counted"]
        raise INVALID.problem(errors=[FieldError("/query/figure", "unknown_figure", fault, path, shown, WEEKLY_RULE)])
    return found


def _of_group(path: str) -> Figure | None:
    parts = path.split(".")
    if len(parts) != 3 or parts[0] not in GROUPS:
        return None
    name, key, member = parts
    group = GROUPS[name]
    if group.codes is not None and key != UNKNOWN and key not in group.codes:
        return None
    if name == "by_cause" and member == "problem_toilets":
        return Figure("problem_toilet", lambda _: literal(key) == func.any(col(R.causes)))
    if member not in group.members:
        return None
    if group.codes is None and key != UNKNOWN and not (key.isascii() and key.isdigit() and len(key) == 4):
        return None
    value = None if key == UNKNOWN else key if group.codes is not None else int(key)
    return Figure(
        group.members[member].record_type, _both(lambda _: group.holds(value), group.members[member].condition)
    )


def of_draw(chain_id: Any, draw: Any) -> Condition:
    """The rows of one draw of a chain."""
    return and_(
        col(R.chain_id) == chain_id,
        col(R.draw_from) <= draw,
        or_(col(R.draw_to).is_(None), col(R.draw_to) > draw),
    )


_DRAW = of_draw(bindparam("chain", type_=Uuid), bindparam("draw", type_=Integer))
_DAY: Any = bindparam("day", type_=Date)


# Composed once: that takes longer than asking.
_SCALARS: Any = select(*(func.count().filter(one.rows(_DAY)).label(path) for path, one in SCALARS.items())).where(_DRAW)
_GROUPED: dict[str, Any] = {
    name: select(
        col(group.column).label(group.key),
        *(func.count().filter(one.rows(_DAY)).label(member) for member, one in group.members.items()),
    )
    .where(_DRAW, col(R.record_type).in_({one.record_type for one in group.members.values()}))
    .group_by(col(group.column))
    for name, group in GROUPS.items()
}
_CAUSE = func.unnest(col(R.causes)).label("cause")
_PROBLEM_TOILETS: Any = (
    select(_CAUSE, func.count()).where(_DRAW, col(R.record_type) == "problem_toilet").group_by(_CAUSE)
)


def count(session: Session, chain_id: UUID, draw: int, day: date) -> Figures:
    """The figures of one draw of a township, counted from its stored rows."""
    connection, given = session.connection(), {"chain": chain_id, "draw": draw, "day": day}
    document: dict[str, Any] = {}
    for path, number in connection.execute(_SCALARS, given).mappings().one().items():
        part, _, name = path.partition(".")
        document.setdefault(part, {})[name] = number
    for name, statement in _GROUPED.items():
        document[name] = [dict(row) for row in connection.execute(statement, given).mappings()]
    toilets = dict(connection.execute(_PROBLEM_TOILETS, given).all())
    for one in document["by_cause"]:
        one["problem_toilets"] = toilets.get(one["cause"], 0)
    return completed(document)
