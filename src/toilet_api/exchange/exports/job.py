"""The job of an export: one read-only transaction that sees one moment, streamed to a stored file.

It can be killed at any time: there is a file only once the job has succeeded, and what a killed worker leaves in the
store is swept. Progress and cancellation have short transactions of their own.
"""

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select, update

from toilet_api.exchange.exports import asking, official, text_files, workbook_file
from toilet_api.exchange.exports.catalogue import EXPORT_DATASETS
from toilet_api.exchange.exports.problems import EXPORT_INTERRUPTED
from toilet_api.exchange.exports.reading import Reading
from toilet_api.exchange.exports.registered import DATASETS, TO_BE_PRINTED
from toilet_api.exchange.exports.tables import ExportJob
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE, Actor
from toilet_api.kernel.errors import Problem
from toilet_api.kernel.fields import now
from toilet_api.kernel.objects import ObjectStore

log = logging.getLogger(__name__)

_PROGRESS_SECONDS = 0.5
LONG = 50_000
"""Rows from which on a second transaction is worth it."""
_POOL_TO_SHARE = 8
"""Connections: each job of a worker takes three then, and two run at a time."""
_STALE_SECONDS = 6 * 3600.0
"""What no job knows of is swept after this: longer than any export takes between its file and its last word."""


class CancelledError(Exception):
    """Somebody asked for the export to be cancelled."""


def note_failure(context: jobs.Context, error: Exception, *, job_id: str) -> None:
    """The last attempt has failed."""
    log.error("export %s failed: %s", job_id, type(error).__name__)
    _finish(context, UUID(job_id), state="failed", problem=EXPORT_INTERRUPTED.problem().document())


@jobs.task(name="export.run", queue="exports", attempts=4, failed=note_failure)
def run(context: jobs.Context, *, job_id: str) -> None:
    """Do one export. Does nothing when it is done already."""
    job = _start(context, UUID(job_id))
    if job is None:
        return
    store = ObjectStore(context.settings, asking.FOLDER)
    progress = _Progress(context, job.id)
    try:
        with context.database.snapshot((job.division_code,)) as session:
            begun = Reading.begin(
                session,
                DATASETS[job.dataset],
                job.division_code,
                asking.asked_filters(job),
                progress,
                context.vault if job.personal == "plain" else None,
            )
            with closing(begun) as reading:
                rows = reading.count()
                _note(context, job.id, rows_total=rows)
                with _shared(context, job, reading, rows):
                    sha256 = _write(store, job, reading)
        store.keep(sha256)
        _succeed(
            context,
            job,
            rows=progress.rows,
            sha256=sha256,
            file_bytes=store.size(sha256),
            change_cursor=reading.cursor,
            as_of=reading.as_of,
        )
    except CancelledError:
        _finish(context, job.id, state="cancelled")
    except Problem as problem:
        _finish(context, job.id, state="failed", problem=problem.document())


class _Progress:
    """Counts rows, tells of them every half second, and stops where somebody cancelled or the worker is stopped."""

    def __init__(self, context: jobs.Context, job_id: UUID) -> None:
        self._context, self._job_id = context, job_id
        self._told = time.monotonic()
        self.rows = 0

    def __call__(self, rows: int) -> None:
        self.rows += rows
        if time.monotonic() - self._told > _PROGRESS_SECONDS:
            self._told = time.monotonic()
            self._context.give_way()
            if _note(self._context, self._job_id, rows=self.rows):
                raise CancelledError


@contextmanager
def _shared(context: jobs.Context, job: ExportJob, reading: Reading, rows: int) -> Iterator[None]:
    """A long dataset is read by two transactions side by side, where the pool has connections to spare.

    Not for Parquet: its writer holds groups of rows itself, and leaves no memory for what is read ahead.
    """
    has_room = context.settings.database_pool_size >= _POOL_TO_SHARE and job.format != "parquet"
    if rows < LONG or not has_room:
        yield
        return
    with context.database.snapshot((reading.division_code,), of=reading.session) as other, closing(reading):
        reading.share(other)
        yield


