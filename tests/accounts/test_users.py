"""Users over HTTP: by the level above, in its own division, never above its own rights."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.accounts.logins import at_once, bearer, find_user, login, new_user
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id

USERS = "/api/v1/users"
REASON = {"reason": "岗位调整"}
COUNTY, TOWNSHIP, VILLAGE, OTHER_TOWNSHIP = "360423", "360423208", "360423208202", "360423500"


def body(username: str, role: str, division: str, **more: Any) -> dict[str, Any]:
    return {"username": username, "display_name": "测试", "grants": [{"role": role, "division_code": division}], **more}


def usernames(reader: Any, **query: Any) -> set[str]:
    return {one["username"] for one in reader.get(USERS, params=query).json()["items"]}


def journal(database: Database, user_id: str) -> list[Any]:
    with database.transaction(EVERYWHERE) as session:
        return list(
            session.connection().execute(
                text("select * from audit_entry where subject_id = :id order by at, id"), {"id": user_id}
            )
        )


def test_a_new_user_with_a_made_up_password(client: Any, as_: Any, database: Database) -> None:
    answer = as_("county_admin").post(USERS, json=body("Huanglong_2", "township_manager", TOWNSHIP))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Location"] == f"{USERS}/{made['id']}"
    assert made["username"] == "huanglong_2"
    assert made["division_code"] == TOWNSHIP
    assert [grant["role"] for grant in made["grants"]] == ["township_manager"]
    assert "reset_password" in made["allowed_actions"]
    assert login(client, "huanglong_2", made["temporary_password"]).status_code == 200
    read = as_("county_admin").get(answer.headers["Location"])
    assert read.headers["ETag"] == '"1"'
    assert "temporary_password" not in read.json()
    entries = journal(database, made["id"])
    assert [entry.action for entry in entries][:2] == ["user.created", "user.granted"]
    assert {entry.actor_name for entry in entries[:2]} == {"county_admin"}
    assert made["temporary_password"] not in str(entries)


def test_a_password_given_by_the_manager_must_be_good(as_: Any) -> None:
    weak = as_("county_admin").post(USERS, json=body("u_weak", "county_reviewer", COUNTY, password="Password123!"))
    assert weak.status_code == 422
    assert weak.json()["code"] == "weak_password"
    assert "Password123!" not in weak.text
    good = as_("county_admin").post(USERS, json=body("u_good", "county_reviewer", COUNTY, password="Lushan-2026-qiu"))
    assert good.status_code == 201
    assert good.json()["temporary_password"] is None
    assert good.json()["must_change_password"] is True


def test_an_idempotent_retry_shows_no_password_again(as_: Any, database: Database) -> None:
    head = {"Idempotency-Key": "one"}
    first = as_("county_admin").post(USERS, json=body("u_once", "county_reviewer", COUNTY), headers=head)
    again = as_("county_admin").post(USERS, json=body("u_once", "county_reviewer", COUNTY), headers=head)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == {**first.json(), "temporary_password": None}
    with database.transaction(EVERYWHERE) as session:
        stored = session.connection().execute(text("select body from idempotency_key")).scalar_one()
    assert first.json()["temporary_password"].encode() not in bytes(stored)


def test_ids_and_usernames_are_unique_also_at_once(as_: Any) -> None:
    admin, made = as_("county_admin"), str(new_id())
    first = admin.post(USERS, json=body("u_first", "county_reviewer", COUNTY, id=made))
    assert first.json()["id"] == made
    assert admin.post(USERS, json=body("u_second", "county_reviewer", COUNTY, id=made)).json()["code"] == "id_taken"
    taken = admin.post(USERS, json=body("U_First", "county_reviewer", COUNTY))
    assert taken.status_code == 409
    assert taken.json()["code"] == "username_taken"
    answers = at_once(4, lambda _: admin.post(USERS, json=body("u_race", "county_reviewer", COUNTY)).status_code)
    assert sorted(answers) == [201, 409, 409, 409]


@pytest.mark.parametrize(
    ("manager", "role", "division", "status", "code"),
    [
        ("county_admin", "township_manager", TOWNSHIP, 201, None),
        ("county_admin", "village_surveyor", VILLAGE, 201, None),
        ("county_admin", "county_reviewer", COUNTY, 201, None),
        ("county_admin", "county_admin", COUNTY, 403, "role_not_managed"),
        ("county_admin", "auditor", COUNTY, 403, "role_not_managed"),
        ("county_admin", "city_inspector", "3604", 403, "out_of_scope"),
        ("county_admin", "township_manager", "360424104", 403, "out_of_scope"),
        ("county_admin", "township_manager", "360424999", 403, "out_of_scope"),
        ("county_admin", "township_manager", COUNTY, 422, "invalid"),
        ("county_admin", "village_surveyor", TOWNSHIP, 422, "invalid"),
        ("county_admin", "integration_client", COUNTY, 422, "invalid"),
        ("county_admin", "township_manager", "360423999", 422, "unknown_division"),
        ("county_admin", "township_manager", "36042", 422, "invalid"),
        ("county_admin", "mayor", COUNTY, 422, "invalid"),
        ("city_inspector", "county_admin", COUNTY, 201, None),
        ("city_inspector", "auditor", COUNTY, 201, None),
        ("city_inspector", "auditor", "3604", 403, "above_own_rights"),
        ("city_inspector", "township_manager", TOWNSHIP, 403, "role_not_managed"),
        ("province_inspector", "city_inspector", "3604", 201, None),
        ("province_inspector", "county_admin", COUNTY, 201, None),
        ("province_inspector", "province_inspector", "36", 403, "role_not_managed"),
        ("township_manager", "village_surveyor", VILLAGE, 201, None),
        ("township_manager", "village_surveyor", "360423500201", 403, "out_of_scope"),
        ("township_manager", "township_manager", TOWNSHIP, 403, "role_not_managed"),
        ("county_reviewer", "village_surveyor", VILLAGE, 403, "forbidden"),
        ("village_surveyor", "village_surveyor", VILLAGE, 403, "forbidden"),
        ("auditor", "county_reviewer", COUNTY, 403, "forbidden"),
        ("province_client", "county_reviewer", COUNTY, 403, "forbidden"),
    ],
)
def test_who_may_create_whom(
    as_: Any, database: Database, manager: str, role: str, division: str, status: int, code: str | None
) -> None:
    answer = as_(manager).post(USERS, json=body("someone_new", role, division))
    assert answer.status_code == status, answer.text
    if code:
        assert answer.json()["code"] == code
        with database.transaction(EVERYWHERE) as session:
            found = session.connection().execute(text("select 1 from principal where username = 'someone_new'"))
            assert found.one_or_none() is None


def test_one_bad_grant_among_good_ones_refuses_the_whole(as_: Any) -> None:
    grants = [
        {"role": "village_surveyor", "division_code": VILLAGE},
        {"role": "township_manager", "division_code": OTHER_TOWNSHIP},
    ]
    answer = as_("township_manager").post(USERS, json=body("sneaky", "x", "x") | {"grants": grants})
    assert answer.status_code == 403
    assert "sneaky" not in usernames(as_("county_admin"))


def test_a_home_outside_of_the_scope_is_refused(as_: Any) -> None:
    answer = as_("township_manager").post(
        USERS, json=body("far_home", "village_surveyor", VILLAGE, division_code=OTHER_TOWNSHIP)
    )
    assert answer.status_code == 403
    assert answer.json()["code"] == "out_of_scope"


@pytest.mark.parametrize(
    "bad",
    [
        {"username": "x"},
        {"username": "has blank"},
        {"username": "中文名字"},
        {"display_name": ""},
        {"display_name": "字" * 101},
        {"grants": []},
        {"grants": [{"role": "county_reviewer"}]},
        {"id": "1"},
        {"is_admin": True},
        {"password": ""},
        {"password": "x" * 129},
    ],
)
def test_bad_input(as_: Any, bad: dict[str, Any]) -> None:
    answer = as_("county_admin").post(USERS, json=body("u_bad", "county_reviewer", COUNTY) | bad)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]


def test_lists_are_narrowed_to_ones_division(as_: Any) -> None:
    assert usernames(as_("township_manager")) == {"township_manager", "village_surveyor", "village_surveyor_2"}
    assert {"county_admin", "auditor", "township_manager_2"} <= usernames(as_("county_admin"))
    assert "city_inspector" not in usernames(as_("county_admin"))
    assert "city_inspector" in usernames(as_("province_inspector"))
    assert as_("village_surveyor").get(USERS).status_code == 403
    assert "county_admin" in usernames(as_("auditor"))


def test_filters(as_: Any) -> None:
    admin = as_("county_admin")
    assert usernames(admin, role="village_surveyor") == {"village_surveyor", "village_surveyor_2"}
    assert usernames(admin, division=TOWNSHIP) == {"township_manager", "village_surveyor", "village_surveyor_2"}
    assert usernames(admin, division="36") == usernames(admin)
    assert usernames(admin, text="SURVEYOR_2") == {"village_surveyor_2"}
    assert usernames(admin, text="%") == set()
    assert usernames(admin, trained="true") >= {"village_surveyor"}
    assert "county_admin" in usernames(admin, trained="false")
    assert usernames(admin, state="locked") == set()
    assert admin.get(USERS, params={"division": "360424"}).status_code == 404
    assert admin.get(USERS, params={"division": "999999"}).status_code == 404
    assert admin.get(USERS, params={"rolle": "auditor"}).status_code == 400
    assert admin.get(USERS, params={"role": "mayor"}).status_code == 422


def test_paging_walks_through_all_in_each_order(as_: Any) -> None:
    admin = as_("county_admin")
    everyone = usernames(admin)
    for order in ("username", "-created_at"):
        seen: list[str] = []
        query: dict[str, Any] = {"limit": 2, "sort": order}
        while True:
            page = admin.get(USERS, params=query).json()
            seen += [one["username"] for one in page["items"]]
            if page["next_cursor"] is None:
                break
            query["cursor"] = page["next_cursor"]
        assert len(seen) == len(set(seen))
        assert set(seen) == everyone


def test_allowed_actions_are_what_is_really_allowed(as_: Any) -> None:
    for manager in ("county_admin", "city_inspector", "township_manager", "province_inspector", "auditor"):
        for one in as_(manager).get(USERS).json()["items"]:
            answer = as_(manager).post(f"{USERS}/{one['id']}/lock", json=REASON)
            allowed = "lock" in one["allowed_actions"]
            assert (answer.status_code == 200) is allowed, (manager, one["username"], answer.text)
            if allowed:
                assert answer.json()["state"] == "locked"
                assert as_(manager).post(f"{USERS}/{one['id']}/unlock", json=REASON).status_code == 200


def test_out_of_scope_reads_as_missing(as_: Any) -> None:
    stranger = find_user(as_("county_admin"), "township_manager_2")["id"]
    manager = as_("township_manager")
    for answer in (
        manager.get(f"{USERS}/{stranger}"),
        manager.get(f"{USERS}/{new_id()}"),
        manager.patch(f"{USERS}/{stranger}", json={"display_name": "x"}, headers={"If-Match": '"1"'}),
        manager.post(f"{USERS}/{stranger}/lock", json=REASON),
        manager.post(f"{USERS}/{stranger}/reset-password"),
        manager.get(f"{USERS}/{stranger}/trainings"),
        manager.post(f"{USERS}/{stranger}/grants", json={"role": "village_surveyor", "division_code": VILLAGE}),
    ):
        assert answer.status_code == 404, answer.text


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
