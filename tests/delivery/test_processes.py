"""The processes of `toilet-api serve`: they fall, rise and end together, and two that start at once don't collide."""

import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from toilet_api.commands import children, demo, serve
from toilet_api.commands.children import Child, Children, GaveUpError
from toilet_api.settings import Settings


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "PAUSE_SECONDS", 0.01)


def python(line: str) -> list[str]:
    return [sys.executable, "-S", "-c", line]


@pytest.fixture
def lasting() -> Iterator[Children]:
    made = Children([Child("sleeper", python("import time; time.sleep(600)"))], {})
    made.start()
    yield made
    made.stop()


def test_a_child_that_falls_over_again_and_again_ends_it_all(
    no_pause: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    falling = Child("web 1", python(f"open({str(log)!r}, 'a').write('x'); raise SystemExit(3)"))
    running = Children([falling], {})
    running.start()
    with pytest.raises(GaveUpError, match="web 1"):
        running.watch(60)
    assert log.read_text() == "x" * children.FALLS
    assert "web 1 ended with 3; started again" in capfd.readouterr().err


def test_a_killed_child_is_replaced(no_pause: None, lasting: Children) -> None:
    (child,) = lasting.children
    assert child.process
    first = child.process
    first.kill()
    first.wait()
    lasting.watch(0.5)
    assert child.process is not first
    assert child.process.poll() is None
    lasting.stop()
    assert child.process.poll() is not None


def test_a_port_in_use_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(typer.Exit):
            serve.open_listener("127.0.0.1", port)
    assert f"127.0.0.1:{port}" in capsys.readouterr().out


def test_two_that_took_the_same_port_before_either_listened(capsys: pytest.CaptureFixture[str]) -> None:
    first = serve.open_listener("127.0.0.1", 0)
    second = serve.open_listener("127.0.0.1", first.getsockname()[1])
    with first, second:
        serve.listen(first)
        with pytest.raises(typer.Exit):
            serve.listen(second)
    assert "PORT=8123" in capsys.readouterr().out


def test_one_at_a_time_fills_a_data_directory(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    entered = threading.Event()

    def other() -> None:
        with demo.alone(settings):
            entered.set()

    with demo.alone(settings):
        waiting = threading.Thread(target=other)
        waiting.start()
        assert not entered.wait(0.2)
    assert entered.wait(10)
    waiting.join()
