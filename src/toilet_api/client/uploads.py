"""A file to the server in parts: each with its checksum, each from where the server says that it has come to."""

import base64
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from toilet_api.client import patience
from toilet_api.client.answers import Upload
from toilet_api.client.connection import Connection
from toilet_api.client.errors import ApiError, FileChangedError, UnreachableError
from toilet_api.client.kept import Kept, new_id
from toilet_api.client.progress import Progress, Tell

READ_BYTES = 1024 * 1024
_PIECE_BYTES = 64 * 1024
PART_BYTES_MIN = 64 * 1024
"""On a bad line parts get smaller down to this: what is lost with one is sent again."""
_GROW_AFTER = 4
"""Parts in a row that arrive before they get longer again."""
_GONE = (404, 410)


class Sending:
    """One file on its way. `send` may be called again by another process at any time; it goes on."""

    def __init__(self, connection: Connection, path: Path, tell: Tell) -> None:
        self._connection = connection
        self._path = path
        self._tell = tell
        self._seen = _stamp(path.stat())
        self.kept = Kept.beside(path, "upload")

    def send(self) -> Upload:
        """Send what is missing, and give the complete upload.

        Raises ApiError, UnreachableError, or FileChangedError when the file is written to in the meantime.
        """
        upload, sha256 = self._earlier()
        for last in (False, True):
            if upload is None:
                upload = self._begin(sha256)
            try:
                return self._send_parts(upload)
            except ApiError as error:
                # It has expired, was cancelled elsewhere, or the server lost it: once, begin anew.
                if last or not (error.status in _GONE or error.document.get("current") == "cancelled"):
                    raise
                self._connection.notice("上传已失效，从头开始 / The upload is gone; beginning anew")
                upload = None
        raise AssertionError("either it was sent, or the second attempt raised")

    def _earlier(self) -> tuple[Upload | None, str]:
        """The upload that an earlier run began with this file, and the file's SHA-256."""
        kept = self.kept.read()
        if kept.get("url") != self._connection.url or not kept.get("upload_id"):
            return None, self._hash()
        sha256 = str(kept["sha256"]) if kept.get("stamp") == self._seen else self._hash()
        if sha256 != kept.get("sha256"):
            self._connection.notice("文件与上次不同，从头上传 / The file has changed since; beginning anew")
            self._cancel(str(kept["upload_id"]))
            return None, sha256
        try:
            found = cast("Upload", self._connection.read("GET", f"/uploads/{kept['upload_id']}"))
        except ApiError as error:
            if error.status not in (*_GONE, 422):
                raise
            return None, sha256
        if found["state"] == "cancelled":
            return None, sha256
        share = found["offset"] / max(found["size_bytes"], 1)
        self._connection.notice(
            f"接着上次的上传，已传 {share:.0%} / Going on with the earlier upload; {share:.0%} is there"
        )
        return found, sha256

    def _begin(self, sha256: str) -> Upload:
        size, _ = self._seen
        if not size:
            raise ApiError(422, {"code": "import_empty_file", "title": "文件是空的 / The file is empty"})
        wanted = {"id": new_id(), "file_name": self._path.name[-200:], "size_bytes": size, "sha256": sha256}
        state = {"url": self._connection.url, "upload_id": wanted["id"], "stamp": self._seen, "sha256": sha256}
        self.kept.write(state)  # first: whatever happens to the answer, the upload is known
        try:
            made = cast("Upload", self._connection.read("POST", "/uploads", json=wanted))
        except ApiError as error:
            if not patience.may_pass(error.status):
                self.kept.remove()
            raise
        if made["id"] != wanted["id"]:
            self.kept.write(state | {"upload_id": made["id"]})
        return made

    def _send_parts(self, upload: Upload) -> Upload:
        connection, length, failures = self._connection, _Length(upload["part_bytes_max"]), 0
        with self._path.open("rb") as file:
            while upload["state"] == "open":
                self._check_unchanged()
                offset = upload["offset"]
                try:
                    upload = self._send_part(file, upload, length.now)
                    length.arrived()
                except (ApiError, UnreachableError) as error:
                    self._refuse_whole(upload, error)
                    smaller = length.failed(error)
                    failures += not smaller
                    if failures > connection.retries or not _may_mend(error):
                        raise
                    if not _is_immediate(error):
                        connection.pause(failures - 1, error)
                    upload = cast("Upload", connection.read("GET", f"/uploads/{upload['id']}"))
                if upload["offset"] > offset:
                    failures = 0
        self._tell(Progress("sending", upload["size_bytes"], upload["size_bytes"], "bytes"))
        return upload

    def _send_part(self, file: BinaryIO, upload: Upload, length: int) -> Upload:
        offset = upload["offset"]
        file.seek(offset)
        part = file.read(length)
        digest = base64.b64encode(hashlib.sha256(part).digest()).decode()
        answer = self._connection.request(
            "PATCH",
            f"/uploads/{upload['id']}",
            body=self._told(part, offset, upload["size_bytes"]),
            headers={
                "Content-Type": "application/offset+octet-stream",
                "Content-Length": str(len(part)),
                "Upload-Offset": str(offset),
                "Upload-Checksum": f"sha256 {digest}",
            },
            retries=0,  # after an error the offset is asked first: the part may be stored, and only its answer lost
        )
        return cast("Upload", answer.json())

    def _told(self, part: bytes, offset: int, total: int) -> Callable[[], Iterator[bytes]]:
        def pieces() -> Iterator[bytes]:
            for start in range(0, len(part), _PIECE_BYTES):
                self._tell(Progress("sending", offset + start, total, "bytes"))
                yield part[start : start + _PIECE_BYTES]

        return pieces

    def _refuse_whole(self, upload: Upload, error: Exception) -> None:
        """Every part was as its checksum says, but not the whole: the file was changed between two runs."""
        if isinstance(error, ApiError) and error.code == "upload_checksum_mismatch" and "found" in error.document:
            self._cancel(upload["id"])
            self.kept.remove()
            raise FileChangedError(_CHANGED) from error

    def _check_unchanged(self) -> None:
        if _stamp(self._path.stat()) != self._seen:
            raise FileChangedError(_CHANGED)

    def _cancel(self, upload_id: str) -> None:
        try:
            self._connection.request("POST", f"/uploads/{upload_id}/cancel", retries=0)
        except (ApiError, UnreachableError):
            return  # it expires by itself

    def _hash(self) -> str:
        digest, done, (size, _) = hashlib.sha256(), 0, self._seen
        with self._path.open("rb") as file:
            while chunk := file.read(READ_BYTES):
                digest.update(chunk)
                done += len(chunk)
                self._tell(Progress("hashing", done, size, "bytes"))
        return digest.hexdigest()


