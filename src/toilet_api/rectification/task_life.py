"""The life of a task as other records drive it: made by a plan or at once, cancelled, accepted, done again.

Each function writes the task and its problem together, with the journal entry of both. The problem must be locked.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from toilet_api.kernel import journal
from toilet_api.kernel.fields import new_id
from toilet_api.rectification.holding import last_task, live_tasks
from toilet_api.rectification.rules import TASK
from toilet_api.rectification.tables import Task
from toilet_api.registry.merging import difference
from toilet_api.survey.ledger_events import on_deadlines_moved, on_dismissed, on_reopened
from toilet_api.survey.records import journal_many, snapshot
from toilet_api.survey.rules import PROBLEM
from toilet_api.survey.settlement import CONTENT as PROBLEM_CONTENT
from toilet_api.survey.settlement import journal_problem
from toilet_api.survey.tables import LedgerProblem

CONTENT = (
    *("problem_id", "plan_id", "path", "attempt", "state", "measure", "timetable", "responsible_person"),
    *("responsible_unit", "responsible_user_id", "contractor", "due_on", "cost_fen", "actual_cost_fen"),
    *("photos_before", "photos_during", "photos_after", "cancel_reason", "redos", "redo_reason"),
)


@dataclass(frozen=True, slots=True)
class Charge:
    """What somebody is charged with: the measure, who, until when, at what cost (fen)."""

    measure: str
    timetable: str | None = None
    responsible_person: str | None = None
    responsible_unit: str | None = None
    responsible_user_id: UUID | None = None
    contractor: str | None = None
    due_on: date | None = None
    cost_fen: int | None = None


def charge(
    session: Session,
    problem: LedgerProblem,
    what: Charge,
    by: UUID,
    *,
    path: str,
    plan_id: UUID | None = None,
    task_id: UUID | None = None,
    origin_digest: bytes | None = None,
) -> Task:
    """Make the live task of an open problem; it waits to be started. A timetable's date becomes the deadline.

    The unique index `task_live` decides when two come at once: guard the call.
    """
    earlier = last_task(session, problem.id)
    task = Task(
        id=task_id or new_id(),
        division_code=problem.division_code,
        campaign_id=problem.campaign_id,
        problem_id=problem.id,
        plan_id=plan_id,
        path=path,
        attempt=1 if earlier is None else earlier.attempt + 1,
        measure=what.measure,
        timetable=what.timetable,
        responsible_person=what.responsible_person,
        responsible_unit=what.responsible_unit,
        responsible_user_id=what.responsible_user_id,
        contractor=what.contractor,
        due_on=what.due_on or problem.deadline,
        cost_fen=what.cost_fen,
        worker_ids=[] if what.responsible_user_id is None else [what.responsible_user_id],
        created_by=by,
        updated_by=by,
        origin_digest=origin_digest,
    )
    session.add(task)
    session.flush()
    journal_task(session, task, "task.created", None, op="create")
    before = snapshot(problem, PROBLEM_CONTENT)
    problem.task_id = task.id
    if what.due_on is not None and what.due_on != problem.deadline:
        problem.deadline, problem.deadline_source = what.due_on, "plan"
    problem.touch(by)
    journal_problem(session, problem, "problem.charged", before)
    return task


def start(
    session: Session, problem: LedgerProblem, task: Task, by: UUID, now: datetime, *, step: str = "start"
) -> None:
    """Work begins: the task and its problem are in work. `step`: the problem's step that this is."""
    before, problem_before = snapshot(task, CONTENT), snapshot(problem, PROBLEM_CONTENT)
    task.state = TASK.next(task.state, "start")
    problem.state = PROBLEM.next(problem.state, step)
    task.started_at = now
    had_a_hand(task, by)
    task.touch(by)
    problem.touch(by)
    journal_task(session, task, "task.started", before)
    journal_problem(session, problem, "problem.work_started", problem_before)


def had_a_hand(task: Task, person: UUID | None) -> None:
    """Remember that somebody took part in the work: they may not accept it."""
    if person is not None and person not in task.worker_ids:
        task.worker_ids = [*task.worker_ids, person]


def accept(
    session: Session, problem: LedgerProblem, task: Task, level: str, by: UUID, now: datetime, reason: str | None = None
) -> None:
    """The work passed at a level. At the first check both are accepted; a re-check notes the higher level."""
    problem_before = snapshot(problem, PROBLEM_CONTENT)
    if problem.state == "in_work":
        before = snapshot(task, CONTENT)
        task.state, task.accepted_at = TASK.next(task.state, "accept"), now
        task.touch(by)
        journal_task(session, task, "task.accepted", before, reason=reason)
        problem.state, problem.accepted_at = PROBLEM.next(problem.state, "accept"), now
    problem.accepted_level = level
    problem.touch(by)
    journal_problem(session, problem, f"problem.accepted_by_{level}", problem_before, reason=reason)


