"""Registered households as an import compares them: opened, with their toilets."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlmodel import Session

from toilet_api.exchange.imports.matching import Registered
from toilet_api.kernel.vault import Vault
from toilet_api.registry.people import Person

_SHOW = text(
    """
    select household.id, household.division_code, household.version, household.family_size, household.dwelling_state,
           household.note, household.updated_at, person.sealed,
           (select coalesce(jsonb_agg(jsonb_build_object(
                       'id', toilet.id, 'mode', toilet.mode, 'built_year', toilet.built_year,
                       'built_month', toilet.built_month, 'led_by', toilet.led_by, 'subsidy_fen', toilet.subsidy_fen,
                       'counted', toilet.counted, 'updated_at', toilet.updated_at)
                   order by toilet.created_at, toilet.id), '[]')
            from toilet where toilet.household_id = household.id and toilet.removed_at is null) as toilets
    from household join household_person as person on person.household_id = household.id
    where household.id = any(:ids) and household.removed_at is null
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))


def read(session: Session, vault: Vault, ids: Collection[UUID]) -> dict[UUID, Registered]:
    """Households by id. The caller holds their rows."""
    if not ids:
        return {}
    found: dict[UUID, Registered] = {}
    for shown in session.connection().execute(_SHOW, {"ids": sorted(ids)}):
        plain = vault.open(shown.sealed, shown.id.bytes)
        found[shown.id] = Registered(
            shown.id,
            shown.division_code,
            shown.version,
            Person(plain["name"], plain["id_number"], tuple(plain["phones"]), plain["address"]),
            shown.family_size,
            shown.dwelling_state,
            shown.note,
            [
                {**toilet, "id": UUID(toilet["id"]), "updated_at": datetime.fromisoformat(toilet["updated_at"])}
                for toilet in shown.toilets
            ],
            shown.updated_at,
        )
    return found
