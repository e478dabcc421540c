"""Loads the demonstration: accounts first, then the first weeks of a campaign, played over the product's own API."""

import asyncio
from dataclasses import dataclass
from random import Random

from sqlalchemy import text
from sqlmodel import Session

from toilet_api.accounts.people import create_client, create_person
from toilet_api.accounts.permissions import Role
from toilet_api.accounts.schemas import TrainingCreate
from toilet_api.accounts.training import add_training
from toilet_api.demonstration import play
from toilet_api.demonstration.places import CLIENT, DemonstrationRefusedError, Township, choose
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import now
from toilet_api.settings import Settings


@dataclass(frozen=True)
class Account:
    """A login of the demonstration. All have the same password."""

    username: str
    display_name: str
    role: Role
    division_code: str


def accounts(county: str, first: Township, second: Township) -> list[Account]:
    """The people of the demonstration; their names are fixed so that others can script against them."""
    village, sibling_village = list(first.villages)[:2]
    if county == "360423":
        village, sibling_village = "360423208202", "360423208203"
    return [
        Account("province_inspector", "省督导员（演示）", Role.PROVINCE_INSPECTOR, county[:2]),
        Account("city_inspector", "市督导员（演示）", Role.CITY_INSPECTOR, county[:4]),
        Account("county_admin", "县管理员（演示）", Role.COUNTY_ADMIN, county),
        Account("county_reviewer", "县复核员（演示）", Role.COUNTY_REVIEWER, county),
        Account("township_manager", "乡镇专班（演示）", Role.TOWNSHIP_MANAGER, first.code),
        Account("township_manager_2", "邻乡镇专班（演示）", Role.TOWNSHIP_MANAGER, second.code),
        Account("village_surveyor", "村摸排员（演示）", Role.VILLAGE_SURVEYOR, village),
        Account("village_surveyor_2", "邻村摸排员（演示）", Role.VILLAGE_SURVEYOR, sibling_village),
        Account("auditor", "审计员（演示）", Role.AUDITOR, county),
    ]


def load(settings: Settings, county: str, households: int, seed: int, password: str, progress: play.Progress) -> None:
    """Fill an empty, migrated database that has its divisions.

    The same seed gives the same households. Raises DemonstrationRefusedError on a database with other data.
    """
    database = Database(settings)
    try:
        with database.transaction(EVERYWHERE) as session:
            _refuse_other_data(session)
            first, second = choose(session, county)
            create_accounts(session, settings, county, first, second, password)
        progress("accounts", 1, 1)
    finally:
        database.dispose()
    random = Random(seed)  # noqa: S311 - a demonstration that can be made again, no secret
    asyncio.run(play.campaign(settings, county, first, second, households, random, password, progress))


def create_accounts(
    session: Session, settings: Settings, county: str, first: Township, second: Township, password: str
) -> None:
    """Every login of the demonstration, whoever enters visits trained."""
    course = TrainingCreate(
        held_on=now().date(), course="改厕问题摸排培训（演示）", trainer="县卫健委（演示）", hours=8
    )
    for account in accounts(county, first, second):
        person = create_person(
            session,
            settings,
            username=account.username,
            display_name=account.display_name,
            password=password,
            grants=[(account.role, account.division_code)],
            must_change_password=False,
            check_password=False,
        )
        if account.role in (Role.VILLAGE_SURVEYOR, Role.TOWNSHIP_MANAGER):
            add_training(session, person.id, course)
    create_client(
        session,
        settings,
        client_id=CLIENT,
        display_name="省级大数据平台（演示）",
        division_codes=[county[:2]],
        secret=password,
    )


def _refuse_other_data(session: Session) -> None:
    for table in ("household", "principal"):
        if session.connection().execute(text(f"select exists(select from {table})")).scalar_one():
            raise DemonstrationRefusedError(
                "数据库中已有其他数据，演示数据不会混入 / The database holds other data; the demonstration is refused"
            )
