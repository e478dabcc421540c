"""Made-up households and toilets for the tests. No real person: ID numbers are composed, check character and all."""

import itertools
from typing import Any

from fastapi.testclient import TestClient

from tests.scenes import scene
from toilet_api.registry.rules import id_check_character

VILLAGE, OTHER_VILLAGE, OTHER_TOWNSHIP = "360423208202", "360423208203", "360423500001"
TOILET = {"mode": "three_compartment", "built_year": 2024, "led_by": "agriculture"}
_numbers = itertools.count(1)


def id_number(serial: int | None = None) -> str:
    """A well-formed ID number, another one each time."""
    number = next(_numbers) if serial is None else serial
    first_17 = f"360423{1940 + number // 999 % 60}0615{number % 999:03d}"
    return first_17 + id_check_character(first_17)


def body(**members: Any) -> dict[str, Any]:
    """The body of a new household; `person` members are merged."""
    person = {
        "name": "张三丰",
        "id_number": id_number(),
        "phones": ["19900001234"],
        "address": "3组12号",
        **members.pop("person", {}),
    }
    return {"division_code": VILLAGE, "person": person, "family_size": 4, **members}


@scene
def household(client: TestClient, **members: Any) -> dict[str, Any]:
    """A household, registered through the API."""
    answer = client.post("/api/v1/households", json=body(**members))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@scene
def toilet(client: TestClient, household_id: str, **members: Any) -> dict[str, Any]:
    """A toilet, added through the API."""
    answer = client.post("/api/v1/toilets", json={"household_id": household_id, **TOILET, **members})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def toilets_of(client: TestClient, household_id: str) -> dict[str, dict[str, Any]]:
    """The household's toilets by id."""
    answer = client.get(f"/api/v1/households/{household_id}/toilets")
    assert answer.status_code == 200, answer.text
    return {one["id"]: one for one in answer.json()["items"]}
