"""Checks on site (现场核查): one result for each selected record; a failed one reopens its problem."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import literal, select
from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.divisions import lookup
from toilet_api.kernel.errors import INVALID, NOT_FOUND, FieldError, Problem
from toilet_api.oversight import falsifications
from toilet_api.oversight.problems import ALREADY_CHECKED, CHECKER_SIGNED, UNIT_NOT_SELECTED
from toilet_api.oversight.rules import ASPECT_RULE, ASPECTS, SAMPLE, CheckFacts, check_faults
from toilet_api.oversight.sample_views import present_unit
from toilet_api.oversight.samples import journal_sample
from toilet_api.oversight.signatories import signed_by
from toilet_api.oversight.tables import Sample, SampleUnit
from toilet_api.oversight.unit_schemas import Check
from toilet_api.rectification.holding import held_problems
from toilet_api.survey import attachments
from toilet_api.survey.ledger import reopen_held
from toilet_api.survey.problems import ALREADY_IN_LEDGER
from toilet_api.survey.records import existing, locked
from toilet_api.survey.tables import LedgerProblem

_JOURNALED = (
    "result",
    *ASPECTS,
    "household_satisfaction",
    "note",
    "photo_ids",
    "checked_at",
    "checked_by",
    "checked_by_name",
)


def check(session: Session, caller: Caller, sample_id: UUID, unit_id: UUID, body: Check, now: datetime) -> SampleUnit:
    """Record the result of a selected record. A recheck replaces it, with a reason; the journal keeps the earlier.
    What was reopened stays open then, but falsification that was recorded with it is withdrawn.

    A failed one reopens its problem, unless that isn't closed any more, or its type is live there again already.
    Raises `wrong_state`, `unit_not_selected`, `checker_signed`, `already_checked`, 422 for what contradicts itself.
    """
    existing(session, caller, Sample, sample_id)
    place = _unit(session, caller, sample_id, unit_id).division_code
    lookup.resolve_for_write(session, place, None)  # falsification is recorded there; no merge moves it meanwhile
    sample = locked(session, caller, Sample, sample_id)
    unit = _unit(session, caller, sample_id, unit_id)
    problem = held_problems(session, [unit.problem_id]).get(unit.problem_id)
    if problem is None:
        raise NOT_FOUND.problem()
    session.refresh(unit, with_for_update=True)
    SAMPLE.next(sample.state, "check")
    if not unit.selected:
        raise UNIT_NOT_SELECTED.problem()
    if session.scalar(select(signed_by(caller.id, literal(problem.id)))):
        raise CHECKER_SIGNED.problem()
    if unit.result is not None and not body.recheck:
        raise ALREADY_CHECKED.problem(current=present_unit(session, caller, unit).model_dump(mode="json"))
    _require_sense(unit, body)
    attachments.check(session, body.photo_ids, "photo", problem.division_code, "/photo_ids", problem.household_id)
    before = _content(unit)
    _write(unit, caller, body, now)
    if body.falsification is not None:
        falsifications.record(session, caller, sample, unit, problem, body.falsification)
    if before["result"] == "failed" and body.result != "failed":
        falsifications.withdraw_with_check(session, caller, unit.id, body.reason or "", now)
    reopened = body.result == "failed" and _reopen(session, problem, caller, body.note or "", now)
    sample.touch(caller.id)
    session.flush()
    journal_sample(
        session,
        sample,
        "sample.unit_rechecked" if before["result"] else "sample.unit_checked",
        {"unit_id": None, "problem_id": None, "reopened": None, **before},
        {"unit_id": unit.id, "problem_id": problem.id, "reopened": reopened, **_content(unit)},
        reason=body.reason,
    )
    return unit


def _unit(session: Session, caller: Caller, sample_id: UUID, unit_id: UUID) -> SampleUnit:
    unit = session.get(SampleUnit, unit_id, populate_existing=True)
    if unit is None or unit.sample_id != sample_id or not caller.scope.covers(unit.division_code):
        raise NOT_FOUND.problem()
    return unit


def _require_sense(unit: SampleUnit, body: Check) -> None:
    facts = CheckFacts(
        result=body.result,
        aspects={name: getattr(body, name) for name in ASPECTS},
        has_note=bool(body.note),
        accuses=body.falsification is not None,
    )
    faults = check_faults(facts)
    if body.recheck and unit.result is None:
        fault = ("该记录尚无结论，不必更正", "there is no result to correct yet")
        faults.append(FieldError("/recheck", "not_checked", fault, rule=ASPECT_RULE))
    if body.recheck and not body.reason:
        fault = ("更正结论须写明理由", "a recheck needs a reason")
        faults.append(FieldError("/reason", "missing", fault, rule=ASPECT_RULE))
    if faults:
        raise INVALID.problem(errors=faults)


def _write(unit: SampleUnit, caller: Caller, body: Check, now: datetime) -> None:
    unit.result, unit.note, unit.photo_ids = body.result, body.note, body.photo_ids
    for name in ASPECTS:
        setattr(unit, name, getattr(body, name))
    unit.household_satisfaction = body.household_satisfaction
    unit.checked_at, unit.checked_by, unit.checked_by_name = now, caller.id, caller.display_name


def _reopen(session: Session, problem: LedgerProblem, caller: Caller, note: str, now: datetime) -> bool:
    """Whether the problem was reopened by this check."""
    if problem.state != "closed":
        return False
    try:
        reopen_held(session, problem, caller.id, note, now)
    except Problem as refused:
        if refused.type is not ALREADY_IN_LEDGER:
            raise
        return False
    return True


def _content(unit: SampleUnit) -> dict[str, Any]:
    return {name: getattr(unit, name) for name in _JOURNALED}
