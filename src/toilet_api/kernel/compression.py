"""Answers in zstd, br or gzip, as the client accepts them.

Tags stay as they are: an ETag here names a version of a record, whatever bytes carry it.
"""

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette_compress import CompressMiddleware, add_compress_type

for _media in ("application/problem+json", "application/x-ndjson", "text/csv"):
    add_compress_type(_media)


class Compression:
    """ASGI middleware. Stored files go out as they are: a client resumes them by bytes, and measures them."""

    def __init__(self, app: ASGIApp) -> None:
        self.plain = app
        self.compressed = CompressMiddleware(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_file = scope["type"] == "http" and scope["path"].endswith("/file")
        await (self.plain if is_file else self.compressed)(scope, receive, send)
