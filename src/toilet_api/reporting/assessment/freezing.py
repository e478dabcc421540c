"""The records of an assessment as they stand when it is drawn, kept so that what it counted can be listed for good.

Ids alone are kept, by part, place and whether they counted; nothing of a person is.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, Uuid, cast, func, insert, literal, select, union_all
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlmodel import Session, col

from toilet_api.kernel.scope import Scope, prefix_range
from toilet_api.oversight.tables import SampleUnit
from toilet_api.reporting.assessment.measures import MEASURES, Asked, overdue
from toilet_api.reporting.assessment.places import width_below
from toilet_api.reporting.assessment.scoring import FALSIFICATION, Facts
from toilet_api.reporting.assessment.shrinkage import Count
from toilet_api.reporting.assessment.tables import AssessmentRecord

R = AssessmentRecord
_OVERDUE = "overdue"


def freeze(session: Session, assessment_id: UUID, units: Collection[str], asked: Asked) -> dict[str, Facts]:
    """Keep the records of every part, and answer what they come to: code -> facts, for each of `units`.

    One statement reads, keeps and counts, so lists and figures are of one moment. `session` must see what
    `asked.held_by` sees. The assessment itself must be stored before the transaction ends.
    """
    behind = union_all(*(_behind(part, asked) for part in MEASURES)).cte("behind")
    grouped = select(
        literal(assessment_id, Uuid),
        behind.c.part,
        behind.c.division_code,
        behind.c.counted,
        behind.c.division_code,
        func.array_agg(aggregate_order_by(behind.c.id, behind.c.id)),
    ).group_by(behind.c.part, behind.c.division_code, behind.c.counted)
    kept = (
        insert(R)
        .from_select(["assessment_id", "part", "place_code", "counted", "division_code", "record_ids"], grouped)
        .returning(col(R.part), col(R.place_code), col(R.counted), func.cardinality(col(R.record_ids)).label("n"))
        .cte("kept")
    )
    width = width_below(asked.held_by)
    code = func.left(kept.c.place_code, width).label("code")
    sums = select(
        kept.c.part,
        code,
        func.coalesce(func.sum(kept.c.n).filter(kept.c.counted), 0),
        func.sum(kept.c.n),
    ).group_by(kept.c.part, code)
    late = overdue(asked).subquery("late")
    late_code = func.left(late.c.division_code, width)
    past = select(cast(literal(_OVERDUE), Text), late_code, func.count(), func.count()).group_by(late_code)
    found: dict[str, dict[str, Count]] = {}
    for part, place, x, n in session.connection().execute(union_all(sums, past)):
        found.setdefault(place, {})[part] = Count(int(x), int(n))
    return {unit: _facts(found.get(unit, {})) for unit in units}


def _behind(part: str, asked: Asked) -> Select[Any]:
    rows = MEASURES[part].build(asked).subquery(part)
    return select(
        cast(literal(part), Text).label("part"),
        rows.c.id,
        rows.c.division_code,
        rows.c.counted,
    ).where(prefix_range(rows.c.division_code, asked.held_by))


def _facts(counts: dict[str, Count]) -> Facts:
    always = {"completeness": Count(), "close_out": Count()}  # as in `measuring`
    rates = {part: count for part, count in counts.items() if part not in (FALSIFICATION, _OVERDUE)}
    return Facts(
        always | rates,
        falsifications=counts.get(FALSIFICATION, Count()).n,
        live=counts.get("close_out", Count()).n,
        overdue=counts.get(_OVERDUE, Count()).n,
    )


def kept_select(assessment_id: UUID, part: str, scope: Scope) -> Select[Any]:
    """The members of `AssessmentRecordRow`: the records behind a part as they stood, of places inside of `scope`."""
    rows = select(
        func.unnest(col(R.record_ids), type_=Uuid).label("id"), col(R.place_code).label("place_code"), col(R.counted)
    ).where(col(R.assessment_id) == assessment_id, col(R.part) == part)
    kept = scope.narrow(rows, col(R.division_code)).subquery("kept")
    measure = MEASURES[part]
    columns = [
        kept.c.id,
        cast(literal(measure.record_type), Text).label("record_type"),
        kept.c.place_code.label("division_code"),
        kept.c.counted,
    ]
    if measure.record_type != "sample_unit":
        return select(*columns, _href(measure.kind, kept.c.id))
    # A unit is shown with the others of its sample.
    unit = SampleUnit
    href = func.concat("/api/v1/samples/", col(unit.sample_id), "/units?division=", col(unit.division_code), type_=Text)
    return select(*columns, href.label("href")).join(unit, col(unit.id) == kept.c.id)


def _href(kind: str, record_id: Any) -> ColumnElement[str]:
    return func.concat(f"/api/v1/{kind}/", record_id, type_=Text).label("href")
