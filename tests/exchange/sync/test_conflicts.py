"""Two people change one record: what doesn't touch is merged, what does is kept for a decision, nothing is lost."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.accounts.logins import at_once
from tests.exchange.sync.phone import Phone, history, item, new_household, new_visit, record
from tests.registry import made as registry
from tests.survey import made
from tests.survey.made import API, OTHER_VILLAGE, ok

As = Callable[[str], TestClient]
Json = dict[str, Any]


@pytest.fixture
def surveyor(as_: As) -> TestClient:
    made.campaign(as_("county_admin"))
    return as_("village_surveyor")


@pytest.fixture
def manager(as_: As) -> TestClient:
    return as_("township_manager")


@pytest.fixture
def phone(surveyor: TestClient) -> Phone:
    return Phone(surveyor)


def patched(client: TestClient, kind: str, record_id: str, **changes: Any) -> Json:
    """The record after somebody else's change by the single route."""
    tag = f'"{record(client, kind, record_id)["version"]}"'
    return ok(client.patch(f"{API}/{kind}s/{record_id}", json=changes, headers={"If-Match": tag}))  # type: ignore[no-any-return]


def kept(client: TestClient, **params: str) -> list[Json]:
    """What is kept for a decision."""
    found: list[Json] = ok(client.get(f"{API}/sync-conflicts", params=params))["items"]
    return found


def test_other_fields_are_merged(phone: Phone, manager: TestClient) -> None:
    home = made.home(phone.client)
    patched(manager, "household", home["id"], note="已核", person={"address": "4组1号"})
    change = item("household", "update", home["id"], {"family_size": 6, "person": {"phones": ["19900009999"]}}, base=1)
    (merged,) = phone.send(change)
    assert (merged["state"], merged["version"], merged["fields"]) == ("merged", 3, [])
    shown = record(manager, "household", home["id"])
    assert (shown["family_size"], shown["note"], shown["phone_masked"]) == (6, "已核", "199****9999")
    assert merged["server"] == shown | {"allowed_actions": merged["server"]["allowed_actions"]}
    assert kept(manager) == []


def test_the_same_field_with_another_value_is_a_conflict(phone: Phone, manager: TestClient) -> None:
    home = made.home(phone.client)
    patched(manager, "household", home["id"], family_size=2, note="已核")
    changes = {"family_size": 6, "dwelling_state": "vacant", "note": "已核"}
    (clash,) = phone.send(item("household", "update", home["id"], changes, base=1))
    # The same note on both sides is no conflict; nothing of the item is applied.
    assert (clash["state"], clash["version"], clash["fields"]) == ("conflict", 2, ["family_size"])
    assert clash["server"]["family_size"] == 2
    assert record(manager, "household", home["id"])["dwelling_state"] == "occupied"
    (row,) = kept(manager, kind="conflict", state="open")
    assert (row["id"], row["fields"], row["server_version"]) == (clash["conflict_id"], ["family_size"], 2)
    assert row["allowed_actions"] == ["resolve"]


def test_the_same_value_on_both_sides_is_none(phone: Phone, manager: TestClient) -> None:
    home = made.home(phone.client)
    patched(manager, "household", home["id"], family_size=6)
    (same,) = phone.send(item("household", "update", home["id"], {"family_size": 6}, base=1))
    assert (same["state"], same["version"]) == ("merged", 2)
    assert len(history(manager, "household", home["id"])) == 2


def test_personal_data_in_conflict_is_sealed_and_shown_masked(phone: Phone, manager: TestClient, database: Any) -> None:
    home = made.home(phone.client)
    patched(manager, "household", home["id"], person={"name": "李四光"})
    (clash,) = phone.send(item("household", "update", home["id"], {"person": {"name": "王五岳"}}, base=1))
    assert (clash["state"], clash["fields"]) == ("conflict", ["person.name"])
    shown = ok(manager.get(f"{API}/sync-conflicts/{clash['conflict_id']}"))
    assert shown["client"] == {"person": {"name": "王**"}}
    assert shown["server"]["name_masked"] == "李**"
    with database.transaction(("",)) as session:
        rows = session.connection().exec_driver_sql(
            "select encode(sealed, 'escape'), (select string_agg(result::text, '') from sync_item),"
            " (select string_agg(coalesce(after::text, ''), '') from audit_entry) from sync_conflict"
        )
        assert "王五岳" not in str(rows.all())


def test_a_phone_is_not_in_conflict_with_itself(phone: Phone, surveyor: TestClient) -> None:
    home = new_household()
    phone.send(home)
    record_id = home["record_id"]
    sent = [item("household", "update", record_id, {"family_size": size}, base=1) for size in (5, 6)]
    assert phone.states(*sent[:1]) == ["applied"]
    assert phone.states(*sent[1:]) == ["applied"]
    # Another phone of the same person that still has the first version is.
    (clash,) = Phone(surveyor).send(item("household", "update", record_id, {"family_size": 7}, base=1))
    assert (clash["state"], clash["fields"]) == ("conflict", ["family_size"])
    (unbased,) = Phone(surveyor).send(item("household", "update", record_id, {"family_size": 7}))
    assert (unbased["state"], unbased["problem"]["code"]) == ("rejected", "match_required")
    (ahead,) = phone.send(item("household", "update", record_id, {"family_size": 7}, base=9))
    assert (ahead["state"], ahead["problem"]["code"]) == ("rejected", "sync_version_ahead")


