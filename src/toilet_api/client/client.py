"""The client: `upload`, `download`, and what lies between."""

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import httpx

from toilet_api.client import jobs
from toilet_api.client.answers import (
    Dataset,
    Format,
    ImportJob,
    ImportReport,
    ImportRow,
    Kind,
    Mode,
    OnConflict,
    Personal,
    Upload,
)
from toilet_api.client.connection import Connection
from toilet_api.client.downloads import Fetching
from toilet_api.client.errors import ApiError, JobFailedError
from toilet_api.client.kept import settle
from toilet_api.client.progress import Notice, Progress, Tell, nobody
from toilet_api.client.uploads import Sending

PAGE = 1000
Job = str | ImportJob | ImportReport
"""An import by its id, its document, or a report on it."""


class Client:
    """One server, signed in as one account. Close it, or use it by `with`; it may be shared by threads."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        username: str | None = None,
        password: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        timeout: float = 60.0,
        retries: int = 6,
        transport: httpx.BaseTransport | None = None,
        notice: Notice | None = None,
    ) -> None:
        """Nothing is sent yet.

        Give one of `token` (which nobody refreshes), `username` with `password`, `client_id` with `client_secret`.
        `timeout`: seconds without a sign of life. `retries`: attempts after the first, with growing pauses; for an
        upload or download, attempts without any bytes in between. `notice` is told what a person may like to know;
        by default it goes to the log `toilet_api.client`. Raises ValueError for another choice, or no such address.
        """
        ways = {
            "token": token,
            "username": username and password,
            "client_id": client_id and client_secret,
        }
        if [bool(way) for way in ways.values()].count(True) != 1:
            raise ValueError(
                "须给出 token、username 与 password、client_id 与 client_secret 中的一种 / "
                "give one of token, username with password, client_id with client_secret"
            )
        form = None
        if username:
            form = {"grant_type": "password", "username": username, "password": password or ""}
        elif client_id:
            form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret or ""}
        self._connection = Connection(
            url,
            token=token,
            form=form,
            timeout=timeout,
            retries=retries,
            transport=transport,
            notice=notice or logging.getLogger("toilet_api.client").info,
        )

    @property
    def url(self) -> str:
        """The server's address."""
        return self._connection.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Sign out and close every connection."""
        self._connection.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Any other request, as `request("GET", "/households", params={"village": "360423208202"})`.

        What fails is tried again if it changes nothing, has an `Idempotency-Key` header or an `id` in its JSON.
        `options` are httpx's. Raises ApiError for every answer but 2xx, UnreachableError without an answer.
        """
        return self._connection.request(method, path, params=params, json=json, headers=headers, **options)

    def items(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page: `items("/problems", state="open")`."""
        cursor: str | None = None
        while True:
            page = self._connection.read(
                "GET", path, params={"limit": PAGE} | query | ({"cursor": cursor} if cursor else {})
            )
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def upload(
        self,
        path: str | os.PathLike[str],
        kind: Kind = "households",
        *,
        dry_run: bool = False,
        on_conflict: OnConflict = "fail",
        mode: Mode = "row_by_row",
        division: str | None = None,
        mapping: Mapping[str, str | None] | None = None,
        remember_mapping: bool = False,
        wait: bool = True,
        report_folder: str | os.PathLike[str] | None = None,
        progress: Tell = nobody,
    ) -> ImportReport:
        """Upload a file, import it, and save the reports on it.

        Killed or cut off at any moment, the same call goes on where it was: with the parts that are missing, or with
        the job that runs. The reports are saved in `report_folder`, beside the file by default (see `save_report`).
        `wait=False`: come back as soon as the job is queued, without reports.
        Raises JobFailedError when the job fails or is cancelled, and for rejected rows by `all_or_nothing`; rejected
        rows by `row_by_row` don't raise: see `counts` and `complete`. Else ApiError, UnreachableError,
        FileChangedError, and OSError: PermissionError, before anything is sent, where reports can't be saved.
        """
        file = Path(path)
        folder = file.parent if report_folder is None else Path(report_folder)
        if wait and not os.access(folder, os.W_OK):
            raise PermissionError(f"报告不能存于 {folder} / the reports can't be saved in {folder}")
        sending = Sending(self._connection, file, progress)
        options = {
            "kind": None if kind == "households" else kind,
            "mode": None if mode == "row_by_row" else mode,
            "dry_run": "true" if dry_run else None,
            "on_conflict": on_conflict,
            "division": division,
            "mapping": json.dumps(mapping, ensure_ascii=False, sort_keys=True) if mapping else None,
            "remember_mapping": "true" if remember_mapping else None,
        }
        job = self._import(sending.send(), {name: value for name, value in options.items() if value is not None})
        if not wait:
            sending.kept.remove()
            return ImportReport(job)
        job = self.wait(job, progress)
        files = self.save_report(job, folder, file.name)
        sending.kept.remove()
        if job["state"] != "succeeded":
            raise JobFailedError(job, files)
        return ImportReport(job, files)

    def wait(self, job: Job, progress: Tell = nobody) -> ImportJob:
        """The import when it has ended, however: see its `state`."""

        def look(seen: dict[str, Any]) -> None:
            total = seen["rows_total"]
            done = seen["rows_done"] if not total else round(float(seen["progress"]) * total)
            progress(Progress("importing", done, total, "rows"))

        return cast("ImportJob", jobs.follow(self._connection, f"/imports/{jobs.id_of(job)}", look))

    def rows(self, job: Job, **query: Any) -> Iterator[ImportRow]:
        """The report row by row: `rows(job, outcome="rejected")`."""
        return cast("Iterator[ImportRow]", self.items(f"/imports/{jobs.id_of(job)}/rows", **query))

    def save_report(self, job: Job, folder: str | os.PathLike[str], name: str | None = None) -> tuple[Path, ...]:
        """Save the reports on an import that has ended, and give their paths.

        `NAME.report.csv` has a line for each fault, correction and change. Where rows were rejected, `NAME.report.xlsx`
        is the file with the wrong cells marked, to be corrected and uploaded as it is; it holds personal data in plain,
        so it is readable by its owner only. `name`: that of the file, by default. None for a job that read no row.
        """
        seen = cast("ImportJob", self._connection.read("GET", f"/imports/{jobs.id_of(job)}"))
        stem = name or re.sub(r'[\\/:*?"<>|]', "_", seen["file"]["name"])
        if not seen["counts"]["rows_in"]:
            return ()
        saved = [self._save(seen, Path(folder) / f"{stem}.report.csv")]
        if seen["counts"]["rejected"]:
            try:
                saved.append(self._save(seen, Path(folder) / f"{stem}.report.xlsx"))
            except ApiError as error:
                if error.status >= 500:
                    raise
                self._connection.notice(f"没有标注错误的工作簿 / There is no marked workbook: {error}")
        return tuple(saved)

    def download(
        self,
        dataset: Dataset,
        format: Format,  # noqa: A002 - the interface's name
        to: str | os.PathLike[str] = ".",
        *,
        division: str | None = None,
        filters: Mapping[str, Any] | None = None,
        personal: Personal = "masked",
        purpose: str | None = None,
        bom: bool | None = None,
        resume: bool = False,
        progress: Tell = nobody,
    ) -> Path:
        """Export a data set to a file, and give its path.

        `to` is a file, or a folder in which the file gets the name that the server proposes. Until it is whole and its
        SHA-256 is checked it is called `NAME.part`; a broken line is taken up where it broke. `resume=True`: go on
        with what an earlier call with the same words has left, of the state of things then.
        `personal="plain"` needs the permission to reveal, and a `purpose`, which the journal keeps.
        Raises ApiError, UnreachableError, JobFailedError, DamagedError.
        """
        wanted = {
            "dataset": dataset,
            "format": format,
            "division": division,
            "filters": dict(filters) if filters else None,
            "personal": personal,
            "purpose": purpose,
            "bom": bom,
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        return Fetching(self._connection, given, Path(to), progress).fetch(resume=resume)

    def _import(self, upload: Upload, options: dict[str, str]) -> ImportJob:
        # Of the same upload with the same options there is one job, however often this is sent.
        said = json.dumps([upload["id"], options], ensure_ascii=False, sort_keys=True)
        # In the query a server that doesn't know an option refuses it; a field of a form it would pass over in silence.
        query = {name: value for name, value in options.items() if name != "mapping"}
        fields = {"upload_id": upload["id"], "mapping": options.get("mapping")}
        job = self._connection.read(
            "POST",
            "/imports",
            params=query,
            files={name: (None, value) for name, value in fields.items() if value is not None},
            headers={"Idempotency-Key": f"upload-{hashlib.sha256(said.encode()).hexdigest()}"},
        )
        return cast("ImportJob", job)

    def _save(self, job: ImportJob, target: Path) -> Path:
        part = target.with_name(target.name + ".part")
        try:
            part.touch(mode=0o600)
            self._connection.save(f"/imports/{job['id']}/report{target.suffix}", part)
            settle(part, target)
        finally:
            part.unlink(missing_ok=True)
        return target
