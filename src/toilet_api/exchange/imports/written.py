"""What is staged of a judged row: its key, its household, its toilets, its line in the report. Pure.

A line is the row's fields in the binary form of COPY, in the order of the columns of `staging`; several that stand
side by side may be one piece.
"""

from collections.abc import Iterator
from functools import lru_cache
from uuid import UUID

from pydantic_core import to_json

from toilet_api.exchange.imports.binary_rows import (
    BinaryRows,
    Field,
    Words,
    boolean,
    bytea,
    byteas,
    int4,
    int8,
    text,
    uuid,
)
from toilet_api.exchange.imports.judged import JudgedRow
from toilet_api.exchange.ledgers.rows import Toilet
from toilet_api.registry.people import SealedPerson
from toilet_api.registry.rules import CountedCandidate, counted_toilet
from toilet_api.registry.schemas import ToiletOptions

Line = tuple[Field, ...]

KEYS = BinaryRows(7)
HOUSEHOLDS = BinaryRows(15)
TOILETS = BinaryRows(10)
REPORT = BinaryRows(14)

_OF_A_LEDGER = {"built_year", "built_month", "led_by", "subsidy_fen"}
NOT_IN_A_LEDGER = dict.fromkeys(sorted({*ToiletOptions.model_fields, "position", "position_source"} - _OF_A_LEDGER))
"""What the journal shows of a toilet and no ledger has."""

_word = Words()


def key(judged: JudgedRow) -> Line:
    """By what its household is told from others."""
    row = judged.row
    return (
        int4(judged.position),
        bytea(judged.key),
        _word[judged.place],
        bytea(judged.identity),
        uuid(row.exported.household_id if row.exported else None),
        int4(row.number),
        _word[row.sheet or None],
    )


def household(judged: JudgedRow, household_id: UUID, sealed: SealedPerson) -> Line:
    """The new household."""
    row = judged.row
    return (
        int4(judged.position),
        uuid(household_id),
        _word[row.village],
        text(sealed.name_masked),
        text(sealed.id_number_masked),
        text(sealed.phone_masked),
        text(sealed.address_masked),
        _word[sealed.identity_place],
        bytea(sealed.identity_index),
        bytea(sealed.name_index),
        byteas(sealed.phone_index),
        bytea(sealed.sealed),
        int4(row.family_size),
        _word[row.dwelling_state or "occupied"],
        text(row.note),
    )


def toilets(judged: JudgedRow, household_id: UUID) -> Iterator[Line]:
    """New toilets of a new household, the one marked that enters the statistics (一宅一厕).

    Each with what the journal keeps of it, as `document` of the registry's toilets gives it: put together here, it
    needn't be in the transaction that everybody waits for.
    """
    row = judged.row
    for fields, document in _toilets(row.dwelling_state or "occupied", row.toilets):
        yield (
            int4(judged.position),
            uuid(household_id),
            _word[row.village],
            fields,
            text(f'{{"household_id":"{household_id}","division_code":"{row.village}",{document}'),
        )


@lru_cache(maxsize=10_000)
def _toilets(dwelling_state: str, toilets: tuple[Toilet, ...]) -> tuple[tuple[Field, str], ...]:
    """Of each toilet what no other household's would differ in: the fields from mode to subsidy, the document's end."""
    counted = _counted(dwelling_state, tuple((toilet.mode, toilet.year, toilet.month) for toilet in toilets))
    return tuple(_toilet(toilet, is_counted=place == counted) for place, toilet in enumerate(toilets))


def _toilet(toilet: Toilet, *, is_counted: bool) -> tuple[Field, str]:
    document = NOT_IN_A_LEDGER | {
        "mode": toilet.mode,
        "counted": is_counted,
        "built_year": toilet.year,
        "built_month": toilet.month,
        "led_by": toilet.led_by,
        "subsidy_fen": toilet.subsidy_fen,
    }
    fields = (
        _word[toilet.mode]
        + boolean(is_counted)
        + int4(toilet.year)
        + int4(toilet.month)
        + _word[toilet.led_by]
        + int8(toilet.subsidy_fen)
    )
    return fields, to_json(document).decode().removeprefix("{")


def _counted(dwelling_state: str, toilets: tuple[tuple[str, int | None, int | None], ...]) -> int | None:
    """Which of a household's toilets counts. They get their ids in this order; of equals the lowest id counts."""
    candidates = [CountedCandidate(UUID(int=place), *toilet) for place, toilet in enumerate(toilets)]
    counted = counted_toilet(dwelling_state, candidates)
    return None if counted is None else counted.int


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
    row, record = judged.row, uuid(household_id)
    said = (judged.corrections, faults or judged.errors, changes)
    return (
        uuid(job_id),
        int4(judged.position),
        _words(division_code, row.sheet or None),
        int4(row.number),
        _words(outcome, row.village),
        text(judged.name_masked),
        record,
        _word["household" if household_id else None],
        record,
        _NOTHING if said == (None, None, None) else b"".join(text(one or "[]") for one in said),
    )


_NOTHING = 3 * text("[]")


@lru_cache(maxsize=10_000)
def _words(*values: str | None) -> Field:
    """Fields that stand side by side, of what comes again and again."""
    return b"".join(map(text, values))
