"""What goes in and out for resumable uploads."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from toilet_api.exchange.uploads.catalogue import UPLOAD_STATES
from toilet_api.kernel.codes import field
from toilet_api.kernel.fields import DivisionCode, Schema
from toilet_api.survey.codes import AttachmentKind
from toilet_api.survey.schemas import ID, OptionalId

if TYPE_CHECKING:
    UploadState = str
else:
    UploadState = field(UPLOAD_STATES)

_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class UploadNew(Schema):
    """要分段上传的文件 / A file that will be uploaded in parts."""

    id: OptionalId = None
    file_name: str = Field(min_length=1, max_length=200, title="文件名", examples=["武宁县户厕台账.xlsx"])
    size_bytes: int = Field(ge=1, le=2**53, title="文件大小（字节）", examples=[83886080])
    sha256: Sha256 | None = Field(
        None,
        title="内容的 SHA-256",
        description=(
            "可不填；填了则传完时核对，您已传过的同一文件立即完成 / Optional; checked at the end, and a file that you"
            " have uploaded before is complete at once"
        ),
        examples=[_SHA256],
    )


class UploadAttachment(Schema):
    """由分段上传的内容建附件 / An attachment of what was uploaded in parts."""

    id: OptionalId = None
    kind: AttachmentKind
    division_code: DivisionCode


class UploadOut(Schema):
    """一次分段上传 / A resumable upload."""

    id: UUID = Field(title="编号", examples=[ID])
    file_name: str = Field(title="文件名", examples=["武宁县户厕台账.xlsx"])
    size_bytes: int = Field(title="文件大小（字节）", examples=[83886080])
    offset: int = Field(
        title="已存字节数", description="下一部分由此开始 / The next part begins here", examples=[8388608]
    )
    sha256: str | None = Field(
        title="内容的 SHA-256",
        description="传完前为声明的值 / Until it is complete: as declared",
        examples=[_SHA256],
    )
    state: UploadState
    part_bytes_max: int = Field(title="每部分最多字节数", examples=[8388608])
    expires_at: datetime | None = Field(
        title="到期时间",
        description="未传完的到期删除，每传一部分顺延；传完后为 null / Each part puts it off; null once complete",
        examples=["2026-07-07T09:30:00+08:00"],
    )
    created_at: datetime = Field(title="创建时间")
    allowed_actions: list[str] = Field(title="可执行操作", examples=[["cancel"]])
