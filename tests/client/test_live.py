"""The client and the command against the real app behind a real server, over a bad line."""

import csv
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pytest
from fastapi import FastAPI

from tests.client.line import Line
from tests.conftest import make_settings
from tests.contract.served import serving
from tests.delivery.running import COMMAND, environment
from tests.registry.made import id_number
from tests.world import PASSWORD
from toilet_api.client import ApiError, Client, JobFailedError, SignInError
from toilet_api.settings import Settings

HEADINGS = ["村代码", "户主姓名", "身份证号码", "住址", "改厕方式", "照片文件名"]
PART = 64 * 1024


@pytest.fixture(autouse=True)
def slept() -> None:
    """Time passes here."""


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return make_settings(database_url, tmp_path / "data").model_copy(update={"upload_part_max_bytes": PART})


@pytest.fixture
def address(app: FastAPI, drain_jobs: Callable[[], None]) -> Iterator[str]:
    """Where the app is served, with somebody who works on its jobs."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.05):
            drain_jobs()

    worker = threading.Thread(target=work)
    with serving(app) as served:
        worker.start()
        try:
            yield served.address
        finally:
            ended.set()
            worker.join()


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    with Client(address, username="township_manager", password=PASSWORD) as made:
        yield made


def ledger(path: Path, names: str, *, wrong: int = 0) -> Path:
    """A row for each name, of some 30 kB; the last `wrong` of them have an ID number that isn't one."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        for number, name in enumerate(names):
            id_ = id_number() if number < len(names) - wrong else "360423199001011111"
            writer.writerow(["360423208202", f"演{name}", id_, f"{number + 1} 组", "三格式", f"{name}.jpg " * 4000])
    return path


def test_dry_run_rejected_rows_corrected_and_sent_again(client: Client, tmp_path: Path) -> None:
    file = ledger(tmp_path / "台账.csv", "甲乙丙", wrong=1)
    dry = client.upload(file, dry_run=True)
    assert (dry.counts["created"], dry.counts["rejected"]) == (2, 1)
    report = client.upload(file)
    assert (report.counts["created"], report.counts["rejected"], report.complete) == (2, 1, False)
    lines = list(csv.reader(report.files[0].open(encoding="utf-8-sig")))
    assert any("id_check" in line for line in lines)
    (row,) = client.rows(report, outcome="rejected")
    assert (row["row"], row["errors"][0]["cell"]) == (4, "C4")

    marked = openpyxl.load_workbook(report.files[1])
    marked.active["C4"] = id_number()
    marked.save(report.files[1])
    again = client.upload(report.files[1])
    assert (again.counts["created"], again.counts["unchanged"], again.counts["rejected"]) == (1, 2, 0)
    assert again.complete


def test_all_or_nothing_and_refused_files(client: Client, tmp_path: Path) -> None:
    file = ledger(tmp_path / "台账.csv", "丁戊", wrong=1)
    with pytest.raises(JobFailedError) as failed:
        client.upload(file, mode="all_or_nothing")
    assert failed.value.code == "import_rows_rejected"
    assert [path.suffix for path in failed.value.files] == [".csv", ".xlsx"]
    (tmp_path / "照片.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(ApiError) as refused:
        client.upload(tmp_path / "照片.csv")
    assert refused.value.code == "import_unknown_format"
    with pytest.raises(SignInError):
        Client(client.url, username="township_manager", password="Wrong-2026").request("GET", "/me")


def test_a_line_that_is_cut_in_the_middle_of_a_part(client: Client, tmp_path: Path) -> None:
    file = ledger(tmp_path / "台账.csv", "己庚辛壬癸")
    with Line(client.url) as line, Client(line.address, username="township_manager", password=PASSWORD) as there:
        there.request("GET", "/me")
        line.cut_after = line.passed + 2 * PART + PART // 2
        report = there.upload(file)
        assert line.cut_after is None, "it was never cut"
        assert line.passed < file.stat().st_size + 2 * PART
    assert report.counts["created"] == 5
    assert report.complete


def test_a_client_that_is_killed_goes_on_where_it_was(client: Client, tmp_path: Path) -> None:
    file = ledger(tmp_path / "台账.csv", "子丑寅卯辰巳")
    with Line(client.url) as line:
        line.stop_after = PART + PART // 2
        command = [*COMMAND, "upload", file, "--url", line.address, "--username", "township_manager", "--json"]
        there = environment(TOILET_PASSWORD=PASSWORD)
        process = subprocess.Popen(command, env=there, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert line.stopped.wait(30)
        process.kill()
        process.wait()
        kept = json.loads((tmp_path / ".台账.csv.toilet-upload.json").read_text(encoding="utf-8"))
        stored = client.request("GET", f"/uploads/{kept['upload_id']}").json()["offset"]
        assert 0 < stored < file.stat().st_size

        line.cut()
        line.stop_after, before = None, line.passed
        ended = subprocess.run(command, env=there, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stderr
        assert line.passed - before < file.stat().st_size - stored + PART // 2
    assert "接着上次的上传" in ended.stderr
    document = json.loads(ended.stdout)
    assert document["job"]["counts"]["created"] == 6
    assert (tmp_path / "台账.csv.report.csv").exists()
    assert not (tmp_path / ".台账.csv.toilet-upload.json").exists()


def test_a_download_over_a_line_that_is_cut(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "台账.csv"
    people = [f"360423208202,演{chr(0x4E00 + number)},{id_number()},{number + 1} 组,三格式" for number in range(400)]
    file.write_text("\n".join([",".join(HEADINGS[:5]), *people]), encoding="utf-8")
    assert client.upload(file).counts["created"] == 400
    with Line(client.url) as line, Client(line.address, username="township_manager", password=PASSWORD) as there:
        there.request("GET", "/me")
        before = line.passed
        line.cut_after = before + 80_000
        path = there.download("households", "csv", tmp_path, division="360423208")
        assert line.cut_after is None, "it was never cut"
        assert line.passed - before < path.stat().st_size + 40_000, "it was fetched twice"
    rows = list(csv.DictReader(path.open(encoding="utf-8-sig")))
    assert len(rows) == 400
    assert {row["村代码"] for row in rows} == {"360423208202"}
    assert not list(tmp_path.glob("*.part"))
