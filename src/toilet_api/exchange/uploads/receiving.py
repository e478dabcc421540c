"""A resumable upload from its first byte to the object that an import reads. An upload is its owner's alone.

The order of a part: its bytes are checked, written and synced, then the offset commits. A process that dies between the
two leaves bytes that nobody counts.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission
from toilet_api.exchange.uploads import folder
from toilet_api.exchange.uploads.problems import (
    CHECKSUM_MISMATCH,
    NOT_COMPLETE,
    OFFSET_MISMATCH,
    PART_TOO_LONG,
    TOO_MANY_OPEN,
)
from toilet_api.exchange.uploads.schemas import UploadNew, UploadOut
from toilet_api.exchange.uploads.tables import Upload
from toilet_api.kernel import journal
from toilet_api.kernel.errors import ID_TAKEN, INVALID, NOT_FOUND, TOO_LARGE, WRONG_STATE, FieldError
from toilet_api.kernel.fields import new_id, now
from toilet_api.kernel.objects import ObjectStore
from toilet_api.registry.uniqueness import CollisionError, guarded
from toilet_api.settings import Settings

OPEN_MAX = 50
"""Uploads that one account may have open at a time."""


def create(
    session: Session, objects: ObjectStore, settings: Settings, caller: Caller, body: UploadNew
) -> tuple[Upload, bool]:
    """(the upload, whether it was made now). Of a file that the caller has uploaded before it is complete at once.

    Raises `too_large`, `upload_too_many_open`, or `id_taken` for an id whose upload is another's or of another file.
    """
    # Who may not import brings photos.
    imports = Permission.IMPORT_CREATE in caller.permissions
    most = settings.resumable_upload_max_bytes if imports else settings.photo_max_bytes
    if body.size_bytes > most:
        raise TOO_LARGE.problem(limit_bytes=most)
    row = Upload(
        id=body.id or new_id(),
        division_code=caller.scope.prefixes[0],
        created_by=caller.id,
        file_name=body.file_name,
        size_bytes=body.size_bytes,
        declared_sha256=body.sha256,
        expires_at=now() + timedelta(days=settings.upload_keep_days),
    )
    found = session.get(Upload, row.id)
    if found is None:
        if _has_whole(session, objects, row):
            row.stored_bytes, row.sha256, row.state, row.expires_at = row.size_bytes, body.sha256, "complete", None
        else:
            _check_open(session, caller)
        try:
            with guarded(session):
                session.add(row)
        except CollisionError:
            found = session.get(Upload, row.id)
        else:
            _journal(session, row, "upload.created")
            return row, True
    said = (caller.id, body.file_name, body.size_bytes, body.sha256)
    if found is None or (found.created_by, found.file_name, found.size_bytes, found.declared_sha256) != said:
        raise ID_TAKEN.problem()
    return found, False


def own(session: Session, caller: Caller, upload_id: UUID, *, hold: bool = False) -> Upload:
    """The caller's upload, its row held if `hold`. Raises 404 for somebody else's."""
    statement = select(Upload).where(Upload.id == upload_id, Upload.created_by == caller.id)
    if hold:
        statement = statement.with_for_update()
    row = session.exec(statement.execution_options(populate_existing=True)).one_or_none()
    if row is None or not caller.scope.covers(row.division_code):
        raise NOT_FOUND.problem()
    return row


def whole(session: Session, caller: Caller, upload_id: UUID) -> Upload:
    """The caller's upload, for what is made of it. Raises 404, and 409 `upload_not_complete` unless it is whole."""
    row = own(session, caller, upload_id)
    if row.sha256 is None:
        raise NOT_COMPLETE.problem(offset=row.stored_bytes, size_bytes=row.size_bytes, state=row.state)
    return row


