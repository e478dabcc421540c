"""How charts are drawn, by pygal. Loaded when the first chart is drawn: whoever draws none needn't have it.

Its style sheet and script are taken out again and the colours written as presentation attributes, so that a chart shows
under a strict content policy, in print and in a word processor alike.
"""

import sys
from collections.abc import Iterator, Sequence
from math import ceil, floor, log10
from typing import Any

import pygal
from pygal.etree import etree  # lxml, which python-docx brings
from pygal.style import Style

from toilet_api.reporting.charts import PALETTE, Frame, Series

# pygal leaves a finder of plug-ins among Python's own, of a protocol that Python 3.12 and pytest don't know any more.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]

INK, SOFT, GRID = "#1c2b28", "#4a5b57", "#d9e2df"
FONT = "'Noto Sans CJK SC', 'Source Han Sans SC', 'Microsoft YaHei', 'PingFang SC', sans-serif"
_DASHES = ("", "7 4", "2 3", "10 3 2 3")
_TICKS = 5
_NARROW = 1.2
"""How much wider a Chinese character is than pygal takes a letter to be (0.6 of the size), with a little air."""


def bars(
    frame: Frame, labels: Sequence[str], series: Sequence[Series], *, stacked: bool = False, horizontal: bool = False
) -> str:
    """A bar for each label and series: upright or lying, side by side or stacked."""
    kinds: dict[tuple[bool, bool], Any] = {
        (False, False): pygal.Bar,
        (True, False): pygal.StackedBar,
        (False, True): pygal.HorizontalBar,
        (True, True): pygal.HorizontalStackedBar,
    }
    heights = _sums(series) if stacked else [value or 0 for one in series for value in one.values]
    if horizontal:  # pygal begins at the bottom
        labels = labels[::-1]
        series = [Series(one.name, one.values[::-1], one.color) for one in series]
    chart = _chart(kinds[stacked, horizontal], frame, labels, series, heights, horizontal=horizontal)
    return _drawn(chart, frame, series, labels)


def lines(frame: Frame, labels: Sequence[str], series: Sequence[Series]) -> str:
    """A line for each series over the labels; they differ by dashes too, not by colour alone."""
    heights = [value or 0 for one in series for value in one.values]
    chart = _chart(pygal.Line, frame, labels, series, heights, dots_size=3)
    return _drawn(chart, frame, series, labels)


def ticks(highest: float) -> list[float]:
    """Round numbers from 0 to `highest` or just above, about five, whole ones for counts."""
    if highest <= 0:
        return [0, 1]
    rough = max(1.0, highest / _TICKS)
    magnitude = 10 ** floor(log10(rough))
    step = next(step * magnitude for step in (1, 2, 5, 10) if step * magnitude >= rough)
    return [number * step for number in range(ceil(highest / step) + 1)]


def number(value: float, unit: str = "") -> str:
    """With separators of thousands; whole where it is whole."""
    return (f"{value:,.0f}" if value == int(value) else f"{value:,.1f}") + unit


def _sums(series: Sequence[Series]) -> list[float]:
    return [sum(value or 0 for value in column) for column in zip(*(one.values for one in series), strict=True)]


def _chart(
    kind: Any,
    frame: Frame,
    labels: Sequence[str],
    series: Sequence[Series],
    heights: Sequence[float],
    *,
    horizontal: bool = False,
    **options: Any,
) -> Any:
    size = frame.font_size
    marks = ticks(max(heights, default=0))
    longest = max(map(len, labels), default=0) if horizontal else len(number(marks[-1], frame.unit))
    room = (size * _NARROW - size * 0.6) * longest if horizontal else size * 0.4
    every = 1 if horizontal else _every(labels, frame)
    chart = kind(
        js=[],
        css=[],
        width=frame.width,
        height=frame.height,
        margin=8,
        margin_left=8 + round(room),
        margin_right=size * 4 if horizontal and frame.print_values else size * 2,
        style=Style(
            font_family=FONT, label_font_size=size, major_label_font_size=size, legend_font_size=size,
            value_font_size=size - 1,
        ),
        legend_at_bottom=True,
        legend_at_bottom_columns=max(1, min(len(series), 3 if frame.width < 480 else 4)),
        show_legend=len(series) > 1,
        legend_box_size=size - 2,
        truncate_legend=-1,
        truncate_label=-1,
        print_values=frame.print_values,
        print_values_position="center" if "Stacked" in kind.__name__ else "top",
        print_zeroes="Stacked" not in kind.__name__,
        range=(0, marks[-1]),
        y_labels=marks,
        x_labels_major_every=every,
        show_minor_x_labels=every == 1,
        value_formatter=lambda value: number(value, frame.unit),
        no_data_text="暂无数据",
        **options,
    )  # fmt: skip
    chart.x_labels = list(labels)
    for one in series:
        chart.add(one.name, list(one.values))
    return chart


def _every(labels: Sequence[str], frame: Frame) -> int:
    """Which labels are written, so that none lies over the next."""
    widest = max((sum(2 if ord(letter) > 0x2E80 else 1.2 for letter in one) for one in labels), default=1)
    fitting = max(1, int((frame.width - 60) / (widest * frame.font_size * 0.5 + 10)))
    return max(1, ceil(len(labels) / fitting))


