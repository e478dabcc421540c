"""The command `toilet-api` as an operator runs it."""

import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from unittest.mock import patch

import psutil

from tests.building import connected
from toilet_api import cli
from toilet_api.commands import document
from toilet_api.demonstration import stage

COMMAND = (sys.executable, "-m", "toilet_api")
PASSWORD = "Walk-Through-2026"
# What an environment may hold that would lead the command elsewhere.
_FOREIGN = ("DATABASE_", "DEMO_", "DATA_DIR", "SECRET_KEY", "VAULT_", "PUBLIC_URL", "HOST", "PORT", "WEB_CONCURRENCY")
SECONDS = 120


def environment(**variables: str) -> dict[str, str]:
    """This process's own, without settings of the product, and with quick passwords."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    # Each of a family of processes would compile every module anew, for seconds.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {"ARGON2_TIME_COST": "1", "ARGON2_MEMORY_KIB": "64", "PYTHONUNBUFFERED": "1"} | variables


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str


def run(*arguments: str | Path, stdin: str = "", **variables: str) -> Ended:
    """Run the command to its end in this process, as from the shell: loading it anew takes seconds."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        patch.dict(os.environ, environment(**variables), clear=True),
        patch.object(sys, "argv", ["toilet-api", *map(str, arguments)]),
        patch.object(sys, "stdin", io.StringIO(stdin)),
        patch.object(cli, "configure_logging"),
        patch.object(stage, "create_app", connected),
        patch.object(document, "create_app", connected),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    return Ended(code, out.getvalue(), err.getvalue())


class Run(Protocol):
    """`run`, or the like of it on a certain database."""

    def __call__(self, *arguments: str | Path, stdin: str = "", **variables: str) -> Ended: ...


class Served:
    """A running `toilet-api serve`."""

    def __init__(self, process: subprocess.Popen[str], printed: list[str], address: str) -> None:
        self.process, self.printed, self.address = process, printed, address

    def descendants(self) -> dict[psutil.Process, str]:
        """Every process that it started, directly or not, and its command line."""
        found: dict[psutil.Process, str] = {}
        for one in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it has just ended
                found[one] = " ".join(one.cmdline())
        return found


def alive(process: psutil.Process) -> bool:
    """Whether it still runs; one that has ended may wait to be reaped by a slow init."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def serving(*arguments: str | Path, seconds: float = SECONDS, **variables: str) -> Iterator[Served]:
    """`toilet-api serve` on a free port, from when it says that it is ready; ended by SIGTERM, which must be enough.

    It is killed after so many `seconds`, whatever happens.
    """
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", *map(str, arguments)],
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    printed: list[str] = []
    rest: threading.Thread | None = None
    too_long = threading.Timer(seconds, process.kill)
    too_long.start()
    try:
        for line in process.stdout:
            printed.append(line)
            if "Ctrl-C" in line:
                break
        said = "".join(printed)
        address = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert address, f"it was never ready:\n{said}"
        # Whoever writes much must not wait for a reader.
        rest = threading.Thread(target=printed.extend, args=[process.stdout], daemon=True)
        rest.start()
        yield Served(process, printed, address[0])
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(SECONDS)
        if rest is not None:
            rest.join(SECONDS)
        too_long.cancel()
        process.stdout.close()
