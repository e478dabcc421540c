"""Where toilets are: the centre of a division, and clusters on a grid for maps. Positions are WGS 84, degrees."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from toilet_api.kernel.scope import Scope

MILLIONTHS = 1_000_000
FINEST = 16
"""The finest grid kept: 2^16 cells around the globe, 0.0055 degrees, about 600 m."""
_KEPT = {16: 12, 14: 12, 12: 9, 10: 6, 8: 6, 6: 6}
"""Grid -> the width of the codes that it is kept for: fine grids for small places."""

# One look-up for each: the planner takes the rows of the whole globe's cell for a handful, and would read them all.
_CENTRES = text(
    """
    with part as materialized (select * from unnest(cast(:codes as text[])) as part (code))
    select code, cast(sum(n) as bigint), sum(east), sum(north)
    from (
        select code, n, east, north
        from part cross join lateral (
            select n, east, north from statistic_grid
            where zoom = 0 and x = 0 and y = 0 and division_code = code limit 1
        ) as kept
        union all
        select code, n, east, north
        from part join statistic_delta on division_code >= code and division_code < code || ':'
        where subject = 'place'
    ) as found group by code having sum(n) > 0
    """
)
_WITHIN = "x between :west and :east and y between :south and :north and division_code ^@ any(:prefixes)"
_FRESH = """(
    select division_code, cast(split_part(key, '|', 1) as int) as x, cast(split_part(key, '|', 2) as int) as y,
           n, east, north
    from statistic_delta where subject = 'place') as fresh"""
"""What isn't summed up yet, on the finest grid."""
_CLUSTERS = text(
    f"""
    select cast(sum(n) as bigint), sum(east), sum(north)
    from (
        select x >> (:kept - :zoom) as x, y >> (:kept - :zoom) as y, n, east, north
        from statistic_grid where zoom = :kept and {_WITHIN}
        union all
        select x >> ({FINEST} - :zoom), y >> ({FINEST} - :zoom), n, east, north
        from {_FRESH} where x between :fine_west and :fine_east and y between :fine_south and :fine_north
                        and division_code ^@ any(:prefixes)
    ) as found
    group by x, y having sum(n) > 0 order by x, y
    """
)
_VILLAGES_WITHIN = text(
    f"""
    select distinct division_code from statistic_grid where zoom = {FINEST} and n > 0 and {_WITHIN}
    union
    select distinct division_code from {_FRESH} where n > 0 and {_WITHIN}
    """
)


@dataclass(frozen=True, slots=True)
class Centre:
    """The mean position of toilets, and how many of them have one."""

    longitude: float
    latitude: float
    toilets: int


@dataclass(frozen=True, slots=True)
class Window:
    """A window of the map: degrees, west to east and south to north."""

    west: float
    south: float
    east: float
    north: float

    def cells(self, zoom: int) -> dict[str, int]:
        """The first and last cells of the grid that it touches."""
        width = 2**zoom
        return {
            name: min(width - 1, int((degrees + shift) / turn * width))
            for name, degrees, shift, turn in (
                ("west", self.west, 180, 360),
                ("east", self.east, 180, 360),
                ("south", self.south, 90, 180),
                ("north", self.north, 90, 180),
            )
        }


def centres(session: Session, divisions: Sequence[str]) -> dict[str, Centre]:
    """Code -> the mean position of its toilets. Divisions where none has a position are left out."""
    rows = session.connection().execute(_CENTRES, {"codes": list(divisions)})
    return {code: _centre(n, x, y) for code, n, x, y in rows}


def clusters(session: Session, scope: Scope, window: Window, zoom: int) -> list[Centre]:
    """The toilets in the cells of a grid of 2^zoom that the window touches, together in the middle of them each."""
    lowest = max((_width(prefix) for prefix in scope.prefixes), default=2)
    kept = min(grid for grid, width in _KEPT.items() if grid >= zoom and width >= min(lowest, 12))
    cells = window.cells(zoom)
    fine = {f"fine_{name}": cell for name, cell in _widened(cells, FINEST - zoom).items()}
    values = {**_widened(cells, kept - zoom), **fine, "zoom": zoom, "kept": kept, "prefixes": list(scope.prefixes)}
    return [_centre(*row) for row in session.connection().execute(_CLUSTERS, values)]


def villages_within(session: Session, scope: Scope, window: Window) -> list[str]:
    """The villages that have toilets in the cells that the window touches."""
    values = {**window.cells(FINEST), "prefixes": list(scope.prefixes)}
    return list(session.connection().execute(_VILLAGES_WITHIN, values).scalars())


def _widened(cells: dict[str, int], finer: int) -> dict[str, int]:
    """The same cells on a grid that is finer by so many halvings."""
    low = {name: cells[name] << finer for name in ("west", "south")}
    return low | {name: ((cells[name] + 1) << finer) - 1 for name in ("east", "north")}


def _width(prefix: str) -> int:
    return len(prefix) or 2


def _centre(n: int, x: Any, y: Any) -> Centre:
    return Centre(round(int(x) / n / MILLIONTHS, 6), round(int(y) / n / MILLIONTHS, 6), n)


__all__ = ["FINEST", "Centre", "Window", "centres", "clusters", "villages_within"]
