"""What becomes of each row: created, updated, unchanged or rejected. Writes the register, and says so row by row."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlmodel import Session

from toilet_api.exchange.imports import staging, updating
from toilet_api.exchange.imports.matching import Difference, Registered, compare
from toilet_api.exchange.imports.staging import Staged
from toilet_api.exchange.ledgers.catalogue import REASONS
from toilet_api.exchange.ledgers.findings import Place
from toilet_api.exchange.ledgers.rows import Row
from toilet_api.kernel.database import actor_of
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.masks import mask_name
from toilet_api.kernel.vault import Vault
from toilet_api.registry.people import identity_index, seal

REPORT_COLUMNS = (
    "job_id",
    "position",
    "division_code",
    "sheet",
    "row_number",
    "outcome",
    "village_code",
    "name_masked",
    "household_id",
    "corrections",
    "errors",
    "changes",
)


@dataclass(slots=True)
class Result:
    """What became of one row."""

    row: Row
    outcome: str = "rejected"
    household_id: UUID | None = None
    changes: list[dict[str, Any]] = field(default_factory=list)


class Decision:
    """The rows of one file against the register. `apply` runs in the import's one transaction."""

    def __init__(self, vault: Vault, on_conflict: str, reason: str) -> None:
        self._vault, self._on_conflict, self._reason = vault, on_conflict, reason
        self.results: list[Result] = []
        self._staged: list[Staged] = []
        self._first: dict[tuple[str, bytes], Row] = {}

    def take(self, row: Row) -> None:
        """The next row of the file. One whose household an earlier row has brought already is a duplicate."""
        self.results.append(Result(row))
        if not row.is_taken or row.person is None or row.village is None:
            return
        place = row.village[:6] if row.person.id_number else row.village
        identity = (place, identity_index(self._vault, row.person))
        first = self._first.setdefault(identity, row)
        if first is not row:
            where = f"{first.sheet} " if first.sheet else ""
            row.findings.reject(
                Place("id" if row.person.id_number else "name"),
                "dup",
                row.person.id_number or row.person.name,
                (
                    f"与{where}第 {first.number} 行是同一户，以先出现的为准",
                    f"the same household as {where}row {first.number}",
                ),
                first_row=first.number,
                first_sheet=first.sheet or None,
            )
            return
        self._staged.append(Staged(len(self.results), row, row.person, row.village, identity))

    def villages(self) -> set[str]:
        """Where the file would write."""
        return {one.village for one in self._staged}

    def apply(self, session: Session, scope: Sequence[str]) -> None:
        """Match, write, and settle each row's outcome. Raises nothing for a row: a row's fault is its outcome."""
        staging.prepare(session)
        pending = self._staged
        # A second look finds what another transaction has committed between our look and our insert.
        for _ in range(3):
            found = staging.find_registered(session, self._vault, pending, hold=True)
            self._settle_registered(session, [one for one in pending if one.position in found], found, scope)
            pending = self._create(session, [one for one in pending if one.position not in found])
            if not pending:
                return
        for one in pending:
            self._reject_hidden(one)

    def _settle_registered(
        self, session: Session, rows: Sequence[Staged], found: dict[int, Registered], scope: Sequence[str]
    ) -> None:
        changes: list[updating.Change] = []
        for one in rows:
            there, result = found[one.position], self.results[one.position - 1]
            difference = compare(one.row, there)
            result.household_id = there.id
            if difference.is_empty or self._on_conflict == "skip":
                result.outcome = "unchanged"
            elif self._on_conflict == "update":
                result.outcome, result.changes = "updated", difference.changes
                changes.append((there, difference))
            else:
                _reject_difference(result, there, difference)
        if changes:
            updating.update(session, self._vault, changes, actor_of(session).id, scope, self._reason)

    def _create(self, session: Session, rows: Sequence[Staged]) -> list[Staged]:
        """Create households; gives the rows whose identity was taken by somebody else meanwhile, or out of sight."""
        if not rows:
            return []
        ready = []
        for one in rows:
            household_id = new_id()
            ready.append((one, household_id, seal(self._vault, household_id, one.person, one.village)))
        made = staging.insert(session, ready, actor_of(session).id, self._reason)
        left = []
        for one, household_id, _ in ready:
            if household_id in made:
                result = self.results[one.position - 1]
                result.outcome, result.household_id = "created", household_id
            else:
                left.append(one)
        return left

    def _reject_hidden(self, one: Staged) -> None:
        """The household is registered where the importer can't see: said without saying where."""
        one.row.findings.reject(
            Place("id" if one.person.id_number else "name"),
            "conflict",
            one.person.id_number or one.person.name,
            (
                "本县另一乡镇、村已登记该户，请联系县级处理",
                "already registered elsewhere in the county; ask the county",
            ),
        )

    def reject_villages(self, codes: set[str]) -> None:
        """Villages that have ended or moved away since the rows were read."""
        kept = []
        for one in self._staged:
            if one.village in codes:
                one.row.findings.reject(
                    Place("village"), "bad_village", one.village, ("现有的村", "a village of today")
                )
            else:
                kept.append(one)
        self._staged = kept

    def counts(self) -> Counter[str]:
        """Rows by outcome."""
        return Counter(result.outcome for result in self.results)

    def corrections(self) -> Counter[str]:
        """Corrections by rule."""
        return Counter(one["rule"] for result in self.results for one in result.row.findings.corrections)

    def reasons(self) -> Counter[str]:
        """Faults by reason."""
        return Counter(one["reason"] for result in self.results for one in result.row.findings.faults)

    def report(self, job_id: UUID, division_code: str, *, dry_run: bool) -> Iterator[tuple[Any, ...]]:
        """The rows of `import_row`, in the order of `REPORT_COLUMNS`. A dry run has no ids of what it didn't create."""
        for position, result in enumerate(self.results, 1):
            row = result.row
            unborn = dry_run and result.outcome == "created"
            yield (
                job_id,
                position,
                division_code,
                row.sheet or None,
                row.number,
                result.outcome,
                row.village,
                mask_name(row.person.name) if row.person else None,
                None if unborn else result.household_id,
                row.findings.corrections,
                row.findings.faults,
                result.changes,
            )


def _reject_difference(result: Result, there: Registered, difference: Difference) -> None:
    """One fault for each thing that differs; the values were masked by the comparison."""
    result.outcome = "rejected"
    for change in difference.changes:
        was = change["from"]
        shown = "、".join(was) if isinstance(was, list) else was
        result.row.findings.faults.append(
            {
                "column": change["column"],
                "heading": None,
                "cell": None,
                "reason": "conflict",
                "message": REASONS.label("conflict"),
                "value": str(change["to"]),
                "expected": f"已登记为：{'空' if shown is None else shown}",
                "expected_en": f"registered as: {'nothing' if shown is None else shown}",
                "household_id": str(there.id),
            }
        )
