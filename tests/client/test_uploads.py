"""A file arrives whole, once, whatever the line does to it."""

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.client.fake import PART, Act, FakeServer, Fault, dropped, lost, refuse, unconnected
from toilet_api.client import ApiError, FileChangedError, JobFailedError, Progress, UnreachableError

CONTENT = bytes(range(256)) * 1500  # four parts, the last one short
STATE = ".台账.csv.toilet-upload.json"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "台账.csv"
    path.write_bytes(CONTENT)
    return path


def arrived(fake: FakeServer) -> bytes:
    (found,) = [bytes(stored) for name, stored in fake.stored.items() if fake.uploads[name]["state"] == "complete"]
    return found


def corrupted(request: httpx.Request, act: Act) -> httpx.Response:
    """A byte falls over on its way."""
    content = b"".join(request.stream)
    changed = httpx.Request(request.method, request.url, headers=request.headers, content=b"?" + content[1:])
    return act(changed)


def test_parts_one_job_and_a_report(fake: FakeServer, ledger: Path) -> None:
    steps: list[Progress] = []
    with fake.client() as client:
        report = client.upload(
            ledger, "visits", dry_run=True, on_conflict="update", mode="all_or_nothing", division="360423",
            mapping={"农户": "name", "C:": None}, remember_mapping=True, progress=steps.append,
        )  # fmt: skip
    assert arrived(fake) == CONTENT
    assert fake.count("PATCH") == 4
    assert json.loads(fake.requests[1].content)["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    form = dict(fake.imports["job1"]["form"])
    assert json.loads(form.pop("mapping")) == {"农户": "name", "C:": None}
    assert form == {
        "upload_id": next(iter(fake.uploads)), "kind": "visits", "dry_run": "true", "on_conflict": "update",
        "mode": "all_or_nothing", "division": "360423", "remember_mapping": "true",
    }  # fmt: skip
    assert report.complete
    assert [path.name for path in report.files] == ["台账.csv.report.csv"]
    assert report.files[0].read_bytes() == b"the report.csv"
    assert sorted(path.name for path in ledger.parent.iterdir()) == ["台账.csv", "台账.csv.report.csv"]
    for phase, total in (("hashing", len(CONTENT)), ("sending", len(CONTENT)), ("importing", 2)):
        done = [step.done for step in steps if step.phase == phase]
        assert done == sorted(done)
        assert done[-1] == total


@pytest.mark.parametrize(
    ("where", "faults", "again"),
    [
        ("PATCH", [dropped], 1),
        ("PATCH", [refuse(500)], 1),
        ("PATCH", [refuse(503)] * 3, 3),
        ("PATCH", [unconnected], 1),
        ("PATCH", [corrupted], 1),
        ("PATCH", [lost], 0),  # stored: the offset says so
        ("PATCH", [lost, dropped, lost, refuse(502)], 2),
        ("POST /uploads", [lost, refuse(503)], 0),
        ("GET /uploads", [refuse(500)], 0),
        ("POST /imports", [lost, refuse(500), unconnected], 0),
        ("GET /imports", [lost] * 5, 0),
    ],
)
def test_faults_of_the_line(fake: FakeServer, ledger: Path, where: str, faults: list[Fault], again: int) -> None:
    fake.fault(where, *faults)
    fake.client().upload(ledger)
    assert arrived(fake) == CONTENT
    assert len(fake.imports) == 1
    sent = sum(int(one.headers["content-length"]) for one in fake.requests if one.method == "PATCH")
    assert sent <= len(CONTENT) + again * PART


def test_the_pause_is_as_long_as_the_server_asks(fake: FakeServer, ledger: Path, slept: list[float]) -> None:
    fake.fault("PATCH", refuse(503, headers={"Retry-After": "9"}))
    fake.client().upload(ledger)
    assert slept == [9]


def test_a_proxy_that_takes_less_gets_less(fake: FakeServer, ledger: Path, slept: list[float]) -> None:
    def narrow(request: httpx.Request, act: Act) -> httpx.Response:
        fake.fault("PATCH", narrow)
        if int(request.headers["content-length"]) > 65_536:
            return httpx.Response(413, html="<h1>413 Request Entity Too Large</h1>")
        return act(request)

    fake.fault("PATCH", narrow)
    fake.client(retries=0).upload(ledger)
    assert arrived(fake) == CONTENT
    assert slept == []


def test_a_token_that_expires_in_the_middle(fake: FakeServer, ledger: Path) -> None:
    def expired(request: httpx.Request, act: Act) -> httpx.Response:
        fake.access.clear()
        return act(request)

    fake.fault("PATCH", expired, lambda request, act: act(request), expired)
    fake.client(retries=0).upload(ledger)
    assert arrived(fake) == CONTENT
    assert fake.count("POST /auth/token") == 3


def test_it_gives_up_where_nothing_arrives_any_more_and_goes_on_the_next_time(fake: FakeServer, ledger: Path) -> None:
    fake.fault("PATCH", lambda request, act: act(request), *[dropped] * 5)
    with pytest.raises(UnreachableError):
        fake.client(retries=4).upload(ledger)
    assert fake.count("PATCH") == 6
    before = ledger.parent / STATE
    assert "Fake-Server" not in before.read_text()
    told: list[str] = []
    fake.client(notice=told.append).upload(ledger)
    assert arrived(fake) == CONTENT
    assert fake.count("POST /uploads") == 1
    assert "26%" in told[0]
    assert not before.exists()


def broken_off(fake: FakeServer, ledger: Path) -> None:
    """Two parts are there, then the client ended."""
    fake.fault("PATCH", *[lambda request, act: act(request)] * 2, refuse(403, "forbidden"))
    with pytest.raises(ApiError):
        fake.client().upload(ledger)


def test_a_file_that_changed_between_two_runs_begins_anew(fake: FakeServer, ledger: Path) -> None:
    broken_off(fake, ledger)
    ledger.write_bytes(CONTENT[:-1] + b"!")
    told: list[str] = []
    fake.client(notice=told.append).upload(ledger)
    assert "文件与上次不同" in told[0]
    assert arrived(fake) == CONTENT[:-1] + b"!"
    assert [upload["state"] for upload in fake.uploads.values()] == ["cancelled", "complete"]


def test_a_file_that_was_only_touched_goes_on(fake: FakeServer, ledger: Path) -> None:
    broken_off(fake, ledger)
    os.utime(ledger, (1, 1))
    fake.client().upload(ledger)
    assert fake.count("POST /uploads") == 1
    assert arrived(fake) == CONTENT


def test_a_file_that_changed_in_secret_is_not_imported(fake: FakeServer, ledger: Path) -> None:
    broken_off(fake, ledger)
    before = ledger.stat()
    ledger.write_bytes(b"!" + CONTENT[1:-1] + b"!")
    os.utime(ledger, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(FileChangedError):
        fake.client().upload(ledger)
    assert fake.imports == {}
    fake.client().upload(ledger)
    assert arrived(fake) == ledger.read_bytes()


def test_a_file_that_changes_while_it_is_sent(fake: FakeServer, ledger: Path) -> None:
    def written(request: httpx.Request, act: Act) -> httpx.Response:
        ledger.write_bytes(b"another")
        return act(request)

    fake.fault("PATCH", written)
    with pytest.raises(FileChangedError):
        fake.client().upload(ledger)
    assert fake.imports == {}


@pytest.mark.parametrize("status", [404, 410])
def test_an_upload_that_the_server_lost_begins_anew_once(fake: FakeServer, ledger: Path, status: int) -> None:
    fake.fault("PATCH", lambda request, act: act(request), refuse(status, "gone"))
    fake.client().upload(ledger)
    assert fake.count("POST /uploads") == 2
    assert arrived(fake) == CONTENT
    fake.fault("PATCH", refuse(status, "gone"), refuse(status, "gone"))
    with pytest.raises(ApiError):
        fake.client().upload(ledger)


def test_an_upload_of_another_server_or_a_state_that_makes_no_sense_is_not_gone_on_with(
    fake: FakeServer, ledger: Path
) -> None:
    for kept in (
        '{"url": "http://elsewhere.example", "upload_id": "1"}',
        "[]",
        "\x00",
        '{"url": "http://server.example"}',
    ):
        (ledger.parent / STATE).write_text(kept)
        fake.client().upload(ledger)
    assert fake.count("POST /uploads") == 4


def test_killed_while_the_job_runs_the_next_run_follows_the_same_job(fake: FakeServer, ledger: Path) -> None:
    fake.fault("GET /imports", refuse(403, "forbidden"))
    with pytest.raises(ApiError):
        fake.client().upload(ledger)
    report = fake.client().upload(ledger)
    assert (report.id, len(fake.imports)) == ("job1", 1)
    assert fake.client().upload(ledger).id == "job2", "a new run is a new job"
    fake.fault("GET /imports", refuse(403, "forbidden"))
    with pytest.raises(ApiError):
        fake.client().upload(ledger, dry_run=True)
    fake.client().upload(ledger)
    assert len(fake.imports) == 4, "other options are another job"


def rejected(**more: Any) -> dict[str, Any]:
    counts = {"rows_in": 2, "created": 1, "updated": 0, "unchanged": 0, "rejected": 1}
    return {"counts": counts | {"ignored": {}, "corrections": {}, "reasons": {"id_check": 1}}} | more


def test_rejected_rows_bring_the_marked_workbook(fake: FakeServer, ledger: Path, tmp_path: Path) -> None:
    fake.outcome = rejected()
    folder = tmp_path / "reports"
    folder.mkdir()
    client = fake.client()
    report = client.upload(ledger, report_folder=folder)
    assert not report.complete
    assert [path.name for path in report.files] == ["台账.csv.report.csv", "台账.csv.report.xlsx"]
    assert report.files[1].read_bytes() == b"the report.xlsx"
    assert stat.S_IMODE(report.files[1].stat().st_mode) == 0o600
    assert [row["row"] for row in client.rows(report, outcome="rejected")] == [3]
    fake.fault("GET /imports/job1/report.xlsx", refuse(409, "too_large_to_mark"))
    assert [path.suffix for path in client.save_report("job1", folder)] == [".csv"]


def test_a_job_that_fails_raises_with_its_reports(fake: FakeServer, ledger: Path) -> None:
    fake.outcome = rejected(state="failed", problem={"code": "import_rows_rejected", "title": "有行被拒绝"})
    with pytest.raises(JobFailedError, match="有行被拒绝") as failed:
        fake.client().upload(ledger, mode="all_or_nothing")
    assert failed.value.code == "import_rows_rejected"
    assert len(failed.value.files) == 2
    fake.outcome = {"state": "cancelled"}
    with pytest.raises(JobFailedError, match="cancelled"):
        fake.client().upload(ledger)


def test_not_waiting_leaves_nothing_behind(fake: FakeServer, ledger: Path) -> None:
    report = fake.client().upload(ledger, wait=False)
    assert report.job["state"] == "queued"
    assert not report.complete
    assert fake.count("GET /imports") == 0
    assert [path.name for path in ledger.parent.iterdir()] == ["台账.csv"]
    assert fake.client().wait(report)["state"] == "succeeded"


def test_nothing_is_sent_that_is_empty_or_whose_report_could_not_be_saved(
    fake: FakeServer, ledger: Path, tmp_path: Path
) -> None:
    with pytest.raises(PermissionError):
        fake.client().upload(ledger, report_folder=tmp_path / "nowhere")
    ledger.write_bytes(b"")
    with pytest.raises(ApiError, match="import_empty_file"):
        fake.client().upload(ledger)
    assert fake.log == []
    assert list(tmp_path.iterdir()) == [ledger]


def test_an_option_that_the_server_does_not_know_can_be_refused(fake: FakeServer, ledger: Path) -> None:
    fake.client().upload(ledger, kind="users", mode="all_or_nothing", mapping={"农户": None})
    (sent,) = [one for one in fake.requests if one.url.path.endswith("/imports")]
    assert dict(sent.url.params) == {"kind": "users", "mode": "all_or_nothing", "on_conflict": "fail"}