def receive(
    session: Session,
    objects: ObjectStore,
    settings: Settings,
    caller: Caller,
    upload_id: UUID,
    offset: int,
    part: bytes,
    checksum: str | None,
) -> Upload:
    """Append a part; the last one makes the upload complete. Of two parts at once the later one finds another offset.

    Raises 409 `upload_offset_mismatch` or `wrong_state`, 422 `upload_part_too_long` or `upload_checksum_mismatch`.
    Nothing of a refused part is kept.
    """
    row = own(session, caller, upload_id, hold=True)
    if row.state == "cancelled":
        raise _ended(row)
    if offset != row.stored_bytes:
        raise OFFSET_MISMATCH.problem(
            (f"已存 {row.stored_bytes} 字节，请由此继续。", f"{row.stored_bytes} bytes are stored; go on from there."),
            headers={"Upload-Offset": str(row.stored_bytes)},
            offset=row.stored_bytes,
            state=row.state,
        )
    if row.state == "complete":
        raise _ended(row)
    if offset + len(part) > row.size_bytes:
        raise PART_TOO_LONG.problem(offset=offset, part_bytes=len(part), size_bytes=row.size_bytes)
    _check_part(part, checksum)
    path = folder.path_of(settings, row.id)
    folder.append(path, offset, part)
    row.stored_bytes = offset + len(part)
    row.expires_at = now() + timedelta(days=settings.upload_keep_days)
    if row.stored_bytes == row.size_bytes:
        sha256 = objects.adopt(path, row.declared_sha256)
        if row.declared_sha256 not in (None, sha256):
            folder.cut(path, offset)
            raise CHECKSUM_MISMATCH.problem(
                (
                    "传来的全部内容与声明的 SHA-256 不符，最后一部分未保留。",
                    "All that came is not of the SHA-256 that was declared; the last part was not kept.",
                ),
                offset=offset,
                expected=row.declared_sha256,
                found=sha256,
            )
        row.sha256, row.state, row.expires_at = sha256, "complete", None
        _journal(session, row, "upload.completed")
    session.add(row)
    session.flush()
    return row


def cancel(session: Session, caller: Caller, upload_id: UUID) -> Upload:
    """Give an open upload up. Raises `wrong_state` for one that has ended."""
    row = own(session, caller, upload_id, hold=True)
    if row.state != "open":
        raise _ended(row)
    row.state = "cancelled"
    session.add(row)
    _journal(session, row, "upload.cancelled")
    return row


def present(row: Upload, settings: Settings) -> UploadOut:
    """The upload, as an answer."""
    return UploadOut(
        **row.model_dump(include={"id", "file_name", "size_bytes", "state", "expires_at", "created_at"}),
        offset=row.stored_bytes,
        sha256=row.sha256 or row.declared_sha256,
        part_bytes_max=settings.upload_part_max_bytes,
        allowed_actions=["cancel"] if row.state == "open" else [],
    )


def _has_whole(session: Session, objects: ObjectStore, row: Upload) -> bool:
    """Whether the caller, and nobody else, has uploaded all of this content before: what others have isn't told."""
    if row.declared_sha256 is None or not objects.exists(row.declared_sha256):
        return False
    statement = select(Upload.id).where(
        Upload.created_by == row.created_by,
        Upload.sha256 == row.declared_sha256,
        Upload.size_bytes == row.size_bytes,
    )
    return session.exec(statement.limit(1)).first() is not None


def _check_open(session: Session, caller: Caller) -> None:
    count = session.exec(
        select(func.count()).where(col(Upload.created_by) == caller.id, col(Upload.state) == "open")
    ).one()
    if count >= OPEN_MAX:
        raise TOO_MANY_OPEN.problem(open=count, limit=OPEN_MAX)


def _check_part(part: bytes, checksum: str | None) -> None:
    """Compare a part with `sha256 <base64>`. Raises 422 for another form, and where they differ."""
    if checksum is None:
        return
    name, _, given = checksum.strip().partition(" ")
    try:
        digest = base64.b64decode(given.strip(), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if name.lower() != "sha256" or len(digest) != hashlib.sha256().digest_size:
        fault = ("须为 sha256 加空格和 Base64 摘要", "must be sha256, a blank and the digest in Base64")
        raise INVALID.problem(
            errors=[FieldError("/header/Upload-Checksum", "bad_checksum", fault, expected="sha256 …")]
        )
    if not hmac.compare_digest(digest, hashlib.sha256(part).digest()):
        raise CHECKSUM_MISMATCH.problem(
            ("这一部分与 Upload-Checksum 不符，未保留。", "The part is not what Upload-Checksum says; it was not kept.")
        )


def _ended(row: Upload) -> Exception:
    return WRONG_STATE.problem(
        ("上传已完成或已取消。", "The upload is complete or was cancelled."), current=row.state, allowed_actions=[]
    )


def _journal(session: Session, row: Upload, action: str) -> None:
    """Audited only: an upload is no record that others follow. Its name may name a person, so it isn't told."""
    journal.record(
        session,
        action=action,
        subject_type="upload",
        subject_id=row.id,
        division_code=row.division_code,
        after={"size_bytes": row.size_bytes, "sha256": row.sha256 or row.declared_sha256, "state": row.state},
        op="note",
    )
