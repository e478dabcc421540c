"""Users over HTTP: by the level above, in its own division, never above its own rights."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.accounts.logins import at_once, find_user, login
from tests.accounts.made import COUNTY, OTHER_TOWNSHIP, REASON, TOWNSHIP, USERS, VILLAGE, body, journal, usernames
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id


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
