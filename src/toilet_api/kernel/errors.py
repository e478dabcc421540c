"""Every error answer: RFC 9457 problem+json, in Chinese by default and English by Accept-Language.

A `ProblemType` is declared once, at the top of the room that it belongs to; declaring it puts it into the catalogue
that `GET /error-catalogue` serves and the OpenAPI document lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Bilingual = tuple[str, str]
"""A text in Chinese and in English."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of the input: where (RFC 6901 pointer), what, and what was expected."""

    pointer: str
    code: str
    message: Bilingual
    value: Any = None
    expected: Any = None
    rule: str = ""
    """The paragraph that asks for it, where there is one."""


CATALOGUE: dict[str, "ProblemType"] = {}


@dataclass(frozen=True)
class ProblemType:
    """A kind of error.

    `rule` names the paragraph or standard that asks for it, where there is one; `remedy` says what to do next.
    """

    code: str
    status: int
    zh: str
    en: str
    rule: str = ""
    remedy: Bilingual = ("", "")

    def __post_init__(self) -> None:
        if self.code in CATALOGUE:
            raise ValueError(f"problem type {self.code!r} is declared twice")
        CATALOGUE[self.code] = self

    def problem(
        self,
        detail: Bilingual | None = None,
        errors: Sequence[FieldError] = (),
        headers: dict[str, str] | None = None,
        *,
        rule: str = "",
        remedy: Bilingual | None = None,
        **extensions: Any,
    ) -> "Problem":
        """The error to raise. `rule` and `remedy` say more than the type's own, where the case is known better.

        `extensions` become members of the answer; they must be JSON values.
        """
        found = rule or "；".join(dict.fromkeys(error.rule for error in errors if error.rule)) or self.rule
        told = remedy or self.remedy
        return Problem(self, detail or (self.zh, self.en), tuple(errors), headers or {}, extensions, found, told)


