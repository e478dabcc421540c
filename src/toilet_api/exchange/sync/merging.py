"""Which fields an item changes, which others have changed since, and whether the two get in each other's way. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

EVERYTHING = frozenset({"*"})
"""A version of which it isn't told what it changed: as if it had changed all."""

_UNCHANGING = ("created", "removed", "restored")
_SAME = {"longitude": "position", "latitude": "position", "position_source": "position"}
_PERSONAL = "changed_personal_fields"
_MASKS = {
    "name_masked": "person.name",
    "id_number_masked": "person.id_number",
    "phone_masked": "person.phones",
    "address_masked": "person.address",
}


def fields_of(changes: Mapping[str, Any]) -> set[str]:
    """The fields that a patch names; those of the head of household as `person.name` and so on."""
    found = set()
    for name, value in changes.items():
        if name == "person" and isinstance(value, Mapping):
            found |= {f"person.{one}" for one in value}
        else:
            found.add(name)
    return found


def journaled_fields(action: str, after: Mapping[str, Any] | None) -> set[str]:
    """The fields that a journaled change of a record changed, named as in its patch."""
    if after is None or action.rsplit(".", 1)[-1] in _UNCHANGING:
        return set()
    found = {f"person.{one}" for one in after.get(_PERSONAL, ())}
    for name in after:
        if name == _PERSONAL:
            continue
        if name in _MASKS:
            # What is shown of a personal field follows from it; which one it was is told beside it.
            if _PERSONAL not in after:
                found.add(_MASKS[name])
        else:
            found.add(_SAME.get(name, name))
    return found


@dataclass(frozen=True, slots=True)
class Verdict:
    """`merges`: others have changed the record since. `clashing`: the fields that they and the item both name."""

    merges: bool
    clashing: frozenset[str]


def judge(
    base: int, held: int, own: Collection[int], later: Mapping[int, Collection[str]], mine: Collection[str]
) -> Verdict:
    """Hold an item that is based on version `base` against what has become of the record, `held` at its latest.

    `own`: versions that the same device made; `later`: the versions above the base that are told, with their fields.
    """
    foreign = [version for version in range(base + 1, held + 1) if version not in own]
    touched: set[str] = set()
    for version in foreign:
        touched |= set(later.get(version, EVERYTHING))
    clashing = frozenset(mine) if EVERYTHING & touched else frozenset(mine) & touched
    return Verdict(bool(foreign), clashing)
