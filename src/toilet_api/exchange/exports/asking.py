"""Asking for an export: what may be asked, whether a stored file answers it already, and the job where none does."""

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from toilet_api import __version__
from toilet_api.accounts.caller import Caller, forbidden
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions import lookup
from toilet_api.divisions.problems import UNKNOWN_DIVISION
from toilet_api.divisions.tables import Division
from toilet_api.exchange.exports.catalogue import EXPORT_DATASETS
from toilet_api.exchange.exports.problems import EXPORT_FORMAT_UNFIT, EXPORT_TOO_WIDE
from toilet_api.exchange.exports.registered import DATASETS, FORMATS, TO_BE_PRINTED
from toilet_api.exchange.exports.schemas import ExportFilters, ExportNew
from toilet_api.exchange.exports.tables import ExportJob
from toilet_api.kernel import jobs, journal
from toilet_api.kernel.database import EVERYWHERE, actor_of, enter_scope
from toilet_api.kernel.errors import ID_TAKEN, INVALID, NOT_FOUND, OUT_OF_SCOPE, WRONG_STATE, FieldError, Problem
from toilet_api.kernel.fields import new_id, now
from toilet_api.kernel.objects import ObjectStore
from toilet_api.registry.uniqueness import CollisionError, guarded
from toilet_api.settings import Settings

FOLDER = "exports"
"""The store of the files, apart from what is kept for good."""


def ask(session: Session, settings: Settings, caller: Caller, body: ExportNew) -> UUID:
    """Queue the export, or answer it from a stored file. Gives its id.

    The same id with the same content again is the same export; with another content, `id_taken`.
    """
    division = _division(session, caller, body.division)
    _check(caller, body, division.code)
    digest = hashlib.sha256(body.model_dump_json().encode()).digest()
    if body.id is not None and (there := _made_before(session, caller, body.id, digest)):
        return there.id
    filters = body.filters.model_dump(mode="json", exclude_none=True)
    actor, at = actor_of(session), now()
    job = ExportJob(
        id=body.id or new_id(),
        division_code=division.code,
        dataset=body.dataset,
        format=body.format,
        filters=filters,
        bom=body.bom,
        personal=body.personal,
        purpose=body.purpose,
        likeness=_likeness(caller, body, division.code, filters),
        file_name=_file_name(body.dataset, division, body.format),
        origin_digest=digest,
        actor_kind=actor.kind,
        actor_name=actor.name,
        request_id=actor.request_id,
        created_by=caller.id,
        created_at=at,
    )
    stored = _answering(session, settings, caller, job)
    if stored is not None:
        job.state, job.reused_from = "succeeded", stored.id
        job.rows, job.file_bytes, job.sha256 = stored.rows, stored.file_bytes, stored.sha256
        job.change_cursor, job.as_of = stored.change_cursor, stored.as_of
        job.started_at = job.finished_at = at
    try:
        with guarded(session):
            session.add(job)
    except CollisionError:  # the same id at the same moment
        there = _made_before(session, caller, job.id, digest)
        if there is None:
            raise _taken() from None
        return there.id
    note(session, job, "export.asked")
    if stored is None:
        jobs.defer(session, "export.run", job_id=str(job.id))
    return job.id


def note(session: Session, job: ExportJob, action: str) -> None:
    """Journal what was exported or taken away, and for what."""
    journal.record(
        session,
        action=action,
        subject_type="export",
        subject_id=job.id,
        division_code=job.division_code,
        after={"dataset": job.dataset, "format": job.format, "personal": job.personal, "rows": job.rows},
        reason=job.purpose,
        op="note",
    )


def own(session: Session, caller: Caller, export_id: UUID, *, lock: bool = False) -> ExportJob:
    """An export of the caller's own. Raises `not_found`: nobody sees what others have exported."""
    statement = select(ExportJob).where(ExportJob.id == export_id, ExportJob.created_by == caller.id)
    found = session.exec(statement.with_for_update() if lock else statement).one_or_none()
    if found is None or not caller.scope.covers(found.division_code):
        raise NOT_FOUND.problem()
    return found


def cancel(session: Session, caller: Caller, export_id: UUID) -> None:
    """Ask an export to stop; one that hasn't begun is cancelled at once. Raises `wrong_state` for an ended one."""
    job = own(session, caller, export_id, lock=True)
    if job.state not in ("queued", "running"):
        raise WRONG_STATE.problem(
            ("导出已结束，不能取消。", "The export has ended and can't be cancelled."),
            current=job.state,
            allowed_actions=[],
        )
    job.cancel_requested = True
    if job.state == "queued":
        job.state, job.finished_at = "cancelled", now()
    session.add(job)
    session.flush()


def require_rights(caller: Caller, dataset: str, personal: str, division_code: str) -> None:
    """403 unless the caller may read all that the export holds, there."""
    wanted = list(DATASETS[dataset].permissions)
    if personal == "plain":
        wanted.append(Permission.PERSON_REVEAL)
    for permission in wanted:
        if not caller.scope_for(permission).covers(division_code):
            raise forbidden(permission)


