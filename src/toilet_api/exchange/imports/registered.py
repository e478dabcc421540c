"""Registered households as an import compares them: opened, with their toilets."""

from collections.abc import Collection
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from pydantic_core import from_json
from sqlmodel import Session

from toilet_api.exchange.imports.matching import Registered
from toilet_api.kernel.database import driver
from toilet_api.kernel.vault import Vault
from toilet_api.registry.people import Person

_SHOW = """
    select household.id, household.division_code, household.version, household.family_size, household.dwelling_state,
           household.note, household.updated_at,
           (select sealed from household_person as person where person.household_id = household.id) as sealed,
           (select coalesce(jsonb_agg(jsonb_build_object(
                       'id', toilet.id, 'mode', toilet.mode, 'built_year', toilet.built_year,
                       'built_month', toilet.built_month, 'led_by', toilet.led_by, 'subsidy_fen', toilet.subsidy_fen,
                       'counted', toilet.counted, 'updated_at', toilet.updated_at)
                   order by toilet.created_at, toilet.id) filter (where toilet.removed_at is null)::text, '[]')
            from toilet where toilet.household_id = household.id) as toilets
    from household where household.id = any(%s)
"""


def read(session: Session, vault: Vault, ids: Collection[UUID]) -> dict[UUID, Registered]:
    """Households by id. The caller holds their rows, and has seen that they stand."""
    if not ids:
        return {}
    found: dict[UUID, Registered] = {}
    # By the driver itself, in binary: there may be as many as rows in the file.
    shown = driver(session).cursor(binary=True).execute(_SHOW, [sorted(ids, key=attrgetter("int"))])
    for key, division_code, version, family_size, dwelling_state, note, updated_at, sealed, toilets in shown.fetchall():
        plain = vault.open(sealed, key.bytes)
        found[key] = Registered(
            key,
            division_code,
            version,
            Person(plain["name"], plain["id_number"], tuple(plain["phones"]), plain["address"]),
            family_size,
            dwelling_state,
            note,
            [
                {**toilet, "id": UUID(toilet["id"]), "updated_at": datetime.fromisoformat(toilet["updated_at"])}
                for toilet in from_json(toilets)
            ],
            updated_at,
        )
    return found
