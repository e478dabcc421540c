"""The outermost layer: a number for each request, a limit on each body, safe headers on each answer."""

import re
from uuid import uuid4

from fastapi import Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from toilet_api.kernel.answers import answer, unexpected
from toilet_api.kernel.errors import TOO_LARGE
from toilet_api.settings import Settings

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_UPLOAD = re.compile(r".*/uploads/[^/]+")
PART_MEDIA = "application/offset+octet-stream"
"""A part of a resumable upload, as tus 1.0 names it."""


class _BodyTooLargeError(BaseException):
    """No plain Exception: FastAPI's form reader would make a 400 of it."""


class _BrokenOffError(Exception):
    """An answer failed after it had begun: the server closes the connection, so that nobody takes it for whole."""


class Envelope:
    """ASGI middleware. The body is counted as it streams; what a client declares about its length is only a hint."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        offered = headers.get("x-request-id", "")
        request_id = offered if _REQUEST_ID.fullmatch(offered) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        limit = _limit(scope["app"].state.settings, scope["path"], headers)
        started = False
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _BodyTooLargeError
            return message

        async def dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                out = MutableHeaders(scope=message)
                out["X-Request-Id"] = request_id
                out["X-Content-Type-Options"] = "nosniff"
                out.setdefault("Referrer-Policy", "no-referrer")
                out.setdefault("X-Frame-Options", "DENY")
                out.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
                out.update(scope["state"].get("rate_headers", {}))
            await send(message)

        request = Request(scope, receive)
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            await _refusal(request, limit)(scope, receive, dressed)
            return
        try:
            await self.app(scope, counted, dressed)
        except _BodyTooLargeError:
            if not started:
                await _refusal(request, limit)(scope, receive, dressed)
        except ClientDisconnect:
            return  # nobody is there to be answered; what was begun is rolled back
        except Exception as error:  # noqa: BLE001 - beyond this stands only the server, which would log it unfiltered
            failure = unexpected(request, error)
            if started:
                raise _BrokenOffError from None
            await failure(scope, receive, dressed)


def _refusal(request: Request, limit: int) -> Response:
    detail = (f"请求体超过上限 {limit} 字节。", f"The body is larger than {limit} bytes.")
    return answer(request, TOO_LARGE.problem(detail, limit_bytes=limit))


def _limit(settings: Settings, path: str, headers: Headers) -> int:
    """The most bytes that a body for `path` may have; forms that carry files have a little room for their frame."""
    media = headers.get("content-type", "")
    if media.startswith(PART_MEDIA) and _UPLOAD.fullmatch(path):
        return settings.upload_part_max_bytes
    if not media.startswith("multipart/form-data"):
        return settings.body_max_bytes
    room = 64 * 1024
    if path.endswith("/attachments"):
        return settings.photo_max_bytes + room
    return settings.upload_max_bytes + room
