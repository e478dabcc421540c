"""What a kind of record brings to an import: how its records are found, made, changed and compared."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.ledgers.findings import Expected
from toilet_api.exchange.ledgers.villages import Places
from toilet_api.exchange.records.cells import Moment, canonical
from toilet_api.exchange.records.columns import column_of
from toilet_api.exchange.records.problem_types import Catalogue
from toilet_api.exchange.records.rows import RecordRow
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings

R = TypeVar("R")


@dataclass(frozen=True)
class Surroundings:
    """What the rows of one file are applied with."""

    session: Session
    vault: Vault
    settings: Settings
    caller: Caller
    places: Places
    catalogue: Catalogue
    now: datetime


class Kind(ABC, Generic[R]):
    """A kind of record. Its methods raise the problems of the room's functions, which become faults of the row."""

    name: ClassVar[str]
    record_type: ClassVar[str]
    may_change: ClassVar[frozenset[str]] = frozenset()
    """The fields that an import may change of a record that is there."""
    how: ClassVar[Mapping[str, Expected]] = {}
    """Field -> how it is changed, where an import doesn't change it; `""`: of all others."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.session, self.caller = around.session, around.caller

    @abstractmethod
    def find(self, row: RecordRow) -> R | None:
        """The record that the row means, or None for a new one; or None with a fault in the row."""

    @abstractmethod
    def create(self, row: RecordRow) -> R:
        """A new record."""

    def change(self, row: RecordRow, record: R, fields: Collection[str]) -> None:
        """Bring these fields of the record to what the row says. Kinds of which nothing changes have no own one."""
        raise AssertionError(f"{self.name}: {sorted(fields)} of {record} can't be changed by row {row.number}")

    @abstractmethod
    def shown(self, record: R) -> dict[str, Any]:
        """What is stored, by field: all that a row may be compared with."""

    @abstractmethod
    def identity(self, record: R) -> UUID:
        """The record's id in the report and the journal."""

    def changeable(self, record: R) -> frozenset[str]:  # noqa: ARG002 - some kinds look at the record's state
        """The fields that an import changes, in the state that the record is in."""
        return self.may_change

    def note(self, row: RecordRow, record: R) -> None:
        """Tell the report where the record stands, and whose it is."""
        row.division_code = getattr(record, "division_code", None)

    def field_at(self, pointer: str) -> str:
        """The field that a pointer of the room's error means."""
        return pointer.strip("/").split("/", 1)[0] or "row"

    def same(self, row: RecordRow, name: str, stored: Any) -> bool:
        """Whether the row says what is stored."""
        return agrees(row.values[name], stored)

    def told(self, name: str, value: Any) -> str:
        """A value as the report shows it: labels for codes."""
        codes = column_of(self.name, name).codes
        if name in ("findings", "problem_type"):
            listed = value if isinstance(value, Mapping) else {str(value): None}
            labels = self.around.catalogue.labels
            return "；".join(labels.get(one, one) + (f"：{note}" if note else "") for one, note in listed.items())
        if isinstance(value, list | tuple | set):
            return "、".join(self.told(name, one) for one in value)
        if codes is not None and isinstance(value, str):
            return codes.label(value)
        if isinstance(value, bool):
            return "是" if value else "否"
        if isinstance(value, datetime):
            return str(Moment(value.astimezone(self.around.now.tzinfo), "full"))
        return "" if value is None else str(value)


def agrees(given: Any, stored: Any) -> bool:
    """Whether a cell says what is stored. Lists of ids and codes have no order; texts are compared as `canonical`."""
    if isinstance(given, Moment):
        return isinstance(stored, datetime) and given.agrees(stored)
    if isinstance(given, str) and isinstance(stored, str):
        return given == stored or canonical(given) == canonical(stored)
    if isinstance(given, list):
        return sorted(map(str, given)) == sorted(map(str, stored or ()))
    if isinstance(given, dict):
        there: Mapping[str, str | None] = stored or {}
        return given.keys() == there.keys() and all(
            note is None or agrees(note, there[code]) for code, note in given.items()
        )
    return bool(given == stored)
