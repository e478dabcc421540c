"""The OpenAPI document: what FastAPI generates, completed by the conventions that hold for every operation."""

from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from toilet_api.components import share
from toilet_api.exactness import say_exactly
from toilet_api.kept_document import kept
from toilet_api.kernel.errors import CATALOGUE, RATE_LIMITED, ProblemDocument, problems
from toilet_api.publishing import publish
from toilet_api.refusals import tell
from toilet_api.specimens import Json, Specimens, of_problems

DESCRIPTION = """\
农村户厕问题摸排整改的接口服务：逐村逐户逐厕登记、摸排、建账。
The API behind a county's survey and rectification of rural household toilets.

* **身份 / Identity** `POST /api/v1/auth/token`, 之后 / then `Authorization: Bearer …`.
* **范围 / Scope** 每人只见其区划之内的记录；范围外一律 404。
  Everyone sees only records inside their division; all else is 404.
* **指南 / Guide** `/docs/guide` 按用户分章，可复制的命令；`/docs/roles` 角色与流程。
  Commands to copy, by kind of user; who may what, and every state machine.
* **列表 / Lists** `limit`, `cursor` → `next_cursor`；`Accept: application/json | text/csv | application/x-ndjson`.
  带 `fields` 时每行只含所列字段和 `id`，schema 所写的其余必有字段不在其中。
  With `fields` a row holds these members and the `id` alone, and lacks what else its schema requires.
* **修改 / Changes** `PATCH` 为 JSON Merge Patch，须带 `If-Match`。`PATCH` is JSON Merge Patch and needs `If-Match`.
* **步骤 / Steps** 记录的 `allowed_actions` 是当前用户此刻可做的，名称即 `POST …/{编号}/` 之后的一段
  （`pass_partly` → `pass-partly`）。
  例外：`edit`、`update`、`assign`、`rename` 为 `PATCH`；`verify_township` 等为 `…/verify`、`…/return` 加 `level`；
  `note`、`postpone`、`grant` 为 `POST …/notes`、`…/postponements`、`…/grants`；`check` 在抽中的记录上；
  `add_toilet` 为 `POST /toilets`；`read_history` 为 `GET …/history`；`download` 为 `GET …/file`。
  `allowed_actions` of a record are what the caller may do now; each is the last part of its `POST` path, with the
  exceptions above. Steps of a state machine that are never offered are taken along by another record.
* **重试 / Retries** 新建请求可带 `Idempotency-Key`，编号可由客户端生成（UUIDv7）。
  Creating requests take `Idempotency-Key`; ids may be made by the client.
* **错误 / Errors** RFC 9457 `application/problem+json`；全部类型见 `GET /api/v1/error-catalogue`。`code` 供程序判断，
  `remedy` 说下一步，`errors[]` 逐处写明 `pointer` 和 `code`。`Accept-Language: en` 答复英文。
  Go by `code`; `remedy` says what to do next, `errors[]` what is wrong where. English with `Accept-Language: en`.
* **频率 / Rates** `RateLimit-Policy`、`RateLimit` 头写明额度和余量；429 和 503 按 `Retry-After` 等待。
  The headers tell quota and rest; after a 429 or 503 wait as `Retry-After` says.
* **新增 / Additions** v1 之内答复可能出现新字段，客户端须忽略不认识的。
  Within v1 answers may gain members; ignore those that you don't know.
* **代码 / Codes** 见 `GET /api/v1/code-lists`；`x-extensible-enum` 列出现有代码，客户端须容忍新代码。
  `x-extensible-enum` lists the codes of today; clients must tolerate new ones.
"""

