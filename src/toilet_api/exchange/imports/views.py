"""How imports and their rows are shown."""

import csv
import io
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Double, Numeric, Text, case, cast, func, literal, null, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB, array
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission
from toilet_api.exchange.imports import catalogue, schemas
from toilet_api.exchange.imports.tables import ImportJob, ImportRow
from toilet_api.exchange.ledgers.catalogue import CORRECTIONS, REASONS
from toilet_api.kernel.errors import CATALOGUE, INVALID, NOT_FOUND, FieldError
from toilet_api.kernel.paging import csv_cell

_ROWS_SHARE = 0.98
"""Of the progress shown, this much is the rows; the rest is the end, when all of it is committed."""
_CSV_HEADER = (
    "工作表",
    "行号",
    "结果",
    "村代码",
    "户主（脱敏）",
    "字段",
    "单元格",
    "表头",
    "代码",
    "原值（脱敏）",
    "应为／改为",
    "说明",
)


def import_columns(caller: Caller) -> list[ColumnElement[Any]]:
    """The members of `schemas.Import`."""
    can_cancel = col(ImportJob.state).in_(("queued", "running")) & caller.scope_for(Permission.IMPORT_CREATE).condition(
        col(ImportJob.division_code)
    )
    share = func.least(
        cast(col(ImportJob.rows_done), Double) / func.greatest(func.coalesce(col(ImportJob.rows_total), 1), 1), 1
    )
    progress = case(
        (col(ImportJob.phase) == "done", literal(1.0)),
        (col(ImportJob.phase) == "queued", literal(0.0)),
        else_=func.round(cast(share * _ROWS_SHARE, Numeric), 3),
    )
    counts = func.jsonb_build_object(
        *_pairs("rows_in", "created", "updated", "unchanged", "rejected", "ignored", "corrections", "reasons")
    )
    file = func.jsonb_build_object(
        "name", col(ImportJob.file_name), "sha256", col(ImportJob.file_sha256), "bytes", col(ImportJob.file_bytes),
        "format", col(ImportJob.file_format), "encoding", col(ImportJob.encoding),
        "delimiter", col(ImportJob.delimiter),
    )  # fmt: skip
    made: dict[str, ColumnElement[Any]] = {
        "progress": progress,
        "counts": counts,
        "file": file,
        "created_by_name": type_coerce(col(ImportJob.actor_name), Text),
        "allowed_actions": func.to_jsonb(
            func.array_remove(array([case((can_cancel, cast(literal("cancel"), Text)))]), cast(null(), Text))
        ),
    }
    return [
        (made[name] if name in made else getattr(ImportJob, name)).label(name) for name in schemas.Import.model_fields
    ]


def row_columns() -> list[ColumnElement[Any]]:
    """The members of `schemas.ImportRowReport`."""
    return [
        (col(ImportRow.row_number) if name == "row" else getattr(ImportRow, name)).label(name)
        for name in schemas.ImportRowReport.model_fields
    ]


def show_import(session: Session, caller: Caller, job_id: UUID) -> schemas.Import:
    """One import. Raises `not_found` when there is none in the caller's scope."""
    session.flush()
    statement = select(*import_columns(caller)).where(col(ImportJob.id) == job_id)
    row = session.connection().execute(caller.scope.narrow(statement, col(ImportJob.division_code))).mappings().first()
    if row is None:
        raise NOT_FOUND.problem()
    return schemas.Import.model_validate(dict(row))


def require_reason(job: schemas.Import, reason: str) -> None:
    """422 for what is no reason: not of `import_reason`, no error of the catalogue, and not in this import's report."""
    if reason in REASONS or reason in CATALOGUE or reason in job.counts.reasons:
        return
    told = ("没有这个代码", "there is no such code")
    expected = ", ".join(entry.code for entry in REASONS)
    raise INVALID.problem(errors=[FieldError("/query/reason", "unknown_code", told, reason, expected)])


def report_csv(session: Session, caller: Caller, job_id: UUID) -> Iterator[bytes]:
    """The report as CSV with a byte-order mark, for Excel: a line for each fault, correction and change."""
    show_import(session, caller, job_id)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_CSV_HEADER)
    yield b"\xef\xbb\xbf"
    statement = select(*_reported()).where(col(ImportRow.job_id) == job_id).order_by(col(ImportRow.position))
    # By a cursor of the server: the report of a large file isn't held in memory.
    rows = session.connection().execute(
        caller.scope.narrow(statement, col(ImportRow.division_code)), execution_options={"yield_per": 1_000}
    )
    for part in rows.partitions():
        for sheet, number, outcome, village, name, *found in part:
            start = [csv_cell(sheet), number, catalogue.ROW_OUTCOMES.label(outcome), village, csv_cell(name)]
            if found == _NOTHING_FOUND:
                writer.writerow(start + _NO_FINDING)
            else:
                writer.writerows([*start, *map(csv_cell, line)] for line in _findings(*found))
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
    yield out.getvalue().encode()


_NOTHING_FOUND = [None, None, None]
_NO_FINDING = [""] * 7


def _reported() -> list[ColumnElement[Any]]:
    """Of a row what the CSV says. Findings are null where there are none, as with most rows: nothing to read then."""
    findings = (col(ImportRow.errors), col(ImportRow.corrections), col(ImportRow.changes))
    return [
        *(getattr(ImportRow, name) for name in ("sheet", "row_number", "outcome", "village_code", "name_masked")),
        *(type_coerce(func.nullif(found, cast(literal("[]"), JSONB)), JSONB) for found in findings),
    ]


Findings = list[dict[str, Any]] | None


def _findings(errors: Findings, corrections: Findings, changes: Findings) -> Iterator[list[Any]]:
    for one in errors or ():
        label = "：".join(filter(None, [one.get("message") or REASONS.label(one["reason"]), one.get("detail")]))
        yield [one["column"], one["cell"], one["heading"], one["reason"], one["value"], one["expected"], label]
    for one in corrections or ():
        label = CORRECTIONS.label(one["rule"])
        yield [one["column"], one["cell"], one["heading"], one["rule"], one["from"], one["to"], label]
    for one in changes or ():
        yield [one["column"], None, None, "updated", one["from"], one["to"], "更新"]


def _pairs(*names: str) -> list[Any]:
    return [part for name in names for part in (name, getattr(ImportJob, name))]
