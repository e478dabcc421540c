"""What an approved plan does to tasks: charges many at once, has those of the edition before follow, drops others.

`charge_many` is `task_life.charge` for thousands, in a handful of statements; tests hold the two together.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from toilet_api.kernel.fields import new_id, now
from toilet_api.rectification.rules import TASK
from toilet_api.rectification.tables import PlanItem, Task
from toilet_api.rectification.task_life import CONTENT, Charge
from toilet_api.registry.merging import difference
from toilet_api.survey.records import journal_many, snapshot
from toilet_api.survey.rules import deadline
from toilet_api.survey.settlement import CONTENT as PROBLEM_CONTENT
from toilet_api.survey.tables import Campaign, LedgerProblem

FOLLOWING = ("pending", "in_work")
"""A task in one of these states follows the new edition; one that is submitted is left as it was done."""
_DROPPED = "新版方案不再列入 / Not in the new edition of the plan"


def charge_of(item: PlanItem) -> Charge:
    """What an item says, as a charge."""
    return Charge(
        measure=item.measure,
        timetable=item.timetable,
        responsible_person=item.responsible_person,
        responsible_unit=item.responsible_unit,
        contractor=item.contractor,
        due_on=item.due_on,
        cost_fen=item.cost_fen,
    )


def charge_many(
    session: Session,
    problems: Mapping[UUID, LedgerProblem],
    wanted: Mapping[UUID, Charge],
    by: UUID,
    *,
    plan_id: UUID,
) -> dict[UUID, Task]:
    """Problem -> its new task. The problems are open, untasked and locked: guard the call all the same."""
    attempts = _attempts(session, wanted)
    entries: list[dict[str, Any]] = []
    tasks: dict[UUID, Task] = {}
    moment = now()
    for problem_id in sorted(wanted):
        problem, what = problems[problem_id], wanted[problem_id]
        tasks[problem_id] = Task(
            id=new_id(),
            division_code=problem.division_code,
            campaign_id=problem.campaign_id,
            problem_id=problem_id,
            plan_id=plan_id,
            path="planned",
            attempt=attempts.get(problem_id, 0) + 1,
            measure=what.measure,
            timetable=what.timetable,
            responsible_person=what.responsible_person,
            responsible_unit=what.responsible_unit,
            responsible_user_id=what.responsible_user_id,
            contractor=what.contractor,
            due_on=what.due_on or problem.deadline,
            cost_fen=what.cost_fen,
            created_by=by,
            updated_by=by,
            created_at=moment,
            updated_at=moment,
            # Said although it is the default: pydantic takes a millisecond to find out about each factory.
            photos_before=[],
            photos_during=[],
            photos_after=[],
            worker_ids=[],
        )
    session.add_all(tasks.values())
    session.flush()
    for problem_id, task in tasks.items():
        problem, what = problems[problem_id], wanted[problem_id]
        entries.append(_entry("task", "task.created", task, None, snapshot(task, CONTENT), op="create"))
        before = snapshot(problem, PROBLEM_CONTENT)
        problem.task_id = task.id
        _move_deadline(problem, what)
        problem.touch(by)
        entries.append(_entry("problem", "problem.charged", problem, before, snapshot(problem, PROBLEM_CONTENT)))
    session.flush()
    journal_many(session, entries)
    return tasks


def follow_many(
    session: Session,
    problems: Mapping[UUID, LedgerProblem],
    tasks: Mapping[UUID, Task],
    wanted: Mapping[UUID, Charge],
    by: UUID,
    *,
    plan_id: UUID,
) -> None:
    """The live tasks of the edition before belong to this one, and those not yet submitted say what it says."""
    entries: list[dict[str, Any]] = []
    for problem_id in sorted(wanted):
        problem, task, what = problems[problem_id], tasks[problem_id], wanted[problem_id]
        before, problem_before = snapshot(task, CONTENT), snapshot(problem, PROBLEM_CONTENT)
        task.plan_id = plan_id
        if task.state in FOLLOWING:
            task.measure, task.timetable = what.measure, what.timetable
            task.responsible_person, task.responsible_unit = what.responsible_person, what.responsible_unit
            task.contractor, task.cost_fen = what.contractor, what.cost_fen
            _move_deadline(problem, what)
            task.due_on = what.due_on or problem.deadline
        task.touch(by)
        entries.append(_entry("task", "task.replanned", task, before, snapshot(task, CONTENT)))
        after = snapshot(problem, PROBLEM_CONTENT)
        if after != problem_before:
            problem.touch(by)
            entries.append(_entry("problem", "problem.replanned", problem, problem_before, after))
    session.flush()
    journal_many(session, entries)


def drop_many(
    session: Session,
    problems: Mapping[UUID, LedgerProblem],
    tasks: Mapping[UUID, Task],
    ids: Sequence[UUID],
    campaign: Campaign,
    by: UUID,
    moment: datetime,
) -> None:
    """Nobody is charged with these any more; a deadline that the plan had set is the campaign's own again."""
    entries: list[dict[str, Any]] = []
    for problem_id in sorted(ids):
        problem, task = problems[problem_id], tasks[problem_id]
        before, problem_before = snapshot(task, CONTENT), snapshot(problem, PROBLEM_CONTENT)
        task.state = TASK.next(task.state, "cancel")
        task.cancelled_at, task.cancel_reason = moment, _DROPPED
        task.touch(by)
        entries.append(_entry("task", "task.cancelled", task, before, snapshot(task, CONTENT), _DROPPED))
        problem.task_id = None
        if problem.deadline_source == "plan":
            found_at = problem.reopened_at or problem.found_at
            problem.deadline = deadline(campaign.deadline_rules, problem.cause, found_at)
            problem.deadline_source = "rule"
        problem.touch(by)
        after = snapshot(problem, PROBLEM_CONTENT)
        entries.append(_entry("problem", "problem.dropped_from_plan", problem, problem_before, after, _DROPPED))
    session.flush()
    journal_many(session, entries)


def _move_deadline(problem: LedgerProblem, what: Charge) -> None:
    if what.due_on is not None and what.due_on != problem.deadline:
        problem.deadline, problem.deadline_source = what.due_on, "plan"


def _attempts(session: Session, problem_ids: Mapping[UUID, Charge]) -> dict[UUID, int]:
    rows = session.exec(
        select(Task.problem_id, func.max(Task.attempt))
        .where(col(Task.problem_id).in_(set(problem_ids)), col(Task.removed_at).is_(None))
        .group_by(col(Task.problem_id))
    )
    return dict(rows.all())


def _entry(
    subject_type: str,
    action: str,
    row: Task | LedgerProblem,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    reason: str | None = None,
    op: str = "update",
) -> dict[str, Any]:
    if before is not None:
        before, after = difference(before, after)
    return {
        "action": action,
        "subject_type": subject_type,
        "subject_id": row.id,
        "division_code": row.division_code,
        "version": row.version,
        "op": op,
        "before": before,
        "after": after,
        "reason": reason,
    }
