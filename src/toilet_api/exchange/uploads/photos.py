"""A photo or signature out of a resumable upload: what a phone with a bad line could send piece by piece only."""

from uuid import UUID

from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.uploads import receiving
from toilet_api.exchange.uploads.problems import CONTENT_LOST
from toilet_api.exchange.uploads.schemas import UploadAttachment
from toilet_api.kernel.errors import TOO_LARGE
from toilet_api.kernel.objects import ObjectStore
from toilet_api.settings import Settings
from toilet_api.survey import attachments, images
from toilet_api.survey.tables import Attachment


def attach(
    session: Session,
    objects: ObjectStore,
    settings: Settings,
    caller: Caller,
    upload_id: UUID,
    body: UploadAttachment,
) -> tuple[Attachment, bool]:
    """(the attachment, whether it was made now), by the rules of `POST /attachments`.

    Raises 404 for somebody else's upload, `upload_not_complete`, `too_large`, `upload_content_lost`.
    """
    upload = receiving.whole(session, caller, upload_id)
    most = settings.photo_max_bytes
    if upload.size_bytes > most:
        raise TOO_LARGE.problem((f"图片超过 {most} 字节。", f"The image exceeds {most} bytes."), limit_bytes=most)
    if upload.sha256 is None or not objects.exists(upload.sha256):
        raise CONTENT_LOST.problem()
    with objects.open(upload.sha256) as file:
        data = file.read()
    return attachments.store(
        session,
        objects,
        caller,
        data,
        images.inspect(data),
        division_code=body.division_code,
        kind=body.kind,
        attachment_id=body.id,
    )
