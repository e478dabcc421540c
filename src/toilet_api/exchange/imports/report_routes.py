"""The report of an import over HTTP: grouped, as CSV, and as its file with the wrong cells marked."""

import hashlib
import tempfile
from collections.abc import Iterator
from typing import IO, Annotated
from uuid import UUID

from fastapi import Response
from fastapi.responses import StreamingResponse

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission
from toilet_api.exchange.imports import marked_workbook, report_summary, views
from toilet_api.exchange.imports.summary_schemas import ImportSummary
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.dependencies import ObjectsDep, SettingsDep
from toilet_api.kernel.errors import (
    FORBIDDEN,
    INVALID,
    MALFORMED,
    NOT_FOUND,
    UNAUTHENTICATED,
    UNAVAILABLE,
    UNKNOWN_PARAMETER,
    WRONG_STATE,
    problems,
)
from toilet_api.kernel.requests import Room

router = Room(tags=["exchange"])

Importer = Annotated[Caller, may(Permission.IMPORT_CREATE)]
Reader = Annotated[Caller, may(Permission.IMPORT_READ)]
_ALWAYS = (UNAUTHENTICATED, FORBIDDEN, UNKNOWN_PARAMETER, MALFORMED)


@router.get(
    "/imports/{job_id}/summary",
    operation_id="get_import_summary",
    summary="分组报告 / The report, grouped",
    description=(
        "按字段和原因、字段和更正规则、结果、村分组，各附例子，个人信息脱敏。"
        " / By field and reason, field and rule, outcome and village, with examples; personal values are masked."
    ),
    responses=problems(*_ALWAYS, NOT_FOUND, INVALID),
)
def get_import_summary(session: Transaction, caller: Reader, job_id: UUID) -> ImportSummary:
    return report_summary.summary(session, caller, job_id)


@router.get(
    "/imports/{job_id}/report.csv",
    operation_id="get_import_report",
    summary="报告（CSV，可用 Excel 打开） / The report for a spreadsheet",
    description="每处错误、更正、更新一行，个人信息脱敏。/ A line for each fault, correction and change, masked.",
    response_class=Response,
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}},
        **problems(*_ALWAYS, NOT_FOUND, INVALID),
    },
)
def get_import_report(session: Transaction, caller: Reader, job_id: UUID) -> Response:
    # Written aside first: neither memory nor a connection is held while it is sent.
    aside = tempfile.TemporaryFile(prefix="toilet-report-")  # noqa: SIM115 - closed with the answer
    digest = hashlib.blake2b(digest_size=12)
    for block in views.report_csv(session, caller, job_id):
        aside.write(block)
        digest.update(block)
    aside.seek(0)
    headers = {
        "Content-Disposition": f'attachment; filename="import-{job_id}.csv"',
        "ETag": f'W/"{digest.hexdigest()}"',
    }
    return StreamingResponse(_blocks(aside), media_type="text/csv; charset=utf-8", headers=headers)


@router.get(
    "/imports/{job_id}/report.xlsx",
    operation_id="get_marked_workbook",
    summary="标出问题的工作簿 / The file with its faults marked",
    description=(
        "上传的文件，错误单元格红色、已更正的黄色，附批注；改好后可直接再传。含未脱敏的个人信息，下载留痕。"
        " / The uploaded file, wrong cells red, corrected ones yellow, with comments; corrected, it uploads as it is."
        " It holds plain personal data, and leaves a trace."
    ),
    response_class=Response,
    responses={
        200: {
            "description": "工作簿 / The workbook",
            "content": {marked_workbook.MEDIA: {"schema": {"type": "string", "format": "binary"}}},
        },
        **problems(*_ALWAYS, NOT_FOUND, INVALID, WRONG_STATE, UNAVAILABLE),
    },
)
def get_marked_workbook(
    session: Transaction, caller: Importer, objects: ObjectsDep, settings: SettingsDep, job_id: UUID
) -> Response:
    job, content = marked_workbook.marked(session, objects, caller, job_id, settings.import_max_rows)
    headers = {"Content-Disposition": marked_workbook.disposition(job), "Cache-Control": "no-store"}
    return StreamingResponse(content(), media_type=marked_workbook.MEDIA, headers=headers)


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while block := file.read(1 << 18):
            yield block
