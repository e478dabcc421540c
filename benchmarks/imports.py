"""How fast ledgers go from a client to the register, held to a bare COPY of what they leave there.

The floor is COPY (binary) into the very tables that an import fills (household, household_person, toilet, audit_entry,
change_entry, import_row), with their indexes and foreign keys, by the owner, in one transaction, from memory. The
import goes the whole way: the client sends the file in parts over HTTP to `toilet-api serve`, whose worker validates,
checks the scope, seals, matches, writes, journals and reports each row; it ends when the job says so.
"""

import csv
import json
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import xlsxwriter
from tests.delivery.running import serving
from tests.world import PASSWORD, load_people

from benchmarks.entry import Entry, interleaved
from toilet_api.accounts import keys
from toilet_api.client import Client
from toilet_api.client.answers import OnConflict
from toilet_api.demonstration.persons import Persons
from toilet_api.divisions import loading
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.migrations import migrate
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings

ROWS = int(os.environ.get("BENCH_ROWS", "200000"))
STORED = int(os.environ.get("BENCH_STORED", "1000000"))
"""Smaller figures are for a quick look; the bars are meant for these."""
COUNTY = "360423"
HOURS = 4 * 3600.0
MEMORY_MB = 400
DIVISIONS = Path(__file__).parents[1] / "tests" / "data" / "divisions_subset.csv"
TABLES = ("household", "household_person", "toilet", "audit_entry", "change_entry", "import_row")
FIELDS = (
    "village_code",
    "name",
    "id_number",
    "address",
    "phone",
    "family_size",
    "mode",
    "year",
    "led_by",
    "subsidy",
    "note",
)
_MODES = ("three_compartment", "double_urn", "full_sewer", "urine_diverting", "bucket")
_LEADERS = ("health", "agriculture", "other_department", "self")
_SECRET = "of the benchmark" * 4
_FILL = (
    """
    insert into household (id, division_code, name_masked, id_number_masked, identity_index, name_index)
    select uuidv7(), village.codes[1 + mod(n, cardinality(village.codes))], '张**', '360423********0000',
           uuid_send(gen_random_uuid()), uuid_send(gen_random_uuid())
    from generate_series(1, %(rows)s) n,
         (select array_agg(code) as codes from division where length(code) = 12 and left(code, 6) = '360423') as village
    """,
    """
    insert into household_person (household_id, division_code, sealed)
    select id, division_code, decode(repeat('00', 160), 'hex') from household where %(rows)s > 0
    """,
    """
    insert into toilet (id, household_id, division_code, mode, counted, built_year)
    select uuidv7(), id, division_code, 'three_compartment', true, 2024 from household where %(rows)s > 0
    """,
)

Row = dict[str, Any]


def run(url: str) -> list[Entry]:
    """The entries, on a database of their own."""
    address = _database(url, "bench_imports")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _furnish(Settings(database_url=address, data_dir=folder, secret_key=_SECRET))
        files = _files(folder, _rows(ROWS))
        variables = {"DATABASE_URL": address, "SECRET_KEY": _SECRET}
        with (
            serving("--no-migrate", "--data-dir", folder, seconds=HOURS, **variables) as served,
            Client(served.address, username="county_admin", password=PASSWORD, timeout=120) as client,
        ):
            bench = _Bench(address, client, list(served.descendants()))
            bench.upload(files["csv"])
            stored = bench.stored()
            contenders: dict[str, Callable[[], float]] = {"copy": lambda: ROWS / bench.copy(stored)}
            for form, file in files.items():
                contenders[form] = lambda file=file: ROWS / bench.fresh(file)  # type: ignore[misc]
            rates = interleaved(contenders)
            again = _rows(ROWS, subsidy=2500)
            updates = interleaved(
                {"empty": lambda: bench.fresh(files["csv"]), "update": lambda: bench.update(folder, again)}
            )
            full = bench.full(files["csv"])
            pages = bench.pages(_csv(folder / "more.csv", _rows(ROWS, after=ROWS)))
            peak = bench.memory(_csv(folder / "million.csv", _rows(STORED)))
    return [
        *(
            Entry.rate(
                f"import of {ROWS:,} rows, {form.upper()}, over HTTP", rates[form], rates["copy"], "rows/s", target
            )
            for form, target in (("ndjson", 0.5), ("csv", 0.5), ("xlsx", 0.35))
        ),
        _at_most(f"the same into {STORED:,} households", full, statistics.median([updates["empty"]]), "s", 1.3),
        _at_most(f"update of all {ROWS:,} rows", updates["update"], updates["empty"], "s", 2),
        _at_most("p95 of a page while an import runs", *pages, "ms", 2),
        _at_most(f"peak memory at {STORED:,} rows in, worker and API", peak, MEMORY_MB, "MB", 1),
    ]


