"""SIGKILL at random moments, on a deployment as an operator runs it: every row of an import once, or none at all.

KILLS: how many moments (default 1, broad 2). KILLS_SEED: what they are drawn from (default 4: of the
imports in which a worker dies one is cancelled, one fails, one succeeds). Each is shown by
`--log-cli-level=INFO`.
"""

import itertools
import logging
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.breadth import tries
from tests.exchange.killing import KINDS, Deployed, Patient, furnish
from tests.exchange.test_register import ledger
from tests.folders import quick_folder
from toilet_api.exchange.imports import sources
from toilet_api.kernel.fields import new_id
from toilet_api.registry.rules import id_check_character

log = logging.getLogger(__name__)

KILLS = tries("KILLS", 1, 2)
SEED = int(os.environ.get("KILLS_SEED", "4"))
ROWS = tries("KILLED_ROWS", 1_000, 2_600)
"""Of each file; the broad number is more than a batch."""
LONG_FIRST = 10_000_000
"""Households of long files begin with this number, beyond all others."""
PART = 64 * 1024
WAIT_SECONDS = 120
BAD = "四格"

_REPORT = """
    select position, row_number, outcome, household_id, errors from import_row where job_id = %s order by position
"""
_WRITTEN = """
    with mine as (select id, note, version from household where note like %s),
    audited as (
        select subject_id, string_agg(action, ' ' order by version) as actions from audit_entry
        where subject_type = 'household' and subject_id in (select id from mine) group by subject_id
    ),
    changed as (
        select subject_id, string_agg(op, ' ' order by version) as ops from change_entry
        where subject_type = 'household' and subject_id in (select id from mine) group by subject_id
    )
    select note, mine.id, version, actions, ops
    from mine left join audited on audited.subject_id = mine.id left join changed on changed.subject_id = mine.id
"""
# Of the whole register: what must be nought, wherever and whenever something was killed.
_ODD = {
    "households without exactly one person": """
        select count(*) from household left join household_person person on person.household_id = household.id
        where person.household_id is null
    """,
    "households without exactly one toilet": """
        select count(*) from (
            select from household left join toilet on toilet.household_id = household.id
            group by household.id having count(toilet.id) <> 1
        ) as odd
    """,
    "identities held twice": """
        select count(*) from (
            select from household group by identity_place, identity_index having count(*) > 1
        ) as odd
    """,
    "records created in the journal once and there, or not": """
        select count(*) from (
            select id from household union all select id from toilet
        ) as there
        full join (
            select subject_id, count(*) as times from audit_entry
            where action in ('household.created', 'toilet.created') group by subject_id
        ) as audited on audited.subject_id = there.id
        full join (
            select subject_id, count(*) as times from change_entry
            where op = 'create' and subject_type in ('household', 'toilet') group by subject_id
        ) as changed on changed.subject_id = there.id
        where there.id is null or audited.times is distinct from 1 or changed.times is distinct from 1
    """,
    "changes that only one of both journals has": """
        select count(*) from (
            select subject_id, version from audit_entry where subject_type in ('household', 'toilet')
        ) as audited
        full join (
            select subject_id, version from change_entry where subject_type in ('household', 'toilet')
        ) as changed using (subject_id, version)
        where audited.subject_id is null or changed.subject_id is null
    """,
    "changes journalled twice": """
        select count(*) from (
            select from change_entry where subject_type in ('household', 'toilet')
            group by subject_id, version having count(*) > 1
        ) as odd
    """,
    "rows reported for a job that has none": """
        select count(*) from import_row join import_job on import_job.id = import_row.job_id
        where import_job.state not in ('succeeded', 'failed')
    """,
}
_LEFT = "select count(*) from procrastinate_jobs where task_name = 'import.run' and status in ('todo', 'doing')"


@dataclass
class File:
    """One import: its rows, and what must become of them."""

    name: str
    first: int
    """The number of its first household."""
    outcome: str = "created"
    rows: int = ROWS
    bad: int | None = None
    """The position of a row that must be rejected."""
    job_id: str = ""
    job: dict[str, Any] = field(default_factory=dict)

    def note(self, position: int) -> str:
        return f"{self.name} {position}"

    def content(self) -> bytes:
        return ledger(
            *(
                f"安乐村,张三丰,{id_number(self.first + one)},,,4,{BAD if one == self.bad else '三格'},2024,,,"
                + self.note(one)
                for one in range(1, self.rows + 1)
            )
        )


