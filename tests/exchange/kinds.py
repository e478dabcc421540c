"""What the tests of the other kinds of import share: made-up files, run as one account, and their reports."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

from fastapi.testclient import TestClient

from tests.exchange.upload import follow, rows_of, upload

As = Callable[[str], TestClient]
Drain = Callable[[], None]


def sheet(header: Sequence[str], *rows: Sequence[Any]) -> bytes:
    """A CSV of these rows."""
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    return out.getvalue().encode()


def run(
    client: TestClient, drain: Drain, kind: str, content: bytes, follow_as: TestClient | None = None, **form: str
) -> dict[str, Any]:
    """Upload, run the job, and give it as it ended; `follow_as`: who looks, where the uploader no longer can."""
    made = upload(client, content, kind=kind, **form)
    assert made["kind"] == kind
    drain()
    return follow(follow_as or client, made["id"])


def counted(job: dict[str, Any]) -> dict[str, int]:
    """The outcomes of a job that ended well, those that there are; every row is accounted for."""
    assert job["state"] == "succeeded", job["problem"]
    counts = job["counts"]
    names = ("created", "updated", "unchanged", "rejected")
    assert counts["rows_in"] == sum(counts[name] for name in names)
    return {name: counts[name] for name in names if counts[name]}


def faults(client: TestClient, job: dict[str, Any]) -> dict[int, list[tuple[str, str]]]:
    """Row number -> (column, reason) of its faults."""
    return {
        number: [(one["column"], one["reason"]) for one in row["errors"]]
        for number, row in rows_of(client, job).items()
        if row["errors"]
    }
