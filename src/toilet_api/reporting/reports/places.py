"""Which divisions report: those with an open campaign, and the levels above them."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlmodel import Session, col, select

from toilet_api.divisions.tables import Division
from toilet_api.kernel.fields import SHANGHAI
from toilet_api.kernel.scope import prefix_range
from toilet_api.reporting.reports.rules import LENGTH_OF_LEVEL, Line, is_due_from
from toilet_api.survey.tables import Campaign

_TOWNSHIP = 4


@dataclass(frozen=True, slots=True)
class Place:
    """A division that reports, in which campaign (None: city and province), and since which day."""

    code: str
    campaign_id: UUID | None
    since: date


def reporting(session: Session, line: Line, under: str = "") -> list[Place]:
    """The divisions of a line's level under a prefix that have an open campaign in or above them, by code.

    `since`: the day in Shanghai when the campaign was opened; of a city or province, the earliest of its campaigns.
    """
    county = under[: LENGTH_OF_LEVEL["county"]]
    campaigns = session.exec(
        select(Campaign)
        .where(
            col(Campaign.state) == "open",
            col(Campaign.removed_at).is_(None),
            prefix_range(col(Campaign.division_code), county),
        )
        .order_by(col(Campaign.division_code))
    ).all()
    found: dict[str, Place] = {}
    length = LENGTH_OF_LEVEL[line.level]
    for campaign in campaigns:
        since = (campaign.opened_at or campaign.created_at).astimezone(SHANGHAI).date()
        if line.level == "township":
            for code in _townships(session, campaign.division_code):
                found[code] = Place(code, campaign.id, since)
        elif is_due_from(line, code := campaign.division_code[:length]):
            since = min(since, found[code].since) if code in found else since
            found[code] = Place(code, campaign.id if line.level == "county" else None, since)
    return [place for code, place in sorted(found.items()) if code.startswith(under)]


def _townships(session: Session, county: str) -> list[str]:
    return list(
        session.exec(
            select(Division.code).where(
                Division.parent_code == county, Division.level == _TOWNSHIP, col(Division.valid_to).is_(None)
            )
        )
    )
