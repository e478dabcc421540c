"""The wall behind the narrowing: a forgotten filter shows nothing, and writes nothing, outside of the scope."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.registry import made
from toilet_api.kernel.database import EVERYWHERE, Database

As = Callable[[str], TestClient]
TABLES = ("household", "household_person", "toilet")


@pytest.fixture
def two_villages(as_: As) -> None:
    manager = as_("township_manager")
    made.household(manager, toilets=[made.TOILET])
    made.household(manager, division_code=made.OTHER_VILLAGE, toilets=[made.TOILET])


@pytest.mark.usefixtures("two_villages")
@pytest.mark.parametrize(
    ("prefixes", "villages"),
    [
        ((), set()),
        ((made.VILLAGE,), {made.VILLAGE}),
        ((made.OTHER_VILLAGE,), {made.OTHER_VILLAGE}),
        (("360423500",), set()),
        (("360423208",), {made.VILLAGE, made.OTHER_VILLAGE}),
        (EVERYWHERE, {made.VILLAGE, made.OTHER_VILLAGE}),
    ],
)
def test_raw_sql_without_a_filter_sees_only_the_scope(
    database: Database, prefixes: tuple[str, ...], villages: set[str]
) -> None:
    for table in TABLES:
        with database.transaction(prefixes) as session:
            rows = session.connection().execute(text(f"select division_code from {table}")).scalars().all()
        assert set(rows) == villages


@pytest.mark.usefixtures("two_villages")
@pytest.mark.parametrize("table", TABLES)
def test_raw_sql_without_a_filter_writes_only_in_the_scope(database: Database, table: str) -> None:
    with database.transaction((made.VILLAGE,)) as session:
        touched = session.connection().execute(text(f"update {table} set division_code = division_code"))
        assert touched.rowcount == 1
    with pytest.raises(DBAPIError, match="row-level security"), database.transaction((made.VILLAGE,)) as session:
        session.connection().execute(text(f"update {table} set division_code = :other"), {"other": made.OTHER_VILLAGE})
    with pytest.raises(DBAPIError, match="permission denied"), database.transaction(EVERYWHERE) as session:
        session.connection().execute(text(f"delete from {table}"))


@pytest.mark.usefixtures("two_villages")
def test_searches_reach_their_indexes_behind_row_security(database: Database) -> None:
    # The planner may use an index under row-level security only for leakproof operators.
    with database.transaction((made.VILLAGE,)) as session:
        run = session.connection().execute
        run(text("set local enable_seqscan = off"))
        for condition, index in (
            ("phone_index[1] = '\\x00'", "household_phone_1"),
            ("name_index = '\\x00'", "household_name"),
            ("identity_place = '360423' and identity_index = '\\x00' and removed_at is null", "household_identity"),
            ("division_code >= '360423208202' and division_code < '360423208203'", "household_division"),
        ):
            plan = "\n".join(run(text(f"explain select id from household where {condition}")).scalars())
            assert index in plan, plan
            assert "Index Cond" in plan, plan