def test_toilets_merge_and_clash_by_field(phone: Phone, manager: TestClient) -> None:
    toilet = made.home(phone.client)["toilets"][0]["id"]
    here = {"longitude": 115.1, "latitude": 29.26, "system": "wgs84"}
    patched(manager, "toilet", toilet, position=here, chambers=3)
    (merged,) = phone.send(item("toilet", "update", toilet, {"volume_litres": 1500}, base=1))
    assert (merged["state"], merged["server"]["chambers"]) == ("merged", 3)
    (clash,) = phone.send(
        item("toilet", "update", toilet, {"position": {**here, "latitude": 29.3}, "chambers": 3}, base=1)
    )
    assert (clash["state"], clash["fields"]) == ("conflict", ["position"])


def test_visits_of_one_surveyor_on_two_phones(phone: Phone, surveyor: TestClient) -> None:
    draft = made.visit(surveyor)
    patched(surveyor, "visit", draft["id"], note="上午", findings=[{"problem_type": "blocked"}], usability="not_usable")
    (merged,) = phone.send(item("visit", "update", draft["id"], {"checked_against": ["rebuild_ledger"]}, base=1))
    assert (merged["state"], merged["version"], merged["server"]["note"]) == ("merged", 3, "上午")
    (clash,) = phone.send(item("visit", "update", draft["id"], {"note": "下午", "findings": []}, base=1))
    assert (clash["state"], clash["fields"]) == ("conflict", ["findings", "note"])
    (unseen,) = Phone(surveyor).send(item("visit", "submit", draft["id"], base=1))
    assert (unseen["state"], unseen["server"]["state"]) == ("conflict", "draft")
    assert phone.states(item("visit", "submit", draft["id"], base=3)) == ["applied"]


def test_a_removal_of_what_somebody_changed_is_a_conflict(as_: As, phone: Phone, manager: TestClient) -> None:
    home = made.home(phone.client)
    patched(phone.client, "household", home["id"], note="已核")
    (clash,) = Phone(manager).send(item("household", "remove", home["id"], {"reason": "重复"}, base=1))
    assert (clash["state"], clash["fields"]) == ("conflict", ["note"])
    path = f"{API}/sync-conflicts/{clash['conflict_id']}"
    done = ok(manager.post(f"{path}/resolve", json={"decision": "take_client"}))
    assert (done["state"], done["decision"]) == ("resolved", "take_client")
    assert record(manager, "household", home["id"])["removed_reason"] == "重复"


def test_who_decides_takes_one_side_or_writes_something_else(phone: Phone, manager: TestClient) -> None:
    homes = [made.home(phone.client)["id"] for _ in range(3)]
    for home in homes:
        patched(manager, "household", home, family_size=2)
    sent = [item("household", "update", home, {"family_size": 6, "note": "手机"}, base=1) for home in homes]
    ids = [one["conflict_id"] for one in phone.send(*sent)]
    decisions: list[Json] = [
        {"decision": "keep_server", "note": "已电话核实"},
        {"decision": "take_client"},
        {"decision": "set_values", "values": {"family_size": 4}},
    ]
    for conflict, decision in zip(ids, decisions, strict=True):
        ok(manager.post(f"{API}/sync-conflicts/{conflict}/resolve", json=decision))
    shown = [record(manager, "household", home) for home in homes]
    assert [(one["family_size"], one["note"], one["version"]) for one in shown] == [
        (2, None, 2),
        (6, "手机", 3),
        (4, None, 3),
    ]
    assert kept(manager, state="open") == []
    assert history(manager, "household", homes[1])[-1]["actor_name"] == "township_manager"
    again = manager.post(f"{API}/sync-conflicts/{ids[0]}/resolve", json=decisions[0])
    assert (again.status_code, again.json()["code"]) == (409, "sync_conflict_resolved")


def test_a_decision_about_what_has_moved_on_meets_the_record_of_now(phone: Phone, manager: TestClient) -> None:
    home = made.home(phone.client)["id"]
    patched(manager, "household", home, family_size=2)
    (clash,) = phone.send(item("household", "update", home, {"family_size": 6}, base=1))
    patched(manager, "household", home, family_size=3)
    path = f"{API}/sync-conflicts/{clash['conflict_id']}/resolve"
    stale = manager.post(path, json={"decision": "take_client"})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert stale.json()["current"]["family_size"] == 3
    old = manager.post(path, json={"decision": "take_client"}, headers={"If-Match": '"2"'})
    assert old.status_code == 412
    for offered in ('"2"', ".Gs"):  # of whoever keeps it, too, if he says what he has seen
        unseen = manager.post(path, json={"decision": "keep_server"}, headers={"If-Match": offered})
        assert (unseen.status_code, unseen.json()["current"]["version"]) == (412, 3)
        assert unseen.headers["etag"] == '"3"'
    ok(manager.post(path, json={"decision": "take_client"}, headers={"If-Match": '"3"'}))
    assert record(manager, "household", home)["family_size"] == 6


