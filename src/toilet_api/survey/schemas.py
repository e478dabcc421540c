"""What goes in and out for campaigns, the problem catalogue and attachments."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from toilet_api.kernel.fields import Day, DivisionCode, Reason, Schema, ShortText, Year
from toilet_api.registry.schemas import ClientId
from toilet_api.survey.codes import (
    CAUSES,
    AttachmentKind,
    CampaignState,
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
        description="您现在可以执行的步骤 / The steps that you may take now",
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


# --- campaigns ------------------------------------------------------------------------------------------------------


class FixedDeadline(Schema):
    """固定日期 / On a fixed date."""

    kind: Literal["fixed"] = Field(title="规则")
    date: Day = Field(title="期限", description="最后一天 / The last day that is in time", examples=["2026-12-31"])


class DaysDeadline(Schema):
    """发现后若干日 / A number of days after the problem was found."""

    kind: Literal["days"] = Field(title="规则")
    days: int = Field(ge=0, le=3650, title="天数", examples=[7])


class TimetableDeadline(Schema):
    """另定时间表和路线图 / A timetable of its own, which a plan sets later."""

    kind: Literal["timetable"] = Field(title="规则")


DeadlineRule = Annotated[FixedDeadline | DaysDeadline | TimetableDeadline, Field(discriminator="kind")]


def _known_causes(rules: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(rules) - {entry.code for entry in CAUSES})
    if unknown:
        raise PydanticCustomError(
            "unknown_code",
            "unknown cause class: {names}",
            {"names": ", ".join(unknown), "expected": ", ".join(entry.code for entry in CAUSES)},
        )
    return rules


DeadlineRules = Annotated[
    dict[str, DeadlineRule],
    AfterValidator(_known_causes),
    Field(
        title="各类原因的整改期限",
        description="按原因分类；未列出的另定时间表（工作方案 四（三））/ By cause; others: a timetable",
        examples=[
            {
                "construction_quality": {"kind": "fixed", "date": "2026-12-31"},
                "product_quality": {"kind": "fixed", "date": "2026-12-31"},
                "technical_mode": {"kind": "timetable"},
                "small_defect": {"kind": "days", "days": 7},
            }
        ],
    ),
]
DocumentNumbers = Annotated[list[ShortText], Field(max_length=20, title="文号", examples=[["农办社〔2026〕4号"]])]


def _in_order(starts_on: date, survey_due: date) -> None:
    if survey_due < starts_on:
        raise PydanticCustomError(
            "dates_reversed",
            "survey_due lies before starts_on",
            {"bilingual": ("摸排截止日早于开始日", "survey_due lies before starts_on")},
        )


class CampaignNew(Schema):
    """新建摸排行动 / A new campaign."""

    id: OptionalId = None
    division_code: CountyCode
    name: ShortText = Field(title="名称", examples=["农村户厕问题摸排整改"])
    document_numbers: DocumentNumbers = Field(default_factory=list)
    cut_off_year: Year = Field(title="起始改厕年份", description="重点摸排该年以来改造的户厕 / Rebuilt since")
    starts_on: Day = Field(title="开始日期", examples=["2026-05-15"])
    survey_due: Day = Field(title="摸排截止日期", examples=["2026-07-31"])
    deadline_rules: DeadlineRules = Field(default_factory=dict)

    @model_validator(mode="after")
    def _dates(self) -> "CampaignNew":
        _in_order(self.starts_on, self.survey_due)
        return self


class CampaignPatch(Patch):
    """修改摸排行动；期限规则改变时，未结问题期限随之重算 / Changed rules move the deadlines of live problems."""

    name: ShortText = Field(default_factory=unset, title="名称", examples=["农村户厕问题摸排整改"])
    document_numbers: DocumentNumbers = Field(default_factory=unset)
    cut_off_year: Year = Field(default_factory=unset, title="起始改厕年份")
    starts_on: Day = Field(default_factory=unset, title="开始日期")
    survey_due: Day = Field(default_factory=unset, title="摸排截止日期")
    deadline_rules: DeadlineRules = Field(default_factory=unset)


class CampaignRow(Schema):
    """摸排行动 / A campaign."""

    id: UUID = Field(title="编号", examples=[ID])
    division_code: CountyCode
    name: str = Field(title="名称", examples=["农村户厕问题摸排整改"])
    document_numbers: list[str] = Field(title="文号", examples=[["农办社〔2026〕4号"]])
    cut_off_year: int = Field(title="起始改厕年份", examples=[2024])
    starts_on: date = Field(title="开始日期")
    survey_due: date = Field(title="摸排截止日期")
    deadline_rules: dict[str, DeadlineRule] = Field(title="各类原因的整改期限")
    state: CampaignState
    opened_at: datetime | None = Field(title="开启时间")
    closed_at: datetime | None = Field(title="结束时间")
    version: int = Field(title="版本", examples=[1])
    created_at: datetime = Field(title="创建时间")
    updated_at: datetime = Field(title="修改时间")
    allowed_actions: AllowedActions


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
