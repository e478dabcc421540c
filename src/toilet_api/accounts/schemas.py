"""What goes in and out of the accounts room."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from toilet_api.accounts.permissions import Permission, PrincipalKind, Role
from toilet_api.kernel.fields import Day, DivisionCode, Reason, Schema, ShortText
from toilet_api.promise.said import SAID_LATER

Username = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{2,39}$", to_lower=True, strip_whitespace=True),
    Field(
        title="用户名",
        description="3 至 40 个字母、数字、点、横线、下划线，不分大小写 / Letters, digits, `._-`; case is ignored",
        examples=["huanglong_manager"],
    ),
]
Password = Annotated[str, StringConstraints(min_length=1, max_length=128, strip_whitespace=False)]
DisplayName = Annotated[
    ShortText, Field(title="显示名称", description="岗位或姓名 / Post or name", examples=["黄龙乡专班管理员"])
]
State = Literal["active", "locked", "removed"]
NewId = Annotated[
    UUID | None,
    Field(title="编号", description="可由客户端生成，建议 UUIDv7 / May be made by the client; UUIDv7 recommended"),
]


class ReasonGiven(Schema):
    """理由 / A reason."""

    reason: Reason


class GrantMade(Schema):
    """授权：在某区划担任某角色 / A role in a division."""

    role: Role = Field(title="角色", examples=["township_manager"])
    division_code: DivisionCode


class GrantCreate(GrantMade):
    """新增授权 / A new grant."""

    id: NewId = None


class GrantView(Schema):
    """一项授权 / A grant."""

    id: UUID = Field(title="编号")
    role: str = Field(title="角色", examples=["township_manager"])
    division_code: str = Field(title="区划代码", examples=["360423208"])
    granted_at: datetime = Field(title="授权时间")


class UserCreate(Schema):
    """新建用户 / A new user."""

    id: NewId = None
    username: Username
    display_name: DisplayName
    division_code: DivisionCode | None = Field(
        None, title="所属区划", description="缺省为第一项授权的区划 / Of the first grant when left out"
    )
    password: Password | None = Field(
        None,
        title="临时口令",
        description="缺省则自动生成并仅显示一次；首次登录须修改 / Made up and shown once when left out; "
        "to be changed at the first login",
        examples=["Tai9-shan+Lushan"],
    )
    grants: list[GrantMade] = Field(title="授权", min_length=1, max_length=50)


class ClientCreate(Schema):
    """新建对接系统 / A new system."""

    id: NewId = None
    client_id: Username = Field(title="客户端标识", examples=["county_platform"])
    display_name: DisplayName
    division_code: DivisionCode = Field(examples=["360423"])
    scopes: list[Permission] | None = Field(
        None,
        title="权限范围",
        description="缺省为只读（脱敏）；其余须逐项写明 / Masked reading when left out; more must be named",
        max_length=100,
        examples=[["household.read", "visit.read"]],
    )


def _no_null(schema: dict[str, Any]) -> None:
    for name, member in schema["properties"].items():
        (kind,) = (one for one in member.pop("anyOf") if one != {"type": "null"})
        schema["properties"][name] = {**kind, **member, SAID_LATER: True}


class _Patch(Schema):
    model_config = ConfigDict(json_schema_extra=_no_null)

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: Any) -> Any:
        """What is left out stays as it is; null says nothing."""
        if value is None:
            raise PydanticCustomError("null", "must not be null")
        return value


class UserPatch(_Patch):
    """修改用户（JSON Merge Patch）/ Changes to a user."""

    display_name: DisplayName | None = None
    division_code: DivisionCode | None = Field(None, title="所属区划")


class ClientPatch(_Patch):
    """修改对接系统（JSON Merge Patch）/ Changes to a system."""

    display_name: DisplayName | None = None
    scopes: list[Permission] | None = Field(None, title="权限范围", max_length=100)


class _Account(Schema):
    id: UUID = Field(title="编号")
    display_name: str = Field(title="显示名称", examples=["黄龙乡专班管理员"])
    division_code: str = Field(title="所属区划", examples=["360423208"])
    state: State = Field(title="状态", examples=["active"])
    grants: list[GrantView] = Field(title="授权")
    locked_at: datetime | None = Field(None, title="锁定时间")
    locked_reason: str | None = Field(None, title="锁定理由")
    removed_at: datetime | None = Field(None, title="删除时间")
    removed_reason: str | None = Field(None, title="删除理由")
    version: int = Field(title="版本", examples=[1])
    created_at: datetime = Field(title="创建时间")
    updated_at: datetime = Field(title="更新时间")
    allowed_actions: list[str] = Field(title="当前可执行的操作", examples=[["update", "grant", "lock"]])


class User(_Account):
    """用户 / A person with an account."""

    username: str = Field(title="用户名", examples=["huanglong_manager"])
    must_change_password: bool = Field(title="须修改口令")
    trained: bool = Field(title="已培训", description="有有效的培训记录 / Has a valid training record")


class Client(_Account):
    """对接系统 / A system with an account."""

    client_id: str = Field(title="客户端标识", examples=["county_platform"])
    scopes: list[str] = Field(title="权限范围", examples=[["household.read"]])


class UserCreated(User):
    """新建的用户，临时口令仅此一次 / The new user; the temporary password is shown this once."""

    temporary_password: str | None = Field(
        None, title="临时口令", description="自动生成时给出 / Given when it was made up", examples=["k7Wm-3qTzR9aXb2H"]
    )


class ClientCreated(Client):
    """新建的对接系统，密钥仅此一次 / The new system; the secret is shown this once."""

    client_secret: str | None = Field(None, title="客户端密钥", examples=["ts_9vS0…"])


class PasswordReset(Schema):
    """临时口令，仅显示一次 / The temporary password, shown this once."""

    temporary_password: str = Field(title="临时口令", examples=["k7Wm-3qTzR9aXb2H"])
    must_change_password: bool = Field(True, title="须修改口令")


class SecretRotated(Schema):
    """新密钥，仅显示一次；旧密钥即刻失效 / The new secret, shown this once; the old one is dead."""

    client_id: str = Field(title="客户端标识", examples=["county_platform"])
    client_secret: str = Field(title="客户端密钥", examples=["ts_9vS0…"])


class TrainingCreate(Schema):
    """登记培训 / A training to record."""

    id: NewId = None
    held_on: Day = Field(title="培训日期", description="不晚于今天 / Not in the future", examples=["2026-05-18"])
    course: ShortText = Field(title="培训课程", examples=["农村户厕问题摸排培训"])
    trainer: ShortText = Field(title="培训单位或教师", examples=["县卫生健康委"])
    hours: Decimal = Field(title="学时", gt=0, le=999, decimal_places=1, examples=["4"])
    certificate_no: ShortText | None = Field(None, title="证书编号", examples=["WN-2026-0018"])
    valid_until: Day | None = Field(None, title="有效期至", examples=["2027-05-17"])

    @model_validator(mode="after")
    def _in_order(self) -> "TrainingCreate":
        if self.valid_until is not None and self.valid_until < self.held_on:
            raise ValueError("valid_until is before held_on / 有效期早于培训日期")
        return self


class TrainingView(Schema):
    """培训记录 / A training record."""

    id: UUID = Field(title="编号")
    held_on: date = Field(title="培训日期")
    course: str = Field(title="培训课程", examples=["农村户厕问题摸排培训"])
    trainer: str = Field(title="培训单位或教师", examples=["县卫生健康委"])
    hours: Decimal = Field(title="学时", examples=["4.0"])
    certificate_no: str | None = Field(None, title="证书编号")
    valid_until: date | None = Field(None, title="有效期至")
    valid: bool = Field(title="当前有效", description="未撤销、未过期 / Neither revoked nor expired")
    recorded_at: datetime = Field(title="登记时间")
    revoked_at: datetime | None = Field(None, title="撤销时间")
    revoked_reason: str | None = Field(None, title="撤销理由")


class Trainings(Schema):
    """培训记录，新的在前 / Training records, newest first."""

    items: list[TrainingView] = Field(title="培训记录")


class Me(Schema):
    """当前账号 / The caller's own account."""

    id: UUID = Field(title="编号")
    kind: PrincipalKind = Field(title="类别", examples=["person"])
    username: str = Field(title="用户名", examples=["village_surveyor"])
    display_name: str = Field(title="显示名称", examples=["摸排员"])
    division_code: str = Field(title="所属区划", examples=["360423208202"])
    grants: list[GrantMade] = Field(title="授权")
    permissions: list[str] = Field(
        title="权限", description="至少在一处区划持有 / Held in at least one division", examples=[["household.read"]]
    )
    must_change_password: bool = Field(title="须修改口令")
    password_expires_at: datetime | None = Field(None, title="口令到期时间")
    trained: bool = Field(title="已培训")
    trainings: list[TrainingView] = Field(title="培训记录")