@dataclass
class Problem(Exception):  # noqa: N818 - the term of RFC 9457
    """An error on its way to the client."""

    type: ProblemType
    detail: Bilingual
    errors: tuple[FieldError, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    extensions: dict[str, Any] = field(default_factory=dict)
    rule: str = ""
    remedy: Bilingual = ("", "")

    def __str__(self) -> str:
        return f"{self.type.code}: {self.detail[1]}"

    def document(
        self, language: str = "zh", instance: str | None = None, request_id: str | None = None
    ) -> dict[str, Any]:
        """The body of the answer."""
        pick = 1 if language == "en" else 0
        body: dict[str, Any] = {
            "type": f"/problems-catalogue/{self.type.code}",
            "title": (self.type.zh, self.type.en)[pick],
            "status": self.type.status,
            "detail": self.detail[pick],
            "code": self.type.code,
        }
        if instance is not None:
            body["instance"] = instance
        if request_id is not None:
            body["request_id"] = request_id
        if self.rule:
            body["rule"] = self.rule
        if self.remedy[pick]:
            body["remedy"] = self.remedy[pick]
        if self.errors:
            body["errors"] = [
                {
                    "pointer": error.pointer,
                    "code": error.code,
                    "message": error.message[pick],
                    **({} if error.value is None else {"value": error.value}),
                    **({} if error.expected is None else {"expected": error.expected}),
                    **({"rule": error.rule} if error.rule else {}),
                }
                for error in self.errors
            ]
        return body | self.extensions


class ProblemError(BaseModel):
    """一处输入错误 / One fault of the input."""

    model_config = ConfigDict(title="FieldError")

    pointer: str = Field(title="位置", description="出错位置 / RFC 6901 JSON pointer", examples=["/built_year"])
    code: str = Field(title="代码", examples=["greater_than_equal"])
    message: str = Field(title="说明", examples=["年份不能早于 1949"])
    value: Any = Field(None, title="收到的值")
    expected: Any = Field(None, title="期望的值")
    rule: str | None = Field(None, title="依据", examples=["工作方案 四（二）3"])


class ProblemDocument(BaseModel):
    """错误答复（RFC 9457 problem+json）/ An error answer."""

    model_config = ConfigDict(title="Problem", extra="allow")

    type: str = Field(title="错误类型", examples=["/problems-catalogue/not_found"])
    title: str = Field(title="标题", examples=["未找到"])
    status: int = Field(title="HTTP 状态码", examples=[404])
    detail: str = Field(title="详情", examples=["没有这条记录，或不在您的管辖范围内。"])
    code: str = Field(title="错误代码", examples=["not_found"])
    instance: str | None = Field(
        None, title="请求路径", examples=["/api/v1/households/0199f2c4-7c1e-7000-8000-000000000001"]
    )
    request_id: str | None = Field(None, title="请求编号", examples=["0199f2c47c1e70008000000000000001"])
    rule: str | None = Field(None, title="依据", examples=["工作方案 四（二）2"])
    remedy: str | None = Field(
        None, title="下一步", description="接下来怎么办 / What to do next", examples=["请重新读取记录后再办。"]
    )
    errors: list[ProblemError] | None = Field(None, title="逐项错误")


def problems(*types: ProblemType) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that can answer with these problem types."""
    by_status: dict[int | str, list[ProblemType]] = {}
    for kind in types:
        by_status.setdefault(kind.status, []).append(kind)
    return {
        status: {
            "description": "; ".join(f"`{kind.code}` {kind.zh} / {kind.en}" for kind in kinds),
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {kind.code: {"$ref": f"#/components/examples/problem.{kind.code}"} for kind in kinds},
                }
            },
        }
        for status, kinds in by_status.items()
    }


# --- what any room may answer; the rule behind each is a convention of the contract ---

_FORM, _SCOPE, _RETRY = "接口约定：请求格式", "接口约定：范围与权限", "接口约定：并发与重试"

MALFORMED = ProblemType(
    "malformed",
    400,
    "请求无法解析",
    "The request cannot be parsed",
    _FORM,
    ("请按接口文档改正格式后重发。", "Correct its form as the document says, then send it again."),
)
UNKNOWN_PARAMETER = ProblemType(
    "unknown_parameter",
    400,
    "未知的查询参数",
    "Unknown query parameter",
    _FORM,
    ("请去掉或改正 errors 所列参数。", "Leave out or correct the parameters that errors lists."),
)
BAD_CURSOR = ProblemType(
    "bad_cursor",
    400,
    "游标已损坏，或不属于本查询、本用户",
    "The cursor is damaged, or of another query or user",
    _FORM,
    ("请不带游标，从第一页重新读取。", "Begin again at the first page, without a cursor."),
)
BAD_IDEMPOTENCY_KEY = ProblemType(
    "bad_idempotency_key",
    400,
    "Idempotency-Key 格式不对",
    "Malformed Idempotency-Key",
    _FORM,
    ("请用 1 至 255 个可见 ASCII 字符。", "Use 1 to 255 printable ASCII characters."),
)
UNAUTHENTICATED = ProblemType(
    "unauthenticated",
    401,
    "需要有效的身份",
    "Valid identity is needed",
    _SCOPE,
    ("请先取得令牌（POST /api/v1/auth/token）。", "Get a token first (POST /api/v1/auth/token)."),
)
FORBIDDEN = ProblemType(
    "forbidden",
    403,
    "您的角色没有这项权限",
    "Your role lacks this permission",
    "角色与权限表（GET /roles）",
    ("请由有此权限的人员办理，见 GET /roles。", "Leave it to someone whose role may; see GET /roles."),
)
OUT_OF_SCOPE = ProblemType(
    "out_of_scope",
    403,
    "该区划不在您的管辖范围内",
    "That division is outside your scope",
    _SCOPE,
    ("请核对区划代码，或由当地人员办理。", "Check the division code, or leave it to the people there."),
)
NOT_FOUND = ProblemType(
    "not_found",
    404,
    "没有这条记录，或不在您的管辖范围内",
    "No such record, or outside your scope",
    _SCOPE,
    ("请核对编号；他处的记录由当地人员办理。", "Check the id; records of elsewhere are for the people there."),
)
METHOD_NOT_ALLOWED = ProblemType(
    "method_not_allowed",
    405,
    "此地址不支持该方法",
    "Method not allowed here",
    _FORM,
    ("请按接口文档选用方法。", "Use a method that the document names."),
)
NOT_ACCEPTABLE = ProblemType(
    "not_acceptable",
    406,
    "无法提供所要求的格式",
    "Cannot answer in the format asked for",
    _FORM,
    ("请在 Accept 中使用 expected 所列格式。", "Accept one of the formats in expected."),
)
CONFLICT = ProblemType(
    "conflict",
    409,
    "与现有数据冲突",
    "In conflict with what is stored",
    _RETRY,
    ("请重新读取记录后再办。", "Read the record again, then decide."),
)
ID_TAKEN = ProblemType(
    "id_taken",
    409,
    "该编号已被另一条记录使用",
    "That id belongs to another record",
    _RETRY,
    ("请换一个新编号重发。", "Send it again with another id."),
)
WRONG_STATE = ProblemType(
    "wrong_state",
    409,
    "当前状态下不能执行这一步",
    "This step is not possible in the current state",
    "流程表（/docs/roles）",
    ("请重新读取记录，按 allowed_actions 办理。", "Read the record again and follow its allowed_actions."),
)
STALE = ProblemType(
    "stale",
    412,
    "记录已被他人修改",
    "The record was changed by someone else",
    _RETRY,
    ("请与答复中的 current 合并，带新的 ETag 重发。", "Merge with `current`; send it again with its ETag."),
)
TOO_LARGE = ProblemType(
    "too_large",
    413,
    "内容过大",
    "Content too large",
    _FORM,
    ("请缩小或拆分后重发。", "Make it smaller or split it, then send it again."),
)
UNSUPPORTED_MEDIA = ProblemType(
    "unsupported_media",
    415,
    "不支持的内容类型",
    "Unsupported content type",
    _FORM,
    ("请使用接口文档所列的 Content-Type。", "Use a Content-Type that the document names."),
)
RANGE_NOT_SATISFIABLE = ProblemType(
    "range_not_satisfiable",
    416,
    "所要的部分超出了文件",
    "The part asked for lies beyond the file",
    _FORM,
    (
        "文件大小见 Content-Range；已经取完的无需再取。",
        "Content-Range tells the size; what you have whole needs no more.",
    ),
)
INVALID = ProblemType(
    "invalid",
    422,
    "输入有误",
    "The input is not valid",
    _FORM,
    ("请按 errors 逐条改正后重发。", "Correct what errors lists, then send it again."),
)
IDEMPOTENCY_MISMATCH = ProblemType(
    "idempotency_mismatch",
    422,
    "同一 Idempotency-Key 用于不同的请求",
    "The Idempotency-Key was used for another request",
    _RETRY,
    ("新的请求请用新的键。", "Use another key for another request."),
)
MATCH_REQUIRED = ProblemType(
    "match_required",
    428,
    "修改记录须带 If-Match",
    "If-Match is required to change a record",
    _RETRY,
    ("请先读取记录，把 ETag 放入 If-Match。", "Read the record first and send its ETag as If-Match."),
)
RATE_LIMITED = ProblemType(
    "rate_limited",
    429,
    "请求过于频繁",
    "Too many requests",
    "接口约定：请求频率",
    (
        "请按 Retry-After 等待；批量数据请用导入、导出或变更流。",
        "Wait as Retry-After says; move bulk data by imports, exports or the feed.",
    ),
)
INTERNAL = ProblemType(
    "internal",
    500,
    "服务器内部错误",
    "Internal error",
    remedy=("请稍后重试；仍然出错请告知 request_id。", "Try again later; if it stays, tell us the request_id."),
)
UNAVAILABLE = ProblemType(
    "unavailable",
    503,
    "服务暂不可用",
    "Temporarily unavailable",
    remedy=("请按 Retry-After 稍后重试。", "Try again after Retry-After seconds."),
)
