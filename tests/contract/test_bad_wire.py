"""What only shows on the wire: bodies that are too large, broken off or no HTTP at all; forged tokens and cursors."""

import base64
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from select import select
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jose import jwt

from tests.contract.bad import nothing_changes, refused
from tests.contract.served import Served
from tests.survey.made import API, ok

MIB = 1024 * 1024
PLACES = {
    f"{API}/households": "application/json",
    f"{API}/auth/token": "application/x-www-form-urlencoded",
    f"{API}/attachments": "multipart/form-data; boundary=x",
    f"{API}/imports": "multipart/form-data; boundary=x",
    f"{API}/nonsense": "application/json",
}
START = {
    "application/json": b'{"note": "',
    "application/x-www-form-urlencoded": b"username=",
    "multipart/form-data; boundary=x": b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n',
}


@pytest.fixture(scope="module")
def unchanged(served: Served) -> Iterator[None]:
    for name in ("county_admin", "county_reviewer"):
        served.token(name)
    with nothing_changes(served):
        yield


def connected(served: Served) -> socket.socket:
    """A bare connection."""
    host, port = served.address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def head(served: Served, path: str, *lines: str) -> bytes:
    """The head of a POST by the county's administrator."""
    token = served.token("county_admin")
    all_lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}", *lines, "", ""]
    return "\r\n".join(all_lines).encode()


def answered(connection: socket.socket) -> httpx.Response:
    """What came back until the server closed or said all."""
    received = b""
    while b"\r\n\r\n" not in received or len(received) < _whole(received):
        try:
            block = connection.recv(65536)
        except ConnectionResetError:
            break
        if not block:
            break
        received += block
    start, _, content = received.partition(b"\r\n\r\n")
    first, *lines = start.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    request = httpx.Request("POST", "http://raw")
    return httpx.Response(int(first.split()[1]), headers=headers, content=content, request=request)


def _whole(received: bytes) -> int:
    start, _, _ = received.partition(b"\r\n\r\n")
    lengths = [line for line in start.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return len(start) + 4 + (int(lengths[0].split(b":")[1]) if lengths else 0)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("path", PLACES)
def test_300_mb_by_its_own_word_are_refused_before_they_come(served: Served, path: str) -> None:
    with closing(connected(served)) as connection:
        connection.sendall(head(served, path, f"Content-Type: {PLACES[path]}", f"Content-Length: {300 * MIB}"))
        body = refused(answered(connection), "too_large")
    assert body["limit_bytes"] < 100 * MIB


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("path", [path for path in PLACES if not path.endswith("nonsense")])
def test_a_body_without_length_is_stopped_on_its_way(served: Served, path: str) -> None:
    """300 MB in chunks: the answer comes as soon as the limit is passed, and little more is read."""
    sent = 0
    piece = b"x" * 65536
    with closing(connected(served)) as connection:
        start = START[PLACES[path]]
        connection.sendall(head(served, path, f"Content-Type: {PLACES[path]}", "Transfer-Encoding: chunked"))
        connection.sendall(b"%x\r\n%s\r\n" % (len(start), start))
        while sent < 300 * MIB and not select([connection], [], [], 0)[0]:
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            sent += len(piece)
        # One field of a form may not be so long even where the whole body may.
        refused(answered(connection), "too_large", *(["malformed"] if path.endswith("token") else []))
    assert sent < 40 * MIB


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("path", PLACES)
def test_a_body_that_breaks_off_leaves_nothing(served: Served, path: str, caplog: pytest.LogCaptureFixture) -> None:
    """The client promises 1,000 bytes, sends a few and is gone; the server serves on and has no fault to report."""
    with closing(connected(served)) as connection:
        connection.sendall(head(served, path, f"Content-Type: {PLACES[path]}", "Content-Length: 1000"))
        connection.sendall(START[PLACES[path]])
    with served.client("county_admin") as admin:
        ok(admin.get(f"{API}/me"))
    assert [entry for entry in caplog.records if entry.levelname == "ERROR"] == []


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n",
        b"GET /%zz HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /?" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /api/v1/visits HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/visits HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /api/v1/visits HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=lambda one: one[:20].decode("latin-1"),
)
def test_what_is_no_http_is_refused_alike(served: Served, sent: bytes) -> None:
    with closing(connected(served)) as connection:
        connection.sendall(sent)
        body = refused(answered(connection), "malformed")
    assert "HTTP" in body["detail"]