def test_of_two_deciders_at_once_one_wins(as_: As, phone: Phone, manager: TestClient) -> None:
    home = made.home(phone.client)["id"]
    patched(manager, "household", home, family_size=2)
    (clash,) = phone.send(item("household", "update", home, {"family_size": 6}, base=1))
    clients = [manager, as_("county_admin")]
    path = f"{API}/sync-conflicts/{clash['conflict_id']}/resolve"
    answers = at_once(4, lambda index: clients[index % 2].post(path, json={"decision": "take_client"}))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    assert record(manager, "household", home)["version"] == 3


def test_a_rejected_item_is_kept_and_can_be_mended(phone: Phone, manager: TestClient) -> None:
    number = registry.id_number()
    first, second = (new_household(person={"id_number": number}) for _ in range(2))
    done, refused = phone.send(first, second)
    assert (done["state"], refused["problem"]["code"]) == ("applied", "duplicate_id_number")
    (row,) = kept(manager, kind="rejected")
    assert (row["problem_code"], row["record_id"], row["household_id"]) == (
        "duplicate_id_number",
        second["record_id"],
        None,
    )
    shown = ok(manager.get(f"{API}/sync-conflicts/{row['id']}"))
    assert (shown["client"]["person"]["id_number"][6:14], shown["server"]) == ("********", None)
    path = f"{API}/sync-conflicts/{row['id']}/resolve"
    assert manager.post(path, json={"decision": "take_client"}).json()["code"] == "duplicate_id_number"
    bad = manager.post(path, json={"decision": "set_values", "values": {"family_size": -1}})
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid")
    assert "/values/family_size" in [one["pointer"] for one in bad.json()["errors"]]
    assert all(one["pointer"].startswith("/values/") for one in bad.json()["errors"])
    assert manager.post(path, json={"decision": "set_values"}).status_code == 422
    ok(manager.post(path, json={"decision": "set_values", "values": registry.body()}))
    assert record(manager, "household", second["record_id"])["version"] == 1


def test_what_was_rejected_for_its_form_shows_nothing_that_may_be_personal(phone: Phone, manager: TestClient) -> None:
    body = registry.body()
    odd = item(
        "household",
        "create",
        new_household()["record_id"],
        {**body["person"], "household_note": "张三丰", "note": "张三丰"},
    )
    (refused,) = phone.send(odd)
    assert "张三丰" not in str(refused)
    shown = ok(manager.get(f"{API}/sync-conflicts/{refused['conflict_id']}"))
    assert shown["client"] == {**dict.fromkeys([*body["person"], "household_note"], "***"), "note": "张三丰"}


def test_nobody_surveys_for_another(phone: Phone, manager: TestClient) -> None:
    home = made.home(phone.client)
    visit = new_visit(home["id"], home["toilets"][0]["id"], presence="away")
    (refused,) = phone.send(visit)
    assert refused["problem"]["code"] == "invalid"
    path = f"{API}/sync-conflicts/{refused['conflict_id']}/resolve"
    answer = manager.post(path, json={"decision": "set_values", "values": visit["changes"] | {"method": "look"}})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_surveyor")
    ok(manager.post(path, json={"decision": "keep_server"}))


def test_conflicts_are_for_whoever_leads_the_place(as_: As, phone: Phone, manager: TestClient) -> None:
    home = made.home(phone.client)["id"]
    patched(manager, "household", home, family_size=2)
    (clash,) = phone.send(item("household", "update", home, {"family_size": 6}, base=1))
    (elsewhere,) = phone.send(new_household(division_code=OTHER_VILLAGE))
    assert {one["id"] for one in kept(as_("county_admin"))} == {clash["conflict_id"], elsewhere["conflict_id"]}
    # What the sender may not put there is kept where the sender works.
    assert {one["division_code"] for one in kept(manager)} == {made.VILLAGE}
    assert kept(as_("township_manager_2")) == []
    path = f"{API}/sync-conflicts/{clash['conflict_id']}"
    for name, status in (("township_manager_2", 404), ("village_surveyor", 403), ("auditor", 403)):
        assert as_(name).get(path).status_code == status
        assert as_(name).post(f"{path}/resolve", json={"decision": "keep_server"}).status_code == status
    assert len(kept(manager, record_id=home)) == 1
    assert kept(manager, division=OTHER_VILLAGE) == []
