"""How a transfer ended: its exit code, a document for a program, words for a person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

import typer

from toilet_api.client import (
    ApiError,
    Client,
    FileChangedError,
    ImportJob,
    JobFailedError,
    SignInError,
    UnreachableError,
)
from toilet_api.commands.transfer_view import say, summary

OK, UNEXPECTED, USAGE, REFUSED, REJECTED, NOT_ALLOWED, UNREACHABLE, JOB_FAILED, INTERRUPTED = *range(8), 130
"""Exit codes, for scripts; docs/client.md says what each means."""
FAULTS_SHOWN = 5


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit code, the result for a program, and what shows it to a person."""

    code: int
    document: dict[str, Any]
    show: Callable[[], None]


def imported(client: Client, job: ImportJob, files: tuple[Path, ...], code: int) -> Done:
    """An import and the reports on it, with the first rows that were rejected."""
    rejected = job["counts"]["rejected"]
    faulty = (
        list(islice(client.rows(job["id"], outcome="rejected", limit=FAULTS_SHOWN), FAULTS_SHOWN)) if rejected else []
    )

    def show() -> None:
        summary(job, faulty)
        for file in files:
            typer.echo(f"报告 / report: {file}")
        if not files and job["state"] not in ("succeeded", "failed", "cancelled"):
            typer.echo(f"已提交 / queued: {client.url}/api/v1/imports/{job['id']}")

    return Done(code, {"job": job, "reports": [str(file) for file in files]}, show)


def failed(client: Client, error: JobFailedError) -> Done:
    """A job that did not succeed: by whose fault, its problem tells."""
    status = error.problem.get("status")
    code = JOB_FAILED
    if error.code == "import_rows_rejected":
        code = REJECTED
    elif isinstance(status, int) and 400 <= status < 500:
        code = REFUSED
    if "counts" in error.job and error.job["counts"]["rows_in"]:
        done = imported(client, cast("ImportJob", error.job), error.files, code)
    else:
        done = Done(code, {"job": error.job}, lambda: None)

    def show() -> None:
        done.show()
        say(str(error))
        _tell_remedy(error.problem)

    return Done(code, done.document | {"problem": error.problem}, show)


def refused(error: Exception, resume: str) -> Done:
    """What ended the transfer before a job did; `resume` says how to go on where that may help."""
    document = error.document if isinstance(error, ApiError) else {"title": str(error)}

    def show() -> None:
        say(str(error))
        _tell_remedy(document)
        if code_of(error) == UNREACHABLE:
            say(resume)

    return Done(code_of(error), {"problem": document}, show)


def stopped(told: str) -> Done:
    """Ctrl-C."""
    return Done(INTERRUPTED, {"problem": {"title": told}}, lambda: say(told))


def code_of(error: Exception) -> int:
    """The exit code of what ended a command."""
    match error:
        case UnreachableError():
            return UNREACHABLE
        case ApiError(status=status) if (status == 429 and not isinstance(error, SignInError)) or status >= 500:
            return UNREACHABLE
        case SignInError() | ApiError(status=401 | 403):
            return NOT_ALLOWED
        case FileChangedError():
            return REFUSED
        case ApiError(status=status) if status >= 400:
            return REFUSED
        case _:
            return UNEXPECTED


def _tell_remedy(problem: Mapping[str, Any]) -> None:
    for fault in problem.get("errors") or []:
        expected = f"（应为 / expected: {fault['expected']}）" if fault.get("expected") is not None else ""
        say(f"  {fault.get('pointer')}: {fault.get('message')}{expected}")
    if problem.get("remedy"):
        say(str(problem["remedy"]))
    if problem.get("request_id"):
        say(f"request_id: {problem['request_id']}")
