"""Heads of household: what the main table may show of them, and what only the vault holds.

`seal` is the one way from plain personal data to what is stored; the API and the importer both use it, so that a
household means the same whichever way it came. It needs no database: a process that judges a ledger has none.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from toilet_api.kernel.vault import Vault, mask_address, mask_id_number, mask_name, mask_phone, normalise


@dataclass(frozen=True, slots=True)
class Person:
    """The plain personal data of a head of household. It lives in memory only, and never in a log."""

    name: str
    id_number: str | None = None
    phones: tuple[str, ...] = ()
    address: str | None = None

    def __repr__(self) -> str:
        return "Person(…)"


@dataclass(frozen=True, slots=True)
class SealedPerson:
    """What is stored: columns of `household` of the same names, and `sealed` for `household_person`.

    (`identity_place`, `identity_index`) tells whether two records are of one household, see `seal`.
    """

    name_masked: str
    id_number_masked: str | None
    phone_masked: str | None
    address_masked: str | None
    identity_place: str
    identity_index: bytes
    name_index: bytes
    phone_index: list[bytes]
    sealed: bytes

    def columns(self) -> dict[str, Any]:
        """The columns of `household` to write; `identity_place` is derived by Postgres."""
        return {
            "name_masked": self.name_masked,
            "id_number_masked": self.id_number_masked,
            "phone_masked": self.phone_masked,
            "address_masked": self.address_masked,
            "identity_index": self.identity_index,
            "name_index": self.name_index,
            "phone_index": self.phone_index,
        }


def seal(
    vault: Vault, household_id: UUID, person: Person, village_code: str, identity: bytes | None = None
) -> SealedPerson:
    """Mask, index and encrypt. The sealed bytes open only for this household.

    Two households are the same if they have the same ID number in the same county or, where a ledger has no ID number,
    the same name and address in the same village. `identity_index` holds the number, or name and address; the place is
    the column `identity_place`, which Postgres derives from the division code, so that a renamed or merged village
    needs no key. `identity` is that index where it is known already.
    """
    return SealedPerson(
        name_masked=mask_name(person.name),
        id_number_masked=mask_id_number(person.id_number) if person.id_number else None,
        phone_masked="、".join(mask_phone(phone) for phone in person.phones) or None,
        address_masked=mask_address(person.address) if person.address else None,
        identity_place=village_code[:6] if person.id_number else village_code,
        identity_index=identity or identity_index(vault, person),
        name_index=vault.blind_index("name", person.name),
        phone_index=list(dict.fromkeys(vault.blind_index("phone", phone) for phone in person.phones)),
        sealed=vault.seal(
            {
                "name": person.name,
                "id_number": person.id_number,
                "phones": list(person.phones),
                "address": person.address,
            },
            household_id.bytes,
        ),
    )


def identity_index(vault: Vault, person: Person) -> bytes:
    """The blind index by which a household is recognised: of the ID number, else of name and address."""
    if person.id_number:
        return vault.blind_index("id_number", person.id_number)
    name, address = normalise("name", person.name), normalise("address", person.address or "")
    return vault.blind_index("household", f"{name}|{address}")
