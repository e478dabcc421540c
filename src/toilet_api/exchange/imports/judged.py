"""The judged rows of a ledger on their way to the register, a batch at a time, each with what tells it from others."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import to_json

from toilet_api.exchange.ledgers.rows import Row
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.masks import mask_name
from toilet_api.kernel.vault import Vault
from toilet_api.registry.people import SealedPerson, identity_index, seal

BATCH = 2_500
"""Rows that are matched and written together: enough to make the statements worth it, few enough to follow."""


class JudgedRow(NamedTuple):
    """A row with its place in the file's order. `corrections` and `errors` are JSON, None where there are none.

    `place` and `identity` tell its household from others; a row with errors has none, nor one that names its record.
    """

    position: int
    row: Row
    taken: bool
    name_masked: str | None
    place: str | None
    identity: bytes | None
    corrections: str | None
    errors: str | None
    household_id: UUID | None = None
    sealed: SealedPerson | None = None
    """The person sealed ahead for a household of this id, should it be new."""

    @property
    def key(self) -> bytes | None:
        """What no other row of the file may have: the household's identity, or the records that the row names."""
        if self.identity is not None:
            return (self.place or "").encode() + self.identity
        exported = self.row.exported
        if self.taken and exported is not None:
            return exported.household_id.bytes + (exported.toilet_id.bytes if exported.toilet_id else b"")
        return None


class JudgedRows:
    """Judged rows in batches, in the order of the file, and what they come to so far."""

    def __init__(self, vault: Vault, rows: Iterable[Row], size: int) -> None:
        self._vault, self._rows, self._size = vault, rows, size
        self.corrections: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.count = 0
        self.seal_ahead = True
        """Whether persons are sealed when they are read; a waste where most households are registered already."""

    def __iter__(self) -> Iterator[list[JudgedRow]]:
        batch: list[JudgedRow] = []
        for row in self._rows:
            batch.append(self._take(row))
            if len(batch) >= self._size:
                yield batch
                batch = []
        if batch:
            yield batch

    def _take(self, row: Row) -> JudgedRow:
        self.count += 1
        found, person = row.findings, row.person
        for correction in found.corrections:
            self.corrections[correction["rule"]] += 1
        for fault in found.faults:
            self.reasons[fault["reason"]] += 1
        place = identity = None
        household_id = sealed = None
        taken = not found.faults and person is not None and row.village is not None
        if taken and person is not None and row.village is not None and row.exported is None:
            place = row.village[:6] if person.id_number else row.village
            identity = identity_index(self._vault, person)
            if self.seal_ahead:
                household_id = new_id()
                sealed = seal(self._vault, household_id, person, row.village, identity)
        if sealed is not None:
            masked: str | None = sealed.name_masked
        else:
            masked = None if person is None else person.name if "name" in row.masked else mask_name(person.name)
        return JudgedRow(
            self.count,
            row,
            taken,
            masked,
            place,
            identity,
            _json(found.corrections),
            _json(found.faults),
            household_id,
            sealed,
        )


def _json(lines: list[dict[str, Any]]) -> str | None:
    return to_json(lines).decode() if lines else None