TAGS = [
    ("auth", "身份 / Identity and tokens"),
    ("accounts", "账号、授权、培训 / People, systems, grants, training"),
    ("divisions", "区划 / The tree of places"),
    ("registry", "户与户厕 / Households and toilets"),
    ("survey", "摸排与问题台账 / Visits, verification, the problem ledger"),
    ("rectification", "整改、验收、销号 / Plans, tasks, acceptance, close-out"),
    ("oversight", "复核、抽查、汇总 / Reviews, spot checks, the summary of a campaign"),
    ("reporting", "统计、报表、考核 / Live figures, reports, documents, ranking"),
    ("exchange", "数据交换 / Moving data: in and out in bulk, change feed, offline sync, sharing, webhooks"),
    ("reference", "代码表与错误目录 / Code lists and the error catalogue"),
    ("health", "运行状态 / Health"),
]

CLOSED = (["gcj02", "wgs84", "cgcs2000"], ["false", "true", "any"], ["exact", "estimated"])
"""Sets that never grow within v1. Every other one is extensible: a client must tolerate values that it doesn't know."""

_TITLES = {
    "household_id": "农户编号",
    "toilet_id": "厕所编号",
    "visit_id": "摸排编号",
    "campaign_id": "摸排行动编号",
    "problem_id": "问题编号",
    "type_id": "问题类型编号",
    "attachment_id": "附件编号",
    "plan_id": "整改方案编号",
    "task_id": "整改任务编号",
    "postponement_id": "延期申请编号",
    "checklist_id": "验收清单编号",
    "acceptance_id": "验收编号",
    "close_out_id": "销号记录编号",
    "sample_id": "抽查编号",
    "unit_id": "抽中记录编号",
    "falsification_id": "弄虚作假记录编号",
    "report_id": "报表编号",
    "formula_id": "考核办法编号",
    "assessment_id": "考核编号",
    "call_in_id": "约谈编号",
    "user_id": "用户编号",
    "grant_id": "授权编号",
    "training_id": "培训记录编号",
    "job_id": "导入任务编号",
    "upload_id": "上传编号",
    "synonym_id": "表头词编号",
    "export_id": "导出编号",
    "webhook_id": "推送订阅编号",
    "delivery_id": "推送编号",
    "id": "编号",
    "code": "代码",
    "If-Match": "版本标签",
    "position": "位置",
    "system": "坐标系",
    "sha256": "内容的 SHA-256",
    "keys": "公钥",
    "kty": "密钥类型",
    "crv": "曲线",
    "x": "坐标 x",
    "y": "坐标 y",
    "alg": "算法",
    "use": "用途",
    "kid": "密钥编号",
}
"""For members whose type has no title of its own."""
_DESCRIPTIONS = {"Page_": "一页记录 / One page of a list.", "Body_": "表单 / A form."}
_DONE = {
    "200": "成功 / Done",
    "201": "已新建 / Created",
    "202": "已受理 / Accepted",
    "204": "成功，无内容 / Done, nothing to show",
}
NEVER_STORED = frozenset(
    {
        *("get_campaign_summary", "get_export", "get_import", "get_marked_workbook", "get_me", "get_readiness"),
        *("get_changes", "get_upload", "get_webhook", "get_webhook_delivery"),
        *("get_sync_conflict", "pull_village"),
        *("get_assessment_preview", "get_report_document", "get_final_report"),
        *("get_statistics", "get_statistics_table", "get_statistics_trend"),
        *("get_division_centres", "get_toilet_map"),
    }
)
"""GETs whose answers are of the moment: no ETag, no 304."""

