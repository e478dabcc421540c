"""What the tests of the change feed share: walking it, and transactions that end when a test says so."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import Session

from toilet_api.kernel import feed, journal
from toilet_api.kernel.database import EVERYWHERE, Database

API = "/api/v1/changes"
LINES = {"Accept": "application/x-ndjson"}
Item = dict[str, Any]


def ask(client: TestClient, since: str | None = None, **params: Any) -> dict[str, Any]:
    """One page, which must be there."""
    asked = params if since is None else {"since": since, **params}
    answer = client.get(API, params=asked)
    assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
    page: dict[str, Any] = answer.json()
    return page


def refusal(client: TestClient, since: str | None = None, **params: Any) -> tuple[int, str]:
    """Status and code of a question that is refused."""
    answer = client.get(API, params=params if since is None else {"since": since, **params})
    return answer.status_code, answer.json()["code"]


def here(client: TestClient, **params: Any) -> str:
    """The cursor of this moment."""
    return str(ask(client, "now", **params)["next_cursor"])


def walk(client: TestClient, since: str | None = None, **params: Any) -> tuple[list[Item], str]:
    """All up to now, and the cursor behind it."""
    items: list[Item] = []
    while True:
        page = ask(client, since, **params)
        items += page["items"]
        since = page["next_cursor"]
        if not page["more"]:
            return items, str(since)


def lines(text_form: str) -> list[Any]:
    """The lines of an NDJSON answer."""
    return [json.loads(line) for line in text_form.splitlines()]


def told(items: list[Item]) -> list[tuple[str, str, int | None]]:
    """Type, operation and version of each."""
    return [(one["type"], one["op"], one["version"]) for one in items]


class Held:
    """A transaction that stays open until it is told to commit."""

    def __init__(self, database: Database) -> None:
        self._stack = ExitStack()
        self.session: Session = self._stack.enter_context(database.transaction(EVERYWHERE))

    def begin(self) -> "Held":
        """Take a transaction id."""
        self.session.connection().execute(text("select pg_current_xact_id()"))
        return self

    def write(self, record: UUID, version: int, op: journal.Operation = "update", place: str = "360423208202") -> None:
        """Put an entry about a household."""
        write(self.session, record, version, op, place)

    def commit(self) -> None:
        """End it."""
        self._stack.close()


def write(
    session: Session, record: UUID, version: int, op: journal.Operation = "update", place: str = "360423208202"
) -> None:
    """An entry about a household that needn't exist."""
    journal.record(
        session,
        action="household.updated",
        subject_type="household",
        subject_id=record,
        division_code=place,
        version=version,
        op=op,
    )


class Reader:
    """Reads the feed from where it was made."""

    def __init__(self, database: Database, position: feed.Position | None = None) -> None:
        self._database = database
        self.position = position or self._now()

    def _now(self) -> feed.Position:
        with self._database.transaction() as session:
            return feed.now(session)

    def read(self, limit: int = 1000) -> list[tuple[UUID, int | None]]:
        """Record and version of all up to now; positions go through their written form."""
        found: list[tuple[UUID, int | None]] = []
        while True:
            with self._database.transaction(EVERYWHERE) as session:
                batch = feed.read(session, feed.Position.decode(self.position.encode()), limit=limit)
            found += [(entry.subject_id, entry.version) for entry in batch.entries]
            self.position = batch.position
            if not batch.more:
                return found


@contextmanager
def as_owner(database: Database) -> Iterator[Any]:
    """A connection past every wall, for what only an operator does. Commits."""
    with database.engine.begin() as connection:
        connection.execute(text("select set_config('search_path', 'toilet', true)"))
        connection.execute(text("select set_config('toilet.scope', '{\"\"}', true)"))
        yield connection
