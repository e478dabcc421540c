"""What live statistics cost: to read, however much is stored, and to those who write.

Reading: the same answers over HTTP at 100,000 toilets and at many more (BENCH_TOILETS), against each other and against
a read by primary key on the same connection. Writing: COPY into the register, in batches as the importer has them,
with a folder at work beside it, and 32 clients that each add toilets in a township of its own, against the same with
the triggers of the statistics off.

`BENCH_WAIT=/a/file` fills first and then waits until that file is there, so that it measures while nothing else runs.
"""

import asyncio
import copy
import http.client
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from tests.delivery.running import serving
from tests.world import PASSWORD, load_people

from benchmarks.entry import Entry, interleaved
from benchmarks.imports import _at_most, _database, _plain
from toilet_api.accounts import keys
from toilet_api.divisions import loading
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.migrations import migrate
from toilet_api.kernel.vault import Vault
from toilet_api.reporting.statistics.recount import differences
from toilet_api.settings import Settings

FEW = 100_000
MOST_AT_ONCE, ALL_AT_ONCE = 1_000_000, 2_000_000_000
MANY = int(os.environ.get("BENCH_TOILETS", "1000000"))
WAIT = os.environ.get("BENCH_WAIT")
COUNTY = "360423"
WRITERS, WRITES = 32, 640
LOADED, BATCH = 20_000, 2_000
ROUNDS, REPEATS = 5, 30
_SECRET = "of the benchmark" * 4
_FOLLOWED = ("household", "toilet", "visit", "survey_standing", "problem", "problem_standing", "task")
_FILLED = ("household", "toilet", "visit", "problem")
_API = "/api/v1"

# Ledgers come village by village, so many households in each of a province. Every fifth toilet was visited, every
# twentieth has a problem. Identifiers are of version 7, made from a count: random ones cost as much as the rows.
_PLACES = """
    create table bench_place as
    select row_number() over (order by code) - 1 as number, code from toilet.division
    where length(code) = 12 and code ^@ '36' and valid_to is null
"""
_FILL = (
    """
    insert into household (id, division_code, name_masked, id_number_masked, identity_index, name_index, dwelling_state)
    select (%(household)s || lpad(to_hex(n), 15, '0'))::uuid, place.code, '张**', '360423********0000',
           decode(md5('i' || %(household)s || n), 'hex'), decode(md5('n' || %(household)s || n), 'hex'),
           case mod(n, 9) when 0 then 'vacant' else 'occupied' end
    from generate_series(0, %(rows)s - 1) n
    join bench_place as place on place.number = n * %(places)s::bigint / %(rows)s
    """,
    """
    insert into toilet (id, household_id, division_code, mode, counted, built_year, led_by, longitude, latitude,
                        position_system)
    select (%(toilet)s || right(id::text, 12))::uuid, id, division_code,
           (array['three_compartment', 'double_urn', 'full_sewer', 'open_pit', 'simple_shed', 'biogas_linked'])
           [1 + mod(hash, 6)], true, 2004 + mod(hash / 7, 21), (array['health', 'agriculture', 'self', null])
           [1 + mod(hash / 11, 4)], 113 + place.number / 5000.0 + mod(hash, 20) / 1000.0,
           25 + mod(place.number, 97) / 20.0 + mod(hash / 13, 20) / 1000.0, 'wgs84'
    from (select *, abs(hashtext(id::text)) as hash from household where id > %(after)s::uuid) as home
    join bench_place as place on place.code = division_code
    """,
    """
    insert into visit (id, division_code, campaign_id, household_id, toilet_id, state, method, presence, visited_at,
                       surveyor_id, surveyor_name, submitted_at)
    select (%(visit)s || right(id::text, 12))::uuid, division_code, %(campaign)s, household_id, id, 'submitted', 'look',
           'away', now(), id, 'x', now() - mod(hash, 60) * interval '1 day'
    from (select *, abs(hashtext(id::text)) as hash from toilet where id > %(after)s::uuid) as one
    where mod(hash, 5) = 0
    """,
    """
    insert into problem (id, division_code, campaign_id, problem_class, type_id, cause, household_id, toilet_id,
                         found_at, deadline)
    select (%(problem)s || right(one.id::text, 12))::uuid, division_code, %(campaign)s, 'toilet', kind.id, kind.cause,
           household_id, one.id, now() - mod(hash, 60) * interval '1 day', current_date + mod(hash, 200)::int - 100
    from (select *, abs(hashtext(id::text)) as hash from toilet where id > %(after)s::uuid) as one
    join (select id, cause, row_number() over (order by code) as number from problem_type
          where problem_class = 'toilet') as kind on kind.number = 1 + mod(hash, 20)
    where mod(hash / 3, 20) = 0
    """,
)
# What is filled is new by its ids, which grow. A standing has none of its own.
_NEW = {
    **dict.fromkeys(_FILLED, "id > {after}"),
    "survey_standing": "household_id > {after}",
    "problem_standing": "toilet_id > {after}",
}
_ASKED = {
    "a county": ("county_admin", COUNTY),
    "a city": ("city_inspector", "3604"),
    "a province": ("province_inspector", "36"),
}
_QUESTIONS = {
    "figures": "statistics?division={place}",
    "figures of its parts": "statistics?division={place}&children=true",
    "problems by cause and state": "statistics/table?subject=problems&group_by=cause&group_by=state&division={place}",
    "toilets by part and mode": "statistics/table?subject=toilets&group_by=division&group_by=mode&division={place}",
    "toilets of a mode and leader by year": "statistics/table?subject=toilets&group_by=built_year&filter=mode:open_pit"
    "&filter=led_by:self&division={place}",
    "trend of 90 days": "statistics/trend?division={place}",
    "centres": "statistics/centres?division={place}",
    "map": "statistics/map?division={place}&bbox=114,25,118,29",
}


