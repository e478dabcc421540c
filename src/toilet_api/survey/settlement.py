"""What a submitted visit does to the ledger: a finding opens a problem, a withdrawn one dismisses it.

Idempotent: submitting again after a return changes nothing that is settled already. A type that is live for the same
toilet is linked, never opened twice (unique index `problem_live`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from toilet_api.kernel import journal
from toilet_api.kernel.errors import UNAVAILABLE
from toilet_api.kernel.fields import new_id
from toilet_api.registry.merging import difference
from toilet_api.registry.uniqueness import CollisionError, guarded
from toilet_api.survey.ledger_events import tell_dismissed, tell_reopened
from toilet_api.survey.records import snapshot
from toilet_api.survey.rules import SETTLED_STATES, deadline
from toilet_api.survey.tables import Campaign, CatalogueType, Finding, LedgerProblem, Visit

CONTENT = (
    "problem_class",
    "cause",
    "state",
    "deadline",
    "description",
    "photo_ids",
    "found_at",
    "visit_id",
    "toilet_id",
    "dismissal",
    "dismissed_reason",
    "deadline_source",
    "task_id",
    "accepted_at",
    "accepted_level",
    "closed_at",
    "close_out_id",
    "reopenings",
    "reopen_reason",
)
_ATTEMPTS = 3


def settle(
    session: Session, visit: Visit, campaign: Campaign, by: UUID, now: datetime, reason: str | None = None
) -> None:
    """Bring the ledger in line with the findings of a visit that is being submitted. `reason` is the correction's."""
    findings = session.exec(select(Finding).where(Finding.visit_id == visit.id).order_by(col(Finding.type_id))).all()
    _hold(session, visit, [one.problem_id for one in findings if one.problem_id is not None])
    for finding in findings:
        earlier = _held(session, finding.problem_id)
        moved = earlier is not None and earlier.toilet_id != visit.toilet_id
        if earlier is not None and (moved or finding.withdrawn_at is not None):
            _withdraw(session, finding, earlier, by, now, reason)
            if moved:
                finding.problem_id, earlier = None, None
        if finding.withdrawn_at is not None:
            continue
        if earlier is None:
            finding.problem_id = _open(session, visit, finding, campaign, by)
        elif earlier.state == "dismissed" and earlier.dismissal == "withdrawn":
            finding.problem_id = _bring_back(session, visit, finding, earlier, by, now)
    session.flush()


def _hold(session: Session, visit: Visit, known: Sequence[UUID]) -> None:
    """Hold what the visit's findings may come upon, before the ledger is written, as who works on a problem does first.

    Otherwise a step on one of them could wait for what the visit has opened at its toilet, and the visit for that step.
    """
    live = and_(col(LedgerProblem.household_id) == visit.household_id, col(LedgerProblem.state).not_in(SETTLED_STATES))
    session.exec(
        select(LedgerProblem.id)
        .where(or_(live, col(LedgerProblem.id).in_(known)), col(LedgerProblem.removed_at).is_(None))
        .order_by(col(LedgerProblem.id))
        .with_for_update()
    ).all()


def _held(session: Session, problem_id: UUID | None) -> LedgerProblem | None:
    if problem_id is None:
        return None
    return session.exec(
        select(LedgerProblem)
        .where(LedgerProblem.id == problem_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def _open(session: Session, visit: Visit, finding: Finding, campaign: Campaign, by: UUID) -> UUID:
    kind = session.get_one(CatalogueType, finding.type_id)
    for _ in range(_ATTEMPTS):
        row = LedgerProblem(
            id=new_id(),
            division_code=visit.division_code,
            campaign_id=campaign.id,
            problem_class=kind.problem_class,
            type_id=kind.id,
            cause=kind.cause,
            visit_id=visit.id,
            household_id=visit.household_id,
            toilet_id=visit.toilet_id,
            description=finding.note,
            photo_ids=finding.photo_ids,
            found_at=visit.visited_at,
            deadline=deadline(campaign.deadline_rules, kind.cause, visit.visited_at),
            created_by=by,
            updated_by=by,
        )
        made = session.connection().execute(
            insert(LedgerProblem).values(**row.model_dump()).on_conflict_do_nothing().returning(col(LedgerProblem.id))
        )
        if made.one_or_none() is not None:
            journal_problem(session, row, "problem.opened", None, op="create")
            return row.id
        live = _live(session, visit, kind.id)
        if live is not None:
            return live
    raise UNAVAILABLE.problem(headers={"Retry-After": "1"})  # it was dismissed each time between the two statements


def _live(session: Session, visit: Visit, type_id: UUID) -> UUID | None:
    """The live problem of that type at the visit's toilet, or at its household where it has no toilet."""
    return session.exec(
        select(LedgerProblem.id).where(
            LedgerProblem.household_id == visit.household_id,
            func.coalesce(LedgerProblem.toilet_id, LedgerProblem.household_id)
            == (visit.toilet_id or visit.household_id),
            LedgerProblem.type_id == type_id,
            col(LedgerProblem.removed_at).is_(None),
            col(LedgerProblem.state).not_in(SETTLED_STATES),
        )
    ).one_or_none()


def _withdraw(
    session: Session, finding: Finding, problem: LedgerProblem, by: UUID, now: datetime, reason: str | None
) -> None:
    """Dismiss the problem, unless another visit found it too, or work on it has begun."""
    others = session.exec(
        select(Finding.id).where(
            Finding.problem_id == problem.id, Finding.id != finding.id, col(Finding.withdrawn_at).is_(None)
        )
    ).first()
    if problem.state != "open" or others is not None:
        return
    before = snapshot(problem, CONTENT)
    why = "摸排记录已撤回该问题 / The visit withdrew this finding"
    problem.state, problem.dismissal, problem.dismissed_at = "dismissed", "withdrawn", now
    problem.dismissed_reason = f"{why}：{reason}" if reason else why
    problem.touch(by)
    tell_dismissed(session, problem, before["state"], by, now, problem.dismissed_reason)
    journal_problem(session, problem, "problem.dismissed", before, reason=problem.dismissed_reason)


def _bring_back(
    session: Session, visit: Visit, finding: Finding, problem: LedgerProblem, by: UUID, now: datetime
) -> UUID:
    """A finding that was withdrawn is found again: its problem is live again, or another one that took its place."""
    before = snapshot(problem, CONTENT)
    try:
        with guarded(session):
            revive(problem, by)
    except CollisionError:
        session.refresh(problem)
        return _live(session, visit, finding.type_id) or problem.id
    reason = "重新登记该问题 / Found again"
    journal_problem(session, problem, "problem.reopened", before, reason=reason)
    tell_reopened(session, problem, before["state"], by, now, reason)
    return problem.id


def revive(problem: LedgerProblem, by: UUID) -> None:
    """Dismissed, or closed, no longer."""
    problem.state = "open"
    problem.dismissal = problem.dismissed_at = problem.dismissed_reason = None
    problem.accepted_at = problem.accepted_level = problem.closed_at = problem.close_out_id = None
    problem.touch(by)


def journal_problem(
    session: Session,
    problem: LedgerProblem,
    action: str,
    before: dict[str, Any] | None,
    reason: str | None = None,
    op: journal.Operation = "update",
) -> None:
    """Journal a write of the ledger; what it was before is a `snapshot` of CONTENT."""
    after = snapshot(problem, CONTENT)
    if before is not None:
        before, after = difference(before, after)
    journal.record(
        session,
        action=action,
        subject_type="problem",
        subject_id=problem.id,
        division_code=problem.division_code,
        version=problem.version,
        before=before,
        after=after,
        reason=reason,
        op=op,
    )
