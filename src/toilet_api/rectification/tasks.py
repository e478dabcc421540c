"""What people do on a task: assign it, start, note progress with photos, submit it to acceptance, take that back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from toilet_api.accounts.authority import grants_of
from toilet_api.accounts.caller import Caller
from toilet_api.accounts.tables import Principal
from toilet_api.divisions import lookup
from toilet_api.kernel import journal
from toilet_api.kernel.errors import ID_TAKEN, INVALID, FieldError
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.preconditions import optional_match, require_match
from toilet_api.rectification import task_life, task_views
from toilet_api.rectification.holding import held_task
from toilet_api.rectification.problems import AFTER_PHOTO_MISSING
from toilet_api.rectification.retries import sent_before
from toilet_api.rectification.rules import TASK
from toilet_api.rectification.tables import Task, TaskNote
from toilet_api.rectification.task_schemas import TaskNoteNew, TaskPatch, TaskSubmission
from toilet_api.registry.uniqueness import CollisionError, guarded
from toilet_api.survey import attachments
from toilet_api.survey.records import digest, existing, snapshot
from toilet_api.survey.tables import LedgerProblem

_PHOTO_RULE = "工作方案 四（五）：完成整改后验收，照片须能说明整改前、中、后"
_CHARGE_RULE = "工作方案 四（三）：明确力量组织"


def held(session: Session, caller: Caller, task_id: UUID) -> tuple[LedgerProblem, Task]:
    """A task and its problem, locked; their place first, so that no merge or split passes between. Raises 404."""
    lookup.resolve_for_write(session, existing(session, caller, Task, task_id).division_code, None)
    return held_task(session, caller, task_id)


def assign(
    session: Session, caller: Caller, task_id: UUID, body: TaskPatch, if_match: str | None, now: datetime
) -> Task:
    """Merge a patch: the measure, who does it, at what cost. Whoever is charged with it may not accept it later.

    Raises 422 `user_unknown` for an account that the caller doesn't see, or whose grants don't cover the place.
    """
    _, task = held(session, caller, task_id)
    require_match(if_match, task.version, lambda: task_views.present(session, caller, task, now))
    TASK.next(task.state, "assign")
    before = snapshot(task, task_life.CONTENT)
    changes = body.changes()
    if changes.get("responsible_user_id") is not None:
        _check_account(session, changes["responsible_user_id"], task.division_code)
        task_life.had_a_hand(task, changes["responsible_user_id"])
    for name, value in changes.items():
        setattr(task, name, value)
    if snapshot(task, task_life.CONTENT) != before:
        task.touch(caller.id)
        task_life.journal_task(session, task, "task.assigned", before)
    return task


def start(session: Session, caller: Caller, task_id: UUID, if_match: str | None, now: datetime) -> Task:
    """Work begins; the problem is in work from now on."""
    problem, task = held(session, caller, task_id)
    optional_match(if_match, task.version, lambda: task_views.present(session, caller, task, now))
    task_life.start(session, problem, task, caller.id, now)
    return task


def note(
    session: Session, caller: Caller, task_id: UUID, body: TaskNoteNew, if_match: str | None, now: datetime
) -> tuple[TaskNote, bool]:
    """A progress note; its photos join the task's, by their stage. Gives whether it was made now.

    Raises 422 for photos without a stage, of another kind, or of another place.
    """
    problem, task = held(session, caller, task_id)
    earlier = sent_before(session, caller, TaskNote, body.id, body, of=("task_id", task.id), author="noted_by")
    if earlier is not None:
        return earlier, False
    optional_match(if_match, task.version, lambda: task_views.present(session, caller, task, now))
    TASK.next(task.state, "note")
    if body.photo_ids and body.stage is None:
        fault = ("附照片须写明阶段", "photos need their stage")
        expected = ["before", "during", "after"]
        raise INVALID.problem(
            errors=[FieldError("/stage", "stage_missing", fault, expected=expected, rule=_PHOTO_RULE)]
        )
    attachments.check(session, body.photo_ids, "photo", task.division_code, "/photo_ids", problem.household_id)
    return _write_note(session, caller, task, body, now), True


def submit(
    session: Session, caller: Caller, task_id: UUID, body: TaskSubmission, if_match: str | None, now: datetime
) -> Task:
    """The work is done and may be accepted. Raises `after_photo_missing` for a toilet without a photo of it."""
    problem, task = held(session, caller, task_id)
    optional_match(if_match, task.version, lambda: task_views.present(session, caller, task, now))
    target = TASK.next(task.state, "submit")
    if problem.problem_class == "toilet" and not task.photos_after:
        raise AFTER_PHOTO_MISSING.problem()
    if body.note is not None:
        _write_note(session, caller, task, TaskNoteNew(text=body.note), now)
    before = snapshot(task, task_life.CONTENT)
    task.state, task.submitted_at, task.submitted_by = target, now, caller.id
    if body.actual_cost_fen is not None:
        task.actual_cost_fen = body.actual_cost_fen
    task_life.had_a_hand(task, caller.id)
    task.touch(caller.id)
    task_life.journal_task(session, task, "task.submitted", before)
    return task


def recall(session: Session, caller: Caller, task_id: UUID, if_match: str | None, now: datetime) -> Task:
    """Take a submission back: the work goes on."""
    _, task = held(session, caller, task_id)
    optional_match(if_match, task.version, lambda: task_views.present(session, caller, task, now))
    before = snapshot(task, task_life.CONTENT)
    task.state = TASK.next(task.state, "recall")
    task.submitted_at = task.submitted_by = None
    task_life.had_a_hand(task, caller.id)
    task.touch(caller.id)
    task_life.journal_task(session, task, "task.recalled", before)
    return task


def _write_note(session: Session, caller: Caller, task: Task, body: TaskNoteNew, now: datetime) -> TaskNote:
    entry = TaskNote(
        id=body.id or new_id(),
        division_code=task.division_code,
        task_id=task.id,
        noted_at=now,
        noted_by=caller.id,
        noted_by_name=caller.display_name,
        text=body.text,
        percent=body.percent,
        stage=body.stage,
        photo_ids=body.photo_ids,
        origin_digest=digest(body),
    )
    try:
        with guarded(session):
            session.add(entry)
    except CollisionError:
        raise ID_TAKEN.problem() from None  # of a record elsewhere, which the caller doesn't see
    before = snapshot(task, task_life.CONTENT)
    if body.stage is not None:
        kept: list[UUID] = getattr(task, f"photos_{body.stage}")
        setattr(task, f"photos_{body.stage}", [*kept, *(one for one in body.photo_ids if one not in kept)])
    task_life.had_a_hand(task, caller.id)
    task.touch(caller.id)
    _journal_note(session, entry)
    task_life.journal_task(session, task, "task.noted", before)
    return entry


def _journal_note(session: Session, entry: TaskNote) -> None:
    said: dict[str, Any] = {name: getattr(entry, name) for name in ("task_id", "text", "percent", "stage", "photo_ids")}
    journal.record(
        session,
        action="task_note.created",
        subject_type="task_note",
        subject_id=entry.id,
        division_code=entry.division_code,
        after=said,
        op="create",
    )


def _check_account(session: Session, user_id: UUID, division_code: str) -> None:
    """Row-level security shows the caller's own accounts alone, so what isn't seen isn't told apart from nothing."""
    person = session.get(Principal, user_id)
    usable = person is not None and person.kind == "person" and person.removed_at is None
    if not usable or not any(division_code.startswith(grant.division_code) for grant in grants_of(session, user_id)):
        fault = ("没有该账号，或其授权不含本地", "no such account, or its grants don't cover the place")
        raise INVALID.problem(
            errors=[FieldError("/responsible_user_id", "user_unknown", fault, str(user_id), rule=_CHARGE_RULE)]
        )
