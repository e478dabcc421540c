"""Asking for data: who may, for what, who answers and who sees it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from tests.exchange.sharing.made import (
    FIELDS,
    OTHER_COUNTY,
    As,
    ask,
    body,
    granted,
    other_admin,
    refused,
    share,
    step,
    system,
)
from tests.survey.made import API, TOWNSHIP, ok
from tests.world import COUNTY
from toilet_api.kernel.database import Database
from toilet_api.kernel.fields import SHANGHAI, new_id
from toilet_api.settings import Settings
from toilet_api.survey.clock import this_moment

URL = f"{API}/dataset-requests"


def pointers(answer: Any) -> list[str]:
    return [one["pointer"] for one in refused(answer, 422, "invalid")["errors"]]


def test_a_system_asks_and_the_county_grants_less(as_: As) -> None:
    client, admin = as_("province_client"), as_("county_admin")
    request_id = str(new_id())
    first = ask(client, id=request_id)
    assert (first["id"], first["state"], first["client_id"]) == (request_id, "requested", "province_client")
    assert first["allowed_actions"] == ["withdraw"]
    again = client.post(URL, json=body(id=request_id))
    assert (again.status_code, again.json()["id"]) == (200, request_id)
    refused(client.post(URL, json=body(id=request_id, purpose="别的用途")), 409, "id_taken")
    seen = ok(admin.get(f"{URL}/{request_id}"))
    assert seen["allowed_actions"] == ["approve", "refuse"]
    assert pointers(step(admin, first, "approve", fields=["id", "phone"], until="2999-12-31")) == ["/fields"]
    assert pointers(step(admin, first, "approve", until="9999-12-31")) == ["/until"]
    assert pointers(step(admin, first, "approve", until="2020-01-01")) == ["/until"]
    approve, tag = f"{URL}/{request_id}/approve", {"If-Match": '"7"'}
    refused(admin.post(approve, headers=tag), 412, "stale")
    done = ok(step(admin, first, "approve", fields=["id", "mode"], until="2998-12-31", reason="同意"))
    assert (done["state"], done["decision_reason"], done["allowed_actions"]) == ("approved", "同意", [])
    grant = ok(client.get(f"{API}/dataset-grants/{done['dataset_grant_id']}"))
    assert (grant["fields"], grant["until"], grant["in_force"]) == (["id", "mode"], "2998-12-31", True)
    assert grant["allowed_actions"] == []
    for name in ("approve", "refuse"):
        refused(step(admin, first, name, reason="x"), 409, "wrong_state")
    refused(step(client, first, "withdraw"), 409, "wrong_state")


def test_a_person_asks_for_a_system_and_never_answers_himself(as_: As) -> None:
    inspector, admin = as_("province_inspector"), as_("county_admin")
    assert pointers(inspector.post(URL, json=body())) == ["/client_id"]
    assert pointers(inspector.post(URL, json=body(client_id="nobody"))) == ["/client_id"]
    assert pointers(inspector.post(URL, json=body(client_id="county_admin"))) == ["/client_id"]
    request = ask(inspector, client_id="province_client")
    assert request["requested_by_name"] != request["consumer_name"]
    # The system sees what was asked for it, and may withdraw it.
    assert ok(as_("province_client").get(f"{URL}/{request['id']}"))["allowed_actions"] == ["withdraw"]
    refused(step(admin, request, "withdraw"), 403, "dataset_not_asker")
    assert ok(step(admin, request, "refuse", reason="用途不明"))["decision_reason"] == "用途不明"
    # Whoever administers the county doesn't answer his own request.
    platform = {"client_id": "county_platform", "display_name": "县平台", "division_code": COUNTY}
    ok(admin.post(f"{API}/clients", json=platform), 201)
    own = ask(admin, client_id="county_platform")
    assert ok(admin.get(f"{URL}/{own['id']}"))["allowed_actions"] == ["withdraw"]
    for name in ("approve", "refuse"):
        refused(step(admin, own, name, reason="x"), 403, "dataset_own_request")
    assert ok(step(admin, own, "withdraw"))["state"] == "withdrawn"


def test_what_may_not_be_asked_for(as_: As, database: Database, settings: Settings) -> None:
    client, admin = as_("province_client"), as_("county_admin")
    faulty = client.post(URL, json=body(fields=["id", "salary"], until="2020-01-01"))
    assert pointers(faulty) == ["/fields/1", "/until"]
    assert pointers(client.post(URL, json=body(client_id="someone_else"))) == ["/client_id"]
    assert pointers(client.post(URL, json=body(fields=[]))) == ["/fields"]
    refused(client.post(URL, json=body(division="36")), 422, "wrong_division_level")
    refused(client.post(URL, json=body(division="360499")), 422, "unknown_division")
    refused(client.post(URL, json=body(division="110101")), 403, "out_of_scope")
    # Unconditional: nothing but what says something of a person needs a grant.
    share(admin, "households", "unconditional")
    refused(client.post(URL, json=body()), 409, "dataset_needs_no_grant")
    assert ask(client, fields=["name", "mode"])["fields"] == ["name", "mode"]
    share(admin, "households", "not_shared", legal_basis="某法第八条")
    told = refused(client.post(URL, json=body()), 403, "dataset_not_shared")
    assert told["legal_basis"] == "某法第八条"
    # One that couldn't read there even so.
    mute = system(as_, database, settings, "mute", COUNTY, scopes=["dataset.request"])
    assert pointers(mute.post(URL, json=body(dataset="toilets", fields=["mode"]))) == ["/division"]
    # What became not shared after it was asked for isn't granted any more.
    share(admin, "households", "on_approval")
    waiting = ask(client)
    share(admin, "households", "not_shared", legal_basis="某法第八条")
    refused(step(admin, waiting, "approve"), 403, "dataset_not_shared")


@pytest.mark.parametrize("name", ["county_reviewer", "township_manager", "village_surveyor", "auditor"])
def test_who_neither_asks_nor_answers(as_: As, name: str) -> None:
    request, one = ask(as_("province_client")), as_(name)
    refused(one.post(URL, json=body(client_id="province_client")), 403, "forbidden")
    for step_name in ("approve", "refuse", "withdraw"):
        refused(step(one, request, step_name, reason="x"), 403, "forbidden")
    refused(one.get(f"{URL}/{request['id']}"), 404, "not_found")
    assert ok(one.get(URL))["items"] == []


def test_only_those_concerned_see_it(as_: As, database: Database, settings: Settings) -> None:
    grant_id = granted(as_, division=TOWNSHIP)
    request = ok(as_("county_admin").get(URL))["items"][0]
    other = other_admin(as_, database, settings)
    stranger = system(as_, database, settings, "stranger", "36")
    for one in (other, stranger, as_("city_inspector"), as_("province_inspector")):
        refused(one.get(f"{URL}/{request['id']}"), 404, "not_found")
        refused(one.get(f"{API}/dataset-grants/{grant_id}"), 404, "not_found")
        assert ok(one.get(URL))["items"] == ok(one.get(f"{API}/dataset-grants"))["items"] == []
    for name in ("approve", "refuse"):
        refused(step(other, request, name, reason="x"), 404, "not_found")
    refused(other.post(f"{API}/dataset-grants/{grant_id}/revoke", json={"reason": "x"}), 404, "not_found")
    refused(step(stranger, request, "withdraw"), 404, "not_found")
    for one in (as_("county_admin"), as_("province_client")):
        assert [row["id"] for row in ok(one.get(URL, params={"division": TOWNSHIP}))["items"]] == [request["id"]]
        found = ok(one.get(f"{API}/dataset-grants", params={"client_id": "province_client", "in_force": "true"}))
        assert [row["id"] for row in found["items"]] == [grant_id]
    refused(as_("county_admin").get(URL, params={"division": OTHER_COUNTY}), 404, "not_found")


def test_an_answer_that_is_late_is_seen(as_: As, app: FastAPI) -> None:
    client, admin = as_("province_client"), as_("county_admin")
    request = ask(client)
    assert ok(admin.get(URL, params={"overdue": "true"}))["items"] == []
    due = datetime.fromisoformat(request["answer_due"]).replace(tzinfo=SHANGHAI)
    app.dependency_overrides[this_moment] = lambda: due + timedelta(hours=23)
    assert ok(admin.get(URL, params={"overdue": "true"}))["items"] == []
    app.dependency_overrides[this_moment] = lambda: due + timedelta(days=1)
    (late,) = ok(admin.get(URL, params={"overdue": "true", "sort": "answer_due"}))["items"]
    assert (late["id"], late["overdue"]) == (request["id"], True)
    ok(step(admin, request, "refuse", reason="用途不明"))
    assert ok(admin.get(URL, params={"overdue": "true"}))["items"] == []
    assert ok(client.get(f"{URL}/{request['id']}"))["overdue"] is False


def test_each_decision_is_journaled(as_: As, database: Database) -> None:
    grant_id = granted(as_)
    ok(as_("county_admin").post(f"{API}/dataset-grants/{grant_id}/revoke", json={"reason": "用途不符"}))
    refused(
        as_("county_admin").post(f"{API}/dataset-grants/{grant_id}/revoke", json={"reason": "x"}), 409, "wrong_state"
    )
    with database.transaction((COUNTY,)) as session:
        rows = session.connection().exec_driver_sql(
            "select action, actor_name, reason, after from audit_entry where subject_type ^@ 'dataset_' order by at"
        )
        entries = [tuple(row) for row in rows]
    assert [(action, who) for action, who, _, _ in entries] == [
        ("dataset_request.created", "province_client"),
        ("dataset_request.approved", "county_admin"),
        ("dataset_grant.created", "county_admin"),
        ("dataset_grant.revoked", "county_admin"),
    ]
    assert entries[0][3]["fields"] == FIELDS
    assert entries[3][2] == "用途不符"
