"""The kinds of changes that a document can undergo, each with its sentence, and whether it breaks a client."""

from collections.abc import Iterable
from dataclasses import dataclass

BREAKING: dict[str, tuple[str, str]] = {
    # The interface as a whole
    "version_changed": ("OpenAPI 版本改变", "the version of OpenAPI changed"),
    "server_removed": ("服务地址被删除", "a server's address is gone"),
    "schema_removed": ("类型被删除或改名", "a named schema is gone or renamed"),
    "security_changed": ("认证要求改变", "what identity is asked for changed"),
    # Operations
    "operation_removed": ("接口被删除或改址", "an operation is gone, or has another address"),
    "operation_renamed": ("operationId 改变", "the operationId changed"),
    "operation_retagged": (
        "首个标签改变，客户端代码按它归类",
        "the first tag changed: generated clients group by it",
    ),
    "parameter_removed": ("参数被删除", "a parameter is gone"),
    "parameter_required": ("参数成为必填", "a parameter is required now"),
    "parameter_restyled": ("参数写法改变", "a parameter is written in another way"),
    "body_removed": ("请求体被删除", "the request body is gone"),
    "body_required": ("请求体成为必填", "the request body is required now"),
    "media_removed": ("媒体类型被删除", "a media type is gone"),
    "answer_removed": ("成功答复被删除", "a successful answer is gone"),
    "answer_added": ("出现新的成功状态码", "a new status of success, which clients don't expect"),
    "header_removed": ("答复头被删除", "a header of the answer is gone"),
    "header_optional": ("答复头不再保证", "a header of the answer is no longer promised"),
    # Schemas
    "type_changed": ("类型改变", "the type changed"),
    "alternative_removed": ("不再接受的一种写法", "one way to write it is no longer accepted"),
    "alternative_added": ("答复出现新的写法", "an answer may be of a new kind"),
    "member_removed": ("字段被删除", "a member is gone"),
    "member_required": ("请求字段成为必填", "a member of a request is required now"),
    "member_optional": ("答复字段不再保证", "a member of an answer is no longer promised"),
    "members_closed": ("不再接受其他字段", "other members are no longer accepted"),
    "value_removed": ("取值被删除", "a value is gone"),
    "values_limited": ("取值受到限制", "only some values are accepted now"),
    "values_opened": ("答复取值超出原定范围", "an answer may hold values outside of the set"),
    "stricter": ("限制收紧", "a bound is stricter"),
    "wider": ("答复超出原有限制", "an answer may go beyond the bound that it had"),
    "default_changed": ("缺省值改变", "what is assumed when it is left out changed"),
    "discriminator_changed": ("区分字段改变", "what tells the alternatives apart changed"),
    "unjudged": ("改变了无法判断的关键字", "a keyword changed that this comparison cannot judge"),
}
HARMLESS: dict[str, tuple[str, str]] = {
    "operation_added": ("新接口", "a new operation"),
    "operation_deprecated": ("接口将停用", "an operation is deprecated"),
    "webhook_added": ("新的通知", "a new webhook"),
    "parameter_added": ("新的可选参数", "a new optional parameter"),
    "body_added": ("可带请求体", "takes a request body"),
    "media_added": ("新的媒体类型", "a new media type"),
    "header_added": ("新的答复头", "a new header of the answer"),
    "member_added": ("新字段", "a new member"),
    "value_added": ("新的代码或取值", "a new code or value"),
    "looser": ("限制放宽", "a bound is looser"),
    "narrower": ("答复的限制更明确", "an answer promises more"),
    "said_later": ("写明一向如此的限制", "a limit that always held is stated now"),
    "default_stated": ("写明缺省值", "what is assumed when it is left out is stated now"),
    "deprecated": ("将停用", "deprecated"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `place` says where, `detail` what (`500 → 200`, the name of the member)."""

    place: str
    kind: str
    detail: str = ""

    @property
    def breaking(self) -> bool:
        """Whether a client that worked with the old document may fail with the new one."""
        return self.kind in BREAKING

    @property
    def sentence(self) -> tuple[str, str]:
        """What happened, in Chinese and in English."""
        return BREAKING.get(self.kind) or HARMLESS[self.kind]

    def __str__(self) -> str:
        zh, en = self.sentence
        return f"{self.place}: {zh} / {en}" + (f": {self.detail}" if self.detail else "")


def breaking(changes: Iterable[Change]) -> list[Change]:
    """Those of `changes` that break a client."""
    return [one for one in changes if one.breaking]
