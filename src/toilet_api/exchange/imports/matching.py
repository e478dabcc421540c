"""Holds a row against the household that is registered: the same, different, or to be changed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from toilet_api.exchange.ledgers.exported import Exported
from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.rows import Row, Toilet
from toilet_api.kernel.masks import mask_address, mask_id_number, mask_name, mask_phone
from toilet_api.kernel.vault import normalise
from toilet_api.registry.people import Person

_TOILET_FIELDS = (("year", "built_year"), ("led_by", "led_by"), ("subsidy_fen", "subsidy_fen"))
_OF_TOILETS = {"mode", "year", "led_by", "subsidy"}
_REPORTED = {"built_year": "year", "built_month": "year", "subsidy_fen": "subsidy"}


@dataclass(slots=True)
class Registered:
    """A household as it is registered, opened."""

    id: UUID
    village: str
    version: int
    person: Person
    family_size: int | None
    dwelling_state: str
    note: str | None
    toilets: list[dict[str, Any]]
    """The toilets that stand: id, mode, built_year, built_month, led_by, subsidy_fen, counted, updated_at."""
    updated_at: datetime | None = None


@dataclass(slots=True)
class Difference:
    """What a row says otherwise. Blank cells say nothing: they never empty what is registered."""

    village: str | None = None
    person: Person | None = None
    household: dict[str, Any] = field(default_factory=dict)
    toilets: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    new_toilets: list[Toilet] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    """Column, from, to; personal values masked: for the report."""
    personal: list[str] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    """Why the row can't be taken, whatever is to be done on a conflict."""

    @property
    def is_empty(self) -> bool:
        return not self.changes


def compare(row: Row, there: Registered) -> Difference:
    """What the row would change of the household."""
    found = Difference()
    if row.village != there.village:
        found.village = row.village
        found.changes.append({"column": "village", "from": there.village, "to": row.village})
    _compare_person(found, row, there.person)
    for name in ("family_size", "dwelling_state", "note"):
        value = getattr(row, name)
        if value is not None and value != getattr(there, name):
            found.household[name] = value
            found.changes.append({"column": name, "from": getattr(there, name), "to": value})
    if row.exported is not None and row.exported.toilet_id is not None:
        _compare_named_toilet(found, row, row.exported.toilet_id, there.toilets)
    else:
        _compare_toilets(found, row.toilets, there.toilets)
    if found.changes and row.exported is not None:
        _refuse_stale(found, row.exported, there)
    return found


def compare_again(row: Row, before: Registered, now: Registered) -> Difference:
    """What another row of a household would change that an earlier row of the file has changed already.

    An exported household of two toilets has two rows, and both hold the household. What only the earlier one says
    otherwise than it was isn't taken back by this one; where both say otherwise, and not the same, it is a fault.
    """
    intended, found = compare(row, before), compare(row, now)
    wanted = {change["column"] for change in intended.changes} - _OF_TOILETS
    clashing = [change for change in found.changes if change["column"] in wanted]
    toilets = {one: changed for one, changed in found.toilets.items() if one in intended.toilets}
    kept = Difference(toilets=toilets, new_toilets=found.new_toilets if intended.new_toilets else [])
    kept.faults = [*intended.faults, *(_said_otherwise(change) for change in clashing)]
    if kept.toilets or kept.new_toilets:
        kept.changes = [change for change in found.changes if change["column"] in _OF_TOILETS]
    return kept


def _said_otherwise(change: dict[str, Any]) -> dict[str, Any]:
    expected = ("与本户另一行相同", "the same as in the household's other row")
    return fault(change["column"], "dup", str(change["to"]), expected)


def fault(column: str, reason: str, value: str, expected: tuple[str, str], **more: Any) -> dict[str, Any]:
    """Why a row is rejected that could be read: one line of its report."""
    findings = Findings()
    findings.reject(Place(column), reason, value, expected, **more)
    return findings.faults[0]


def _compare_person(found: Difference, row: Row, there: Person) -> None:
    given = row.person
    if given is None:
        raise ValueError("only rows that were taken are compared")
    if row.masked:
        given = _unmasked(found, row.masked, given, there)
    name, phones, address = there.name, there.phones, there.address
    if normalise("name", given.name) != normalise("name", there.name):
        name = given.name
        found.personal.append("name")
        found.changes.append({"column": "name", "from": mask_name(there.name), "to": mask_name(given.name)})
    if given.phones and _digits(given.phones) != _digits(there.phones):
        phones = given.phones
        found.personal.append("phones")
        found.changes.append({"column": "phone", "from": _phones(there.phones), "to": _phones(given.phones)})
    if given.address and normalise("address", given.address) != normalise("address", there.address or ""):
        address = given.address
        found.personal.append("address")
        shown = mask_address(there.address) if there.address else None
        found.changes.append({"column": "address", "from": shown, "to": mask_address(given.address)})
    number = there.id_number
    if given.id_number and given.id_number != there.id_number:
        number = given.id_number
        found.personal.append("id_number")
        shown = mask_id_number(there.id_number) if there.id_number else None
        found.changes.append({"column": "id", "from": shown, "to": mask_id_number(given.id_number)})
    if found.personal:
        found.person = Person(name, number, phones, address)


