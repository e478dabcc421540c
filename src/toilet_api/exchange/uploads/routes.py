"""Resumable uploads over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Header, Response

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission
from toilet_api.exchange.uploads import photos, receiving
from toilet_api.exchange.uploads.problems import (
    CHECKSUM_MISMATCH,
    CONTENT_LOST,
    NOT_COMPLETE,
    OFFSET_MISMATCH,
    PART_TOO_LONG,
    TOO_MANY_OPEN,
)
from toilet_api.exchange.uploads.schemas import UploadAttachment, UploadNew, UploadOut
from toilet_api.exchange.uploads.tables import Upload
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.dependencies import ObjectsDep, SettingsDep
from toilet_api.kernel.errors import (
    FORBIDDEN,
    ID_TAKEN,
    IDEMPOTENCY_MISMATCH,
    INVALID,
    MALFORMED,
    NOT_FOUND,
    TOO_LARGE,
    UNAUTHENTICATED,
    UNAVAILABLE,
    UNKNOWN_PARAMETER,
    UNSUPPORTED_MEDIA,
    WRONG_STATE,
    problems,
)
from toilet_api.kernel.limits import PART_MEDIA
from toilet_api.kernel.requests import Room
from toilet_api.settings import Settings
from toilet_api.survey import attachments
from toilet_api.survey.answers import created, creating
from toilet_api.survey.problems import IMAGE_DAMAGED, IMAGE_KIND_REFUSED, IMAGE_TOO_MANY_PIXELS
from toilet_api.survey.schemas import AttachmentOut

router = Room(tags=["exchange"])

Uploader = Annotated[Caller, may(Permission.IMPORT_CREATE, Permission.ATTACHMENT_WRITE)]
PhotoWriter = Annotated[Caller, may(Permission.ATTACHMENT_WRITE)]
_ALWAYS = (UNAUTHENTICATED, FORBIDDEN, UNKNOWN_PARAMETER, MALFORMED)


@router.post(
    "/uploads",
    operation_id="create_upload",
    summary="新建分段上传 / Begin a resumable upload",
    description=(
        "大文件或线路不好时用：逐部分 `PATCH`，传完后以 `upload_id` 提交 `POST /imports`，照片则 "
        "`POST /uploads/{upload_id}/attachment`。有 `import.create` 或 `attachment.write` 权限即可。答复头 "
        "Upload-Offset 为已存字节数。 / For large files and bad lines: PATCH its parts, then `POST /imports` with"
        " `upload_id`, or for a photo `POST /uploads/{upload_id}/attachment`. For whoever holds `import.create` or"
        " `attachment.write`. The header Upload-Offset says how much is stored."
    ),
    status_code=201,
    responses={
        200: {"model": UploadOut, "description": "已有的同一上传 / The upload it made before"},
        **problems(*_ALWAYS, ID_TAKEN, INVALID, IDEMPOTENCY_MISMATCH, TOO_LARGE, TOO_MANY_OPEN),
    },
)
def create_upload(
    response: Response,
    session: Transaction,
    caller: Uploader,
    objects: ObjectsDep,
    settings: SettingsDep,
    body: UploadNew,
) -> UploadOut:
    row, made = receiving.create(session, objects, settings, caller, body)
    response.status_code = 201 if made else 200
    response.headers["Location"] = f"/api/v1/uploads/{row.id}"
    return _shown(response, row, settings)


@router.get(
    "/uploads/{upload_id}",
    operation_id="get_upload",
    summary="分段上传的进度 / How far an upload is",
    description="线路断开后由此得知从哪里继续。只有本人可见。/ Where to go on after a broken line; its owner's alone.",
    responses=problems(*_ALWAYS, NOT_FOUND, INVALID),
)
def get_upload(
    response: Response, session: Transaction, caller: Uploader, settings: SettingsDep, upload_id: UUID
) -> UploadOut:
    return _shown(response, receiving.own(session, caller, upload_id), settings)


@router.patch(
    "/uploads/{upload_id}",
    operation_id="continue_upload",
    summary="上传一部分 / Send a part",
    description=(
        "请求体为文件内容，由 Upload-Offset 处接上；被拒绝的部分不留任何内容。最后一部分传到即完成。"
        " / The body is the content from Upload-Offset on; nothing of a refused part is kept."
        " The last part completes it."
    ),
    responses=problems(
        *_ALWAYS,
        NOT_FOUND,
        OFFSET_MISMATCH,
        WRONG_STATE,
        CONTENT_LOST,
        TOO_LARGE,
        UNSUPPORTED_MEDIA,
        INVALID,
        PART_TOO_LONG,
        CHECKSUM_MISMATCH,
        UNAVAILABLE,
    ),
)
def continue_upload(
    response: Response,
    session: Transaction,
    caller: Uploader,
    objects: ObjectsDep,
    settings: SettingsDep,
    upload_id: UUID,
    part: Annotated[bytes, Body(media_type=PART_MEDIA, title="内容", description="文件的一部分 / A part of the file")],
    upload_offset: Annotated[
        int,
        Header(
            alias="Upload-Offset",
            ge=0,
            le=2**53,
            title="偏移",
            description="这一部分在文件中的起点，须等于已存字节数 / Where the part begins: where the stored bytes end",
            examples=[8388608],
        ),
    ],
    upload_checksum: Annotated[
        str | None,
        Header(
            alias="Upload-Checksum",
            max_length=200,
            title="校验和",
            description="`sha256`、空格、这一部分摘要的 Base64 / `sha256`, a blank, the part's digest in Base64",
            examples=["sha256 n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="],
        ),
    ] = None,
) -> UploadOut:
    row = receiving.receive(session, objects, settings, caller, upload_id, upload_offset, part, upload_checksum)
    return _shown(response, row, settings)


@router.post(
    "/uploads/{upload_id}/cancel",
    operation_id="cancel_upload",
    summary="取消分段上传 / Give an upload up",
    description="已存的内容随后删除。/ What was stored is removed soon after.",
    responses=problems(*_ALWAYS, NOT_FOUND, INVALID, WRONG_STATE),
)
def cancel_upload(
    response: Response, session: Transaction, caller: Uploader, settings: SettingsDep, upload_id: UUID
) -> UploadOut:
    return _shown(response, receiving.cancel(session, caller, upload_id), settings)


@router.post(
    "/uploads/{upload_id}/attachment",
    operation_id="create_upload_attachment",
    summary="以分段上传的内容建附件 / Make an attachment of an upload",
    description=(
        "照片或签名分段传完后调用；之后与 `POST /attachments` 所建的相同。摸排记录先到的，同编号的照片随即归入。"
        " / For a photo or signature that was uploaded in parts; then it is the same as one of `POST /attachments`. A"
        " visit that waits for this id has it from then on."
    ),
    status_code=201,
    responses=creating(
        AttachmentOut,
        NOT_FOUND,
        NOT_COMPLETE,
        CONTENT_LOST,
        TOO_LARGE,
        IMAGE_KIND_REFUSED,
        IMAGE_DAMAGED,
        IMAGE_TOO_MANY_PIXELS,
    ),
)
def create_upload_attachment(
    response: Response,
    session: Transaction,
    caller: PhotoWriter,
    objects: ObjectsDep,
    settings: SettingsDep,
    upload_id: UUID,
    body: UploadAttachment,
) -> AttachmentOut:
    row, made = photos.attach(session, objects, settings, caller, upload_id, body)
    created(response, "attachments", row.id, made, row.version)
    return attachments.present(row)


def _shown(response: Response, row: Upload, settings: Settings) -> UploadOut:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Upload-Offset"] = str(row.stored_bytes)
    return receiving.present(row, settings)
