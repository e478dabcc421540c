"""Talks to a server on 127.0.0.1 by bare sockets.

The connections of httpx and requests, and the parser in Python behind them, cost as much as many an answer that the
tests ask for.
"""

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from select import select
from time import perf_counter
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import httpx
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPHeaderDict, HTTPResponse

SECONDS = 30
_BARE = (204, 304)
Lines = list[tuple[bytes, bytes]]


class Answer(NamedTuple):
    """Its headers as they came, its body read to the end."""

    status: int
    headers: Lines
    body: bytes


class _Line:
    """A connection for each thread, kept open."""

    def __init__(self) -> None:
        self._here = threading.local()
        self._opened: list[socket.socket] = []

    def ask(
        self, address: tuple[str, int], method: str, target: bytes, headers: Lines, body: Iterable[bytes]
    ) -> Answer:
        """Send this, byte by byte as it is; the answer."""
        connection = self._connection(address)
        kept = False
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # refused before all was sent: the answer is there
                _send(connection, b"%s %s HTTP/1.1\r\n" % (method.encode(), target), headers, body)
            answer = _answer(connection, method)
            kept = _of(answer.headers, b"connection").lower() != b"close"
        finally:
            if not kept:
                self._here.connection = None
                connection.close()
        return answer

    def close(self) -> None:
        """Close what was opened, by whichever thread."""
        for one in self._opened:
            one.close()

    def _connection(self, address: tuple[str, int]) -> socket.socket:
        """This thread's; a new one where the server has closed it meanwhile."""
        kept: socket.socket | None = getattr(self._here, "connection", None)
        if kept is not None and not select([kept], [], [], 0)[0]:
            return kept
        made = socket.create_connection(address, timeout=SECONDS)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._opened.append(made)
        self._here.connection = made
        return made


class Wire(httpx.BaseTransport):
    """For httpx."""

    def __init__(self) -> None:
        self._line = _Line()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, read to its end."""
        url = request.url
        assert url.port
        body = cast("Iterable[bytes]", request.stream)
        answer = self._line.ask((url.host, url.port), request.method, url.raw_path, request.headers.raw, body)
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body, request=request)

    def close(self) -> None:
        """Close every connection."""
        self._line.close()


class Adapter(BaseAdapter):
    """For requests."""

    def __init__(self) -> None:
        super().__init__()
        self._line = _Line()

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """The answer, read to its end."""
        url = urlsplit(str(request.url))
        assert url.hostname
        assert url.port
        assert request.method
        headers = [
            (b"Host", url.netloc.encode()),
            *((_bytes(name), _bytes(one)) for name, one in request.headers.items()),
        ]
        began = perf_counter()
        answer = self._line.ask(
            (url.hostname, url.port), request.method, request.path_url.encode(), headers, _pieces(request.body)
        )
        made = requests.Response()
        made.elapsed = timedelta(seconds=perf_counter() - began)
        told = [(name.decode("latin-1"), one.decode("latin-1")) for name, one in answer.headers]
        made.status_code = answer.status
        made.headers = CaseInsensitiveDict(told)
        made.raw = HTTPResponse(headers=HTTPHeaderDict(told), status=answer.status, version=11)
        made._content = answer.body
        made._content_consumed = True  # type: ignore[attr-defined]
        made.encoding = requests.utils.get_encoding_from_headers(made.headers)
        made.url, made.request, made.connection = str(request.url), request, self  # type: ignore[attr-defined]
        return made

    def close(self) -> None:
        """Close every connection."""
        self._line.close()


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


def _pieces(body: Any) -> Iterator[bytes]:
    if isinstance(body, str):
        yield body.encode()
    elif isinstance(body, bytes | bytearray):
        yield bytes(body)
    elif body is not None:
        yield from body


def _send(connection: socket.socket, first: bytes, headers: Lines, body: Iterable[bytes]) -> None:
    head = first + b"".join(b"%s: %s\r\n" % one for one in headers) + b"\r\n"
    pieces = [piece for piece in body if piece]
    if _of(headers, b"transfer-encoding"):
        pieces = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces] + [b"0\r\n\r\n"]
    connection.sendall(head + b"".join(pieces))


def _of(headers: Lines, name: bytes) -> bytes:
    return next((value for one, value in headers if one.lower() == name), b"")


def _answer(connection: socket.socket, method: str) -> Answer:
    read = b""
    while b"\r\n\r\n" not in read:
        read += _some(connection)
    head, _, body = read.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    status = int(first.split(b" ", 2)[1])
    headers = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
    if method == "HEAD" or status in _BARE:
        body = b""
    elif _of(headers, b"transfer-encoding"):
        body = _unchunked(connection, body)
    else:
        length = int(_of(headers, b"content-length"))
        while len(body) < length:
            body += _some(connection)
    return Answer(status, headers, body)


def _some(connection: socket.socket) -> bytes:
    block = connection.recv(1 << 18)
    if not block:
        raise httpx.ReadError("the server closed the connection in the midst of an answer")
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