def _division(session: Session, caller: Caller, asked: str | None) -> Division:
    """The division asked for, or the caller's own. Raises `out_of_scope`, `unknown_division`, or `invalid`."""
    if asked is None:
        if len(caller.scope.prefixes) != 1:
            told = ("您管辖多个区划，请指明一个", "you have several divisions; name one")
            raise INVALID.problem(
                errors=[FieldError("/division", "missing", told, expected=list(caller.scope.prefixes))]
            )
        asked = caller.scope.prefixes[0]
    found = lookup.resolve(session, asked)
    if found is None:
        raise UNKNOWN_DIVISION.problem(
            errors=[FieldError("/division", "unknown_division", ("没有这个区划", "unknown"), asked)]
        )
    if not caller.scope.covers(found.code):
        raise OUT_OF_SCOPE.problem(
            errors=[FieldError("/division", "out_of_scope", ("不在您的管辖范围内", "outside"), asked)]
        )
    return found


def _check(caller: Caller, body: ExportNew, division_code: str) -> None:
    dataset = DATASETS[body.dataset]
    require_rights(caller, body.dataset, body.personal, division_code)
    if body.format not in FORMATS[body.dataset]:
        raise EXPORT_FORMAT_UNFIT.problem(expected=list(FORMATS[body.dataset]))
    if body.dataset in TO_BE_PRINTED and len(division_code) < 6:
        raise EXPORT_TOO_WIDE.problem()
    faults = [
        FieldError(
            f"/filters/{name}",
            "unknown_filter",
            ("该导出内容没有这个筛选条件", "this dataset has no such filter"),
            expected=", ".join(sorted(dataset.filters)),
        )
        for name in sorted(body.filters.model_dump(exclude_none=True))
        if name not in dataset.filters
    ]
    if body.personal == "plain" and not dataset.shows_persons:
        told = ("该导出内容只能脱敏", "this dataset is exported masked alone")
        faults.append(FieldError("/personal", "masked_only", told, body.personal, "masked"))
    if (body.personal == "plain") != (body.purpose is not None):
        told = ("明文导出须写明目的，脱敏导出不填", "a purpose is given for plain personal data, and for nothing else")
        faults.append(FieldError("/purpose", "purpose", told, body.purpose))
    if body.bom and body.format != "csv":
        told = ("字节顺序标记仅用于 CSV", "a byte-order mark is for CSV alone")
        faults.append(FieldError("/bom", "bom_of_csv", told, body.bom, expected=False))
    if faults:
        raise INVALID.problem(errors=faults)


def _made_before(session: Session, caller: Caller, export_id: UUID, digest: bytes) -> ExportJob | None:
    enter_scope(session, EVERYWHERE)
    there = session.get(ExportJob, export_id)
    enter_scope(session, caller.scope.prefixes)
    if there is None:
        return None
    if there.created_by != caller.id or there.origin_digest != digest:
        raise _taken()
    return there


def _taken() -> Problem:
    told = ("已被使用", "already in use")
    return ID_TAKEN.problem(errors=[FieldError("/id", "id_taken", told)])


def _likeness(caller: Caller, body: ExportNew, division_code: str, filters: dict[str, object]) -> str:
    """What two exports have in common that must have the same content if nothing has changed in between."""
    dataset = DATASETS[body.dataset]
    same: list[object] = [__version__, body.dataset, body.format, body.bom, body.personal, division_code, filters]
    if dataset.is_dated:
        same.append(now().date().isoformat())
    if body.personal == "plain":
        same.append(str(caller.id))
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()


def _answering(session: Session, settings: Settings, caller: Caller, job: ExportJob) -> ExportJob | None:
    """The latest export that is alike, whose file is there, and since which nothing of it has changed."""
    oldest = now() - timedelta(days=settings.export_keep_days) / 2
    found = session.exec(
        select(ExportJob)
        .where(
            ExportJob.likeness == job.likeness,
            ExportJob.state == "succeeded",
            col(ExportJob.file_removed_at).is_(None),
            col(ExportJob.finished_at) > oldest,
        )
        .order_by(col(ExportJob.as_of).desc(), col(ExportJob.id).desc())
        .limit(1)
    ).one_or_none()
    if found is None or not ObjectStore(settings, FOLDER).exists(found.sha256 or ""):
        return None
    enter_scope(session, EVERYWHERE)
    try:
        return None if _has_changed(session, found, [job.division_code]) else found
    finally:
        enter_scope(session, caller.scope.prefixes)


def _has_changed(session: Session, since: ExportJob, prefixes: Sequence[str]) -> bool:
    if since.change_cursor is None or since.as_of is None:
        return True
    # Loading the tree of divisions is noted once in the audit trail, and not in the change feed.
    return journal.noted_since(session, since.change_cursor, since.as_of, "division") or journal.changed_since(
        session, since.change_cursor, DATASETS[since.dataset].subjects, prefixes
    )


def _file_name(dataset: str, division: Division, form: str) -> str:
    name = re.sub(r'[\\/:*?"<>|\s]+', "", division.name)
    return f"{EXPORT_DATASETS.label(dataset)}_{name}_{now():%Y%m%d-%H%M}.{form}"


def asked_filters(job: ExportJob) -> ExportFilters:
    """The filters of a job, as they were checked."""
    return ExportFilters.model_validate(job.filters)
