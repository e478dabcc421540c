"""How writes of formulas, assessments and call-ins are journaled: alike, each with what it keeps."""

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from toilet_api.kernel import journal
from toilet_api.kernel.tables import Record
from toilet_api.registry.merging import difference
from toilet_api.survey.records import snapshot


@dataclass(frozen=True, slots=True)
class Journaled:
    """A kind of record: its name in the journal, and the members that an entry tells."""

    subject: str
    members: tuple[str, ...]

    def of(self, row: Record) -> dict[str, Any]:
        """The members as they are, to be told of after a change."""
        return snapshot(row, self.members)

    def tell(
        self, session: Session, row: Record, step: str, before: dict[str, Any] | None = None, reason: str | None = None
    ) -> None:
        """Journal a write: what has changed since `before`, or without it a new record."""
        after = self.of(row)
        op: journal.Operation = "create" if before is None else "update"
        if before is not None:
            before, after = difference(before, after)
        journal.record(
            session,
            action=f"{self.subject}.{step}",
            subject_type=self.subject,
            subject_id=row.id,
            division_code=row.division_code,
            version=row.version,
            before=before,
            after=after,
            reason=reason,
            op=op,
        )
