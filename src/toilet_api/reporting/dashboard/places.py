"""Where a page stands: its division, the way to it from the top, what lies below, and the campaigns that touch it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlmodel import Session, col, or_, select

from toilet_api.accounts.permissions import LEVEL_NAMES
from toilet_api.divisions import lookup
from toilet_api.divisions.rules import level_of, prefixes_of
from toilet_api.divisions.tables import Division
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.kernel.scope import Scope, prefix_range
from toilet_api.survey.tables import Campaign

_VILLAGERS, _RESIDENTS = re.compile(r"(?<=.)村?村民?委(员)?会$"), re.compile(r"(?<=.)居民?委(员)?会$")


@dataclass(frozen=True, slots=True)
class Place:
    """A division, and whether the viewer may look at all of it."""

    code: str
    name: str
    open_to_viewer: bool = True

    @property
    def level(self) -> int:
        """1 province to 5 village."""
        return level_of(self.code)

    @property
    def level_name(self) -> str:
        """What divisions of its level are called."""
        return LEVEL_NAMES[self.level][0]

    @property
    def short_name(self) -> str:
        """Without the committee that a village's name ends in, where there is little room."""
        return _RESIDENTS.sub("", _VILLAGERS.sub("村", self.name))


@dataclass(frozen=True, slots=True)
class CampaignChoice:
    """A campaign that can be chosen."""

    id: UUID
    name: str
    county: str
    division_code: str
    state: str
    starts_on: date
    survey_due: date

    def touches(self, code: str) -> bool:
        """Whether it has figures at `code`: it is of the county, or of one below, or of the one around it."""
        return code.startswith(self.division_code) or self.division_code.startswith(code)


def find(session: Session, scope: Scope, code: str) -> Place:
    """The division of today that `code` means. 404 outside of the scope and for an unknown one."""
    division = lookup.resolve(session, code)
    if division is None or not scope.covers(division.code):
        raise NOT_FOUND.problem()
    return Place(division.code, division.name)


def own(session: Session, scope: Scope) -> list[Place]:
    """The viewer's divisions."""
    named = lookup.names(session, scope.prefixes)
    return [Place(code, named.get(code, code)) for code in scope.prefixes]


def way_to(session: Session, scope: Scope, place: Place) -> list[Place]:
    """From the province down to `place` itself; above the viewer's scope the names alone."""
    codes = prefixes_of(place.code)
    named = lookup.names(session, codes)
    return [Place(code, named[code], scope.covers(code)) for code in codes if code in named]


def below(session: Session, place: Place, level: int) -> list[Place]:
    """The divisions of today of a level under `place`, in the order of their codes."""
    return [Place(code, name) for code, name in lookup.below(session, level, [place.code]).items()]


def campaigns_at(session: Session, codes: Sequence[str]) -> list[CampaignChoice]:
    """Those begun that touch one of `codes`, open ones first, then the newest."""
    touching = [
        or_(prefix_range(col(Campaign.division_code), code), col(Campaign.division_code).in_(prefixes_of(code)))
        for code in codes
    ]
    rows = session.exec(
        select(Campaign, Division.name)
        .join(Division, col(Division.code) == col(Campaign.division_code))
        .where(col(Campaign.removed_at).is_(None), col(Campaign.state) != "planned", or_(*touching))
        .order_by(col(Campaign.state) != "open", col(Campaign.starts_on).desc(), col(Campaign.id))
    )
    return [
        CampaignChoice(one.id, one.name, county, one.division_code, one.state, one.starts_on, one.survey_due)
        for one, county in rows
    ]