def _unmasked(found: Difference, masked: frozenset[str], given: Person, there: Person) -> Person:
    """The person with what is registered in place of its masks. A mask that isn't the registered one is a fault."""
    masks = {
        "name": mask_name(there.name),
        "id": mask_id_number(there.id_number) if there.id_number else "",
        "phone": _phones(there.phones) or "",
        "address": mask_address(there.address) if there.address else "",
    }
    shown = {
        "name": given.name,
        "id": given.id_number or "",
        "phone": "、".join(given.phones),
        "address": given.address or "",
    }
    for name in sorted(masked):
        if shown[name] and shown[name] != masks[name]:
            expected = (f"完整填写，或保留 {masks[name]}", f"in full, or left as {masks[name]}")
            found.faults.append(fault(name, "conflict", shown[name], expected))
    return Person(
        there.name if "name" in masked else given.name,
        there.id_number if "id" in masked else given.id_number,
        there.phones if "phone" in masked else given.phones,
        there.address if "address" in masked else given.address,
    )


def _compare_named_toilet(found: Difference, row: Row, toilet_id: UUID, standing: list[dict[str, Any]]) -> None:
    toilet = next((one for one in standing if one["id"] == toilet_id), None)
    if toilet is None:
        expected = ("本户现有厕所的编号", "the id of a toilet of this household")
        found.faults.append(fault("toilet_id", "unknown_record", str(toilet_id), expected))
        return
    for given in row.toilets[:1]:
        _note(found, replace(given, mode=given.mode or toilet["mode"]), toilet)


def _refuse_stale(found: Difference, exported: Exported, there: Registered) -> None:
    """What somebody has changed since the row was exported isn't changed back unseen."""
    moments = [there.updated_at, *(one["updated_at"] for one in there.toilets if one["id"] == exported.toilet_id)]
    changed_at = max((one for one in moments if one is not None), default=None)
    if exported.updated_at is not None and changed_at is not None and changed_at > exported.updated_at:
        expected = ("重新导出后再修改", "export it again, then change it")
        found.faults.append(fault("updated_at", "stale", exported.updated_at.isoformat(), expected))


def _compare_toilets(found: Difference, given: Sequence[Toilet], standing: list[dict[str, Any]]) -> None:
    """A toilet is recognised by its mode; a household's only toilet is the row's only one, whatever its mode."""
    left = list(standing)
    unmatched: list[Toilet] = []
    for toilet in given:
        same = [one for one in left if one["mode"] == toilet.mode]
        if same:
            # Of several of one mode, the one that agrees best.
            best = min(same, key=lambda one: len(_changed(toilet, one)))
            left.remove(best)
            _note(found, toilet, best)
        else:
            unmatched.append(toilet)
    for toilet in unmatched:
        if toilet.mode == "none" and standing:
            # “No toilet” against a toilet that stands: a change of mode only where it is the only one.
            left = left if len(standing) == 1 else []
        if len(left) == 1 and len(given) == 1 and len(standing) == 1:
            _note(found, toilet, left.pop())
        else:
            found.new_toilets.append(toilet)
            found.changes.append({"column": "mode", "from": [one["mode"] for one in standing], "to": toilet.mode})


def _changed(given: Toilet, there: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {} if given.mode == there["mode"] else {"mode": given.mode}
    for name, column in _TOILET_FIELDS:
        value = getattr(given, name)
        if value is not None and value != there[column]:
            changed[column] = value
    if "built_year" in changed:
        if there["built_month"] != given.month:
            changed["built_month"] = given.month
    elif given.month is not None and given.month != there["built_month"]:
        changed["built_month"] = given.month
    return changed


def _note(found: Difference, given: Toilet, there: dict[str, Any]) -> None:
    changed = _changed(given, there)
    if changed:
        found.toilets[there["id"]] = changed
        found.changes += [
            {"column": _REPORTED.get(column, column), "from": there[column], "to": value}
            for column, value in changed.items()
        ]


def _digits(phones: Sequence[str]) -> set[str]:
    return {normalise("phone", phone) for phone in phones}


def _phones(phones: Sequence[str]) -> str | None:
    return "、".join(mask_phone(phone) for phone in phones) or None
