"""Changes of users: patches, grants, locks, removal, password resets."""

from typing import Any

import pytest

from tests.accounts.logins import at_once, bearer, find_user, login, new_user
from tests.accounts.made import COUNTY, OTHER_TOWNSHIP, REASON, USERS, VILLAGE, body, journal
from toilet_api.kernel.database import EVERYWHERE, Database


def test_patch_needs_the_current_version(as_: Any, database: Database) -> None:
    admin = as_("county_admin")
    user = find_user(admin, "township_manager")
    address, change = f"{USERS}/{user['id']}", {"display_name": "新名称"}
    assert admin.patch(address, json=change).status_code == 428
    stale = admin.patch(address, json=change, headers={"If-Match": '"99"'})
    assert stale.status_code == 412
    assert stale.json()["current"]["version"] == user["version"]
    done = admin.patch(address, json=change, headers={"If-Match": f'"{user["version"]}"'})
    assert done.status_code == 200, done.text
    assert done.json()["display_name"] == "新名称"
    assert done.headers["ETag"] == f'"{user["version"] + 1}"'
    entry = journal(database, user["id"])[-1]
    assert (entry.action, entry.after) == ("user.updated", {"display_name": "新名称"})
    nulls = admin.patch(address, json={"display_name": None}, headers={"If-Match": done.headers["ETag"]})
    assert nulls.status_code == 422
    same = admin.patch(address, json=change, headers={"If-Match": done.headers["ETag"]})
    assert same.headers["ETag"] == done.headers["ETag"], "no change, no version"
    assert admin.get(address, headers={"If-None-Match": done.headers["ETag"]}).status_code == 304


def test_an_account_can_move_inside_the_scope_only(as_: Any) -> None:
    admin = as_("county_admin")
    user = find_user(admin, "village_surveyor")
    head = {"If-Match": f'"{user["version"]}"'}
    out = admin.patch(f"{USERS}/{user['id']}", json={"division_code": "360424"}, headers=head)
    assert out.status_code == 403
    moved = admin.patch(f"{USERS}/{user['id']}", json={"division_code": OTHER_TOWNSHIP}, headers=head)
    assert moved.status_code == 200, moved.text
    assert as_("township_manager").get(f"{USERS}/{user['id']}").status_code == 404


def test_of_two_patches_at_once_one_wins(as_: Any) -> None:
    admin = as_("county_admin")
    user = find_user(admin, "township_manager")
    head = {"If-Match": f'"{user["version"]}"'}
    answers = at_once(
        4,
        lambda index: (
            admin.patch(f"{USERS}/{user['id']}", json={"display_name": f"名称{index}"}, headers=head).status_code
        ),
    )
    assert sorted(answers) == [200, 412, 412, 412]


def test_nobody_raises_himself(as_: Any) -> None:
    admin = as_("county_admin")
    me = admin.get("/api/v1/me").json()["id"]
    for answer in (
        admin.post(f"{USERS}/{me}/grants", json={"role": "county_reviewer", "division_code": COUNTY}),
        admin.patch(f"{USERS}/{me}", json={"display_name": "x"}, headers={"If-Match": "*"}),
        admin.post(f"{USERS}/{me}/reset-password"),
        admin.post(f"{USERS}/{me}/lock", json=REASON),
        admin.post(
            f"{USERS}/{me}/trainings", json={"held_on": "2026-05-01", "course": "c", "trainer": "t", "hours": 1}
        ),
    ):
        assert answer.status_code == 403, answer.text
        assert answer.json()["code"] == "own_account"


def test_nobody_takes_over_an_account_that_reaches_further(client: Any, as_: Any) -> None:
    """A surveyor at home in the township is made a reviewer of the county: the township can't reset his password."""
    user = new_user(as_("township_manager"), "double_role", "village_surveyor", VILLAGE)
    address = f"{USERS}/{user['id']}"
    granted = as_("county_admin").post(f"{address}/grants", json={"role": "county_reviewer", "division_code": COUNTY})
    assert granted.status_code == 201, granted.text
    township = as_("township_manager")
    seen = township.get(address).json()
    assert len(seen["grants"]) == 2
    assert seen["allowed_actions"] == []
    for answer in (
        township.post(f"{address}/reset-password"),
        township.post(f"{address}/lock", json=REASON),
        township.patch(address, json={"display_name": "x"}, headers={"If-Match": f'"{seen["version"]}"'}),
        township.post(f"{address}/grants/{granted.json()['id']}/remove", json=REASON),
    ):
        assert answer.status_code == 403, answer.text
        assert answer.json()["code"] == "out_of_scope"
    assert as_("county_admin").post(f"{address}/reset-password").status_code == 200