def _at_most(name: str, value: float, floor: float, unit: str, target: float) -> Entry:
    """Less is better: value / floor must stay at or below the target."""
    ratio = value / floor
    return Entry(name, round(value, 2), round(floor, 2), round(ratio, 3), target, unit, ratio <= target)


class _Bench:
    """A served interface with an empty register, and the ways to fill it."""

    def __init__(self, address: str, client: Client, processes: list[psutil.Process]) -> None:
        self._plain, self._client, self._processes = _plain(address), client, processes

    def upload(self, file: Path, on_conflict: OnConflict = "fail") -> float:
        """Seconds from the first byte to the job's end; every row must have been taken."""
        started = time.perf_counter()
        job = self._client.wait(self._client.upload(file, on_conflict=on_conflict, division=COUNTY, wait=False))
        seconds = time.perf_counter() - started
        assert job["state"] == "succeeded", job
        assert not job["counts"]["rejected"], job
        return seconds

    def empty(self) -> None:
        """Take away what was imported."""
        self._execute(f"truncate {', '.join(TABLES)} cascade")
        self._execute("checkpoint")

    def fresh(self, file: Path) -> float:
        """The seconds of an import into an empty register."""
        self.empty()
        return self.upload(file)

    def update(self, folder: Path, rows: list[Row]) -> float:
        """The seconds of an import that changes every household that is there."""
        self._execute("checkpoint")
        return self.upload(_csv(folder / "again.csv", rows), "update")

    def stored(self) -> dict[str, tuple[str, bytes]]:
        """What an import has left: by table its columns, and the rows as COPY gives and takes them."""
        kept = {}
        with psycopg.connect(self._plain) as connection:
            for table in TABLES:
                names = connection.execute(
                    "select string_agg(quote_ident(column_name), ', ' order by ordinal_position)"
                    " from information_schema.columns where table_schema = 'toilet' and table_name = %s"
                    " and is_generated = 'NEVER' and identity_generation is null",
                    (table,),
                ).fetchone()
                assert names is not None
                select = f"copy (select {names[0]} from toilet.{table}) to stdout (format binary)".encode()
                with connection.cursor().copy(select) as copy:
                    kept[table] = (names[0], b"".join(bytes(block) for block in copy))
        return kept

    def copy(self, stored: dict[str, tuple[str, bytes]]) -> float:
        """The seconds of the bare COPY of it into the emptied tables."""
        self.empty()
        started = time.perf_counter()
        with psycopg.connect(self._plain) as connection:
            for table, (names, data) in stored.items():
                statement = f"copy toilet.{table} ({names}) from stdin (format binary)".encode()
                with connection.cursor().copy(statement) as copy:
                    for place in range(0, len(data), 65_536):
                        copy.write(data[place : place + 65_536])
        return time.perf_counter() - started

    def full(self, file: Path) -> float:
        """The seconds of an import into a register that holds a county's households already."""
        self.empty()
        with psycopg.connect(self._plain, autocommit=True) as connection:
            connection.execute("set search_path = toilet")
            for statement in _FILL:
                connection.execute(statement.encode(), {"rows": STORED})
            connection.execute("vacuum analyze household, household_person, toilet")
            connection.execute("checkpoint")
        return self.upload(file)

    def pages(self, file: Path) -> tuple[float, float]:
        """p95 of a page of households in milliseconds: while an import of others runs, and while nothing does.

        In a register that holds a county's, as it is when somebody reads. In an empty one a page looks through all that
        an import has written so far, which nobody may see yet.
        """
        self._settle()
        idle = self._p95(lambda count: count >= 200)
        running = threading.Thread(target=self.upload, args=(file,))
        running.start()
        busy = self._p95(lambda _: not running.is_alive())
        running.join()
        return busy, idle

    def _settle(self) -> None:
        """Wait until the statistics are summed up and Postgres has stopped tidying: an import leaves work behind."""
        with psycopg.connect(self._plain, autocommit=True) as connection:
            quiet = 0
            while quiet < 10:
                time.sleep(0.5)
                left = connection.execute(
                    "select exists (select from toilet.statistic_delta) or exists (select from pg_stat_activity"
                    " where backend_type in ('autovacuum worker', 'client backend') and state = 'active'"
                    " and pid <> pg_backend_pid())"
                ).fetchone()
                quiet = 0 if left == (True,) else quiet + 1

    def _p95(self, enough: Callable[[int], bool]) -> float:
        seconds: list[float] = []
        with Client(self._client.url, username="county_reviewer", password=PASSWORD) as reader:
            while not enough(len(seconds)):
                started = time.perf_counter()
                reader.request("GET", "households", params={"limit": 50})
                seconds.append(time.perf_counter() - started)
                time.sleep(0.05)
        return statistics.quantiles(seconds, n=20)[18] * 1000

    def memory(self, file: Path) -> float:
        """The most memory that worker and API held together during an import, in MB."""
        self.empty()
        with _watched(self._processes) as peak:
            self.upload(file)
        return peak()

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._plain, autocommit=True) as connection:
            connection.execute("set search_path = toilet")
            connection.execute(statement.encode())


