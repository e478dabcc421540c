"""Photos and signatures over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import File, Form, Response, UploadFile

from toilet_api.kernel.database import Transaction
from toilet_api.kernel.dependencies import ObjectsDep, SettingsDep
from toilet_api.kernel.errors import RANGE_NOT_SATISFIABLE, TOO_LARGE, UNAVAILABLE, problems
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.preconditions import set_etag
from toilet_api.kernel.requests import Room
from toilet_api.kernel.stored_files import IN_PARTS, StoredFile, file_headers
from toilet_api.survey import attachments, images
from toilet_api.survey.answers import AttachmentReader, Uploader, created, creating, reading
from toilet_api.survey.codes import AttachmentKind
from toilet_api.survey.problems import IMAGE_DAMAGED, IMAGE_KIND_REFUSED, IMAGE_TOO_MANY_PIXELS
from toilet_api.survey.records import existing
from toilet_api.survey.schemas import AttachmentOut, OptionalId
from toilet_api.survey.tables import Attachment

router = Room(tags=["survey"])


@router.post(
    "/attachments",
    operation_id="create_attachment",
    summary="上传照片或签名 / Upload a photo or signature",
    description=(
        "JPEG、PNG、WebP，按内容判断；原样保存，EXIF 中的时间和位置一并读出。"
        " / The content decides; kept unchanged, with the time and place that its EXIF states."
    ),
    status_code=201,
    responses=creating(AttachmentOut, TOO_LARGE, IMAGE_KIND_REFUSED, IMAGE_DAMAGED, IMAGE_TOO_MANY_PIXELS),
)
def create_attachment(
    response: Response,
    session: Transaction,
    caller: Uploader,
    objects: ObjectsDep,
    settings: SettingsDep,
    file: Annotated[UploadFile, File(title="图片", description="图片文件 / The image")],
    kind: Annotated[AttachmentKind, Form()],
    division_code: Annotated[DivisionCode, Form()],
    id: Annotated[OptionalId, Form()] = None,  # noqa: A002 - the name in the contract
) -> AttachmentOut:
    data = file.file.read(settings.photo_max_bytes + 1)
    if len(data) > settings.photo_max_bytes:
        most = settings.photo_max_bytes
        raise TOO_LARGE.problem((f"图片超过 {most} 字节。", f"The image exceeds {most} bytes."), limit_bytes=most)
    facts = images.inspect(data)
    row, made = attachments.store(
        session, objects, caller, data, facts, division_code=division_code, kind=kind, attachment_id=id
    )
    created(response, "attachments", row.id, made, row.version)
    return attachments.present(row)


@router.get(
    "/attachments/{attachment_id}",
    operation_id="get_attachment",
    summary="附件信息 / An attachment's metadata",
    description="由图片内容得出的类型、大小、拍摄时间和位置。/ Kind, size, time and place, found from the content.",
    responses=reading(),
)
def get_attachment(
    response: Response, session: Transaction, caller: AttachmentReader, attachment_id: UUID
) -> AttachmentOut:
    row = existing(session, caller, Attachment, attachment_id)
    set_etag(response, row.version)
    return attachments.present(row)


@router.get(
    "/attachments/{attachment_id}/content",
    operation_id="get_attachment_content",
    summary="附件内容 / An attachment's bytes",
    description="与上传时逐字节相同。/ The very bytes that were uploaded.",
    response_class=Response,
    responses={
        200: {
            "description": "图片 / The image",
            "content": {name: {"schema": {"type": "string", "format": "binary"}} for name in images.EXTENSIONS},
            "headers": file_headers(),
        },
        **reading(),
        **problems(RANGE_NOT_SATISFIABLE),
    },
    openapi_extra=IN_PARTS,
)
def get_attachment_content(
    session: Transaction, caller: AttachmentReader, objects: ObjectsDep, attachment_id: UUID
) -> Response:
    row = existing(session, caller, Attachment, attachment_id)
    if not objects.exists(row.sha256):
        raise UNAVAILABLE.problem(("附件内容暂不可用。", "The content is not available at the moment."))
    return StoredFile(
        objects.path(row.sha256),
        media_type=row.media_type,
        headers={
            "ETag": f'"{row.sha256}"',
            "Content-Disposition": f'attachment; filename="{row.id}.{images.EXTENSIONS[row.media_type]}"',
            "Cache-Control": "private, max-age=3600",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        },
    )
