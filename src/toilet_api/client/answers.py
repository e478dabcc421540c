"""What the server answers, as far as a program needs its types. Members that a newer server adds are there as well."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict

Kind = Literal["households", "visits", "problems", "close_outs", "users", "divisions"]
Mode = Literal["row_by_row", "all_or_nothing"]
OnConflict = Literal["fail", "skip", "update"]
Dataset = Literal[
    "households",
    "visits",
    "problems",
    "close_outs",
    "users",
    "divisions",
    "survey_form",
    "problem_ledger",
    "rectification_ledger",
]
Format = Literal["csv", "xlsx", "ndjson", "parquet"]
Personal = Literal["masked", "plain"]
JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class FieldFault(TypedDict, total=False):
    """One fault of the input: where (RFC 6901 pointer), what, and what was expected."""

    pointer: str
    code: str
    message: str
    value: Any
    expected: Any


class Upload(TypedDict):
    """A file on its way to the server, or there."""

    id: str
    file_name: str
    size_bytes: int
    offset: int
    sha256: str | None
    state: Literal["open", "complete", "cancelled"]
    part_bytes_max: int


class ImportedFile(TypedDict):
    """The file that an import reads."""

    name: str
    sha256: str
    bytes: int
    format: str | None


class Counts(TypedDict):
    """rows_in = created + updated + unchanged + rejected."""

    rows_in: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    ignored: dict[str, int]
    corrections: dict[str, int]
    reasons: dict[str, int]


class ImportJob(TypedDict):
    """An import, as `GET /imports/{id}` shows it."""

    id: str
    division_code: str
    state: JobState
    progress: float
    rows_total: int | None
    rows_done: int
    dry_run: bool
    on_conflict: OnConflict
    file: ImportedFile
    counts: Counts
    problem: dict[str, Any] | None


class RowFault(TypedDict):
    """One fault of a row. Personal values are masked."""

    column: str
    heading: str | None
    cell: str | None
    reason: str
    message: str
    value: str | None
    expected: str


class ImportRow(TypedDict):
    """What became of one row of the file."""

    position: int
    sheet: str | None
    row: int
    outcome: Literal["created", "updated", "unchanged", "rejected"]
    village_code: str | None
    errors: list[RowFault]
    corrections: list[dict[str, Any]]
    changes: list[dict[str, Any]]


class ExportJob(TypedDict):
    """An export, as `GET /exports/{id}` shows it."""

    id: str
    dataset: Dataset
    format: Format
    state: JobState
    progress: float
    rows: int | None
    bytes: int | None
    sha256: str | None
    change_cursor: str | None
    as_of: str | None
    file_name: str | None
    problem: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file: the import's document, and the reports that were saved."""

    job: ImportJob
    files: tuple[Path, ...] = ()

    @property
    def id(self) -> str:
        """The import's id."""
        return self.job["id"]

    @property
    def counts(self) -> Counts:
        """How many rows came to what."""
        return self.job["counts"]

    @property
    def complete(self) -> bool:
        """Whether the job has succeeded and every row of the file was taken."""
        return self.job["state"] == "succeeded" and self.job["counts"]["rejected"] == 0
