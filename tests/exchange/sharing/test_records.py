"""Reading shared data: the fields and the division that were granted, and not a cell more."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.exchange.exporting import ask as ask_export
from tests.exchange.exporting import content, objects, shown
from tests.exchange.sharing.made import (
    FIELDS,
    OTHER_COUNTY,
    OTHER_COUNTY_VILLAGE,
    As,
    ask,
    granted,
    other_admin,
    read,
    refused,
    share,
    step,
)
from tests.rectification.test_close_out import accepted, close, consent
from tests.registry import made as registry
from tests.survey import made as survey
from tests.survey.made import API, TOWNSHIP, VILLAGE, ok
from tests.world import COUNTY
from toilet_api.exchange.sharing.datasets import CATALOGUE
from toilet_api.kernel.database import Database
from toilet_api.kernel.fields import now
from toilet_api.settings import Settings
from toilet_api.survey.clock import this_moment


def home(client: TestClient, **members: Any) -> str:
    """The id of a household with a toilet."""
    return str(registry.household(client, toilets=[registry.TOILET], **members)["id"])


def ids(answer: Any) -> set[str]:
    return {one["id"] for one in ok(answer)["items"]}


def test_a_grant_gives_its_fields_in_its_county_alone(as_: As, database: Database, settings: Settings) -> None:
    client, admin = as_("province_client"), as_("county_admin")
    mine = {home(admin), home(admin)}
    other = other_admin(as_, database, settings)
    theirs = home(other, division_code=OTHER_COUNTY_VILLAGE)
    told = refused(read(client), 403, "dataset_not_granted")
    assert (told["granted_divisions"], "dataset-requests" in told["remedy"]) == ([], True)
    grant = granted(as_)
    answer = read(client)
    assert ids(answer) == mine
    assert all(list(row) == FIELDS for row in answer.json()["items"])
    assert ids(read(client, division=VILLAGE)) == mine
    # Fewer fields may be asked for, never others.
    assert [list(row) for row in ok(read(client, fields="mode"))["items"]] == [["id", "mode"]] * 2
    denied = refused(read(client, fields="mode,name,phone"), 403, "dataset_field_not_granted")
    assert (denied["fields"], denied["expected"]) == (["name", "phone"], FIELDS)
    refused(read(client, fields="salary"), 422, "invalid")
    # Another county, another dataset, another system: nothing.
    refused(read(client, division=OTHER_COUNTY), 403, "dataset_not_granted")
    refused(read(client, "visits"), 403, "dataset_not_granted")
    refused(read(other, division=COUNTY), 404, "not_found")
    refused(read(client, division="110101"), 404, "not_found")
    refused(read(client, division="36"), 422, "wrong_division_level")
    refused(read(client, division=None), 422, "invalid")
    refused(read(client, "nonsense"), 404, "not_found")
    assert ids(read(other, division=None)) == {theirs}
    # Taken back, it is worth nothing at once, and nothing keeps the county from granting anew.
    ok(admin.post(f"{API}/dataset-grants/{grant}/revoke", json={"reason": "用途不符"}))
    gone = refused(read(client), 403, "dataset_grant_revoked")
    assert (gone["grant_id"], gone["reason"]) == (grant, "用途不符")
    granted(as_, fields=["mode"])
    assert [list(row) for row in ok(read(client))["items"]] == [["mode"]] * 2


def test_grants_add_up_and_end_on_their_day(as_: As, app: FastAPI) -> None:
    client, admin = as_("province_client"), as_("county_admin")
    home(admin)
    today = now().date()
    granted(as_, fields=["mode"], division=TOWNSHIP, until=(today + timedelta(days=9)).isoformat())
    granted(as_, fields=["id_number"], division=VILLAGE, until=today.isoformat())
    (row,) = ok(read(client, division=VILLAGE))["items"]
    assert row == {"id_number": row["id_number"], "mode": "three_compartment"}
    assert row["id_number"].startswith("360")
    assert "*" in row["id_number"]
    assert [list(one) for one in ok(read(client, division=TOWNSHIP))["items"]] == [["mode"]]
    wider = refused(read(client), 403, "dataset_not_granted")
    assert wider["granted_divisions"] == [TOWNSHIP, VILLAGE]
    app.dependency_overrides[this_moment] = lambda: now() + timedelta(days=1)
    assert [list(one) for one in ok(read(client, division=VILLAGE))["items"]] == [["mode"]]
    app.dependency_overrides[this_moment] = lambda: now() + timedelta(days=10)
    over = refused(read(client, division=TOWNSHIP), 403, "dataset_grant_expired")
    assert over["until"] == (today + timedelta(days=9)).isoformat()


def test_unconditional_is_everything_but_persons(as_: As) -> None:
    client, admin = as_("province_client"), as_("county_admin")
    home(admin)
    share(admin, "households", "unconditional")
    (row,) = ok(read(client))["items"]
    assert set(row) == CATALOGUE["households"].general
    assert set(row).isdisjoint({"name", "id_number", "phone", "address", "note", "toilet_note"})
    refused(read(client, fields="name"), 403, "dataset_field_not_granted")
    granted(as_, fields=["name"])
    assert [one["name"] for one in ok(read(client))["items"]] == ["张**"]
    # Divisions are unconditional by default, for people too; a person has no grants.
    manager = as_("township_manager")
    assert {one["code"] for one in ok(read(manager, "divisions", division=None))["items"]} >= {TOWNSHIP, VILLAGE}
    refused(read(manager, "toilets", division=None), 403, "dataset_not_granted")
    share(admin, "households", "not_shared", legal_basis="某法第八条")
    assert refused(read(client), 403, "dataset_not_shared")["legal_basis"] == "某法第八条"
    assert len(ok(read(admin))["items"]) == 1, "the county's own stays its own"


def test_a_system_without_the_scope_reads_nothing(as_: As) -> None:
    granted(as_)
    admin = as_("province_inspector")
    found = ok(admin.get(f"{API}/clients", params={"text": "province_client"}))["items"][0]
    scopes = [one for one in found["scopes"] if one != "dataset.read"]
    ok(admin.patch(f"{API}/clients/{found['id']}", json={"scopes": scopes}, headers={"If-Match": "*"}))
    refused(read(as_("province_client")), 403, "forbidden")


def test_pages_walk_through_all_in_three_formats(as_: As) -> None:
    client, admin = as_("province_client"), as_("county_admin")
    two = registry.household(admin, toilets=[registry.TOILET])
    registry.toilet(admin, two["id"], mode="double_urn")
    registry.household(admin, toilets=[])
    registry.household(admin, division_code=registry.OTHER_TOWNSHIP, toilets=[registry.TOILET])
    granted(as_, fields=["id", "toilet_id", "mode", "subsidy"])
    whole = ok(read(client, count="exact"))
    assert whole["count"] == len(whole["items"]) == 4
    seen: list[Any] = []
    cursor = None
    while cursor or not seen:
        page = ok(read(client, limit=1, **({"cursor": cursor} if cursor else {})))
        seen += page["items"]
        cursor = page["next_cursor"]
    assert seen == whole["items"]
    first = ok(read(client, limit=1))["next_cursor"]
    refused(read(client, division=TOWNSHIP, cursor=first), 400, "bad_cursor")
    refused(read(admin, cursor=first), 400, "bad_cursor")
    url, params = f"{API}/datasets/households/records", {"division": COUNTY}
    lines = client.get(url, params=params, headers={"Accept": "application/x-ndjson"})
    assert [json.loads(line) for line in lines.text.splitlines()] == whole["items"]
    table = client.get(url, params=params, headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
    assert [row["mode"] for row in rows] == [one["mode"] or "" for one in whole["items"]]
    again = client.get(url, params=params, headers={"If-None-Match": lines.headers["etag"]})
    assert again.status_code == 200, "another format has another tag"
    later = (now() + timedelta(minutes=1)).isoformat()
    assert ok(read(client, updated_since=later))["items"] == []
    refused(read(admin, "close_outs", updated_since=later), 422, "invalid")


@pytest.fixture
def filled(as_: As, database: Database) -> None:
    """Something in each dataset."""
    survey.campaign(as_("county_admin"), verification_levels=[])
    surveyor = as_("village_surveyor")
    one = accepted(surveyor, database)
    ok(close(as_("township_manager"), one, **consent(surveyor)))
    survey.submitted(surveyor, "tank_cracked", findings=[{"problem_type": "tank_cracked", "note": "第二池"}])


@pytest.mark.usefixtures("filled")
def test_a_dataset_says_what_the_lists_and_exports_say(as_: As, drain_jobs: Any) -> None:
    admin = as_("county_admin")
    jobs = {name: ask_export(admin, name, "ndjson") for name in CATALOGUE if name not in ("toilets", "tasks")}
    drain_jobs()
    for name, dataset in CATALOGUE.items():
        rows = ok(read(admin, name, limit=1000))["items"]
        assert rows, name
        assert all(list(row) == list(dataset.items) for row in rows), name
        if name in ("toilets", "tasks"):
            listed = {one["id"]: one for one in ok(admin.get(f"{API}/{name}"))["items"]}
            same = [one for one in rows[0] if one in listed[rows[0]["id"]]]
            assert len(same) > 8
            for row in rows:
                assert {one: row[one] for one in same} == {one: listed[row["id"]][one] for one in same}, name
        else:
            job = shown(admin, jobs[name])
            assert rows == objects(content(admin, job)), name
    refused(read(as_("province_client"), "tasks"), 403, "dataset_not_granted")
    request = ask(as_("province_client"), dataset="tasks", fields=["id", "state", "responsible_person"])
    ok(step(admin, request, "approve"))
    rows = ok(read(as_("province_client"), "tasks"))["items"]
    assert {tuple(one) for one in rows} == {("id", "state", "responsible_person")}
