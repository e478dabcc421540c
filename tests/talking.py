"""A client that talks to the app in its own event loop, by one hop from this thread for each request.

Starlette's own transport takes eight hops a request, which is a third of what most tests cost. The app itself takes
three or four more, to the threads in which it talks to the database, which are saved as long as a request of the test's
own thread is alone. Whatever other threads ask for gets its threads, as when the app is served.
"""

import threading
from collections.abc import Callable, MutableMapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import unquote

from anyio import Event, to_thread
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import BaseTransport, Request, Response

Message = MutableMapping[str, Any]

_in_a_thread = to_thread.run_sync


_is_the_tests_own = ContextVar("is_the_tests_own", default=False)


class _UnderWay:
    """How many requests are."""

    requests = 0


async def _alone_or_in_a_thread(work: Callable[..., Any], *given: Any, **how: Any) -> Any:
    if _UnderWay.requests == 1 and _is_the_tests_own.get():
        return work(*given)
    return await _in_a_thread(work, *given, **how)


def save_hops() -> None:
    """From now on, in this process: a request that is alone works in the event loop's own thread."""
    to_thread.run_sync = _alone_or_in_a_thread


class _OneHop(BaseTransport):
    def __init__(self, app: FastAPI, portal: BlockingPortal) -> None:
        self._app = app
        self._portal = portal

    def handle_request(self, request: Request) -> Response:
        is_own = threading.current_thread() is threading.main_thread()
        return self._portal.call(answered, self._app, request, is_own)


async def answered(app: FastAPI, request: Request, is_own: bool = False) -> Response:
    """What the app answers to this, in the event loop that runs.

    Not by httpx's own `ASGITransport`, which looks through the disk for another event loop at each request.
    """
    url = request.url
    path, _, query = url.raw_path.partition(b"?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": url.scheme,
        "path": unquote(path.decode("ascii")),
        "raw_path": path,
        "query_string": query,
        "server": (url.host, url.port),
        "client": ("testclient", 50000),
        "root_path": "",
    }
    stream: Any = request.stream
    chunks, told = iter([*stream, None]), Event()
    status, headers, parts = 500, [], []

    async def receive() -> Message:
        try:
            chunk = next(chunks)
        except StopIteration:
            await told.wait()
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], message["headers"]
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                told.set()

    _is_the_tests_own.set(is_own)
    _UnderWay.requests += 1
    try:
        await app(scope, receive, send)
    except Exception:  # noqa: BLE001 - a fault of the app is a 500 to whoever asks
        told.set()
    finally:
        _UnderWay.requests -= 1
    return Response(status, headers=headers, content=b"".join(parts), request=request)


def talking(app: FastAPI, portal: BlockingPortal) -> TestClient:
    """A client without a login. A fault of the app is a 500 to it, as it is to anyone."""
    made = TestClient(app, raise_server_exceptions=False)
    made.headers["Accept-Encoding"] = "identity"  # packing and unpacking has tests of its own
    made.portal = portal
    made._transport = _OneHop(app, portal)
    return made
