"""Writes what became of each row into the report, which stands beside the reports of households."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from toilet_api.exchange.records.applying import Application
from toilet_api.kernel.database import driver

_COLUMNS = (
    "job_id",
    "position",
    "division_code",
    "sheet",
    "row_number",
    "outcome",
    "village_code",
    "name_masked",
    "household_id",
    "record_type",
    "record_id",
    "corrections",
    "errors",
    "changes",
)
_VILLAGE = 12


def write_report(
    session: Session, application: Application, job_id: UUID, division_code: str, *, written: bool
) -> None:
    """The rows of `import_row`. COPY can't go into a table with row-level security; it goes by way of a plain one."""
    connection = session.connection()
    connection.execute(text("create temp table record_report (like import_row excluding indexes) on commit drop"))
    names = ", ".join(_COLUMNS)
    with driver(session).cursor().copy(f"copy record_report ({names}) from stdin") as copy:
        for row in _rows(application, job_id, division_code, written=written):
            copy.write_row([json.dumps(cell, ensure_ascii=False) if isinstance(cell, list) else cell for cell in row])
    connection.execute(text(f"insert into import_row ({names}) select {names} from record_report order by position"))


def _rows(application: Application, job_id: UUID, division_code: str, *, written: bool) -> Iterator[tuple[Any, ...]]:
    """In the order of `_COLUMNS`. What wasn't written has no ids of new records."""
    for position, row in enumerate(application.rows, 1):
        known = row.was_there or (row.outcome == "created" and written)
        village = row.division_code if row.division_code and len(row.division_code) == _VILLAGE else None
        yield (
            job_id,
            position,
            division_code,
            row.sheet or None,
            row.number,
            row.outcome,
            village,
            row.name_masked,
            row.household_id,
            application.record_type,
            row.record_id if known else None,
            row.findings.corrections,
            row.findings.faults,
            row.changes,
        )
