"""Everything that a page shows of a division, read in one snapshot: no figure is older than another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode
from uuid import UUID

from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.reporting.charts import PALETTE, Frame, Series, bars, lines
from toilet_api.reporting.dashboard import map as maps
from toilet_api.reporting.dashboard import places
from toilet_api.reporting.dashboard.overdue import Late, overdue_problems
from toilet_api.reporting.dashboard.places import CampaignChoice, Place
from toilet_api.reporting.dashboard.sorting import Row, in_order
from toilet_api.reporting.dashboard.weeks import Week, by_week, first_shown
from toilet_api.reporting.figures import Denominator, Figures
from toilet_api.reporting.statistics.places import Centre, centres
from toilet_api.reporting.statistics.reading import figures_of
from toilet_api.reporting.statistics.trend import trend
from toilet_api.survey.rules import shanghai_date

MAP_LEVEL = {1: 3, 2: 3, 3: 5, 4: 5}
"""Level of a page -> that of the places on its map: counties, or villages."""
FOUND, RECTIFIED, CLOSED = PALETTE[0], PALETTE[1], PALETTE[2]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of a page says."""

    division: str | None
    campaign: UUID | None
    sort: str
    denominator: Denominator

    def link(self, choice: CampaignChoice | None, **changed: str | None) -> str:
        """The address of this page with something else in it; the campaign goes along where it touches the place."""
        values: dict[str, str | None] = {
            "division": self.division,
            "campaign": str(self.campaign) if self.campaign else None,
            "sort": self.sort,
            "denominator": self.denominator if self.denominator != "households" else None,
            **changed,
        }
        if choice is not None and values["division"] and not choice.touches(values["division"]):
            values["campaign"] = None
        query = urlencode({name: value for name, value in values.items() if value})
        return f"/dashboard?{query}" if query else "/dashboard"


@dataclass(frozen=True, slots=True)
class Trend:
    """The weeks. Drawn when a page asks for it, for a wide and for a narrow screen: no transaction waits for that."""

    weeks: list[Week]
    is_cut: bool

    @property
    def progress(self) -> list[str]:
        """What happened in each week."""
        rows = [
            Series("新登记", [week.found for week in self.weeks], FOUND),
            Series("整改完成", [week.rectified for week in self.weeks], RECTIFIED),
            Series("销号", [week.closed for week in self.weeks], CLOSED),
        ]
        return [
            bars(frame, self._labels, rows) for frame in self._frames("progress", "每周新登记、整改完成、销号的问题数")
        ]

    @property
    def backlog(self) -> list[str]:
        """What stood open at the end of each."""
        row = Series("未销号", [week.open_at_end for week in self.weeks], FOUND)
        return [lines(frame, self._labels, [row]) for frame in self._frames("backlog", "每周末未销号的问题数")]

    @property
    def _labels(self) -> list[str]:
        return [week.label for week in self.weeks]

    def _frames(self, key: str, title: str) -> list[Frame]:
        told = f"从 {self.weeks[0].begins} 起共 {len(self.weeks)} 周，逐周数字见图下的表。"
        sizes = (("wide", 600, 250, 13), ("narrow", 340, 230, 12))
        return [Frame(f"{key}-{name}", title, told, wide, high, size) for name, wide, high, size in sizes]


@dataclass(frozen=True, slots=True)
class View:
    """A page. `place` is None for someone with several divisions who has chosen none."""

    asked: Asked
    as_of: datetime
    today: date
    place: Place | None
    way: list[Place]
    campaigns: list[CampaignChoice]
    chosen: CampaignChoice | None
    counted: list[CampaignChoice]
    """The campaigns whose figures are shown."""
    total: Figures
    """Of the place, or of all the viewer's divisions together."""
    rows: list[Row]
    below_level: str
    trend: Trend | None
    drawings: dict[str, maps.Drawing]
    """The map, `wide` and `narrow`; empty where no place has a position."""
    map_rows: list[Row]
    late: list[Late]

    def to(self, place: Place) -> str:
        """The address of another division's page."""
        return self.asked.link(self.chosen, division=place.code)

    def sorted_by(self, sort: str) -> str:
        """The address of this page in another order."""
        return self.asked.link(self.chosen, sort=sort) + "#progress"

    @property
    def overdue_rows(self) -> list[Row]:
        """The divisions below with something overdue, the worst first."""
        return [row for row in in_order(self.rows, "-overdue") if row.figures.problems.overdue]


def read(session: Session, caller: Caller, asked: Asked, as_of: datetime) -> View:
    """The page that was asked for. 404 for a division or campaign outside of the caller's scope."""
    today = shanghai_date(as_of)
    place, listed, below_level = _placed(session, caller, asked)
    around = [place.code] if place else [one.code for one in listed]
    campaigns = places.campaigns_at(session, around)
    chosen = next((one for one in campaigns if one.id == asked.campaign), None)
    if asked.campaign is not None and chosen is None:
        raise NOT_FOUND.problem()
    counted = [chosen] if chosen else [one for one in campaigns if one.state == "open"]
    ids = [one.id for one in counted]
    on_map = places.below(session, place, MAP_LEVEL[place.level]) if place and place.level in MAP_LEVEL else []
    groups = {"": tuple(around), **{one.code: (one.code,) for one in (*listed, *on_map)}}
    read_figures = figures_of(session, groups, ids, today, asked.denominator)
    map_rows = [Row(one, read_figures[one.code]) for one in on_map]
    return View(
        asked=asked,
        as_of=as_of,
        today=today,
        place=place,
        way=places.way_to(session, caller.scope, place) if place else [],
        campaigns=campaigns,
        chosen=chosen,
        counted=counted,
        total=read_figures[""],
        rows=in_order([Row(one, read_figures[one.code]) for one in listed], asked.sort),
        below_level=below_level,
        trend=_trend(session, around, counted, today),
        drawings=_drawings(map_rows, centres(session, [one.code for one in on_map]) if on_map else {}),
        map_rows=map_rows,
        late=overdue_problems(session, caller, place.code, ids, today) if place and place.level >= 4 else [],
    )


def _placed(session: Session, caller: Caller, asked: Asked) -> tuple[Place | None, list[Place], str]:
    """The place of the page, the places that it lists, and what they are called."""
    if asked.division is None and len(caller.scope.prefixes) > 1:
        return None, places.own(session, caller.scope), "区划"
    place = places.find(session, caller.scope, asked.division or caller.scope.prefixes[0])
    listed = places.below(session, place, place.level + 1)
    return place, listed, listed[0].level_name if listed else ""


def _drawings(rows: Sequence[Row], found: Mapping[str, Centre]) -> dict[str, maps.Drawing]:
    drawn = {"wide": maps.draw(rows, found, maps.WIDE), "narrow": maps.draw(rows, found, maps.NARROW)}
    return {name: one for name, one in drawn.items() if one is not None}


def _trend(session: Session, codes: Sequence[str], counted: Sequence[CampaignChoice], today: date) -> Trend | None:
    if not counted:
        return None
    since, is_cut = first_shown(min(one.starts_on for one in counted), today)
    weeks = by_week(trend(session, codes, [one.id for one in counted], since, today))
    return Trend(weeks, is_cut)
