"""What every route does before and after its own work: strict input, Idempotency-Key, conditional answers."""

import hashlib
import json
from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Form, Query
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlmodel import Session
from starlette.routing import Match
from starlette.types import Scope

from toilet_api.kernel.errors import (
    BAD_IDEMPOTENCY_KEY,
    IDEMPOTENCY_MISMATCH,
    INVALID,
    MALFORMED,
    METHOD_NOT_ALLOWED,
    UNKNOWN_PARAMETER,
    UNSUPPORTED_MEDIA,
    FieldError,
)
from toilet_api.kernel.preconditions import weak_etag

MAX_DEPTH = 32
_JSON_TYPES = ("application/json", "application/merge-patch+json")
_FORM_TYPES = ("multipart/form-data", "application/x-www-form-urlencoded")
_REPLAYED_HEADERS = ("etag", "location", "content-type")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class ContractRoute(APIRoute):
    """A route that holds the conventions of the contract, so that no room has to."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        known = {field.alias for field in get_flat_params(self.dependant) if isinstance(field.field_info, Query)}
        media = None if self.body_field is None or _is_form(self) else _media_of(self)
        creates = "POST" in (self.methods or ()) and self.status_code in (201, 202)

        async def handle_by_contract(request: Request) -> Response:
            if request.path_params:
                _check_method(request)
            _check_address(request, known)
            if media in _JSON_TYPES:
                await _check_json(request)
            elif media is not None and "authorization" in request.headers:  # a stranger is asked first who they are
                _check_media(request, media)
            key = request.headers.get("idempotency-key") if creates else None
            if key is not None:
                if not (1 <= len(key) <= 255) or not key.isascii() or not key.isprintable():
                    raise BAD_IDEMPOTENCY_KEY.problem()
                request.state.idempotency_key = key
            response = await handle(request)
            if key is not None and response.status_code < 300:
                response = await _remember(request, response)
            if request.method == "GET" and response.status_code == 200:
                response = _not_modified(request, response)
            return response

        return handle_by_contract


class Room(APIRouter):
    """The routes of a room, held to the contract. It says at a glance that a path is none of its own.

    FastAPI asks each router in turn, and tries every pattern of it, which costs more than most of a request's own work.
    """

    def __init__(self, *, tags: list[str | Enum]) -> None:
        super().__init__(route_class=ContractRoute, tags=tags)
        self._known: tuple[int, frozenset[str] | None] = (0, None)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether one of the routes answers the path."""
        if self._known[0] != len(self.routes):
            self._known = (len(self.routes), _first_parts(self))
        parts = self._known[1]
        if parts is not None and parts.isdisjoint(scope["path"].split("/")):
            return Match.NONE, {}
        return super().matches(scope)


def _first_parts(room: APIRouter) -> frozenset[str] | None:
    """The words with which the room's paths begin; None where one begins otherwise."""
    firsts = frozenset(getattr(route, "path", "").partition("/")[2].partition("/")[0] for route in room.routes)
    return None if any(not first or "{" in first for first in firsts) else firsts


def _is_form(route: APIRoute) -> bool:
    return route.body_field is not None and isinstance(route.body_field.field_info, Form)


def _media_of(route: APIRoute) -> str:
    """What a body that is no form must be; JSON, unless a route takes plain bytes."""
    return str(getattr(route.body_field and route.body_field.field_info, "media_type", _JSON_TYPES[0]))


def _check_media(request: Request, media: str) -> None:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != media:
        raise UNSUPPORTED_MEDIA.problem(
            (f"请求体须为 {media}。", f"The body must be {media}."),
            expected=[media],
        )


def _check_method(request: Request) -> None:
    """`/visits/bulk-verify` is no id of a visit, so a method that it hasn't got is not that of a visit."""
    methods = request.app.state.paths.literally(request.url.path)
    if methods and request.method not in methods:
        raise METHOD_NOT_ALLOWED.problem(headers={"Allow": ", ".join(methods)})


def _check_address(request: Request, known: set[str]) -> None:
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        expected = ", ".join(sorted(known)) or "none"
        raise UNKNOWN_PARAMETER.problem(
            (f"未知参数：{'、'.join(map(repr, unknown))}。", f"Unknown: {', '.join(map(repr, unknown))}."),
            [
                FieldError(f"/query/{name}", "unknown_parameter", ("未知参数", "unknown parameter"), expected=expected)
                for name in unknown
            ],
        )
    for name, value in [*request.query_params.multi_items(), *request.path_params.items()]:
        if isinstance(value, str) and not _is_clean(value):
            raise MALFORMED.problem(
                ("地址中含有 NUL 或非法字符。", "The address holds a NUL or an invalid character."),
                [FieldError(f"/query/{name}", "invalid_character", ("非法字符", "invalid character"))],
            )


