"""Heads of household as the vault keeps them, opened."""

from sqlmodel import Session

from toilet_api.kernel.vault import Vault
from toilet_api.registry.people import Person
from toilet_api.registry.tables import Household, HouseholdPerson


def unseal(session: Session, vault: Vault, household: Household) -> Person:
    """The plain data. Only for `reveal`, which journals it, and for merging a patch, which shows nothing of it."""
    stored = session.get_one(HouseholdPerson, household.id)
    plain = vault.open(stored.sealed, household.id.bytes)
    return Person(plain["name"], plain["id_number"], tuple(plain["phones"]), plain["address"])
