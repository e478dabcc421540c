"""Fills the furnished database with how counties share their data, requests, grants, and pulls of everywhere."""

from typing import Any
from uuid import uuid4

from fastapi.testclient import TestClient
from sqlalchemy import insert

from tests.scope.places import ANYWHERE, BELOW_CITY, COUNTIES
from tests.scope.probe import Furniture, inside
from tests.survey.made import API, ok
from toilet_api.exchange.sharing.tables import DatasetAccess
from toilet_api.kernel.database import EVERYWHERE, Database

ASKING = ("city_inspector", "county_admin", "province_client", "province_inspector")


def furnish(clients: dict[str, TestClient], furniture: Furniture, database: Database) -> None:
    """`keeper` asks for each county's own system, `second_keeper` grants; whoever may ask does so for himself too."""
    keeper, second = clients["keeper"], clients["second_keeper"]
    for place in COUNTIES:
        url, body = f"{API}/datasets/households", {"sharing_type": "unconditional"}
        ok(keeper.patch(url, params={"division": place}, json=body, headers={"If-Match": "*"}))
    for place in BELOW_CITY:
        for kind in ("data request", "own data request"):
            furniture.put(kind, place, _asked(keeper, "keeper", place))
        granted = ok(second.post(f"{API}/dataset-requests/{_asked(keeper, 'keeper', place)}/approve"))
        furniture.put("data grant", place, granted["dataset_grant_id"])
        for role in ASKING:
            if inside(role, place):
                furniture.put(f"own data request of {role}", place, _asked(clients[role], role, place))
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(insert(DatasetAccess), [_pull(place) for place in ANYWHERE])


def request(role: str, place: str) -> dict[str, Any]:
    """The body of a request by that caller: a person asks for the system of the place's county."""
    return {
        "dataset": "visits",
        "division": place,
        "fields": ["id", "state"],
        "purpose": "月调度",
        "legal_basis": "三定规定",
        "until": "2999-12-31",
        "client_id": None if role == "province_client" else f"s_active_{place[:6]}",
    }


def _asked(client: TestClient, role: str, place: str) -> str:
    made: str = ok(client.post(f"{API}/dataset-requests", json=request(role, place)), 201)["id"]
    return made


def _pull(place: str) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "pull_id": uuid4(),
        "division_code": place,
        "principal_id": uuid4(),
        "client_id": f"s_active_{place[:6]}",
        "operation": "list_households",
        "dataset": "households",
        "records": 1,
        "bytes": 100,
        "status": 200,
    }
