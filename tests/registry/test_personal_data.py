"""Personal data: sealed at rest, masked in sight, revealed with a trace, found without being stored in plain."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.registry import made
from toilet_api.kernel.database import EVERYWHERE, Database

As = Callable[[str], TestClient]
URL = "/api/v1/households"
PERSON = {"name": "欧阳测试", "phones": ["19900007777", "0792-2771234"], "address": "石渡村7组36号"}


def test_nothing_personal_is_stored_or_journaled_in_plain(as_: As, database: Database) -> None:
    number = made.id_number()
    record = made.household(as_("village_surveyor"), person={**PERSON, "id_number": number})
    change = {"person": {"name": "欧阳改名", "phones": ["19911117777"], "address": "石渡村7组99号"}}
    at = f"{URL}/{record['id']}"
    assert as_("village_surveyor").patch(at, json=change, headers={"If-Match": '"1"'}).status_code == 200
    as_("county_admin").post(f"{at}/reveal", json={"purpose": "电话核实"})
    with database.transaction(EVERYWHERE) as session:
        stored = ""
        for table in ("household", "household_person", "toilet", "audit_entry", "change_entry"):
            stored += str(session.connection().execute(text(f"select to_jsonb(t)::text from {table} t")).all())
    for plain in (number, "欧阳测试", "欧阳改名", "19900007777", "19911117777", "36号", "99号", "2771234"):
        assert plain not in stored


def test_reveal_shows_the_person_and_leaves_a_trace(as_: As) -> None:
    number = made.id_number()
    at = f"{URL}/{made.household(as_('village_surveyor'), person={**PERSON, 'id_number': number.lower()})['id']}"
    admin = as_("county_admin")
    answer = admin.post(f"{at}/reveal", json={"purpose": "电话核实改厕意愿"})
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["name"], shown["id_number"]) == ("欧阳测试", number)
    assert (shown["phones"], shown["address"]) == (PERSON["phones"], PERSON["address"])
    assert "no-store" in answer.headers["cache-control"]
    entry = admin.get(f"{at}/history").json()["items"][-1]
    assert (entry["action"], entry["actor_name"], entry["reason"]) == (
        "household.revealed",
        "county_admin",
        "电话核实改厕意愿",
    )
    assert admin.get(at).json()["version"] == 1


def test_reveal_needs_permission_scope_and_purpose(as_: As) -> None:
    at = f"{URL}/{made.household(as_('village_surveyor'))['id']}"
    for name in ("village_surveyor", "township_manager", "county_reviewer", "auditor"):
        assert as_(name).post(f"{at}/reveal", json={"purpose": "核实"}).status_code == 403
    for bad in ({}, {"purpose": " "}, {"purpose": None}, {"purpose": "好" * 501}):
        assert as_("county_admin").post(f"{at}/reveal", json=bad).status_code == 422
    assert "reveal" in as_("county_admin").get(at).json()["allowed_actions"]


def test_a_change_without_visible_change_says_which_field(as_: As) -> None:
    surveyor = as_("village_surveyor")
    at = f"{URL}/{made.household(surveyor, person={'phones': ['19900001234']})['id']}"
    # The mask is the same: 199****1234.
    answer = surveyor.patch(at, json={"person": {"phones": ["19911111234"]}}, headers={"If-Match": '"1"'})
    assert answer.json()["version"] == 2
    entry = surveyor.get(f"{at}/history").json()["items"][-1]
    assert (entry["before"], entry["after"]) == ({}, {"changed_personal_fields": ["phones"]})


def test_history_holds_before_and_after_masked(as_: As) -> None:
    surveyor = as_("village_surveyor")
    at = f"{URL}/{made.household(surveyor)['id']}"
    surveyor.patch(at, json={"person": {"name": "李小龙"}, "family_size": 6}, headers={"If-Match": '"1"'})
    created, updated = surveyor.get(f"{at}/history").json()["items"]
    assert (created["action"], created["version"], created["before"]) == ("household.created", 1, None)
    assert created["after"]["name_masked"] == "张**"
    assert updated["before"] == {"name_masked": "张**", "family_size": 4}
    assert updated["after"] == {"name_masked": "李**", "family_size": 6, "changed_personal_fields": ["name"]}
    assert updated["actor_name"] == "village_surveyor"


def test_a_patch_of_the_person_keeps_what_it_leaves_out(as_: As) -> None:
    surveyor, admin = as_("village_surveyor"), as_("county_admin")
    number = made.id_number()
    at = f"{URL}/{made.household(surveyor, person={**PERSON, 'id_number': number})['id']}"
    surveyor.patch(at, json={"person": {"address": None, "phones": None}}, headers={"If-Match": '"1"'})
    shown = admin.post(f"{at}/reveal", json={"purpose": "核实"}).json()
    assert (shown["name"], shown["id_number"], shown["phones"], shown["address"]) == ("欧阳测试", number, [], None)
    sent_back = surveyor.patch(at, json={"person": {"name": "欧***"}}, headers={"If-Match": '"2"'})
    assert sent_back.json()["errors"][0]["code"] == "masked_value"


def test_search_by_whole_values(as_: As) -> None:
    surveyor = as_("village_surveyor")
    number = made.id_number()
    wanted = made.household(surveyor, person={**PERSON, "id_number": number})
    made.household(surveyor, person={"name": "旁人"})

    def found(**body: str) -> list[str]:
        answer = surveyor.post(f"{URL}/search", json=body)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert found(name="欧阳测试") == [wanted["id"]]
    assert found(id_number=f" {number} ") == [wanted["id"]]
    assert found(phone="07922771234") == [wanted["id"]]
    assert found(phone="19900007777", name="欧阳测试") == [wanted["id"]]
    assert found(name="欧阳") == []
    assert found(phone="0001") == []
    assert found(name="欧阳测试", dwelling_state="vacant") == []
    assert as_("village_surveyor_2").post(f"{URL}/search", json={"name": "欧阳测试"}).json()["items"] == []


@pytest.mark.parametrize("body", [{}, {"division": "360423"}, {"name": " "}, {"phone": "abc"}, {"address": "3组"}])
def test_a_search_for_nothing_is_refused(as_: As, body: dict[str, str]) -> None:
    assert as_("village_surveyor").post(f"{URL}/search", json=body).status_code == 422


def test_a_search_cursor_belongs_to_its_search(as_: As) -> None:
    surveyor = as_("village_surveyor")
    for _ in range(3):
        made.household(surveyor, person={"name": "同名"})
    first = surveyor.post(f"{URL}/search?limit=2", json={"name": "同名"}).json()
    assert len(first["items"]) == 2
    cursor = first["next_cursor"]
    rest = surveyor.post(f"{URL}/search", params={"limit": 2, "cursor": cursor}, json={"name": "同名"}).json()
    assert len(rest["items"]) == 1
    assert rest["next_cursor"] is None
    other = surveyor.post(f"{URL}/search", params={"limit": 2, "cursor": cursor}, json={"name": "异名"})
    assert (other.status_code, other.json()["code"]) == (400, "bad_cursor")
