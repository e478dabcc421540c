"""The lists: filters, orders, formats, and bytes that are what the schema says."""

import csv
import io
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from tests.registry import made
from tests.scenes import scene
from toilet_api.registry import schemas

As = Callable[[str], TestClient]
URL = "/api/v1/households"
OLD_PIT = {"mode": "open_pit", "built_year": 2010}


@pytest.fixture
@scene
def county(as_: As) -> dict[str, str]:
    """Five households of two villages, by what is special about them."""
    manager = as_("township_manager")
    return {
        "good": made.household(manager, toilets=[made.TOILET])["id"],
        "two": made.household(manager, toilets=[OLD_PIT, {"mode": "full_sewer"}])["id"],
        "bare": made.household(manager, dwelling_state="vacant", toilets=[{"mode": "none"}])["id"],
        "none": made.household(manager)["id"],
        "other": made.household(manager, division_code=made.OTHER_VILLAGE, toilets=[{"mode": "attic_compost"}])["id"],
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"good", "two", "bare", "none", "other"}),
        ("division=360423208203", {"other"}),
        ("division=360423", {"good", "two", "bare", "none", "other"}),
        ("division=36", {"good", "two", "bare", "none", "other"}),
        ("has_toilet=false", {"bare", "none"}),
        ("has_toilet=true", {"good", "two", "other"}),
        ("mode=open_pit", {"two"}),
        ("grade=harmless", {"good", "two"}),
        ("grade=sanitary", {"other"}),
        ("built_year_from=2010&built_year_to=2023", {"two"}),
        ("built_year_from=2010&mode=full_sewer", set()),
        ("led_by=agriculture", {"good"}),
        ("dwelling_state=vacant", {"bare"}),
        ("removed=true", set()),
        ("removed=any&mode=none", {"bare"}),
        ("updated_since=2999-01-01T00:00:00Z", set()),
        ("updated_since=2020-01-01T00:00:00%2B08:00&division=360423208203", {"other"}),
    ],
)
def test_filters_of_households(as_: As, county: dict[str, str], query: str, expected: set[str]) -> None:
    answer = as_("township_manager").get(f"{URL}?{query}")
    assert answer.status_code == 200, answer.text
    assert {one["id"] for one in answer.json()["items"]} == {county[name] for name in expected}


@pytest.mark.parametrize(
    ("query", "modes"),
    [
        ("counted=true", ["three_compartment", "full_sewer", "attic_compost"]),
        ("counted=false", ["open_pit", "none"]),
        ("grade=unsanitary", ["open_pit"]),
        ("division=360423208203", ["attic_compost"]),
        ("dwelling_state=vacant", ["none"]),
        ("built_year_to=2010", ["open_pit"]),
        ("placement=indoor", []),
    ],
)
def test_filters_of_toilets(as_: As, county: dict[str, str], query: str, modes: list[str]) -> None:
    answer = as_("township_manager").get(f"/api/v1/toilets?{query}")
    assert sorted(one["mode"] for one in answer.json()["items"]) == sorted(modes)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("name=张三", 400),
        ("colour=red", 400),
        ("mode=hole", 422),
        ("division=3604232", 422),
        ("division=110101", 404),
        ("division=360423500", 404),
        ("built_year_from=abc", 422),
        ("updated_since=yesterday", 422),
        ("removed=maybe", 422),
        ("sort=name", 422),
        ("limit=0", 422),
        ("cursor=abc", 400),
    ],
)
def test_bad_queries(as_: As, query: str, status: int) -> None:
    answer = as_("township_manager").get(f"{URL}?{query}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_a_walk_sees_each_once_in_every_order(as_: As, county: dict[str, str]) -> None:
    manager = as_("township_manager")
    for order in ("division_code", "updated_at", "-updated_at"):
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = manager.get(URL, params={"limit": 2, "sort": order, **({"cursor": cursor} if cursor else {})}).json()
            seen += [one["id"] for one in page["items"]]
            cursor = page["next_cursor"]
        assert sorted(seen) == sorted(county.values())


def test_a_list_only_tells_of_the_own_scope(as_: As, county: dict[str, str]) -> None:
    assert [one["id"] for one in as_("village_surveyor_2").get(URL).json()["items"]] == [county["other"]]
    assert as_("township_manager_2").get(URL).json()["items"] == []
    assert as_("village_surveyor_2").get(f"{URL}?division=360423&count=exact").json()["count"] == 1
    assert as_("village_surveyor_2").get(f"{URL}?division={made.VILLAGE}").status_code == 404


def test_the_bytes_of_lists_are_what_the_schemas_say(as_: As) -> None:
    manager = as_("township_manager")
    position = {"longitude": 115.1, "latitude": 29.26, "system": "gcj02", "accuracy_m": 8.5}
    made.household(manager, note='引号"、逗号,', toilets=[{**made.TOILET, "position": position}, {"mode": "none"}])
    made.household(manager, person={"id_number": None, "phones": [], "address": None})
    for path, schema in ((URL, schemas.Household), ("/api/v1/toilets", schemas.Toilet)):
        items = manager.get(path).json()["items"]
        assert items
        for item in items:
            assert list(item) == list(schema.model_fields)
            assert schema.model_validate(item).model_dump(mode="json").keys() == item.keys()
            single = manager.get(f"{path}/{item['id']}").json()
            assert schema.model_validate(single) == schema.model_validate(item)
        lines = manager.get(path, headers={"Accept": "application/x-ndjson"}).text.splitlines()
        assert len(lines) == len(items)
        rows = list(csv.reader(io.StringIO(manager.get(path, headers={"Accept": "text/csv"}).text)))
        assert rows[0] == list(schema.model_fields)
        assert len(rows) == len(items) + 1
    only = manager.get(f"{URL}?fields=family_size").json()["items"][0]
    assert set(only) == {"id", "family_size"}


def test_actions_in_lists_are_those_of_the_records(as_: As, county: dict[str, str]) -> None:
    for name in ("village_surveyor", "township_manager", "county_admin", "auditor"):
        client = as_(name)
        for path in (URL, "/api/v1/toilets"):
            for item in client.get(path).json()["items"]:
                assert item["allowed_actions"] == client.get(f"{path}/{item['id']}").json()["allowed_actions"]