def _drawn(chart: Any, frame: Frame, series: Sequence[Series], labels: Sequence[str]) -> str:
    root = chart.render_tree()
    for node in [*root.iter(etree.Comment), *root.findall("{*}defs"), *root.findall("{*}title"), *_surplus(root)]:
        node.getparent().remove(node)
    _tell_values(root, series)
    colors = [one.color or PALETTE[index % len(PALETTE)] for index, one in enumerate(series)]
    for node in root.iter():
        for name, value in _looks(node, colors).items():
            node.set(name, value)
    for node in root.iter("{*}rect", "{*}path"):
        node.attrib.pop("rx", None)
        node.attrib.pop("ry", None)
    _name(root, frame, labels)
    etree.cleanup_namespaces(root)
    return str(etree.tostring(root, encoding="unicode"))


def _surplus(root: Any) -> Iterator[Any]:
    """What only the script or the mouse would use, and the grounds, which the page gives."""
    for node in root.iter():
        names = _classes(node)
        is_ground = "background" in names and _tag(node) == "rect"
        is_told = _tag(node) == "title" and "guides" in _classes(node.getparent())
        if is_ground or is_told or "tooltip-overlay" in names:
            yield node


def _tell_values(root: Any, series: Sequence[Series]) -> None:
    """Each mark's value as its title, in place of the descriptions that the script would have read."""
    for index, one in enumerate(series):
        for group in root.iter("{*}g"):
            if f"serie-{index}" not in _classes(group):
                continue
            for mark in [node for node in group.iter() if "tooltip-trigger" in _classes(node)]:
                notes = {_classes(note)[0]: note for note in mark.getparent().findall("{*}desc") if _classes(note)}
                if "value" not in notes:
                    continue
                label = notes["x_label"].text if "x_label" in notes else ""
                title = etree.SubElement(mark, f"{{{root.nsmap[None]}}}title")
                title.text = " ".join(filter(None, (label, f"{one.name}：{notes['value'].text}")))
    for note in list(root.iter("{*}desc")):
        note.getparent().remove(note)


def _looks(node: Any, colors: Sequence[str]) -> dict[str, str]:
    """What pygal's style sheet would have said of a node."""
    names, tag = _classes(node), _tag(node)
    if tag == "text":
        return _text_looks(node)
    index = _index_of(node)
    if index is not None and "series" in names:
        return {"fill": colors[index], "stroke": colors[index]}
    if "legend" in names and tag == "g":
        return {"stroke": "none"}
    if tag == "rect" and index is not None:
        return {"fill": colors[index], "stroke": "none"}
    if "nofill" in names:
        dashes = _DASHES[(_index_of(node.getparent()) or 0) % len(_DASHES)]
        return {"fill": "none", "stroke-width": "2.5", **({"stroke-dasharray": dashes} if dashes else {})}
    if "rect" in names:
        return {"stroke": "none"}
    if "line" in names:
        return _guide_looks(node)
    return {}


def _guide_looks(node: Any) -> dict[str, str]:
    axis = node.getparent() if "axis" in _classes(node.getparent()) else node.getparent().getparent()
    is_guide = "guide" in _classes(node)
    if is_guide and "always_show" not in _classes(axis):
        return {"stroke": "none"}
    return {"fill": "none", "stroke": GRID if is_guide else SOFT}


def _text_looks(node: Any) -> dict[str, str]:
    above = [node.getparent(), node.getparent().getparent()]
    around = [name for one in above if one is not None for name in _classes(one)]
    looks = {"stroke": "none", "fill": SOFT if "axis" in around else INK}
    if "axis" in around:
        looks["text-anchor"] = "end" if "y" in around else "middle"
    if "no_data" in _classes(node):
        looks["text-anchor"] = "middle"
    if "value" in _classes(node):
        graph = next((names for names in map(_classes, node.iterancestors()) if "graph" in names), [])
        is_stacked, is_lying = any("stacked" in name for name in graph), "horizontal" in graph
        looks["text-anchor"] = "start" if is_lying and not is_stacked else "middle"
        looks["fill"] = "#fff" if is_stacked else INK
        if is_lying and not is_stacked:
            looks["dx"] = "6"
    return looks


def _index_of(node: Any) -> int | None:
    found = [name for name in _classes(node) if name.startswith("color-")]
    return int(found[0].removeprefix("color-")) if found else None


def _name(root: Any, frame: Frame, labels: Sequence[str]) -> None:
    space = root.nsmap[None]
    title, description = etree.Element(f"{{{space}}}title"), etree.Element(f"{{{space}}}desc")
    title.set("id", f"{frame.key}-title")
    description.set("id", f"{frame.key}-desc")
    title.text = frame.title
    between = f"{labels[0]} 至 {labels[-1]}" if len(labels) > 1 else "".join(labels)
    description.text = frame.description or between
    root.insert(0, title)
    root.insert(1, description)
    for node in root.iter():
        if node is not title and node is not description:
            node.attrib.pop("id", None)
    root.set("class", "chart")
    root.set("font-family", FONT)
    root.set("font-size", str(frame.font_size))
    root.set("role", "img")
    root.set("aria-labelledby", f"{frame.key}-title {frame.key}-desc")


def _classes(node: Any) -> list[str]:
    return str(node.get("class", "")).split() if node is not None and isinstance(node.tag, str) else []


def _tag(node: Any) -> str:
    return str(etree.QName(node).localname) if isinstance(node.tag, str) else ""
