"""Photos and files, stored by the SHA-256 of their content: the same content is one object, and never changes.

The surface (put, open, exists, delete, size; `path` where a local file is at hand) is what an S3 bucket can offer too.
"""

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from toilet_api.kernel.errors import TOO_LARGE
from toilet_api.settings import Settings

_BLOCK = 1024 * 1024
_SHA256 = re.compile(r"^[0-9a-f]{64}$")

Source = bytes | BinaryIO | Iterable[bytes]


class MissingObjectError(LookupError):
    """There is no object of this hash."""


class ObjectStore:
    """Objects in DATA_DIR/objects, fanned out into folders by the first four characters of the hash.

    Another `folder` keeps apart what is thrown away again (exports), so that removing it never takes what others keep.

    Safe for many processes on one folder: an object appears whole or not at all (temporary file, fsync, rename).
    """

    def __init__(self, settings: Settings, folder: str = "objects") -> None:
        self._root = settings.data_dir / folder
        self._incoming = self._root / "incoming"

    def put(self, source: Source, limit: int | None = None) -> str:
        """Store `source`, read block by block, and return the SHA-256 of it in hex.

        Raises the problem `too_large` as soon as more than `limit` bytes came; nothing is left behind then, nor when
        `source` itself fails.
        """
        self._incoming.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._incoming)
        incoming = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                sha256 = self._receive(source, file, limit)
            target = self.path(sha256)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                incoming.replace(target)
                self._persist(target.parent)
            return sha256
        finally:
            incoming.unlink(missing_ok=True)

    def adopt(self, path: Path, expected: str | None = None) -> str:
        """Store a whole file that is on disk already, without copying where the disk can link; its SHA-256 in hex.

        One that isn't the `expected` is not stored. The file stays where it is; whoever owns it removes it, and never
        changes it in place any more.
        """
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            target = self.path(sha256)
            if target.exists() or expected not in (None, sha256):
                return sha256
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path, target)
            except FileExistsError:
                return sha256
            except OSError:  # another disk, or one that can't link
                file.seek(0)
                return self.put(file)
        self._persist(target.parent)
        return sha256

    def open(self, sha256: str) -> BinaryIO:
        """The content as a binary stream that the caller closes. Raises MissingObjectError."""
        try:
            return self.path(sha256).open("rb")
        except FileNotFoundError:
            raise MissingObjectError(sha256) from None

    def path(self, sha256: str) -> Path:
        """Where the object is or would be. Raises ValueError for what is not a SHA-256 in lower-case hex."""
        if not _SHA256.fullmatch(sha256):
            raise ValueError("not a SHA-256 in lower-case hex")
        return self._root / sha256[:2] / sha256[2:4] / sha256

    def exists(self, sha256: str) -> bool:
        return self.path(sha256).is_file()

    def size(self, sha256: str) -> int:
        """Bytes. Raises MissingObjectError."""
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError:
            raise MissingObjectError(sha256) from None

    def delete(self, sha256: str) -> None:
        """Remove the object; removing what is not there is no error."""
        self.path(sha256).unlink(missing_ok=True)

    def scratch(self) -> Path:
        """A new folder for files in the making, on the disk of the store. Whoever made it removes it; see `sweep`."""
        self._incoming.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=self._incoming))

    def keep(self, sha256: str) -> None:
        """Count the object as new, so that no sweep takes it. Raises MissingObjectError."""
        try:
            os.utime(self.path(sha256))
        except FileNotFoundError:
            raise MissingObjectError(sha256) from None

    def sweep(self, kept: Container[str], older_than: float) -> int:
        """Remove what is older than `older_than` seconds and not `kept`, and leftovers of writers that were killed.

        Gives how many objects went.
        """
        before, gone = time.time() - older_than, 0
        for path in self._root.glob("??/??/*"):
            if path.name not in kept and _changed(path) < before:
                path.unlink(missing_ok=True)
                gone += 1
        for path in self._incoming.glob("*"):
            if _changed(path) >= before:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        return gone

    @staticmethod
    def _receive(source: Source, file: BinaryIO, limit: int | None) -> str:
        digest, size = hashlib.sha256(), 0
        for block in _blocks(source):
            size += len(block)
            if limit is not None and size > limit:
                raise TOO_LARGE.problem(
                    (f"内容超过 {limit} 字节。", f"The content exceeds {limit} bytes."), limit_bytes=limit
                )
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
        return digest.hexdigest()

    @staticmethod
    def _persist(folder: Path) -> None:
        """Make the rename survive a power cut. Some file systems can't sync a folder; then it is as good as it gets."""
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _changed(path: Path) -> float:
    """When the file was changed last; of a folder, when anything in it was. What is gone meanwhile counts as new."""
    try:
        inside = [one.stat().st_mtime for one in path.rglob("*")] if path.is_dir() else []
        return max([path.stat().st_mtime, *inside])
    except FileNotFoundError:
        return time.time()


def _blocks(source: Source) -> Iterator[bytes]:
    if isinstance(source, bytes | bytearray | memoryview):
        yield bytes(source)
    elif hasattr(source, "read"):
        while block := source.read(_BLOCK):
            yield block
    else:
        yield from source
