"""Drawing an assessment: the facts of one moment, the formula, the result. Nothing is stored here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from toilet_api.kernel.database import Database
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.reporting.assessment import formulas
from toilet_api.reporting.assessment.formula_schemas import Terms
from toilet_api.reporting.assessment.freezing import freeze
from toilet_api.reporting.assessment.measures import Asked
from toilet_api.reporting.assessment.measuring import facts_of
from toilet_api.reporting.assessment.places import campaigns_of, units_of
from toilet_api.reporting.assessment.results import Frame, result_of
from toilet_api.reporting.assessment.schemas import Result
from toilet_api.reporting.assessment.scoring import Facts, assess
from toilet_api.reporting.assessment.tables import Assessment, AssessmentFormula


@dataclass(frozen=True, slots=True)
class Drawn:
    """The facts that stood at a moment, and the formula that was in force."""

    formula_id: UUID | None
    terms: Terms
    facts: dict[str, Facts]
    frame: Frame

    def result(self) -> Result:
        """The assessment by the formula."""
        method = self.terms.method()
        return result_of(assess(method, self.facts), method, self.frame)


_COVERED = text(
    "select :holder ^@ any(cast(nullif(current_setting('toilet.scope', true), '') as text[])) is true as covered"
)


def draw(
    session: Session,
    database: Database,
    holder: str,
    campaign_id: UUID | None,
    now: datetime,
    formula_id: UUID | None = None,
    corrects_id: UUID | None = None,
    keep_as: UUID | None = None,
) -> Drawn:
    """The facts of the divisions below `holder`, in one snapshot that sees what `holder` sees, whoever asks.

    So a ranking doesn't depend on who draws it: checks of levels above, which aren't announced below, never count.
    `formula_id`: instead of the one in force. `keep_as`: the assessment that is to be stored; its records are kept in
    the caller's transaction, and the facts counted from those. The holder and its campaign have been checked.
    The snapshot opens a scope of its own, so the caller's transaction, `session`, must cover the holder. Raises 404,
    `no_campaign_to_assess`.
    """
    if not session.connection().execute(_COVERED, {"holder": holder}).scalar_one():
        raise NOT_FOUND.problem()
    with database.snapshot((holder,)) as snapshot:
        campaigns = campaigns_of(snapshot, holder, campaign_id)
        if formula_id is None:
            formula = formulas.in_force(snapshot, holder, campaign_id)
        else:
            formula = snapshot.get(AssessmentFormula, formula_id)
        names = units_of(snapshot, holder)
        asked = Asked(list(campaigns), now, holder)
        facts = {} if keep_as else facts_of(snapshot, names, asked)
        before = _published_before(snapshot, holder, campaign_id, corrects_id)
        frame = Frame(holder, names, campaigns, now, before, keep_as)
        terms = formulas.terms_of(formula)
    if keep_as:
        facts = freeze(session, keep_as, names, asked)
    return Drawn(formula.id if formula else None, terms, facts, frame)


def _published_before(
    session: Session, holder: str, campaign_id: UUID | None, corrects_id: UUID | None
) -> Sequence[dict[str, Any]]:
    """The lines of the latest published assessment of the same, but for the one that is being corrected."""
    statement = select(Assessment.units).where(
        Assessment.division_code == holder, Assessment.state == "published", col(Assessment.removed_at).is_(None)
    )
    if campaign_id is not None:
        statement = statement.where(col(Assessment.campaign_ids).contains([campaign_id]))
    if corrects_id is not None:
        statement = statement.where(Assessment.id != corrects_id)
    latest = statement.order_by(col(Assessment.as_of).desc(), col(Assessment.id).desc()).limit(1)
    return session.exec(latest).one_or_none() or []
