"""Killed workers, two uploads at once, cancelling: all of an import or nothing, and never twice."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.exchange.pure import number
from tests.exchange.sending import whole
from tests.exchange.test_places import As, Drain
from tests.exchange.test_register import households, ledger
from tests.exchange.upload import follow, rows_of, succeeded, upload
from toilet_api.exchange.imports import job, staging
from toilet_api.exchange.ledgers import reading
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.objects import ObjectStore
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings

CONTENT = ledger(*(f"安乐村,张三丰,{number(one)},{one}号,,,三格,2024,,," for one in range(1, 41)))
COUNTED = ("household", "household_person", "toilet", "audit_entry", "change_entry", "import_row")


class Died(BaseException):
    """What no handler catches, as a SIGKILL."""


@pytest.fixture
def context(database: Database, settings: Settings) -> jobs.Context:
    return jobs.Context(database, Vault(settings), ObjectStore(settings), settings)


def written(database: Database) -> dict[str, int]:
    with database.transaction(EVERYWHERE) as session:
        return {
            name: session.connection().execute(text(f"select count(*) from {name}")).scalar_one() for name in COUNTED
        }


@pytest.mark.parametrize(
    ("room", "function"),
    [(staging, "write_report"), (staging, "insert"), (staging, "find_registered"), (reading, "judged_rows")],
)
def test_a_worker_that_dies_half_way_leaves_nothing_and_the_next_goes_on(
    room: Any,
    function: str,
    as_: As,
    database: Database,
    context: jobs.Context,
    drain_jobs: Drain,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = as_("township_manager")
    made, before = upload(client, CONTENT), written(database)
    with monkeypatch.context() as patched:
        patched.setattr(room, function, _die)
        with pytest.raises(Died):
            job.run(context, job_id=made["id"])
    assert written(database) == before
    assert follow(client, made["id"])["state"] == "running"
    drain_jobs()
    done = follow(client, made["id"])
    assert (done["state"], done["counts"]["created"], done["counts"]["rows_in"]) == ("succeeded", 40, 40)
    assert len(rows_of(client, done)) == len(households(client)) == 40
    job.run(context, job_id=made["id"])  # taken for lost and queued again although it had just finished
    assert len(households(client)) == 40


def _die(*_: Any, **__: Any) -> Iterator[Any]:
    raise Died


def test_a_job_that_fails_each_time_says_so(as_: As, context: jobs.Context) -> None:
    client = as_("township_manager")
    made = upload(client, CONTENT)
    job.note_failure(context, RuntimeError("秘密"), job_id=made["id"])
    ended = follow(client, made["id"])
    assert (ended["state"], ended["problem"]["code"]) == ("failed", "import_interrupted")
    assert "秘密" not in str(ended)
    assert households(client) == []


def test_a_form_without_a_file_that_is_sent_again_is_one_import(as_: As, drain_jobs: Drain) -> None:
    """It is urlencoded then, as httpx and curl send it."""
    client = as_("township_manager")
    form = {"upload_id": whole(client, CONTENT)["id"]}
    first, again = (
        client.post("/api/v1/imports", data=form, headers={"Idempotency-Key": "sent-again"}) for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (202, 202), first.text
    assert again.json()["id"] == first.json()["id"]
    other = client.post("/api/v1/imports", data={**form, "dry_run": "true"}, headers={"Idempotency-Key": "sent-again"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    drain_jobs()
    assert follow(client, first.json()["id"])["counts"]["created"] == 40


def test_two_uploads_of_one_file_at_once_make_no_duplicates(as_: As, drain_jobs: Drain) -> None:
    """The worker does two jobs at a time."""
    client = as_("township_manager")
    made = [upload(client, CONTENT)["id"] for _ in range(4)]
    drain_jobs()
    ended = [follow(client, one) for one in made]
    assert [one["state"] for one in ended] == ["succeeded"] * 4
    assert sum(one["counts"]["created"] for one in ended) == 40
    assert sum(one["counts"]["unchanged"] for one in ended) == 120
    assert len(households(client)) == 40


def test_an_import_waits_for_another_that_holds_its_households(
    as_: As, database: Database, context: jobs.Context, drain_jobs: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another transaction commits between the look and the insert is found at the second look."""
    client = as_("township_manager")
    first, second = (upload(client, CONTENT)["id"] for _ in range(2))
    look, looked = staging.find_registered, []

    def overtaken(*arguments: Any, **named: Any) -> Any:
        found = look(*arguments, **named)
        if not looked:
            looked.append(found)
            monkeypatch.setattr(staging, "find_registered", look)
            job.run(context, job_id=second)
        return found

    monkeypatch.setattr(staging, "find_registered", overtaken)
    job.run(context, job_id=first)
    assert looked == [{}]
    assert follow(client, second)["counts"]["created"] == 40
    assert follow(client, first)["counts"]["unchanged"] == 40
    drain_jobs()
    assert len(households(client)) == 40


def test_cancelling_before_and_during(
    as_: As, database: Database, context: jobs.Context, drain_jobs: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = as_("township_manager")
    queued = upload(client, CONTENT)["id"]
    assert client.post(f"/api/v1/imports/{queued}/cancel").json()["state"] == "cancelled"
    running, before = upload(client, CONTENT)["id"], written(database)
    insert = staging.insert

    def cancelled_meanwhile(*arguments: Any, **named: Any) -> Any:
        with database.transaction(EVERYWHERE) as session:
            session.connection().execute(
                text("update import_job set cancel_requested = true where id = :id"), {"id": UUID(running)}
            )
        return insert(*arguments, **named)

    monkeypatch.setattr(staging, "insert", cancelled_meanwhile)
    drain_jobs()
    assert [follow(client, one)["state"] for one in (queued, running)] == ["cancelled", "cancelled"]
    assert written(database) == before
    assert client.post(f"/api/v1/imports/{running}/cancel").status_code == 409
    monkeypatch.undo()
    assert succeeded(client, drain_jobs, CONTENT)["counts"]["created"] == 40
