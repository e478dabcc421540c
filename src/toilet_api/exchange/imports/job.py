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
from toilet_api.exchange.imports import giving_way, sources, staging, synonyms, turns
from toilet_api.exchange.imports.batches import Tally, Told
from toilet_api.exchange.imports.deciding import Decision
from toilet_api.exchange.imports.problems import INTERRUPTED, ROWS_REJECTED
from toilet_api.exchange.imports.progress import CancelledError, note, places_for
from toilet_api.exchange.imports.tables import ImportJob
from toilet_api.exchange.ledgers import reading
from toilet_api.exchange.ledgers.spool import Spool
from toilet_api.exchange.ledgers.villages import Places
from toilet_api.exchange.records import job as records
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE, Actor
from toilet_api.kernel.errors import Problem
from toilet_api.kernel.fields import now

log = logging.getLogger(__name__)

_PROGRESS_SECONDS = 0.5
"""A batch takes less; each note is a transaction of its own that the import waits for."""


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
    do = households if job.kind == "households" else records.work
    try:
        turns.in_turn(lambda alone: do(context, job, alone=alone))
    except CancelledError:
        _finish_cancelled(context, job.id)
    except Problem as problem:
        _finish_failed(context, job.id, problem)


def households(context: jobs.Context, job: ImportJob, *, alone: bool) -> None:
    """Do an import of households. Raises the problem that ends it, or `CancelledError`; it has then written nothing."""
    with context.database.transaction((job.division_code,)) as session:
        places = places_for(session, job.division_code)
        words = synonyms.words_for(session, job.division_code, job.kind)
    _work(context, job, _plan(context, job, places, words), places, alone=alone)


def _start(context: jobs.Context, job_id: UUID) -> ImportJob | None:
    with context.database.transaction(EVERYWHERE) as session:
        job = session.exec(select(ImportJob).where(ImportJob.id == job_id).with_for_update()).one_or_none()
        if job is None or job.state not in ("queued", "running"):
            return None
        job.state, job.phase, job.rows_done = "running", "reading", 0
        job.started_at = job.started_at or now()
        session.add(job)
    return job


def _plan(context: jobs.Context, job: ImportJob, places: Places, words: dict[str, str | None]) -> reading.Plan:
    ledger = reading.open_ledger(context.objects.path(job.file_sha256), context.settings.import_max_rows)
    plan = reading.plan(ledger, job.mapping, places, words)
    _give_way(context, job.id, **described(plan), rows_total=reading.count_rows(plan), rows_done=0, phase="writing")
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


def _work(context: jobs.Context, job: ImportJob, plan: reading.Plan, places: Places, *, alone: bool) -> None:
    """Judge, match and write, batch by batch, in one transaction; the next batch is judged while one is written."""
    actor = Actor(job.created_by, job.actor_kind, job.actor_name, job.request_id)
    prefixes, told = (job.division_code,), Told(job.id, job.division_code)
    # What may be taken back keeps its report until then.
    kept = Spool() if job.dry_run or job.mode == "all_or_nothing" else None
    with (
        sources.judging(context, plan, places, told) as source,
        context.database.transaction(prefixes, actor) as session,
    ):
        turns.enter(session, job.division_code, alone=alone)
        if reading.count_rows(plan) >= sources.LONG:
            giving_way.with_backend(session)
        # Divisions are locked before records, as a merge of villages does it.
        villages = {code for code in places.names if len(code) == 12}
        standing = lookup.lock_for_write(session, villages)
        decision = Decision(
            session,
            context.vault,
            on_conflict=job.on_conflict,
            told=told,
            reason=f"导入 {job.file_name}",
            scope=prefixes,
            ended={code for code in villages if code not in standing or standing[code].code != code},
        )
        # A dry run does the very same and takes it back, so that its report can't differ from that of the real one.
        attempt = session.begin_nested()
        noted = time.monotonic()
        for batch in source:
            created = decision.outcomes["created"]
            lines = decision.settle(batch)
            source.seal_ahead = 2 * (decision.outcomes["created"] - created) > batch.count
            if kept is None:
                staging.write_report(session, lines, unborn=False)
            else:
                kept.add([lines])
            context.give_way()
            if time.monotonic() - noted >= _PROGRESS_SECONDS:
                _give_way(context, job.id, rows_done=batch.last)
                noted = time.monotonic()
        refused = job.mode == "all_or_nothing" and decision.outcomes["rejected"] > 0
        if job.dry_run or refused:
            attempt.rollback()
        else:
            attempt.commit()
        for lines in kept or ():
            staging.write_report(session, lines, unborn=job.dry_run or refused)
        _end(session, job, source.tally(), decision, refused=refused)


def _give_way(context: jobs.Context, job_id: UUID, **values: Any) -> None:
    """Note the progress; end here if the worker stops or somebody asked to cancel."""
    context.give_way()
    if note(context, job_id, **values):
        raise CancelledError


def _end(
    session: Session,
    job: ImportJob,
    tally: Tally,
    decision: Decision,
    *,
    refused: bool,
) -> None:
    """The job's last state, in the transaction of all that it says. Raises `CancelledError` if it is to stop."""
    counts = decision.outcomes
    written = not job.dry_run and counts["created"] + counts["updated"] > 0
    ended: dict[str, Any] = {"state": "succeeded", "written": written}
    if refused:
        ended = {
            "state": "failed",
            "written": False,
            "problem": ROWS_REJECTED.problem(rejected=counts["rejected"]).document(),
        }
    done = session.connection().execute(
        update(ImportJob)
        .where(
            col(ImportJob.id) == job.id,
            col(ImportJob.state) == "running",
            col(ImportJob.cancel_requested).is_(False),
        )
        .values(
            phase="done",
            finished_at=now(),
            rows_in=tally.rows,
            rows_done=tally.rows,
            created=counts["created"],
            updated=counts["updated"],
            unchanged=counts["unchanged"],
            rejected=counts["rejected"],
            ignored={rule: count for rule, count in tally.ignored.items() if count},
            ignored_rows=tally.ignored_rows,
            corrections=dict(tally.corrections),
            reasons=dict(tally.reasons + decision.reasons),
            **ended,
        )
    )
    if done.rowcount != 1:
        raise CancelledError


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
