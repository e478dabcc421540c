"""What the matrix knows of an operation: how it is called, who may, and what it answers from where.

The tables of roles here and in the probes are written out on purpose: they say what must hold, not what the code does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from uuid import uuid4

from httpx import Response

from tests.scope.places import ANONYMOUS, HOMES, NOWHERE, ROLES, VILLAGES, around, relation

UNAUTHENTICATED, FORBIDDEN = "401 unauthenticated", "403 forbidden"
NOT_FOUND, OUT_OF_SCOPE = "404 not_found", "403 out_of_scope"

ENTERING = frozenset({"county_admin", "township_manager", "village_surveyor"})
RUNNING = frozenset({"county_admin", "township_manager"})
ADMIN = frozenset({"county_admin"})
PICTURING = ENTERING | {"province_inspector", "city_inspector", "county_reviewer"}
"""Who enters data or goes and checks brings photos."""


class Kind(Enum):
    """How an operation depends on who calls and where."""

    OPEN = "the same for everyone, without a login"
    SHARED = "the same for all who are logged in"
    SELF = "about the caller himself"
    RECORD = "about one record, or one place, that is named"
    LIST = "what lies in the caller's division"


@dataclass(frozen=True)
class Record:
    """A record that stands somewhere. `of`: the record that it belongs to, where the path names both."""

    id: str
    of: str = ""


@dataclass(frozen=True)
class Furniture:
    """Everything that stands in the furnished database."""

    records: dict[tuple[str, str], Record] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    """Login name -> id."""
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    """Table -> id -> division code, read past every wall."""

    def put(self, kind: str, place: str, record_id: Any, of: Any = "") -> None:
        """Remember a record; only one of a kind stands at a place."""
        assert (kind, place) not in self.records
        self.records[kind, place] = Record(str(record_id), str(of))

    def at(self, kind: str, place: str, role: str = "") -> Record:
        """The record of a kind at a place; the role's own one where there is such."""
        return self.records.get((f"{kind} of {role}", place)) or self.records[kind, place]


@dataclass(frozen=True)
class Call:
    """One cell's call: who, about which record, standing where."""

    role: str
    place: str
    record: Record
    furniture: Furniture

    @property
    def home(self) -> str:
        """The caller's division."""
        return HOMES[self.role]


Body = Callable[[Call], Any]
Levels = Mapping[int, frozenset[str]]


@dataclass(frozen=True)
class Probe:
    """One operation (or one `case` of it): how to call it, and what must come back."""

    operation: str
    kind: Kind
    roles: frozenset[str] = ROLES
    """Who may do it, in his own division."""
    at: tuple[str, ...] = VILLAGES
    record: str = ""
    """The kind of record that is named; none where a place is named."""
    ok: str = "200"
    outside: str = NOT_FOUND
    barred: str = ""
    """The answer, inside, to who holds the permission but may not do it with this record: see `able`."""
    able: Levels | None = None
    """By the length of the place's code, who of `roles` may do it there; all of them by default."""
    instead: Mapping[str, str] = field(default_factory=dict)
    """Who of `roles` gets another answer, wherever the record stands."""
    from_below: bool = False
    """A place above the caller's is inside as well."""
    path: Mapping[str, str] = field(default_factory=dict)
    """Parts of the path that no record gives."""
    json: Body | None = None
    form: Body | None = None
    files: Body | None = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Body | None = None
    check: Callable[[Call, Response], bool] | None = None
    """Looks into an answer that has the expected status."""
    shows_nothing: Callable[[str, Response], bool] | None = None
    """Whether an answer about a foreign place, though it isn't an error, tells nothing of that place."""
    case: str = ""
    rows: str = ""
    """Of a list: the table that it shows."""
    related: tuple[tuple[str, str], ...] = ()
    """Of a list: (filter, kind of record that it names); one of a foreign record must find nothing."""
    everything: Mapping[str, str] = field(default_factory=dict)
    """Of a list: the query that leaves nothing out."""
    filter_in_body: bool = False
    """Of a list: it is asked for with a body."""

    def __str__(self) -> str:
        return f"{self.operation}[{self.case}]" if self.case else self.operation

    def expected(self, role: str, where: str, place: str) -> str:
        """The answer that this caller must get about a record at `place`, which is `where` to him."""
        if role == ANONYMOUS:
            return UNAUTHENTICATED
        if role not in self.roles:
            return FORBIDDEN
        if role in self.instead:
            return self.instead[role]
        inside = where in ("own", "child") or (where == "parent" and self.from_below)
        if not inside:
            return self.outside
        if self.able is not None and role not in self.able[len(place)]:
            return self.barred
        return self.ok


@dataclass(frozen=True)
class Cell:
    """One square of the matrix."""

    role: str
    where: str
    place: str
    expected: str


def cells(probe: Probe) -> list[Cell]:
    """The squares of a probe about a record or a place. (Lists have theirs in `lists`.)"""
    if probe.kind is Kind.OPEN:
        return [Cell(role, "-", "", probe.ok) for role in (ANONYMOUS, *HOMES)]
    made = [Cell(ANONYMOUS, "-", probe.at[0], UNAUTHENTICATED)]
    if probe.kind is Kind.SELF:
        return made + [Cell(role, "-", home, probe.expected(role, "own", home)) for role, home in HOMES.items()]
    for role, home in HOMES.items():
        places = around(home, probe.at)
        if role not in probe.roles:
            places = {(where, 0): place for (where, _), place in places.items()}
        for (where, _), place in places.items():
            expected = probe.ok if probe.kind is Kind.SHARED else probe.expected(role, where, place)
            made.append(Cell(role, where, place, expected))
        if probe.record and probe.kind is Kind.RECORD and role in probe.roles:
            made.append(Cell(role, NOWHERE, probe.at[0], probe.expected(role, NOWHERE, probe.at[0])))
    return made


def call_of(probe: Probe, cell: Cell, furniture: Furniture) -> Call:
    """The call that belongs to a square."""
    if not probe.record:
        record = Record(cell.place)
    elif cell.where == NOWHERE:
        record = Record(str(uuid4()), str(uuid4()))
    else:
        record = furniture.at(probe.record, cell.place, cell.role)
    return Call(cell.role, cell.place, record, furniture)


def inside(role: str, place: str) -> bool:
    """Whether a record at `place` lies in the division of `role`."""
    return role in HOMES and relation(HOMES[role], place) in ("own", "child")
