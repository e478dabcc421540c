"""What the jobs of every kind of import share: where they stand, whether they are to stop, which villages they know."""

from typing import Any
from uuid import UUID

from sqlmodel import Session, col, update

from toilet_api.divisions import lookup
from toilet_api.exchange.imports.tables import ImportJob
from toilet_api.exchange.ledgers.villages import Places
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE


class CancelledError(Exception):
    """Somebody asked for the import to be cancelled."""


def note(context: jobs.Context, job_id: UUID, **values: Any) -> bool:
    """Write progress where everyone sees it at once; gives whether somebody asked to cancel."""
    with context.database.transaction(EVERYWHERE) as session:
        found = session.connection().execute(
            update(ImportJob)
            .where(col(ImportJob.id) == job_id)
            .values(**values)
            .returning(col(ImportJob.cancel_requested))
        )
        return bool(found.scalar_one())


def places_for(session: Session, division_code: str) -> Places:
    """The villages under a division, and the divisions above them, with former codes and names."""
    villages = lookup.villages_under(session, division_code)
    above = {code[:length] for code in (one.code for one in villages) for length in (2, 4, 6, 9)}
    names = lookup.names(session, above | {division_code}) | {one.code: one.name for one in villages}
    return Places(
        names,
        former={old: one.code for one in villages for old in one.former_codes},
        former_names={one.code: one.former_names for one in villages if one.former_names},
        only=division_code if len(division_code) == 12 else None,
    )