def _write(store: ObjectStore, job: ExportJob, reading: Reading) -> str:
    if job.format == "csv":
        return store.put(text_files.csv_blocks(reading, bom=job.bom))
    if job.format == "ndjson":
        return store.put(text_files.json_blocks(reading))
    about = {
        "change_cursor": reading.cursor,
        "as_of": reading.as_of.isoformat(),
        "dataset": job.dataset,
        "division_code": job.division_code,
    }
    with _scratch(store) as folder:
        path = folder / "file"
        if job.dataset in TO_BE_PRINTED:
            official.write(reading, path, about)
        elif job.format == "parquet":
            # Loaded when it is first needed: 10 MB of a worker.
            from toilet_api.exchange.exports import parquet_file

            parquet_file.write(reading, path, about)
        else:
            workbook_file.write(reading, path, EXPORT_DATASETS.label(job.dataset), about)
        return store.adopt(path)


@contextmanager
def _scratch(store: ObjectStore) -> Iterator[Path]:
    folder = store.scratch()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(context: jobs.Context, job_id: UUID) -> ExportJob | None:
    with context.database.transaction(EVERYWHERE) as session:
        job = session.exec(select(ExportJob).where(ExportJob.id == job_id).with_for_update()).one_or_none()
        if job is None or job.state not in ("queued", "running"):
            return None
        job.state, job.rows = "running", 0
        job.started_at = job.started_at or now()
        session.add(job)
    return job


def _note(context: jobs.Context, job_id: UUID, **values: Any) -> bool:
    """Write progress where everyone sees it at once; gives whether somebody asked to cancel."""
    with context.database.transaction(EVERYWHERE) as session:
        found = session.connection().execute(
            update(ExportJob)
            .where(col(ExportJob.id) == job_id)
            .values(**values)
            .returning(col(ExportJob.cancel_requested))
        )
        return bool(found.scalar_one())


def _succeed(context: jobs.Context, job: ExportJob, **found: Any) -> None:
    actor = Actor(job.created_by, job.actor_kind, job.actor_name, job.request_id)
    with context.database.transaction(EVERYWHERE, actor) as session:
        if not _ended(session, job.id, state="succeeded", **found):
            raise CancelledError
        job.rows = found["rows"]
        asking.note(session, job, "export.made")


def _finish(context: jobs.Context, job_id: UUID, **values: Any) -> None:
    with context.database.transaction(EVERYWHERE) as session:
        _ended(session, job_id, **values)


def _ended(session: Session, job_id: UUID, **values: Any) -> bool:
    """Give the job its last state, unless it has one; a success only where nobody has cancelled it."""
    statement = update(ExportJob).where(col(ExportJob.id) == job_id, col(ExportJob.state).in_(("queued", "running")))
    if values["state"] == "succeeded":
        statement = statement.where(col(ExportJob.cancel_requested).is_(False))
    return session.connection().execute(statement.values(finished_at=now(), **values)).rowcount == 1


@jobs.task(name="export.housekeeping", cron="41 * * * *")
def housekeeping(context: jobs.Context) -> None:
    """Hourly: files whose time is up go, and what no job knows of."""
    with context.database.transaction(EVERYWHERE) as session:
        limit = now() - timedelta(days=context.settings.export_keep_days)
        session.connection().execute(
            update(ExportJob)
            .where(
                col(ExportJob.state) == "succeeded",
                col(ExportJob.file_removed_at).is_(None),
                col(ExportJob.finished_at) < limit,
            )
            .values(file_removed_at=now())
        )
        kept = session.exec(
            select(ExportJob.sha256).where(col(ExportJob.sha256).is_not(None), col(ExportJob.file_removed_at).is_(None))
        ).all()
    ObjectStore(context.settings, asking.FOLDER).sweep(set(filter(None, kept)), _STALE_SECONDS)
