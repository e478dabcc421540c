"""GeoJSON for maps: centres of divisions, and toilets in a window, one by one or clustered."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from tests.reporting.statistics.counting import uncounted
from tests.scenes import scene
from tests.survey.made import API, OTHER_VILLAGE, VILLAGE, home, ok
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.scope import Scope
from toilet_api.reporting.statistics.places import Window, clusters

As = Callable[[str], TestClient]
AROUND = "114.9,29.2,115.2,29.4"


def position(longitude: float, latitude: float) -> dict:
    return {"longitude": longitude, "latitude": latitude, "system": "wgs84"}


@pytest.fixture
@scene
def placed(as_: As) -> list[dict]:
    """Three toilets of a village in a row, one of the next village, one without a position."""
    surveyor = as_("village_surveyor")
    made = [home(surveyor, position=position(115.0 + number / 100, 29.3)) for number in range(3)]
    home(surveyor)
    made.append(home(as_("village_surveyor_2"), OTHER_VILLAGE, position=position(115.1, 29.25)))
    return made


@pytest.mark.parametrize("folded", [False, True])
def test_centres_are_the_mean_of_positions(
    as_: As, placed: list[dict], database: Database, drain_jobs: Callable[[], None], folded: bool
) -> None:
    if folded:
        drain_jobs()
    found = ok(as_("township_manager").get(f"{API}/statistics/centres"))
    assert found["type"] == "FeatureCollection"
    centres = {one["id"]: (one["geometry"]["coordinates"], one["properties"]["toilets"]) for one in found["features"]}
    assert centres == {VILLAGE: ([115.01, 29.3], 3), OTHER_VILLAGE: ([115.1, 29.25], 1)}
    county = ok(as_("county_admin").get(f"{API}/statistics/centres"))["features"]
    assert [(one["id"], one["geometry"]["coordinates"]) for one in county] == [("360423208", [115.0325, 29.2875])]
    own = ok(as_("village_surveyor").get(f"{API}/statistics/centres"))["features"]
    assert [one["id"] for one in own] == [VILLAGE]
    assert uncounted(database) == []


@pytest.mark.parametrize("folded", [False, True])
def test_a_window_shows_what_lies_in_it(
    as_: As, placed: list[dict], drain_jobs: Callable[[], None], folded: bool
) -> None:
    if folded:
        drain_jobs()
    manager = as_("township_manager")
    small = ok(manager.get(f"{API}/statistics/map", params={"bbox": "114.995,29.295,115.015,29.305"}))
    assert small["clustered"] is False
    assert small["cell_degrees"] is None
    shown = {one["properties"]["toilet_id"] for one in small["features"]}
    assert shown == {one["toilets"][0]["id"] for one in placed[:2]}
    wide = ok(manager.get(f"{API}/statistics/map", params={"bbox": "73,18,135,54"}))
    assert wide["clustered"] is True
    assert sum(one["properties"]["toilets"] for one in wide["features"]) == 4
    assert all(one["properties"]["toilet_id"] is None for one in wide["features"])
    other = ok(as_("village_surveyor_2").get(f"{API}/statistics/map", params={"bbox": "73,18,135,54"}))
    assert [one["geometry"]["coordinates"] for one in other["features"]] == [[115.1, 29.25]]
    nothing = ok(manager.get(f"{API}/statistics/map", params={"bbox": "10,10,11,11"}))
    assert nothing["features"] == []


@pytest.mark.parametrize("folded", [False, True])
def test_every_grid_holds_all_toilets_for_every_scope(
    placed: list[dict], database: Database, drain_jobs: Callable[[], None], folded: bool
) -> None:
    if folded:
        drain_jobs()
    with database.transaction(EVERYWHERE) as session:
        for prefix, toilets in (("36", 4), ("360423", 4), ("360423208", 4), (VILLAGE, 3), (OTHER_VILLAGE, 1)):
            for zoom in range(17):
                found = clusters(session, Scope((prefix,)), Window(73, 18, 135, 54), zoom)
                assert sum(one.toilets for one in found) == toilets, (prefix, zoom)
                mean = sum(one.longitude * one.toilets for one in found) / toilets
                assert mean == pytest.approx({4: 115.0325, 3: 115.01, 1: 115.1}[toilets], abs=2e-6)


def test_a_toilet_that_moves_or_goes_takes_its_place_along(
    as_: As, placed: list[dict], database: Database, drain_jobs: Callable[[], None]
) -> None:
    drain_jobs()
    surveyor, toilet = as_("village_surveyor"), placed[0]["toilets"][0]
    patched = surveyor.patch(
        f"{API}/toilets/{toilet['id']}",
        json={"position": position(115.03, 29.33)},
        headers={"If-Match": f'"{toilet["version"]}"'},
    )
    assert patched.status_code == 200, patched.text
    ok(as_("township_manager").post(f"{API}/toilets/{placed[1]['toilets'][0]['id']}/remove", json={"reason": "误登"}))
    found = ok(as_("village_surveyor").get(f"{API}/statistics/centres"))["features"]
    assert found[0]["geometry"]["coordinates"] == [115.025, 29.315]
    assert uncounted(database) == []


def test_a_window_that_is_none_is_refused(as_: As) -> None:
    for bbox in ("", "1,2,3", "a,b,c,d", "10,10,9,11", "0,0,0,1", "-181,0,0,1", "0,0,1,91", "nan,0,1,1", "0,0,inf,1"):
        answer = as_("county_admin").get(f"{API}/statistics/map", params={"bbox": bbox})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/bbox"), bbox