class _Length:
    """How long the next part is: what the server takes, less on a line that breaks, or where a proxy takes less."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._good = 0
        self.now = most

    def arrived(self) -> None:
        self._good += 1
        if self._good >= _GROW_AFTER:
            self.now, self._good = min(self._most, self.now * 2), 0

    def failed(self, error: Exception) -> bool:
        """Whether the part was refused for its length alone, and a shorter one may do."""
        too_long = isinstance(error, ApiError) and error.status == 413 and self.now > PART_BYTES_MIN
        self.now, self._good = max(min(PART_BYTES_MIN, self._most), self.now // 2), 0
        if too_long:
            self._most = self.now
        return too_long


_CHANGED = "文件在上传中被修改，请重新运行 / The file was changed while it was being sent; run it again"


def _stamp(stat: os.stat_result) -> list[int]:
    """By what a changed file is told without reading it: size and time of the last change, in nanoseconds."""
    return [stat.st_size, stat.st_mtime_ns]


def _may_mend(error: Any) -> bool:
    """Whether to ask the offset and try again."""
    if isinstance(error, UnreachableError):
        return not patience.is_hopeless(error)
    return patience.may_pass(error.status) or _is_immediate(error)


def _is_immediate(error: Any) -> bool:
    """Whether nothing has to be waited for: the part was stored before, broken on its way, or too long for a proxy."""
    return isinstance(error, ApiError) and (
        error.code in ("upload_offset_mismatch", "upload_checksum_mismatch") or error.status == 413
    )
