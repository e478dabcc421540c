"""What the tests of data sharing have in common: who asks, who grants, who reads."""

from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient
from httpx import Response

from tests.survey.made import API, ok
from tests.world import COUNTY, PASSWORD
from toilet_api.accounts.people import create_client, create_person
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.settings import Settings

As = Callable[[str], TestClient]
OTHER_COUNTY, OTHER_COUNTY_VILLAGE = "360424", "360424100002"
FIELDS = ["id", "village_code", "mode"]


def other_admin(as_: As, database: Database, settings: Settings) -> TestClient:
    """The administrator of the county next door."""
    return person(as_, database, settings, "other_admin", "county_admin", OTHER_COUNTY)


def person(as_: As, database: Database, settings: Settings, name: str, role: str, division: str) -> TestClient:
    """Somebody with one role in one division."""
    with database.transaction(EVERYWHERE) as session:
        create_person(
            session,
            settings,
            username=name,
            display_name=name,
            password=PASSWORD,
            grants=[(role, division)],
            must_change_password=False,
            check_password=False,
        )
    return as_(name)


def system(as_: As, database: Database, settings: Settings, name: str, *divisions: str, **more: Any) -> TestClient:
    """A system with these divisions."""
    with database.transaction(EVERYWHERE) as session:
        create_client(session, settings, client_id=name, display_name=name, division_codes=divisions, **more)
    return as_(name)


def body(**members: Any) -> dict[str, Any]:
    """The body of a request for data."""
    return {
        "dataset": "households",
        "division": COUNTY,
        "fields": FIELDS,
        "purpose": "全省户厕整改月调度",
        "legal_basis": "省农业农村厅三定规定",
        "until": "2999-12-31",
        **members,
    }


def ask(client: TestClient, **members: Any) -> dict[str, Any]:
    """A request that must be taken."""
    made: dict[str, Any] = ok(client.post(f"{API}/dataset-requests", json=body(**members)), 201)
    return made


def step(client: TestClient, request: dict[str, Any], name: str, **members: Any) -> Response:
    """The answer to a step of a request."""
    answer: Response = client.post(f"{API}/dataset-requests/{request['id']}/{name}", json=members or None)
    return answer


def granted(as_: As, client: TestClient | None = None, **members: Any) -> str:
    """The id of a grant that the county gave, to the province's system by default."""
    request = ask(client or as_("province_client"), **members)
    shown = ok(step(as_("county_admin"), request, "approve"))
    return str(shown["dataset_grant_id"])


def share(admin: TestClient, dataset: str, sharing_type: str, **members: Any) -> dict[str, Any]:
    """Set how the administrator's county shares a dataset."""
    url = f"{API}/datasets/{dataset}"
    sent = {"sharing_type": sharing_type, **members}
    shown: dict[str, Any] = ok(admin.patch(url, json=sent, headers={"If-Match": "*"}))
    return shown


def read(client: TestClient, dataset: str = "households", division: str | None = COUNTY, **params: Any) -> Response:
    """The answer to a pull of a dataset."""
    given = {"division": division, **params} if division else params
    answer: Response = client.get(f"{API}/datasets/{dataset}/records", params=given)
    return answer


def refused(answer: Response, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal that must be this one, with its rule and what to do next."""
    shown: dict[str, Any] = answer.json()
    assert (answer.status_code, shown["code"]) == (status, code), answer.text
    assert shown["rule"]
    assert shown["remedy"]
    return shown
