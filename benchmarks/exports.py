"""How fast a register of a million households is exported, held to COPY and to the fastest writer of workbooks.

The floor of CSV and NDJSON is COPY of the same tables' columns as they are, by the same join, to CSV: nothing is
labelled, guarded, ordered, hashed or stored. The floor of workbooks is rustpy-xlsxwriter, the fastest writer for Python
that we know of, on the very cells of our file. Each export runs as its job, in a process of its own whose memory is
watched.
"""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from rustpy_xlsxwriter import FastExcel
from sqlalchemy import text

import toilet_api.exchange.exports.job  # noqa: F401 - declares the task
from benchmarks.entry import Entry, interleaved
from toilet_api.divisions import loading
from toilet_api.exchange.exports.copying import CSV, NULL, TEXT, Query, copied
from toilet_api.exchange.exports.datasets import Asked, Shard
from toilet_api.exchange.exports.registered import DATASETS
from toilet_api.exchange.exports.schemas import ExportFilters
from toilet_api.exchange.exports.tables import ExportJob
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.migrations import migrate
from toilet_api.settings import Settings

ROWS = int(os.environ.get("BENCH_STORED", "1000000"))
"""A smaller figure, a multiple of five, is for a quick look; the bars are meant for this one."""
WORKBOOK_ROWS = ROWS // 5
"""Those of one mode of five."""
MEMORY_MB = 400
COUNTY = "360423"
DIVISIONS = Path(__file__).parents[1] / "tests" / "data" / "divisions_subset.csv"

_FILL = (
    """
    insert into toilet.household (id, division_code, name_masked, id_number_masked, phone_masked, address_masked,
                                  identity_index, name_index, family_size, dwelling_state, note)
    select uuidv7(), village.codes[1 + (n::bigint * cardinality(village.codes) / (%(rows)s + 1))::int], '张**',
           '360423********' || lpad((n %% 10000)::text, 4, '0'), '199****' || lpad((n %% 10000)::text, 4, '0'),
           '石渡村*组***', uuid_send(gen_random_uuid()), uuid_send(gen_random_uuid()), n %% 10,
           (array['occupied', 'vacant', 'occupied'])[1 + n %% 3], case when n %% 5 = 0 then '常年在外，由邻居代管' end
    from generate_series(1, %(rows)s) n,
         (select array_agg(code order by code) as codes from toilet.division
          where length(code) = 12 and left(code, 6) = '360423') as village
    """,
    """
    insert into toilet.toilet (id, household_id, division_code, mode, counted, built_year, built_month, led_by,
                               subsidy_fen)
    select uuidv7(), id, division_code,
           (array['three_compartment', 'full_sewer', 'double_urn', 'bucket', 'open_pit'])[1 + family_size %% 5],
           true, 2019 + family_size %% 6, case when family_size %% 2 = 0 then 6 end,
           (array['health', 'agriculture', 'self', 'other_department'])[1 + family_size %% 4], 150000
    from toilet.household where %(rows)s > 0
    """,
)


# The columns as they are stored, of the same tables by the same join.
_BARE = text(
    """
    with place as materialized (
        select village.code, village.name as village, township.name as township, county.name as county,
               city.name as city
        from division as village
        left join division as township on township.code = left(village.code, 9)
        left join division as county on county.code = left(village.code, 6)
        left join division as city on city.code = left(village.code, 4)
        where village.code ^@ '360423'
    )
    select household.id, toilet.id, place.city, place.county, place.township, place.village, household.division_code,
           household.name_masked, household.id_number_masked, household.address_masked, household.phone_masked,
           household.family_size, household.dwelling_state, toilet.mode, toilet.built_year, toilet.built_month,
           toilet.led_by, toilet.subsidy_fen, household.note, toilet.grade, toilet.counted, toilet.note,
           household.updated_at
    from household
    left join toilet on toilet.household_id = household.id and toilet.removed_at is null
    left join place on place.code = household.division_code
    where household.removed_at is null and household.division_code ^@ '360423'
    """
)


