"""The change feed over HTTP."""

import asyncio
import json
from typing import Annotated, Literal

from anyio import to_thread
from fastapi import Query, Request, Response

from toilet_api.accounts.caller import Bearer, Caller, enter
from toilet_api.accounts.problems import PASSWORD_CHANGE_REQUIRED
from toilet_api.exchange.changes import reading
from toilet_api.exchange.changes.problems import CURSOR_EXPIRED, SCOPE_CHANGED, TOO_MANY_WAITING
from toilet_api.exchange.changes.reading import Page, Question
from toilet_api.exchange.changes.schemas import ChangePage
from toilet_api.exchange.changes.subjects import SUBJECTS, shown_as
from toilet_api.exchange.changes.waiting import Watch
from toilet_api.kernel.database import Database
from toilet_api.kernel.errors import (
    BAD_CURSOR,
    FORBIDDEN,
    INVALID,
    MALFORMED,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    UNAUTHENTICATED,
    UNKNOWN_PARAMETER,
    problems,
)
from toilet_api.kernel.fields import DivisionCode, now
from toilet_api.kernel.paging import negotiate
from toilet_api.kernel.requests import Room

router = Room(tags=["exchange"])

_JSON, _LINES = "application/json", "application/x-ndjson"
_TYPES = "\n".join(
    f"* `{one.name}` {one.zh} / {one.en}: `{one.permission}`, {shown_as(one)}" for one in SUBJECTS.values()
)


@router.get(
    "/changes",
    operation_id="get_changes",
    summary="变更流 / The change feed",
    description=(
        "自游标以来已提交的全部变更，不漏、不重，每条记录按其版本次序。存下 `next_cursor`，下次作为 `since`；"
        "`more` 为真则立即再读。从快照开始：`POST /exports`，以其 `change_cursor` 作为 `since`。"
        "移出范围的记录为 `left_scope`，须删除本地副本；移入的为 `entered_scope`。"
        "游标至少 90 天有效，之后或范围、权限变动后答复 410，按 remedy 重新开始。"
        " / Every committed change since a cursor: none is missed, none comes twice, those of a record in the order of"
        " its versions. Keep `next_cursor` and send it as `since`; read on at once while `more`. Start from a snapshot:"
        " `POST /exports`, then its `change_cursor` as `since`. `left_scope`: delete your copy; `entered_scope`: it is"
        " new to you. A cursor holds for 90 days at least; then, and when your scope or permissions have changed, the"
        " answer is 410: start again as its remedy says.\n\n"
        "NDJSON (`Accept: application/x-ndjson`)：每行一条，末行为 / a change a line, the last line is"
        ' `{"next_cursor": …, "more": …}`.\n\n'
        f"类型、所需权限、记录的字段 / Types, the permission that each needs, the schema of the record:\n\n{_TYPES}"
    ),
    response_model=None,
    responses={
        200: {
            "model": ChangePage,
            "description": "一页变更 / A page of changes",
            "content": {_LINES: {"schema": {"type": "string"}}},
        },
        **problems(
            *(UNAUTHENTICATED, FORBIDDEN, PASSWORD_CHANGE_REQUIRED, UNKNOWN_PARAMETER, MALFORMED, BAD_CURSOR),
            *(NOT_FOUND, INVALID, NOT_ACCEPTABLE, CURSOR_EXPIRED, SCOPE_CHANGED, TOO_MANY_WAITING),
        ),
    },
)
async def get_changes(
    request: Request,
    credentials: Bearer,
    since: Annotated[
        str | None,
        Query(
            max_length=16_000,
            title="游标",
            description=(
                "上次的 next_cursor、某条的 cursor、导出的 change_cursor，或 `now`；不填则从最早保留的变更读起"
                " / next_cursor of the answer before, cursor of an item, change_cursor of an export, or `now`;"
                " left out: from the oldest change that is kept"
            ),
        ),
    ] = None,
    types: Annotated[
        str | None,
        Query(
            max_length=1000,
            title="类型",
            description="逗号分隔；不填则为可查看的全部 / Comma-separated; left out: all that you may read",
            examples=["household,toilet"],
        ),
    ] = None,
    division: Annotated[DivisionCode | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000, title="每页条数", description="Changes per page")] = 100,
    wait: Annotated[
        int,
        Query(
            ge=0,
            le=30,
            title="等待秒数",
            description="无变更时至多等待的秒数 / Seconds to wait at most while there is no change",
        ),
    ] = 0,
    include: Annotated[
        Literal["record", "none"],
        Query(title="内容", description="none：不附记录 / none: without the records"),
    ] = "record",
) -> Response:
    media = negotiate(request.headers.get("accept", "*/*"), (_JSON, _LINES))
    names = tuple(dict.fromkeys(name.strip() for name in (types or "").split(",") if name.strip()))
    question = Question(since, names, division, limit, include == "record")
    page = await _waited(request, credentials, question, wait)
    request.state.shown_rows = len(page.items)  # for the record of who pulled what
    return _answer(page, media)


async def _waited(request: Request, credentials: Bearer, question: Question, seconds: int) -> Page:
    """The page; while it is empty, the first that isn't within so many seconds. Nothing is held in between.

    Rights are looked up anew each time: they may be taken away while somebody waits.
    """
    watch: Watch = request.app.state.change_watch
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    page, caller = await _read(request, credentials, question, again=False)
    while not (page.items or page.more or watch.is_closing) and clock() < until:
        question = Question(page.next_cursor, question.types, question.division, question.limit, question.with_records)
        async with watch.waiting(caller.id, page.interest) as woken:
            page, caller = await _read(request, credentials, question, again=True)
            if not (page.items or page.more) and not await _woken(request, woken, until - clock()):
                break
    return page


async def _woken(request: Request, woken: asyncio.Event, seconds: float) -> bool:
    """Wait for the event. False when the time is over, or nobody is there any more to be answered."""
    tasks = {asyncio.create_task(woken.wait()), gone := asyncio.create_task(_gone(request))}
    try:
        done, _ = await asyncio.wait(tasks, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
        return bool(done) and gone not in done
    finally:
        for task in tasks:
            task.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _read(request: Request, credentials: Bearer, question: Question, *, again: bool) -> tuple[Page, Caller]:
    """A page in a transaction of its own, and for whom it is."""
    database: Database = request.app.state.database

    def work() -> tuple[Page, Caller]:
        with database.transaction() as session:
            caller = enter(request, session, credentials, again=again)
            found = reading.page(session, caller, question, request.app.state.cursor_secret, now().date())
            return found, caller

    async with database.slots:
        return await to_thread.run_sync(work)


def _answer(page: Page, media: str) -> Response:
    end = f'"next_cursor":{json.dumps(page.next_cursor)},"more":{json.dumps(page.more)}}}'.encode()
    if media == _LINES:
        content = b"\n".join([*page.items, b"{%b" % end, b""])
    else:
        content = b'{"items":[%b],%b' % (b",".join(page.items), end)
    return Response(content, media_type=media, headers={"Cache-Control": "no-store"})
