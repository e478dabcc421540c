"""Charts, the map, weeks and the way figures are written. Pure."""

from datetime import date, timedelta

import pytest
from lxml import etree

from toilet_api.reporting import chart_drawing
from toilet_api.reporting.chart_drawing import ticks
from toilet_api.reporting.charts import PALETTE, Frame, Series, bars, lines
from toilet_api.reporting.dashboard import map as maps
from toilet_api.reporting.dashboard.places import Place
from toilet_api.reporting.dashboard.sorting import Row
from toilet_api.reporting.dashboard.weeks import LONGEST, by_week, first_shown, monday
from toilet_api.reporting.dashboard.wording import bar, percent, whole
from toilet_api.reporting.statistics.places import Centre
from toilet_api.reporting.statistics.tallies import Tally
from toilet_api.reporting.statistics.trend import TrendDay

SVG = "{http://www.w3.org/2000/svg}"
FRAME = Frame("one", "每周", "逐周数字见表")
CHARTS = {
    "bars": bars(FRAME, ["一", "二"], [Series("登记", [3, 0]), Series("销号", [1, None])]),
    "stacked": bars(
        FRAME, ["一", "二"], [Series("登记", [3, 0]), Series("销号", [1, 2])], stacked=True, horizontal=True
    ),
    "lying": bars(Frame("one", "率", unit="%", print_values=True), ["清江乡"], [Series("率", [30.5])], horizontal=True),
    "lines": lines(FRAME, ["一", "二"], [Series("登记", [3, 0]), Series("销号", [1, 2])]),
    "nothing": bars(FRAME, [], [Series("登记", [])]),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_stands_alone(name: str) -> None:
    root = etree.fromstring(CHARTS[name])
    assert {etree.QName(one).localname for one in root.iter()} <= {
        "svg",
        "title",
        "desc",
        "g",
        "path",
        "rect",
        "text",
        "circle",
    }
    assert not [one for one in root.iter() if {"style", "href", "onclick"} & set(one.attrib)]
    assert root.get("role") == "img"
    ids = [one.get("id") for one in root.iter() if one.get("id")]
    assert root.get("aria-labelledby").split() == ids == ["one-title", "one-desc"]
    assert root[0].text


def test_each_mark_says_its_value() -> None:
    def told(name: str) -> list[str]:
        marks = etree.fromstring(CHARTS[name]).iter(f"{SVG}rect", f"{SVG}circle")
        return [one.findtext(f"{SVG}title") for one in marks if one.find(f"{SVG}title") is not None]

    assert told("bars") == ["一 登记：3", "二 登记：0", "一 销号：1"]
    assert sorted(told("lines")) == sorted(["一 登记：3", "二 登记：0", "一 销号：1", "二 销号：2"])
    assert told("lying") == ["清江乡 率：30.5%"]


def test_the_first_of_lying_bars_is_on_top_and_values_keep_their_labels() -> None:
    root = etree.fromstring(CHARTS["stacked"])
    names = {one.text: float(one.get("y")) for one in root.iter(f"{SVG}text") if one.text in ("一", "二")}
    assert names["一"] < names["二"]
    marks = {one.findtext(f"{SVG}title"): float(one.get("y")) for one in root.iter(f"{SVG}rect")}
    assert marks["一 登记：3"] < marks["二 登记：0"]


def test_lines_differ_by_more_than_colour() -> None:
    paths = [one for one in etree.fromstring(CHARTS["lines"]).iter(f"{SVG}path") if "nofill" in one.get("class", "")]
    assert len({one.get("stroke-dasharray") for one in paths}) == 2


def test_labels_and_names_are_escaped() -> None:
    made = bars(Frame("k", "<b>", "&"), ["<script>", "b"], [Series("</svg>", [1, 2])])
    assert "<script" not in made
    assert made.count("</svg>") == 1
    etree.fromstring(made)


@pytest.mark.parametrize(
    ("highest", "expected"),
    [(0, [0, 1]), (1, [0, 1]), (3, [0, 1, 2, 3]), (7, [0, 2, 4, 6, 8]), (120, [0, 50, 100, 150]), (0.4, [0, 1])],
)
def test_an_axis_has_few_round_whole_numbers(highest: float, expected: list[float]) -> None:
    assert ticks(highest) == expected


def test_the_colours_can_be_told_from_white() -> None:
    def light(color: str) -> float:
        parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for color in (*PALETTE, chart_drawing.INK, chart_drawing.SOFT):
        assert 1.05 / (light(color) + 0.05) >= 4.5, color


def test_a_share_is_never_rounded_to_all_or_nothing() -> None:
    assert [percent(one) for one in (None, 0, 1, 0.99999, 0.00001, 0.5, 0.4567)] == [
        "—", "0%", "100%", "99.9%", "0.1%", "50.0%", "45.7%",
    ]  # fmt: skip
    assert [bar(one) for one in (None, 0.5, 2)] == ["0.00%", "50.00%", "100.00%"]
    assert [whole(one) for one in (None, 1234567, 2.5)] == ["—", "1,234,567", "2.5"]


def _day(day: date, found: int, open_at_end: int) -> TrendDay:
    zero = dict.fromkeys(TrendDay.model_fields, 0)
    return TrendDay(**{**zero, "day": day, "found": found, "open_at_end": open_at_end})


def test_weeks_run_from_monday_to_sunday() -> None:
    days = [_day(date(2026, 11, 20) + timedelta(days=number), number, 10 + number) for number in range(6)]
    first, second = by_week(days)  # a Friday to a Wednesday
    assert (first.begins, first.ends, first.found, first.open_at_end) == (
        date(2026, 11, 16), date(2026, 11, 22), 0 + 1 + 2, 12,
    )  # fmt: skip
    assert (second.begins, second.found, second.open_at_end) == (date(2026, 11, 23), 3 + 4 + 5, 15)


def test_a_long_campaign_is_cut_to_its_last_weeks_and_says_so() -> None:
    today = date(2026, 11, 26)
    assert first_shown(date(2026, 11, 25), today) == (date(2026, 11, 23), False)
    assert first_shown(date(2027, 1, 1), today) == (date(2026, 11, 23), False)
    begins, is_cut = first_shown(date(2025, 1, 1), today)
    assert is_cut
    assert (monday(today) - begins).days == 7 * (LONGEST - 1)


def _row(code: str, toilets: int, live: int) -> Row:
    tally = Tally()
    tally.modes["three_compartment", "1"] = toilets
    tally.toilets["", "open"] = live
    return Row(Place(code, f"{code[-3:]}村委会"), tally.figures("households", {}))


def test_the_map_keeps_directions_distances_and_areas() -> None:
    rows = [_row("360423208201", 100, 0), _row("360423208202", 25, 25), _row("360423208203", 9, 1)]
    rows.append(_row("360423208204", 5, 0))
    centres = {
        "360423208201": Centre(115.0, 29.0, 100),
        "360423208202": Centre(115.0, 29.1, 25),
        "360423208203": Centre(115.1, 29.0, 9),
    }
    drawn = maps.draw(rows, centres)
    assert drawn is not None
    spots = {spot.row.place.code[-1]: spot for spot in drawn.spots}
    south, north, east = spots["1"], spots["2"], spots["3"]
    assert north.y < south.y
    assert east.x > south.x
    assert (east.x - south.x) / (south.y - north.y) == pytest.approx(0.8742, abs=0.002)  # cos 29.05°
    assert south.radius == pytest.approx(2 * north.radius, abs=0.2)
    assert [south.kind, north.kind, east.kind] == ["none", "many", "some"]
    assert [row.place.code[-1] for row in drawn.without_position] == ["4"]
    assert all(0 <= spot.x <= drawn.width and 0 <= spot.y <= drawn.height for spot in drawn.spots)
    kilometres = (south.y - north.y) / drawn.scale_width * drawn.scale_km
    assert kilometres == pytest.approx(11.13, abs=0.05)


def test_one_place_is_drawn_and_none_is_not() -> None:
    rows = [_row("360423208201", 3, 0)]
    drawn = maps.draw(rows, {"360423208201": Centre(115.0, 29.0, 3)}, maps.NARROW)
    assert drawn is not None
    assert drawn.spots[0].x == maps.NARROW / 2
    assert maps.draw(rows, {}) is None


def test_a_village_is_named_without_its_committee() -> None:
    names = ("石渡村委会", "柳村村委会", "观湖社区居委会", "某某村村民委员会", "村委会", "万福经济技术开发区管委会")
    short = [Place("360423208201", name).short_name for name in names]
    assert short == ["石渡村", "柳村", "观湖社区", "某某村", "村委会", "万福经济技术开发区管委会"]
