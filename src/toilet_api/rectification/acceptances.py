"""Acceptances (验收): begun with a panel and a checklist, changed while they are open, or cancelled."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select as columns_of
from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller
from toilet_api.divisions import lookup
from toilet_api.kernel import journal
from toilet_api.kernel.errors import ID_TAKEN, INVALID, FieldError
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.preconditions import optional_match, require_match
from toilet_api.rectification import acceptance_views, checklists, panels
from toilet_api.rectification.acceptance_schemas import AcceptanceNew, AcceptancePatch
from toilet_api.rectification.holding import held_problems, last_task, live_tasks
from toilet_api.rectification.problems import IN_ANOTHER_ACCEPTANCE, NOT_READY
from toilet_api.rectification.rules import ACCEPTANCE
from toilet_api.rectification.tables import Acceptance, AcceptanceProblem, Task
from toilet_api.registry.merging import difference
from toilet_api.registry.uniqueness import CollisionError, guarded
from toilet_api.survey.ledger_events import on_dismissed
from toilet_api.survey.records import digest, insert_once, locked, snapshot
from toilet_api.survey.tables import LedgerProblem

_CONTENT = (
    *("level", "state", "checklist_id", "planned_on", "panel", "checked_at", "results", "signatures"),
    *("photo_ids", "note", "reason"),
)
_STATES = {"township": ("in_work", "submitted"), "county": ("accepted", "accepted")}
"""Level -> the states in which a problem and its task can be checked."""
_READY_RULE = "工作方案 四（三）：整改一个、验收一个、销号一个"
_ONE_PLACE = "工作方案 四（五）：对每一个问题厕所整改验收"


def create(session: Session, caller: Caller, body: AcceptanceNew) -> tuple[Acceptance, bool]:
    """Begin an acceptance of the work at one toilet, or in the work at one place, by the checklist that applies there.

    Raises `panel_incomplete`, `panel_did_the_work`, `not_ready_for_acceptance`, `in_another_acceptance`.
    """
    earlier = None if body.id is None else session.get(Acceptance, body.id)
    if earlier is not None:  # a retry is answered whatever has become of the problems since
        if earlier.created_by != caller.id or earlier.origin_digest != digest(body):
            raise ID_TAKEN.problem()
        return earlier, False
    lookup.resolve_for_write(session, _place_of(session, caller, body.problem_ids), None, "/problem_ids")
    problems = _held(session, caller, body.problem_ids)
    first = problems[0]
    panel = panels.assemble(session, caller, first.division_code, body.panel)
    row = Acceptance(
        id=body.id or new_id(),
        division_code=first.division_code,
        campaign_id=first.campaign_id,
        household_id=first.household_id,
        toilet_id=first.toilet_id,
        checklist_id=checklists.applying(session, first.division_code, first.toilet_id, first.problem_class).id,
        level=body.level,
        planned_on=body.planned_on,
        panel=panel,
        panel_user_ids=panels.user_ids(panel),
        created_by=caller.id,
        updated_by=caller.id,
        origin_digest=digest(body),
    )
    row, made = insert_once(session, row)
    if made:
        tasks = ready(session, problems, body.level)
        panels.refuse_workers(panel, tasks.values())
        _enter(session, row, problems, tasks)
        journal_acceptance(session, row, "acceptance.created", None, op="create")
    return row, made


def change(
    session: Session, caller: Caller, acceptance_id: UUID, body: AcceptancePatch, if_match: str | None
) -> Acceptance:
    """Merge a patch into an open acceptance. Raises what `create` raises."""
    row = locked(session, caller, Acceptance, acceptance_id)
    require_match(if_match, row.version, lambda: acceptance_views.present(session, caller, row))
    ACCEPTANCE.next(row.state, "edit")
    before = content(session, row)
    changes = body.changes()
    if "planned_on" in changes:
        row.planned_on = body.planned_on
    if "problem_ids" in changes:
        problems = _held(session, caller, body.problem_ids, row)
        tasks = ready(session, problems, row.level)
        _enter(session, row, problems, tasks)
    if "panel" in changes:
        row.panel = panels.assemble(session, caller, row.division_code, body.panel)
        row.panel_user_ids = panels.user_ids(row.panel)
    if {"problem_ids", "panel"} & set(changes):
        panels.refuse_workers(row.panel, _tasks_of(session, row))
    if content(session, row) != before:
        row.touch(caller.id)
        journal_acceptance(session, row, "acceptance.updated", before)
    return row


def cancel(
    session: Session, caller: Caller, acceptance_id: UUID, reason: str, if_match: str | None, now: datetime
) -> Acceptance:
    """Call an open acceptance off, with a reason; its problems may be in another."""
    row = locked(session, caller, Acceptance, acceptance_id)
    optional_match(if_match, row.version, lambda: acceptance_views.present(session, caller, row))
    before = content(session, row)
    row.state = ACCEPTANCE.next(row.state, "cancel")
    row.cancelled_at, row.reason = now, reason
    for part in parts_of(session, row.id):
        part.is_open = False
    row.touch(caller.id)
    journal_acceptance(session, row, "acceptance.cancelled", before, reason=reason)
    return row


def ready(session: Session, problems: Sequence[LedgerProblem], level: str) -> dict[UUID, Task]:
    """Problem -> the task that is to be checked, locked. The problems must be locked already.

    Raises `not_ready_for_acceptance`, naming each problem that can't be checked at the level, and why.
    """
    wanted, task_wanted = _STATES[level]
    if level == "township":
        tasks = live_tasks(session, [problem.id for problem in problems])
    else:
        ended = {problem.id: last_task(session, problem.id) for problem in sorted(problems, key=lambda one: one.id)}
        tasks = {one: task for one, task in ended.items() if task is not None}
    faults: list[FieldError] = []
    for place, problem in enumerate(problems):
        pointer, task = f"/problem_ids/{place}", tasks.get(problem.id)
        if problem.state != wanted:
            told = (f"问题当前为 {problem.state}，须为 {wanted}", f"the problem is {problem.state}, not {wanted}")
            faults.append(FieldError(pointer, "problem_not_ready", told, str(problem.id), wanted, rule=_READY_RULE))
        elif task is None or task.state != task_wanted:
            state = "none" if task is None else task.state
            told = (f"整改任务当前为 {state}，须为 {task_wanted}", f"its task is {state}, not {task_wanted}")
            faults.append(FieldError(pointer, "task_not_ready", told, str(problem.id), task_wanted, rule=_READY_RULE))
    if faults:
        raise NOT_READY.problem(errors=faults)
    return tasks


def parts_of(session: Session, acceptance_id: UUID) -> list[AcceptanceProblem]:
    """The problems of an acceptance, in the order of their ids."""
    return list(
        session.exec(
            select(AcceptanceProblem)
            .where(AcceptanceProblem.acceptance_id == acceptance_id)
            .order_by(col(AcceptanceProblem.problem_id))
        )
    )


def content(session: Session, row: Acceptance) -> dict[str, Any]:
    """What the journal keeps of an acceptance, its problems with their outcomes included."""
    parts = parts_of(session, row.id)
    problems = [snapshot_of(part) for part in parts]
    return {**snapshot(row, _CONTENT), "problems": problems}


def snapshot_of(part: AcceptanceProblem) -> dict[str, Any]:
    """A problem of an acceptance, for the journal."""
    redo_due = None if part.redo_due is None else part.redo_due.isoformat()
    return {"problem_id": str(part.problem_id), "outcome": part.outcome, "redo": part.redo, "redo_due": redo_due}


def journal_acceptance(
    session: Session,
    row: Acceptance,
    action: str,
    before: dict[str, Any] | None,
    reason: str | None = None,
    op: journal.Operation = "update",
) -> None:
    """Journal a write of an acceptance; what it was before is its `content`."""
    session.flush()
    after = content(session, row)
    if before is not None:
        before, after = difference(before, after)
    journal.record(
        session,
        action=action,
        subject_type="acceptance",
        subject_id=row.id,
        division_code=row.division_code,
        version=row.version,
        before=before,
        after=after,
        reason=reason,
        op=op,
    )


def _place_of(session: Session, caller: Caller, ids: Sequence[UUID]) -> str:
    """Where the problems lie, as far as can be told before they are locked."""
    known = columns_of(col(LedgerProblem.division_code)).where(
        col(LedgerProblem.id).in_(ids), caller.scope.condition(col(LedgerProblem.division_code))
    )
    place: str | None = session.connection().execute(known.limit(1)).scalar()
    if place is None:
        raise INVALID.problem(errors=[_unknown(place_of, one) for place_of, one in enumerate(ids)])
    return place


def _held(
    session: Session, caller: Caller, ids: Sequence[UUID], acceptance: Acceptance | None = None
) -> list[LedgerProblem]:
    """The problems, locked, in the order given. Raises 422 unless they are of one toilet, or in the work at one place.

    `acceptance`: and of that one's.
    """
    found = held_problems(session, ids, caller.scope.condition(col(LedgerProblem.division_code)))
    faults = [_unknown(place, one) for place, one in enumerate(ids) if one not in found]
    faults += [
        FieldError(f"/problem_ids/{place}", "problem_repeated", ("同一问题只能列一次", "each problem once"), str(one))
        for place, one in enumerate(ids)
        if one in ids[:place]
    ]
    if faults:
        raise INVALID.problem(errors=faults)
    problems = [found[one] for one in ids]
    wanted = _whose(problems[0]) if acceptance is None else _whose_of(acceptance)
    told = (
        "须为同一行动中同一厕所的问题，或同一地点的工作推进问题",
        "they must be of one campaign, and of one toilet or in the work at one place",
    )
    faults = [
        FieldError(f"/problem_ids/{place}", "problem_elsewhere", told, str(problem.id), rule=_ONE_PLACE)
        for place, problem in enumerate(problems)
        if _whose(problem) != wanted
    ]
    if faults:
        raise INVALID.problem(errors=faults)
    return problems


def _whose(problem: LedgerProblem) -> tuple[Any, ...]:
    return problem.campaign_id, problem.division_code, problem.household_id, problem.toilet_id


def _whose_of(acceptance: Acceptance) -> tuple[Any, ...]:
    return acceptance.campaign_id, acceptance.division_code, acceptance.household_id, acceptance.toilet_id


def _enter(session: Session, row: Acceptance, problems: Sequence[LedgerProblem], tasks: dict[UUID, Task]) -> None:
    """Have exactly these problems in the acceptance. Raises `in_another_acceptance`."""
    parts = {part.problem_id: part for part in parts_of(session, row.id)}
    wanted = {problem.id for problem in problems}
    taken = _elsewhere(session, row, wanted)
    if taken:
        raise IN_ANOTHER_ACCEPTANCE.problem(
            errors=[
                FieldError(
                    f"/problem_ids/{place}",
                    "in_another_acceptance",
                    ("已在另一次待办的验收中", "in another open acceptance"),
                    str(taken[problem.id]),
                )
                for place, problem in enumerate(problems)
                if problem.id in taken
            ]
        )
    try:
        with guarded(session):
            for gone in parts.keys() - wanted:
                session.delete(parts[gone])
            for problem in problems:
                part = parts.get(problem.id) or AcceptanceProblem(
                    division_code=row.division_code,
                    acceptance_id=row.id,
                    problem_id=problem.id,
                    task_id=tasks[problem.id].id,
                )
                part.task_id = tasks[problem.id].id
                session.add(part)
    except CollisionError:
        raise IN_ANOTHER_ACCEPTANCE.problem() from None


def _elsewhere(session: Session, row: Acceptance, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Problem -> the other open acceptance that it is in."""
    rows = session.exec(
        select(AcceptanceProblem.problem_id, AcceptanceProblem.acceptance_id).where(
            col(AcceptanceProblem.problem_id).in_(ids),
            col(AcceptanceProblem.is_open),
            AcceptanceProblem.acceptance_id != row.id,
        )
    )
    return dict(rows.all())


def _tasks_of(session: Session, row: Acceptance) -> list[Task]:
    session.flush()
    mine = columns_of(col(AcceptanceProblem.task_id)).where(col(AcceptanceProblem.acceptance_id) == row.id)
    return list(session.exec(select(Task).where(col(Task.id).in_(mine))))


def _unknown(place: int, problem_id: UUID) -> FieldError:
    told = ("没有该问题，或不在您的辖区内", "no such problem in your scope")
    return FieldError(f"/problem_ids/{place}", "problem_unknown", told, str(problem_id))


@on_dismissed
def _leave(session: Session, problem: LedgerProblem, _left: str, _by: UUID, _now: datetime, _reason: str) -> None:
    """A dismissed problem is in no open acceptance any more; its part stays, undecided."""
    mine = select(AcceptanceProblem).where(AcceptanceProblem.problem_id == problem.id, col(AcceptanceProblem.is_open))
    for part in session.exec(mine):
        part.is_open = False