def run(url: str) -> list[Entry]:
    """The entries, on a database of their own."""
    address = _database(url, "bench_statistics")
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(database_url=address, data_dir=Path(name), secret_key=_SECRET)
        _furnish(settings)
        stock = _Stock(address)
        stock.fill(FEW)
        _check(settings)
        small = stock.copy(url, "bench_statistics_few")
        stock.fill(MANY)
        _wait()
        with _served(small.address) as served:
            few = _times(served, small)
        with _served(address) as served:
            many = _times(served, stock)
            stock.load(on=True)  # what has to be read of the indexes is read
            loading_ = interleaved(
                {"on": lambda: stock.load(on=True), "off": lambda: stock.load(on=False)}, rounds=ROUNDS
            )
            clients = _Writers(served, stock)
            writing = interleaved(
                {"on": lambda: clients.rate(on=True), "off": lambda: clients.rate(on=False)}, rounds=2 * ROUNDS - 1
            )
    entries = []
    for place in _ASKED:
        worst = max(_QUESTIONS, key=lambda question: many[place][question] / few[place][question])
        entries.append(
            _at_most(
                f"{worst} of {place}, at {MANY:,} toilets against {FEW:,}",
                many[place][worst],
                few[place][worst],
                "ms",
                1.5,
            )
        )
        dearest = max(_QUESTIONS, key=lambda question: many[place][question])
        entries.append(
            _at_most(
                f"{dearest} of {place}, against one record by its id", many[place][dearest], many[place][""], "ms", 5
            )
        )
    return [
        *entries,
        _at_most("loading with statistics, against without", loading_["on"], loading_["off"], "s", 1.3),
        Entry.rate(
            f"{WRITERS} writers with statistics, against without", writing["on"], writing["off"], "writes/s", 0.9
        ),
    ]


def _furnish(settings: Settings) -> None:
    migrate(settings)
    database = Database(settings)
    loading.load(database)
    load_people(database, settings)
    with database.transaction(EVERYWHERE) as session:
        keys.rotate(session, Vault(settings))
    database.dispose()


def _check(settings: Settings) -> None:
    """What the fill leaves is what the triggers would have kept: every sum equals a plain count."""
    database = Database(settings)
    with database.transaction(EVERYWHERE) as session:
        assert not (found := differences(session)), found[:5]
    database.dispose()


def _wait() -> None:
    if WAIT:
        _say(f"filled, waiting for {WAIT}")
        while not Path(WAIT).exists():
            time.sleep(1)
        _say("measuring")


