"""A data set to a file: an export is made, and its file fetched piece by piece until it is whole."""

import hashlib
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, cast

import httpx

from toilet_api.client import jobs, patience
from toilet_api.client.answers import ExportJob
from toilet_api.client.connection import Connection
from toilet_api.client.errors import ApiError, DamagedError, JobFailedError, UnreachableError
from toilet_api.client.kept import Kept, new_id, settle
from toilet_api.client.progress import Progress, Tell


class Fetching:
    """One export on its way to a file."""

    def __init__(self, connection: Connection, wanted: dict[str, Any], to: Path, tell: Tell) -> None:
        """`wanted` is the body of POST /exports without an id. `to` is a file, or a folder that is there."""
        self._connection = connection
        self._wanted = wanted
        self._to = to
        self._tell = tell
        name = to / f"{wanted['dataset']}.{wanted['format']}" if to.is_dir() else to
        self._kept = Kept.beside(name, "download")

    def fetch(self, *, resume: bool) -> Path:
        """The file, whole and checked. With `resume` what an earlier run has fetched of the same export counts.

        Raises ApiError, UnreachableError, JobFailedError or DamagedError.
        """
        earlier = self._earlier() if resume else None
        if earlier is not None:
            try:
                return self._fetch(earlier)
            except ApiError as error:
                if error.status not in (404, 410):
                    raise
                self._connection.notice("上次的导出已过期，重新导出 / The earlier export is gone; exporting anew")
        return self._fetch(new_id())

    def _earlier(self) -> str | None:
        """The export that an earlier run asked for with the same words."""
        kept = self._kept.read()
        if kept.get("url") != self._connection.url or kept.get("wanted") != self._wanted:
            self._connection.notice("没有可接续的下载，重新导出 / Nothing to go on with; exporting anew")
            return None
        self._connection.notice("接着上次的下载 / Going on with the earlier download")
        return str(kept.get("export_id"))

    def _fetch(self, export_id: str) -> Path:
        state = {"url": self._connection.url, "wanted": self._wanted, "export_id": export_id}
        kept = self._kept.read()
        is_same = kept | state == kept
        if not is_same:
            self._kept.write(state)
        job = self._exported(export_id)
        target = self._to / _name(job) if self._to.is_dir() else self._to
        part = target.with_name(target.name + ".part")
        if not is_same:
            part.unlink(missing_ok=True)
        self._receive_whole(job, part)
        settle(part, target)
        self._kept.remove()
        return target

    def _exported(self, export_id: str) -> ExportJob:
        """Make the export, or find it where an earlier request has made it, and wait until it is done."""
        try:
            made = self._connection.read("POST", "/exports", json={"id": export_id} | self._wanted)
        except ApiError as error:
            if not patience.may_pass(error.status):
                self._kept.remove()
            raise

        def look(job: dict[str, Any]) -> None:
            self._tell(Progress("exporting", round(float(job["progress"]) * 1000), 1000, "permille"))

        job = jobs.follow(self._connection, f"/exports/{made['id']}", look)
        if job["state"] != "succeeded":
            self._kept.remove()
            raise JobFailedError(job)
        return cast("ExportJob", job)

    def _receive_whole(self, job: ExportJob, part: Path) -> None:
        for last in (False, True):
            self._receive(job, part)
            if not job["sha256"] or _sha256(part) == job["sha256"]:
                return
            # Bytes of another file stood there, or some were broken on the way.
            part.unlink()
            self._keep_etag(None)
            if not last:
                self._connection.notice("内容校验不符，重新下载 / The checksum differs; downloading anew")
        self._kept.remove()
        raise DamagedError("下载的内容与导出文件的 SHA-256 不符 / What came isn't of the export's SHA-256")

    def _receive(self, job: ExportJob, part: Path) -> None:
        """Fetch until the end of the file, however often the line breaks."""
        failures = 0
        while True:
            have = _size(part) if self._kept.read().get("etag") else 0
            if have and have == job["bytes"]:
                return
            try:
                self._receive_from(job, part, have)
            except (httpx.RequestError, ApiError) as error:
                if isinstance(error, ApiError) and error.status == 416:
                    part.unlink(missing_ok=True)
                elif isinstance(error, ApiError) and not patience.may_pass(error.status):
                    raise
                failures = 1 if _size(part) > have else failures + 1
                if failures > self._connection.retries or patience.is_hopeless(error):
                    if isinstance(error, ApiError):
                        raise
                    raise UnreachableError(
                        f"{self._connection.url}: {type(error).__name__} {error}".rstrip()
                    ) from error
                self._connection.pause(failures - 1, error)
            else:
                return

    def _receive_from(self, job: ExportJob, part: Path, have: int) -> None:
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": str(self._kept.read()["etag"])}
        with self._connection.stream(f"/exports/{job['id']}/file", headers) as response:
            continues = response.status_code == 206 and response.headers.get("content-range", "").startswith(
                f"bytes {have}-"
            )
            have = have if continues else 0
            self._keep_etag(response.headers.get("etag"))
            with part.open("ab" if continues else "wb") as file:
                for piece in response.iter_raw():
                    file.write(piece)
                    have += len(piece)
                    self._tell(Progress("receiving", have, job["bytes"], "bytes"))

    def _keep_etag(self, etag: str | None) -> None:
        """Of which file the bytes are; a weak tag doesn't say that they are the same bytes (RFC 9110 13.1.5)."""
        kept = self._kept.read()
        strong = None if etag is None or etag.startswith("W/") else etag
        if kept and kept.get("etag") != strong:
            self._kept.write(kept | {"etag": strong})


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name(job: ExportJob) -> str:
    """The name that the server proposes, without anything that would lead out of the folder."""
    last = PureWindowsPath(PurePosixPath(job["file_name"] or "").name).name
    kept = "".join(letter for letter in last if letter.isprintable() and letter not in '<>:"|?*').strip(". ")
    return kept or f"{job['dataset']}.{job['format']}"
