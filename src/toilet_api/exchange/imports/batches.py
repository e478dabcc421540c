"""Batches of judged rows on their way to the register: as bytes that COPY takes, and as rows where they are asked for.

Most rows are those of new households; their bytes are made where they were judged, beside the transaction, and go
through it unread. What is registered already, or twice in the file, is settled row by row.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from toilet_api.exchange.imports import written
from toilet_api.exchange.imports.judged import JudgedRow
from toilet_api.exchange.imports.written import Line


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch as it is written if each row that can be taken is of a new household. Bytes for COPY."""

    keys: bytes
    households: bytes
    toilets: bytes
    report: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that are settled together. `prepared` is None where one of them was not sealed ahead, or names a record."""

    last: int
    """The position of its last row."""
    count: int
    taken: int
    """Rows without a fault."""
    prepared: Prepared | None
    rows: Callable[[Collection[int] | None], list[JudgedRow]]
    """Its rows at these positions, or all of them: asked for before the next batch."""


@dataclass(frozen=True, slots=True)
class Told:
    """Whose report it is."""

    job_id: UUID
    division_code: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What reading a file came to."""

    rows: int
    corrections: Counter[str]
    reasons: Counter[str]
    """Why rows were rejected."""
    ignored: Counter[str]
    ignored_rows: list[dict[str, Any]]


def batch_of(rows: list[JudgedRow], told: Told) -> Batch:
    """Rows that were judged in this process."""

    def chosen(positions: Collection[int] | None) -> list[JudgedRow]:
        return rows if positions is None else [one for one in rows if one.position in positions]

    taken = sum(one.taken for one in rows)
    return Batch(rows[-1].position, len(rows), taken, prepare(rows, told), chosen)


def prepare(rows: Iterable[JudgedRow], told: Told) -> Prepared | None:
    """The bytes of a batch, if each row that can be taken was sealed for a household of its own."""
    keys: list[Line] = []
    households: list[Line] = []
    toilets: list[Line] = []
    report: list[Line] = []
    for judged in rows:
        if judged.taken:
            if judged.household_id is None or judged.sealed is None:
                return None
            keys.append(written.key(judged))
            households.append(written.household(judged, judged.household_id, judged.sealed))
            toilets += written.toilets(judged, judged.household_id)
        outcome = "created" if judged.taken else "rejected"
        report.append(written.line(judged, told.job_id, told.division_code, outcome, judged.household_id))
    return Prepared(
        written.KEYS.encode(keys),
        written.HOUSEHOLDS.encode(households),
        written.TOILETS.encode(toilets),
        written.REPORT.encode(report),
    )
