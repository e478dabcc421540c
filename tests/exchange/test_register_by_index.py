"""What an import reads of the register grows with its file, not with what is stored, whatever Postgres believes."""

from collections.abc import Callable
from random import Random

import psycopg
import pytest
from fastapi.testclient import TestClient

from tests.conftest import plain
from tests.exchange.upload import succeeded
from toilet_api.demonstration.persons import Persons
from toilet_api.kernel import jobs
from toilet_api.settings import Settings

ROWS = 900
TABLES = ("household", "household_person", "toilet")
VILLAGE = "360423208202"
# As autovacuum leaves it that came by while all that the tables held was not committed yet, or rolled back.
_EMPTY = """
    select pg_restore_relation_stats('schemaname', 'toilet', 'relname', relname::text, 'relpages', 200,
                                     'reltuples', 0::real)
    from pg_class where oid in (select unnest(%(tables)s::regclass[])
                                union all select indexrelid from pg_index where indrelid = any(%(tables)s::regclass[]))
"""
_READ = """
    select sum(coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0))::int from pg_stat_user_tables
    where schemaname = 'toilet' and relname = any(%(tables)s)
"""


def ledger(**same: str) -> bytes:
    """Households of one village, the same ones each time; `same`: what all of them have in a column."""
    persons = Persons("360423", Random(7))
    lines = [",".join(("村代码,户主姓名,身份证号码,门牌号,改厕方式,改厕年份", *same))]
    for _ in range(ROWS):
        one = persons.next()
        lines.append(",".join((VILLAGE, one.name, one.id_number, one.address, "三格,2024", *same.values())))
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    "changed", [{"补助金额": "2500"}, {"备注": "已核对", "联系电话": "19900001234"}, {"改厕月份": "6"}]
)
def test_an_update_reads_what_it_changes(
    as_: Callable[[str], TestClient], settings: Settings, database_url: str, changed: dict[str, str]
) -> None:
    client = as_("township_manager")

    def drain() -> None:
        """By connections of its own: what they read is told once they are closed."""
        jobs.run_worker(settings, wait=False)

    assert succeeded(client, drain, ledger())["counts"]["created"] == ROWS
    with psycopg.connect(plain(database_url), autocommit=True) as server:
        server.execute("set search_path = toilet")
        server.execute(_EMPTY, {"tables": list(TABLES)})
        before = server.execute(_READ, {"tables": list(TABLES)}).fetchone()
        counts = succeeded(client, drain, ledger(**changed), on_conflict="update")["counts"]
        after = server.execute(_READ, {"tables": list(TABLES)}).fetchone()
        server.execute(f"analyze {', '.join(TABLES)}".encode())  # for the tests that come after
    assert counts["updated"] + counts["unchanged"] == ROWS
    assert before
    assert after
    assert after[0] - before[0] < 40 * ROWS
