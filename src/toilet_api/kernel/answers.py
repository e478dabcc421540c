"""Error answers: every exception that leaves a route becomes problem+json, without a trace of what is inside."""

import logging
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from toilet_api.kernel import errors
from toilet_api.kernel.dependencies import language
from toilet_api.kernel.errors import Bilingual, FieldError, Problem, ProblemType
from toilet_api.kernel.requests import Replay

log = logging.getLogger("toilet_api")

_BY_STATUS: dict[int, ProblemType] = {
    400: errors.MALFORMED,
    401: errors.UNAUTHENTICATED,
    403: errors.FORBIDDEN,
    404: errors.NOT_FOUND,
    405: errors.METHOD_NOT_ALLOWED,
    406: errors.NOT_ACCEPTABLE,
    409: errors.CONFLICT,
    413: errors.TOO_LARGE,
    415: errors.UNSUPPORTED_MEDIA,
    422: errors.INVALID,
}

_MESSAGES: dict[str, str] = {
    "missing": "缺少必填项",
    "extra_forbidden": "未知字段",
    "string_type": "须为文字",
    "string_too_short": "文字过短",
    "string_too_long": "文字过长",
    "string_pattern_mismatch": "格式不对",
    "int_type": "须为整数",
    "int_parsing": "须为整数",
    "int_from_float": "须为整数",
    "float_type": "须为数字",
    "float_parsing": "须为数字",
    "bool_type": "须为 true 或 false",
    "bool_parsing": "须为 true 或 false",
    "uuid_parsing": "须为 UUID",
    "uuid_type": "须为 UUID",
    "date_from_datetime_parsing": "不是有效的日期",
    "date_parsing": "不是有效的日期",
    "datetime_from_date_parsing": "不是有效的时间",
    "datetime_parsing": "不是有效的时间",
    "timezone_aware": "时间须带时区",
    "greater_than": "数值过小",
    "greater_than_equal": "数值过小",
    "less_than": "数值过大",
    "less_than_equal": "数值过大",
    "too_short": "项数过少",
    "too_long": "项数过多",
    "literal_error": "取值不在允许范围内",
    "enum": "取值不在允许范围内",
    "unknown_code": "未知代码",
    "list_type": "须为数组",
    "model_attributes_type": "须为对象",
    "dict_type": "须为对象",
    "value_error": "取值不合规则",
}

_NO_SUCH_PATH = ("没有这个地址。", "There is no such address.")
_SEE_DOCUMENT = ("请核对路径，见接口文档 /docs。", "Check the path; the document at /docs has them all.")
_NO_BODY = ("缺少请求体，内容见接口文档", "the body is missing; the document says what it holds")

_SECRET_NAMES = {"password", "new_password", "current_password", "client_secret", "refresh_token", "token"}
_PERSONAL_NAMES = {"name", "id_number", "phones", "phone", "address"}
_EXPECTATIONS = ("expected", "pattern", "ge", "gt", "le", "lt", "min_length", "max_length")


def answer(request: Request, problem: Problem) -> JSONResponse:
    """`problem` as a response in the client's language."""
    request_id = getattr(request.state, "request_id", None)
    chosen = language(request)
    headers = {"Content-Language": "en" if chosen == "en" else "zh-CN", "Cache-Control": "no-store", **problem.headers}
    if problem.type.status == 401:
        headers.setdefault("WWW-Authenticate", 'Bearer realm="toilet_api"')
    return JSONResponse(
        problem.document(chosen, request.url.path, request_id),
        problem.type.status,
        headers=headers,
        media_type="application/problem+json",
    )


def field_errors(error: RequestValidationError) -> list[FieldError]:
    """Pydantic's faults as pointers with what was expected. Values of secret and personal fields stay out."""
    faults = []
    for fault in error.errors():
        place = [str(part).replace("~", "~0").replace("/", "~1") for part in fault["loc"]]
        if place and place[0] == "body":
            place = place[1:]
        code = str(fault["type"])
        context: dict[str, Any] = fault.get("ctx") or {}
        expected = next((context[name] for name in _EXPECTATIONS if name in context), None)
        value = fault.get("input")
        hidden = bool(_SECRET_NAMES.union(_PERSONAL_NAMES).intersection(place))
        if hidden or not isinstance(value, (str, int, float, bool)) or len(str(value)) > 200:
            value = None
        english = str(fault["msg"])
        own: Bilingual | None = context.get("bilingual")
        if not place and code == "missing":
            own = _NO_BODY
        message = own or (_MESSAGES.get(code, f"输入有误：{english}"), english)
        if expected is not None and not isinstance(expected, (str, int, float, bool)):
            expected = str(expected)
        faults.append(FieldError("/" + "/".join(place), code, message, value, expected))
    return faults


