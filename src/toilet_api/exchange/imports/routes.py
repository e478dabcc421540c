"""Imports over HTTP: upload, follow, read the report, cancel."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import File, Form, Query, Request, Response, UploadFile
from pydantic import Field, StringConstraints
from sqlalchemy import select
from sqlmodel import col

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions import lookup
from toilet_api.divisions.problems import UNKNOWN_DIVISION
from toilet_api.exchange.imports import schemas, submission, views
from toilet_api.exchange.imports.problems import BAD_FORM
from toilet_api.exchange.imports.tables import ImportJob, ImportRow
from toilet_api.exchange.ledgers.problems import FILE_PROBLEMS, HEADER_PROBLEMS
from toilet_api.exchange.records.rights import require_rights
from toilet_api.exchange.uploads.problems import NOT_COMPLETE
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.dependencies import ObjectsDep, SettingsDep
from toilet_api.kernel.errors import (
    BAD_CURSOR,
    FORBIDDEN,
    IDEMPOTENCY_MISMATCH,
    INVALID,
    MALFORMED,
    NOT_FOUND,
    OUT_OF_SCOPE,
    TOO_LARGE,
    UNAUTHENTICATED,
    UNKNOWN_PARAMETER,
    WRONG_STATE,
    problems,
)
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.paging import Paging, answer_page, page_schema
from toilet_api.kernel.requests import Room

router = Room(tags=["exchange"])

Importer = Annotated[Caller, may(Permission.IMPORT_CREATE)]
Reader = Annotated[Caller, may(Permission.IMPORT_READ)]

_ALWAYS = (UNAUTHENTICATED, FORBIDDEN, UNKNOWN_PARAMETER, MALFORMED)
_LIST = problems(*_ALWAYS, BAD_CURSOR, NOT_FOUND, INVALID)
_UPLOAD = Field(
    title="分段上传编号",
    description="已传完的分段上传，代替 file / A resumable upload that is complete, in place of `file`",
    examples=["0199f2c4-7c1e-7000-8000-000000000001"],
)
_KIND = Field(
    title="记录种类",
    description="缺省为农户与户厕 / Kind of records; households when left out",
    examples=["households"],
)
_MODE = Field(
    title="导入方式",
    description=(
        "row_by_row（默认）逐行取舍，all_or_nothing 有一行被拒绝即全部不写"
        " / Row by row, or nothing at all where a row is rejected"
    ),
    examples=["row_by_row"],
)
_DRY_RUN = Field(
    title="试运行", description="true：只出报告，不写入 / A report only; nothing is written", examples=[True]
)
_CONFLICT = Field(
    title="与已登记的不同时",
    description="fail（默认）拒绝该行，skip 保留已登记的，update 更新 / Reject the row, keep, or update",
    examples=["fail"],
)
_MAPPING = Field(
    title="列对应",
    description=(
        'JSON：表头（或“C:”形式的列）到字段，null 为不取该列 / JSON: heading, or column as "C:", to field; '
        "null skips it. "
        "字段 / Fields: village, village_code, township, county, city, province, group, "
        "name, id, address, phone, family_size, dwelling_state, mode, year, led_by, subsidy, note, serial"
    ),
    examples=['{"农户": "name", "C:": "village"}'],
)
_REMEMBER = Field(
    title="记住列对应",
    description=(
        "true：把 mapping 记为导入范围的表头词，以后自动适用（/import-synonyms）/ Keep the mapping as headings of the"
        " import's division, for the imports to come"
    ),
    examples=[False],
)
_MappingText = Annotated[str, StringConstraints(max_length=20_000)]
_EITHER = (
    "除 file 外，各参数可放在表单或查询字符串中，两处都有则须一致。/ Beside `file`, each parameter may stand in "
    "the form or in the query; where it stands in both, they must agree."
)


@router.post(
    "/imports",
    operation_id="create_import",
    summary="上传台账 / Upload a ledger",
    description=(
        "CSV（UTF-8、GB18030、UTF-16）、XLSX、XLS、ODS、NDJSON 或 Parquet，按内容判定。"
        "答复任务，逐行结果见 `GET /imports/{id}/rows`。建议先 `dry_run=true`。"
        "同一文件再传，各行均为 unchanged。 / Answers a job; its rows are the report. "
        "The same file again changes nothing. " + _EITHER
    ),
    status_code=202,
    responses=problems(
        *_ALWAYS,
        *FILE_PROBLEMS,
        BAD_FORM,
        *HEADER_PROBLEMS,
        OUT_OF_SCOPE,
        UNKNOWN_DIVISION,
        TOO_LARGE,
        INVALID,
        IDEMPOTENCY_MISMATCH,
        NOT_FOUND,
        NOT_COMPLETE,
    ),
)
def create_import(
    response: Response,
    session: Transaction,
    caller: Importer,
    objects: ObjectsDep,
    settings: SettingsDep,
    file: Annotated[
        UploadFile | None,
        File(title="台账文件", description="CSV、XLSX、XLS、ODS、NDJSON、Parquet，按内容判定 / Decided by content"),
    ] = None,
    upload_id_form: Annotated[UUID | None, Form(alias="upload_id"), _UPLOAD] = None,
    kind_form: Annotated[schemas.ImportKind | None, Form(alias="kind"), _KIND] = None,
    mode_form: Annotated[schemas.ImportMode | None, Form(alias="mode"), _MODE] = None,
    dry_run_form: Annotated[bool | None, Form(alias="dry_run"), _DRY_RUN] = None,
    on_conflict_form: Annotated[schemas.OnConflict | None, Form(alias="on_conflict"), _CONFLICT] = None,
    division_form: Annotated[DivisionCode | None, Form(alias="division")] = None,
    mapping_form: Annotated[_MappingText | None, Form(alias="mapping"), _MAPPING] = None,
    remember_form: Annotated[bool | None, Form(alias="remember_mapping"), _REMEMBER] = None,
    upload_id: Annotated[UUID | None, Query(), _UPLOAD] = None,
    kind: Annotated[schemas.ImportKind | None, Query(), _KIND] = None,
    mode: Annotated[schemas.ImportMode | None, Query(), _MODE] = None,
    dry_run: Annotated[bool | None, Query(), _DRY_RUN] = None,
    on_conflict: Annotated[schemas.OnConflict | None, Query(), _CONFLICT] = None,
    division: Annotated[DivisionCode | None, Query()] = None,
    mapping: Annotated[_MappingText | None, Query(), _MAPPING] = None,
    remember_mapping: Annotated[bool | None, Query(), _REMEMBER] = None,
) -> schemas.Import:
    records = submission.one_value("kind", kind_form, kind) or "households"
    require_rights(caller, records)
    source, name = submission.file_or_upload(
        session, caller, file, submission.one_value("upload_id", upload_id_form, upload_id)
    )
    job_id = submission.submit(
        session,
        objects,
        settings,
        caller,
        source,
        name=name,
        kind=records,
        mode=submission.one_value("mode", mode_form, mode) or "row_by_row",
        division_code=submission.scope_of_import(
            session, caller, submission.one_value("division", division_form, division)
        ),
        dry_run=bool(submission.one_value("dry_run", dry_run_form, dry_run)),
        on_conflict=submission.one_value("on_conflict", on_conflict_form, on_conflict) or "fail",
        mapping=submission.read_mapping(submission.one_value("mapping", mapping_form, mapping), records),
        remember_mapping=bool(submission.one_value("remember_mapping", remember_form, remember_mapping)),
    )
    response.headers["Location"] = f"/api/v1/imports/{job_id}"
    return views.show_import(session, caller, job_id)


@router.get(
    "/imports",
    operation_id="list_imports",
    summary="导入任务列表 / List imports",
    description="排序：`-created_at`（默认）、`created_at`。/ Orders: `-created_at` (default), `created_at`.",
    response_model=None,
    responses={200: page_schema(schemas.Import, "created_at", "-created_at"), **_LIST},
)
def list_imports(
    request: Request,
    session: Transaction,
    caller: Reader,
    paging: Paging,
    state: Annotated[schemas.State | None, Query()] = None,
    division: Annotated[
        DivisionCode | None, Query(description="导入范围在此区划内 / Scope within this division")
    ] = None,
) -> Response:
    scope = caller.scope
    if division is not None:
        found = lookup.resolve(session, division)
        scope = scope.within(found.code) if found is not None else scope.within("-")
        if scope.is_empty:
            raise NOT_FOUND.problem()
    statement = scope.narrow(select(*views.import_columns(caller)), col(ImportJob.division_code))
    if state is not None:
        statement = statement.where(col(ImportJob.state) == state)
    orders: dict[str, list[Any]] = {
        "created_at": [col(ImportJob.created_at)],
        "-created_at": [col(ImportJob.created_at).desc()],
    }
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=schemas.Import,
        sorts=orders,
        default_sort="-created_at",
        key=col(ImportJob.id),
    )


@router.get(
    "/imports/{job_id}",
    operation_id="get_import",
    summary="导入任务 / One import",
    description="状态、进度、列的对应和行数。/ State, progress, mapping and counts.",
    responses=problems(*_ALWAYS, NOT_FOUND, INVALID),
)
def get_import(session: Transaction, caller: Reader, job_id: UUID, response: Response) -> schemas.Import:
    response.headers["Cache-Control"] = "no-store"
    return views.show_import(session, caller, job_id)


@router.get(
    "/imports/{job_id}/rows",
    operation_id="list_import_rows",
    summary="逐行结果 / The report of each row",
    description="排序：`position`（文件中的顺序）。/ Order: `position`, that of the file.",
    response_model=None,
    responses={200: page_schema(schemas.ImportRowReport, "position"), **_LIST},
)
def list_import_rows(
    request: Request,
    session: Transaction,
    caller: Reader,
    paging: Paging,
    job_id: UUID,
    outcome: Annotated[schemas.Outcome | None, Query()] = None,
    reason: Annotated[
        str | None,
        Query(
            pattern=r"^[a-z][a-z0-9_]{0,79}$",
            title="拒绝原因",
            description=(
                "有此拒绝原因的行：代码表 import_reason、错误目录或该导入 counts.reasons 中的代码，其他为 422"
                " / Rows with this reason: a code of `import_reason`, of the error catalogue, or of `counts.reasons`"
            ),
            examples=["id_check"],
        ),
    ] = None,
    rule: Annotated[schemas.Rule | None, Query(description="用过此更正规则的行 / Rows with this correction")] = None,
) -> Response:
    job = views.show_import(session, caller, job_id)
    if reason is not None:
        views.require_reason(job, reason)
    statement = select(*views.row_columns()).where(col(ImportRow.job_id) == job_id)
    statement = caller.scope.narrow(statement, col(ImportRow.division_code))
    if outcome is not None:
        statement = statement.where(col(ImportRow.outcome) == outcome)
    if reason is not None:
        statement = statement.where(col(ImportRow.errors).contains([{"reason": reason}]))
    if rule is not None:
        statement = statement.where(col(ImportRow.corrections).contains([{"rule": rule}]))
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=schemas.ImportRowReport,
        sorts={"position": []},
        default_sort="position",
        key=col(ImportRow.position),
    )


@router.post(
    "/imports/{job_id}/cancel",
    operation_id="cancel_import",
    summary="取消导入 / Cancel an import",
    description="未开始的立即取消，进行中的在提交前停止；已取消的不留记录。/ A cancelled one has written nothing.",
    responses=problems(*_ALWAYS, NOT_FOUND, INVALID, WRONG_STATE),
)
def cancel_import(session: Transaction, caller: Importer, job_id: UUID) -> schemas.Import:
    submission.cancel(session, caller, job_id)
    return views.show_import(session, caller, job_id)
