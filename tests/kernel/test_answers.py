"""A fault of ours: the answer tells nothing of the inside, carries its number, and the log quotes nobody's data."""

import logging
from datetime import datetime
from typing import NoReturn

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from toilet_api.kernel.database import Database
from toilet_api.survey.clock import this_moment

SECRET = "张三丰 360423194006150011"


class _BrokenClock:
    """What a route depends on, failing with somebody's data in its message."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __call__(self) -> datetime:
        self._fail()

    def _fail(self) -> NoReturn:
        raise self.error


def database_error(database: Database) -> SQLAlchemyError:
    with pytest.raises(SQLAlchemyError) as caught, database.engine.connect() as connection:
        connection.execute(text("select cast(:name as int)"), {"name": SECRET})
    return caught.value


@pytest.mark.parametrize("kind", ["value", "key", "database"])
def test_a_fault_is_500_with_its_number_and_without_the_data(
    app: FastAPI, as_: object, database: Database, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    client: TestClient = as_("county_admin")  # type: ignore[operator]
    errors = {"value": ValueError(SECRET), "key": KeyError(SECRET)}
    app.dependency_overrides[this_moment] = _BrokenClock(errors.get(kind) or database_error(database))
    with caplog.at_level(logging.DEBUG):
        answer = client.get("/api/v1/problems", headers={"X-Request-Id": "number-of-this-one"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "number-of-this-one"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["code"] == "internal"
    for word in (SECRET, "张三丰", "Traceback", "cast"):
        assert word not in answer.text
    assert SECRET not in caplog.text
    assert "number-of-this-one" in caplog.text
    assert "_fail" in caplog.text, "the log says where it happened"


def test_a_number_that_is_no_number_is_replaced(client: TestClient) -> None:
    for offered in ("short", "x" * 65, "with blank", "a;b=c-d-e-f"):
        given = client.get("/healthz", headers={"X-Request-Id": offered}).headers["x-request-id"]
        assert given != offered
        assert len(given) == 32
