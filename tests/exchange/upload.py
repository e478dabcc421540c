"""What the import tests share: upload, run, read the whole report."""

from collections.abc import Callable, Iterator
from typing import Any

from fastapi.testclient import TestClient

Drain = Callable[[], None]


def upload(client: TestClient, content: bytes, name: str = "ledger.csv", **form: str) -> dict[str, Any]:
    """POST /imports, which must be accepted."""
    answer = client.post("/api/v1/imports", files={"file": (name, content)}, data=form)
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


def finished(client: TestClient, drain: Drain, content: bytes, name: str = "ledger.csv", **form: str) -> dict[str, Any]:
    """Upload, run the job, and give it as it ended."""
    made = upload(client, content, name, **form)
    drain()
    return follow(client, made["id"])


def follow(client: TestClient, job_id: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/imports/{job_id}")
    assert answer.status_code == 200, answer.text
    job: dict[str, Any] = answer.json()
    return job


def succeeded(
    client: TestClient, drain: Drain, content: bytes, name: str = "ledger.csv", **form: str
) -> dict[str, Any]:
    """`finished`, which must have worked, with every row accounted for."""
    job = finished(client, drain, content, name, **form)
    assert job["state"] == "succeeded", job["problem"]
    counts = job["counts"]
    assert counts["rows_in"] == counts["created"] + counts["updated"] + counts["unchanged"] + counts["rejected"]
    return job


def pages(client: TestClient, path: str, **query: str) -> Iterator[dict[str, Any]]:
    """Every item of a list."""
    cursor: str | None = None
    while True:
        parameters = {**query, "limit": "1000", **({"cursor": cursor} if cursor else {})}
        answer = client.get(f"/api/v1{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def rows_of(client: TestClient, job: dict[str, Any], **query: str) -> dict[int, dict[str, Any]]:
    """The report by row number."""
    return {row["row"]: row for row in pages(client, f"/imports/{job['id']}/rows", **query)}