def run(url: str) -> list[Entry]:
    """The entries, on a database of their own."""
    head, _, query = url.partition("?")
    address = f"{head.rsplit('/', 1)[0]}/bench_exports" + (f"?{query}" if query else "")
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        connection.execute("create database bench_exports")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database_url=address, data_dir=Path(folder), secret_key="of the benchmark" * 4)
        database = _furnished(settings, address)
        peak: dict[str, float] = {}
        medians = interleaved(
            {
                "copy": lambda: ROWS / _floor(database),
                "csv": lambda: ROWS / _export(settings, database, "csv", peak),
                "ndjson": lambda: ROWS / _export(settings, database, "ndjson", peak),
                "writer": lambda: WORKBOOK_ROWS / _writer(database, Path(folder) / "floor.xlsx"),
                "xlsx": lambda: WORKBOOK_ROWS / _export(settings, database, "xlsx", peak),
            }
        )
        _export(settings, database, "parquet", peak)
        database.dispose()
    return [
        *(
            Entry.rate(f"export of {ROWS:,} rows, {form.upper()}", medians[form], medians["copy"], "rows/s", 0.7)
            for form in ("csv", "ndjson")
        ),
        Entry.rate(f"export of {WORKBOOK_ROWS:,} rows, XLSX", medians["xlsx"], medians["writer"], "rows/s", 0.5),
        *(_memory(form, megabytes) for form, megabytes in peak.items()),
    ]


def _memory(form: str, megabytes: float) -> Entry:
    """Less is better: it holds below the limit."""
    ratio = round(megabytes / MEMORY_MB, 3)
    return Entry(f"peak memory of an export, {form.upper()}", round(megabytes, 1), MEMORY_MB, ratio, 1, "MB", ratio < 1)


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def _furnished(settings: Settings, address: str) -> Database:
    migrate(settings)
    database = Database(settings)
    loading.load(database, DIVISIONS)
    with psycopg.connect(_plain(address), autocommit=True) as connection:
        connection.execute("select set_config('toilet.scope', '{\"\"}', false)")
        for statement in _FILL:
            connection.execute(statement, {"rows": ROWS})
        connection.execute("vacuum analyze")
    return database


def _floor(database: Database) -> float:
    """Seconds of the bare COPY, into nothing."""
    with database.snapshot((COUNTY,)) as session:
        started = time.perf_counter()
        rows = sum(count for _, count in copied(session, Query.of(session, _BARE), CSV))
        seconds = time.perf_counter() - started
    assert rows == ROWS, rows
    return seconds


def _asked(form: str) -> ExportFilters:
    return ExportFilters(mode=["double_urn"] if form == "xlsx" else None)


def _export(settings: Settings, database: Database, form: str, peak: dict[str, float]) -> float:
    """Seconds from the queued job to its end, in a worker of its own; notes its peak memory."""
    job_id = uuid4()
    with database.transaction(EVERYWHERE) as session:
        session.add(
            ExportJob(
                id=job_id,
                division_code=COUNTY,
                dataset="households",
                format=form,
                filters=_asked(form).model_dump(mode="json", exclude_none=True),
                likeness=str(job_id),
                file_name=f"bench.{form}",
                actor_kind="person",
                actor_name="bench",
                created_by=job_id,
            )
        )
        session.flush()
        jobs.defer(session, "export.run", job_id=str(job_id))
    spawn = multiprocessing.get_context("spawn")
    told: Any = spawn.Queue()
    worker = spawn.Process(target=_work, args=(settings, told))
    worker.start()
    seconds, megabytes = told.get()
    worker.join()
    peak[form] = max(peak.get(form, 0.0), megabytes)
    _check(database, job_id, WORKBOOK_ROWS if form == "xlsx" else ROWS)
    return float(seconds)


def _work(settings: Settings, told: Any) -> None:
    started = time.perf_counter()
    jobs.run_worker(settings, wait=False, concurrency=1)
    seconds = time.perf_counter() - started
    # Not getrusage: what the parent had at the fork stays in it.
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    told.put((seconds, int(peak.split()[1]) / 1024))


def _check(database: Database, job_id: UUID, rows: int) -> None:
    with database.transaction(EVERYWHERE) as session:
        done = session.get_one(ExportJob, job_id)
        assert (done.state, done.rows) == ("succeeded", rows), (done.state, done.rows, done.problem)


def _writer(database: Database, path: Path) -> float:
    """Seconds of the fastest writer on the very cells, which are at hand as it wants them."""
    source = DATASETS["households"].build(Asked(Shard("360423", "360424"), _asked("xlsx"), date(2026, 6, 30)))
    keys = [column.zh for column in source.columns]

    def cells() -> Iterator[dict[str, str | None]]:
        with database.snapshot((COUNTY,)) as session:
            shown = Query.of(session, source.select(*(column.shown for column in source.columns)))
            for block, _ in copied(session, shown, TEXT):
                for line in block.decode()[:-1].split("\n"):
                    yield dict(zip(keys, (None if one == NULL else one for one in line.split("\t")), strict=True))

    rows = list(cells())
    assert len(rows) == WORKBOOK_ROWS, len(rows)
    started = time.perf_counter()
    FastExcel(str(path)).sheet("s", rows).save()
    return time.perf_counter() - started
