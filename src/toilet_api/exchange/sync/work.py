"""An item on its way: what it says, what it builds on, what became of it; and the desk at which items are done."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlmodel import Session

from toilet_api.accounts.caller import Caller, forbidden
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions.tables import Division
from toilet_api.exchange.sync.schemas import SyncItem
from toilet_api.kernel.database import enter_scope
from toilet_api.kernel.vault import Vault
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey.tables import Visit

Model = type[BaseModel]
Record = Household | Toilet | Visit
Subject = tuple[str, UUID]
"""Type and id of a record."""

NOT_APPLIED = ("conflict", "rejected")


@dataclass(slots=True)
class Outcome:
    """What became of an item. `made`: the version of the record that it made, if it made one."""

    state: str
    version: int | None = None
    made: int | None = None
    fields: list[str] = field(default_factory=list)
    conflict_id: UUID | None = None
    server: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What a room's function has done: the record's version now, and whether the item made it."""

    version: int | None
    changed: bool = True
    new: bool = True
    """False: a record of the same id and content was there before."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What an item of one type and operation needs, and who does it."""

    type: str
    op: str
    body: Model | None
    permission: Permission
    one: "Callable[[Desk, Caller, Work], Done]"
    """By the room's own function, within a savepoint."""
    many: "Callable[[Desk, Caller, list[Work]], list[Work]] | None" = None
    """Set-based; gives those that it can't decide, of which nothing is written."""

    @property
    def judged(self) -> bool:
        """Whether it changes a record that others may have changed meanwhile."""
        return self.op in ("update", "submit", "remove")


@dataclass(slots=True, eq=False)
class Work:
    """One item of a batch."""

    place: int
    """Where it stands in the request."""
    item: SyncItem
    digest: bytes
    kind: Kind | None = None
    body: Any = None
    household_id: UUID | None = None
    needs: list["Work"] = field(default_factory=list)
    """Items of the batch without which this one must not be done."""
    merges: bool = False
    """Somebody else has changed the record since the version that the item is based on."""
    outcome: Outcome | None = None

    @property
    def subject(self) -> Subject:
        return self.item.type, self.item.record_id


@dataclass(slots=True, eq=False)
class Desk:
    """What the items of one batch are done with: rows that are held, versions that the device made."""

    session: Session
    vault: Vault
    caller: Caller
    """Whose batch it is; its scope is where the caller may sync."""
    device_id: UUID
    offset: float
    now: datetime
    language: str = "zh"
    households: dict[UUID, Household] = field(default_factory=dict)
    toilets: dict[UUID, Toilet] = field(default_factory=dict)
    visits: dict[UUID, Visit] = field(default_factory=dict)
    villages: dict[str, Division] = field(default_factory=dict)
    """Codes with the divisions that they mean today, locked against merges."""
    held: dict[Subject, int] = field(default_factory=dict)
    """Versions when the rows were taken hold of: later ones are this batch's own."""
    own: dict[Subject, set[int]] = field(default_factory=dict)
    """Versions that earlier items of the device made."""
    later: dict[Subject, dict[int, set[str]]] = field(default_factory=dict)
    """Versions above the items' base, with the fields that they changed."""
    _holders: dict[Permission, Caller] = field(default_factory=dict)

    def holder(self, permission: Permission) -> Caller:
        """The caller where he holds `permission`; the transaction sees only there from now on. Raises 403."""
        if permission not in self._holders:
            scope = self.caller.scope_for(permission)
            self._holders[permission] = replace(self.caller, scope=scope)
        holder = self._holders[permission]
        if holder.scope.is_empty:
            raise forbidden(permission)
        enter_scope(self.session, holder.scope.prefixes)
        return holder

    def widen(self) -> None:
        """Back to all of where the caller may sync."""
        enter_scope(self.session, self.caller.scope.prefixes)

    def row(self, subject: Subject) -> Record | None:
        """The held row of a record."""
        kind, record_id = subject
        rows: dict[str, dict[UUID, Any]] = {"household": self.households, "toilet": self.toilets, "visit": self.visits}
        return rows.get(kind, {}).get(record_id)

    def stands(self, code: str) -> bool:
        """Whether a division's code is the one of today, and it is locked against merges."""
        division = self.villages.get(code)
        return division is not None and division.code == code
