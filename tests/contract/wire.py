"""Talks to a server on 127.0.0.1 by bare sockets.

httpx's own connections, and the parser in Python behind them, cost as much as many an answer that the tests ask for.
"""

import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from select import select
from typing import cast

from httpx import BaseTransport, Headers, ReadError, Request, Response

SECONDS = 30
_BARE = (204, 304)


class Wire(BaseTransport):
    """A connection for each thread, kept open; what is sent is what httpx has made of the request, byte by byte."""

    def __init__(self) -> None:
        self._here = threading.local()
        self._opened: list[socket.socket] = []

    def handle_request(self, request: Request) -> Response:
        """The answer, read to its end."""
        connection = self._connection(request)
        kept = False
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # refused before all was sent: the answer is there
                _send(connection, request)
            answer = _answer(connection, request)
            kept = answer.headers.get("connection", "").lower() != "close"
        finally:
            if not kept:
                self._here.connection = None
                connection.close()
        return answer

    def close(self) -> None:
        """Close what was opened, by whichever thread."""
        for one in self._opened:
            one.close()

    def _connection(self, request: Request) -> socket.socket:
        """This thread's; a new one where the server has closed it meanwhile."""
        kept: socket.socket | None = getattr(self._here, "connection", None)
        if kept is not None and not select([kept], [], [], 0)[0]:
            return kept
        made = socket.create_connection((request.url.host, request.url.port), timeout=SECONDS)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._opened.append(made)
        self._here.connection = made
        return made


def _send(connection: socket.socket, request: Request) -> None:
    first = b"%s %s HTTP/1.1\r\n" % (request.method.encode(), request.url.raw_path)
    head = first + b"".join(b"%s: %s\r\n" % one for one in request.headers.raw) + b"\r\n"
    pieces = [piece for piece in cast("Iterable[bytes]", request.stream) if piece]
    if _is_chunked(request.headers):
        pieces = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces] + [b"0\r\n\r\n"]
    connection.sendall(head + b"".join(pieces))


def _is_chunked(headers: Headers) -> bool:
    return "transfer-encoding" in headers


def _answer(connection: socket.socket, request: Request) -> Response:
    read = b""
    while b"\r\n\r\n" not in read:
        read += _some(connection)
    head, _, body = read.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    status = int(first.split(b" ", 2)[1])
    headers = Headers([(name, value) for name, _, value in (line.partition(b": ") for line in lines)])
    if request.method == "HEAD" or status in _BARE:
        body = b""
    elif _is_chunked(headers):
        body = _unchunked(connection, body)
    else:
        length = int(headers["content-length"])
        while len(body) < length:
            body += _some(connection)
    return Response(status, headers=headers, content=body, request=request)


def _some(connection: socket.socket) -> bytes:
    block = connection.recv(1 << 18)
    if not block:
        raise ReadError("the server closed the connection in the midst of an answer")
    return block


def _unchunked(connection: socket.socket, read: bytes) -> bytes:
    parts = []
    while True:
        while b"\r\n" not in read:
            read += _some(connection)
        size, _, read = read.partition(b"\r\n")
        length = int(size, 16)
        while len(read) < length + 2:
            read += _some(connection)
        if not length:
            return b"".join(parts)
        parts.append(read[:length])
        read = read[length + 2 :]
