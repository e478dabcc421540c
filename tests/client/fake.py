"""A server made of a few dictionaries, on which every kind of fault can be had at a chosen moment."""

import base64
import email.parser
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import httpx

from toilet_api.client import Client

URL = "http://server.example"
PASSWORD = "Fake-Server-2026"
PART = 100_000

Act = Callable[[httpx.Request], httpx.Response]
Fault = Callable[[httpx.Request, Act], httpx.Response]
"""Does something in place of an answer; the second argument is what would have answered."""


class Body(httpx.SyncByteStream):
    """A body that is still to come; with `breaks` it ends too early."""

    def __init__(self, content: bytes, *, breaks: bool = False) -> None:
        self.content = content
        self._breaks = breaks

    def __iter__(self) -> Iterator[bytes]:
        yield self.content
        if self._breaks:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


def problem(status: int, code: str, **more: Any) -> httpx.Response:
    return httpx.Response(
        status,
        json={"code": code, "title": code, "status": status, "request_id": "r1", **more},
        headers=more.pop("headers", {}),
    )


class FakeServer:
    """What a client needs of the interface, one request at a time."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.requests: list[httpx.Request] = []
        self.access: set[str] = set()
        self.refresh: set[str] = set()
        self.uploads: dict[str, dict[str, Any]] = {}
        self.stored: dict[str, bytearray] = {}
        self.imports: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, str] = {}
        self.exports: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.etag = '"one"'
        self.outcome: dict[str, Any] = {}
        self.export_outcome: dict[str, Any] = {"state": "succeeded"}
        self.content = b"id,name\r\n1,2\r\n"
        self.expires_in = 900
        self.households: list[Any] = [1]
        self._faults: list[tuple[str, Fault]] = []

    def client(self, **options: Any) -> Client:
        who = {"username": "township_manager", "password": PASSWORD}
        return Client(URL, transport=httpx.MockTransport(self.answer), **(who | options))

    def fault(self, where: str, *faults: Fault) -> None:
        """The next requests whose line begins with `where` ("PATCH /uploads") meet these faults, one each."""
        self._faults += [(where, fault) for fault in faults]

    def count(self, where: str) -> int:
        return sum(line.startswith(where) for line in self.log)

    def answer(self, request: httpx.Request) -> httpx.Response:
        line = f"{request.method} {request.url.path.removeprefix('/api/v1')}"
        self.log.append(line)
        self.requests.append(request)
        for index, (where, fault) in enumerate(self._faults):
            if line.startswith(where):
                del self._faults[index]
                return fault(request, self._act)
        return self._act(request)

    def _act(self, request: httpx.Request) -> httpx.Response:
        request.read()
        room, *rest = request.url.path.removeprefix("/api/v1/").split("/")
        if room == "auth":
            return self._token(request) if rest == ["token"] else httpx.Response(200)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.access:
            return problem(401, "unauthenticated")
        found: httpx.Response = getattr(self, f"_{room}")(request, rest)
        return found

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] not in self.refresh:
                self.access.clear()  # used twice: the login ends
                return problem(401, "invalid_refresh_token")
            self.refresh.discard(form["refresh_token"])
        elif PASSWORD not in (form.get("password"), form.get("client_secret")):
            return problem(401, "invalid_credentials")
        number = self.count("POST /auth/token")
        self.access, answer = {f"a{number}"}, {"access_token": f"a{number}", "expires_in": self.expires_in}
        if form["grant_type"] != "client_credentials":
            self.refresh.add(f"r{number}")
            answer["refresh_token"] = f"r{number}"
        return httpx.Response(200, json=answer)

    def _uploads(self, request: httpx.Request, rest: list[str]) -> httpx.Response:
        if not rest:
            body = json.loads(request.content)
            self.uploads[body["id"]] = body | {"state": "open", "part_bytes_max": PART}
            self.stored[body["id"]] = bytearray()
            return self._shown(body["id"], 201)
        if rest[0] not in self.uploads:
            return problem(404, "not_found")
        if rest[1:] == ["cancel"]:
            self.uploads[rest[0]]["state"] = "cancelled"
        elif request.method == "PATCH":
            refusal = self._receive(request, rest[0])
            if refusal:
                return refusal
        return self._shown(rest[0], 200)

    def _receive(self, request: httpx.Request, name: str) -> httpx.Response | None:
        stored, upload = self.stored[name], self.uploads[name]
        assert request.headers["content-type"] == "application/offset+octet-stream"
        assert len(request.content) == int(request.headers["content-length"]) <= PART
        if int(request.headers["upload-offset"]) != len(stored):
            return problem(409, "upload_offset_mismatch", offset=len(stored))
        digest = base64.b64encode(hashlib.sha256(request.content).digest()).decode()
        if request.headers["upload-checksum"] != f"sha256 {digest}":
            return problem(422, "upload_checksum_mismatch")
        whole = bytes(stored) + request.content
        if len(whole) == upload["size_bytes"]:
            found = hashlib.sha256(whole).hexdigest()
            if found != upload["sha256"]:
                return problem(422, "upload_checksum_mismatch", found=found, expected=upload["sha256"])
            upload["state"] = "complete"
        stored += request.content
        return None

    def _shown(self, name: str, status: int) -> httpx.Response:
        return httpx.Response(status, json=self.uploads[name] | {"offset": len(self.stored[name])})

    def _imports(self, request: httpx.Request, rest: list[str]) -> httpx.Response:
        if not rest:
            key, form = request.headers["idempotency-key"], _form(request) | dict(request.url.params)
            if key not in self.keys:
                self.keys[key] = f"job{len(self.imports) + 1}"
                self.imports[self.keys[key]] = self._import(self.keys[key], form) | self.outcome
            return httpx.Response(202, json=self.imports[self.keys[key]] | {"state": "queued"})
        if rest[1:] == ["rows"]:
            fault = {"reason": "id_check", "message": "校验不通过", "cell": "F3", "expected": "18 位"}
            row = {"row": 3, "sheet": None, "outcome": "rejected", "errors": [fault]}
            return httpx.Response(200, json={"items": [row], "next_cursor": None})
        if len(rest) > 1:
            return httpx.Response(200, content=f"the {rest[1]}".encode())
        return httpx.Response(200, json=self.imports[rest[0]])

    def _import(self, name: str, form: dict[str, str]) -> dict[str, Any]:
        counts = {"rows_in": 2, "created": 2, "updated": 0, "unchanged": 0, "rejected": 0}
        return {
            "id": name,
            "state": "succeeded",
            "progress": 1.0,
            "rows_total": 2,
            "rows_done": 2,
            "dry_run": "dry_run" in form,
            "form": form,
            "file": {"name": self.uploads[form["upload_id"]]["file_name"]},
            "counts": counts | {"ignored": {}, "corrections": {}, "reasons": {}},
            "problem": None,
        }

    def _exports(self, request: httpx.Request, rest: list[str]) -> httpx.Response:
        if not rest:
            body = json.loads(request.content)
            if body["id"] not in self.exports:
                self.files[body["id"]] = self.content
                about = {"progress": 1.0, "bytes": len(self.content), "file_name": "户厕.csv", "problem": None}
                sha256 = hashlib.sha256(self.content).hexdigest()
                self.exports[body["id"]] = body | about | {"sha256": sha256} | self.export_outcome
            return httpx.Response(202, json=self.exports[body["id"]] | {"state": "queued"})
        if rest[0] not in self.exports:
            return problem(404, "not_found")
        if rest[1:] != ["file"]:
            return httpx.Response(200, json=self.exports[rest[0]])
        content, wanted = self.files[rest[0]], request.headers.get("range")
        headers = {"etag": self.etag}
        if wanted is None or request.headers.get("if-range") != self.etag:
            return httpx.Response(200, stream=Body(content), headers=headers)
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        headers["content-range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return httpx.Response(206, stream=Body(content[start:]), headers=headers)

    def _me(self, request: httpx.Request, rest: list[str]) -> httpx.Response:
        return httpx.Response(200, json={"username": "township_manager"})

    def _households(self, request: httpx.Request, rest: list[str]) -> httpx.Response:
        return httpx.Response(200, json={"items": self.households, "next_cursor": None})


def _form(request: httpx.Request) -> dict[str, str]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parts = email.parser.BytesParser().parsebytes(head + request.content).get_payload()
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True).decode()
        for part in parts
    }


# --- faults ---


def refuse(status: int, code: str = "unavailable", headers: dict[str, str] | None = None) -> Fault:
    """An error in place of the answer; nothing is done."""

    def act(request: httpx.Request, _: Act) -> httpx.Response:
        answer = problem(status, code)
        answer.headers.update(headers or {})
        return answer

    return act


def dropped(request: httpx.Request, _: Act) -> httpx.Response:
    """The line breaks in the middle of the body."""
    pieces = iter(request.stream)
    next(pieces)
    raise httpx.WriteError("broken pipe")


def lost(request: httpx.Request, act: Act) -> httpx.Response:
    """It is done, but the answer never arrives."""
    act(request)
    raise httpx.ReadError("connection reset")


def unconnected(request: httpx.Request, _: Act) -> httpx.Response:
    raise httpx.ConnectError("connection refused")
