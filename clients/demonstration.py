"""A small demonstration county, really served: what the clients talk to."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from clients.tools import ROOT, StepFailedError, run

PASSWORD = "Clients-Play-2026"  # noqa: S105 - of a county that lives for a minute
_SUBSET = ROOT / "tests" / "data" / "divisions_subset.csv"
_HOUSEHOLDS = "60"
_SECONDS = 120
_FOREIGN = ("DATABASE_", "DEMO_", "DATA_DIR", "SECRET_KEY", "VAULT_", "PUBLIC_URL", "HOST", "PORT", "WEB_CONCURRENCY")


@contextmanager
def served() -> Iterator[str]:
    """The address, once it is ready; everything has ended afterwards."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)  # else each of its processes compiles every module anew
    environment = {**kept, "DEMO_PASSWORD": PASSWORD, "ARGON2_TIME_COST": "1", "ARGON2_MEMORY_KIB": "64"}
    command = Path(sys.executable).with_name("toilet-api")
    # Not below this folder: under root the embedded server runs as a user who may not enter it.
    with TemporaryDirectory(prefix="toilet-clients-") as folder:
        run(command, "divisions", "load", _SUBSET, "--data-dir", folder, environment=environment)
        run(command, "demo", "--households", _HOUSEHOLDS, "--data-dir", folder, environment=environment)
        process = subprocess.Popen(
            [command, "serve", "--demo", "--port", "0", "--data-dir", folder],
            env={**environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        too_long = threading.Timer(_SECONDS * 10, process.kill)
        too_long.start()
        try:
            yield _address(process)
        finally:
            too_long.cancel()
            process.send_signal(signal.SIGTERM)
            process.wait(_SECONDS)


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C" in line:
            break
    found = re.search(r"http://127\.0\.0\.1:\d+", said)
    if found is None:
        sys.stdout.write(said)
        raise StepFailedError("the demonstration was never ready")
    threading.Thread(target=process.stdout.read, daemon=True).start()  # whoever writes much must not wait for a reader
    return found[0]
