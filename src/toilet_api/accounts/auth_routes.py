"""Tokens over HTTP: POST /auth/token (RFC 6749), POST /auth/revoke (RFC 7009), the JWKS (RFC 7517)."""

import base64
import binascii
from typing import Annotated
from urllib.parse import unquote_plus
from uuid import UUID

from anyio import to_thread
from fastapi import Depends, Form, Request, Response
from jose import JWTError

from toilet_api.accounts import keys, refresh, tokens
from toilet_api.accounts.caller import key_ring
from toilet_api.accounts.problems import INVALID_CREDENTIALS, INVALID_REFRESH, TOKEN_REQUEST, TOO_MANY_ATTEMPTS
from toilet_api.accounts.schemas import JsonWebKeys, TokenAnswer
from toilet_api.accounts.sign_in import Door, refreshed, sign_in
from toilet_api.kernel.database import EVERYWHERE
from toilet_api.kernel.dependencies import DatabaseDep, RequestId, SettingsDep
from toilet_api.kernel.errors import RATE_LIMITED, Bilingual, Problem, problems
from toilet_api.kernel.rates import Policy
from toilet_api.kernel.requests import Room

router = Room(tags=["auth"])
well_known = Room(tags=["auth"])

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


async def _door(request: Request, database: DatabaseDep, settings: SettingsDep, request_id: RequestId) -> Door:
    address = request.client.host if request.client else "unknown"
    policy = Policy("sign_in", settings.rate_limit_sign_ins)
    rate = await to_thread.run_sync(lambda: request.app.state.meter.take(f"address {address}", policy))
    if rate is not None:
        request.state.rate_headers = rate.headers
    return Door(database, settings, key_ring(request), address, request_id)


DoorDep = Annotated[Door, Depends(_door)]


def _bad_request(error: str, detail: Bilingual) -> Problem:
    return TOKEN_REQUEST.problem(detail, headers=_NO_STORE, error=error)


async def _once_each(request: Request) -> None:
    """A form of the right type, in which nothing comes twice (RFC 6749 3.2)."""
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise _bad_request(
            "invalid_request",
            ("须为 application/x-www-form-urlencoded。", "Send application/x-www-form-urlencoded."),
        )
    form = await request.form()
    if len(form.multi_items()) != len(form):
        raise _bad_request("invalid_request", ("同一参数出现多次。", "A parameter appears twice."))
    if any(not isinstance(value, str) or "\x00" in value for value in form.values()):
        raise _bad_request("invalid_request", ("参数含有 NUL 或文件。", "A parameter holds a NUL or a file."))


