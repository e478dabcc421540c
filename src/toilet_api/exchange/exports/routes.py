"""Exports over HTTP: ask, follow, download, cancel."""

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import Path, Query, Request, Response
from sqlmodel import col

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions.problems import UNKNOWN_DIVISION
from toilet_api.exchange.exports import asking, job, schemas, views
from toilet_api.exchange.exports.catalogue import MEDIA_TYPES
from toilet_api.exchange.exports.problems import EXPORT_EXPIRED, EXPORT_FORMAT_UNFIT, EXPORT_TOO_WIDE
from toilet_api.exchange.exports.registered import FILTERS_ZH
from toilet_api.exchange.exports.tables import ExportJob
from toilet_api.exchange.sharing import accesses
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.dependencies import SettingsDep
from toilet_api.kernel.errors import (
    BAD_CURSOR,
    FORBIDDEN,
    ID_TAKEN,
    IDEMPOTENCY_MISMATCH,
    INVALID,
    MALFORMED,
    NOT_FOUND,
    OUT_OF_SCOPE,
    RANGE_NOT_SATISFIABLE,
    UNAUTHENTICATED,
    UNAVAILABLE,
    UNKNOWN_PARAMETER,
    WRONG_STATE,
    problems,
)
from toilet_api.kernel.objects import ObjectStore
from toilet_api.kernel.paging import Paging, answer_page, page_schema
from toilet_api.kernel.requests import Room
from toilet_api.kernel.stored_files import IN_PARTS, StoredFile, file_headers

__all__ = ["job", "router"]

router = Room(tags=["exchange"])

Exporter = Annotated[Caller, may(Permission.EXPORT_CREATE)]
ExportId = Annotated[UUID, Path(title="导出编号")]

_ALWAYS = (UNAUTHENTICATED, FORBIDDEN, UNKNOWN_PARAMETER, MALFORMED)
_ONE = problems(*_ALWAYS, NOT_FOUND, INVALID)


@router.post(
    "/exports",
    operation_id="create_export",
    summary="导出数据 / Export data",
    description=(
        "答复任务；完成后从 `GET /exports/{id}/file` 下载。文件为同一时刻的快照，`change_cursor` 为其变更游标。"
        "此前同样的导出若无变化，直接沿用其文件（`reused_from`）。"
        " / Answers a job; its file is a snapshot of one moment, with its place in the change feed. The same again"
        " without a change in between answers at once from the stored file.\n\n"
        "CSV、XLSX 的列是台账表头；NDJSON、Parquet 的列名和类型见 `GET /datasets/{dataset}`，"
        "与列表、变更流的记录字段不同（`households` 每厕一行，金额为元，年份为文字）。"
        " / CSV and XLSX have the headings of ledgers; the columns of NDJSON and Parquet stand in"
        " `GET /datasets/{dataset}` and are not those of the lists and the feed (`households`: a row for each toilet,"
        " money in yuan, the year a text).\n\n"
        f"可用的筛选条件 / Filters by dataset:\n{FILTERS_ZH}"
    ),
    status_code=202,
    responses=problems(
        *_ALWAYS,
        INVALID,
        OUT_OF_SCOPE,
        UNKNOWN_DIVISION,
        EXPORT_FORMAT_UNFIT,
        EXPORT_TOO_WIDE,
        ID_TAKEN,
        IDEMPOTENCY_MISMATCH,
    ),
)
def create_export(
    request: Request,
    response: Response,
    session: Transaction,
    caller: Exporter,
    settings: SettingsDep,
    body: schemas.ExportNew,
) -> schemas.Export:
    accesses.tell(request, dataset=body.dataset, divisions=accesses.part_of(caller, body.division))
    export_id = asking.ask(session, settings, caller, body)
    response.headers["Location"] = f"/api/v1/exports/{export_id}"
    return views.show(session, caller, export_id)


