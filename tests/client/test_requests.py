"""What is sent again and what is not, who the client is, and what it makes of a refusal."""

import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from tests.client.fake import PASSWORD, URL, FakeServer, lost, refuse, unconnected
from toilet_api.client import ApiError, Client, SignInError, UnreachableError, patience, signing_in


@pytest.mark.parametrize("module", ["toilet_api.client", "toilet_api.commands.transfer"])
def test_nothing_of_the_server_is_loaded(module: str) -> None:
    line = f"import {module}, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True).stdout.split()
    assert "httpx" in loaded
    assert not {"fastapi", "starlette", "sqlalchemy", "pydantic", "psycopg"}.intersection(loaded)
    assert [name for name in loaded if name.startswith("toilet_api.kernel")] == []


def test_what_changes_nothing_is_tried_again_with_growing_pauses(fake: FakeServer, slept: list[float]) -> None:
    fake.fault("GET /households", unconnected, lost, refuse(500), refuse(502), refuse(504))
    assert list(fake.client().items("/households")) == [1]
    assert fake.count("GET /households") == 6
    assert [low <= pause <= 2 * low for pause, low in zip(slept, (0.25, 0.5, 1, 2, 4), strict=True)] == [True] * 5


def test_a_write_is_sent_again_only_where_it_can_make_no_second_one(fake: FakeServer) -> None:
    client = fake.client()
    for once in (lost, refuse(503)):
        fake.fault("POST /households", once)
        with pytest.raises((UnreachableError, ApiError)):
            client.request("POST", "/households", json={"name": "演示甲"})
    assert fake.count("POST /households") == 2
    fake.fault("POST /households", lost, refuse(503), unconnected, refuse(429))
    client.request("POST", "/households", json={"id": "0199f2c4-7c1e-7000-8000-000000000001"})
    client.request("POST", "/households", json={}, headers={"Idempotency-Key": "k"})
    fake.fault("POST /households", unconnected, refuse(429))  # neither can have done anything
    client.request("POST", "/households", json={})
    assert fake.count("POST /households") == 2 + 6 + 3


def test_it_gives_up_after_the_retries_that_were_allowed(fake: FakeServer) -> None:
    client = fake.client(retries=2)
    fake.fault("GET", *[lost] * 3)
    with pytest.raises(UnreachableError, match=URL):
        client.request("GET", "/households")
    fake.fault("GET", *[refuse(503)] * 3)
    with pytest.raises(ApiError) as refused:
        client.request("GET", "/households")
    assert (refused.value.status, fake.count("GET")) == (503, 6)


def test_what_the_server_asks_for_is_waited_for(fake: FakeServer, slept: list[float]) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    asked = [{"Retry-After": "7"}, {"Retry-After": soon}, {"Retry-After": "86400"}, {"Retry-After": "soon"}]
    fake.fault("GET", *[refuse(503, headers=headers) for headers in asked])
    fake.client().request("GET", "/households")
    assert slept[0] == 7
    assert 80 < slept[1] <= 90
    assert slept[2] == patience.ASKED_MAX_SECONDS
    assert slept[3] <= 4


def test_a_refusal_says_all_that_the_server_said(fake: FakeServer) -> None:
    fake.client().request("GET", "/households")
    document = {
        "code": "invalid",
        "title": "输入有误",
        "detail": "有 1 处",
        "status": 422,
        "remedy": "请改正",
        "request_id": "abc",
        "errors": [{"pointer": "/a", "code": "missing", "message": "缺少"}],
    }
    fake.fault("GET", lambda *_: httpx.Response(422, json=document))
    with pytest.raises(ApiError) as raised:
        fake.client().request("GET", "/households")
    error = raised.value
    assert (error.code, error.remedy, error.request_id) == ("invalid", "请改正", "abc")
    assert error.errors[0]["pointer"] == "/a"
    assert str(error) == "输入有误: 有 1 处 (invalid, HTTP 422)"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (httpx.Response(403, html="<h1>Forbidden</h1>"), "http_403"),
        (httpx.Response(301, headers={"location": "https://server.example/"}), "redirected"),
        (httpx.Response(200, html="<h1>Welcome to the hotel</h1>"), "no_json"),
    ],
)
def test_an_answer_of_something_else_on_the_way_is_no_answer(
    fake: FakeServer, answer: httpx.Response, code: str
) -> None:
    fake.fault("GET", lambda *_: answer)
    with pytest.raises(ApiError) as raised:
        list(fake.client().items("/households"))
    assert raised.value.code == code
    assert "hotel" not in str(raised.value)


