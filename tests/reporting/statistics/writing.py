"""Random writes of all that is counted, by several connections at once, each ending in a commit or a rollback.

They go below the API, straight into the tables, so that also what no route does today is counted: many rows at a time,
COPY, deletions, changes of place, of campaign, of cause.
"""

import random
from collections import Counter
from uuid import UUID, uuid4

import psycopg
from sqlalchemy.exc import IntegrityError, OperationalError

from toilet_api.divisions import moves
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id

VILLAGES = ("360423208202", "360423208203", "360423500201", "360423500202")
_SOME = "(select id from {0} order by md5(id::text || '{1}') limit {2})"
_MODES = ("three_compartment", "full_sewer", "open_pit", "none", "attic_compost")


class Writer:
    """One connection's random writes. Unlike the API it takes no locks in order, so that some end in a deadlock."""

    def __init__(self, connection: psycopg.Connection, seed: int, database: Database) -> None:
        self._connection = connection
        self._random = random.Random(seed)
        self._database = database
        self.done: Counter[str] = Counter()

    def write(self, transactions: int) -> None:
        """So many transactions of one to four writes each."""
        for _ in range(transactions):
            try:
                if self._random.random() < 0.1:
                    self._carry()
                    continue
                for _ in range(self._random.randint(1, 4)):
                    self._one()
                if self._random.random() < 0.25:
                    self._connection.rollback()
                    self.done["rolled back"] += 1
                else:
                    self._connection.commit()
                    self.done["committed"] += 1
            except (psycopg.errors.IntegrityError, psycopg.errors.DeadlockDetected, OperationalError, IntegrityError):
                self._connection.rollback()
                self.done["refused"] += 1

    def _one(self) -> None:
        choose = self._random.choice
        name = choose([one for one in dir(self) if one.startswith("_to_")])
        getattr(self, name)()
        self.done[name.removeprefix("_to_")] += 1

    def _execute(self, statement: str, **values: object) -> None:
        self._connection.execute(statement.encode(), values)

    def _some(self, table: str, most: int = 4) -> str:
        return _SOME.format(table, uuid4(), self._random.randint(1, most))

    def _toilets_at_rest(self, most: int) -> list[UUID]:
        """Some toilets whose households are held as whoever adds to them must: none moves before this transaction ends.

        What is then added is read in a statement of its own, which sees where they were moved before.
        """
        found = self._connection.execute(
            f"select id, household_id from toilet where id in {self._some('toilet', most)}".encode()
        )
        toilets = {row[0]: row[1] for row in found}
        hold = "select from household where id = any(%s) order by id for share"
        self._connection.execute(hold, [list(toilets.values())])
        return list(toilets)

    def _carry(self) -> None:
        """A household moves to another village with all that belongs to it, as `moves.carry_households` has it."""
        with self._database.transaction(EVERYWHERE) as session:
            found = session.connection().exec_driver_sql(
                "select id, division_code from household order by md5(id::text || %s) limit 1 for update",
                (str(uuid4()),),
            ).first()  # fmt: skip
            if found is not None:
                target = self._random.choice([one for one in VILLAGES if one != found.division_code])
                moves.carry_households(session, found.division_code, target, [found.id], "迁村", EVERYWHERE)
        self.done["moved"] += 1

    def _to_add_households(self) -> None:
        number = self._random.choice((1, 1, 3, 40))
        columns = "id, division_code, name_masked, identity_index, name_index, dwelling_state"
        with self._connection.cursor().copy(f"copy household ({columns}) from stdin".encode()) as copy:
            for _ in range(number):
                key = uuid4().bytes
                state = self._random.choice(("occupied", "vacant", "demolished"))
                copy.write_row((new_id(), self._random.choice(VILLAGES), "张**", key, key, state))

    def _to_add_toilets(self) -> None:
        self._execute(
            "insert into toilet (id, division_code, household_id, mode, built_year, led_by, longitude, latitude,"
            " position_system) select uuidv7(), division_code, id, %(mode)s, %(year)s, %(led)s, %(x)s, %(y)s,"
            f" %(system)s from household where id in {self._some('household', 20)} for key share",
            mode=self._random.choice(_MODES),
            year=self._random.choice((None, 2019, 2024)),
            led=self._random.choice((None, "health", "self")),
            **self._random.choice(
                (
                    {"x": None, "y": None, "system": None},
                    {"x": 114 + self._random.random(), "y": 29 + self._random.random(), "system": "wgs84"},
                )
            ),
        )

    def _to_alter_toilets(self) -> None:
        change = self._random.choice(
            ("mode = 'full_sewer'", "built_year = 2020", "led_by = null", "counted = not counted",
             "longitude = longitude + 0.01", "note = 'x'")
        )  # fmt: skip
        self._execute(f"update toilet set {change} where removed_at is null and id in {self._some('toilet')}")

    def _to_remove_or_restore(self) -> None:
        table = self._random.choice(("household", "toilet", "visit", "problem", "task"))
        counted = ", counted = false" if table == "toilet" else ""
        self._execute(
            f"update {table} set removed_at = case when removed_at is null then now() end, removed_reason ="
            f" case when removed_at is null then '误登' end{counted} where id in {self._some(table)}"
        )

    def _to_change_dwellings(self) -> None:
        self._execute(f"update household set dwelling_state = 'vacant' where id in {self._some('household')}")

    def _to_add_visits(self) -> None:
        self._execute(
            "insert into visit (id, division_code, campaign_id, household_id, state, method, presence, visited_at,"
            " surveyor_id, surveyor_name, submitted_at, return_reason)"
            " select uuidv7(), division_code, (select id from campaign order by md5(id::text || %(salt)s) limit 1), id,"
            " %(state)s, 'look', 'away', now(), uuidv7(), 'x', now() - interval '3 days', 'x'"
            f" from household where id in {self._some('household', 10)} for key share",
            state=self._random.choice(("draft", "submitted", "submitted", "returned")),
            salt=str(uuid4()),
        )

    def _to_verify_visits(self) -> None:
        state, more = self._random.choice(
            (
                ("township_verified", "township_verified_at = now() - interval '1 day', township_verified_by = id"),
                (
                    "county_verified",
                    (
                        "township_verified_at = now() - interval '1 day', township_verified_by = id,"
                        " county_verified_at = now(), county_verified_by = id"
                    ),
                ),
                ("returned", "township_verified_at = null, county_verified_at = null, return_reason = 'x'"),
            )
        )
        self._execute(f"update visit set state = '{state}', {more} where id in {self._some('visit')}")

    def _to_add_problems(self) -> None:
        self._execute(
            "insert into problem (id, division_code, campaign_id, problem_class, type_id, cause, household_id,"
            " toilet_id, found_at, deadline)"
            " select uuidv7(), toilet.division_code,"
            " (select id from campaign order by md5(id::text || %(salt)s) limit 1), 'toilet', kind.id, kind.cause,"
            " household_id, toilet.id, now() - interval '9 days', %(due)s"
            " from toilet, problem_type as kind where kind.code = %(code)s"
            " and toilet.id = any(%(toilets)s)",
            toilets=self._toilets_at_rest(6),
            code=self._random.choice(("tank_cracked", "no_light", "freezes")),
            due=self._random.choice((None, "2020-01-01", "2099-12-31")),
            salt=str(uuid4()),
        )

    def _to_alter_problems(self) -> None:
        change, condition = self._random.choice(
            (
                ("cause = 'technical_mode'", "state not in ('closed', 'accepted')"),
                ("deadline = '2021-05-05'", "state not in ('closed', 'accepted')"),
                ("state = 'in_work'", "state = 'open'"),
                ("state = 'accepted', accepted_at = now(), accepted_level = 'township'", "state = 'in_work'"),
                ("state = 'closed', closed_at = now(), close_out_id = uuidv7()", "state = 'accepted'"),
                (
                    (
                        "state = 'open', accepted_at = null, accepted_level = null, closed_at = null,"
                        " close_out_id = null, reopenings = reopenings + 1, reopened_at = now(), reopen_reason = 'x'"
                    ),
                    "state = 'closed'",
                ),
                (
                    "state = 'dismissed', dismissal = 'decided', dismissed_at = now(), dismissed_reason = 'x'",
                    "state = 'open'",
                ),
            )
        )
        self._execute(f"update problem set {change} where {condition} and id in {self._some('problem', 30)}")

    def _to_add_tasks(self) -> None:
        self._execute(
            "insert into task (id, division_code, campaign_id, problem_id, path, measure, state, started_at,"
            " submitted_at, submitted_by)"
            " select uuidv7(), division_code, campaign_id, id, 'at_once', 'x', %(state)s, now() - interval '5 days',"
            " case when %(state)s = 'submitted' then now() end, case when %(state)s = 'submitted' then id end"
            f" from problem where id in {self._some('problem', 10)}"
            " and not exists (select from task where problem_id = problem.id) for no key update",
            state=self._random.choice(("pending", "in_work", "submitted")),
        )

    def _to_alter_tasks(self) -> None:
        change, condition = self._random.choice(
            (
                (
                    "state = 'submitted', submitted_at = now(), submitted_by = id, started_at = now()",
                    "state = 'in_work'",
                ),
                ("state = 'accepted', accepted_at = now()", "state = 'submitted'"),
                (
                    "state = 'in_work', submitted_at = null, submitted_by = null, redos = redos + 1",
                    "state = 'submitted'",
                ),
            )
        )
        self._execute(f"update task set {change} where {condition} and id in {self._some('task', 10)}")

    def _to_delete(self) -> None:
        self._execute(f"delete from task where id in {self._some('task', 2)}")

    def _to_fold(self) -> None:
        self._execute("select statistic_fold(%(most)s)", most=self._random.choice((1, 10, 1000)))
