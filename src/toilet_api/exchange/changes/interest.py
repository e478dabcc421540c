"""What a caller may hear of: the types of record that he may read, each with the divisions where he may."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from operator import itemgetter

from sqlmodel import Session

from toilet_api.accounts.caller import Caller, forbidden
from toilet_api.divisions import lookup
from toilet_api.exchange.changes.catalogue import PAST
from toilet_api.exchange.changes.subjects import SUBJECTS, Subject
from toilet_api.kernel.errors import INVALID, NOT_FOUND, FieldError
from toilet_api.kernel.feed import Entry
from toilet_api.kernel.scope import Scope

_KINDS = 4000
"""How many kinds of change the told ones of one scope are kept of: a few thousand, where there are many villages."""
_Kind = tuple[str, str | None, str | None, str]
_kind = itemgetter(2, 4, 5, 7)
"""Of an entry its type, its place, the place before, and the operation."""


@dataclass(frozen=True, slots=True)
class Told:
    """A change as it is told to somebody: by this operation, at this place, from that one."""

    op: str
    division_code: str | None
    from_division_code: str | None
    written: tuple[bytes, bytes] = field(init=False, repr=False, compare=False)
    """The JSON of the operation, and that of the places."""

    def __post_init__(self) -> None:
        here, before = json.dumps(self.division_code), json.dumps(self.from_division_code)
        told = f'"op":"{self.op}"'.encode(), f'"division_code":{here},"from_division_code":{before}'.encode()
        object.__setattr__(self, "written", told)


class _Telling(dict[_Kind, Told | None]):
    """How changes are told to whoever may read these types in these divisions. It is found out once of each kind."""

    def __init__(self, scopes: Mapping[str, Scope]) -> None:
        super().__init__()
        self._scopes = scopes

    def __missing__(self, kind: _Kind) -> Told | None:
        if len(self) >= _KINDS:
            self.clear()
        told = self[kind] = _told(self._scopes, *kind)
        return told


@lru_cache(maxsize=32)
def _telling(scopes: tuple[tuple[str, Scope], ...]) -> _Telling:
    return _Telling(dict(scopes))


def _told(scopes: Mapping[str, Scope], subject: str, place: str | None, before: str | None, op: str) -> Told | None:
    scope = scopes.get(subject)
    if scope is None:
        return None
    from_above = SUBJECTS[subject].from_above
    is_here, was_here = _in(scope, place, from_above), _in(scope, before, from_above)
    if op != "move":
        return Told(PAST[op], place, None) if is_here else None
    if is_here and was_here:
        return Told("moved", place, before)
    if is_here:
        return Told("entered_scope", place, None)
    return Told("left_scope", None, before) if was_here else None


@dataclass(frozen=True)
class Interest:
    """Types of record, each with the divisions where the caller may read it and wants to."""

    scopes: Mapping[str, Scope]

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
        return self._telling[_kind(entry)]

    def tell_each(self, entries: Iterable[Entry]) -> list[tuple[Entry, Told]]:
        """Those that are for the caller, each as it is told."""
        known = self._telling
        return [(entry, told) for entry in entries if (told := known[_kind(entry)]) is not None]

    def is_own(self, entry: Entry) -> bool:
        """Whether its record lies in the caller's divisions, not in one above them."""
        place = entry.division_code
        return place is not None and self.scopes[entry.subject_type].covers(place)

    @cached_property
    def _telling(self) -> _Telling:
        return _telling(tuple(self.scopes.items()))

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
