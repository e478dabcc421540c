"""docs/client.md, held to the code: its options exist, its exit codes are all there are, its Python runs."""

import re
import shlex
from functools import partial
from pathlib import Path

import httpx
import pytest
import typer

from tests.client.fake import PASSWORD, FakeServer
from toilet_api import client
from toilet_api.commands import transfer, transfer_outcome

PAGE = (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8")


def test_every_exit_code_is_explained() -> None:
    table = PAGE.split("| exit code |")[1].split("\n\n")[0]
    codes = {value for name, value in vars(transfer_outcome).items() if name.isupper() and name != "FAULTS_SHOWN"}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)} == codes


def test_the_commands_exist() -> None:
    lines = re.findall(r"^toilet-api (.*?)(?: +#.*| > .*)?$", PAGE, re.M)
    assert len(lines) == 6
    cli = typer.Typer()
    cli.command()(transfer.upload)
    cli.command()(transfer.download)
    group = typer.main.get_command(cli)
    for line in lines:
        name, *arguments = shlex.split(line)
        known = {option for parameter in group.commands[name].params for option in parameter.opts}  # type: ignore[attr-defined]
        assert {one for one in arguments if one.startswith("--")} <= known, line


def test_the_python_runs(
    fake: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    assert PASSWORD != "Demo-2026-Wuning"
    monkeypatch.setattr("tests.client.fake.PASSWORD", "Demo-2026-Wuning")
    monkeypatch.setattr(client, "Client", partial(client.Client, transport=httpx.MockTransport(fake.answer)))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "台账.xlsx").write_bytes(b"PK")
    fake.households = [{"id": "0199f2c4"}]
    exec(compile(code, "client.md", "exec"), {})  # noqa: S102 - our own page
    said = capsys.readouterr().out
    assert "2 to be created, 0 rejected; 台账.xlsx.report.csv" in said
    assert f"{len(fake.content)} bytes" in said
    assert said.splitlines()[-2:] == ["0199f2c4", "township_manager"]
