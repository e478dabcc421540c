"""Answers come packed as the client likes them, and say the same."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

As = Callable[[str], TestClient]


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [("gzip, br, zstd", "zstd"), ("gzip, br", "br"), ("gzip", "gzip"), ("zstd;q=0, gzip", "gzip"), ("identity", None)],
)
def test_a_long_answer_is_packed_as_asked(client: TestClient, accepted: str, chosen: str | None) -> None:
    plain = client.get("/api/v1/error-catalogue")
    packed = client.get("/api/v1/error-catalogue", headers={"Accept-Encoding": accepted})
    assert packed.headers.get("content-encoding") == chosen
    assert packed.json() == plain.json()
    assert packed.headers["etag"] == plain.headers["etag"], "it names what is said"
    assert "accept-encoding" in packed.headers["vary"].lower()
    if chosen:
        assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 3
    unchanged = client.get(
        "/api/v1/error-catalogue", headers={"Accept-Encoding": accepted, "If-None-Match": packed.headers["etag"]}
    )
    assert (unchanged.status_code, unchanged.content) == (304, b"")


@pytest.mark.parametrize("media", ["application/json", "text/csv", "application/x-ndjson"])
def test_every_form_of_a_list_is_packed(as_: As, media: str) -> None:
    headers = {"Accept": media, "Accept-Encoding": "zstd"}
    packed = as_("county_admin").get("/api/v1/divisions?under=360423&limit=50", headers=headers)
    assert packed.headers["content-encoding"] == "zstd"
    assert "修水" in packed.text or "武宁" in packed.text


def test_short_answers_and_faults_of_any_kind_stay_readable(client: TestClient) -> None:
    short = client.get("/healthz", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in short.headers
    fault = client.get("/api/v1/households?nonsense=1", headers={"Accept-Encoding": "br"})
    assert fault.json()["request_id"]
