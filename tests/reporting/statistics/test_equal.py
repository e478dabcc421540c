"""Every figure at every level equals a plain count, after any writes: concurrent, rolled back, moved, merged."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.breadth import tries
from tests.conftest import plain
from tests.reporting.statistics.counting import uncounted
from tests.reporting.statistics.writing import Writer
from tests.survey.made import API, campaign, ok, submitted
from toilet_api.kernel.database import EVERYWHERE, Database

As = Callable[[str], TestClient]
WALKS = tries("STATISTIC_WALKS", 1, 4)
"""Rounds of four connections with twenty-five transactions each, a merge of villages after each round."""
WRITERS, TRANSACTIONS = 4, 25


def work(database: Database, url: str, seed: int) -> Counter[str]:
    with psycopg.connect(plain(url)) as connection:
        connection.execute("select set_config('search_path', 'toilet', false)")
        connection.execute("select set_config('toilet.scope', '{\"\"}', false)")
        connection.commit()
        writer = Writer(connection, seed, database)
        writer.write(TRANSACTIONS)
        return writer.done


def test_any_writes_leave_every_figure_equal_to_a_count(
    as_: As, database: Database, database_url: str, drain_jobs: Callable[[], None]
) -> None:
    admin = as_("county_admin")
    campaign(admin)
    campaign(admin, is_open=False, name="又一行动")
    done: Counter[str] = Counter()
    for number in range(WALKS):
        with ThreadPoolExecutor(WRITERS) as pool:
            futures = [pool.submit(work, database, database_url, number * WRITERS + one) for one in range(WRITERS)]
            for future in futures:
                done += future.result()
        assert uncounted(database) == [], number
        drain_jobs()
        assert uncounted(database) == [], number
    assert done["committed"] > 30 * WALKS, done
    assert done["rolled back"] > 5 * WALKS, done
    assert done["moved"] > 2 * WALKS, done
    merged = {"into": "360423208203", "reason": "并村"}
    ok(admin.post(f"{API}/divisions/360423208202/merge", json=merged))
    assert uncounted(database) == []
    drain_jobs()
    assert uncounted(database) == []
    with database.transaction(EVERYWHERE) as session:
        ask = session.connection().execute
        left = "select count(*) from statistic_sum where division_code = '360423208202' and keys <> '{}'"
        assert ask(text(left)).scalar_one() == 0
        assert ask(text("select sum(cardinality(keys)) from statistic_sum")).scalar_one() > 100


def test_a_sum_that_is_wrong_is_found(
    as_: As, database: Database, drain_jobs: Callable[[], None], database_url: str
) -> None:
    """The count itself can fail: a sum that somebody altered behind the triggers shows."""
    campaign(as_("county_admin"))
    submitted(as_("village_surveyor"), "tank_cracked")
    drain_jobs()
    assert uncounted(database) == []
    with psycopg.connect(plain(database_url)) as owner:
        owner.execute("select set_config('toilet.scope', '{\"\"}', true)")
        owner.execute(
            "update toilet.statistic_sum set counts[1] = counts[1] + 1"
            " where view = 'problem' and division_code = '360423'"
        )
    found = uncounted(database)
    assert {one.subject for one in found} == {"problem", "problem.cause", "problem.due"}