def _basic(request: Request) -> tuple[str, str] | None:
    """Client id and secret of an Authorization header (RFC 6749 2.3.1: form-encoded within Basic)."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        name, colon, secret = "", "", ""
    if not colon or "\x00" in name:
        raise _bad_request("invalid_request", ("Authorization: Basic 无法解析。", "Malformed Authorization: Basic."))
    return unquote_plus(name), unquote_plus(secret)


@router.post(
    "/auth/token",
    operation_id="create_token",
    summary="取得令牌 / Get tokens",
    response_model=TokenAnswer,
    response_model_exclude_none=True,
    responses=problems(TOKEN_REQUEST, INVALID_CREDENTIALS, INVALID_REFRESH, TOO_MANY_ATTEMPTS, RATE_LIMITED),
    dependencies=[Depends(_once_each)],
)
def create_token(
    request: Request,
    response: Response,
    door: DoorDep,
    grant_type: Annotated[
        str | None,
        Form(
            title="授权类型",
            description="`password` 用户名口令；`client_credentials` 对接系统；`refresh_token` 刷新",
            examples=["password"],
            max_length=60,
        ),
    ] = None,
    username: Annotated[str | None, Form(title="用户名", examples=["county_admin"], max_length=1024)] = None,
    password: Annotated[str | None, Form(title="口令", examples=["k7Wm-3qTzR9aXb2H"], max_length=1024)] = None,
    refresh_token: Annotated[
        str | None,
        Form(
            title="刷新令牌",
            description="只能用一次，答复中有新的 / Good for once; the answer has another",
            max_length=1024,
        ),
    ] = None,
    client_id: Annotated[str | None, Form(title="客户端标识", max_length=1024)] = None,
    client_secret: Annotated[str | None, Form(title="客户端密钥", max_length=1024)] = None,
    scope: Annotated[
        str | None,
        Form(
            title="权限范围", description="空格分隔，缺省为全部 / Space-separated; all when left out", max_length=2000
        ),
    ] = None,
) -> TokenAnswer:
    """OAuth2 令牌端点。错误答复除 problem+json 外含 RFC 6749 的 `error`。对接系统可用 Basic 认证或表单参数。

    / The OAuth2 token endpoint. Errors are problem+json with the `error` of RFC 6749. Systems authenticate by Basic or
    in the form.

    * `grant_type=password&username=…&password=…`：人员 / people. `must_change_password`：须先 `POST /me/password`
    * `grant_type=client_credentials&client_id=…&client_secret=…`：对接系统 / systems
    * `grant_type=refresh_token&refresh_token=…`：人员续期，旧的随即失效 / people; the old one is dead then

    A wrong password, an unknown user and a locked account answer alike: 401; too many failures: 429 with
    Retry-After.
    """
    response.headers.update(_NO_STORE)
    if grant_type == "password":
        if not username or not password:
            raise _bad_request("invalid_request", ("缺少 username 或 password。", "username or password is missing."))
        return sign_in(door, "person", username, password, scope, failure="invalid_grant")
    if grant_type == "refresh_token":
        if not refresh_token:
            raise _bad_request("invalid_request", ("缺少 refresh_token。", "refresh_token is missing."))
        return refreshed(door, refresh_token, scope)
    if grant_type == "client_credentials":
        basic = _basic(request)
        if basic is not None and client_secret:
            raise _bad_request(
                "invalid_request", ("只能用一种方式认证客户端。", "Authenticate the client in one way only.")
            )
        name, secret = basic or (client_id or "", client_secret or "")
        if not name or not secret:
            raise INVALID_CREDENTIALS.problem(
                ("缺少客户端标识或密钥。", "The client id or secret is missing."),
                headers=_NO_STORE | {"WWW-Authenticate": 'Basic realm="toilet_api"'},
                error="invalid_client",
            )
        return sign_in(door, "client", name, secret, scope, failure="invalid_client")
    if not grant_type:
        raise _bad_request("invalid_request", ("缺少 grant_type。", "grant_type is missing."))
    raise _bad_request(
        "unsupported_grant_type",
        (
            "支持 password、client_credentials、refresh_token。",
            "Supported: password, client_credentials, refresh_token.",
        ),
    )


@router.post(
    "/auth/revoke",
    operation_id="revoke_token",
    summary="注销令牌 / Revoke a token",
    status_code=200,
    response_class=Response,
    responses={
        200: {"description": "已注销，或令牌本已无效 / Revoked, or it was no good before"},
        **problems(TOKEN_REQUEST),
    },
    dependencies=[Depends(_once_each)],
)
def revoke_token(
    door: DoorDep,
    token: Annotated[str | None, Form(title="令牌", examples=["tr_5bQ0…"], max_length=8192)] = None,
    token_type_hint: Annotated[  # noqa: ARG001 - RFC 7009 has it; a token tells its type by itself
        str | None, Form(title="令牌类型提示", examples=["refresh_token"], max_length=60)
    ] = None,
) -> Response:
    """退出登录：该次登录的刷新令牌与访问令牌同时失效（RFC 7009）。/ Log out: every token of that login ends."""
    if not token:
        raise _bad_request("invalid_request", ("缺少 token。", "token is missing."))
    with door.database.transaction(EVERYWHERE, door.actor()) as session:
        if not refresh.revoke(session, token):
            try:
                family: UUID | None = tokens.verify(session, door.ring, door.settings, token).family
            except (Problem, JWTError):
                family = None
            if family is not None:
                refresh.end_family(session, family)
    return Response(status_code=200, headers=_NO_STORE)


async def _jwks(request: Request, response: Response) -> JsonWebKeys:
    database = request.app.state.database

    def read() -> JsonWebKeys:
        with database.transaction() as session:
            key_ring(request).signer(session)
            return JsonWebKeys.model_validate(keys.published(session))

    made = await to_thread.run_sync(read)
    response.headers["Cache-Control"] = "public, max-age=60"
    return made


@router.get("/auth/jwks", operation_id="get_jwks", summary="验签公钥 / Keys that verify tokens")
async def get_jwks(request: Request, response: Response) -> JsonWebKeys:
    """访问令牌的验签公钥（JWKS）。轮换后旧公钥保留到其令牌全部过期。/ Old keys stay until their tokens have expired."""
    return await _jwks(request, response)


@well_known.get(
    "/.well-known/jwks.json", operation_id="get_well_known_jwks", summary="验签公钥 / Keys that verify tokens"
)
async def get_well_known_jwks(request: Request, response: Response) -> JsonWebKeys:
    """与 `/api/v1/auth/jwks` 相同。/ The same as `/api/v1/auth/jwks`."""
    return await _jwks(request, response)
