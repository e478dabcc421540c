"""Taking an upload in: what can be told of a file at once is told at once; the rest is the job's."""

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from uuid import UUID

from fastapi import UploadFile
from sqlmodel import Session, select

from toilet_api.accounts.caller import Caller
from toilet_api.divisions import lookup
from toilet_api.divisions.problems import UNKNOWN_DIVISION
from toilet_api.exchange.imports import job, progress, synonyms
from toilet_api.exchange.imports.problems import BAD_FORM
from toilet_api.exchange.imports.tables import ImportJob
from toilet_api.exchange.ledgers import file_format, limits, reading
from toilet_api.exchange.ledgers.problems import BAD_MAPPING, EMPTY_FILE
from toilet_api.exchange.ledgers.text_encoding import find_encoding
from toilet_api.exchange.ledgers.villages import Places
from toilet_api.exchange.records import job as records
from toilet_api.exchange.records.columns import check_mapping
from toilet_api.exchange.uploads import receiving
from toilet_api.exchange.uploads.tables import Upload
from toilet_api.kernel import jobs
from toilet_api.kernel.database import actor_of
from toilet_api.kernel.errors import INVALID, NOT_FOUND, OUT_OF_SCOPE, TOO_LARGE, WRONG_STATE, FieldError
from toilet_api.kernel.fields import now
from toilet_api.kernel.objects import ObjectStore
from toilet_api.settings import Settings

READ_AT_ONCE_BYTES = 2 * limits.MIB
"""Files up to this size (some 20,000 rows) are opened and their header is found before the upload is answered."""
DECODED_AT_ONCE_BYTES = 64 * limits.MIB
"""Of a text up to this size the encoding is found before the upload is answered; of a larger one the job finds it."""
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


def read_mapping(given: str | None, kind: str) -> dict[str, str | None]:
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
    check_mapping(kind, mapping)
    return mapping


def file_or_upload(
    session: Session, caller: Caller, file: UploadFile | None, upload_id: UUID | None
) -> tuple[BinaryIO | Upload, str]:
    """What to import and what it is called: the file that came along, or one that was uploaded in parts before.

    Raises `invalid` for neither, `import_bad_form` for both, 404 and `upload_not_complete` for an upload that can't be
    read.
    """
    if file is not None and upload_id is not None:
        raise BAD_FORM.problem(
            ("file 与 upload_id 只能给出一个。", "Give either file or upload_id, and not both."),
            [FieldError("/file", "one_of", ("与 upload_id 二选一", "this or upload_id"))],
        )
    if file is not None:
        return file.file, clean_name(file.filename)
    if upload_id is not None:
        upload = receiving.whole(session, caller, upload_id)
        return upload, clean_name(upload.file_name)
    fault = ("须有 file 或 upload_id", "a file or an upload_id is required")
    raise INVALID.problem(errors=[FieldError("/file", "missing", fault)])


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
    source: BinaryIO | Upload,
    *,
    name: str,
    kind: str,
    mode: str,
    division_code: str,
    dry_run: bool,
    on_conflict: str,
    mapping: dict[str, str | None],
    remember_mapping: bool = False,
) -> UUID:
    """Check the file, store it, and queue the job. Raises the problem of a file that can't be a ledger.

    A file that is refused leaves nothing behind: it is checked before it is stored.
    """
    if remember_mapping:
        _check_remembering(mapping, dry_run=dry_run)
        synonyms.remember(session, caller, division_code, kind, mapping)
    with _given(objects, settings, source) as path:
        size = path.stat().st_size
        if size == 0:
            raise EMPTY_FILE.problem()
        if size > READ_AT_ONCE_BYTES:
            known = _check_large(path, size)
        elif kind == "households":
            places = progress.places_for(session, division_code)
            words = synonyms.words_for(session, division_code, kind)
            known = _check(path, settings.import_max_rows, mapping, places, words)
        else:
            known = records.look(session, path, settings.import_max_rows, kind, mapping, division_code)
        sha256 = _stored(objects, path, source)
    actor = actor_of(session)
    made = ImportJob(
        division_code=division_code,
        kind=kind,
        mode=mode,
        dry_run=dry_run,
        on_conflict=on_conflict,
        mapping=mapping,
        file_name=name,
        file_sha256=sha256,
        file_bytes=size,
        narrowed_to=None if caller.narrowed_to is None else sorted(caller.narrowed_to),
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


def _check_remembering(mapping: dict[str, str | None], *, dry_run: bool) -> None:
    """Raises `import_bad_form`: a dry run keeps nothing, and without a mapping there is nothing to keep."""
    if not mapping or dry_run:
        raise BAD_FORM.problem(
            (
                "remember_mapping 须与 mapping 同用，且不能是试运行。",
                "remember_mapping goes with a mapping, and not with a dry run.",
            ),
            [FieldError("/remember_mapping", "contradiction", ("须有 mapping 且非试运行", "needs a mapping"))],
        )


@contextmanager
def _given(objects: ObjectStore, settings: Settings, source: BinaryIO | Upload) -> Iterator[Path]:
    """The file on disk: an upload that is whole stands in the object store, what came with the request goes aside."""
    if isinstance(source, Upload):
        yield objects.path(str(source.sha256))
        return
    with tempfile.NamedTemporaryFile(prefix="toilet-import-") as incoming:
        shutil.copyfileobj(source, incoming)
        incoming.flush()
        path = Path(incoming.name)
        if path.stat().st_size > settings.upload_max_bytes:
            raise TOO_LARGE.problem(limit_bytes=settings.upload_max_bytes)
        yield path


def _stored(objects: ObjectStore, path: Path, source: BinaryIO | Upload) -> str:
    if isinstance(source, Upload):
        return str(source.sha256)
    with path.open("rb") as checked:
        return objects.put(checked)


def _check(path: Path, max_rows: int, mapping: reading.Mapped, places: Places, words: reading.Mapped) -> dict[str, Any]:
    plan = reading.plan(reading.open_ledger(path, max_rows), mapping, places, words)
    return {**job.described(plan), "rows_total": reading.count_rows(plan)}


def _check_large(path: Path, size: int) -> dict[str, Any]:
    kind = file_format.detect(path)
    if kind == "csv" and size <= DECODED_AT_ONCE_BYTES:
        find_encoding(path)
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
