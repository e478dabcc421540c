"""Another weighting, beside the published formula: who would stand where. Nothing is stored."""

from datetime import datetime

from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.kernel.database import Database
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.reporting.assessment import assessments, formulas
from toilet_api.reporting.assessment.answers import shown
from toilet_api.reporting.assessment.drawing import Drawn
from toilet_api.reporting.assessment.formula_schemas import Terms
from toilet_api.reporting.assessment.results import Frame, facts_from, pooled_parts
from toilet_api.reporting.assessment.schemas import SimulatedUnit, Simulation, SimulationOut
from toilet_api.reporting.assessment.scoring import assess
from toilet_api.reporting.assessment.tables import Assessment, AssessmentFormula


def simulate(session: Session, database: Database, caller: Caller, body: Simulation, now: datetime) -> SimulationOut:
    """The ranks under both weightings: of a frozen assessment, which whoever may read it may try, or of now."""
    drawn = _frozen(session, caller, body) if body.assessment_id else _live(session, database, caller, body, now)
    method, other = drawn.terms.method(), _other(drawn.terms, body).method()
    published, simulated = assess(method, drawn.facts), assess(other, drawn.facts)
    units = []
    for code, unit in simulated.units.items():
        known = published.units[code]
        moved = None if known.rank is None or unit.rank is None else known.rank - unit.rank
        units.append(
            SimulatedUnit(
                division_code=code,
                name=drawn.frame.names.get(code),
                rank=known.rank,
                score=known.score,
                simulated_rank=unit.rank,
                simulated_score=unit.score,
                moved=moved,
            )
        )
    units.sort(key=lambda one: (one.simulated_rank is None, one.simulated_rank, one.division_code))
    return SimulationOut(
        formula_id=drawn.formula_id,
        assessment_id=body.assessment_id,
        as_of=drawn.frame.as_of,
        weights=drawn.terms.weights,
        simulated_weights=body.weights,
        parts=pooled_parts(simulated, other),
        units=units,
    )


def _other(terms: Terms, body: Simulation) -> Terms:
    return Terms(
        weights=body.weights,
        shrinkage=body.shrinkage or terms.shrinkage,
        falsification_points=body.falsification_points or terms.falsification_points,
        lists=terms.lists,
    )


def _live(session: Session, database: Database, caller: Caller, body: Simulation, now: datetime) -> Drawn:
    if body.division_code is None:  # the schema holds that
        raise NOT_FOUND.problem()
    return assessments.live(
        session, database, caller, body.division_code, body.campaign_id, now, pointer="/campaign_id"
    )


def _frozen(session: Session, caller: Caller, body: Simulation) -> Drawn:
    row = shown(session, caller, Assessment, body.assessment_id)
    formula = session.get(AssessmentFormula, row.formula_id)
    names = {line["division_code"]: line["name"] for line in row.units}
    frame = Frame(row.division_code, names, {}, row.as_of)
    return Drawn(row.formula_id, formulas.terms_of(formula), facts_from(row.units), frame)