def install(app: FastAPI) -> None:
    """Route every exception of `app` through here."""
    handlers: list[tuple[type[Exception], Any]] = [
        (Problem, _on_problem),
        (Replay, _on_replay),
        (RequestValidationError, _on_invalid),
        (HTTPException, _on_http),
        (DBAPIError, _on_database),
        (PoolTimeout, _on_pool_timeout),
    ]
    for kind, handler in handlers:
        app.add_exception_handler(kind, handler)


async def _on_problem(request: Request, error: Problem) -> Response:
    return answer(request, error)


async def _on_replay(_: Request, error: Replay) -> Response:
    return error.response


async def _on_invalid(request: Request, error: RequestValidationError) -> Response:
    if any(fault["type"] == "json_invalid" for fault in error.errors()):
        return answer(request, errors.MALFORMED.problem(("请求体不是合法的 JSON。", "The body is not valid JSON.")))
    faults = field_errors(error)
    detail = (f"有 {len(faults)} 处输入有误，见 errors。", f"{len(faults)} faults in the input; see errors.")
    return answer(request, errors.INVALID.problem(detail, faults))


async def _on_http(request: Request, error: HTTPException) -> Response:
    if error.status_code == 404:
        # Rooms raise problems of their own: this is a path that none of them has.
        return answer(request, errors.NOT_FOUND.problem(_NO_SUCH_PATH, remedy=_SEE_DOCUMENT))
    kind = _BY_STATUS.get(error.status_code, errors.MALFORMED if error.status_code < 500 else errors.INTERNAL)
    headers = dict(error.headers or {})
    if error.status_code == 405 and (methods := request.app.state.paths.methods(request.url.path)):
        headers["Allow"] = ", ".join(methods)
    return answer(request, kind.problem(headers=headers))


async def _on_database(request: Request, error: DBAPIError) -> Response:
    cause = error.orig
    request_id = getattr(request.state, "request_id", None)
    if isinstance(error, IntegrityError):
        log.warning("integrity %s request_id=%s", _name_of(error), request_id)
        return answer(request, errors.CONFLICT.problem())
    if isinstance(cause, pg.InsufficientPrivilege):
        # Row-level security refused a row that the application let pass: the second net.
        log.error("row-level security refused a write, request_id=%s", request_id)
        return answer(request, errors.OUT_OF_SCOPE.problem())
    if isinstance(cause, (pg.SerializationFailure, pg.DeadlockDetected, pg.LockNotAvailable, pg.QueryCanceled)):
        return answer(request, errors.UNAVAILABLE.problem(headers={"Retry-After": "1"}))
    if isinstance(error, OperationalError):
        log.error("database unreachable: %s request_id=%s", type(cause).__name__, request_id)
        return answer(request, errors.UNAVAILABLE.problem(headers={"Retry-After": "5"}))
    if isinstance(cause, (pg.NumericValueOutOfRange, pg.DatetimeFieldOverflow, pg.UntranslatableCharacter)):
        return answer(request, errors.INVALID.problem())
    return unexpected(request, error)


async def _on_pool_timeout(request: Request, _: Exception) -> Response:
    return answer(request, errors.UNAVAILABLE.problem(headers={"Retry-After": "2"}))


def unexpected(request: Request, error: Exception) -> Response:
    """The answer to a fault of ours; the log gets its stack, without what a database message may quote."""
    request_id = getattr(request.state, "request_id", None)
    log.error("unhandled %s request_id=%s", type(error).__name__, request_id, exc_info=_quiet(error))
    return answer(request, errors.INTERNAL.problem())


def _name_of(error: IntegrityError) -> str:
    diagnosis = getattr(error.orig, "diag", None)
    return str(getattr(diagnosis, "constraint_name", None))


def _quiet(error: Exception) -> Any:
    """The stack for the log, but no message that may quote what somebody sent or what is stored."""
    if isinstance(error, DBAPIError):
        cause = error.orig
        quiet = RuntimeError(f"{type(cause).__name__} {getattr(cause, 'sqlstate', '')}")
        return (RuntimeError, quiet, error.__traceback__)
    if isinstance(error, (ValueError, LookupError)):  # pydantic's are ValueErrors
        return (RuntimeError, RuntimeError(type(error).__name__), error.__traceback__)
    return error