_SECURITY_SCHEMES: Json = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "POST /api/v1/auth/token",
    },
}
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_RATE_LIMITED = {str(status): response for status, response in problems(RATE_LIMITED).items()}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$", "title": "幂等键"},
    # No example: tools would send it with one body after another.
    "description": "同键同内容重试得到首次答复 / The same key and body gets the first answer again; a UUID does",
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "title": "条件读取"},
    "description": "未变则答复 304 / 304 when unchanged",
    "example": '"1"',
}
_HEADERS: dict[str, tuple[str, str, bool]] = {
    "X-Request-Id": (
        "请求编号，日志和审计同号 / The number of this request",
        "0199f2c47c1e7000",
        True,
    ),
    "ETag": ("版本标签，用于 If-Match、If-None-Match / For If-Match and If-None-Match", '"1"', True),
    "Location": (
        "新记录的地址 / Where the new record is",
        "/api/v1/visits/0199f2c4-7c1e-7000-8000-000000000001",
        False,
    ),
    "Idempotency-Replayed": ("`true`：首次答复的重放 / The first answer once more", "true", False),
    "Link": ('下一页，`rel="next"` / The next page', '</api/v1/visits?cursor=…>; rel="next"', False),
    "Next-Cursor": ("CSV、NDJSON 的下一页游标，空即到末页 / For CSV and NDJSON; empty at the end", "", False),
    "Total-Count": ("CSV、NDJSON 的总数 / The total, for CSV and NDJSON", "128", False),
    "WWW-Authenticate": ("如何认证 / How to authenticate", 'Bearer realm="toilet_api"', False),
    "RateLimit-Policy": ("每分钟的请求额度 / The quota of requests a minute", '"person";q=30000;w=60', False),
    "RateLimit": ("额度的余量与剩余秒数 / What is left of it, and for how long", '"person";r=29871;t=24', False),
    "Retry-After": ("几秒后可重试 / Seconds until it makes sense to try again", "5", False),
}


