"""Postponements: the township asks for another day, with a reason; the county decides (work plan 四（三）)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.kernel import journal
from toilet_api.kernel.errors import INVALID, WRONG_STATE, FieldError
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.preconditions import optional_match
from toilet_api.rectification import task_life, task_views
from toilet_api.rectification.postponement_schemas import PostponementNew
from toilet_api.rectification.postponement_views import present
from toilet_api.rectification.problems import (
    NOT_REQUESTER,
    POSTPONEMENT_OVERTAKEN,
    POSTPONEMENT_PENDING,
    REQUESTED_BY_YOURSELF,
)
from toilet_api.rectification.retries import sent_before
from toilet_api.rectification.rules import ENDED_TASKS, POSTPONEMENT, TASK
from toilet_api.rectification.tables import Postponement, Task
from toilet_api.rectification.tasks import held
from toilet_api.registry.merging import difference
from toilet_api.survey.records import digest, existing, insert_once, locked, snapshot
from toilet_api.survey.rules import shanghai_date
from toilet_api.survey.settlement import CONTENT as PROBLEM_CONTENT
from toilet_api.survey.settlement import journal_problem
from toilet_api.survey.tables import LedgerProblem

_CONTENT = ("task_id", "state", "from_due", "to_due", "reason", "decision_reason")
_RULE = "工作方案 四（三）：明确时限要求"


def request(
    session: Session, caller: Caller, task_id: UUID, body: PostponementNew, if_match: str | None, now: datetime
) -> tuple[Postponement, bool]:
    """Ask for another day. Gives whether the request was made now.

    Raises 422 for a day that isn't later than today and than the task's own, `postponement_pending`.
    """
    _, task = held(session, caller, task_id)
    earlier = sent_before(session, caller, Postponement, body.id, body, of=("task_id", task.id))
    if earlier is not None:
        return earlier, False
    optional_match(if_match, task.version, lambda: task_views.present(session, caller, task, now))
    TASK.next(task.state, "postpone")
    _check_day(task, body, now)
    row = Postponement(
        id=body.id or new_id(),
        division_code=task.division_code,
        task_id=task.id,
        from_due=task.due_on,
        to_due=body.to_due,
        reason=body.reason,
        requested_by_name=caller.display_name,
        created_by=caller.id,
        updated_by=caller.id,
        origin_digest=digest(body),
    )
    row, made = insert_once(session, row, {"postponement_requested": POSTPONEMENT_PENDING})
    if made:
        _journal(session, row, "postponement.requested", None, reason=body.reason, op="create")
    return row, made


def grant(
    session: Session, caller: Caller, postponement_id: UUID, reason: str | None, if_match: str | None, now: datetime
) -> Postponement:
    """The task, and its problem, are due on the day that was asked for.

    Raises `requested_by_yourself`, `wrong_state` when the task has ended meanwhile, `postponement_overtaken` when it
    is due no earlier by now.
    """
    problem, task, row = _held(session, caller, postponement_id)
    optional_match(if_match, row.version, lambda: present(session, caller, row))
    target = POSTPONEMENT.next(row.state, "grant")
    _require_another(caller, row)
    if task.state in ENDED_TASKS:
        raise _task_ended(task)
    if task.due_on is not None and row.to_due <= task.due_on:
        raise POSTPONEMENT_OVERTAKEN.problem(due_on=task.due_on.isoformat(), to_due=row.to_due.isoformat())
    _decide(session, caller, row, target, "postponement.granted", reason, now)
    before, problem_before = snapshot(task, task_life.CONTENT), snapshot(problem, PROBLEM_CONTENT)
    task.due_on = row.to_due
    task.touch(caller.id)
    task_life.journal_task(session, task, "task.postponed", before, reason=row.reason)
    problem.deadline, problem.deadline_source = row.to_due, "postponement"
    problem.touch(caller.id)
    journal_problem(session, problem, "problem.postponed", problem_before, reason=row.reason)
    return row


def refuse(
    session: Session, caller: Caller, postponement_id: UUID, reason: str, if_match: str | None, now: datetime
) -> Postponement:
    """The task stays due when it was. Raises `requested_by_yourself`."""
    _, _, row = _held(session, caller, postponement_id)
    optional_match(if_match, row.version, lambda: present(session, caller, row))
    target = POSTPONEMENT.next(row.state, "refuse")
    _require_another(caller, row)
    _decide(session, caller, row, target, "postponement.refused", reason, now)
    return row


def withdraw(session: Session, caller: Caller, postponement_id: UUID, if_match: str | None) -> Postponement:
    """Whoever asked for it doesn't any more. Raises `not_requester`."""
    _, _, row = _held(session, caller, postponement_id)
    optional_match(if_match, row.version, lambda: present(session, caller, row))
    target = POSTPONEMENT.next(row.state, "withdraw")
    if row.created_by != caller.id:
        raise NOT_REQUESTER.problem()
    before = snapshot(row, _CONTENT)
    row.state = target
    row.touch(caller.id)
    _journal(session, row, "postponement.withdrawn", before)
    return row


def _held(session: Session, caller: Caller, postponement_id: UUID) -> tuple[LedgerProblem, Task, Postponement]:
    """Locked in the order of `holding`: place, problem, task, and the request last."""
    task_id = existing(session, caller, Postponement, postponement_id).task_id
    problem, task = held(session, caller, task_id)
    return problem, task, locked(session, caller, Postponement, postponement_id)


def _check_day(task: Task, body: PostponementNew, now: datetime) -> None:
    today, wanted = shanghai_date(now), body.to_due
    if wanted <= today:
        fault, floor = ("新期限须晚于今天", "it must lie in the future"), today
        code = "not_in_the_future"
    elif task.due_on is not None and wanted <= task.due_on:
        fault, floor = ("新期限须晚于现期限", "it must be later than the task's present due date"), task.due_on
        code = "not_later"
    else:
        return
    expected = f"> {floor.isoformat()}"
    raise INVALID.problem(errors=[FieldError("/to_due", code, fault, wanted.isoformat(), expected, rule=_RULE)])


def _require_another(caller: Caller, row: Postponement) -> None:
    if row.created_by == caller.id:
        raise REQUESTED_BY_YOURSELF.problem()


def _task_ended(task: Task) -> Exception:
    return WRONG_STATE.problem(
        (
            f"整改任务已是 {task.state}，不能再延期。",
            f"The task is {task.state} by now and can't be postponed.",
        ),
        rule=_RULE,
        remedy=("请不同意该申请，或由申请人撤回。", "Refuse it, or have it withdrawn by who asked for it."),
        state=task.state,
        possible_steps=["refuse", "withdraw"],
    )


def _decide(
    session: Session, caller: Caller, row: Postponement, target: str, action: str, reason: str | None, now: datetime
) -> None:
    before = snapshot(row, _CONTENT)
    row.state, row.decided_at, row.decision_reason = target, now, reason
    row.decided_by, row.decided_by_name = caller.id, caller.display_name
    row.touch(caller.id)
    _journal(session, row, action, before, reason=reason)


def _journal(
    session: Session,
    row: Postponement,
    action: str,
    before: dict[str, Any] | None,
    reason: str | None = None,
    op: journal.Operation = "update",
) -> None:
    after = snapshot(row, _CONTENT)
    if before is not None:
        before, after = difference(before, after)
    journal.record(
        session,
        action=action,
        subject_type="postponement",
        subject_id=row.id,
        division_code=row.division_code,
        version=row.version,
        before=before,
        after=after,
        reason=reason,
        op=op,
    )
