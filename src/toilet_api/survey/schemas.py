"""What goes in and out for the problem catalogue and attachments, and the types that the room's bodies share."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from toilet_api.kernel.fields import DivisionCode, Reason, Schema, ShortText
from toilet_api.registry.schemas import ClientId
from toilet_api.survey.codes import (
    AttachmentKind,
    Cause,
    Group,
    ProblemClass,
)

ID = "0199f2c4-7c1e-7000-8000-000000000001"
OptionalId = ClientId | None
CountyCode = Annotated[
    str,
    StringConstraints(pattern=r"^\d{6}$"),
    Field(title="县代码", description="6 位县级代码 / County code of 6 digits", examples=["360423"]),
]
AllowedActions = Annotated[
    list[str],
    Field(
        title="可执行的步骤",
        description="您现在可以执行的步骤，各对应哪个接口见文首“步骤” / What you may do now; which call: Steps, above",
        examples=[["submit"]],
    ),
]


def unset() -> Any:
    """The default of a member that a patch may leave out but not set to null."""
    return None


class Patch(Schema):
    """Base of merge patches: a member that is left out stays; null clears it where it can be empty."""

    def changes(self) -> dict[str, Any]:
        """The members that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


# --- the problem catalogue ------------------------------------------------------------------------------------------

_TypeCode = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,58}$"),
    Field(title="代码", description="小写英文与下划线 / Lower-case English with underscores", examples=["lid_missing"]),
]


class ProblemTypeNew(Schema):
    """为本县新增问题类型 / A problem type of a county's own."""

    id: OptionalId = None
    division_code: CountyCode
    code: _TypeCode
    zh: ShortText = Field(title="中文名称", examples=["缺清掏口盖板"])
    en: ShortText = Field(title="英文名称", examples=["Lid is missing"])
    problem_class: ProblemClass
    problem_group: Group
    cause: Cause


class ProblemTypePatch(Patch):
    """修改本县问题类型；原因分类只对今后发现的问题生效 / A changed cause holds for problems found from now on."""

    zh: ShortText = Field(default_factory=unset, title="中文名称", examples=["缺清掏口盖板"])
    en: ShortText = Field(default_factory=unset, title="英文名称", examples=["Lid is missing"])
    problem_group: Group = Field(default_factory=unset)
    cause: Cause = Field(default_factory=unset)


class ProblemTypeRow(Schema):
    """问题类型 / A problem type."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: str | None = Field(
        title="县代码", description="为空即全国通用 / null: it holds everywhere", examples=["360423"]
    )
    code: str = Field(title="代码", examples=["tank_cracked"])
    zh: str = Field(title="中文名称", examples=["化粪池（桶体）破裂"])
    en: str = Field(title="英文名称", examples=["Tank is cracked"])
    problem_class: ProblemClass
    problem_group: Group
    cause: Cause
    retired_at: datetime | None = Field(title="停用时间")
    version: int = Field(title="版本", examples=[1])
    updated_at: datetime = Field(title="修改时间")


class ReasonBody(Schema):
    """说明理由 / With a reason."""

    reason: Reason


# --- attachments ----------------------------------------------------------------------------------------------------


class Wgs84(Schema):
    """照片自带的位置（WGS 84）/ The position in the photo's own GPS tags."""

    longitude: float = Field(title="经度", examples=[115.1])
    latitude: float = Field(title="纬度", examples=[29.26])
    system: Literal["wgs84"] = "wgs84"


class AttachmentOut(Schema):
    """附件 / An uploaded image. Its bytes are kept unchanged, with the EXIF that proves place and time."""

    model_config = ConfigDict(json_schema_extra={"description": "附件（原样保存）/ An uploaded image, kept unchanged."})

    id: UUID = Field(title="编号", examples=[ID])
    division_code: DivisionCode
    kind: AttachmentKind
    sha256: str = Field(title="SHA-256", examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    media_type: str = Field(
        title="图片类型", description="由内容得出 / Found from the content", examples=["image/jpeg"]
    )
    size_bytes: int = Field(title="字节数", examples=[482133])
    width: int = Field(title="宽（像素）", examples=[4000])
    height: int = Field(title="高（像素）", examples=[3000])
    captured_at: datetime | None = Field(title="拍摄时间", description="来自 EXIF / From EXIF")
    captured_zone_stated: bool = Field(
        title="EXIF 写明时区", description="未写明时按北京时间 / If not stated, Asia/Shanghai is assumed"
    )
    gps: Wgs84 | None = Field(title="拍摄位置", description="来自 EXIF / From EXIF")
    version: int = Field(title="版本", examples=[1])
    created_at: datetime = Field(title="上传时间")
    created_by: UUID | None = Field(title="上传人编号")
    content_url: str = Field(title="内容地址", examples=[f"/api/v1/attachments/{ID}/content"])
