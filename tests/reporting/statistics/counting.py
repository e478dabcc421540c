"""Whether every sum of the statistics equals a plain count of the records."""

from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.reporting.statistics.recount import Difference, differences


def uncounted(database: Database) -> list[Difference]:
    """The sums that differ, as of one moment; none, if all is well."""
    with database.snapshot(EVERYWHERE) as session:
        return differences(session)