async def _check_json(request: Request) -> None:
    """Refuse what Python's JSON reader lets pass or trips over: wrong type, NaN, NUL, lone surrogates, deep nesting."""
    body = await request.body()
    if not body:
        return
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media not in _JSON_TYPES:
        raise UNSUPPORTED_MEDIA.problem(
            ("请求体须为 application/json。", "The body must be application/json."), expected=list(_JSON_TYPES)
        )
    try:
        value = json.loads(body.decode(), parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
    except RecursionError:
        raise _too_deep() from None
    except (ValueError, UnicodeDecodeError) as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise MALFORMED.problem((f"请求体不是合法的 JSON{where}。", f"The body is not valid JSON{where}.")) from None
    if value is None:
        raise INVALID.problem(
            errors=[
                FieldError("/", "dict_type", ("须为对象；不需要时请不带请求体", "Send an object, or no body at all"))
            ]
        )
    _check_value(value, "", 0)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member appears twice")
    return members


def _too_deep() -> Exception:
    return MALFORMED.problem((f"JSON 嵌套超过 {MAX_DEPTH} 层。", f"The JSON is nested deeper than {MAX_DEPTH} levels."))


def _check_value(value: Any, pointer: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, dict):
        for name, member in value.items():
            if not _is_clean(name):
                raise _dirty(pointer)
            _check_value(member, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}", depth + 1)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            _check_value(member, f"{pointer}/{index}", depth + 1)
    elif isinstance(value, str) and not _is_clean(value):
        raise _dirty(pointer)


def _dirty(pointer: str) -> Exception:
    return MALFORMED.problem(
        ("文字中含有 NUL 或不成对的代理字符。", "A text holds a NUL or a lone surrogate."),
        [FieldError(pointer or "/", "invalid_character", ("非法字符", "invalid character"))],
    )


def _is_clean(value: str) -> bool:
    return "\x00" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


async def claim_idempotency(request: Request, session: Session, principal_id: UUID) -> None:
    """Take the request's Idempotency-Key for this principal, or answer what was answered the first time.

    Called when the caller is known, before the work. Two requests with one key at the same time: the second waits
    here for the first to commit, then gets its answer.
    """
    key = getattr(request.state, "idempotency_key", None)
    if key is None:
        return
    body = await request.body() if not _was_streamed(request) else b""
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode() + body).digest()
    if _was_streamed(request):
        digest = await _form_digest(request, digest)
    found = await to_thread.run_sync(lambda: _claim(session, principal_id, key, digest))
    request.state.idempotency_owner = principal_id
    if found is None:
        return
    first_digest, status, headers, answer = found
    if bytes(first_digest) != digest:
        raise IDEMPOTENCY_MISMATCH.problem()
    raise Replay(Response(answer, status, headers={**headers, "Idempotency-Replayed": "true"}))


def _was_streamed(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith(_FORM_TYPES)


async def _form_digest(request: Request, digest: bytes) -> bytes:
    """The digest of a form's parts: the same file sent again has another boundary but the same parts."""
    total = hashlib.sha256(digest)
    for name, value in (await request.form()).multi_items():
        total.update(name.encode() + b"\0")
        if isinstance(value, str):
            total.update(value.encode())
            continue
        while chunk := await value.read(1 << 20):
            total.update(chunk)
        await value.seek(0)
    return total.digest()


def _claim(session: Session, principal_id: UUID, key: str, digest: bytes) -> Any:
    connection = session.connection()
    claimed = connection.execute(
        text(
            "insert into idempotency_key (principal_id, key, digest) values (:principal, :key, :digest)"
            " on conflict (principal_id, key) do nothing returning 1"
        ),
        {"principal": principal_id, "key": key, "digest": digest},
    ).one_or_none()
    if claimed is not None:
        return None
    return connection.execute(
        text(
            "select digest, status, headers, body from idempotency_key where principal_id = :principal and key = :key"
        ),
        {"principal": principal_id, "key": key},
    ).one()


class Replay(Exception):  # noqa: N818 - not an error: the first answer once more
    """The answer that this Idempotency-Key got the first time."""

    def __init__(self, response: Response) -> None:
        self.response = response


async def _remember(request: Request, response: Response) -> Response:
    """Keep the answer under its Idempotency-Key, in the transaction of the write itself."""
    owner = getattr(request.state, "idempotency_owner", None)
    session: Session | None = getattr(request.state, "session", None)
    if owner is None or session is None:
        return response
    headers = {name: value for name, value in response.headers.items() if name in _REPLAYED_HEADERS}
    await to_thread.run_sync(
        lambda: session.connection().execute(
            text(
                "update idempotency_key set status = :status, headers = cast(:headers as jsonb), body = :body"
                " where principal_id = :principal and key = :key"
            ),
            {
                "status": response.status_code,
                "headers": json.dumps(headers),
                # A route whose answer shows a secret once says what is kept and answered again instead.
                "body": getattr(request.state, "replay_body", bytes(response.body)),
                "principal": owner,
                "key": request.state.idempotency_key,
            },
        )
    )
    return response


def _not_modified(request: Request, response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "private, no-cache")
    response.headers.append("Vary", "Authorization, Accept, Accept-Language")
    if response.headers["Cache-Control"] == "no-store":
        return response
    tag = response.headers.setdefault("ETag", weak_etag(bytes(getattr(response, "body", b""))))
    offered = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if "*" in offered or tag.removeprefix("W/") in offered:
        keep = {name: response.headers[name] for name in ("etag", "cache-control", "vary") if name in response.headers}
        return Response(status_code=304, headers=keep)
    return response


__all__ = ["ContractRoute", "Replay", "Room", "claim_idempotency"]
