"""What the tests of bad input share: how a refusal must look, and what the database holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.contract.reading import CHINESE
from tests.contract.served import Served
from toilet_api.kernel.errors import CATALOGUE

INSIDE = ("Traceback", "psycopg", "sqlalchemy", "site-packages", ".py", "SELECT ", "select ", "INSERT ", "pydantic.dev")
"""What tells how the house is built; no answer may hold it."""


def refused(answer: httpx.Response, *codes: str, english: bool = False) -> dict[str, Any]:
    """The body of a refusal: a 4xx of the catalogue, complete, in one language, telling nothing of the inside."""
    where = f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:400]}"
    assert 400 <= answer.status_code < 500, where
    assert answer.headers["content-type"] == "application/problem+json", where
    body: dict[str, Any] = answer.json()
    assert body["status"] == answer.status_code, where
    assert CATALOGUE[body["code"]].status == answer.status_code, where
    assert body["code"] in codes or not codes, f"{codes} expected: {where}"
    assert body["type"] == f"/problems-catalogue/{body['code']}"
    assert body["request_id"] == answer.headers["x-request-id"], where
    assert answer.headers["content-language"] == ("en" if english else "zh-CN"), where
    assert answer.headers["x-content-type-options"] == "nosniff"
    for text in (body["title"], body["detail"], *(one["message"] for one in body.get("errors", []))):
        assert text, where
        assert english or CHINESE.search(text), where
    assert not english or not CHINESE.search(body["title"] + body["detail"]), where
    assert all(one["pointer"].startswith("/") for one in body.get("errors", [])), where
    assert not [word for word in INSIDE if word in answer.text], where
    return body


def pointers(body: dict[str, Any]) -> list[str]:
    """Where the faults are."""
    return [one["pointer"] for one in body.get("errors", [])]


@contextmanager
def nothing_changes(served: Served) -> Iterator[None]:
    """Every row of every table, journal and jobs too, is afterwards what it was before."""
    before = contents(served)
    yield
    after = contents(served)
    assert {name: after[name] for name in after if after[name] != before[name]} == {}


def contents(served: Served) -> dict[str, Any]:
    """Table -> (how many rows, a digest of which version of each stands where), read by the owner.

    Whoever writes a row, even as it was, makes another version of it; their contents would take ten times as long.
    """
    names = [
        row[0]
        for row in served.owner.execute(
            "select c.relname from pg_class c where c.relkind = 'r' and c.relnamespace = current_schema::regnamespace"
        )
    ]
    digest = "coalesce(sum(hashtextextended(ctid::text || ' ' || xmin::text, 0)), 0)"
    query = " union all ".join(f"select '{name}', count(*), {digest} from \"{name}\"" for name in names)
    return {row[0]: row[1:] for row in served.owner.execute(query.encode())}