def id_number(number: int) -> str:
    """An ID number of nobody, each number another."""
    born = date(1900, 1, 1) + timedelta(days=number // 999)
    first = f"360423{born:%Y%m%d}{number % 999 + 1:03}"
    return first + id_check_character(first)


@pytest.fixture(scope="module")
def deployed(subset: Path) -> Iterator[Deployed]:
    with quick_folder("killed-") as folder:
        furnish(Path(folder), subset)
        made = Deployed(Path(folder))
        yield made
        made.stop()


class Round:
    """Three imports at once, a death in the midst of them, and what is there afterwards."""

    def __init__(self, deployed: Deployed, client: Patient, rolls: random.Random) -> None:
        self.deployed, self.client, self.rolls = deployed, client, rolls
        self.numbers = itertools.count(1)
        self.base = File("base", 0)
        self.standing = self.base
        """The file whose notes the households of the base have."""
        self.updates = 0
        self.created = 0
        self.ended: Counter[str] = Counter()

    def begin(self) -> float:
        """The households that are updated later; gives the seconds of one import."""
        began = time.monotonic()
        self.submit(self.base)
        self.follow([self.base])
        assert self.base.job["state"] == "succeeded", self.base.job["problem"]
        self.check(self.base)
        return time.monotonic() - began

    def files(self) -> list[File]:
        number, rolls = next(self.numbers), self.rolls
        bad = rolls.randint(1, ROWS) if rolls.random() < 0.3 else None
        return [
            File(f"new-{number}", ROWS * (2 * number - 1)),
            File(f"update-{number}", 0, outcome="updated"),
            File(f"parts-{number}", ROWS * 2 * number, bad=bad),
        ]

    def submit(self, file: File) -> None:
        """Hand the file in, as often as it takes."""
        form = {"on_conflict": "update"}
        more: dict[str, Any] = {"files": {"file": (file.name, file.content())}}
        if file.name.startswith("parts"):
            form = {"mode": "all_or_nothing", "upload_id": self.send_parts(file)}
            more = {}
        answer = self.client.request("POST", "/imports", data=form, headers={"Idempotency-Key": file.name}, **more)
        assert answer.status_code == 202, answer.text
        file.job_id = answer.json()["id"]

    def send_parts(self, file: File) -> str:
        content, upload_id = file.content(), str(new_id())
        body = {"id": upload_id, "file_name": file.name, "size_bytes": len(content)}
        state = self.client.request("POST", "/uploads", json=body).json()
        while state["state"] == "open":
            offset = state["offset"]
            answer = self.client.request(
                "PATCH",
                f"/uploads/{upload_id}",
                content=content[offset : offset + PART],
                headers={"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)},
            )
            # Of a part whose answer was lost the server knows already, and says so.
            assert answer.status_code in (200, 409), answer.text
            state = self.client.request("GET", f"/uploads/{upload_id}").json()
        assert state["state"] == "complete", state
        return upload_id

    def follow(self, files: list[File]) -> None:
        until = time.monotonic() + WAIT_SECONDS
        while True:
            for file in files:
                file.job = self.client.request("GET", f"/imports/{file.job_id}").json()
            waiting = [file.name for file in files if file.job["state"] in ("queued", "running")]
            # The queue notes the end of a job after the job itself.
            if not waiting and not self.deployed.ask(_LEFT)[0][0]:
                return
            assert time.monotonic() < until, f"never ended: {waiting}"
            time.sleep(0.1)

    def check(self, *files: File) -> None:
        """What the reports say is what the register holds."""
        for file in files:
            self.check_one(file)
            self.ended[file.job["state"]] += 1
        base = self.deployed.ask(_WRITTEN, f"{self.standing.name} %")
        actions = ["household.created", *["household.updated"] * self.updates]
        ops = ["create", *["update"] * self.updates]
        assert {one[2:] for one in base} == {(self.updates + 1, " ".join(actions), " ".join(ops))}
        assert len(base) == ROWS
        found = self.deployed.ask("select (select count(*) from household), (select count(*) from toilet)")
        assert found == [(self.created, self.created)]

    def check_all(self) -> None:
        """What is odd stays so; once at the end will do."""
        odd = {name: self.deployed.ask(question)[0][0] for name, question in _ODD.items()}
        assert odd == dict.fromkeys(_ODD, 0), f"KILLS_SEED={SEED}"

    def check_one(self, file: File) -> None:
        job, named = file.job, f"%{file.name}"
        assert self.deployed.ask("select count(*) from import_job where file_name = %s", file.name) == [(1,)]
        report = self.deployed.ask(_REPORT, file.job_id)
        written = {note: rest for note, *rest in self.deployed.ask(_WRITTEN, f"{file.name} %")}
        journal = self.deployed.ask("select action, count(*) from audit_entry where reason like %s group by 1", named)
        if job["state"] == "succeeded":
            assert [row[0] for row in report] == list(range(1, file.rows + 1))
            assert {row[2] for row in report} == {file.outcome}
            assert job["counts"]["rows_in"] == job["counts"][file.outcome] == file.rows
            assert {file.note(row[0]): row[3] for row in report} == {note: one[0] for note, one in written.items()}
            if file.outcome == "updated":
                self.standing, self.updates = file, self.updates + 1
                assert journal == [("household.updated", ROWS)]
            else:
                self.created += file.rows
                assert {tuple(one[1:]) for one in written.values()} == {(1, "household.created", "create")}
                assert sorted(journal) == [("household.created", file.rows), ("toilet.created", file.rows)]
            return
        assert (written, journal, job["written"]) == ({}, [], False)
        if file.bad is not None and job["state"] == "failed":
            assert job["problem"]["code"] == "import_rows_rejected"
            assert [row[0] for row in report] == list(range(1, ROWS + 1))
            assert [row[0] for row in report if row[2] == "rejected"] == [file.bad]
            assert not [row for row in report if row[3] is not None]
        else:
            assert job["state"] == "cancelled", job["problem"]
            assert report == []


@pytest.mark.slow
def test_every_row_is_there_once_or_none_whatever_is_killed(deployed: Deployed) -> None:
    rolls = random.Random(SEED)
    deployed.start()
    client = Patient(deployed, "township_manager")
    client.log_in()
    rounds = Round(deployed, client, rolls)
    span = 2 * rounds.begin()
    figures: Counter[str] = Counter()
    for number, kind in zip(range(KILLS), itertools.cycle(KINDS), strict=False):
        deployed.start()
        client.log_in()
        began = time.monotonic()
        told = f"KILLS_SEED={SEED}, moment {number + 1}: {kind}"
        files = rounds.files()
        operator = Operator(deployed, kind, rolls.uniform(0, span), random.Random(rolls.random()))
        cancelled = rolls.choice(files) if rolls.random() < 0.15 else None
        try:
            operator.start()
            for file in files:
                rounds.submit(file)
            if cancelled is not None:
                client.request("POST", f"/imports/{cancelled.job_id}/cancel")
            operator.join()
            assert operator.error is None, operator.error
            rounds.follow(files)
            rounds.check(*files)
            for file in files:
                assert file.job["state"] in _possible(file, cancelled), (file.name, file.job)
        except BaseException as error:
            error.add_note(f"{told} at {operator.delay:.1f} s\n{''.join(deployed.printed)}")
            raise
        figures[kind] += 1
        states = ", ".join(f"{file.name} {file.job['state']}" for file in files)
        log.info(
            "%s at %.1f s (%s; %s), back after %.1f s; %s after %.1f s; failures %s",
            told,
            operator.delay,
            operator.killed,
            operator.amidst,
            operator.seconds,
            states,
            time.monotonic() - began,
            dict(Counter(client.failures)),
        )
        client.failures.clear()
    rounds.check_all()
    log.info("moments %s, jobs %s", dict(figures), dict(rounds.ended))
    client.close()


@pytest.mark.slow
def test_a_long_file_too_which_a_process_of_its_own_judges(deployed: Deployed) -> None:
    rolls = random.Random(SEED)
    deployed.start()
    client = Patient(deployed, "township_manager")
    rounds = Round(deployed, client, rolls)
    for number, kind in zip(range(KILLS), itertools.cycle(("judge", *KINDS)), strict=False):
        deployed.start()
        client.log_in()
        file = File(f"long-{number}", LONG_FIRST + number * sources.LONG, rows=sources.LONG)
        operator = Operator(deployed, kind, rolls.uniform(0, 1), random.Random(rolls.random()), awaits="judge")
        operator.start()
        rounds.submit(file)
        operator.join()
        assert operator.error is None, operator.error
        rounds.follow([file])
        assert file.job["state"] == "succeeded", (kind, operator.amidst, file.job["problem"])
        rounds.check_one(file)
    rounds.check_all()
    client.close()


def _possible(file: File, cancelled: File | None) -> set[str]:
    return {"failed" if file.bad is not None else "succeeded"} | ({"cancelled"} if file is cancelled else set())


class Operator(threading.Thread):
    """Somebody who trips over a cable, and starts everything again where it doesn't by itself."""

    def __init__(
        self, deployed: Deployed, kind: str, delay: float, rolls: random.Random, awaits: str | None = None
    ) -> None:
        """`awaits`: the delay begins when there is a process of this kind."""
        super().__init__(daemon=True)
        self.deployed, self.kind, self.delay, self.rolls, self.awaits = deployed, kind, delay, rolls, awaits
        self.killed = self.amidst = ""
        self.seconds = 0.0
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            until = time.monotonic() + WAIT_SECONDS
            while self.awaits is not None and not self.deployed.runs(self.awaits):
                assert time.monotonic() < until, f"no {self.awaits} in sight"
                time.sleep(0.02)
            time.sleep(self.delay)
            running = "select string_agg(file_name || ' ' || rows_done, ', ') from import_job where state = 'running'"
            self.amidst = self.deployed.ask(running)[0][0] or "nothing running"
            self.killed = self.deployed.kill(self.kind, self.rolls)
            began = time.monotonic()
            # `serve` replaces what it has started itself, but not its database.
            if self.kind in ("postmaster", "family") or self.rolls.random() < 0.2:
                time.sleep(self.rolls.choice([0, 0, 0.3, 2]))
                self.deployed.stop()
                self.deployed.start()
            self.seconds = time.monotonic() - began
        except Exception as error:  # noqa: BLE001 - it belongs to the thread that waits
            self.error = error
