"""Charts as SVG that stand on their own: no script, no style sheet, nothing loaded.

A page's own style sheet may override their colours by class (`.axis`, `.guide`, `.color-0`, …). Each bar and point
carries its value as a `<title>`, which browsers show without a script. Whoever shows a chart also gives its figures as
text or a table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

PALETTE = ("#c2410c", "#2563a8", "#14604f", "#7c3aed", "#a16207", "#be185d")
"""Told apart by people who don't see all colours, each at 4.5 : 1 or more on white."""


@dataclass(frozen=True, slots=True)
class Series:
    """A row of values, one for each label; None where there is none."""

    name: str
    values: Sequence[float | None]
    color: str = ""
    """Of the palette, by the order of the series, where it isn't given."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a chart is called and how large it is drawn, in the units of its viewBox (pixels at full size).

    `key` begins the ids inside the SVG: it must be a chart's own within a page. `title` names the chart to a screen
    reader, `description` says what it shows.
    """

    key: str
    title: str
    description: str = ""
    width: int = 720
    height: int = 280
    font_size: int = 13
    unit: str = ""
    """Written after each value, e.g. `%`."""
    print_values: bool = False
    """Whether the values stand in the chart; for paper, where nothing can be pointed at."""


def bars(
    frame: Frame, labels: Sequence[str], series: Sequence[Series], *, stacked: bool = False, horizontal: bool = False
) -> str:
    """A bar for each label and series: upright or lying, side by side or stacked."""
    from toilet_api.reporting import chart_drawing

    return chart_drawing.bars(frame, labels, series, stacked=stacked, horizontal=horizontal)


def lines(frame: Frame, labels: Sequence[str], series: Sequence[Series]) -> str:
    """A line for each series over the labels; they differ by dashes too, not by colour alone."""
    from toilet_api.reporting import chart_drawing

    return chart_drawing.lines(frame, labels, series)