@contextmanager
def _watched(processes: list[psutil.Process]) -> Iterator[Callable[[], float]]:
    """Samples the unshared memory of these processes and of what they start."""
    most = 0
    over = threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.2):
            most = max(most, sum(_memory_of(one) for one in processes))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield lambda: most / 1_000_000
    finally:
        over.set()
        watcher.join()


def _memory_of(process: psutil.Process) -> int:
    total = 0
    try:
        for one in (process, *process.children(recursive=True)):
            if "postgres" not in one.name():
                total += int(one.memory_full_info().uss)
    except psutil.NoSuchProcess:
        pass
    return total


def _rows(count: int, subsidy: int = 2000, after: int = 0) -> list[Row]:
    """Clean rows: codes, canonical values. Made up, the same ones each time; `after` so many others."""
    chance = random.Random(1)
    persons = Persons(COUNTY, random.Random(2))
    for _ in range(after):
        persons.next()
    with DIVISIONS.open(encoding="utf-8-sig") as file:
        villages = [row[0] for row in csv.reader(file) if len(row[0]) == 12 and row[0].startswith(COUNTY)]
    rows = []
    for number in range(count):
        person = persons.next()
        values = (
            villages[number * len(villages) // count],
            person.name,
            person.id_number,
            person.address,
            "".join(person.phones),
            chance.randint(1, 7),
            chance.choice(_MODES),
            chance.randint(2016, 2024),
            chance.choice(_LEADERS),
            subsidy,
            "",
        )
        rows.append(dict(zip(FIELDS, values, strict=True)))
    return rows


def _files(folder: Path, rows: list[Row]) -> dict[str, Path]:
    ndjson = folder / "ledger.ndjson"
    with ndjson.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    book = folder / "ledger.xlsx"
    with xlsxwriter.Workbook(book, {"constant_memory": True}) as workbook:
        sheet = workbook.add_worksheet("台账")
        sheet.write_row(0, 0, FIELDS)
        for number, row in enumerate(rows, 1):
            sheet.write_row(number, 0, list(row.values()))
    return {"ndjson": ndjson, "csv": _csv(folder / "ledger.csv", rows), "xlsx": book}


def _csv(path: Path, rows: list[Row]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def _database(url: str, name: str) -> str:
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    head, _, query = url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


def _furnish(settings: Settings) -> None:
    migrate(settings)
    database = Database(settings)
    loading.load(database, DIVISIONS)
    load_people(database, settings)
    with database.transaction(EVERYWHERE) as session:
        keys.rotate(session, Vault(settings))
    database.dispose()


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")
