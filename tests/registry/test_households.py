"""Registering, reading and changing households, as clients do it."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.registry import made
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id, now

As = Callable[[str], TestClient]
URL = "/api/v1/households"


def test_a_household_is_registered_with_its_toilets_and_shown_masked(as_: As) -> None:
    surveyor = as_("village_surveyor")
    answer = surveyor.post(URL, json=made.body(toilets=[made.TOILET, {"mode": "open_pit"}]))
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["location"] == f"{URL}/{shown['id']}"
    assert shown["name_masked"] == "张**"
    assert shown["id_number_masked"].startswith("360423****")
    assert shown["phone_masked"] == "199****1234"
    assert "12" not in shown["address_masked"]
    assert [(one["mode"], one["grade"], one["counted"]) for one in shown["toilets"]] == [
        ("three_compartment", "harmless", True),
        ("open_pit", "unsanitary", False),
    ]
    assert shown["allowed_actions"] == ["edit", "add_toilet", "read_history"]
    again = surveyor.get(answer.headers["location"])
    assert again.json() == {name: value for name, value in shown.items() if name != "toilets"}
    assert surveyor.get(answer.headers["location"], headers={"If-None-Match": '"1"'}).status_code == 304


def test_no_id_number_no_phone_no_toilet_is_fine(as_: As) -> None:
    bare = {"division_code": made.VILLAGE, "person": {"name": "李四"}}
    answer = as_("village_surveyor").post(URL, json=bare)
    assert answer.status_code == 201, answer.text
    assert answer.json()["id_number_masked"] is None
    assert answer.json()["dwelling_state"] == "occupied"
    assert answer.json()["toilets"] == []


def test_the_same_id_and_content_again_is_the_same_record(as_: As) -> None:
    surveyor = as_("village_surveyor")
    body = made.body(id=str(new_id()), toilets=[{"id": str(new_id()), **made.TOILET}])
    first = surveyor.post(URL, json=body)
    assert first.status_code == 201
    surveyor.patch(f"{URL}/{body['id']}", json={"family_size": 9}, headers={"If-Match": '"1"'})
    again = surveyor.post(URL, json=body)
    assert again.status_code == 200, again.text
    assert again.json()["family_size"] == 9
    assert len(surveyor.get(URL).json()["items"]) == 1
    other = surveyor.post(URL, json={**body, "family_size": 5})
    assert (other.status_code, other.json()["code"]) == (409, "id_taken")


def test_an_id_taken_elsewhere_tells_nothing(as_: As) -> None:
    body = made.body(id=str(new_id()))
    assert as_("village_surveyor").post(URL, json=body).status_code == 201
    other = as_("village_surveyor_2").post(URL, json={**body, "division_code": made.OTHER_VILLAGE})
    assert (other.status_code, other.json()["code"]) == (409, "id_taken")
    assert "existing_id" not in other.json()


def test_one_id_number_once_in_a_county(as_: As) -> None:
    number = made.id_number()
    first = made.household(as_("village_surveyor"), person={"id_number": number})
    again = as_("village_surveyor").post(URL, json=made.body(person={"id_number": number, "name": "王五"}))
    assert (again.status_code, again.json()["code"]) == (409, "duplicate_id_number")
    assert again.json()["existing_id"] == first["id"]
    elsewhere = made.body(division_code=made.OTHER_VILLAGE, person={"id_number": number})
    unseen = as_("village_surveyor_2").post(URL, json=elsewhere)
    assert (unseen.status_code, unseen.json()["code"]) == (409, "duplicate_id_number")
    assert "existing_id" not in unseen.json()
    assert number not in again.text + unseen.text


def test_without_id_number_name_and_address_tell_households_of_a_village_apart(as_: As) -> None:
    manager = as_("township_manager")
    made.household(manager, person={"id_number": None})
    same = manager.post(URL, json=made.body(person={"id_number": None}))
    assert (same.status_code, same.json()["code"]) == (409, "duplicate_household")
    made.household(manager, person={"id_number": None, "address": "3组13号"})
    made.household(manager, person={"id_number": None}, division_code=made.OTHER_VILLAGE)


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"person": {"id_number": "360423194901010001"}}, "/person/id_number"),
        ({"person": {"id_number": "3.60423E+17"}}, "/person/id_number"),
        ({"person": {"name": "张**"}}, "/person/name"),
        ({"person": {"name": "   "}}, "/person/name"),
        ({"person": {"phones": ["12345"]}}, "/person/phones/0"),
        ({"person": {"phones": ["19900000001", "19900000002", "19900000003", "19900000004"]}}, "/person/phones"),
        ({"family_size": -1}, "/family_size"),
        ({"family_size": 51}, "/family_size"),
        ({"family_size": 2.5}, "/family_size"),
        ({"family_size": "4"}, "/family_size"),
        ({"dwelling_state": "haunted"}, "/dwelling_state"),
        ({"dwelling_state": None}, "/dwelling_state"),
        ({"division_code": "36042320820"}, "/division_code"),
        ({"id": "00000000-0000-0000-0000-000000000000"}, "/id"),
        ({"counted": True}, "/counted"),
        ({"toilets": [{"mode": "hole"}]}, "/toilets/0/mode"),
        ({"toilets": [{}]}, "/toilets/0/mode"),
        ({"toilets": [{"mode": "bucket", "built_year": now().year + 1}]}, "/toilets/0/built_year"),
        ({"toilets": [{"mode": "bucket", "built_year": -3}]}, "/toilets/0/built_year"),
        ({"toilets": [{"mode": "bucket", "built_year": now().year - 101}]}, "/toilets/0/built_year"),
        ({"toilets": [{"mode": "bucket", "built_month": 13, "built_year": 2024}]}, "/toilets/0/built_month"),
        ({"toilets": [{"mode": "bucket", "built_month": 3}]}, "/toilets/0"),
        ({"toilets": [{"mode": "bucket", "subsidy_fen": -1}]}, "/toilets/0/subsidy_fen"),
        ({"toilets": [{"mode": "bucket", "volume_litres": 0}]}, "/toilets/0/volume_litres"),
        ({"toilets": [{"mode": "bucket", "position": {"longitude": 1, "latitude": 1}}]}, "/toilets/0/position/system"),
        (
            {"toilets": [{"mode": "bucket", "position": {"longitude": 181, "latitude": 1, "system": "wgs84"}}]},
            "/toilets/0/position/longitude",
        ),
    ],
)
def test_bad_input_is_named_and_changes_nothing(as_: As, members: dict[str, Any], pointer: str) -> None:
    surveyor = as_("village_surveyor")
    answer = surveyor.post(URL, json=made.body(**members))
    assert answer.status_code == 422, answer.text
    errors = answer.json()["errors"]
    assert pointer in [error["pointer"] for error in errors], errors
    if "person" in members:
        assert all("value" not in error for error in errors)
    assert surveyor.get(URL).json()["items"] == []


def test_a_village_outside_of_the_scope_or_none_at_all(as_: As) -> None:
    surveyor = as_("village_surveyor")
    foreign = surveyor.post(URL, json=made.body(division_code=made.OTHER_VILLAGE))
    assert (foreign.status_code, foreign.json()["code"]) == (403, "out_of_scope")
    unknown = surveyor.post(URL, json=made.body(division_code="360423208999"))
    assert unknown.status_code in (404, 422), unknown.text


def test_roles_that_only_read_cannot_write(as_: As) -> None:
    for name in ("county_reviewer", "auditor", "province_inspector"):
        answer = as_(name).post(URL, json=made.body())
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_patch_is_a_merge_patch(as_: As) -> None:
    surveyor = as_("village_surveyor")
    record = made.household(surveyor, note="长子在外")
    at = f"{URL}/{record['id']}"
    answer = surveyor.patch(at, json={"family_size": None, "dwelling_state": "vacant"}, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["family_size"], shown["dwelling_state"], shown["note"]) == (None, "vacant", "长子在外")
    assert (shown["version"], answer.headers["etag"]) == (2, '"2"')
    for refused in ({"dwelling_state": None}, {"person": None}, {"person": {"name": None}}, {"division_code": None}):
        answer = surveyor.patch(at, json=refused, headers={"If-Match": '"2"'})
        assert answer.status_code == 422, (refused, answer.text)
    assert surveyor.patch(at, json={"version": 7}, headers={"If-Match": '"2"'}).status_code == 422
    assert surveyor.get(at).json()["version"] == 2


def test_a_patch_needs_the_version_that_it_changes(as_: As) -> None:
    surveyor = as_("village_surveyor")
    at = f"{URL}/{made.household(surveyor)['id']}"
    assert surveyor.patch(at, json={"family_size": 1}).status_code == 428
    assert surveyor.patch(at, json={"family_size": 2}, headers={"If-Match": '"1"'}).status_code == 200
    stale = surveyor.patch(at, json={"family_size": 3}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert stale.json()["current"]["family_size"] == 2
    assert surveyor.get(at).json()["family_size"] == 2


def test_a_patch_without_effect_leaves_no_trace(as_: As) -> None:
    surveyor = as_("village_surveyor")
    at = f"{URL}/{made.household(surveyor)['id']}"
    same = {"family_size": 4, "person": {"name": "张三丰"}}
    answer = surveyor.patch(at, json=same, headers={"If-Match": '"1"'})
    assert answer.json()["version"] == 1
    assert [entry["action"] for entry in surveyor.get(f"{at}/history").json()["items"]] == ["household.created"]


def test_moving_to_another_village_takes_the_toilets_along(as_: As) -> None:
    manager = as_("township_manager")
    record = made.household(manager, toilets=[made.TOILET])
    at, toilet = f"{URL}/{record['id']}", record["toilets"][0]["id"]
    answer = manager.patch(at, json={"division_code": made.OTHER_VILLAGE}, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    moved = manager.get(f"/api/v1/toilets/{toilet}").json()
    assert (moved["division_code"], moved["version"], moved["counted"]) == (made.OTHER_VILLAGE, 2, True)
    assert as_("village_surveyor").get(at).status_code == 404
    assert as_("village_surveyor").get(f"/api/v1/toilets/{toilet}").status_code == 404
    assert as_("village_surveyor_2").get(at).status_code == 200
    # The vault row came along too, or nobody in the new village could change the person.
    phone = as_("village_surveyor_2").patch(
        at, json={"person": {"phones": ["19900009999"]}}, headers={"If-Match": '"2"'}
    )
    assert phone.json()["phone_masked"] == "199****9999"
    foreign = as_("village_surveyor_2").patch(at, json={"division_code": made.VILLAGE}, headers={"If-Match": '"3"'})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "out_of_scope")
    move = next(entry for entry in manager.get(f"{at}/history").json()["items"] if entry["action"] == "household.moved")
    assert move["before"] == {"division_code": made.VILLAGE}
    assert move["after"] == {"division_code": made.OTHER_VILLAGE}


def test_a_move_does_not_bring_a_household_in_twice(as_: As) -> None:
    manager = as_("township_manager")
    first = made.household(manager, person={"id_number": None})
    made.household(manager, person={"id_number": None}, division_code=made.OTHER_VILLAGE)
    answer = manager.patch(
        f"{URL}/{first['id']}", json={"division_code": made.OTHER_VILLAGE}, headers={"If-Match": '"1"'}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_household")
    assert manager.get(f"{URL}/{first['id']}").json()["division_code"] == made.VILLAGE


def test_out_of_scope_reads_as_not_there(as_: As) -> None:
    at = f"{URL}/{made.household(as_('village_surveyor'))['id']}"
    other = as_("village_surveyor_2")
    assert other.get(at).status_code == 404
    assert other.patch(at, json={"family_size": 1}, headers={"If-Match": '"1"'}).status_code == 404
    for step in ("history", "toilets"):
        assert other.get(f"{at}/{step}").status_code == 404
    assert as_("township_manager_2").post(f"{at}/remove", json={"reason": "重复登记"}).status_code == 404
    assert as_("county_admin").get(at).status_code == 200


def _merge(database: Database, old: str, new: str) -> None:
    """What a merge of `old` into `new` leaves in the tree."""
    with database.transaction(EVERYWHERE) as session:
        run = session.connection().execute
        run(text("update division set valid_from = '2020-01-01', valid_to = '2026-01-01' where code = :o"), {"o": old})
        run(
            text(
                "insert into division_successor (old_code, old_name, new_code, kind, main, at)"
                " values (:o, '旧村', :n, 'merge', true, '2026-01-01')"
            ),
            {"o": old, "n": new},
        )


def test_a_code_that_was_merged_away_is_still_understood(as_: As, database: Database) -> None:
    manager = as_("township_manager")
    old = "360423208204"
    _merge(database, old, made.VILLAGE)
    record = made.household(manager, division_code=old)
    assert record["division_code"] == made.VILLAGE
    assert [one["id"] for one in manager.get(f"{URL}?division={old}").json()["items"]] == [record["id"]]
    home = made.household(manager, division_code=made.OTHER_VILLAGE)
    at = f"{URL}/{home['id']}"
    assert manager.patch(at, json={"division_code": old}, headers={"If-Match": '"1"'}).status_code == 200
    assert manager.get(at).json()["division_code"] == made.VILLAGE


def test_a_move_with_other_changes_is_two_versions(as_: As) -> None:
    manager = as_("township_manager")
    at = f"{URL}/{made.household(manager)['id']}"
    patch = {"division_code": made.OTHER_VILLAGE, "family_size": 5, "person": {"name": "李小龙"}}
    answer = manager.patch(at, json=patch, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["version"], answer.headers["etag"]) == (200, 3, '"3"')
    actions = [(one["action"], one["version"]) for one in manager.get(f"{at}/history").json()["items"]]
    assert actions == [("household.created", 1), ("household.moved", 2), ("household.updated", 3)]


@pytest.mark.parametrize("code", ["360423208", "36042320"])
def test_only_a_village_holds_households(as_: As, code: str) -> None:
    answer = as_("township_manager").post(URL, json=made.body(division_code=code))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/division_code")