@router.get(
    "/exports",
    operation_id="list_exports",
    summary="我的导出 / My exports",
    description=(
        "只列本人的导出。排序：`-created_at`（默认）、`created_at`。"
        " / Of the caller alone. Orders: `-created_at` (default), `created_at`."
    ),
    response_model=None,
    responses={
        200: page_schema(schemas.Export, "created_at", "-created_at"),
        **problems(*_ALWAYS, BAD_CURSOR, INVALID),
    },
)
def list_exports(
    request: Request,
    session: Transaction,
    caller: Exporter,
    paging: Paging,
    state: Annotated[schemas.State | None, Query()] = None,
    dataset: Annotated[schemas.Dataset | None, Query()] = None,
) -> Response:
    statement = views.export_select(caller)
    if state is not None:
        statement = statement.where(col(ExportJob.state) == state)
    if dataset is not None:
        statement = statement.where(col(ExportJob.dataset) == dataset)
    orders: dict[str, list[Any]] = {
        "created_at": [col(ExportJob.created_at)],
        "-created_at": [col(ExportJob.created_at).desc()],
    }
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=schemas.Export,
        sorts=orders,
        default_sort="-created_at",
        key=col(ExportJob.id),
    )


@router.get(
    "/exports/{export_id}",
    operation_id="get_export",
    summary="导出任务 / An export",
    description="状态、进度、行数、数据时点和变更游标。/ State, progress, rows, moment and change cursor.",
    responses=_ONE,
)
def get_export(response: Response, session: Transaction, caller: Exporter, export_id: ExportId) -> schemas.Export:
    response.headers["Cache-Control"] = "no-store"
    return views.show(session, caller, export_id)


@router.get(
    "/exports/{export_id}/file",
    operation_id="get_export_file",
    summary="下载导出文件 / Download the file",
    description=(
        "支持 `Range` 断点续传和 `If-None-Match`；变更游标见答复头 `Change-Cursor`。明文文件每次下载均留痕。"
        " / With `Range` and `If-None-Match`; the change cursor is in the header `Change-Cursor`. Each download of"
        " plain personal data is journaled."
    ),
    response_class=Response,
    responses={
        200: {
            "description": "文件 / The file",
            "content": {
                media.split(";")[0]: {"schema": {"type": "string", "format": "binary"}}
                for media in MEDIA_TYPES.values()
            },
            "headers": file_headers(
                Change_Cursor=(
                    "文件在变更流中的位置，即任务的 change_cursor / Its place in the change feed, as the job has it",
                    "Mi43ZDc3NDgwYi4xNTM4LjEzMzY6MDo",
                )
            ),
        },
        **problems(*_ALWAYS, NOT_FOUND, INVALID, WRONG_STATE, EXPORT_EXPIRED, RANGE_NOT_SATISFIABLE),
    },
    openapi_extra=IN_PARTS,
)
def get_export_file(
    request: Request, session: Transaction, caller: Exporter, settings: SettingsDep, export_id: ExportId
) -> Response:
    made = asking.own(session, caller, export_id)
    accesses.tell(request, dataset=made.dataset, divisions=[made.division_code], records=made.rows)
    if made.state != "succeeded" or made.sha256 is None:
        raise WRONG_STATE.problem(
            ("导出尚未完成，没有文件。", "The export hasn't succeeded: there is no file."),
            current=made.state,
            allowed_actions=views.show(session, caller, export_id).allowed_actions,
        )
    if made.file_removed_at is not None:
        raise EXPORT_EXPIRED.problem()
    # The rights of today: whoever has lost them since has lost the file.
    asking.require_rights(caller, made.dataset, made.personal, made.division_code)
    store = ObjectStore(settings, asking.FOLDER)
    if not store.exists(made.sha256):
        raise UNAVAILABLE.problem(("文件暂不可用。", "The file is not available at the moment."))
    if made.personal == "plain":
        asking.note(session, made, "export.downloaded")
    # Sent after the transaction has ended: no connection is held meanwhile.
    return StoredFile(
        store.path(made.sha256),
        media_type=MEDIA_TYPES[made.format],
        headers={
            "ETag": f'"{made.sha256}"',
            "Content-Disposition": (
                f"attachment; filename=\"export-{made.id}.{made.format}\"; filename*=UTF-8''{quote(made.file_name)}"
            ),
            "Cache-Control": "private, no-cache",
            "Change-Cursor": made.change_cursor or "",
            "X-Content-Type-Options": "nosniff",
        },
    )


@router.post(
    "/exports/{export_id}/cancel",
    operation_id="cancel_export",
    summary="取消导出 / Cancel an export",
    description="未开始的立即取消，进行中的随即停止；不留文件。/ One under way stops soon; there will be no file.",
    responses=problems(*_ALWAYS, NOT_FOUND, INVALID, WRONG_STATE),
)
def cancel_export(session: Transaction, caller: Exporter, export_id: ExportId) -> schemas.Export:
    asking.cancel(session, caller, export_id)
    return views.show(session, caller, export_id)