def describe(app: FastAPI) -> None:
    """Have `app` serve the completed document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = kept(app.state.settings.data_dir, lambda: build(app))
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
        webhooks=app.webhooks.routes,
        tags=[{"name": name, "description": description} for name, description in TAGS],
        license_info={"name": "Proprietary", "identifier": "LicenseRef-Proprietary"},
        servers=[{"url": "/", "description": "本服务 / This server"}],
    )
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    _add_problem(schemas)
    for name, schema in schemas.items():
        _complete_schema(name, schema)
    components["headers"] = {
        name: {
            "description": description,
            "required": required,
            "schema": {"type": "string"},
            "example": example,
        }
        for name, (description, example, required) in _HEADERS.items()
    }
    components["examples"] = of_problems()
    components.setdefault("securitySchemes", {}).update(_SECURITY_SCHEMES)
    specimens = Specimens(schemas)
    for methods in made["paths"].values():
        for method, operation in methods.items():
            _complete(method, operation, schemas, specimens)
    for methods in made.get("webhooks", {}).values():
        for operation in methods.values():
            _complete_webhook(operation, specimens)
    publish(made)
    say_exactly(made)
    share(made)
    return made


def _add_problem(schemas: Json) -> None:
    problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    problem["properties"]["code"]["x-extensible-enum"] = sorted(CATALOGUE)
    schemas["Problem"] = problem


def _complete_schema(name: str, schema: Json) -> None:
    for prefix, description in _DESCRIPTIONS.items():
        if name.startswith(prefix):
            schema.setdefault("description", description)
    for field, member in schema.get("properties", {}).items():
        _entitle(field, member)
    _open_enums(schema)


def _open_enums(schema: Any) -> None:
    """A new value within v1 must not break a client that was generated before it."""
    if isinstance(schema, list):
        for one in schema:
            _open_enums(one)
    elif isinstance(schema, dict):
        if isinstance(schema.get("enum"), list) and schema["enum"] not in CLOSED:
            schema["x-extensible-enum"] = schema.pop("enum")
        for member in schema.values():
            _open_enums(member)


def _entitle(name: str, schema: Json) -> None:
    """A Chinese title: its own, that of the type that it may hold, or that of its name."""
    inner = [schema.get("items", {}), *schema.get("anyOf", [])]
    for title in (schema.get("title"), *(one.get("title") for one in inner), _TITLES.get(name)):
        if title and not title.isascii():
            schema["title"] = title
            return


def _complete(method: str, operation: Json, schemas: Json, specimens: Specimens) -> None:
    responses = operation["responses"]
    responses.pop("422", None) if _is_default_422(responses.get("422")) else None
    parameters = operation.setdefault("parameters", [])
    for parameter in parameters:
        _complete_parameter(parameter, method)
    if method == "post" and {"201", "202"} & set(responses) and "security" in operation:
        parameters.append(_IDEMPOTENCY_KEY)
    tell(operation)
    tagged = _is_tagged(method, operation, schemas)
    if method == "get" and tagged:
        parameters.append(_IF_NONE_MATCH)
        responses["304"] = {"description": "未变 / Not modified"}
    if not parameters:
        del operation["parameters"]
    _complete_body(method, operation, specimens)
    limited = "security" in operation
    if limited:
        responses.update(deepcopy(_RATE_LIMITED))
    for status in ("4XX", "5XX"):
        zh, en = ("错误", "An error") if status == "4XX" else ("服务器错误", "A server error")
        responses[status] = {"description": f"{zh} / {en}", "content": _PROBLEM}
    for status, response in responses.items():
        if response["description"] == "Successful Response":
            response["description"] = _DONE[status]
        if status.startswith("2"):
            specimens.content(response.get("content", {}), complete=True)
        own = response.get("headers", {}) if status.startswith("2") else {}
        response["headers"] = _headers(status, response, method, tagged=tagged, limited=limited) | own
    operation.setdefault("security", [])


def _complete_webhook(operation: Json, specimens: Specimens) -> None:
    """An operation of the receivers: nothing of how we answer holds for them."""
    del operation["tags"]  # generators make a file for each tag, and this one would overwrite that of our operations
    operation["security"] = []  # the signature is in the headers
    operation["responses"].pop("422", None)
    for response in operation["responses"].values():
        response.pop("content", None)
    specimens.content(operation["requestBody"]["content"], complete=True)


def _complete_parameter(parameter: Json, method: str) -> None:
    """Parameters are text: they can be left out but never be null."""
    schema = parameter["schema"]
    _entitle(parameter["name"], schema)
    alternatives = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    if len(alternatives) == 1:
        del schema["anyOf"]
        parameter["schema"] = {**alternatives[0], **schema}
    _open_enums(parameter["schema"])
    if parameter["name"] == "If-Match":
        parameter["required"] = method == "patch"


def _complete_body(method: str, operation: Json, specimens: Specimens) -> None:
    if "requestBody" not in operation:
        return
    content = operation["requestBody"]["content"]
    for described in content.values():
        alternatives = [one for one in described["schema"].get("anyOf", []) if one != {"type": "null"}]
        if len(alternatives) == 1:
            described["schema"] = alternatives[0]
    if method == "patch" and "application/json" in content:
        content["application/merge-patch+json"] = dict(content["application/json"])
    specimens.content(content, complete=False)


def _is_tagged(method: str, operation: Json, schemas: Json) -> bool:
    """Whether the answer carries an ETag: every GET that may be stored, and every write that shows the record."""
    if method == "get":
        return operation["operationId"] not in NEVER_STORED
    shown = [
        content["schema"].get("$ref", "").rsplit("/", 1)[-1]
        for status, response in operation["responses"].items()
        if status.startswith("2")
        for media, content in response.get("content", {}).items()
        if media == "application/json"
    ]
    return any(
        "version" in schemas.get(name, {}).get("properties", {}) or name.startswith(("Page_", "DivisionChange"))
        for name in shown
    )


def _headers(status: str, response: Json, method: str, *, tagged: bool, limited: bool) -> Json:
    names = ["X-Request-Id"]
    if tagged and status[0] in "23":
        names.append("ETag")
    if "text/csv" in response.get("content", {}) and "application/json" in response["content"]:
        names += ["Link", "Next-Cursor", "Total-Count"]
    if method == "post" and status in ("201", "202"):
        names += ["Location", "Idempotency-Replayed"]
    if limited and (status.startswith("2") or status == "429"):
        names += ["RateLimit-Policy", "RateLimit"]
    if status == "401":
        names.append("WWW-Authenticate")
    if status in ("429", "503", "5XX"):
        names.append("Retry-After")
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _is_default_422(response: Json | None) -> bool:
    if response is None:
        return False
    return "HTTPValidationError" in str(response.get("content", {}))
