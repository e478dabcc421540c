"""What is staged of a judged row: its key, its household, its toilets, its line in the report. Pure."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from toilet_api.exchange.imports.binary_rows import BinaryRows
from toilet_api.exchange.imports.judged import JudgedRow
from toilet_api.registry.people import SealedPerson
from toilet_api.registry.rules import CountedCandidate, counted_toilet

Line = tuple[Any, ...]

KEYS = BinaryRows("int4", "bytea", "text", "bytea", "uuid", "int4", "text")
HOUSEHOLDS = BinaryRows("int4", "uuid", *("text",) * 6, "bytea", "bytea", "bytea[]", "bytea", "int4", "text", "text")
TOILETS = BinaryRows("int4", "uuid", "text", "text", "bool", "int4", "int4", "text", "int8")
REPORT = BinaryRows(
    "uuid", "int4", "text", "text", "int4", "text", "text", "text", "uuid", "text", "uuid", *("text",) * 3
)


def key(judged: JudgedRow) -> Line:
    """By what its household is told from others."""
    row = judged.row
    return (
        judged.position,
        judged.key,
        judged.place,
        judged.identity,
        row.exported and row.exported.household_id,
        row.number,
        row.sheet or None,
    )


def household(judged: JudgedRow, household_id: UUID, sealed: SealedPerson) -> Line:
    """The new household."""
    row = judged.row
    return (
        judged.position,
        household_id,
        row.village,
        sealed.name_masked,
        sealed.id_number_masked,
        sealed.phone_masked,
        sealed.address_masked,
        sealed.identity_place,
        sealed.identity_index,
        sealed.name_index,
        sealed.phone_index,
        sealed.sealed,
        row.family_size,
        row.dwelling_state or "occupied",
        row.note,
    )


def toilets(judged: JudgedRow, household_id: UUID) -> Iterator[Line]:
    """New toilets of a new household, the one marked that enters the statistics (一宅一厕)."""
    row = judged.row
    state = row.dwelling_state or "occupied"
    # They get their ids in this order; of equals the lowest id counts.
    candidates = [
        CountedCandidate(UUID(int=index), toilet.mode, toilet.year, toilet.month)
        for index, toilet in enumerate(row.toilets)
    ]
    counted = counted_toilet(state, candidates)
    for candidate, toilet in zip(candidates, row.toilets, strict=True):
        yield (
            judged.position,
            household_id,
            row.village,
            toilet.mode,
            candidate.id == counted,
            toilet.year,
            toilet.month,
            toilet.led_by,
            toilet.subsidy_fen,
        )


def line(
    judged: JudgedRow,
    job_id: UUID,
    division_code: str,
    outcome: str,
    household_id: UUID | None,
    faults: str | None = None,
    changes: str | None = None,
) -> Line:
    """The row's line in the report. `faults` beyond those of the reading, and `changes`, are JSON."""
    row = judged.row
    return (
        job_id,
        judged.position,
        division_code,
        row.sheet or None,
        row.number,
        outcome,
        row.village,
        judged.name_masked,
        household_id,
        "household" if household_id else None,
        household_id,
        judged.corrections or "[]",
        faults or judged.errors or "[]",
        changes or "[]",
    )
