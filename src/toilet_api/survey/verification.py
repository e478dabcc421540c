"""Verification upward (逐级核实): the township, then the county, verifies or returns; singly or a whole village."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller, forbidden
from toilet_api.accounts.permissions import Permission
from toilet_api.kernel.errors import INVALID, FieldError, Problem
from toilet_api.kernel.preconditions import optional_match
from toilet_api.registry.filters import scope_of
from toilet_api.registry.merging import difference
from toilet_api.survey import visit_views
from toilet_api.survey.actions import require
from toilet_api.survey.problems import VERIFIER_IS_SURVEYOR
from toilet_api.survey.records import journal_many, locked, snapshot
from toilet_api.survey.rules import VISIT
from toilet_api.survey.tables import Visit
from toilet_api.survey.visit_schemas import BulkDone, BulkRefused, BulkResult, BulkVerification
from toilet_api.survey.visits import journal_visit

PERMISSIONS = {"township": Permission.VISIT_VERIFY_TOWNSHIP, "county": Permission.VISIT_VERIFY_COUNTY}
AT_ONCE = 2000
"""Visits in one bulk request, so that one transaction never holds a whole county."""
_VERIFIED: dict[str, tuple[str, ...]] = {
    "township": ("township_verified", "county_verified"),
    "county": ("county_verified",),
}
"""States that a bulk verification leaves alone in silence: the visit is there already."""
_JOURNALED = ("state", "return_reason")


def decide(
    session: Session,
    caller: Caller,
    visit_id: UUID,
    decision: str,
    level: str | None,
    reason: str | None,
    if_match: str | None,
    now: datetime,
) -> Visit:
    """Verify or return one visit at a level.

    Raises 403 without the level's permission, `verifier_is_surveyor`, `wrong_state`, 412.
    """
    level = level or _only_level(caller)
    caller = require(session, caller, PERMISSIONS[level])
    visit = locked(session, caller, Visit, visit_id)
    optional_match(if_match, visit.version, lambda: visit_views.present(session, caller, visit))
    target = VISIT.next(visit.state, f"{decision}_{level}")
    if visit.surveyor_id == caller.id:
        raise VERIFIER_IS_SURVEYOR.problem()
    before = snapshot(visit, _JOURNALED)
    _write(visit, caller, target, level, decision, reason, now)
    journal_visit(session, visit, _action(decision, level), before, snapshot(visit, _JOURNALED), reason=reason)
    return visit


def decide_many(session: Session, caller: Caller, body: BulkVerification, english: bool, now: datetime) -> BulkResult:
    """The same for a village or township, in one transaction; each visit is checked on its own."""
    if body.decision == "return" and not body.reason:
        fault = ("退回须写明理由", "a return needs a reason")
        raise INVALID.problem(errors=[FieldError("/reason", "missing", fault)])
    caller = require(session, caller, PERMISSIONS[body.level])
    within = scope_of(session, caller, body.division_code).condition(col(Visit.division_code))
    visits, remaining = _candidates(session, body, within)
    step = f"{body.decision}_{body.level}"
    result = BulkResult(done=[], refused=[], remaining=remaining)
    entries: list[dict[str, Any]] = []
    for visit in visits:
        try:
            target = VISIT.next(visit.state, step)
            if visit.surveyor_id == caller.id:
                raise VERIFIER_IS_SURVEYOR.problem()
        except Problem as problem:
            result.refused.append(_refused(visit.id, problem, english, visit.state))
            continue
        before = snapshot(visit, _JOURNALED)
        _write(visit, caller, target, body.level, body.decision, body.reason, now)
        was, is_now = difference(before, snapshot(visit, _JOURNALED))
        entries.append(
            {
                "action": _action(body.decision, body.level),
                "subject_type": "visit",
                "subject_id": visit.id,
                "division_code": visit.division_code,
                "version": visit.version,
                "op": "update",
                "before": was,
                "after": is_now,
                "reason": body.reason,
            }
        )
        result.done.append(BulkDone(id=visit.id, state=visit.state, version=visit.version))
    session.flush()
    journal_many(session, entries)
    found = {visit.id for visit in visits}
    result.refused += [
        BulkRefused(
            id=one,
            code="not_found",
            detail="No such visit in that division" if english else "该区划内没有这条摸排记录",
            state=None,
        )
        for one in dict.fromkeys(body.visit_ids or [])
        if one not in found
    ]
    return result


def _candidates(session: Session, body: BulkVerification, within: Any) -> tuple[list[Visit], int]:
    """(the visits to decide on, locked in the order of their ids against deadlocks; how many are left)."""
    statement = select(Visit).where(within, col(Visit.removed_at).is_(None))
    if body.visit_ids is not None:
        statement = statement.where(col(Visit.id).in_(body.visit_ids))
    else:
        settled = _VERIFIED[body.level] if body.decision == "verify" else ("returned", "draft")
        statement = statement.where(col(Visit.state).not_in(settled))
    sources = _sources(f"{body.decision}_{body.level}")
    actionable = col(Visit.state).in_(sources)
    total = session.exec(select(func.count()).select_from(statement.where(actionable).subquery())).one()
    # What can be done comes first, so that visits that can't never keep the others from their turn.
    chosen = session.scalars(
        statement.with_only_columns(col(Visit.id), maintain_column_froms=True)
        .order_by(actionable.desc(), col(Visit.id))
        .limit(AT_ONCE)
    ).all()
    visits = session.exec(
        select(Visit)
        .where(col(Visit.id).in_(chosen))
        .order_by(col(Visit.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    return list(visits), max(0, total - sum(visit.state in sources for visit in visits))


def _sources(step: str) -> list[str]:
    return sorted({state for row in VISIT.steps if row.name == step for state in row.sources})


def _write(
    visit: Visit, caller: Caller, target: str, level: str, decision: str, reason: str | None, now: datetime
) -> None:
    visit.state = target
    if decision == "return":
        visit.return_reason, visit.returned_at = reason, now
        visit.township_verified_at = visit.township_verified_by = None
        visit.county_verified_at = visit.county_verified_by = None
    elif level == "township":
        visit.township_verified_at, visit.township_verified_by = now, caller.id
    else:
        visit.county_verified_at, visit.county_verified_by = now, caller.id
    visit.touch(caller.id)


def _action(decision: str, level: str) -> str:
    return f"visit.{level}_{'verified' if decision == 'verify' else 'returned'}"


def _only_level(caller: Caller) -> str:
    levels = [level for level, permission in PERMISSIONS.items() if not caller.scope_for(permission).is_empty]
    if len(levels) == 1:
        return levels[0]
    if not levels:
        raise forbidden(Permission.VISIT_VERIFY_TOWNSHIP)
    fault = ("您可在多级核实，须写明层级", "you verify at more than one level; say which")
    raise INVALID.problem(errors=[FieldError("/level", "missing", fault, expected=levels)])


def _refused(visit_id: UUID, problem: Problem, english: bool, state: str) -> BulkRefused:
    detail = problem.detail[1 if english else 0]
    return BulkRefused(id=visit_id, code=problem.type.code, detail=detail, state=state)
