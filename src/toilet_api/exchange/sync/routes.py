"""Offline work over HTTP: send changes, fetch a village."""

from typing import Annotated

from fastapi import Query, Request, Response

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission
from toilet_api.exchange.sync import applying, pulling
from toilet_api.exchange.sync.problems import SYNC_CURSOR_EXPIRED
from toilet_api.exchange.sync.pull_schemas import SyncPull
from toilet_api.exchange.sync.schemas import SyncAnswer, SyncBatch
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.dependencies import Language, VaultDep
from toilet_api.kernel.errors import (
    BAD_CURSOR,
    FORBIDDEN,
    INVALID,
    MALFORMED,
    NOT_FOUND,
    UNAUTHENTICATED,
    UNKNOWN_PARAMETER,
    problems,
)
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.requests import Room
from toilet_api.survey.clock import Now

router = Room(tags=["exchange"])

Syncer = Annotated[Caller, may(Permission.SYNC_USE)]
_ALWAYS = (UNAUTHENTICATED, FORBIDDEN, UNKNOWN_PARAMETER, MALFORMED)


@router.post(
    "/sync",
    operation_id="sync_changes",
    summary="发送离线时的修改 / Send changes made offline",
    description=(
        "每个条目单独答复，一个不成不影响其他；规则、权限与单条接口相同。条目编号不变即可放心重发。先新建后引用，由服务器排序。"
        "其间他人改了别的字段则合并写入（merged）；改了同一字段且内容不同则不写入（conflict），双方内容留待决定。"
        "没有写入的都留存，见 `GET /sync-conflicts`。"
        " / Each item is answered on its own, by the rules and permissions of its single route; a resend with the same"
        " ids is safe. The server orders what depends on each other. Other fields changed by somebody else meanwhile"
        " are merged; the same field with another value is a conflict: nothing of the item is applied, and both sides"
        " are kept. So is what is rejected: see `GET /sync-conflicts`."
    ),
    responses=problems(*_ALWAYS, INVALID),
)
def sync_changes(
    session: Transaction, caller: Syncer, vault: VaultDep, body: SyncBatch, now: Now, language: Language
) -> SyncAnswer:
    return applying.receive(session, vault, caller, body, now, language)


@router.get(
    "/sync/pull",
    operation_id="pull_village",
    summary="取一个村的工作数据 / Fetch a village's working set",
    description=(
        "不带 since：整村数据，同一时刻的快照；带 since：其后的变化和不再有的记录。"
        "游标过期（410）则重新取整村。个人信息脱敏。"
        " / Without `since` all of the village as of one moment; with it what has changed and what is gone. Start again"
        " on a 410. Personal data is masked."
    ),
    response_model=None,
    responses={
        200: {"model": SyncPull, "description": "工作数据 / The working set"},
        **problems(*_ALWAYS, BAD_CURSOR, NOT_FOUND, SYNC_CURSOR_EXPIRED, INVALID),
    },
)
def pull_village(
    request: Request,
    session: Transaction,
    caller: Syncer,
    now: Now,
    division: Annotated[
        DivisionCode,
        Query(description="12 位村代码；旧代码自动换算 / A village; old codes resolve", examples=["360423208202"]),
    ],
    since: Annotated[
        str | None,
        Query(max_length=8000, title="游标", description="上次答复的 cursor / `cursor` of the answer before"),
    ] = None,
    reference: Annotated[
        str | None,
        Query(max_length=64, title="目录标签", description="已有目录的 tag / `tag` of the reference that it has"),
    ] = None,
) -> Response:
    asked = pulling.Asked(division, since, reference)
    content = pulling.pull(session, caller, request.app.state.cursor_secret, asked, now)
    return Response(content, media_type="application/json", headers={"Cache-Control": "no-store"})
