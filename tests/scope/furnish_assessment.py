"""Fills the furnished database with formulas, assessments and call-ins, in each state that a step starts from."""

from datetime import timedelta
from typing import Any

from tests.scope.places import CITIES, COUNTIES, PROVINCES, TOWNSHIPS
from tests.scope.probe import Furniture
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id, now
from toilet_api.reporting.assessment.formula_schemas import Terms
from toilet_api.reporting.assessment.tables import Assessment, AssessmentFormula, AssessmentRecord, CallIn

HOLDERS = (*COUNTIES, *CITIES, *PROVINCES)
CALLED = (*TOWNSHIPS, *COUNTIES)
WHEN = now() + timedelta(days=3)


def furnish(furniture: Furniture, database: Database) -> None:
    """Written straight into the tables: how they come about has tests of its own."""
    with database.transaction(EVERYWHERE) as session:
        for place in HOLDERS:
            campaign = furniture.records["open campaign", place].id if place in COUNTIES else None
            for state in ("draft", "published"):
                formula = _formula(place, campaign, state)
                session.add(formula)
                session.flush()
                furniture.put(f"{state} formula", place, formula.id)
            for state in ("draft", "published"):
                assessment = _assessment(place, campaign, state, formula)
                session.add(assessment)
                session.flush()
                furniture.put(f"{state} assessment", place, assessment.id)
                session.add_all(
                    AssessmentRecord(
                        assessment_id=assessment.id,
                        part="close_out",
                        place_code=township,
                        counted=True,
                        division_code=township,
                        record_ids=[new_id()],
                    )
                    for township in TOWNSHIPS
                    if township.startswith(place)
                )
        for place in CALLED:
            for state in ("planned", "held"):
                call_in = _call_in(place, state)
                session.add(call_in)
                session.flush()
                furniture.put(f"{state} call-in", place, call_in.id)


def formula_body(furniture: Furniture, place: str) -> dict[str, Any]:
    """The body of a formula of a place."""
    return {"division_code": place, "name": "考核办法", "source": "测试", **_campaign(furniture, place)}


def assessment_body(furniture: Furniture, place: str) -> dict[str, Any]:
    """The body of an assessment by a place."""
    return {"division_code": place, "name": "考核", **_campaign(furniture, place)}


def place_query(furniture: Furniture, place: str, name: str = "division") -> dict[str, str]:
    """Whose assessment is asked for."""
    return {name: place, **_campaign(furniture, place)}


def _campaign(furniture: Furniture, place: str) -> dict[str, str]:
    return {"campaign_id": furniture.records["open campaign", place].id} if len(place) == 6 else {}


def _formula(place: str, campaign: Any, state: str) -> AssessmentFormula:
    published = {"number": 1, "published_at": now()} if state == "published" else {}
    return AssessmentFormula(
        division_code=place,
        campaign_id=campaign,
        name="考核办法",
        source="测试",
        state=state,
        **Terms().model_dump(mode="json"),
        **published,
    )


def _assessment(place: str, campaign: Any, state: str, formula: AssessmentFormula) -> Assessment:
    return Assessment(
        division_code=place,
        name="考核",
        formula_id=formula.id,
        campaign_ids=[campaign] if campaign else [],
        as_of=now(),
        state=state,
        parts=[],
        units=[],
        ranked=0,
        yellow=0,
        red=0,
        published_at=now() if state == "published" else None,
    )


def _call_in(place: str, state: str) -> CallIn:
    took_place: dict[str, Any] = {}
    if state == "held":
        demands = [{"text": "销号", "due_on": WHEN.date().isoformat(), "met": None, "note": None}]
        took_place = {"held_at": now(), "minutes": "纪要", "demands": demands, "due_on": WHEN.date()}
    return CallIn(
        division_code=place,
        called_by=place[:6] if len(place) == 9 else place[:4],
        state=state,
        planned_at=WHEN,
        called="负责人",
        reasons=[{"kind": None, "text": "滞后"}],
        **took_place,
    )
