"""Maps over HTTP: GeoJSON (RFC 7946) of the centres of divisions, and of toilets in a window."""

from typing import Annotated

from fastapi import Query, Response
from sqlmodel import Session, col, select

from toilet_api.kernel.database import Transaction
from toilet_api.kernel.errors import INVALID, FieldError
from toilet_api.kernel.requests import Room
from toilet_api.kernel.scope import Scope
from toilet_api.registry.tables import Toilet
from toilet_api.reporting.statistics.answers import told
from toilet_api.reporting.statistics.asking import children_of, place_of
from toilet_api.reporting.statistics.places import FINEST, Window, centres, clusters, villages_within
from toilet_api.reporting.statistics.routes import Division, StatisticsReader
from toilet_api.reporting.statistics.schemas import (
    CentreFeature,
    CentreProperties,
    Centres,
    Point,
    ToiletsFeature,
    ToiletsMap,
    ToiletsProperties,
)
from toilet_api.survey.answers import reading

router = Room(tags=["reporting"])

MOST_CELLS = 1024
MOST_TOILETS = 2000


@router.get(
    "/statistics/centres",
    operation_id="get_division_centres",
    response_model=Centres,
    summary="下级区划的中心（GeoJSON） / Centres of the divisions below, as GeoJSON",
    description=(
        "中心为区划内各户厕位置的平均；无位置的区划不列出。 / The mean position of a division's toilets (WGS 84); "
        "divisions where no toilet has a position are left out."
    ),
    responses=reading(),
)
def get_division_centres(session: Transaction, caller: StatisticsReader, division: Division = None) -> Response:
    place = place_of(session, caller, division)
    below = children_of(session, place) or dict.fromkeys(place.prefixes, "")
    found = centres(session, list(below))
    shown = Centres(
        features=[
            CentreFeature(
                id=code,
                geometry=Point(coordinates=[centre.longitude, centre.latitude]),
                properties=CentreProperties(division_code=code, name=below[code] or None, toilets=centre.toilets),
            )
            for code, centre in sorted(found.items())
        ]
    )
    return told(shown)


@router.get(
    "/statistics/map",
    operation_id="get_toilet_map",
    response_model=ToiletsMap,
    summary="窗口内的户厕（GeoJSON，聚合） / Toilets in a window, clustered, as GeoJSON",
    description=(
        f"大窗口按经纬格聚合（至多 {MOST_CELLS} 格，点为格内平均位置），小窗口逐座列出（至多 {MOST_TOILETS} 座）。"
        f" / A large window is clustered on a grid of degrees (at most {MOST_CELLS} cells, each point the mean of its "
        f"toilets); in a small one each toilet is a point (at most {MOST_TOILETS})."
    ),
    responses=reading(),
)
def get_toilet_map(
    session: Transaction,
    caller: StatisticsReader,
    bbox: Annotated[
        str,
        Query(
            title="窗口",
            description="西,南,东,北（度）；缺省为全国 / West, south, east, north (degrees); left out: the country",
            max_length=100,
            examples=["114.5,29.0,115.5,29.6"],
        ),
    ] = "73,3,136,54",
    division: Division = None,
) -> Response:
    window = _window(bbox)
    place = place_of(session, caller, division)
    zoom = next(zoom for zoom in range(FINEST + 4, -1, -1) if _cells(window, zoom) <= MOST_CELLS)
    if zoom > FINEST:
        singly = _singly(session, place.scope, window)
        if len(singly) <= MOST_TOILETS:
            return told(ToiletsMap(clustered=False, cell_degrees=None, features=singly))
    zoom = min(zoom, FINEST)
    shown = ToiletsMap(
        clustered=True,
        cell_degrees=360 / 2**zoom,
        features=[
            _feature(centre.longitude, centre.latitude, ToiletsProperties(
                toilets=centre.toilets, toilet_id=None, division_code=None, mode=None, grade=None
            ))
            for centre in clusters(session, place.scope, window, zoom)
        ],
    )  # fmt: skip
    return told(shown)


def _window(bbox: str) -> Window:
    try:
        west, south, east, north = (float(part) for part in bbox.split(","))
        good = -180 <= west < east <= 180 and -90 <= south < north <= 90
    except ValueError:
        good = False
    if not good:
        message = ("须为“西,南,东,北”的度数，西小于东，南小于北", "west,south,east,north in degrees, west < east")
        raise INVALID.problem(errors=[FieldError("/query/bbox", "bad_window", message, bbox)])
    return Window(west, south, east, north)


def _cells(window: Window, zoom: int) -> int:
    found = window.cells(zoom)
    return (found["east"] - found["west"] + 1) * (found["north"] - found["south"] + 1)


def _singly(session: Session, scope: Scope, window: Window) -> list[ToiletsFeature]:
    """Each toilet in the window, one more than is shown at most."""
    statement = (
        select(Toilet)
        .where(
            col(Toilet.division_code).in_(villages_within(session, scope, window)),
            col(Toilet.removed_at).is_(None),
            col(Toilet.longitude).between(window.west, window.east),
            col(Toilet.latitude).between(window.south, window.north),
        )
        .order_by(col(Toilet.id))
        .limit(MOST_TOILETS + 1)
    )
    return [
        _feature(
            toilet.longitude or 0.0,
            toilet.latitude or 0.0,
            ToiletsProperties(
                toilets=1,
                toilet_id=toilet.id,
                division_code=toilet.division_code,
                mode=toilet.mode,
                grade=toilet.grade,
            ),
        )
        for toilet in session.exec(statement)
    ]


def _feature(longitude: float, latitude: float, properties: ToiletsProperties) -> ToiletsFeature:
    return ToiletsFeature(geometry=Point(coordinates=[longitude, latitude]), properties=properties)
