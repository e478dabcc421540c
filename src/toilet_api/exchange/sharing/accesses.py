"""Who pulled what: each pull of data by a system leaves a record, written once the answer is on its way.

A person's requests cost nothing more. The record is written after the last byte was handed over and before the request
counts as done, so a server that is asked to stop writes it first.
"""

import logging
import re
from collections.abc import Sequence
from typing import Any

from anyio import CancelScope, to_thread
from fastapi import Request
from sqlalchemy import insert
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.sharing.tables import DatasetAccess
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id, now

log = logging.getLogger("toilet_api")

_ROOMS = frozenset({"divisions", "registry", "survey", "rectification", "oversight", "reporting"})
"""Whatever a system reads of these is a pull."""
_OF_EXCHANGE = frozenset({"create_export", "get_export_file", "list_dataset_records"})
_EXCHANGED = ("/api/v1/changes", "/api/v1/sync")
_SEARCHES = frozenset({"search_households", "create_export"})
"""They read, and yet are no GET."""
_DATASETS = {
    **{name: name for name in ("households", "toilets", "visits", "problems", "tasks", "divisions")},
    "close-outs": "close_outs",
}
"""First word of a path -> the dataset that it shows."""

_CODE = re.compile(r"[0-9]{2}(?:[0-9]{2}(?:[0-9]{2}(?:[0-9]{3}(?:[0-9]{3})?)?)?)?")
_NOT_MODIFIED = 304


def tell(
    request: Request,
    *,
    dataset: str | None = None,
    divisions: Sequence[str] = (),
    fields: Sequence[str] | None = None,
    records: int | None = None,
) -> None:
    """What a route knows better than its address says, for the record of this pull."""
    told: dict[str, Any] = request.scope["state"].setdefault("pull", {})
    given = {"dataset": dataset, "divisions": divisions or None, "fields": fields, "records": records}
    told.update({name: value for name, value in given.items() if value is not None})


class Accesses:
    """ASGI middleware: counts each answer's bytes, and keeps a record of those that went to a system."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, sent = 0, 0

        async def counted(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, counted)
        finally:
            caller: Caller | None = scope.get("state", {}).get("caller")
            if status and caller is not None and caller.kind == "client" and _is_pull(scope):
                with CancelScope(shield=True):
                    await _keep(scope, _rows(scope, caller, status, sent))


def _is_pull(scope: Scope) -> bool:
    operation, method = _operation(scope), scope["method"]
    if operation in _SEARCHES or operation in _OF_EXCHANGE:
        return True
    if method != "GET":
        return False
    return bool(_ROOMS.intersection(scope["route"].tags)) or scope["path"].startswith(_EXCHANGED)


def _operation(scope: Scope) -> str:
    return getattr(scope.get("route"), "operation_id", None) or ""


def _rows(scope: Scope, caller: Caller, status: int, sent: int) -> list[dict[str, Any]]:
    """A row for each division that the pull touched: those asked for, or all of the caller's."""
    query, told = Request(scope).query_params, scope["state"].get("pull", {})
    divisions = told.get("divisions") or part_of(caller, query.get("division") or query.get("under"))
    is_refused = status >= 400
    names = scope["state"].get("shown_fields") if query.get("fields") and not is_refused else None
    records = told.get("records", scope["state"].get("shown_rows"))
    common = {
        "at": now(),
        "pull_id": new_id(),
        "principal_id": caller.id,
        "client_id": caller.username,
        "operation": _operation(scope),
        "dataset": told.get("dataset") or _DATASETS.get(scope["path"].removeprefix("/api/v1/").split("/")[0]),
        "fields": told.get("fields") or names,
        "records": None if is_refused else 0 if status == _NOT_MODIFIED else records,
        "bytes": sent,
        "status": status,
        "request_id": scope["state"].get("request_id"),
    }
    return [{**common, "id": new_id(), "division_code": code} for code in divisions]


def part_of(caller: Caller, division: str | None) -> tuple[str, ...]:
    """What of the caller's divisions is meant by the one that he asked for: all of them where it is none of his."""
    part = caller.scope.within(division).prefixes if division and _CODE.fullmatch(division) else ()
    return part or caller.scope.prefixes


async def _keep(scope: Scope, rows: list[dict[str, Any]]) -> None:
    database: Database = scope["app"].state.database

    def write() -> None:
        with database.transaction(EVERYWHERE) as session:
            session.connection().execute(insert(DatasetAccess), rows)

    try:
        async with database.slots:
            await to_thread.run_sync(write)
    except Exception as error:  # noqa: BLE001 - the answer has gone out; what is left is to say so
        request_id = scope["state"].get("request_id")
        log.error("a pull was not recorded: %s request_id=%s", type(error).__name__, request_id)  # noqa: TRY400
