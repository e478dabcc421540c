"""What a transfer remembers beside its file, so that the next run can go on. It holds no secrets."""

import contextlib
import json
import os
import secrets
import time
from pathlib import Path
from typing import Any
from uuid import UUID


class Kept:
    """A small JSON file. Where the folder can't be written to there is none, and a broken transfer begins anew."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def beside(cls, file: Path, what: str) -> "Kept":
        """`.NAME.toilet-WHAT.json`, in the folder of the file."""
        return cls(file.with_name(f".{file.name}.toilet-{what}.json"))

    def read(self) -> dict[str, Any]:
        """What an earlier run left; empty where there is nothing, or nothing that makes sense."""
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, values: dict[str, Any]) -> None:
        """Put `values` in its place, whole or not at all."""
        new = self.path.with_name(self.path.name + ".new")
        with contextlib.suppress(OSError):
            new.write_text(json.dumps(values, ensure_ascii=False, indent=1), encoding="utf-8")
            new.replace(self.path)

    def remove(self) -> None:
        """The transfer is over."""
        with contextlib.suppress(OSError):
            self.path.unlink()


def new_id() -> str:
    """A UUIDv7 (RFC 9562): made here, so that a request that comes twice makes one record."""
    moment = time.time_ns() // 1_000_000
    bits = (moment << 80) | (7 << 76) | (secrets.randbits(12) << 64) | (2 << 62) | secrets.randbits(62)
    return str(UUID(int=bits))


def settle(part: Path, target: Path) -> None:
    """Give a file that is complete its name. Before that the disk has all of it."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(target)
