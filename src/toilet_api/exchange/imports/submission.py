"""Taking an upload in: what can be told of a file at once is told at once; the rest is the job's."""

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from uuid import UUID

from sqlmodel import Session, select

from toilet_api.accounts.caller import Caller
from toilet_api.divisions import lookup
from toilet_api.divisions.problems import UNKNOWN_DIVISION
from toilet_api.exchange.imports import job
from toilet_api.exchange.imports.problems import BAD_FORM
from toilet_api.exchange.imports.tables import ImportJob
from toilet_api.exchange.ledgers import file_format, limits, reading, text_table
from toilet_api.exchange.ledgers.problems import BAD_MAPPING, EMPTY_FILE
from toilet_api.exchange.ledgers.villages import Places
from toilet_api.kernel import jobs
from toilet_api.kernel.database import actor_of
from toilet_api.kernel.errors import NOT_FOUND, OUT_OF_SCOPE, TOO_LARGE, WRONG_STATE, FieldError
from toilet_api.kernel.fields import now
from toilet_api.kernel.objects import ObjectStore
from toilet_api.settings import Settings

READ_AT_ONCE_BYTES = 2 * limits.MIB
"""Files up to this size (some 20,000 rows) are opened and their header is found before the upload is answered."""
_MAPPING_MAX = 100
V = TypeVar("V")


def one_value(name: str, form: V | None, query: V | None) -> V | None:
    """A parameter that may stand in the form or in the query. Raises `import_bad_form` when both differ."""
    if form is not None and query is not None and form != query:
        raise BAD_FORM.problem(
            (f"{name} 在表单和查询参数中不一致。", f"{name} differs between form and query."),
            [FieldError(f"/{name}", "contradiction", ("表单与查询参数不一致", "form and query differ"))],
        )
    return query if form is None else form


def read_mapping(given: str | None) -> dict[str, str | None]:
    """The mapping from its JSON: heading, or column as `C:`, to field or null. Raises `import_bad_mapping`."""
    if not given:
        return {}
    try:
        mapping = json.loads(given)
    except (ValueError, RecursionError):
        mapping = None
    if (
        not isinstance(mapping, dict)
        or len(mapping) > _MAPPING_MAX
        or not all(isinstance(name, str) or name is None for name in mapping.values())
        or any("\0" in heading for heading in mapping)
    ):
        raise BAD_MAPPING.problem(
            (
                '应为 JSON 对象，如 {"农户": "name", "C:": "village", "其他": null}。',
                'A JSON object is expected, as {"农户": "name", "C:": "village", "其他": null}.',
            )
        )
    reading.check_mapping(mapping)
    return mapping


def scope_of_import(session: Session, caller: Caller, division: str | None) -> str:
    """The one division that the file may name villages of: as asked for, else the caller's own.

    Raises `out_of_scope`, `unknown_division`, or `import_bad_form` when the caller has several and names none.
    """
    if division is None:
        if len(caller.scope.prefixes) == 1:
            return caller.scope.prefixes[0]
        raise BAD_FORM.problem(
            ("您管辖多个区划，请用 division 指明。", "You have several divisions; name one by `division`."),
            [FieldError("/division", "missing", ("缺少必填项", "required"), expected=list(caller.scope.prefixes))],
        )
    found = lookup.resolve(session, division)
    if found is None:
        raise UNKNOWN_DIVISION.problem(
            errors=[FieldError("/division", "unknown_division", ("没有这个区划", "unknown"), division)]
        )
    if not caller.scope.covers(found.code):
        raise OUT_OF_SCOPE.problem(
            errors=[FieldError("/division", "out_of_scope", ("不在您的管辖范围内", "outside"), division)]
        )
    return found.code


def submit(
    session: Session,
    objects: ObjectStore,
    settings: Settings,
    caller: Caller,
    file: BinaryIO,
    *,
    name: str,
    division_code: str,
    dry_run: bool,
    on_conflict: str,
    mapping: dict[str, str | None],
) -> UUID:
    """Check the file, store it, and queue the job. Raises the problem of a file that can't be a ledger.

    A file that is refused leaves nothing behind: it is checked before it is stored.
    """
    with tempfile.NamedTemporaryFile(prefix="toilet-import-") as incoming:
        shutil.copyfileobj(file, incoming)
        incoming.flush()
        path = Path(incoming.name)
        size = path.stat().st_size
        if size > settings.upload_max_bytes:
            raise TOO_LARGE.problem(limit_bytes=settings.upload_max_bytes)
        if size == 0:
            raise EMPTY_FILE.problem()
        known = _check(path, settings.import_max_rows, size, mapping, job.places_for(session, division_code))
        incoming.seek(0)
        sha256 = objects.put(incoming.file)
    actor = actor_of(session)
    made = ImportJob(
        division_code=division_code,
        dry_run=dry_run,
        on_conflict=on_conflict,
        mapping=mapping,
        file_name=name,
        file_sha256=sha256,
        file_bytes=size,
        actor_kind=actor.kind,
        actor_name=actor.name,
        request_id=actor.request_id,
        created_by=caller.id,
        **known,
    )
    session.add(made)
    session.flush()
    jobs.defer(session, "import.run", job_id=str(made.id))
    return made.id


def _check(path: Path, max_rows: int, size: int, mapping: dict[str, str | None], places: Places) -> dict[str, Any]:
    if size <= READ_AT_ONCE_BYTES:
        plan = reading.plan(reading.open_ledger(path, max_rows), mapping, places)
        return {**job.described(plan), "rows_total": reading.count_rows(plan)}
    kind = file_format.detect(path)
    if kind == "csv":
        text_table.decode(path.read_bytes())
    return {"file_format": kind}


def cancel(session: Session, caller: Caller, job_id: UUID) -> None:
    """Ask a job to stop; one that hasn't begun is cancelled at once. Raises `wrong_state` for one that has ended."""
    statement = select(ImportJob).where(ImportJob.id == job_id).with_for_update()
    found = session.exec(statement).one_or_none()
    if found is None or not caller.scope.covers(found.division_code):
        raise NOT_FOUND.problem()
    if found.state not in ("queued", "running"):
        raise WRONG_STATE.problem(
            ("导入已结束，不能取消。", "The import has ended and can't be cancelled."),
            current=found.state,
            allowed_actions=[],
        )
    found.cancel_requested = True
    if found.state == "queued":
        found.state, found.phase, found.finished_at = "cancelled", "done", now()
    session.add(found)
    session.flush()


def clean_name(name: str | None) -> str:
    """The file's name without folders and control characters; it is shown, and never used to find anything."""
    last = re.split(r"[/\\]", name or "")[-1]
    return "".join(character for character in last if character.isprintable())[:200] or "unnamed"
