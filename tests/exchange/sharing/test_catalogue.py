"""The catalogue, and how a county sets what it shares: with If-Match, a legal basis, a history, for itself alone."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.exchange.sharing.made import OTHER_COUNTY, As, other_admin, refused, share
from tests.survey.made import API, ok
from tests.world import COUNTY
from toilet_api.kernel.database import Database
from toilet_api.settings import Settings

NAMES = ["households", "toilets", "visits", "problems", "tasks", "close_outs", "divisions"]


def catalogue(client: TestClient, **params: Any) -> dict[str, dict[str, Any]]:
    items = ok(client.get(f"{API}/datasets", params=params))["items"]
    return {one["dataset"]: one for one in items}


def test_the_catalogue_describes_each_dataset(as_: As) -> None:
    found = catalogue(as_("village_surveyor"))
    assert list(found) == NAMES
    assert {one["division_code"] for one in found.values()} == {COUNTY}
    types = {name: one["sharing_type"] for name, one in found.items()}
    assert types == {**dict.fromkeys(NAMES, "on_approval"), "divisions": "unconditional"}
    assert {(one["version"], one["update_frequency"]) for one in found.values()} == {(0, "real_time")}
    client = as_("province_client")
    assert {one["division_code"] for one in catalogue(client).values()} == {None}
    answer = client.get(f"{API}/datasets/households", params={"division": "360423208"})
    shown = ok(answer)
    assert answer.headers["etag"] == '"0"'
    assert shown["division_code"] == COUNTY
    items = {one["name"]: one for one in shown["items"]}
    assert items["id_number"] == {
        "name": "id_number",
        "title": "身份证号码",
        "type": "text",
        "code_list": None,
        "sensitivity": "sensitive",
        "personal": True,
    }
    assert (items["mode"]["type"], items["mode"]["code_list"]) == ("code", "toilet_mode")
    assert (items["subsidy"]["type"], items["updated_at"]["type"]) == ("decimal", "date_time")
    refused(client.get(f"{API}/datasets/nonsense"), 404, "not_found")
    refused(client.get(f"{API}/datasets", params={"division": "110101"}), 404, "not_found")
    refused(client.get(f"{API}/datasets", params={"division": "36"}), 422, "wrong_division_level")


def test_a_county_sets_its_own_with_a_history(as_: As, database: Database, settings: Settings) -> None:
    admin, url = as_("county_admin"), f"{API}/datasets/visits"
    refused(admin.patch(url, json={"sharing_type": "unconditional"}), 428, "match_required")
    refused(admin.patch(url, json={}, headers={"If-Match": '"1"'}), 412, "stale")
    body = {"sharing_type": "unconditional", "conditions": None, "responsible_unit": "县卫健委"}
    answer = admin.patch(url, json=body, headers={"If-Match": '"0"'})
    shown = ok(answer)
    assert answer.headers["etag"] == '"1"'
    assert {name: shown[name] for name in body} == body
    stale = refused(admin.patch(url, json={}, headers={"If-Match": '"0"'}), 412, "stale")
    assert stale["current"]["version"] == 1
    # Not shared: only on the ground of a law or policy.
    unfounded = admin.patch(url, json={"sharing_type": "not_shared"}, headers={"If-Match": '"1"'})
    fault = refused(unfounded, 422, "invalid")["errors"][0]
    assert (fault["pointer"], bool(fault["rule"])) == ("/legal_basis", True)
    ok(admin.patch(url, json={"sharing_type": "not_shared", "legal_basis": "某法第八条"}, headers={"If-Match": '"1"'}))
    refused(admin.patch(url, json={"legal_basis": None}, headers={"If-Match": '"2"'}), 422, "invalid")
    history = ok(admin.get(f"{url}/history"))["items"]
    assert [(one["action"], one["version"]) for one in history] == [
        ("dataset_share.created", 1),
        ("dataset_share.updated", 2),
    ]
    assert history[1]["before"] == {"sharing_type": "unconditional", "legal_basis": None}
    assert history[1]["actor_name"] == "county_admin"
    # It is seen in the county's villages and from above, and is nothing to the county next door.
    for reader in ("village_surveyor", "province_client"):
        assert catalogue(as_(reader), division=COUNTY)["visits"]["sharing_type"] == "not_shared"
    other = other_admin(as_, database, settings)
    assert catalogue(other)["visits"]["sharing_type"] == "on_approval"
    refused(other.patch(url, params={"division": COUNTY}, json=body, headers={"If-Match": "*"}), 404, "not_found")
    assert share(other, "visits", "unconditional")["division_code"] == OTHER_COUNTY
    assert catalogue(as_("county_admin"))["visits"]["sharing_type"] == "not_shared"


@pytest.mark.parametrize("name", ["county_reviewer", "township_manager", "province_inspector", "province_client"])
def test_nobody_else_sets_it(as_: As, name: str) -> None:
    body, params = {"sharing_type": "unconditional"}, {"division": COUNTY}
    answer = as_(name).patch(f"{API}/datasets/visits", params=params, json=body, headers={"If-Match": "*"})
    refused(answer, 403, "forbidden")
    refused(as_(name).get(f"{API}/datasets/visits/history", params=params), 403, "forbidden")
