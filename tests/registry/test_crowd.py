"""However many write about the same households at once, all that belongs together lies in one place, and is counted.

CROWD_SECONDS: how long (default 1, broad 4). CROWD_SEED: what the steps are drawn from. What they were answered
is shown by `--log-cli-level=INFO`.
"""

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
from fastapi.testclient import TestClient
from psycopg import sql

from tests.breadth import tries
from tests.conftest import plain
from tests.registry.crowd import Crowd, Person
from tests.reporting.statistics.counting import uncounted
from tests.survey import made as survey
from toilet_api.kernel.database import Database

log = logging.getLogger(__name__)

SECONDS = tries("CROWD_SECONDS", 1.0, 4.0)
SEED = int(os.environ.get("CROWD_SEED", "1"))
PEOPLE, HOUSEHOLDS = 6, 8
CAUSES = ("construction_quality", "product_quality", "technical_mode", "small_defect")
# Table -> the record that its rows belong to, and by which column.
_BELONGS = {
    "toilet": ("household", "household_id"),
    "household_person": ("household", "household_id"),
    "survey_standing": ("household", "household_id"),
    "visit": ("household", "household_id"),
    "attachment": ("household", "household_id"),
    "acceptance": ("household", "household_id"),
    "sync_conflict": ("household", "household_id"),
    "problem": ("household", "household_id"),
    "problem_standing": ("toilet", "toilet_id"),
    "finding": ("visit", "visit_id"),
    "expected_attachment": ("visit", "visit_id"),
    "task": ("problem", "problem_id"),
    "close_out": ("problem", "problem_id"),
    "acceptance_problem": ("problem", "problem_id"),
    "plan_item": ("problem", "problem_id"),
    "sample_unit": ("problem", "problem_id"),
    "falsification": ("problem", "problem_id"),
    "postponement": ("task", "task_id"),
    "task_note": ("task", "task_id"),
    "close_out_witness": ("close_out", "close_out_id"),
}


def left_behind(database_url: str) -> dict[str, int]:
    """Of each table the rows that lie elsewhere than the record that they belong to, where there are any."""
    found = {}
    with psycopg.connect(plain(database_url)) as connection:
        connection.execute("select set_config('toilet.scope', '{\"\"}', true)")
        for table, (owner, column) in _BELONGS.items():
            query = sql.SQL(
                "select count(*) from toilet.{} as part join toilet.{} as whole on whole.id = part.{}"
                " where part.division_code <> whole.division_code"
            ).format(*map(sql.Identifier, (table, owner, column)))
            row = connection.execute(query).fetchone()
            found[table] = 0 if row is None else int(row[0])
    return {table: count for table, count in found.items() if count}


def train(database_url: str, person: str) -> None:
    """The county's administrator may survey as well, as somebody of the template who was trained."""
    with psycopg.connect(plain(database_url)) as connection:
        connection.execute(
            "insert into toilet.training (id, principal_id, held_on, course, trainer, hours, recorded_at, recorded_by)"
            " select uuidv7(), principal.id, held_on, course, trainer, hours, recorded_at, recorded_by"
            " from toilet.training, toilet.principal where principal.username = %s limit 1",
            [person],
        )


def test_nothing_is_left_behind_or_counted_twice(
    as_: Callable[[str], TestClient], database: Database, database_url: str
) -> None:
    survey.campaign(as_("county_admin"), verification_levels=[], at_once_causes=CAUSES)
    train(database_url, "county_admin")
    crowd = Crowd(as_, HOUSEHOLDS)
    until = time.monotonic() + SECONDS
    with ThreadPoolExecutor(PEOPLE) as pool:
        for one in [pool.submit(Person(crowd, SEED * PEOPLE + number).walk, until) for number in range(PEOPLE)]:
            one.result()
    log.info("%s", ", ".join(f"{step} {status}: {count}" for (step, status), count in sorted(crowd.answers.items())))
    assert crowd.faults == []
    assert left_behind(database_url) == {}
    assert uncounted(database) == []
