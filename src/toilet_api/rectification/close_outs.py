"""Closing a problem (销号): accepted, verified, and signed by the household; or by the county's decision."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller, forbidden
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions import lookup
from toilet_api.kernel import journal
from toilet_api.kernel.errors import NOT_FOUND, WRONG_STATE
from toilet_api.kernel.masks import mask_name
from toilet_api.kernel.preconditions import optional_match
from toilet_api.kernel.vault import Vault
from toilet_api.rectification import evidence
from toilet_api.rectification.close_out_schemas import CloseOutNew
from toilet_api.rectification.holding import facts_of, last_task
from toilet_api.rectification.problems import RECHECK_MISSING, SURVEY_UNVERIFIED
from toilet_api.rectification.tables import CloseOut, CloseOutWitness
from toilet_api.registry.merging import difference
from toilet_api.survey import ledger_views
from toilet_api.survey.actions import require
from toilet_api.survey.ledger_events import on_reopened
from toilet_api.survey.records import existing, locked, snapshot
from toilet_api.survey.rules import CHECKED_ENOUGH, PROBLEM, SURVEY_VERIFIED, failing_guards
from toilet_api.survey.settlement import CONTENT as PROBLEM_CONTENT
from toilet_api.survey.tables import LedgerProblem

PERMISSIONS = {"toilet": Permission.PROBLEM_CLOSE, "work": Permission.PROBLEM_CLOSE_WORK}
"""Problem class -> who closes it: the township with the household's consent, or the county by decision."""


def close(
    session: Session,
    vault: Vault,
    caller: Caller,
    problem_id: UUID,
    body: CloseOutNew,
    if_match: str | None,
    now: datetime,
) -> LedgerProblem:
    """Close one problem.

    Raises 403 without the permission for its class, `wrong_state`, `survey_unverified`, `county_recheck_missing`,
    `household_consent_missing`, `county_decision_missing`, 412, 422.
    """
    seen = existing(session, caller, LedgerProblem, problem_id)
    caller = require(session, caller, PERMISSIONS[seen.problem_class])
    if not caller.scope.covers(seen.division_code):
        raise NOT_FOUND.problem()
    lookup.resolve_for_write(session, seen.division_code, None)
    problem = locked(session, caller, LedgerProblem, problem_id)
    optional_match(if_match, problem.version, lambda: ledger_views.present(session, caller, problem, now))
    close_held(session, vault, caller, problem, body, now)
    return problem


def close_held(
    session: Session,
    vault: Vault,
    caller: Caller,
    problem: LedgerProblem,
    body: CloseOutNew,
    now: datetime,
    pointer: str = "",
) -> CloseOut:
    """`close` for a problem that is locked already, its place too. Everything is checked before anything is written."""
    _require_right(caller, problem)
    target = PROBLEM.next(problem.state, "close")
    _require_checked(session, problem)
    good = evidence.checked(session, problem, body, pointer)
    task = last_task(session, problem.id)
    if task is None or task.state != "accepted":
        raise WRONG_STATE.problem(("整改任务尚未验收合格。", "Its task is not accepted."), state=problem.state)
    said = body.statement
    row = CloseOut(
        division_code=problem.division_code,
        problem_id=problem.id,
        task_id=task.id,
        kind=good.kind,
        signature_ids=body.household_signature_ids,
        statement=None if said is None else said.text,
        no_signature_reason=None if said is None else said.reason,
        witness_masked=None if said is None else mask_name(said.witness_name),
        witness_relation=None if said is None else said.witness_relation,
        witness_signature_ids=[] if said is None else said.witness_signature_ids,
        decision=body.decision,
        note=body.note,
        closed_at=now,
        closed_by=caller.id,
        closed_by_name=caller.display_name,
        created_by=caller.id,
        updated_by=caller.id,
    )
    session.add(row)
    session.flush()
    if said is not None:
        sealed = vault.seal({"name": said.witness_name}, row.id.bytes)
        session.add(CloseOutWitness(close_out_id=row.id, division_code=row.division_code, sealed=sealed))
    for one in good.attachments:
        one.household_id = one.household_id or problem.household_id
    before = snapshot(problem, PROBLEM_CONTENT)
    problem.state, problem.closed_at, problem.close_out_id = target, now, row.id
    problem.touch(caller.id)
    _journal_closed(session, problem, row, before)
    return row


def _require_right(caller: Caller, problem: LedgerProblem) -> None:
    permission = PERMISSIONS[problem.problem_class]
    if permission not in caller.permissions_at(problem.division_code):
        raise forbidden(permission) if caller.scope_for(permission).is_empty else NOT_FOUND.problem()


def _require_checked(session: Session, problem: LedgerProblem) -> None:
    facts = facts_of(session, problem)
    failing = failing_guards(facts)
    if SURVEY_VERIFIED in failing:
        raise SURVEY_UNVERIFIED.problem(
            visit_id=str(problem.visit_id), visit_state=facts.visit_state, levels=list(facts.verification_levels)
        )
    if CHECKED_ENOUGH in failing:
        raise RECHECK_MISSING.problem(accepted_level=problem.accepted_level)


def _journal_closed(session: Session, problem: LedgerProblem, row: CloseOut, before: dict[str, Any]) -> None:
    """The evidence is named in both entries by its kind and ids; no name of a person goes into the journal."""
    said = {
        "kind": row.kind,
        "signature_ids": row.signature_ids,
        "witness_signature_ids": row.witness_signature_ids,
    }
    journal.record(
        session,
        action="close_out.created",
        subject_type="close_out",
        subject_id=row.id,
        division_code=row.division_code,
        version=row.version,
        after={"problem_id": row.problem_id, "task_id": row.task_id, **said},
        op="create",
    )
    was, after = difference(before, snapshot(problem, PROBLEM_CONTENT))
    journal.record(
        session,
        action="problem.closed",
        subject_type="problem",
        subject_id=problem.id,
        division_code=problem.division_code,
        version=problem.version,
        before=was,
        after={**after, "evidence": said},
    )


@on_reopened
def _end_with_reopening(
    session: Session, problem: LedgerProblem, left: str, by: UUID, now: datetime, reason: str
) -> None:
    """The close-out of a problem that is open again stays, but stands no longer."""
    if left != "closed":
        return
    rows = session.exec(
        select(CloseOut)
        .where(CloseOut.problem_id == problem.id, col(CloseOut.reopened_at).is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for row in rows:
        row.reopened_at = now
        row.touch(by)
        journal.record(
            session,
            action="close_out.reopened",
            subject_type="close_out",
            subject_id=row.id,
            division_code=row.division_code,
            version=row.version,
            before={"reopened_at": None},
            after={"reopened_at": now},
            reason=reason,
        )