def send_back(session: Session, problem: LedgerProblem, task: Task, reason: str, due_on: date | None, by: UUID) -> None:
    """The work failed a check: it is to be done again, also where the first check had accepted it."""
    before, problem_before = snapshot(task, CONTENT), snapshot(problem, PROBLEM_CONTENT)
    task.state = TASK.next(task.state, "redo")
    task.accepted_at = task.submitted_at = task.submitted_by = None
    task.redos, task.redo_reason = task.redos + 1, reason
    # What was to show the finished work doesn't any more: the next submission needs a photo of its own.
    task.photos_during, task.photos_after = [*task.photos_during, *task.photos_after], []
    if due_on is not None and (task.due_on is None or due_on < task.due_on):
        task.due_on = due_on  # earlier, never later: more time takes a postponement
    task.touch(by)
    journal_task(session, task, "task.sent_back", before, reason=reason)
    if problem.state != "in_work":
        problem.state = PROBLEM.next(problem.state, "send_back")
        problem.accepted_at = problem.accepted_level = None
        problem.touch(by)
        journal_problem(session, problem, "problem.sent_back", problem_before, reason=reason)


def cancel(session: Session, problem: LedgerProblem, task: Task, reason: str, by: UUID, now: datetime) -> None:
    """Nobody is charged with the problem any more. The problem's own entry is written by who drives this."""
    before = snapshot(task, CONTENT)
    task.state = TASK.next(task.state, "cancel")
    task.cancelled_at, task.cancel_reason = now, reason
    task.touch(by)
    journal_task(session, task, "task.cancelled", before, reason=reason)
    problem.task_id = None


@on_dismissed
def _end_with_problem(
    session: Session, problem: LedgerProblem, _left: str, by: UUID, now: datetime, reason: str
) -> None:
    """A dismissed problem needs no work."""
    session.flush()
    for task in live_tasks(session, [problem.id]).values():
        cancel(session, problem, task, reason, by, now)
    problem.task_id = None


@on_reopened
def _charge_again(session: Session, problem: LedgerProblem, _left: str, by: UUID, _now: datetime, _why: str) -> None:
    """Whoever was charged with it is so again, by another task of the same content."""
    problem.task_id = None
    session.flush()
    earlier = last_task(session, problem.id)
    if earlier is None:
        return
    again = Charge(
        measure=earlier.measure,
        timetable=earlier.timetable,
        responsible_person=earlier.responsible_person,
        responsible_unit=earlier.responsible_unit,
        responsible_user_id=earlier.responsible_user_id,
        contractor=earlier.contractor,
        cost_fen=earlier.cost_fen,
    )
    charge(session, problem, again, by, path=earlier.path, plan_id=earlier.plan_id)


_FOLLOW = text(
    """
    update task set due_on = problem.deadline, version = task.version + 1, updated_at = now(), updated_by = :by
    from problem
    where problem.id = task.problem_id and problem.id = any(:problems) and problem.deadline_source = 'rule'
      and task.id = problem.task_id and task.due_on is distinct from problem.deadline
    returning task.id, task.division_code, task.version, old.due_on as earlier, new.due_on as later
    """
)


@on_deadlines_moved
def _follow_deadlines(session: Session, problem_ids: Collection[UUID], by: UUID, reason: str) -> None:
    """The live task of a problem that the campaign's rule dates is due with it."""
    session.flush()
    moved = session.connection().execute(_FOLLOW, {"problems": list(problem_ids), "by": by})
    entries = [
        {
            "action": "task.due_moved",
            "subject_type": "task",
            "subject_id": row.id,
            "division_code": row.division_code,
            "version": row.version,
            "op": "update",
            "before": {"due_on": row.earlier},
            "after": {"due_on": row.later},
            "reason": reason,
        }
        for row in moved
    ]
    journal_many(session, entries)


def journal_task(
    session: Session,
    task: Task,
    action: str,
    before: dict[str, Any] | None,
    reason: str | None = None,
    op: journal.Operation = "update",
) -> None:
    """Journal a write of a task; what it was before is a `snapshot` of CONTENT."""
    after = snapshot(task, CONTENT)
    if before is not None:
        before, after = difference(before, after)
    journal.record(
        session,
        action=action,
        subject_type="task",
        subject_id=task.id,
        division_code=task.division_code,
        version=task.version,
        before=before,
        after=after,
        reason=reason,
        op=op,
    )
