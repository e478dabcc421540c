"""A document as a page of its own: nothing is loaded, no script, everything that people entered is escaped."""

import base64
import hashlib
from collections.abc import Iterator
from importlib import resources
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from toilet_api.reporting import charts
from toilet_api.reporting.documents import official
from toilet_api.reporting.documents.content import Block, Chart, Document, Heading, Paragraph, Table
from toilet_api.reporting.documents.wording import Share, day, legible

_STYLE = (resources.files("toilet_api.reporting.documents") / "page.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
# No script, no image, no other host: only the page's own style, by its hash.
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_CHART_WIDTH = 620
_environment = Environment(
    loader=PackageLoader("toilet_api.reporting", "documents"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.globals.update(shown=official.shown, is_figure=official.is_figure)


def page(document: Document) -> bytes:
    """The page."""
    charts_drawn = iter(range(1, len(document.body) + 1))
    return (
        _environment.get_template("page.html")
        .render(
            document=document,
            style=Markup(_STYLE),  # noqa: S704 - the package's own file
            addressees=official.addressed_above(document),
            imprint=official.imprint_lines(document),
            title=official.title_lines(document.title),
            number=official.number_line(document),
            dated=day(document.dated),
            annexes=official.annex_list(document),
            labels=[official.annex_label(document, place) for place in range(len(document.annexes))],
            signing=official.SIGNATURES,
            render=lambda block: _block(block, charts_drawn),
            table=_table,
        )
        .encode()
    )


def _block(block: Block, numbers: Iterator[int]) -> Markup:
    if isinstance(block, Heading):
        return Markup("<h{0}>{1}</h{0}>").format(block.level + 1, block.text)
    if isinstance(block, Paragraph):
        lead = Markup('<span class="lead">{}</span>').format(block.lead) if block.lead else ""
        return Markup('<p class="text">{}{}</p>').format(lead, block.text)
    if isinstance(block, Chart):
        drawn = Markup(chart(block, f"chart-{next(numbers)}"))  # noqa: S704 - escaped by the library that draws it
        return Markup('<figure class="chart-block"><figcaption>{}</figcaption>{}</figure>').format(block.title, drawn)
    unit = Markup("<small>{}</small>").format(block.unit) if block.unit else ""
    return Markup("<figure><figcaption>{}{}</figcaption>{}</figure>").format(block.title, unit, _table(block))


def _table(table: Table) -> Markup:
    _, cells = official.heading(table.columns)
    rows = [list(group) for _, group in groupby(cells, key=lambda cell: cell.row)]
    blocks = _environment.get_template("blocks.html")
    shares = [f"{100 * share:.2f}" for share in official.widths(table)]
    return Markup(blocks.module.render_table(table, shares, rows))  # type: ignore[attr-defined]  # noqa: S704 - a macro's output


def chart(block: Chart, key: str) -> str:
    """A chart as SVG: lying bars, one line of the paper each."""
    bars = len(block.labels) * len(block.series)
    thickness = 26 if bars <= 16 else 19
    frame = charts.Frame(
        key,
        legible(block.title),
        legible(block.description),
        width=_CHART_WIDTH,
        height=70 + thickness * bars,
        font_size=13 if bars <= 16 else 11,
        unit="%" if block.in_percent else "",
        print_values=True,
    )
    series = [
        charts.Series(one.name, [_height(value) for value in one.values], official.CHART_COLORS[place % 3])
        for place, one in enumerate(block.series)
    ]
    return charts.bars(frame, [legible(one) for one in block.labels], series, horizontal=True)


def _height(value: int | Share | None) -> float | None:
    """A bar's length. A share is drawn to one decimal; what is not complete is never drawn as 100, nor some as none."""
    if not isinstance(value, Share):
        return value
    if value.value is None or value.value in (0, 1):
        return None if value.value is None else float(value.value * 100)
    return min(99.9, max(0.1, round(float(value.value) * 100, 1)))
