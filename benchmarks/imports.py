"""How fast a ledger of 20,000 rows is imported, held to a COPY of the same rows, and to itself on a full register.

The floor is COPY of the 13 columns of the file into a bare table: what Postgres needs if nothing is read, judged,
encrypted, journaled or reported. The second entry must stay near 1: time must not grow with what is stored.
"""

import csv
import io
import random
import tempfile
import time
from pathlib import Path

import psycopg

from benchmarks.entry import Entry
from toilet_api.demonstration import ledger
from toilet_api.demonstration.persons import Persons
from toilet_api.demonstration.places import Township, choose
from toilet_api.divisions import loading
from toilet_api.exchange.imports.tables import ImportJob
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.migrations import migrate
from toilet_api.kernel.objects import ObjectStore
from toilet_api.settings import Settings

ROWS = 20_000
STORED = 200_000
COUNTY = "360423"
DIVISIONS = Path(__file__).parents[1] / "tests" / "data" / "divisions_subset.csv"

_FILL = (
    """
    insert into toilet.household (id, division_code, created_by, updated_by, name_masked, id_number_masked,
                                  identity_index, name_index)
    select uuidv7(), village.codes[1 + mod(n, cardinality(village.codes))], null, null, '张**', '360423********0000',
           uuid_send(gen_random_uuid()), uuid_send(gen_random_uuid())
    from generate_series(1, %s) n,
         (select array_agg(code) as codes from toilet.division
          where length(code) = 12 and left(code, 6) = '360423') as village
    """,
    """
    insert into toilet.household_person (household_id, division_code, sealed)
    select id, division_code, decode(repeat('00', 160), 'hex') from toilet.household
    on conflict do nothing
    """,
    """
    insert into toilet.toilet (id, household_id, division_code, created_by, updated_by, mode, counted, built_year)
    select uuidv7(), id, division_code, null, null, 'three_compartment', true, 2024 from toilet.household
    where not exists (select from toilet.toilet there where there.household_id = household.id)
    """,
    "analyze",
)


def run(url: str) -> list[Entry]:
    """The two entries, on a database of their own."""
    plain = url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("create database bench_imports")
    head, _, query = url.partition("?")
    url = f"{head.rsplit('/', 1)[0]}/bench_imports?{query}"
    plain = url.replace("postgresql+psycopg://", "postgresql://")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database_url=url, data_dir=Path(folder), secret_key="of the benchmark" * 4)
        migrate(settings)
        database = Database(settings)
        loading.load(database, DIVISIONS)
        with database.transaction(EVERYWHERE) as session:
            township, _ = choose(session, COUNTY)
        persons = Persons(COUNTY, random.Random(1))
        content = _content(township, persons)
        floor = ROWS / _copy(plain, content)
        empty = ROWS / _import(settings, database, content)
        with psycopg.connect(plain) as connection:
            for statement in _FILL:
                connection.execute(statement, (STORED,) if "%s" in statement else None)
        full = ROWS / _import(settings, database, _content(township, persons))
        database.dispose()
    return [
        Entry.rate(f"import of {ROWS:,} rows, beside COPY of the file's columns", empty, floor, "rows/s"),
        Entry.rate(f"the same with {STORED:,} households stored, beside none", full, empty, "rows/s", target=0.75),
    ]


def _content(township: Township, persons: Persons) -> bytes:
    return ledger.write(township, ROWS, persons, random.Random(2), 2024)


def _copy(url: str, content: bytes) -> float:
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))[1:]
    columns = ", ".join(f"field_{index} text" for index in range(len(rows[0])))
    with psycopg.connect(url) as connection:
        connection.execute(f"create table bare ({columns})")
        started = time.perf_counter()
        with connection.cursor().copy("copy bare from stdin") as copy:
            for row in rows:
                copy.write_row(row)
        connection.commit()
        return time.perf_counter() - started


def _import(settings: Settings, database: Database, content: bytes) -> float:
    """Seconds from the queued job to its end. Everything else of an upload doesn't depend on what is stored."""
    with database.transaction(EVERYWHERE) as session:
        job = ImportJob(
            division_code=COUNTY,
            dry_run=False,
            on_conflict="fail",
            file_name="bench.csv",
            file_sha256=ObjectStore(settings).put(io.BytesIO(content)),
            file_bytes=len(content),
            actor_kind="person",
            actor_name="bench",
        )
        session.add(job)
        session.flush()
        job_id = job.id
        jobs.defer(session, "import.run", job_id=str(job_id))
    started = time.perf_counter()
    jobs.run_worker(settings, wait=False)
    seconds = time.perf_counter() - started
    with database.transaction(EVERYWHERE) as session:
        done = session.get_one(ImportJob, job_id)
        assert (done.state, done.created) == ("succeeded", ROWS), done
    return seconds
