"""The uploaded file as a workbook in which the wrong cells are red and the corrected ones yellow, with the reason.

An XLSX keeps its look: marks are put into it. Anything else, and an XLSX that is written in an unusual way, is made
anew.
It holds plain personal data, as the uploaded file does.
"""

import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.imports import marks, rebuilt_workbook, xlsx_marking
from toilet_api.exchange.imports.schemas import Import
from toilet_api.exchange.imports.views import show_import
from toilet_api.exchange.imports.xlsx_parts import UnpatchableError
from toilet_api.exchange.ledgers import reading
from toilet_api.exchange.ledgers.spool import Spool
from toilet_api.kernel import journal
from toilet_api.kernel.errors import UNAVAILABLE, WRONG_STATE
from toilet_api.kernel.objects import ObjectStore

MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BLOCK = 1024 * 1024
log = logging.getLogger(__name__)

Content = Callable[[], Iterator[bytes]]


def marked(
    session: Session, objects: ObjectStore, caller: Caller, job_id: UUID, max_rows: int
) -> tuple[Import, Content]:
    """The import, and what makes its workbook. Making it takes no connection to the database any more.

    Raises `not_found`, `wrong_state` before there is a report, `unavailable` when the file is not at hand.
    """
    job = show_import(session, caller, job_id)
    if job.counts.rows_in == 0 or job.state in ("queued", "running"):
        raise WRONG_STATE.problem(
            ("导入尚无逐行结果。", "The import has no report of its rows."),
            current=job.state,
            allowed_actions=job.allowed_actions,
        )
    if not objects.exists(job.file.sha256):
        raise UNAVAILABLE.problem(("原文件暂不可用。", "The file is not available at the moment."))
    spools = marks.gather(session, caller, job)
    journal.record(
        session,
        action="import.workbook_taken",
        subject_type="import",
        subject_id=job_id,
        division_code=job.division_code,
        after={"file_sha256": job.file.sha256},
        op="note",
    )
    source = objects.path(job.file.sha256)
    return job, lambda: _content(job, source, spools, max_rows)


def disposition(job: Import) -> str:
    """A name beside that of the uploaded file (RFC 6266), with a plain one for old clients."""
    stem = job.file.name.rsplit(".", 1)[0]
    return f"attachment; filename=\"import-{job.id}.xlsx\"; filename*=UTF-8''{quote(stem + '-导入报告.xlsx', safe='')}"


def _content(job: Import, source: Path, spools: dict[str | None, Spool], max_rows: int) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory(prefix="toilet-report-") as folder:
        target = Path(folder) / "report.xlsx"
        if not (job.file.format == "xlsx" and _put_into(source, spools, target)):
            rebuilt_workbook.rebuild(reading.open_ledger(source, max_rows), job.sheets, spools, target)
        with target.open("rb") as made:
            while block := made.read(_BLOCK):
                yield block


def _put_into(source: Path, spools: dict[str | None, Spool], target: Path) -> bool:
    try:
        xlsx_marking.mark(source, spools, target)
    except UnpatchableError as error:
        log.info("a workbook is made anew: %s", error)
        return False
    return True
