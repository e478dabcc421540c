"""Resumable uploads: parts in order, lost answers, lost processes, wrong bytes; and an import of what came in."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.exchange.sending import As, begun, checksum, sent, sha256, whole
from tests.exchange.test_places import Drain
from tests.exchange.test_register import FIRST, households, ledger
from tests.exchange.upload import follow, rows_of
from toilet_api.exchange.uploads import folder, housekeeping, receiving
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.objects import ObjectStore
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings

CONTENT = bytes(range(256)) * 20
URL = "/api/v1/uploads"


@pytest.fixture
def context(database: Database, settings: Settings) -> jobs.Context:
    return jobs.Context(database, Vault(settings), ObjectStore(settings), settings)


def stored(settings: Settings, upload_id: str) -> bytes:
    return folder.path_of(settings, UUID(upload_id)).read_bytes()


def test_parts_in_order_make_the_file(as_: As, settings: Settings) -> None:
    client = as_("township_manager")
    made = begun(client, CONTENT, sha256=sha256(CONTENT))
    assert (made["offset"], made["state"], made["part_bytes_max"]) == (0, "open", 8 * 1024 * 1024)
    assert made["expires_at"] is not None
    assert made["allowed_actions"] == ["cancel"]
    first = sent(client, made["id"], 0, CONTENT[:3000], Upload_Checksum=checksum(CONTENT[:3000]))
    assert (first.status_code, first.headers["Upload-Offset"], first.json()["offset"]) == (200, "3000", 3000)
    assert stored(settings, made["id"]) == CONTENT[:3000]
    asked = client.get(f"{URL}/{made['id']}")
    assert (asked.json(), asked.headers["Upload-Offset"]) == (first.json(), "3000")
    assert asked.headers["Cache-Control"] == "no-store"
    last = sent(client, made["id"], 3000, CONTENT[3000:]).json()
    assert (last["state"], last["offset"], last["sha256"]) == ("complete", len(CONTENT), sha256(CONTENT))
    assert (last["expires_at"], last["allowed_actions"]) == (None, [])
    with ObjectStore(settings).open(sha256(CONTENT)) as file:
        assert file.read() == CONTENT


def test_a_part_that_does_not_fit_is_refused_and_leaves_nothing(as_: As, settings: Settings) -> None:
    client = as_("township_manager")
    made = begun(client, CONTENT)
    sent(client, made["id"], 0, CONTENT[:100])
    for offset in (0, 99, 101, len(CONTENT)):
        answer = sent(client, made["id"], offset, CONTENT[100:200])
        assert (answer.status_code, answer.json()["code"]) == (409, "upload_offset_mismatch")
        assert (answer.json()["offset"], answer.headers["Upload-Offset"]) == (100, "100")
    wrong = sent(client, made["id"], 100, CONTENT[100:200], Upload_Checksum=checksum(b"another"))
    assert (wrong.status_code, wrong.json()["code"]) == (422, "upload_checksum_mismatch")
    for given in ("sha256", "sha256 !!", "md5 " + checksum(b"x")[7:], "sha256 YWJj"):
        answer = sent(client, made["id"], 100, CONTENT[100:200], Upload_Checksum=given)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), given
    long = sent(client, made["id"], 100, CONTENT)
    assert (long.status_code, long.json()["code"]) == (422, "upload_part_too_long")
    assert sent(client, made["id"], 100, b"").status_code == 422
    assert stored(settings, made["id"]) == CONTENT[:100]
    assert sent(client, made["id"], 100, CONTENT[100:]).json()["state"] == "complete"


def test_a_part_must_say_what_and_where_it_is(as_: As, client: TestClient) -> None:
    stranger, client = client, as_("township_manager")
    made = begun(client, CONTENT)
    path = f"{URL}/{made['id']}"
    bare = client.patch(path, content=b"abc", headers={"Content-Type": "application/offset+octet-stream"})
    assert (bare.status_code, bare.json()["code"]) == (422, "invalid")
    for media in ("application/json", "text/plain", ""):
        answer = client.patch(path, content=b"{}", headers={"Content-Type": media, "Upload-Offset": "0"})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media")
        assert stranger.patch(path, content=b"{}", headers={"Content-Type": media}).status_code == 401
    for offset in ("-1", "1.5", "x", str(2**70)):
        assert sent(client, made["id"], 0, b"abc", Upload_Offset=offset).status_code == 422
    assert client.get(path).json()["offset"] == 0


def test_what_a_dead_process_wrote_is_cut_off(as_: As, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    client = as_("township_manager")
    made = begun(client, CONTENT)
    sent(client, made["id"], 0, CONTENT[:1000])
    with folder.path_of(settings, UUID(made["id"])).open("ab") as file:
        file.write(b"x" * 5000)  # written, and never committed
    assert client.get(f"{URL}/{made['id']}").json()["offset"] == 1000
    assert sent(client, made["id"], 1000, CONTENT[1000:1100]).json()["offset"] == 1100
    assert stored(settings, made["id"]) == CONTENT[:1100]
    # Whole and in the store, but the completion didn't commit: what the store has must not change any more.
    with monkeypatch.context() as patched:
        patched.setattr(receiving, "_journal", _fail)
        assert sent(client, made["id"], 1100, CONTENT[1100:]).status_code == 500
    assert client.get(f"{URL}/{made['id']}").json()["offset"] == 1100
    half = sent(client, made["id"], 1100, b"y" * 100)
    assert half.json()["offset"] == 1200
    with ObjectStore(settings).open(sha256(CONTENT)) as file:
        assert file.read() == CONTENT
    assert stored(settings, made["id"]) == CONTENT[:1100] + b"y" * 100


def _fail(*_: Any, **__: Any) -> None:
    raise RuntimeError


def test_bytes_that_were_lost_are_told_of(as_: As, settings: Settings) -> None:
    client = as_("township_manager")
    made = begun(client, CONTENT)
    sent(client, made["id"], 0, CONTENT[:1000])
    folder.path_of(settings, UUID(made["id"])).write_bytes(CONTENT[:10])
    answer = sent(client, made["id"], 1000, CONTENT[1000:])
    assert (answer.status_code, answer.json()["code"]) == (410, "upload_content_lost")


def test_the_whole_file_must_be_what_was_declared(as_: As, settings: Settings) -> None:
    client = as_("township_manager")
    made = begun(client, CONTENT, sha256=sha256(b"another file"))
    sent(client, made["id"], 0, CONTENT[:1000])
    answer = sent(client, made["id"], 1000, CONTENT[1000:])
    assert (answer.status_code, answer.json()["code"]) == (422, "upload_checksum_mismatch")
    assert client.get(f"{URL}/{made['id']}").json()["offset"] == 1000
    assert stored(settings, made["id"]) == CONTENT[:1000]
    assert not ObjectStore(settings).exists(sha256(CONTENT))


def test_two_parts_at_once_one_wins(as_: As) -> None:
    client = as_("township_manager")
    made = begun(client, CONTENT)
    ready = threading.Barrier(2)

    def send(part: bytes) -> int:
        ready.wait()
        return sent(client, made["id"], 0, part).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(send, [b"a" * 4000, b"b" * 4000])) == [200, 409]
    assert client.get(f"{URL}/{made['id']}").json()["offset"] == 4000


def test_a_retry_makes_no_second_upload(as_: As) -> None:
    client = as_("township_manager")
    body = {"id": str(new_id()), "file_name": "台账.csv", "size_bytes": len(CONTENT), "sha256": None}
    first = client.post(URL, json=body)
    sent(client, body["id"], 0, CONTENT[:100])
    again = client.post(URL, json=body)
    assert (first.status_code, again.status_code, again.json()["offset"]) == (201, 200, 100)
    other = client.post(URL, json=body | {"size_bytes": 5})
    assert (other.status_code, other.json()["code"]) == (409, "id_taken")
    theirs = as_("county_admin").post(URL, json=body)
    assert (theirs.status_code, theirs.json()["code"]) == (409, "id_taken")
    assert "offset" not in theirs.json()


def test_the_same_file_again_costs_nothing_to_its_owner_alone(as_: As) -> None:
    client = as_("township_manager")
    whole(client, CONTENT)
    again = begun(client, CONTENT, sha256=sha256(CONTENT), file_name="另一个名字.csv")
    assert (again["state"], again["offset"], again["file_name"]) == ("complete", len(CONTENT), "另一个名字.csv")
    # Somebody else learns nothing of it: who knows a hash hasn't got the file.
    assert begun(as_("county_admin"), CONTENT, sha256=sha256(CONTENT))["state"] == "open"
    assert begun(client, CONTENT + b"x", sha256=sha256(CONTENT))["state"] == "open"


def test_an_upload_is_its_owners_alone(as_: As) -> None:
    made = begun(as_("township_manager"), CONTENT)
    for name in ("county_admin", "township_manager_2"):
        client = as_(name)
        answers = [
            client.get(f"{URL}/{made['id']}"),
            sent(client, made["id"], 0, b"abc"),
            client.post(f"{URL}/{made['id']}/cancel"),
            client.post("/api/v1/imports", params={"upload_id": made["id"]}),
        ]
        assert [answer.status_code for answer in answers] == [404] * 4
    for name in ("auditor", "province_client"):
        assert as_(name).post(URL, json={"file_name": "x", "size_bytes": 5}).status_code == 403


def test_limits(as_: As, app: FastAPI, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    client = as_("township_manager")
    limits = {"resumable_upload_max_bytes": 10_000, "upload_part_max_bytes": 2_000}
    app.state.settings = settings.model_copy(update=limits)
    answer = client.post(URL, json={"file_name": "x", "size_bytes": 10_001})
    assert (answer.status_code, answer.json()["limit_bytes"]) == (413, 10_000)
    made = begun(client, CONTENT)
    assert made["part_bytes_max"] == 2_000
    answer = sent(client, made["id"], 0, CONTENT[:2_001])
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert sent(client, made["id"], 0, CONTENT[:2_000]).status_code == 200
    for size in (0, -1, 1.5, "5", 2**60):
        assert client.post(URL, json={"file_name": "x", "size_bytes": size}).status_code == 422
    monkeypatch.setattr(receiving, "OPEN_MAX", 1)
    answer = client.post(URL, json={"file_name": "x", "size_bytes": 5})
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_too_many_open")


def test_what_was_given_up_or_forgotten_goes_away(
    as_: As, settings: Settings, database: Database, context: jobs.Context
) -> None:
    client = as_("township_manager")
    cancelled, forgotten, going = (begun(client, CONTENT)["id"] for _ in range(3))
    for one in (cancelled, forgotten, going):
        sent(client, one, 0, CONTENT[:100])
    done = whole(client, CONTENT)["id"]
    assert client.post(f"{URL}/{cancelled}/cancel").json()["state"] == "cancelled"
    for one, offset in ((cancelled, 100), (done, len(CONTENT))):
        answers = [client.post(f"{URL}/{one}/cancel"), sent(client, one, offset, b"abc")]
        assert [(one.status_code, one.json()["code"]) for one in answers] == [(409, "wrong_state")] * 2
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(
            text("update upload set expires_at = now() - interval '1 minute' where id = :id"), {"id": forgotten}
        )
    housekeeping.clear(context)
    assert [client.get(f"{URL}/{one}").status_code for one in (cancelled, forgotten, going, done)] == [
        404,
        404,
        200,
        200,
    ]
    assert {path.name for path in folder.root(settings).iterdir()} == {going}
    with ObjectStore(settings).open(sha256(CONTENT)) as file:
        assert file.read() == CONTENT


def test_an_import_of_an_upload(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    content = ledger(FIRST)
    unfinished = begun(client, content)
    answer = client.post("/api/v1/imports", data={"upload_id": unfinished["id"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_not_complete")
    done = whole(client, content, 40, file_name="武宁/台账.csv")
    answer = client.post("/api/v1/imports", data={"upload_id": done["id"], "dry_run": "false"})
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert job["file"]["name"] == "台账.csv"
    assert (job["file"]["sha256"], job["file"]["bytes"]) == (sha256(content), len(content))
    drain_jobs()
    assert follow(client, job["id"])["state"] == "succeeded"
    assert [row["outcome"] for row in rows_of(client, job).values()] == ["created"]
    assert len(households(client)) == 1


def test_an_import_has_one_file(as_: As) -> None:
    client = as_("township_manager")
    done = whole(client, ledger(FIRST), 100)
    both = client.post("/api/v1/imports", files={"file": ("x.csv", ledger(FIRST))}, data={"upload_id": done["id"]})
    neither = client.post("/api/v1/imports")
    assert (both.status_code, both.json()["code"]) == (422, "import_bad_form")
    assert (neither.status_code, neither.json()["errors"][0]["pointer"]) == (422, "/file")
    bad = whole(client, b"%PDF-1.7 not a ledger")
    answer = client.post("/api/v1/imports", params={"upload_id": bad["id"]})
    assert (answer.status_code, answer.json()["code"]) == (415, "import_unknown_format")
