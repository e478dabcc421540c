"""The facts of an assessment, all of one moment: `session` must be a snapshot that sees what its level sees."""

from collections.abc import Collection

from sqlalchemy import union_all
from sqlmodel import Session

from toilet_api.reporting.assessment.measures import MEASURES, Asked, totals
from toilet_api.reporting.assessment.scoring import FALSIFICATION, Facts
from toilet_api.reporting.assessment.shrinkage import Count
from toilet_api.reporting.figures import Figures
from toilet_api.reporting.statistics.reading import figures

SUMMED = ("completeness", "close_out")
"""Parts that the live statistics have summed up already; `measures` lists the records behind them."""


def facts_of(session: Session, units: Collection[str], asked: Asked) -> dict[str, Facts]:
    """Code -> what was counted there, for each of `units`."""
    counted = [totals(part, asked) for part in MEASURES if part not in SUMMED]
    found: dict[str, dict[str, Count]] = {}
    for part, code, x, n in session.connection().execute(union_all(*counted)):
        found.setdefault(code, {})[part] = Count(x, n)
    summed = figures(session, sorted(units), asked.campaigns, asked.today)
    return {code: _facts(found.get(code, {}), summed[code]) for code in units}


def _facts(counts: dict[str, Count], summed: Figures) -> Facts:
    survey, problems = summed.survey, summed.problems
    live = problems.found - problems.dismissed
    return Facts(
        {
            "completeness": Count(survey.surveyed - survey.returned, survey.households),
            "close_out": Count(problems.closed, live),
            **{part: count for part, count in counts.items() if part != FALSIFICATION},
        },
        falsifications=counts.get(FALSIFICATION, Count()).n,
        live=live,
        overdue=problems.overdue,
    )
