"""What a request costs the database: one round trip to begin, and no statement prepared twice on a connection."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from psycopg.pq import TransactionStatus
from sqlalchemy import text
from sqlalchemy.exc import DataError
from sqlmodel import Session
from tests.survey.made import API

from toilet_api.kernel.database import EVERYWHERE, SYSTEM, Database, begin, driver, forget
from toilet_api.kernel.fields import new_id


def _prepared(database: Database) -> set[str]:
    with database.transaction(EVERYWHERE) as session:
        rows = driver(session).execute("select name from pg_prepared_statements", prepare=False).fetchall()
    return {name for (name,) in rows}


def test_a_refused_request_leaves_the_statements_that_are_prepared(
    database: Database, as_: Callable[[str], TestClient]
) -> None:
    admin = as_("county_admin")
    for _ in range(6):  # one that is asked for again is prepared
        assert admin.get(f"{API}/households/{new_id()}").status_code == 404
    before = _prepared(database)
    assert before
    assert admin.get(f"{API}/households/{new_id()}").status_code == 404
    assert admin.post(f"{API}/households", json={}).status_code == 422
    assert before <= _prepared(database)


def test_what_is_forgotten_is_undone(database: Database) -> None:
    session = Session(database.engine)
    begin(session, database.settings, EVERYWHERE, SYSTEM)
    session.connection().execute(text("update principal set display_name = 'nobody'"))
    connection = driver(session)
    forget(session)
    assert connection.info.transaction_status == TransactionStatus.IDLE
    with database.transaction(EVERYWHERE) as later:
        found = later.connection().execute(text("select count(*) from principal where display_name = 'nobody'"))
        assert found.scalar_one() == 0


def test_a_transaction_begins_as_it_should(database: Database) -> None:
    with database.transaction(("360423",)) as session:
        row = session.connection().execute(
            text(
                "select current_setting('role'), current_setting('search_path'), current_setting('TimeZone'),"
                " current_setting('toilet.scope'), current_setting('transaction_isolation')"
            )
        )
        role, schema, zone, scope, isolation = row.one()
    assert (role, schema) == (database.settings.app_role, database.settings.database_schema)
    assert (zone, scope, isolation) == ("Asia/Shanghai", '{"360423"}', "read committed")
    with database.snapshot(("36",)) as first, database.snapshot(("36",), of=first) as second:
        for session in (first, second):
            found = session.connection().execute(
                text("select current_setting('transaction_isolation'), current_setting('transaction_read_only')")
            )
            assert found.one() == ("repeatable read", "on")


def test_what_is_wrong_at_the_beginning_is_told(database: Database) -> None:
    settings = database.settings.model_copy(update={"database_schema": "no such; drop schema toilet"})
    database.settings = settings
    with pytest.raises(DataError, match="does not exist"), database.transaction():
        pass  # the role is named after the schema
