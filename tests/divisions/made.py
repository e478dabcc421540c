"""What the tests of changes share: steps of the county administrator, and what they leave in the journal."""

from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import text

from toilet_api.kernel.database import EVERYWHERE, Database

API = "/api/v1/divisions"
COUNTY, TOWNSHIP, OTHER_TOWNSHIP = "360423", "360423208", "360423500"
VILLAGE, SIBLING = "360423208202", "360423208203"


def get(client: TestClient, code: str, **query: Any) -> dict[str, Any]:
    """One division."""
    answer = client.get(f"{API}/{code}", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def step(client: TestClient, code: str, name: str, **body: Any) -> dict[str, Any]:
    """A change that must succeed."""
    answer = client.post(f"{API}/{code}/{name}", json={"reason": "撤并", **body})
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


def refused(client: TestClient, code: str, name: str, **body: Any) -> tuple[int, str]:
    """Status and problem code of a change that must not succeed."""
    answer = client.post(f"{API}/{code}/{name}", json={"reason": "撤并", **body})
    return answer.status_code, answer.json()["code"]


def query(database: Database, statement: str, **parameters: Any) -> list[Any]:
    """Rows, seen from everywhere."""
    with database.transaction(EVERYWHERE) as session:
        return list(session.connection().execute(text(statement), parameters))
