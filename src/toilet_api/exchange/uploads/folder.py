"""The bytes of uploads that are on their way, in DATA_DIR/uploads/<id>: appended and synced before the offset commits.

Whoever calls holds the upload's row, so that one process at a time writes a file. What lies beyond the committed offset
comes from a process that died or a transaction that failed, and is cut off before the next part.
"""

import os
import shutil
from pathlib import Path
from uuid import UUID

from toilet_api.exchange.uploads.problems import CONTENT_LOST
from toilet_api.kernel.errors import UNAVAILABLE
from toilet_api.settings import Settings


def root(settings: Settings) -> Path:
    """The folder of all uploads; shared by the processes of a deployment, on the disk of the object store."""
    return settings.data_dir / "uploads"


def path_of(settings: Settings, upload_id: UUID) -> Path:
    """The file of one upload."""
    return root(settings) / str(upload_id)


def append(path: Path, offset: int, part: bytes) -> None:
    """Write `part` at `offset`, where the stored bytes end, and wait until the disk has it.

    Raises `upload_content_lost` (410) where fewer bytes are there than were committed, `unavailable` (503) where the
    disk doesn't take them.
    """
    is_new = not path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _own(path, offset)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(handle).st_size < offset:
                raise CONTENT_LOST.problem()
            os.ftruncate(handle, offset)
            _write(handle, part, offset)
            os.fsync(handle)
        finally:
            os.close(handle)
        if is_new:
            _sync_folder(path.parent)
    except OSError as error:
        raise UNAVAILABLE.problem(
            ("存储暂时不可用，这一部分未保留。", "The storage is not available; nothing of the part was kept."),
            headers={"Retry-After": "30"},
        ) from error


def cut(path: Path, offset: int) -> None:
    """Take away what was written beyond `offset`."""
    _own(path, offset)
    os.truncate(path, offset)


def _own(path: Path, offset: int) -> None:
    """A file that the object store shares (a completion that didn't commit) is never changed in place."""
    if not path.exists() or path.stat().st_nlink == 1:
        return
    copy = path.with_suffix(".copy")
    with path.open("rb") as shared, copy.open("wb") as own:
        shutil.copyfileobj(shared, own, 1024 * 1024)
        own.truncate(offset)
        os.fsync(own.fileno())
    copy.replace(path)


def _write(handle: int, part: bytes, offset: int) -> None:
    rest = memoryview(part)
    while rest:
        written = os.pwrite(handle, rest, offset)
        offset, rest = offset + written, rest[written:]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
