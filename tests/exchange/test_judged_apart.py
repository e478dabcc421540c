"""A long file is judged in a process of its own: to the same end as in a thread, and never half."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from random import Random
from typing import Any
from uuid import UUID

import psutil
import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.conftest import plain
from tests.exchange import generator, ledger_files
from tests.exchange.upload import finished, follow, pages, rows_of, succeeded, upload
from toilet_api.demonstration.persons import Persons
from toilet_api.exchange.imports import binary_rows, giving_way, judged, sources, staging
from toilet_api.exchange.imports.job import run as run_import
from toilet_api.kernel.database import Database, Session, driver
from toilet_api.kernel.jobs import Context
from toilet_api.kernel.objects import ObjectStore
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings

As = Callable[[str], TestClient]
Drain = Callable[[], None]
LEDGER = generator.make("360423208", 400, seed=11, mess=0.5, faults=0.2)
NAMES = {"id", "household_id", "record_type", "record_id", "import_id"}
MAKE: dict[str, Callable[[generator.Ledger], bytes]] = {
    "csv": lambda ledger: ledger_files.as_csv(ledger, "utf-8"),
    "xlsx": ledger_files.as_xlsx,
}


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a file of many batches."""
    monkeypatch.setattr(sources, "LONG", 1)
    monkeypatch.setattr(judged, "BATCH", 60)


