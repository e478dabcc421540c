"""The people of the tests: the demonstration's, in Wuning county 360423."""

from toilet_api.demonstration.county import create_accounts
from toilet_api.demonstration.places import choose
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.settings import Settings

PASSWORD = "Demo-2026-Wuning"
COUNTY = "360423"
PEOPLE = (
    "province_inspector",
    "city_inspector",
    "county_admin",
    "county_reviewer",
    "township_manager",
    "township_manager_2",
    "village_surveyor",
    "village_surveyor_2",
    "auditor",
    "province_client",
)


def load_people(database: Database, settings: Settings) -> None:
    """One account for each role; who surveys is trained."""
    with database.transaction(EVERYWHERE) as session:
        first, second = choose(session, COUNTY)
        create_accounts(session, settings, COUNTY, first, second, PASSWORD)
