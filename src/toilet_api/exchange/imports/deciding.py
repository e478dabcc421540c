"""What becomes of each row: created, updated, unchanged or rejected. Writes the register, and says so row by row."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlmodel import Session

from toilet_api.exchange.imports import registered, staging, updating, verdicts
from toilet_api.exchange.imports.judged import JudgedRow
from toilet_api.exchange.imports.matching import Difference, Registered, compare, compare_again
from toilet_api.exchange.imports.verdicts import Fault
from toilet_api.kernel.database import actor_of
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.vault import Vault
from toilet_api.registry.people import Person, seal
from toilet_api.registry.rules import CountedCandidate, counted_toilet

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
        reason: str,
        scope: Sequence[str],
        ended: Collection[str],
    ) -> None:
        """`ended`: villages that are none any more, or have moved away since the rows were read."""
        self._session, self._vault = session, vault
        self._on_conflict, self._reason, self._scope, self._ended = on_conflict, reason, scope, ended
        self._changed: dict[UUID, Registered] = {}
        """As they were: households of several toilets that a row has changed; another row may be of them, too."""
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        """Why rows were rejected that could be read."""
        staging.prepare(session)

    def settle(self, batch: Sequence[JudgedRow]) -> list[Result]:
        """Match and write a batch, and give each row its result. A row's fault is its outcome; nothing is raised."""
        results = {judged.position: Result(judged) for judged in batch}
        keys = (
            (
                one.position,
                one.key,
                one.place,
                one.identity,
                one.row.exported and one.row.exported.household_id,
                one.row.number,
                one.row.sheet or None,
            )
            for one in batch
            if one.taken and not self._has_ended(results[one.position])
        )
        repeated = staging.find_repeated(self._session, keys)
        for position, (number, sheet) in repeated.items():
            results[position].faults.append(verdicts.duplicate(results[position].judged, number, sheet))
        pending = [result for result in results.values() if result.judged.taken and not result.faults]
        for _ in range(_LOOKS):
            found = staging.find_registered(self._session)
            self._settle_registered([one for one in pending if one.judged.position in found], found)
            pending = self._create([one for one in pending if one.judged.position not in found])
            if not pending:
                break
        for result in pending:
            result.faults.append(verdicts.hidden(result.judged))
        for result in results.values():
            self.outcomes[result.outcome] += 1
            for fault in result.faults:
                self.reasons[fault["reason"]] += 1
        return list(results.values())

    def _has_ended(self, result: Result) -> bool:
        if result.judged.row.village in self._ended:
            result.faults.append(verdicts.ended(result.judged))
        return bool(result.faults)

    def _settle_registered(self, rows: Sequence[Result], found: dict[int, UUID]) -> None:
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
        left = set(
            staging.insert(
                self._session,
                (self._household(result) for result in new),
                (toilet for result in new for toilet in _toilets(result)),
                self._reason,
            )
        )
        taken = [result for result in new if result.judged.position in left]
        for result in new:
            if result.judged.position in left:
                result.household_id = None
            else:
                result.outcome = "created"
        return taken

    def _household(self, result: Result) -> tuple[Any, ...]:
        judged, row, household_id = result.judged, result.judged.row, result.household_id or new_id()
        sealed = judged.sealed or seal(
            self._vault, household_id, row.person or Person(""), row.village or "", judged.identity
        )
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


def _toilets(result: Result) -> Iterator[tuple[Any, ...]]:
    """New toilets of a new household, the one marked that enters the statistics (一宅一厕)."""
    row = result.judged.row
    state = row.dwelling_state or "occupied"
    # They get their ids in this order; of equals the lowest id counts.
    candidates = [
        CountedCandidate(UUID(int=index), toilet.mode, toilet.year, toilet.month)
        for index, toilet in enumerate(row.toilets)
    ]
    counted = counted_toilet(state, candidates)
    for candidate, toilet in zip(candidates, row.toilets, strict=True):
        yield (
            result.household_id,
            row.village,
            toilet.mode,
            candidate.id == counted,
            toilet.year,
            toilet.month,
            toilet.led_by,
            toilet.subsidy_fen,
        )


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


def report(results: Sequence[Result], job_id: UUID, division_code: str, *, unborn: bool) -> Iterator[tuple[Any, ...]]:
    """Rows of `staging.REPORT_COLUMNS`. `unborn`: what was created is taken back again, so that it has no id."""
    for result in results:
        judged = result.judged
        household_id = None if unborn and result.outcome == "created" else result.household_id
        yield (
            job_id,
            judged.position,
            division_code,
            judged.row.sheet or None,
            judged.row.number,
            result.outcome,
            judged.row.village,
            judged.name_masked,
            household_id,
            "household" if household_id else None,
            household_id,
            judged.corrections or "[]",
            to_json(result.faults).decode() if result.faults else judged.errors or "[]",
            to_json(result.changes).decode() if result.changes else "[]",
        )