def report(client: TestClient, job: dict[str, Any]) -> list[dict[str, Any]]:
    """The report but for what is another in each import: the ids of what was made."""
    return [
        {name: value for name, value in row.items() if name not in NAMES}
        for _, row in sorted(rows_of(client, job).items())
    ]


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_both_ways_come_to_the_same(
    file_format: str, as_: As, drain_jobs: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, name = as_("township_manager"), f"ledger.{file_format}"
    content = MAKE[file_format](LEDGER)
    tried = finished(client, drain_jobs, content, name, dry_run="true")
    beside = report(client, tried)
    monkeypatch.setattr(sources, "LONG", 1)
    again = finished(client, drain_jobs, content, name, dry_run="true")
    assert report(client, again) == beside
    assert {key: again[key] for key in ("counts", "sheets")} == {key: tried[key] for key in ("counts", "sheets")}
    assert not list(pages(client, "/households"))
    job = succeeded(client, drain_jobs, content, name)
    assert report(client, job) == beside
    assert job["counts"]["created"] == len(list(pages(client, "/households"))) > 200
    assert succeeded(client, drain_jobs, content, name, on_conflict="update")["counts"]["created"] == 0


@pytest.mark.usefixtures("apart")
def test_rows_that_are_registered_already_are_settled_one_by_one(as_: As, drain_jobs: Drain) -> None:
    """A batch in which some are new, some the same, some changed, some twice in the file."""
    client = as_("township_manager")
    persons = Persons("360423", Random(5))
    head = "village_code,name,id_number,mode,subsidy"
    lines = [
        f"360423208201,{one.name},{one.id_number},three_compartment,1000"
        for one in (persons.next() for _ in range(200))
    ]
    known = lines[:100:5]
    assert succeeded(client, drain_jobs, "\n".join([head, *known]).encode())["counts"]["created"] == 20
    richer = [line.replace(",1000", ",1500") if number % 10 == 0 else line for number, line in enumerate(lines)]
    both = succeeded(client, drain_jobs, "\n".join([head, *richer, *lines[190:]]).encode(), on_conflict="update")
    counts = {name: both["counts"][name] for name in ("created", "updated", "unchanged", "rejected")}
    assert counts == {"created": 180, "updated": 10, "unchanged": 10, "rejected": 10}
    told = rows_of(client, both)
    assert [told[number]["outcome"] for number in (2, 3, 7, 12, 202)] == [
        "updated", "created", "unchanged", "updated", "rejected",
    ]  # fmt: skip
    assert told[202]["errors"][0]["reason"] == "dup"
    assert told[3]["household_id"] in {one["id"] for one in pages(client, "/households")}


@pytest.mark.usefixtures("apart")
def test_a_judge_that_is_killed_leaves_nothing_and_the_next_run_goes_on(
    as_: As, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = as_("township_manager")
    context = Context(database, Vault(settings), ObjectStore(settings), settings)
    job_id = upload(client, ledger_files.as_csv(LEDGER, "utf-8"))["id"]
    insert = staging.insert
    killed: list[int] = []

    def overtaken(*arguments: Any, **named: Any) -> Any:
        if not killed:
            for one in psutil.Process().children():
                with suppress(psutil.NoSuchProcess):  # it has just ended
                    killed.extend([one.pid] if "toilet_api.exchange.imports.judge" in one.cmdline() else [])
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
        return insert(*arguments, **named)

    monkeypatch.setattr(staging, "insert", overtaken)
    with pytest.raises(RuntimeError, match="judging failed"):
        run_import(context, job_id=job_id)
    assert len(killed) == 1
    assert follow(client, job_id)["state"] == "running", "the queue tries it again"
    assert not list(pages(client, "/households"))
    run_import(context, job_id=job_id)
    job = follow(client, job_id)
    assert job["state"] == "succeeded"
    assert job["counts"]["created"] == len(list(pages(client, "/households"))) > 200


def test_words_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary_rows, "_WORDS_AT_MOST", 2)
    words = binary_rows.Words()
    for value in ("a", None, "石渡", "a", "", None):
        assert words[value] == binary_rows.text(value)
        assert len(words) <= 2


def test_the_judge_loads_no_more_than_judging_needs() -> None:
    """It is started for each long file, beside the API: what has to do with SQL or HTTP would cost memory and time."""
    ask = "import sys, toilet_api.exchange.imports.judge; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout.split()
    assert "toilet_api" in loaded
    assert not {"sqlalchemy", "sqlmodel", "psycopg", "fastapi", "starlette", "procrastinate"} & set(loaded)


@pytest.mark.usefixtures("apart")
def test_an_import_leaves_the_processors_to_who_waits(
    as_: As, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = as_("township_manager")
    writing: list[int] = []
    judging: list[int] = []
    context = Context(database, Vault(settings), ObjectStore(settings), settings)
    job_id = upload(client, ledger_files.as_csv(LEDGER, "utf-8"))["id"]
    insert, lower = staging.insert, giving_way.with_process

    def watched(session: Session, *arguments: Any, **named: Any) -> Any:
        writing.append(psutil.Process(driver(session).info.backend_pid).nice())
        return insert(session, *arguments, **named)

    def lowered(pid: int, niceness: int) -> bool:
        done = lower(pid, niceness)
        if niceness == giving_way.JUDGE:  # it may have ended by the time that anything is written
            judging.append(os.getpriority(os.PRIO_PROCESS, pid))
        return done

    monkeypatch.setattr(staging, "insert", watched)
    monkeypatch.setattr(giving_way, "with_process", lowered)
    usual = niceness(database, settings)
    run_import(context, job_id=job_id)
    assert writing[0] == max(giving_way.BACKEND, *usual)
    assert judging == [max(giving_way.JUDGE, os.getpriority(os.PRIO_PROCESS, 0))]
    assert niceness(database, settings) == usual, "requests get other connections"


def niceness(database: Database, settings: Settings) -> list[int]:
    """Of the server's processes behind each connection of the pool."""
    with ExitStack() as stack:
        sessions = [stack.enter_context(database.transaction()) for _ in range(settings.database_pool_size)]
        return [psutil.Process(driver(one).info.backend_pid).nice() for one in sessions]


_VALUES = {
    "text": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30),
    "bytea": st.binary(max_size=20),
    "bytea[]": st.lists(st.binary(max_size=5), max_size=4),
    "uuid": st.uuids(),
    "bool": st.booleans(),
    "int4": st.integers(-(2**31), 2**31 - 1),
    "int8": st.integers(-(2**63), 2**63 - 1),
}
_FIELD_OF: dict[str, Callable[[Any], bytes]] = {
    "text": binary_rows.text,
    "bytea": binary_rows.bytea,
    "bytea[]": binary_rows.byteas,
    "uuid": binary_rows.uuid,
    "bool": binary_rows.boolean,
    "int4": binary_rows.int4,
    "int8": binary_rows.int8,
}
_ROWS = st.lists(st.tuples(*(st.none() | one for one in _VALUES.values())), max_size=5)


def test_rows_in_binary_are_read_as_they_were(server: str) -> None:
    with psycopg.connect(plain(server)) as connection:
        columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(_VALUES))
        connection.execute(f"create temp table taken ({columns})".encode())
        writer, fields = binary_rows.BinaryRows(len(_VALUES)), [_FIELD_OF[kind] for kind in _VALUES]

        @examples(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(_ROWS)
        def held(rows: list[tuple[Any, ...]]) -> None:
            connection.execute("truncate taken")
            with connection.cursor().copy("copy taken from stdin (format binary)") as copy:
                copy.write(writer.encode([field(one) for field, one in zip(fields, row, strict=True)] for row in rows))
            found = connection.execute("select * from taken").fetchall()
            assert [tuple(row) for row in found] == rows
            assert all(row[3] is None or isinstance(row[3], UUID) for row in found)

        held()