def test_a_grant_holds_from_the_next_request_until_it_is_taken_away(client: Any, as_: Any, database: Database) -> None:
    admin, surveyor = as_("county_admin"), as_("village_surveyor")
    user = find_user(admin, "village_surveyor")
    grants = f"{USERS}/{user['id']}/grants"
    made = admin.post(grants, json={"role": "county_reviewer", "division_code": COUNTY})
    assert made.status_code == 201
    assert "visit.verify_county" in surveyor.get("/api/v1/me").json()["permissions"]
    twice = admin.post(grants, json={"role": "county_reviewer", "division_code": COUNTY})
    assert twice.json()["code"] == "grant_exists"
    assert admin.post(f"{grants}/{made.json()['id']}/remove", json={}).status_code == 422
    removed = admin.post(f"{grants}/{made.json()['id']}/remove", json=REASON)
    assert removed.status_code == 200, removed.text
    assert "visit.verify_county" not in surveyor.get("/api/v1/me").json()["permissions"]
    assert admin.post(f"{grants}/{made.json()['id']}/remove", json=REASON).status_code == 404
    assert removed.json()["version"] == user["version"] + 2
    entry = journal(database, user["id"])[-1]
    assert (entry.action, entry.reason) == ("user.grant_removed", REASON["reason"])
    again = admin.post(grants, json={"role": "county_reviewer", "division_code": COUNTY, "id": made.json()["id"]})
    assert again.json()["code"] == "id_taken"


def test_the_same_grant_at_once_is_given_once(as_: Any) -> None:
    admin = as_("county_admin")
    user = find_user(admin, "village_surveyor")
    asked = {"role": "village_surveyor", "division_code": "360423208203"}
    answers = at_once(4, lambda _: admin.post(f"{USERS}/{user['id']}/grants", json=asked).status_code)
    assert sorted(answers) == [201, 409, 409, 409]


@pytest.mark.parametrize("step", ["lock", "remove"])
def test_locking_and_removing_end_every_login_at_once(client: Any, as_: Any, step: str) -> None:
    admin, victim = as_("county_admin"), as_("township_manager")
    user = find_user(admin, "township_manager")
    refresh = login(client, "township_manager").json()["refresh_token"]
    address = f"{USERS}/{user['id']}"
    assert admin.post(f"{address}/{step}", json={"reason": " "}).status_code == 422
    done = admin.post(f"{address}/{step}", json=REASON)
    assert done.status_code == 200, done.text
    assert victim.get("/api/v1/me").status_code == 401
    again = client.post("/api/v1/auth/token", data={"grant_type": "refresh_token", "refresh_token": refresh})
    assert again.status_code == 401
    assert login(client, "township_manager").status_code == 401
    twice = admin.post(f"{address}/{step}", json=REASON)
    assert twice.status_code == 409
    assert twice.json()["code"] == "wrong_state"
    undo = {"lock": "unlock", "remove": "restore"}[step]
    assert done.json()["allowed_actions"]
    assert undo in done.json()["allowed_actions"]
    assert admin.post(f"{address}/{undo}", json=REASON).json()["state"] == "active"
    assert victim.get("/api/v1/me").status_code == 401, "old tokens stay dead"
    assert login(client, "township_manager").status_code == 200


def test_a_removed_username_is_not_given_to_another(as_: Any) -> None:
    admin = as_("county_admin")
    user = new_user(admin, "once_only", "county_reviewer", COUNTY)
    admin.post(f"{USERS}/{user['id']}/remove", json=REASON)
    answer = admin.post(USERS, json=body("once_only", "county_reviewer", COUNTY))
    assert answer.json()["code"] == "username_taken"
    changed = admin.patch(f"{USERS}/{user['id']}", json={"display_name": "x"}, headers={"If-Match": '"2"'})
    assert changed.json()["code"] == "wrong_state"


def test_a_reset_gives_a_temporary_password_once(client: Any, as_: Any, database: Database) -> None:
    admin, victim = as_("county_admin"), as_("township_manager")
    user = find_user(admin, "township_manager")
    answer = admin.post(f"{USERS}/{user['id']}/reset-password")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    secret = answer.json()["temporary_password"]
    assert victim.get("/api/v1/me").status_code == 401
    assert login(client, "township_manager").status_code == 401
    tokens = login(client, "township_manager", secret).json()
    assert tokens["must_change_password"] is True
    assert client.get("/api/v1/users", headers=bearer(tokens["access_token"])).status_code == 403
    assert secret not in str(journal(database, user["id"]))


def test_a_grant_follows_a_division_that_moved(as_: Any, database: Database) -> None:
    """Merged villages: the surveyor of the old one surveys the new one, even when he held both."""
    from toilet_api.divisions.moves import carry

    user = find_user(as_("county_admin"), "village_surveyor")
    with database.transaction(EVERYWHERE) as session:
        carry(session, {VILLAGE: "360423208203"}, "并村", EVERYWHERE)
    me = as_("village_surveyor").get("/api/v1/me").json()
    assert [grant["division_code"] for grant in me["grants"]] == ["360423208203"]
    assert as_("county_admin").get(f"{USERS}/{user['id']}").json()["division_code"] == "360423208203"
