"""`toilet-api upload` and `download`: what a person and a script get to see of it."""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.client.fake import PASSWORD, URL, Act, FakeServer, Fault, dropped, refuse, unconnected
from toilet_api.client import Client, Progress
from toilet_api.commands import alone, transfer, transfer_view
from toilet_api.exchange.exports.schemas import ExportFilters

Run = Callable[..., tuple[int, str, str]]
WHO = ("--url", URL, "--username", "township_manager")
REJECTED = {
    "counts": {
        "rows_in": 2, "created": 1, "updated": 0, "unchanged": 0, "rejected": 1,
        "ignored": {}, "corrections": {}, "reasons": {"id_check": 1},
    }
}  # fmt: skip


@pytest.fixture
def run(fake: FakeServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Its exit code, what it said to a program, what it said to a person."""
    monkeypatch.setattr(transfer, "Client", partial(Client, transport=httpx.MockTransport(fake.answer)))
    monkeypatch.setattr(alone, "configure_logging", lambda: None)
    for name in ("TOILET_URL", "TOILET_USERNAME", "TOILET_CLIENT_ID", "TOILET_CLIENT_SECRET", "TOILET_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TOILET_PASSWORD", PASSWORD)

    def ended(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["toilet-api", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            transfer.main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return ended


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "台账.csv"
    path.write_bytes(b"x" * 250_000)
    return path


def test_a_file_whose_rows_are_all_taken(run: Run, ledger: Path, fake: FakeServer) -> None:
    mapping = ledger.with_name("mapping.json")
    mapping.write_text('{"农户": "name"}', encoding="utf-8-sig")
    code, out, err = run("upload", ledger, *WHO, "--dry-run", "--mapping", mapping, "--on-conflict", "skip")
    assert code == 0
    assert "试运行" in out
    assert f"{ledger}.report.csv" in out.replace("\n", "")
    assert "上传 / sending: 0 bytes/250.0 kB" in err
    assert "导入 / importing: 2/2 行" in err
    assert "http:// 不加密" in err
    assert PASSWORD not in out + err
    form = fake.imports["job1"]["form"]
    assert (form["dry_run"], form["mapping"], form["on_conflict"]) == ("true", '{"农户": "name"}', "skip")


def test_rejected_rows_have_a_code_of_their_own_and_the_first_are_shown(
    run: Run, ledger: Path, fake: FakeServer
) -> None:
    fake.outcome = REJECTED
    code, out, _ = run("upload", ledger, *WHO)
    assert code == 4
    assert "id_check" in out
    assert "第 3 行 F3: 校验不通过；应为 18 位" in out
    assert (ledger.parent / "台账.csv.report.xlsx").exists()
    fake.outcome |= {"state": "failed", "problem": {"code": "import_rows_rejected", "title": "有行被拒绝"}}
    code, out, err = run("upload", ledger, *WHO, "--mode", "all_or_nothing")
    assert code == 4
    assert "有行被拒绝" in err
    assert "id_check" in out


def test_a_script_gets_one_json_document(run: Run, ledger: Path, fake: FakeServer) -> None:
    fake.outcome = REJECTED
    code, out, _ = run("upload", ledger, *WHO, "--json")
    document = json.loads(out)
    assert document["exit_code"] == code == 4
    assert document["job"]["counts"]["rejected"] == 1
    assert document["reports"] == [f"{ledger}.report.csv", f"{ledger}.report.xlsx"]
    fake.fault("POST /uploads", refuse(413, "too_large"))
    code, out, _ = run("upload", ledger, *WHO, "--json")
    assert json.loads(out)["problem"]["code"] == "too_large"
    assert json.loads(out)["exit_code"] == code == 3


@pytest.mark.parametrize(
    ("where", "fault", "code"),
    [
        ("POST /imports", refuse(422, "import_column_missing"), 3),
        ("POST /imports", refuse(415, "import_unknown_format"), 3),
        ("POST /uploads", refuse(403, "forbidden"), 5),
        ("POST /auth/token", refuse(401, "invalid_credentials"), 5),
        ("POST /auth/token", refuse(429, "too_many_attempts"), 5),
        ("POST /auth/token", unconnected, 6),
        ("POST /auth/token", refuse(503), 6),
        ("PATCH", dropped, 6),
        ("GET /imports", refuse(502), 6),
        ("GET /imports", refuse(429), 6),
        ("POST /uploads", lambda *_: httpx.Response(200, html="<h1>Hotel</h1>"), 1),
    ],
)
def test_exit_codes_of_an_upload(run: Run, ledger: Path, fake: FakeServer, where: str, fault: Fault, code: int) -> None:
    fake.fault(where, *[fault] * 2)
    got, _, err = run("upload", ledger, *WHO, "--retries", "1")
    assert got == code
    assert ("再次运行同一命令" in err) == (code == 6)


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        ({"state": "failed", "problem": {"code": "import_interrupted", "status": 500, "title": "中断"}}, 7),
        ({"state": "failed", "problem": {"code": "import_column_missing", "status": 422, "title": "缺列"}}, 3),
        ({"state": "cancelled"}, 7),
    ],
)
def test_exit_codes_of_a_job_that_does_not_succeed(
    run: Run, ledger: Path, fake: FakeServer, ended: dict[str, Any], code: int
) -> None:
    fake.outcome = ended | {"counts": REJECTED["counts"] | {"rows_in": 0, "created": 0, "rejected": 0}}
    got, _, err = run("upload", ledger, *WHO)
    assert got == code
    assert ended.get("problem", {"title": "cancelled"})["title"] in err


def test_what_the_server_says_of_a_refusal_is_told(run: Run, ledger: Path, fake: FakeServer) -> None:
    fault = {"pointer": "/division", "code": "unknown_division", "message": "没有这个区划", "expected": "六位"}
    document = {"code": "unknown_division", "title": "没有", "remedy": "请核对", "request_id": "r9", "errors": [fault]}
    fake.fault("POST /imports", lambda *_: httpx.Response(422, json=document))
    _, _, err = run("upload", ledger, *WHO)
    for part in (
        "没有 (unknown_division, HTTP 422)",
        "/division: 没有这个区划（应为 / expected: 六位）",
        "请核对",
        "r9",
    ):
        assert part in err


def test_ctrl_c_says_how_to_go_on_and_it_does(run: Run, ledger: Path, fake: FakeServer) -> None:
    def interrupted(_: httpx.Request, __: Act) -> httpx.Response:
        raise KeyboardInterrupt

    fake.fault("PATCH", lambda request, act: act(request), interrupted)
    code, _, err = run("upload", ledger, *WHO)
    assert code == 130
    assert "再次运行同一命令" in err
    code, _, err = run("upload", ledger, *WHO)
    assert (code, fake.count("POST /uploads")) == (0, 1)
    assert "已传 40%" in err
    fake.fault("GET /exports", interrupted)
    code, _, err = run("download", "households", *WHO, "--output", ledger.parent)
    assert code == 130
    assert "--resume" in err


def test_not_waiting(run: Run, ledger: Path) -> None:
    code, out, _ = run("upload", ledger, *WHO, "--no-wait")
    assert code == 0
    assert f"{URL}/api/v1/imports/job1" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--username", "a"),
        ("--url", URL),
        ("--url", "server.example", "--username", "a"),
        ("--url", URL, "--username", "a", "--client-id", "b"),
        ("--url", URL, "--client-id", "b"),  # its secret is nowhere
        (*WHO, "--mode", "some"),
        (*WHO, "--mapping", "nothing.json"),
    ],
)
def test_wrong_usage(run: Run, ledger: Path, arguments: tuple[str, ...], fake: FakeServer) -> None:
    assert run("upload", ledger, *arguments)[0] == 2
    assert fake.log == []


@pytest.mark.parametrize("content", ["[]", "{", "\udcff"])
def test_a_mapping_that_is_none(run: Run, ledger: Path, content: str) -> None:
    mapping = ledger.with_name("mapping.json")
    mapping.write_bytes(content.encode(errors="surrogateescape"))
    assert run("upload", ledger, *WHO, "--mapping", mapping)[0] == 2


def test_a_download(run: Run, tmp_path: Path, fake: FakeServer) -> None:
    to = tmp_path / "户厕.csv"
    filters = ("--filter", "mode=bucket", "--filter", "mode=none", "--filter", "grade=low", "--filter", "overdue=true")
    code, out, err = run(
        "download", "households", *WHO, "--output", to, *filters, "--bom", "--personal", "plain", "--purpose", "核对"
    )
    assert (code, out.strip()) == (0, str(to))
    assert to.read_bytes() == fake.content
    assert "导出 / exporting: 100%" in err
    (export,) = fake.exports.values()
    assert export["filters"] == {"mode": ["bucket", "none"], "grade": ["low"], "overdue": True}
    assert (export["format"], export["bom"], export["personal"], export["purpose"]) == ("csv", True, "plain", "核对")
    code, out, _ = run("download", "households", *WHO, "--output", tmp_path, "--format", "ndjson", "--json")
    assert json.loads(out) == {"exit_code": 0, "path": str(to), "bytes": len(fake.content)}


def test_filters_of_one_value_are_those_of_the_server() -> None:
    fields = ExportFilters.model_fields.items()
    assert sorted(name for name, field in fields if "list[" not in str(field.annotation)) == sorted(transfer.ONE_VALUE)
    texts = transfer._filters(["built_year_from=2024", "overdue=true", "mode=bucket", "date_from=2026-06-01"])
    asked = ExportFilters.model_validate(texts)
    assert (asked.built_year_from, asked.overdue, asked.mode) == (2024, True, ["bucket"])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("households", *WHO, "--filter", "bucket"), 2),
        (("households", *WHO, "--output", "nowhere/at/all.csv"), 2),
        (("toilets", *WHO), 2),
    ],
)
def test_wrong_usage_of_a_download(run: Run, arguments: tuple[str, ...], code: int) -> None:
    assert run("download", *arguments)[0] == code


def test_exit_codes_of_a_download(run: Run, tmp_path: Path, fake: FakeServer) -> None:
    fake.fault("POST /exports", refuse(403, "out_of_scope"))
    assert run("download", "households", *WHO, "--output", tmp_path)[0] == 5
    fake.fault("POST /exports", refuse(422, "unknown_filter"))
    assert run("download", "households", *WHO, "--output", tmp_path)[0] == 3
    fake.export_outcome = {"state": "failed", "problem": {"code": "export_interrupted", "title": "中断"}}
    assert run("download", "households", *WHO, "--output", tmp_path)[0] == 7
    fake.export_outcome = {"state": "succeeded", "sha256": "0" * 64}
    assert run("download", "households", *WHO, "--output", tmp_path)[0] == 1
    assert list(tmp_path.iterdir()) == []


class Terminal:
    """A stream that says it is one."""

    def __init__(self) -> None:
        self.written = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written += text
        return len(text)

    def flush(self) -> None:
        pass


def test_a_terminal_sees_a_bar_with_rate_and_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    with transfer_view.shown(terminal) as (tell, notice):  # type: ignore[arg-type]
        for done in (0, 5_000_000, 10_000_000):
            tell(Progress("sending", done, 10_000_000, "bytes"))
        tell(Progress("importing", 500, 1000, "rows"))
        notice("接着 [上次] 的上传")
    assert "10.0 MB/10.0 MB" in terminal.written
    assert "B/s" in terminal.written
    assert "500/1,000 行" in terminal.written
    assert "接着 [上次] 的上传" in terminal.written


def test_plain_lines_are_few_and_say_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(transfer_view.time, "monotonic", lambda: now[0])
    with transfer_view.shown() as (tell, _):
        for second in range(11):
            now[0] = float(second)
            for _ in range(50):
                tell(Progress("sending", second * 1_000_000, 10_000_000, "bytes"))
    assert capsys.readouterr().err.splitlines() == [
        "上传 / sending: 0 bytes/10.0 MB",
        "上传 / sending: 5.0 MB/10.0 MB, 1.0 MB/s, 还需 / left 0:00:05",
        "上传 / sending: 10.0 MB/10.0 MB, 1.0 MB/s",
    ]
