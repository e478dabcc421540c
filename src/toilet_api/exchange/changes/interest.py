"""What a caller may hear of: the types of record that he may read, each with the divisions where he may."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sqlmodel import Session

from toilet_api.accounts.caller import Caller, forbidden
from toilet_api.divisions import lookup
from toilet_api.exchange.changes.catalogue import PAST
from toilet_api.exchange.changes.subjects import SUBJECTS, Subject
from toilet_api.kernel.errors import INVALID, NOT_FOUND, FieldError
from toilet_api.kernel.feed import Entry
from toilet_api.kernel.scope import Scope


@dataclass(frozen=True, slots=True)
class Told:
    """A change as it is told to somebody: by this operation, at this place, from that one."""

    op: str
    division_code: str | None
    from_division_code: str | None


@dataclass(frozen=True)
class Interest:
    """Types of record, each with the divisions where the caller may read it and wants to."""

    scopes: Mapping[str, Scope]
    _told: dict[tuple[str, str, str | None, str | None], Told | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """How a change of such a record, of this operation, at this place, from that one, is told. There are few."""

    @property
    def scope(self) -> Scope:
        """Every division of any of the types."""
        return Scope.of(prefix for scope in self.scopes.values() for prefix in scope.prefixes)

    def described(self) -> dict[str, list[str]]:
        """As plain values."""
        return {name: list(scope.prefixes) for name, scope in self.scopes.items()}

    def tell(self, entry: Entry) -> Told | None:
        """How a change is told; None where it isn't for the caller.

        Of what has left the scope it isn't told where it went, of what has come not from where.
        """
        kind = (entry.subject_type, entry.op, entry.division_code, entry.from_division_code)
        try:
            return self._told[kind]
        except KeyError:
            told = self._told[kind] = self._tell(entry)
            return told

    def _tell(self, entry: Entry) -> Told | None:
        scope = self.scopes.get(entry.subject_type)
        if scope is None:
            return None
        from_above = SUBJECTS[entry.subject_type].from_above
        is_here, was_here = (
            _in(scope, entry.division_code, from_above),
            _in(scope, entry.from_division_code, from_above),
        )
        if entry.op != "move":
            return Told(PAST[entry.op], entry.division_code, None) if is_here else None
        if is_here and was_here:
            return Told("moved", entry.division_code, entry.from_division_code)
        if is_here:
            return Told("entered_scope", entry.division_code, None)
        return Told("left_scope", None, entry.from_division_code) if was_here else None

    def callers(self, caller: Caller) -> Iterator[tuple[Subject, Caller]]:
        """Each type with the caller narrowed to where he wants it."""
        for name, scope in self.scopes.items():
            yield SUBJECTS[name], replace(caller, scope=scope)


def _in(scope: Scope, code: str | None, from_above: bool) -> bool:
    if code is None:
        return False
    return scope.covers(code) or (from_above and any(prefix.startswith(code) for prefix in scope.prefixes))


def of(session: Session, caller: Caller, types: tuple[str, ...], division: str | None) -> Interest:
    """What `caller` asks for: these types, or all that he may read; everywhere, or in one division.

    Raises `invalid` for an unknown type, `forbidden` for one that he may not read, `not_found` for a division that is
    unknown or not his.
    """
    scopes = {
        subject.name: scope
        for subject in _chosen(types)
        if not (scope := caller.scope_for(subject.permission)).is_empty
    }
    barred = [name for name in types or SUBJECTS if name not in scopes]
    if barred and (types or not scopes):
        raise forbidden(SUBJECTS[barred[0]].permission)
    if division is None:
        return Interest(scopes)
    found = lookup.resolve(session, division)
    within = {} if found is None else {name: scope.within(found.code) for name, scope in scopes.items()}
    within = {name: scope for name, scope in within.items() if not scope.is_empty}
    if not within:
        raise NOT_FOUND.problem()
    return Interest(within)


def readable(caller: Caller, types: Iterable[str]) -> Scope:
    """Every division where the caller may read any of these types, whatever he has asked for."""
    return Scope.of(prefix for name in types for prefix in caller.scope_for(SUBJECTS[name].permission).prefixes)


def _chosen(types: tuple[str, ...]) -> list[Subject]:
    if unknown := [name for name in types if name not in SUBJECTS]:
        told = ("没有这种记录类型", "no such type of record")
        raise INVALID.problem(
            errors=[FieldError("/query/types", "unknown_code", told, ",".join(unknown), ", ".join(SUBJECTS))]
        )
    return [SUBJECTS[name] for name in types or SUBJECTS]
