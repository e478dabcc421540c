"""Removal with a reason, and restoring by the level above."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from tests.registry import made

As = Callable[[str], TestClient]
URL = "/api/v1/households"
WHY = {"reason": "重复登记"}


def test_a_household_goes_with_its_toilets_and_comes_back_with_them(as_: As) -> None:
    manager, admin = as_("township_manager"), as_("county_admin")
    home = made.household(manager, toilets=[made.TOILET, {"mode": "bucket"}])
    at, (good, bucket) = f"{URL}/{home['id']}", (one["id"] for one in home["toilets"])
    assert manager.post(f"/api/v1/toilets/{bucket}/remove", json={"reason": "已拆"}).status_code == 200

    gone = manager.post(f"{at}/remove", json=WHY)
    assert gone.status_code == 200, gone.text
    assert (gone.json()["removed_reason"], gone.json()["version"]) == ("重复登记", 2)
    assert gone.json()["allowed_actions"] == ["read_history"]
    assert manager.get(URL).json()["items"] == []
    assert manager.get("/api/v1/toilets").json()["items"] == []
    assert [one["id"] for one in manager.get(f"{URL}?removed=true").json()["items"]] == [home["id"]]
    assert manager.get(at).json()["removed_reason"] == "重复登记"
    removed_toilet = manager.get(f"/api/v1/toilets/{good}").json()
    assert (removed_toilet["counted"], removed_toilet["removed_reason"]) == (False, "重复登记")
    assert "restore" not in admin.get(f"/api/v1/toilets/{good}").json()["allowed_actions"]

    assert manager.patch(at, json={"family_size": 1}, headers={"If-Match": '"2"'}).json()["code"] == "record_removed"
    assert manager.post(f"{at}/remove", json=WHY).json()["code"] == "record_removed"
    assert admin.post(f"{at}/reveal", json={"purpose": "核实"}).json()["code"] == "record_removed"
    added = manager.post("/api/v1/toilets", json={"household_id": home["id"], **made.TOILET})
    assert added.json()["code"] == "household_removed"
    alone = admin.post(f"/api/v1/toilets/{good}/restore", json={"reason": "误删"})
    assert (alone.status_code, alone.json()["code"]) == (409, "household_removed")

    assert manager.post(f"{at}/restore", json={"reason": "误删"}).status_code == 403
    assert admin.get(at).json()["allowed_actions"] == ["restore", "read_history"]
    back = admin.post(f"{at}/restore", json={"reason": "误删"})
    assert back.status_code == 200, back.text
    assert (back.json()["removed_at"], back.json()["version"]) == (None, 3)
    toilets = made.toilets_of(manager, home["id"])
    assert [one["counted"] for one in toilets.values()] == [True]
    assert set(toilets) == {good}
    assert admin.post(f"{at}/restore", json=WHY).json()["code"] == "not_removed"
    actions = [(one["action"], one["reason"]) for one in admin.get(f"{at}/history").json()["items"]]
    assert actions == [
        ("household.created", None),
        ("household.removed", "重复登记"),
        ("household.restored", "误删"),
    ]


def test_removing_the_counted_toilet_lets_another_count(as_: As) -> None:
    manager, admin = as_("township_manager"), as_("county_admin")
    home = made.household(manager, toilets=[made.TOILET, {"mode": "bucket"}])
    good, bucket = (one["id"] for one in home["toilets"])
    gone = manager.post(f"/api/v1/toilets/{good}/remove", json={"reason": "已拆"}).json()
    assert (gone["counted"], gone["version"]) == (False, 2)
    assert made.toilets_of(manager, home["id"])[bucket]["counted"]
    back = admin.post(f"/api/v1/toilets/{good}/restore", json={"reason": "误删"}).json()
    assert (back["counted"], back["removed_at"]) == (True, None)
    assert not made.toilets_of(manager, home["id"])[bucket]["counted"]


def test_the_id_number_of_a_removed_household_is_free_until_it_comes_back(as_: As) -> None:
    manager, number = as_("township_manager"), made.id_number()
    first = made.household(manager, person={"id_number": number})
    manager.post(f"{URL}/{first['id']}/remove", json=WHY)
    second = made.household(manager, person={"id_number": number})
    back = as_("county_admin").post(f"{URL}/{first['id']}/restore", json={"reason": "误删"})
    assert (back.status_code, back.json()["code"]) == (409, "duplicate_id_number")
    assert back.json()["existing_id"] == second["id"]
    assert manager.get(f"{URL}/{first['id']}").json()["removed_reason"] == "重复登记"


@pytest.mark.parametrize(
    "bad",
    [{}, {"reason": " "}, {"reason": None}, {"reason": "长" * 501}, {"reason": "x", "y": 1}],
)
def test_a_reason_is_needed(as_: As, bad: dict[str, object]) -> None:
    manager = as_("township_manager")
    home = made.household(manager, toilets=[made.TOILET])
    assert manager.post(f"{URL}/{home['id']}/remove", json=bad).status_code == 422
    assert manager.post(f"/api/v1/toilets/{home['toilets'][0]['id']}/remove", json=bad).status_code == 422


def test_a_surveyor_does_not_remove(as_: As) -> None:
    surveyor = as_("village_surveyor")
    home = made.household(surveyor, toilets=[made.TOILET])
    assert surveyor.post(f"{URL}/{home['id']}/remove", json=WHY).status_code == 403
    assert surveyor.post(f"/api/v1/toilets/{home['toilets'][0]['id']}/remove", json=WHY).status_code == 403
