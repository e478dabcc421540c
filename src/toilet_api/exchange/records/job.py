"""The job of an import of records: reads, applies row by row, and reports, in one transaction.

Killed at any time it has written nothing, and is run again. Progress and cancellation have transactions of their own.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, update

from toilet_api.accounts.caller import Caller, caller_of
from toilet_api.exchange.imports import progress, synonyms, turns
from toilet_api.exchange.imports.problems import ROWS_REJECTED
from toilet_api.exchange.imports.tables import ImportJob
from toilet_api.exchange.ledgers import reading
from toilet_api.exchange.records.applying import Application
from toilet_api.exchange.records.columns import check_mapping
from toilet_api.exchange.records.header import Words
from toilet_api.exchange.records.kind import Surroundings
from toilet_api.exchange.records.planning import Plan, plan
from toilet_api.exchange.records.problem_types import Catalogue, catalogue_for
from toilet_api.exchange.records.problems import IMPORTER_INACTIVE
from toilet_api.exchange.records.report import write_report
from toilet_api.exchange.records.rights import require_rights, scope_of_rights
from toilet_api.exchange.records.rows import RecordReader
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE, Actor, enter_scope
from toilet_api.kernel.errors import OUT_OF_SCOPE
from toilet_api.kernel.fields import now

_PROGRESS_SECONDS = 0.5


def look(
    session: Session, path: Path, max_rows: int, kind: str, mapping: Mapping[str, str | None], division_code: str
) -> dict[str, Any]:
    """What a job would show of this file, before any row is read. Raises the problem of a file that can't be read."""
    check_mapping(kind, mapping)
    words = _words(session, kind, mapping, division_code, catalogue_for(session, division_code))
    made = plan(reading.open_ledger(path, max_rows), words)
    return {**made.described(), "rows_total": made.count_rows()}


def work(context: jobs.Context, job: ImportJob, *, alone: bool) -> None:
    """Do one import. Raises the problem that ends it, or `progress.CancelledError`; it has then written nothing."""
    with context.database.transaction(EVERYWHERE) as session:
        caller = _caller(context, session, job)
        catalogue = catalogue_for(session, job.division_code)
        words = _words(session, job.kind, job.mapping, job.division_code, catalogue)
    made = plan(reading.open_ledger(context.objects.path(job.file_sha256), context.settings.import_max_rows), words)
    progress.note(context, job.id, **made.described(), rows_total=made.count_rows(), rows_done=0, phase="writing")
    actor = Actor(job.created_by, job.actor_kind, job.actor_name, job.request_id)
    with context.database.transaction(caller.scope.prefixes, actor) as session:
        turns.enter(session, job.division_code, alone=alone)
        attempt = session.begin_nested()
        around = Surroundings(
            session,
            context.vault,
            context.settings,
            caller,
            progress.places_for(session, job.division_code),
            catalogue,
            now(),
        )
        application = Application(around, job.kind, job.on_conflict)
        _apply(context, job, made, catalogue, application)
        counts = application.counts()
        refused = job.mode == "all_or_nothing" and counts["rejected"] > 0
        # A dry run does the very same and takes it back, so that its report can't differ from that of the real one.
        if job.dry_run or refused:
            attempt.rollback()
        else:
            attempt.commit()
        written = not (job.dry_run or refused) and counts["created"] + counts["updated"] > 0
        enter_scope(session, (job.division_code,))
        write_report(session, application, job.id, job.division_code, written=written)
        _finish(session, job, made, application, written=written, refused=refused)


def _words(
    session: Session, kind: str, mapping: Mapping[str, str | None], division_code: str, catalogue: Catalogue
) -> Words:
    known = synonyms.words_for(session, division_code, kind)
    return Words(kind, mapping, known, catalogue.ticks() if kind == "visits" else {})


def _caller(context: jobs.Context, session: Session, job: ImportJob) -> Caller:
    """Whoever uploaded the file, with the rights of today, seen within the import's division."""
    narrowed = None if job.narrowed_to is None else frozenset(job.narrowed_to)
    caller = None if job.created_by is None else caller_of(session, context.settings, job.created_by, narrowed)
    if caller is None:
        raise IMPORTER_INACTIVE.problem()
    require_rights(caller, job.kind)
    scope = scope_of_rights(caller, job.kind).within(job.division_code)
    if scope.is_empty:
        raise OUT_OF_SCOPE.problem()
    return replace(caller, scope=scope)


def _apply(context: jobs.Context, job: ImportJob, made: Plan, catalogue: Catalogue, application: Application) -> None:
    noted, today = time.monotonic(), now().date()
    reader: RecordReader | None = None
    sheet = None
    for done, (planned, number, cells) in enumerate(made.records(), 1):
        if reader is None or planned is not sheet:
            reader, sheet = RecordReader(job.kind, planned, catalogue, today), planned
        application.take(reader.read(number, cells))
        if time.monotonic() - noted > _PROGRESS_SECONDS:
            noted = time.monotonic()
            context.give_way()
            if progress.note(context, job.id, rows_done=done):
                raise progress.CancelledError


def _finish(
    session: Session, job: ImportJob, made: Plan, application: Application, *, written: bool, refused: bool
) -> None:
    counts = application.counts()
    problem = None
    if refused:
        problem = ROWS_REJECTED.problem(rejected=counts["rejected"]).document()
    done = session.connection().execute(
        update(ImportJob)
        .where(
            col(ImportJob.id) == job.id,
            col(ImportJob.state) == "running",
            col(ImportJob.cancel_requested).is_(False),
        )
        .values(
            state="failed" if refused else "succeeded",
            problem=problem,
            phase="done",
            finished_at=now(),
            rows_done=made.count_rows(),
            rows_in=sum(counts.values()),
            created=counts["created"],
            updated=counts["updated"],
            unchanged=counts["unchanged"],
            rejected=counts["rejected"],
            ignored={rule: count for rule, count in made.ignored.items() if count},
            ignored_rows=made.ignored_rows,
            corrections=dict(application.corrections()),
            reasons=dict(application.reasons()),
            written=written,
        )
    )
    if done.rowcount != 1:
        raise progress.CancelledError