@pytest.mark.usefixtures("unchanged")
def test_forged_tokens_are_no_identity(served: Served) -> None:
    good = served.token("county_admin")
    header, claims, signature = good.split(".")

    def coded(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    kid = jwt.get_unverified_header(good)["kid"]
    stranger = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    facts = jwt.get_unverified_claims(good)
    other_signature = signature[:-4] + ("AAAA" if signature[-4:] != "AAAA" else "BBBB")
    forged = {
        "no algorithm": f"{coded({'alg': 'none', 'typ': 'at+jwt', 'kid': kid})}.{claims}.",
        "no algorithm, signed": f"{coded({'alg': 'none', 'typ': 'at+jwt', 'kid': kid})}.{claims}.{signature}",
        "another key": jwt.encode(facts, stranger.decode(), "ES256", headers={"kid": kid, "typ": "at+jwt"}),
        "a shared secret": jwt.encode(facts, "secret", "HS256", headers={"kid": kid, "typ": "at+jwt"}),
        "other claims": f"{header}.{coded({**facts, 'sub': served.ids['user_id'][0]})}.{signature}",
        "another signature": f"{header}.{claims}.{other_signature}",
        "no signature": f"{header}.{claims}",
        "too long": good + "A" * 20_000,
    }
    for kind, token in forged.items():
        answer = httpx.get(f"{served.address}{API}/me", headers={"Authorization": f"Bearer {token}"}, trust_env=False)
        refused(answer, "unauthenticated")
        assert answer.status_code == 401, kind


@pytest.fixture(scope="module")
def pages(served: Served) -> Iterator[tuple[httpx.Client, httpx.Client, str]]:
    """Two administrators' clients and a cursor of the first over problem types, sorted by code."""
    with served.client("county_admin") as admin, served.client("county_reviewer") as reviewer:
        page = ok(admin.get(f"{API}/problem-types", params={"limit": 5, "sort": "code", "class": "toilet"}))
        yield admin, reviewer, page["next_cursor"]


def test_a_cursor_serves_its_own_query_of_its_own_user_only(pages: tuple[httpx.Client, httpx.Client, str]) -> None:
    admin, reviewer, cursor = pages
    own = {"limit": 5, "sort": "code", "class": "toilet", "cursor": cursor}
    url = f"{API}/problem-types"
    assert len(ok(admin.get(url, params=own))["items"]) == 5
    assert (
        len(ok(admin.get(url, params={**own, "limit": 7, "fields": "code"}))["items"]) == 7
    )  # another page size is fine
    refused(reviewer.get(url, params=own), "bad_cursor")
    for change in ({"class": "work"}, {"sort": "problem_group"}, {"retired": "true"}, {"division": "360423"}):
        refused(admin.get(url, params={**own, **change}), "bad_cursor")
    del own["class"]
    refused(admin.get(url, params=own), "bad_cursor")
    for other in ("problems", "visits", "users", "divisions", "campaigns"):
        refused(admin.get(f"{API}/{other}", params={"cursor": cursor}), "bad_cursor")


def test_a_cursor_that_was_touched_anywhere_is_refused(pages: tuple[httpx.Client, httpx.Client, str]) -> None:
    admin, _, cursor = pages
    own = {"limit": 5, "sort": "code", "class": "toilet"}
    for place in range(0, len(cursor), 3):
        other = "A" if cursor[place] != "A" else "B"
        touched = cursor[:place] + other + cursor[place + 1 :]
        refused(admin.get(f"{API}/problem-types", params={**own, "cursor": touched}), "bad_cursor")
    for touched in (cursor[:-1], cursor[1:], cursor + "A", cursor + "==", cursor * 2, cursor + " ", cursor[::-1]):
        refused(admin.get(f"{API}/problem-types", params={**own, "cursor": touched}), "bad_cursor")
