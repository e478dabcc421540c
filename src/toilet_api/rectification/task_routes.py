"""Tasks, their progress, and what is mended at once, over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Depends, Query, Request, Response
from sqlmodel import col

from toilet_api.divisions.problems import DIVISION_ENDED
from toilet_api.kernel import journal
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.errors import NOT_FOUND, OUT_OF_SCOPE, STALE, WRONG_STATE
from toilet_api.kernel.fields import Day, DivisionCode
from toilet_api.kernel.paging import Page, Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.rectification import at_once, tasks
from toilet_api.rectification.answers import TaskManager, TaskReader, TaskWorker
from toilet_api.rectification.codes import TaskPath, TaskState
from toilet_api.rectification.problems import AFTER_PHOTO_MISSING, NOT_AT_ONCE, TASK_EXISTS
from toilet_api.rectification.tables import Task, TaskNote
from toilet_api.rectification.task_schemas import AtOnce, TaskNoteNew, TaskNoteRow, TaskPatch, TaskRow, TaskSubmission
from toilet_api.rectification.task_views import (
    NOTE_SORTS,
    SORTS,
    TaskFilter,
    filtered,
    note_select,
    present,
    task_select,
)
from toilet_api.survey.answers import Historian, changing, created, creating, listing, reading, stepping
from toilet_api.survey.clock import Now
from toilet_api.survey.records import existing
from toilet_api.survey.rules import shanghai_date

router = Room(tags=["rectification"])

_MOVED = (OUT_OF_SCOPE, DIVISION_ENDED)
"""What a step may answer when its village was moved or ended meanwhile."""


async def _filter(
    division: Annotated[DivisionCode | None, Query()] = None,
    state: Annotated[list[TaskState], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    path: Annotated[TaskPath | None, Query()] = None,
    campaign_id: Annotated[UUID | None, Query(title="摸排行动编号")] = None,
    plan_id: Annotated[UUID | None, Query(title="整改方案编号")] = None,
    problem_id: Annotated[UUID | None, Query(title="问题编号")] = None,
    overdue: Annotated[bool | None, Query(title="是否逾期", description="期限已过且未了结 / Past due and live")] = None,
    due_after: Annotated[Day | None, Query(title="期限起", description="含当日 / That day included")] = None,
    due_before: Annotated[Day | None, Query(title="期限止", description="含当日 / That day included")] = None,
    contractor: Annotated[
        str | None, Query(min_length=1, max_length=100, title="施工单位", description="全名 / The whole name")
    ] = None,
    responsible_unit: Annotated[
        str | None, Query(min_length=1, max_length=100, title="责任单位", description="全名 / The whole name")
    ] = None,
    responsible_user_id: Annotated[UUID | None, Query(title="责任人账号编号")] = None,
) -> TaskFilter:
    return TaskFilter(**locals())


@router.get(
    "/tasks",
    operation_id="list_tasks",
    summary="整改任务列表 / List tasks",
    description=(
        "`overdue` 由期限与北京时间的今天得出。排序 / `overdue` is computed from due_on and today in Shanghai. Orders: "
        "`due_on` (default; none comes last), `-due_on`, `division_code`, `updated_at`, `-updated_at`."
    ),
    response_model=None,
    responses={200: page_schema(TaskRow, *SORTS), **listing()},
)
def list_tasks(
    request: Request,
    session: Transaction,
    caller: TaskReader,
    paging: Paging,
    wanted: Annotated[TaskFilter, Depends(_filter)],
    now: Now,
) -> Response:
    today = shanghai_date(now)
    statement = filtered(session, caller, task_select(caller, today), wanted, today)
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=TaskRow,
        sorts=SORTS,
        default_sort="due_on",
        key=col(Task.id),
    )


@router.post(
    "/problems/{problem_id}/rectify-at-once",
    operation_id="rectify_problem_at_once",
    summary="立行立改 / Mend a problem at once",
    description=(
        "不经方案，当场安排并开工；限行动列明的原因分类（at_once_causes）。"
        " / Without a plan: a task is made and begun in one step. Only for the causes that the campaign names."
    ),
    status_code=201,
    responses=creating(TaskRow, NOT_FOUND, WRONG_STATE, STALE, TASK_EXISTS, NOT_AT_ONCE),
)
def rectify_problem_at_once(
    response: Response,
    session: Transaction,
    caller: TaskWorker,
    problem_id: UUID,
    body: AtOnce,
    now: Now,
    if_match: IfMatch = None,
) -> TaskRow:
    task, made = at_once.rectify(session, caller, problem_id, body, if_match, now)
    created(response, "tasks", task.id, made, task.version)
    return present(session, caller, task, now)


@router.get(
    "/tasks/{task_id}",
    operation_id="get_task",
    summary="整改任务 / A task",
    description="含措施、责任人、期限、进度、照片和可执行的步骤。/ With measure, due date, progress, photos, steps.",
    responses=reading(),
)
def get_task(response: Response, session: Transaction, caller: TaskReader, task_id: UUID, now: Now) -> TaskRow:
    task = existing(session, caller, Task, task_id)
    set_etag(response, task.version)
    return present(session, caller, task, now)


@router.patch(
    "/tasks/{task_id}",
    operation_id="update_task",
    summary="安排整改任务 / Assign a task",
    description=(
        "JSON Merge Patch，须带 If-Match。期限由方案或批准的延期改变，不在此修改。"
        " / Needs If-Match. The due date is changed by the plan or a postponement, not here."
    ),
    responses=changing(WRONG_STATE, *_MOVED),
)
def update_task(
    response: Response,
    session: Transaction,
    caller: TaskManager,
    task_id: UUID,
    body: TaskPatch,
    now: Now,
    if_match: IfMatch = None,
) -> TaskRow:
    task = tasks.assign(session, caller, task_id, body, if_match, now)
    set_etag(response, task.version)
    return present(session, caller, task, now)


@router.post(
    "/tasks/{task_id}/start",
    operation_id="start_task",
    summary="开工 / Start a task",
    description="问题随之进入整改中；开工人不得验收。/ Its problem is in work; who starts it may not accept it.",
    responses=stepping(*_MOVED),
)
def start_task(
    response: Response, session: Transaction, caller: TaskWorker, task_id: UUID, now: Now, if_match: IfMatch = None
) -> TaskRow:
    task = tasks.start(session, caller, task_id, if_match, now)
    set_etag(response, task.version)
    return present(session, caller, task, now)


@router.post(
    "/tasks/{task_id}/submit",
    operation_id="submit_task",
    summary="报请验收 / Submit a task to acceptance",
    description="问题厕所须有整改后照片。/ For a problem of a toilet, a photo of the finished work is needed.",
    responses=stepping(AFTER_PHOTO_MISSING, *_MOVED),
)
def submit_task(
    response: Response,
    session: Transaction,
    caller: TaskWorker,
    task_id: UUID,
    now: Now,
    body: Annotated[TaskSubmission | None, Body()] = None,
    if_match: IfMatch = None,
) -> TaskRow:
    task = tasks.submit(session, caller, task_id, body or TaskSubmission(), if_match, now)
    set_etag(response, task.version)
    return present(session, caller, task, now)


@router.post(
    "/tasks/{task_id}/recall",
    operation_id="recall_task",
    summary="撤回报验 / Recall a task from acceptance",
    description="尚未验收的可以撤回，继续整改。/ While it isn't accepted; the work goes on.",
    responses=stepping(*_MOVED),
)
def recall_task(
    response: Response, session: Transaction, caller: TaskWorker, task_id: UUID, now: Now, if_match: IfMatch = None
) -> TaskRow:
    task = tasks.recall(session, caller, task_id, if_match, now)
    set_etag(response, task.version)
    return present(session, caller, task, now)


@router.get(
    "/tasks/{task_id}/notes",
    operation_id="list_task_notes",
    summary="整改进展列表 / List the progress notes of a task",
    description="进展登记后不再更改。排序 / Notes are never changed. Orders: `noted_at` (default), `-noted_at`.",
    response_model=None,
    responses={200: page_schema(TaskNoteRow, *NOTE_SORTS), **listing()},
)
def list_task_notes(
    request: Request, session: Transaction, caller: TaskReader, paging: Paging, task_id: UUID
) -> Response:
    existing(session, caller, Task, task_id)
    return answer_page(
        session,
        request,
        paging,
        note_select(task_id),
        schema=TaskNoteRow,
        sorts=NOTE_SORTS,
        default_sort="noted_at",
        key=col(TaskNote.id),
    )


@router.post(
    "/tasks/{task_id}/notes",
    operation_id="create_task_note",
    summary="登记整改进展 / Note progress",
    description=(
        "照片按阶段（整改前、中、后）归入任务；登记人不得验收。"
        " / Photos join the task's by their stage; who notes progress may not accept the work."
    ),
    status_code=201,
    responses=creating(TaskNoteRow, NOT_FOUND, WRONG_STATE, STALE),
)
def create_task_note(
    response: Response,
    session: Transaction,
    caller: TaskWorker,
    task_id: UUID,
    body: TaskNoteNew,
    now: Now,
    if_match: IfMatch = None,
) -> TaskNoteRow:
    entry, made = tasks.note(session, caller, task_id, body, if_match, now)
    response.status_code = 201 if made else 200
    response.headers["Location"] = f"/api/v1/tasks/{task_id}/notes"
    return TaskNoteRow(**entry.model_dump(include=set(TaskNoteRow.model_fields)))


@router.get(
    "/tasks/{task_id}/history",
    operation_id="list_task_history",
    summary="整改任务的修改历史 / History of a task",
    description="安排、开工、进展、报验、返工、延期，旧的在前。/ Everything that was done on it; oldest first.",
    responses=reading(),
)
def list_task_history(session: Transaction, caller: Historian, task_id: UUID) -> Page[journal.HistoryEntry]:
    existing(session, caller, Task, task_id)
    return Page(items=journal.history(session, "task", task_id), next_cursor=None)
