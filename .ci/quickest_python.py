"""Prints which python3.11 to make `.venv` from: the first on PATH, unless another is clearly quicker.

A Python that was compiled without its own optimizations, as pyenv does by default, took an eighth longer for some
of the tests, and a third longer for loops; a machine that has one often has its distribution's, too.
"""

import os
import subprocess
import sys
from pathlib import Path

CLEARLY = 0.85
ROUNDS = 7
# What a virtual environment needs, then the best of some short loops in microseconds of processor.
PROBE = """
import ensurepip, ssl, sys, time, venv, zlib

def once():
    start, seen = time.process_time(), {}
    for number in range(30_000):
        seen[number % 1000] = str(number)
    return time.process_time() - start

assert sys.version_info[:2] == (3, 11)
print(int(min(once() for _ in range(5)) * 1_000_000), sys.executable)
"""


def main() -> None:
    """The candidates take turns, so that a busy moment of the machine is nobody's fault."""
    found = [Path(folder) / "python3.11" for folder in os.get_exec_path()]
    times: dict[Path, list[int]] = {}
    commands: dict[Path, Path] = {}
    for _ in range(ROUNDS):
        for command in found:
            if (measured := _measured(command)) is not None:
                taken, interpreter = measured
                times.setdefault(interpreter, []).append(taken)
                commands.setdefault(interpreter, command)
    if not times:
        sys.exit("no python3.11 on PATH can make a virtual environment")
    first, quickest = next(iter(times)), min(times, key=lambda one: min(times[one]))
    print(commands[quickest if min(times[quickest]) < CLEARLY * min(times[first]) else first])


def _measured(command: Path) -> tuple[int, Path] | None:
    """Microseconds, and the interpreter behind a link or a shim."""
    try:
        said = subprocess.run([command, "-c", PROBE], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    taken, interpreter = said.split(maxsplit=1)
    return int(taken), Path(interpreter.strip()).resolve()


if __name__ == "__main__":
    main()
