"""A map without a map service: the centres of places, drawn true to scale around their middle. Pure.

The projection is equirectangular at the middle latitude (one degree of longitude is cos(latitude) of one of latitude),
which within a county is right to a fraction of a percent. Positions are WGS 84.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, cos, log10, radians, sqrt

from toilet_api.reporting.dashboard.sorting import Row
from toilet_api.reporting.statistics.places import Centre

WIDE, NARROW = 720, 340
"""Widths that a map is drawn at: for a desk, and for a phone."""
_HIGHEST, _LOWEST = 0.72, 0.42
"""Of the width."""
_MARGIN, _SMALLEST, _LOWEST_STRIP = 44, 4, 34
_LARGEST, _CROWDED, _MANY = 0.036, 0.022, 60
"""The largest circle, as a share of the width: where there are few places, and where there are more than _MANY."""
KM_PER_DEGREE = 111.32
CLASSES = (
    ("none", "无未销号", 0.0),
    ("few", "10% 以内", 0.10),
    ("some", "10%—30%", 0.30),
    ("many", "30% 以上", 1.0),
)
"""Class of a circle -> what it means: problem toilets not yet closed, as a share of the toilets of the place."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A circle on the map, in the units of its viewBox."""

    row: Row
    x: float
    y: float
    radius: float
    kind: str
    is_named: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """A map, ready for its template."""

    width: int
    height: int
    spots: list[Spot]
    without_position: list[Row]
    scale_km: float
    scale_width: float
    sizes: list[tuple[int, float]]
    """Numbers of toilets for the legend, each with the radius that stands for it."""
    strip: int
    """The height of the strip below the map, for its ruler and sizes."""


@dataclass(frozen=True, slots=True)
class _Size:
    """How numbers become circles. Areas are in proportion to the toilets, down to a size that can still be seen."""

    most: int
    largest: float

    def radius(self, toilets: int) -> float:
        return round(max(_SMALLEST, self.largest * sqrt(toilets / self.most)) if self.most else _SMALLEST, 1)


def draw(rows: Sequence[Row], centres: Mapping[str, Centre], width: int = WIDE) -> Drawing | None:
    """None where no place has a position."""
    placed = [(row, centres[row.place.code]) for row in rows if row.place.code in centres]
    if not placed:
        return None
    west, east = min(one.longitude for _, one in placed), max(one.longitude for _, one in placed)
    south, north = min(one.latitude for _, one in placed), max(one.latitude for _, one in placed)
    narrowing = cos(radians((south + north) / 2))
    wide, high = max((east - west) * narrowing, 0.01), max(north - south, 0.01)  # 0.01 degrees: about a kilometre
    highest, lowest = round(width * _HIGHEST), round(width * _LOWEST)
    unit = min((width - 2 * _MARGIN) / wide, (highest - 2 * _MARGIN) / high)
    height = min(highest, max(lowest, ceil(high * unit + 2 * _MARGIN)))
    size = _Size(
        max(row.figures.registry.toilets for row, _ in placed), width * (_LARGEST if len(placed) <= _MANY else _CROWDED)
    )
    middle_x, middle_y = (west + east) / 2, (south + north) / 2
    spots = [
        Spot(
            row,
            round(width / 2 + (one.longitude - middle_x) * narrowing * unit, 1),
            round(height / 2 - (one.latitude - middle_y) * unit, 1),
            size.radius(row.figures.registry.toilets),
            _kind(row),
            is_named=False,
        )
        for row, one in placed
    ]
    spots.sort(key=lambda spot: -spot.radius)  # small ones on top of large ones
    kilometres = _round_number(wide * KM_PER_DEGREE / 4)
    sizes = [(number, size.radius(number)) for number in _legend_numbers(size.most)]
    return Drawing(
        width,
        height,
        _named(spots, width),
        [row for row in rows if row.place.code not in centres],
        kilometres,
        round(kilometres / KM_PER_DEGREE * unit, 1),
        sizes,
        ceil(max(20, *(2 * radius for _, radius in sizes)) + 14) if sizes else _LOWEST_STRIP,
    )


def _kind(row: Row) -> str:
    toilets = row.figures.registry.toilets
    ratio = row.live / toilets if toilets else float(row.live > 0)
    return next((kind for kind, _, highest in CLASSES if ratio <= highest), CLASSES[-1][0])


def _named(spots: list[Spot], width: int) -> list[Spot]:
    """Which names can be written without lying over another name or the middle of another spot."""
    taken: list[tuple[float, float, float, float]] = []
    named = []
    for spot in spots:
        half = len(spot.row.place.short_name) * 6.5
        box = (spot.x - half, spot.y + spot.radius, spot.x + half, spot.y + spot.radius + 16)
        fits = box[0] > 0 and box[2] < width and all(_apart(box, other) for other in taken)
        fits = fits and not any(_lies_in(other, box) for other in spots if other is not spot)
        if fits:
            taken.append(box)
        named.append(Spot(spot.row, spot.x, spot.y, spot.radius, spot.kind, fits))
    return named


def _lies_in(spot: Spot, box: tuple[float, float, float, float]) -> bool:
    return box[0] <= spot.x <= box[2] and box[1] <= spot.y <= box[3]


def _apart(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]


def _round_number(value: float) -> float:
    """1, 2 or 5 times a power of ten, just below."""
    magnitude = 10.0 ** (ceil(log10(value)) - 1) if value > 0 else 1.0
    return max((step * magnitude for step in (1, 2, 5) if step * magnitude <= value), default=magnitude)


def _legend_numbers(most: int) -> list[int]:
    if most < 4:
        return [most] if most else []
    high = int(_round_number(most))
    return sorted({max(1, high // 5), high})
