"""What becomes of each row: created, updated, unchanged or rejected. Writes the register, and says so row by row."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlmodel import Session

from toilet_api.exchange.imports import registered, staging, updating, verdicts, written
from toilet_api.exchange.imports.batches import Batch, Told
from toilet_api.exchange.imports.judged import JudgedRow
from toilet_api.exchange.imports.matching import Difference, Registered, compare, compare_again
from toilet_api.exchange.imports.staging import Lines
from toilet_api.exchange.imports.verdicts import Fault
from toilet_api.exchange.imports.written import Line
from toilet_api.kernel.database import actor_of
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.vault import Vault
from toilet_api.registry.people import Person, seal

_LOOKS = 3
"""A second look finds what another transaction has committed between our look and our insert."""


@dataclass(slots=True)
class Result:
    """What became of one row."""

    judged: JudgedRow
    outcome: str = "rejected"
    household_id: UUID | None = None
    faults: list[Fault] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)


class Decision:
    """The rows of one file against the register, batch by batch, within the import's one transaction."""

    def __init__(
        self,
        session: Session,
        vault: Vault,
        *,
        on_conflict: str,
        told: Told,
        reason: str,
        scope: Sequence[str],
        ended: Collection[str],
    ) -> None:
        """`ended`: villages that are none any more, or have moved away since the rows were read."""
        self._session, self._vault = session, vault
        self._on_conflict, self._told, self._reason = on_conflict, told, reason
        self._scope, self._ended = scope, ended
        self._changed: dict[UUID, Registered] = {}
        """As they were: households of several toilets that a row has changed; another row may be of them, too."""
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        """Why rows were rejected that could be read."""
        staging.prepare(session)

    def settle(self, batch: Batch) -> Lines:
        """Match and write a batch; gives its lines of the report. A row's fault is its outcome; nothing is raised."""
        prepared = batch.prepared
        if prepared is None or self._ended:
            return self._settle_all(batch)
        repeated = staging.find_repeated(self._session, prepared.keys)
        found = staging.find_registered(self._session)
        apart = repeated.keys() | found.keys()
        if 2 * len(apart) > batch.count:
            results = self._settle(batch.rows(None), repeated, found)
            return Lines(self._lines(results))
        apart |= set(staging.insert(self._session, prepared.households, prepared.toilets, self._reason, without=apart))
        self.outcomes["created"] += batch.taken - len(apart)
        self.outcomes["rejected"] += batch.count - batch.taken
        if not apart:
            return Lines(prepared.report)
        results = self._settle(batch.rows(apart), repeated, found)
        return Lines(prepared.report, sorted(apart), self._lines(results))

    def _settle_all(self, batch: Batch) -> Lines:
        """Row by row: where rows name their records, or villages have ended under the file."""
        rows = batch.rows(None)
        ended = [one for one in rows if one.taken and one.row.village in self._ended]
        gone = {one.position for one in ended}
        keys = (written.key(one) for one in rows if one.taken and one.position not in gone)
        repeated = staging.find_repeated(self._session, written.KEYS.encode(keys))
        found = staging.find_registered(self._session)
        results = self._settle(rows, repeated, found, {one.position: [verdicts.ended(one)] for one in ended})
        return Lines(self._lines(results))

    def _lines(self, results: Sequence[Result]) -> bytes:
        return written.REPORT.encode(
            written.line(
                one.judged,
                self._told.job_id,
                self._told.division_code,
                one.outcome,
                one.household_id,
                to_json(one.faults).decode() if one.faults else None,
                to_json(one.changes).decode() if one.changes else None,
            )
            for one in results
        )

    def _settle(
        self,
        rows: Sequence[JudgedRow],
        repeated: Mapping[int, tuple[int, str | None]],
        found: dict[int, UUID],
        faults: Mapping[int, list[Fault]] = MappingProxyType({}),
    ) -> list[Result]:
        """Each of these rows by itself; their keys are staged. `found`: their households, by position."""
        results = [Result(one, faults=list(faults.get(one.position, ()))) for one in rows]
        for result in results:
            if result.judged.position in repeated:
                number, sheet = repeated[result.judged.position]
                result.faults.append(verdicts.duplicate(result.judged, number, sheet))
        pending = [result for result in results if result.judged.taken and not result.faults]
        for look in range(_LOOKS):
            if look:
                found = staging.find_registered(self._session)
            self._settle_registered([one for one in pending if one.judged.position in found], found)
            pending = self._create([one for one in pending if one.judged.position not in found])
            if not pending:
                break
        for result in pending:
            result.faults.append(verdicts.hidden(result.judged))
        for result in results:
            self.outcomes[result.outcome] += 1
            for fault in result.faults:
                self.reasons[fault["reason"]] += 1
        return results

    def _settle_registered(self, rows: Sequence[Result], found: dict[int, UUID]) -> None:
        with staging.by_index(self._session):
            there = registered.read(self._session, self._vault, {found[one.judged.position] for one in rows})
        changes: list[updating.Change] = []
        for result in rows:
            now = there[found[result.judged.position]]
            result.household_id = now.id
            before = self._changed.get(now.id)
            difference = (
                compare(result.judged.row, now) if before is None else compare_again(result.judged.row, before, now)
            )
            self._conclude(result, now, difference)
            if result.outcome == "updated":
                changes.append((now, difference))
                if len(now.toilets) > 1:
                    self._changed.setdefault(now.id, now)
        for one_each in _rounds(changes):
            actor = actor_of(self._session).id
            updating.update(self._session, self._vault, one_each, actor, self._scope, self._reason)

    def _conclude(self, result: Result, there: Registered, difference: Difference) -> None:
        if difference.faults:
            result.faults += difference.faults
        elif difference.is_empty or self._on_conflict == "skip":
            result.outcome = "unchanged"
        elif self._on_conflict == "update":
            result.outcome, result.changes = "updated", difference.changes
        else:
            result.faults += verdicts.conflicts(there, difference)

    def _create(self, rows: Sequence[Result]) -> list[Result]:
        """Create households; gives the rows whose identity was taken by somebody else meanwhile, or out of sight."""
        new = []
        for result in rows:
            if result.judged.row.exported is not None:
                result.faults.append(verdicts.unknown(result.judged))
            else:
                result.household_id = result.judged.household_id or new_id()
                new.append(result)
        if not new:
            return []
        left = set(staging.insert(self._session, *self._staged(new), self._reason))
        taken = [result for result in new if result.judged.position in left]
        for result in new:
            if result.judged.position in left:
                result.household_id = None
            else:
                result.outcome = "created"
        return taken

    def _staged(self, new: Sequence[Result]) -> tuple[bytes, bytes]:
        """New households and their toilets, as bytes for COPY."""
        households: list[Line] = []
        toilets: list[Line] = []
        for result in new:
            judged, household_id = result.judged, result.household_id or new_id()
            sealed = judged.sealed or seal(
                self._vault, household_id, judged.row.person or Person(""), judged.row.village or "", judged.identity
            )
            households.append(written.household(judged, household_id, sealed))
            toilets += written.toilets(judged, household_id)
        return written.HOUSEHOLDS.encode(households), written.TOILETS.encode(toilets)


def _rounds(changes: list[updating.Change]) -> Iterator[list[updating.Change]]:
    """The changes in rounds, so that no household is in a round twice."""
    while changes:
        seen: set[UUID] = set()
        first: list[updating.Change] = []
        later: list[updating.Change] = []
        for change in changes:
            (later if change[0].id in seen else first).append(change)
            seen.add(change[0].id)
        yield first
        changes = later
