"""The job of an import: reads, matches, writes and reports. All or nothing, and it can be killed at any time.

Reading happens outside of a transaction; progress and cancellation have short ones of their own. What is written to
the register commits together with the report, the journal and the job's last state: a job that is run again after its
worker died finds either all of it or nothing.
"""

import logging
import time
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select, update

from toilet_api.divisions import lookup
from toilet_api.exchange.imports import staging
from toilet_api.exchange.imports.deciding import REPORT_COLUMNS, Decision
from toilet_api.exchange.imports.problems import INTERRUPTED
from toilet_api.exchange.imports.tables import ImportJob
from toilet_api.exchange.ledgers import reading
from toilet_api.exchange.ledgers.villages import Places
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE, Actor
from toilet_api.kernel.errors import Problem
from toilet_api.kernel.fields import now

log = logging.getLogger(__name__)

_PROGRESS_SECONDS = 0.5


class CancelledError(Exception):
    """Somebody asked for the import to be cancelled."""


def note_failure(context: jobs.Context, error: Exception, *, job_id: str) -> None:
    """The last attempt has failed for a reason that isn't the file's."""
    log.error("import %s failed: %s", job_id, type(error).__name__)
    _finish_failed(context, UUID(job_id), INTERRUPTED.problem())


@jobs.task(name="import.run", queue="imports", attempts=4, failed=note_failure)
def run(context: jobs.Context, *, job_id: str) -> None:
    """Do one import. Does nothing when it is done already."""
    job = _start(context, UUID(job_id))
    if job is None:
        return
    try:
        with context.database.transaction((job.division_code,)) as session:
            places = places_for(session, job.division_code)
        plan = _plan(context, job, places)
        decision = _read(context, job, plan, places)
        _write(context, job, plan, decision)
    except CancelledError:
        _finish_cancelled(context, job.id)
    except Problem as problem:
        _finish_failed(context, job.id, problem)


def places_for(session: Session, division_code: str) -> Places:
    """The villages under a division, and the divisions above them, with former codes and names."""
    villages = lookup.villages_under(session, division_code)
    above = {code[:length] for code in (one.code for one in villages) for length in (2, 4, 6, 9)}
    names = lookup.names(session, above | {division_code}) | {one.code: one.name for one in villages}
    return Places(
        names,
        former={old: one.code for one in villages for old in one.former_codes},
        former_names={one.code: one.former_names for one in villages if one.former_names},
        only=division_code if len(division_code) == 12 else None,
    )


def _start(context: jobs.Context, job_id: UUID) -> ImportJob | None:
    with context.database.transaction(EVERYWHERE) as session:
        job = session.exec(select(ImportJob).where(ImportJob.id == job_id).with_for_update()).one_or_none()
        if job is None or job.state not in ("queued", "running"):
            return None
        job.state, job.phase, job.rows_done = "running", "reading", 0
        job.started_at = job.started_at or now()
        session.add(job)
    return job


def _plan(context: jobs.Context, job: ImportJob, places: Places) -> reading.Plan:
    ledger = reading.open_ledger(context.objects.path(job.file_sha256), context.settings.import_max_rows)
    plan = reading.plan(ledger, job.mapping, places)
    _note(context, job.id, **described(plan), rows_total=reading.count_rows(plan))
    return plan


def described(plan: reading.Plan) -> dict[str, Any]:
    """What a job shows of its file before any row is read."""
    return {
        "file_format": plan.ledger.format,
        "encoding": plan.ledger.encoding,
        "delimiter": plan.ledger.delimiter,
        "sheets": plan.describe(),
        "skipped_sheets": plan.skipped,
    }


def _read(context: jobs.Context, job: ImportJob, plan: reading.Plan, places: Places) -> Decision:
    decision = Decision(context.vault, job.on_conflict, f"导入 {job.file_name}")
    noted = time.monotonic()
    for done, row in enumerate(reading.judged_rows(plan, places, now().date()), 1):
        decision.take(row)
        if done % 200 == 0 and time.monotonic() - noted > _PROGRESS_SECONDS:
            noted = time.monotonic()
            context.give_way()
            if _note(context, job.id, rows_done=done):
                raise CancelledError
    if _note(context, job.id, rows_done=reading.count_rows(plan), phase="writing"):
        raise CancelledError
    return decision


def _write(context: jobs.Context, job: ImportJob, plan: reading.Plan, decision: Decision) -> None:
    actor = Actor(job.created_by, job.actor_kind, job.actor_name, job.request_id)
    prefixes = (job.division_code,)
    with context.database.transaction(prefixes, actor) as session:
        # Divisions are locked before records, as a merge of villages does it.
        standing = lookup.lock_for_write(session, decision.villages())
        decision.reject_villages(
            {code for code in decision.villages() if code not in standing or standing[code].code != code}
        )
        # A dry run does the very same and takes it back, so that its report can't differ from that of the real one.
        attempt = session.begin_nested()
        decision.apply(session, prefixes)
        if job.dry_run:
            attempt.rollback()
        else:
            attempt.commit()
        staging.write_report(session, REPORT_COLUMNS, decision.report(job.id, job.division_code, dry_run=job.dry_run))
        counts = decision.counts()
        done = session.connection().execute(
            update(ImportJob)
            .where(
                col(ImportJob.id) == job.id,
                col(ImportJob.state) == "running",
                col(ImportJob.cancel_requested).is_(False),
            )
            .values(
                state="succeeded",
                phase="done",
                finished_at=now(),
                rows_in=sum(counts.values()),
                created=counts["created"],
                updated=counts["updated"],
                unchanged=counts["unchanged"],
                rejected=counts["rejected"],
                ignored={rule: count for rule, count in plan.ignored.items() if count},
                ignored_rows=plan.ignored_rows,
                corrections=dict(decision.corrections()),
                reasons=dict(decision.reasons()),
            )
        )
        if done.rowcount != 1:
            raise CancelledError


def _note(context: jobs.Context, job_id: UUID, **values: Any) -> bool:
    """Write progress where everyone sees it at once; gives whether somebody asked to cancel."""
    with context.database.transaction(EVERYWHERE) as session:
        found = session.connection().execute(
            update(ImportJob)
            .where(col(ImportJob.id) == job_id)
            .values(**values)
            .returning(col(ImportJob.cancel_requested))
        )
        return bool(found.scalar_one())


def _finish_failed(context: jobs.Context, job_id: UUID, problem: Problem) -> None:
    _finish(context, job_id, state="failed", problem=problem.document())


def _finish_cancelled(context: jobs.Context, job_id: UUID) -> None:
    _finish(context, job_id, state="cancelled")


def _finish(context: jobs.Context, job_id: UUID, **values: Any) -> None:
    with context.database.transaction(EVERYWHERE) as session:
        session.connection().execute(text("set local lock_timeout = '30s'"))
        session.connection().execute(
            update(ImportJob)
            .where(col(ImportJob.id) == job_id, col(ImportJob.state).in_(("queued", "running")))
            .values(phase="done", finished_at=now(), **values)
        )