def test_a_certificate_that_is_not_valid_is_not_tried_again(fake: FakeServer) -> None:
    def untrusted(*_: object) -> httpx.Response:
        raise httpx.ConnectError("certificate") from ssl.SSLCertVerificationError("self-signed")

    fake.fault("GET", untrusted)
    with pytest.raises(UnreachableError):
        fake.client().request("GET", "/households")
    assert fake.count("GET") == 1


# --- who it is ---


def test_a_wrong_password_is_tried_once(fake: FakeServer) -> None:
    with pytest.raises(SignInError) as refused:
        fake.client(password="Wrong-2026").request("GET", "/households")
    assert refused.value.code == "invalid_credentials"
    assert fake.log == ["POST /auth/token"]


@pytest.mark.parametrize(("status", "attempts"), [(429, 1), (503, 4)])
def test_signing_in_is_tried_no_more_than_allowed(fake: FakeServer, status: int, attempts: int) -> None:
    fake.fault("POST /auth/token", *[refuse(status)] * 20)
    with pytest.raises(SignInError):
        fake.client(retries=3).request("GET", "/households")
    assert len(fake.log) == attempts


def test_an_expired_token_is_refreshed_and_each_refresh_token_serves_once(fake: FakeServer) -> None:
    client = fake.client()
    for _ in range(3):
        client.request("GET", "/households")
        fake.access.clear()  # expired
    client.request("GET", "/households")
    grants = [one.content.decode().split("&")[0] for one in fake.requests if "auth" in one.url.path]
    assert grants == ["grant_type=password", *["grant_type=refresh_token"] * 3]
    assert fake.refresh == {"r4"}


def test_a_token_is_renewed_before_it_expires(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(signing_in.time, "monotonic", lambda: now[0])
    client = fake.client()
    client.request("GET", "/households")
    now[0] += 830
    client.request("GET", "/households")
    assert fake.count("POST /auth/token") == 1
    now[0] += 20
    client.request("GET", "/households")
    assert fake.log[-2:] == ["POST /auth/token", "GET /households"]
    assert fake.count("GET") == 3, "nothing had to be refused"


def test_a_refresh_whose_answer_is_lost_is_not_sent_again_but_the_password_is(fake: FakeServer) -> None:
    client = fake.client()
    client.request("GET", "/households")
    fake.access.clear()
    fake.fault("POST /auth/token", lost)
    client.request("GET", "/households")
    assert [one.content[:19] for one in fake.requests if "auth" in one.url.path] == [
        b"grant_type=password", b"grant_type=refresh_", b"grant_type=password",
    ]  # fmt: skip


def test_a_system_signs_in_anew_and_a_given_token_is_all_there_is(fake: FakeServer) -> None:
    who = {"username": None, "password": None}
    system = fake.client(**who, client_id="province_client", client_secret=PASSWORD)
    system.request("GET", "/households")
    fake.access.clear()
    system.request("GET", "/households")
    assert fake.count("POST /auth/token") == 2
    with pytest.raises(ApiError) as refused:
        fake.client(**who, token="of yesterday").request("GET", "/households")
    assert refused.value.status == 401
    assert fake.count("POST /auth/token") == 2


def test_closing_signs_out(fake: FakeServer) -> None:
    with fake.client() as client:
        client.request("GET", "/households")
    assert fake.log[-1] == "POST /auth/revoke"
    assert fake.requests[-1].content == b"token=r1&token_type_hint=refresh_token"


@pytest.mark.parametrize("url", ["server.example", "ftp://server.example", "http://", "http://u:p@h", "http://h:x"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        Client(url, token="t")


@pytest.mark.parametrize("who", [{}, {"username": "a"}, {"token": "t", "username": "a", "password": "b"}])
def test_exactly_one_way_to_sign_in(who: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="token"):
        Client(URL, **who)


def test_the_base_path_may_stand_in_the_address_or_not() -> None:
    assert Client("https://a.example/wuning/api/v1/", token="t").url == "https://a.example/wuning"
