"""Where the tests' own servers keep their data."""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

_ROOM = 4 * 1024**3


def _memory() -> Path | None:
    place = Path("/dev/shm")  # noqa: S108 - each folder in it is made under a name of its own
    return place if place.is_dir() and shutil.disk_usage(place).free > _ROOM else None


MEMORY = _memory()
"""A folder in memory, where there is room in it: a disk's own work takes half as long again as PostgreSQL's."""


def copied(folder: Path, to: str) -> Path:
    """A copy of a data folder whose server has ended, in the folder `to`; to whom each file belongs is kept."""
    subprocess.run(["cp", "-a", f"{folder}/.", to], check=True)
    return Path(to)


def quick_folder(prefix: str) -> TemporaryDirectory[str]:
    """A folder for data that nobody keeps.

    Not pytest's tmp_path, which is closed to the user that an embedded server runs as under root.
    """
    return TemporaryDirectory(prefix=prefix, dir=MEMORY)
