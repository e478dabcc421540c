"""A client that talks to the app in its own event loop, by one hop from this thread for each request.

Starlette's own transport takes eight hops a request, which is a third of what most tests cost.
"""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import unquote

from anyio import Event
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import BaseTransport, Request, Response

Message = MutableMapping[str, Any]


class _OneHop(BaseTransport):
    def __init__(self, app: FastAPI, portal: BlockingPortal) -> None:
        self._app = app
        self._portal = portal

    def handle_request(self, request: Request) -> Response:
        return self._portal.call(answered, self._app, request)


async def answered(app: FastAPI, request: Request) -> Response:
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

    try:
        await app(scope, receive, send)
    except Exception:  # noqa: BLE001 - a fault of the app is a 500 to whoever asks
        told.set()
    return Response(status, headers=headers, content=b"".join(parts), request=request)


def talking(app: FastAPI, portal: BlockingPortal) -> TestClient:
    """A client without a login. A fault of the app is a 500 to it, as it is to anyone."""
    made = TestClient(app, raise_server_exceptions=False)
    made.headers["Accept-Encoding"] = "identity"  # packing and unpacking has tests of its own
    made.portal = portal
    made._transport = _OneHop(app, portal)
    return made
