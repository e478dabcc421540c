"""Background jobs of the server, from outside: follow one until it has ended."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from toilet_api.client.connection import Connection

ENDED = ("succeeded", "failed", "cancelled")
FIRST_SECONDS = 0.2
LONGEST_SECONDS = 2.0
SHARE = 0.02
"""Of the time that it has taken so far: no job is waited for much longer than it takes."""


def follow(connection: Connection, path: str, look: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """The job's document when it has ended, however. `look` is called with each state on the way."""
    began = time.monotonic()
    while True:
        job = connection.read("GET", path)
        look(job)
        if job["state"] in ENDED:
            return job
        time.sleep(min(LONGEST_SECONDS, max(FIRST_SECONDS, SHARE * (time.monotonic() - began))))


def id_of(job: str | Mapping[str, Any] | Any) -> str:
    """The id of a job that is named by its id, its document or a report on it."""
    if isinstance(job, str):
        return job
    return str(job["id"] if isinstance(job, Mapping) else job.id)
