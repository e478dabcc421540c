"""A request and a grant of the served county."""

from typing import Any

import httpx

from tests.survey.made import API, ok
from tests.world import COUNTY

CLIENT = "county_platform"


def furnish(inspector: httpx.Client, admin: httpx.Client) -> dict[str, list[str]]:
    """The ids by the name of the path parameter. The county grants what the province's inspector asked for."""
    waiting, approved = (ok(inspector.post(f"{API}/dataset-requests", json=request()), 201)["id"] for _ in range(2))
    grant = ok(admin.post(f"{API}/dataset-requests/{approved}/approve"))["dataset_grant_id"]
    return {"dataset": ["households"], "dataset_request_id": [waiting, approved], "dataset_grant_id": [grant]}


def request(**members: Any) -> dict[str, Any]:
    """The body of a request for data."""
    return {
        "dataset": "households",
        "division": COUNTY,
        "fields": ["id", "mode"],
        "purpose": "全县户厕整改月调度",
        "legal_basis": "县农业农村局三定规定",
        "until": "2999-12-31",
        "client_id": CLIENT,
        **members,
    }
