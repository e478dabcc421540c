"""What the export tests share: ask, run, download, read."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient
from httpx import Response

API = "/api/v1"
Drain = Callable[[], None]


def ask(client: TestClient, dataset: str = "households", form: str = "csv", **body: Any) -> dict[str, Any]:
    """POST /exports, which must be accepted."""
    answer = client.post(f"{API}/exports", json={"dataset": dataset, "format": form, **body})
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


def shown(client: TestClient, job: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(f"{API}/exports/{job['id']}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def exported(
    client: TestClient, drain: Drain, dataset: str = "households", form: str = "csv", **body: Any
) -> dict[str, Any]:
    """Ask and run; it must succeed."""
    job = ask(client, dataset, form, **body)
    drain()
    job = shown(client, job)
    assert job["state"] == "succeeded", job
    return job


def download(client: TestClient, job: dict[str, Any], **headers: str) -> Response:
    return client.get(f"{API}/exports/{job['id']}/file", headers=headers)


def content(client: TestClient, job: dict[str, Any]) -> bytes:
    answer = download(client, job)
    assert answer.status_code == 200, answer.text
    assert len(answer.content) == job["bytes"]
    return answer.content


def table(data: bytes) -> list[dict[str, str]]:
    """The rows of a CSV by heading."""
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def objects(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.decode().splitlines()]