def _say(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


@contextmanager
def _served(address: str) -> Iterator[str]:
    """The address of an interface over this database."""
    variables = {"DATABASE_URL": address, "SECRET_KEY": _SECRET}
    with (
        tempfile.TemporaryDirectory() as name,
        serving("--no-migrate", "--data-dir", Path(name), seconds=7200, **variables) as served,
    ):
        yield served.address


def _heads() -> dict[str, str]:
    """How the identifiers of each table begin in the next rows, and one that is before them all (see `_FILL`)."""
    moment = time.time_ns() // 1_000_000
    heads = {table: f"{moment + number:012x}70008" for number, table in enumerate(_FILLED, 1)}
    heads |= {table: heads[table] + "000" for table in _FILLED[1:]}
    return heads | {"after": f"{moment:012x}" + "f" * 20}


class _Stock:
    """What is stored, and how it gets there."""

    def __init__(self, address: str) -> None:
        self.address, self.campaign = address, uuid4()
        self._plain, self._filled = _plain(address), 0
        with self.connection() as connection:
            connection.execute(_PLACES.encode())
            (self._places,) = connection.execute(b"select count(*) from bench_place").fetchone() or (0,)
            connection.execute(
                b"insert into campaign (id, division_code, name, cut_off_year, starts_on, survey_due, state, opened_at)"
                b" values (%s, %s, 'x', 2024, current_date, current_date, 'open', now())",
                (self.campaign, COUNTY),
            )

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self._plain, autocommit=True) as connection:
            connection.execute("select set_config('search_path', 'toilet', false)")
            connection.execute("select set_config('toilet.scope', '{\"\"}', false)")
            yield connection

    def copy(self, url: str, name: str) -> "_Stock":
        """Another database with the same in it, to be read only."""
        with psycopg.connect(_plain(url), autocommit=True) as connection:
            connection.execute(f"create database {name} template bench_statistics".encode())
        other = copy.copy(self)
        other.address = self.address.replace("/bench_statistics", f"/{name}")
        other._plain = _plain(other.address)
        return other

    def fill(self, toilets: int) -> None:
        """So many households with a toilet each in all, summed up.

        Row by row, keys and indexes cost more than the rows do, and the sums of ten million rows would be rewritten for
        each fifty thousand of them. So the rows are written without triggers and indexes, and what the triggers do with
        the rows of one statement is then done once with all that are new: by their own functions' statements.
        """
        started, before = time.perf_counter(), self._filled
        with self.connection() as connection:
            connection.execute("set session_replication_role = replica; set synchronous_commit = off")
            connection.execute("set work_mem = '256MB'; set maintenance_work_mem = '1GB'")
            after = str(new_id())
            with self._unindexed(connection):
                while self._filled < toilets:
                    rows = min(toilets - self._filled, MOST_AT_ONCE)
                    values = {"rows": rows, "campaign": self.campaign, "places": self._places, **_heads()}
                    for statement in _FILL:
                        connection.execute(statement.encode(), values)
                    self._filled += rows
                    _say(f"{self._filled:,} written after {time.perf_counter() - started:.0f} s")
            _say(f"indexed after {time.perf_counter() - started:.0f} s")
            connection.execute("vacuum analyze")
            for table, condition in _NEW.items():
                self._follow(connection, table, condition.format(after=f"'{after}'"))
            _say(f"followed after {time.perf_counter() - started:.0f} s")
            connection.execute("analyze statistic_delta")
            self.fold(connection, ALL_AT_ONCE)
            _say(f"summed up after {time.perf_counter() - started:.0f} s")
            connection.execute("vacuum analyze")
            connection.execute("checkpoint")
        _say(f"{self._filled - before:,} toilets filled in {time.perf_counter() - started:.0f} s")

    @contextmanager
    def _unindexed(self, connection: psycopg.Connection[Any]) -> Iterator[None]:
        """Without the indexes of what is filled, but for those of constraints; made again at the end."""
        found = connection.execute(
            "select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index"
            " where indrelid = any (%s::regclass[])"
            " and not exists (select from pg_constraint where conindid = indexrelid)",
            (list(_FILLED),),
        ).fetchall()
        for name, _ in found:
            connection.execute(f"drop index {name}".encode())
        yield
        for _, definition in found:
            connection.execute(definition.encode())

    def _follow(self, connection: psycopg.Connection[Any], table: str, condition: str) -> None:
        """What the trigger does after one statement that inserted these rows."""
        (body,) = connection.execute(
            "select prosrc from pg_proc where oid = %s::regproc", (f"statistic_{table}_insert",)
        ).fetchone() or ("",)
        connection.execute(f"create temporary view new_rows as select * from {table} where {condition}".encode())
        connection.execute(f"do $body$ {body.replace('return null;', '')} $body$".encode())
        connection.execute("drop view new_rows")

    def fold(self, connection: psycopg.Connection[Any], most: int = 50_000) -> None:
        while True:
            folded = connection.execute("select statistic_fold(%s)", (most,)).fetchone()
            left = connection.execute("select exists (select from statistic_delta)").fetchone()
            if folded == (0,) and left == (False,):
                return
            time.sleep(0 if folded != (0,) else 0.05)

    def switch(self, *, on: bool) -> None:
        """The triggers of the statistics, on or off."""
        with self.connection() as connection:
            for table in _FOLLOWED:
                for operation in ("insert", "update", "delete"):
                    word = "enable" if on else "disable"
                    connection.execute(f"alter table {table} {word} trigger statistic_{table}_{operation}".encode())

    def load(self, *, on: bool) -> float:
        """Seconds to COPY households and toilets in batches, until they are summed up too."""
        self.switch(on=on)
        columns = "id, division_code, name_masked, identity_index, name_index"
        with self.connection() as connection:
            codes = [code for (code,) in connection.execute(f"select code from bench_place where code ^@ '{COUNTY}'")]
            homes = [
                (new_id(), codes[n * len(codes) // LOADED], "张**", uuid4().bytes, uuid4().bytes) for n in range(LOADED)
            ]
            started = time.perf_counter()
            for start in range(0, LOADED, BATCH):
                batch = homes[start : start + BATCH]
                with connection.transaction(), connection.cursor() as cursor:
                    with cursor.copy(f"copy household ({columns}) from stdin") as copy:
                        for home in batch:
                            copy.write_row(home)
                    with cursor.copy(
                        "copy toilet (id, household_id, division_code, mode, built_year, counted) from stdin"
                    ) as copy:
                        for n, home in enumerate(batch):
                            copy.write_row(
                                (new_id(), home[0], home[1], ("full_sewer", "double_urn")[n % 2], 2010 + n % 15, True)
                            )
            self.fold(connection)
            taken = time.perf_counter() - started
        self.switch(on=True)
        return taken


def _token(address: str, name: str) -> str:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    form = f"grant_type=password&username={name}&password={PASSWORD}"
    connection.request("POST", f"{_API}/auth/token", form, {"Content-Type": "application/x-www-form-urlencoded"})
    return str(json.loads(connection.getresponse().read())["access_token"])


def _times(address: str, stock: _Stock) -> dict[str, dict[str, float]]:
    """Place -> question -> the median of its time in milliseconds, on one connection; '': a record by its id."""
    found: dict[str, dict[str, float]] = {}
    for place, (name, code) in _ASKED.items():
        headers = {"Authorization": f"Bearer {_token(address, name)}"}
        with stock.connection() as connection:
            one = connection.execute(f"select id from toilet where division_code ^@ '{COUNTY}' limit 1").fetchone()
        assert one is not None
        line = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
        paths = {"": f"toilets/{one[0]}"}
        paths |= {
            question: path.format(place=code) + f"&campaign_id={stock.campaign}" * (question not in ("centres", "map"))
            for question, path in _QUESTIONS.items()
        }
        seen: dict[str, list[float]] = {question: [] for question in paths}
        for _ in range(REPEATS):
            for question, path in paths.items():
                started = time.perf_counter()
                line.request("GET", f"{_API}/{path}", headers=headers)
                answer = line.getresponse()
                body = answer.read()
                seen[question].append(1000 * (time.perf_counter() - started))
                assert answer.status == 200, body
        found[place] = {question: statistics.median(times[REPEATS // 5 :]) for question, times in seen.items()}
    return found


class _Writers:
    """Clients that add toilets, each in a township of its own."""

    def __init__(self, address: str, stock: _Stock) -> None:
        self._port, self._stock = int(address.rsplit(":", 1)[1]), stock
        self._token = _token(address, "county_admin")
        with stock.connection() as connection:
            rows = connection.execute(
                f"select (array_agg(id))[1:200] from household where division_code ^@ '{COUNTY}'"
                " group by left(division_code, 9) order by 1 limit 32"
            ).fetchall()
        self._homes = [row[0] for row in rows]
        self._used = 0

    def rate(self, *, on: bool) -> float:
        """Writes a second."""
        self._stock.switch(on=on)
        started = time.perf_counter()
        asyncio.run(self._all())
        taken = time.perf_counter() - started
        self._stock.switch(on=True)
        return WRITES / taken

    async def _all(self) -> None:
        self._used += WRITES // WRITERS
        await asyncio.gather(*(self._one(number) for number in range(WRITERS)))

    async def _one(self, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        homes = self._homes[number % len(self._homes)]
        for step in range(WRITES // WRITERS):
            home = homes[(self._used + step + 100 * (number // len(self._homes))) % len(homes)]
            body = json.dumps(
                {"household_id": str(home), "mode": "full_sewer", "built_year": 2020, "led_by": "self"}
            ).encode()
            writer.write(
                f"POST {_API}/toilets HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self._token}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 201"):
                raise RuntimeError(head.decode())
            await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
        writer.close()
