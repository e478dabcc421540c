"""A system that was made before there was data sharing: its manager gives it the scopes, as docs/sharing.md says."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from tests.exchange.sharing import made
from tests.survey.made import API, ok
from toilet_api.kernel.database import Database
from toilet_api.settings import Settings

As = Callable[[str], TestClient]
OLD = ["household.read", "problem.read"]


@pytest.mark.parametrize(("manager", "place"), [("county_admin", "360423"), ("province_inspector", "36")])
def test_its_manager_adds_the_scopes_and_its_next_request_has_them(
    as_: As, database: Database, settings: Settings, manager: str, place: str
) -> None:
    system = made.system(as_, database, settings, "older_platform", place, scopes=OLD)
    made.refused(made.read(system), 403, "forbidden")
    clients = as_(manager)
    (found,) = [one for one in ok(clients.get(f"{API}/clients"))["items"] if "dataset.read" not in one["scopes"]]
    assert (found["client_id"], found["scopes"]) == ("older_platform", OLD)
    url, tag = f"{API}/clients/{found['id']}", {"If-Match": f'"{found["version"]}"'}
    whole = [*found["scopes"], "dataset.read", "dataset.request"]
    assert set(ok(clients.patch(url, json={"scopes": whole}, headers=tag))["scopes"]) == set(whole)
    made.refused(made.read(system), 403, "dataset_not_granted")
    asked = made.ask(system)
    ok(made.step(as_("county_admin"), asked, "approve"))
    assert made.read(system).status_code == 200
    assert system.get(f"{API}/visits").status_code == 403, "nothing else has been opened"