class PasswordChange(Schema):
    """修改口令 / A change of password."""

    current_password: Password = Field(title="当前口令", examples=["k7Wm-3qTzR9aXb2H"])
    new_password: Password = Field(
        title="新口令",
        description="至少 10 个字符，大写、小写、数字、符号四类中至少三类，不含用户名，非常见口令，不同于最近 5 次 / "
        "At least 10 characters of 3 classes, without the username, not a common one, none of the last 5",
        examples=["Lushan-2026-qiu"],
    )


class TokenAnswer(Schema):
    """令牌 / Tokens (RFC 6749 5.1)."""

    access_token: str = Field(title="访问令牌", examples=["eyJhbGciOiJFUzI1NiIs…"])
    token_type: Literal["Bearer"] = Field(title="令牌类型", examples=["Bearer"])
    expires_in: int = Field(title="有效秒数", examples=[900])
    refresh_token: str | None = Field(None, title="刷新令牌", examples=["tr_5bQ0…"])
    refresh_expires_in: int | None = Field(None, title="刷新令牌有效秒数", examples=[43200])
    scope: str | None = Field(None, title="权限范围", examples=["household.read visit.read"])
    must_change_password: bool = Field(False, title="须修改口令")


class JsonWebKey(Schema):
    """公钥（RFC 7517）/ A public key."""

    kty: str = Field(examples=["EC"])
    crv: str = Field(examples=["P-256"])
    x: str = Field(examples=["f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"])
    y: str = Field(examples=["x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"])
    alg: str = Field(examples=["ES256"])
    use: str = Field(examples=["sig"])
    kid: str = Field(examples=["NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"])


