"""What goes between an import and the process that judges its rows: flat tuples, which pickle takes fast."""

from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from toilet_api.exchange.imports.batches import Prepared, Told
from toilet_api.exchange.imports.judged import JudgedRow
from toilet_api.exchange.ledgers import reading
from toilet_api.exchange.ledgers.findings import Findings
from toilet_api.exchange.ledgers.rows import Row, Toilet
from toilet_api.exchange.ledgers.villages import Places
from toilet_api.kernel.errors import CATALOGUE, Problem
from toilet_api.registry.people import Person, SealedPerson
from toilet_api.settings import Settings

Packed = tuple[Any, ...]

AHEAD = 1
"""So many batches are asked for beyond the one at hand; the process that judges keeps the rows of both."""


@dataclass(frozen=True, slots=True)
class Task:
    """All that judging a file needs."""

    settings: Settings
    plan: reading.Plan
    places: Places
    told: Told
    today: date
    batch: int
    """Rows of a batch."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A batch on its way. `rows`, packed, come along where there are no bytes of it; else they are asked for."""

    number: int
    last: int
    count: int
    taken: int
    prepared: Prepared | None
    rows: list[Packed] | None


_SEALED = (
    "name_masked", "id_number_masked", "phone_masked", "address_masked", "identity_place", "identity_index",
    "name_index", "phone_index", "sealed",
)  # fmt: skip


def packed(judged: JudgedRow) -> Packed:
    """A judged row as a flat tuple. What was found in it goes as the JSON of its report alone."""
    row, sealed = judged.row, judged.sealed
    person = row.person
    return (
        tuple(judged)[:1] + tuple(judged)[2:9],
        None if sealed is None else tuple(getattr(sealed, name) for name in _SEALED),
        None if person is None else (person.name, person.id_number, person.phones, person.address),
        tuple((one.mode, one.year, one.month, one.led_by, one.subsidy_fen) for one in row.toilets),
        (row.sheet, row.number, row.village),
        (row.family_size, row.dwelling_state, row.note, row.exported, row.masked),
    )


def unpacked(one: Packed) -> JudgedRow:
    """The judged row that was packed."""
    (position, *told), sealed, person, toilets, (sheet, number, village), rest = one
    row = Row(
        sheet,
        number,
        Findings(),
        village,
        None if person is None else Person(*person),
        tuple(Toilet(*toilet) for toilet in toilets),
        *rest,
    )
    return JudgedRow(*(position, row, *told, None if sealed is None else SealedPerson(*sealed)))


def problem_to(problem: Problem) -> Packed:
    """A problem that ends the import, in its parts."""
    return (
        problem.type.code,
        problem.detail,
        problem.errors,
        problem.headers,
        problem.extensions,
        problem.rule,
        problem.remedy,
    )


def problem_of(parts: Packed) -> Problem:
    """The problem of these parts."""
    code, *rest = parts
    return Problem(CATALOGUE[cast("str", code)], *rest)
