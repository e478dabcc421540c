"""The OpenAPI document: what FastAPI generates, completed by the conventions that hold for every operation."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from toilet_api.kernel.errors import CATALOGUE, ProblemDocument

DESCRIPTION = """\
农村户厕问题摸排整改的接口服务：逐村逐户逐厕登记、摸排、建账。
The API behind a county's survey and rectification of rural household toilets.

* **身份 / Identity** `POST /api/v1/auth/token`, 之后 / then `Authorization: Bearer …`.
* **范围 / Scope** 每人只见其区划之内的记录；范围外一律 404。
  Everyone sees only records inside their division; all else is 404.
* **列表 / Lists** `limit`, `cursor` → `next_cursor`；`Accept: application/json | text/csv | application/x-ndjson`.
* **修改 / Changes** `PATCH` 为 JSON Merge Patch，须带 `If-Match`。`PATCH` is JSON Merge Patch and needs `If-Match`.
* **重试 / Retries** 新建请求可带 `Idempotency-Key`，编号可由客户端生成（UUIDv7）。
  Creating requests take `Idempotency-Key`; ids may be made by the client.
* **错误 / Errors** RFC 9457 `application/problem+json`；全部类型见 `GET /api/v1/error-catalogue`。
* **代码 / Codes** 见 `GET /api/v1/code-lists`；客户端须容忍新代码。Clients must tolerate new codes.
"""

TAGS = [
    ("auth", "身份 / Identity and tokens"),
    ("accounts", "账号、授权、培训 / People, systems, grants, training"),
    ("divisions", "区划 / The tree of places"),
    ("registry", "户与户厕 / Households and toilets"),
    ("survey", "摸排与问题台账 / Visits, verification, the problem ledger"),
    ("exchange", "批量导入 / Bulk upload"),
    ("reference", "代码表与错误目录 / Code lists and the error catalogue"),
    ("health", "运行状态 / Health"),
]

_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$", "title": "幂等键"},
    "description": "同键同内容重试得到首次答复 / The same key and body gets the first answer again",
    "example": "0199f2c4-7c1e-7000-8000-000000000001",
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "title": "条件读取"},
    "description": "未变则答复 304 / 304 when unchanged",
}


def describe(app: FastAPI) -> None:
    """Have `app` serve the completed document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = build(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def build(app: FastAPI) -> dict[str, Any]:
    """The document of `app`."""
    made = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": description} for name, description in TAGS],
        license_info={"name": "Proprietary"},
        servers=[{"url": "/", "description": "本服务 / This server"}],
    )
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    problem["properties"]["code"]["x-extensible-enum"] = sorted(CATALOGUE)
    made["components"].setdefault("securitySchemes", {})["bearer"] = {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "POST /api/v1/auth/token",
    }
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            _complete(path, method, operation)
    return made


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    responses.pop("422", None) if _is_default_422(responses.get("422")) else None
    responses["4XX"] = {"description": "错误 / An error", "content": _PROBLEM}
    responses["5XX"] = {"description": "服务器错误 / A server error", "content": _PROBLEM}
    parameters = operation.setdefault("parameters", [])
    if method == "post" and {"201", "202"} & set(responses) and "security" in operation:
        parameters.append(_IDEMPOTENCY_KEY)
    if method == "get" and path.startswith("/api/"):
        parameters.append(_IF_NONE_MATCH)
        responses["304"] = {"description": "未变 / Not modified"}
    if not parameters:
        del operation["parameters"]


def _is_default_422(response: dict[str, Any] | None) -> bool:
    if response is None:
        return False
    return "HTTPValidationError" in str(response.get("content", {}))