class JsonWebKeys(Schema):
    """验证访问令牌的公钥 / The keys that verify access tokens."""

    keys: list[JsonWebKey]


class PermissionView(Schema):
    """一项权限 / A permission."""

    code: str = Field(title="代码", examples=["household.read"])
    label_zh: str = Field(title="中文名称", examples=["查看农户户厕（脱敏）"])
    label_en: str = Field(title="英文名称", examples=["Read households and toilets, masked"])


class RoleView(Schema):
    """一个角色 / A role."""

    code: str = Field(title="代码", examples=["township_manager"])
    label_zh: str = Field(title="中文名称", examples=["乡镇管理员"])
    label_en: str = Field(title="英文名称", examples=["Township manager"])
    kind: PrincipalKind = Field(title="适用对象", examples=["person"])
    levels: list[int] = Field(
        title="授权级别",
        description="1 省 2 市 3 县 4 乡镇 5 村 / 1 province, 2 city, 3 county, 4 township, 5 village",
        examples=[[4]],
    )
    permissions: list[str] = Field(title="权限", examples=[["household.read"]])
    manages: list[str] = Field(title="可管理的角色", examples=[["village_surveyor"]])
    rule: str = Field(title="依据", examples=["工作方案 四（二）2"])


class Roles(Schema):
    """角色表 / The table of roles."""

    items: list[RoleView] = Field(title="角色")
    permissions: list[PermissionView] = Field(title="权限")
