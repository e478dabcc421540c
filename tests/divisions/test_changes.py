"""Changes of the tree over HTTP, and the records that follow."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.divisions.made import API, COUNTY, OTHER_TOWNSHIP, SIBLING, TOWNSHIP, VILLAGE, get, query, refused, step
from tests.registry.made import TOILET, household, toilets_of
from toilet_api.divisions import lookup
from toilet_api.kernel.database import Database
from toilet_api.kernel.fields import now

As = Callable[[str], TestClient]
CODES = "select count(*), sum(version), count(valid_to) from division"


def place_of(client: TestClient, household_id: str) -> str:
    answer = client.get(f"/api/v1/households/{household_id}")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["division_code"])


def test_create_with_and_without_a_code(as_: As) -> None:
    county = as_("county_admin")
    answer = county.post(API, json={"parent_code": TOWNSHIP, "name": "新建村委会", "reason": "新设"})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["parent_code"] == TOWNSHIP
    assert made["code"][9] == "2"
    assert made["valid_from"] == str(now().date())
    assert answer.headers["location"] == f"{API}/{made['code']}"
    assert county.get(answer.headers["location"]).json() == made
    with_code = county.post(API, json={"code": "360423299", "name": "新设乡"})
    assert with_code.json()["full_name"] == "江西省九江市武宁县新设乡"
    household(as_("county_admin"), division_code=made["code"])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "某村"}, 422, "invalid"),
        ({"code": VILLAGE, "name": "某村"}, 409, "division_code_taken"),
        ({"parent_code": TOWNSHIP, "name": "安乐村委会"}, 409, "division_name_taken"),
        ({"parent_code": TOWNSHIP, "code": OTHER_TOWNSHIP + "299", "name": "某村"}, 422, "invalid"),
        ({"parent_code": "360423999", "name": "某村"}, 422, "unknown_division"),
        ({"parent_code": VILLAGE, "name": "某组"}, 422, "wrong_division_level"),
        ({"parent_code": "360424", "name": "某乡"}, 403, "out_of_scope"),
        ({"code": "37", "name": "山东省"}, 403, "out_of_scope"),
        ({"parent_code": TOWNSHIP, "name": "  "}, 422, "invalid"),
        ({"parent_code": TOWNSHIP, "name": "某\n村"}, 422, "invalid"),
        ({"parent_code": TOWNSHIP, "name": "某\u0000村"}, 400, "malformed"),
        ({"parent_code": TOWNSHIP, "name": "某村", "valid_from": "2999-01-01"}, 422, "invalid"),
        ({"parent_code": TOWNSHIP, "name": "某村", "valid_from": "2026-02-31"}, 422, "invalid"),
    ],
)
def test_bad_creations(as_: As, database: Database, body: dict[str, Any], status: int, code: str) -> None:
    before = query(database, CODES)
    answer = as_("county_admin").post(API, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert query(database, CODES) == before


def test_a_retried_creation_makes_one(as_: As, database: Database) -> None:
    sent = {"json": {"parent_code": TOWNSHIP, "name": "新建村委会"}, "headers": {"Idempotency-Key": "k1"}}
    first, second = (as_("county_admin").post(API, **sent) for _ in range(2))  # type: ignore[arg-type]
    assert first.json() == second.json()
    assert query(database, "select count(*) from division where name = '新建村委会'") == [(1,)]


def test_rename_needs_the_current_version(as_: As) -> None:
    county = as_("county_admin")
    url, patch = f"{API}/{VILLAGE}", {"name": "安乐新村委会", "reason": "更名"}
    assert county.patch(url, json=patch).status_code == 428
    answer = county.patch(url, json=patch, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["name"], answer.json()["version"]) == (200, "安乐新村委会", 2)
    stale = county.patch(url, json={"name": "别的"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current"]["name"]) == (412, "安乐新村委会")
    same = county.patch(url, json=patch, headers={"If-Match": '"2"'})
    assert same.json()["version"] == 2
    taken = county.patch(f"{API}/{SIBLING}", json={"name": "安乐新村委会"}, headers={"If-Match": '"1"'})
    assert (taken.status_code, taken.json()["code"]) == (409, "division_name_taken")
    assert county.patch(url, json={"name": None}, headers={"If-Match": '"2"'}).status_code == 422
    events = county.get(f"{url}/history").json()["items"]
    assert [(one["kind"], one["old_name"], one["new_name"], one["reason"]) for one in events] == [
        ("rename", "安乐村委会", "安乐新村委会", "更名")
    ]


def test_a_merged_village_takes_its_records_along(as_: As, database: Database) -> None:
    county = as_("county_admin")
    made = household(county, toilets=[TOILET])
    done = step(county, VILLAGE, "merge", into=SIBLING)
    assert done["division"]["code"] == SIBLING
    assert done["recoded"] == [{"old_code": VILLAGE, "new_code": SIBLING}]
    assert {"household": 1, "household_person": 1, "toilet": 1}.items() <= done["records"].items()
    assert place_of(county, made["id"]) == SIBLING
    assert {one["division_code"] for one in toilets_of(county, made["id"]).values()} == {SIBLING}
    revealed = county.post(f"/api/v1/households/{made['id']}/reveal", json={"purpose": "核对", "reason": "核对"})
    assert revealed.status_code in (200, 422)
    old = get(county, VILLAGE)
    assert (old["code"], old["resolved_from"]) == (SIBLING, VILLAGE)
    itself = get(county, VILLAGE, resolve=False)
    assert (itself["code"], itself["valid_to"], itself["allowed_actions"]) == (VILLAGE, str(now().date()), [])
    # An old code is still taken in bodies, and leads to the successor.
    assert household(county, division_code=VILLAGE)["division_code"] == SIBLING
    assert refused(county, VILLAGE, "merge", into=SIBLING) == (409, "division_ended")


def test_the_change_feed_says_from_where_to_where(as_: As, database: Database) -> None:
    made = household(as_("county_admin"), toilets=[TOILET])
    step(as_("county_admin"), VILLAGE, "merge", into=SIBLING)
    entries = query(
        database,
        "select subject_type, subject_id, version, from_division_code, division_code from change_entry"
        " where op = 'move' and subject_type in ('household', 'toilet') order by subject_type",
    )
    assert [(one[0], one[2], one[3], one[4]) for one in entries] == [
        ("household", 2, VILLAGE, SIBLING),
        ("toilet", 2, VILLAGE, SIBLING),
    ]
    assert str(entries[0][1]) == made["id"]
    audit = query(
        database,
        "select before ->> 'division_code', after ->> 'division_code', reason, actor_name from audit_entry"
        " where action = 'household.moved'",
    )
    assert audit == [(VILLAGE, SIBLING, "撤并", "county_admin")]
    tree = query(
        database,
        "select division_code, op from change_entry where subject_type = 'division' order by division_code, op",
    )
    assert tree == [(VILLAGE, "remove")]


def test_grants_follow_and_open_the_new_village(as_: As) -> None:
    surveyor = as_("village_surveyor")
    made = household(surveyor)
    step(as_("county_admin"), VILLAGE, "move", new_parent=OTHER_TOWNSHIP)
    assert place_of(surveyor, made["id"]).startswith(OTHER_TOWNSHIP)
    assert as_("township_manager").get(f"/api/v1/households/{made['id']}").status_code == 404
    assert as_("township_manager_2").get(f"/api/v1/households/{made['id']}").status_code == 200


def test_a_moved_village_keeps_its_last_digits_or_takes_free_ones(as_: As) -> None:
    county = as_("county_admin")
    assert step(county, VILLAGE, "move", new_parent=OTHER_TOWNSHIP)["division"]["code"] == OTHER_TOWNSHIP + "202"
    back = step(county, OTHER_TOWNSHIP + "202", "move", new_parent=TOWNSHIP)["division"]["code"]
    assert back not in (VILLAGE, SIBLING)  # a code is never used twice
    assert get(county, VILLAGE)["code"] == back
    chosen = step(county, back, "move", new_parent=OTHER_TOWNSHIP, new_code=OTHER_TOWNSHIP + "333")
    assert chosen["division"]["code"] == OTHER_TOWNSHIP + "333"
    events = county.get(f"{API}/{VILLAGE}/history").json()["items"]
    assert [one["new_code"] for one in events] == [OTHER_TOWNSHIP + "202", back, OTHER_TOWNSHIP + "333"]


def test_a_merged_township_takes_its_villages_along(as_: As, database: Database) -> None:
    county = as_("county_admin")
    made = household(county)
    villages = {one["name"] for one in county.get(f"{API}/{TOWNSHIP}/children").json()["items"]}
    done = step(county, TOWNSHIP, "merge", into=OTHER_TOWNSHIP)
    assert len(done["recoded"]) == len(villages) + 1
    now_there = {one["name"] for one in county.get(f"{API}/{OTHER_TOWNSHIP}/children").json()["items"]}
    assert villages <= now_there
    assert county.get(f"{API}/{TOWNSHIP}/children", params={"include_ended": True}).json()["items"] != []
    assert place_of(county, made["id"]).startswith(OTHER_TOWNSHIP)
    assert get(county, VILLAGE)["full_name"].endswith("安乐村委会")
    assert get(county, TOWNSHIP)["code"] == OTHER_TOWNSHIP
    with database.transaction((COUNTY,)) as session:
        found = next(one for one in lookup.villages_under(session, COUNTY) if VILLAGE in one.former_codes)
        assert found.township_code == OTHER_TOWNSHIP


def test_split_by_household_the_rest_stays(as_: As) -> None:
    county = as_("county_admin")
    goes, stays = household(county, toilets=[TOILET]), household(county)
    done = step(county, VILLAGE, "split", into=[{"name": "安乐东村委会", "household_ids": [goes["id"]]}])
    new = place_of(county, goes["id"])
    assert new != VILLAGE
    assert get(county, new)["name"] == "安乐东村委会"
    assert {one["division_code"] for one in toilets_of(county, goes["id"]).values()} == {new}
    assert place_of(county, stays["id"]) == VILLAGE
    assert done["division"]["code"] == VILLAGE
    assert done["records"] == {"household": 1, "household_person": 1, "toilet": 1}
    assert get(county, VILLAGE)["resolved_from"] is None


def test_split_with_a_target_for_the_rest_ends_the_village(as_: As) -> None:
    county = as_("county_admin")
    goes, rest = household(county), household(county)
    parts = [{"name": "安乐东村委会", "household_ids": [goes["id"]]}, {"name": "安乐村委会", "code": TOWNSHIP + "388"}]
    done = step(county, VILLAGE, "split", into=parts, rest=1)
    assert done["division"]["code"] == TOWNSHIP + "388" == place_of(county, rest["id"])
    assert place_of(county, goes["id"]) not in (VILLAGE, TOWNSHIP + "388")
    assert get(county, VILLAGE)["code"] == TOWNSHIP + "388"
    kinds = [(one["kind"], one["main"]) for one in county.get(f"{API}/{VILLAGE}/history").json()["items"]]
    assert kinds == [("split", False), ("split", True)]


@pytest.mark.parametrize(
    ("code", "body", "answer"),
    [
        (VILLAGE, {"into": []}, (422, "invalid")),
        (VILLAGE, {"into": [{"name": "东"}], "rest": 1}, (422, "invalid")),
        (VILLAGE, {"into": [{"name": "东"}, {"name": "东"}]}, (422, "invalid")),
        (VILLAGE, {"into": [{"name": "安乐村委会"}]}, (409, "division_name_taken")),
        (VILLAGE, {"into": [{"name": "东", "code": SIBLING}]}, (409, "division_code_taken")),
        (
            VILLAGE,
            {"into": [{"name": "东", "household_ids": ["0199f2c4-7c1e-7000-8000-000000000001"]}]},
            (422, "invalid"),
        ),
        (TOWNSHIP, {"into": [{"name": "东"}]}, (422, "wrong_division_level")),
    ],
)
def test_bad_splits_change_nothing(
    as_: As, database: Database, code: str, body: dict[str, Any], answer: tuple[int, str]
) -> None:
    before = query(database, CODES)
    assert refused(as_("county_admin"), code, "split", **body) == answer
    assert query(database, CODES) == before


def test_close_only_what_is_empty(as_: As) -> None:
    county = as_("county_admin")
    made = county.post(API, json={"parent_code": TOWNSHIP, "name": "新建村委会"}).json()["code"]
    one = household(county, division_code=made)
    answer = county.post(f"{API}/{made}/close", json={"reason": "误设"})
    assert (answer.status_code, answer.json()["code"], answer.json()["records"]) == (
        409, "division_not_empty", {"household": 1},
    )  # fmt: skip
    assert refused(county, TOWNSHIP, "close")[1] == "division_not_empty"
    moved = county.patch(
        f"/api/v1/households/{one['id']}", json={"division_code": VILLAGE}, headers={"If-Match": '"1"'}
    )
    assert moved.status_code == 200, moved.text
    assert step(county, made, "close")["division"]["valid_to"] == str(now().date())
    gone = county.post("/api/v1/households", json={"division_code": made, "person": {"name": "李四"}})
    assert (gone.status_code, gone.json()["code"]) == (409, "division_ended")


def test_records_in_conflict_stop_the_merge_whole(as_: As, database: Database) -> None:
    county = as_("county_admin")
    for village in (VILLAGE, SIBLING):
        household(county, division_code=village, person={"name": "王五", "id_number": None, "address": "1号"})
    before = query(database, CODES)
    assert refused(county, VILLAGE, "merge", into=SIBLING) == (409, "division_records_in_conflict")
    assert query(database, CODES) == before
    assert get(county, VILLAGE)["resolved_from"] is None


@pytest.mark.parametrize(
    ("code", "name", "body", "answer"),
    [
        (VILLAGE, "merge", {"into": VILLAGE}, (422, "wrong_division_level")),
        (VILLAGE, "merge", {"into": OTHER_TOWNSHIP}, (422, "wrong_division_level")),
        (VILLAGE, "merge", {"into": "360424100002"}, (403, "out_of_scope")),
        (VILLAGE, "merge", {"into": "360423208999"}, (422, "unknown_division")),
        (VILLAGE, "merge", {"into": SIBLING, "effective": "2999-01-01"}, (422, "invalid")),
        (VILLAGE, "merge", {"into": SIBLING, "reason": " "}, (422, "invalid")),
        (VILLAGE, "merge", {}, (422, "invalid")),
        (VILLAGE, "move", {"new_parent": TOWNSHIP}, (422, "invalid")),
        (VILLAGE, "move", {"new_parent": COUNTY}, (422, "wrong_division_level")),
        (VILLAGE, "move", {"new_parent": OTHER_TOWNSHIP, "new_code": TOWNSHIP + "299"}, (422, "invalid")),
        (
            VILLAGE,
            "move",
            {"new_parent": OTHER_TOWNSHIP, "new_code": OTHER_TOWNSHIP + "001"},
            (409, "division_code_taken"),
        ),
        (TOWNSHIP, "move", {"new_parent": "360424"}, (403, "out_of_scope")),
        (COUNTY, "move", {"new_parent": "3601"}, (403, "out_of_scope")),
        ("360424", "close", {}, (403, "out_of_scope")),
        ("360423208999", "close", {}, (404, "not_found")),
    ],
)
def test_bad_changes_change_nothing(
    as_: As, database: Database, code: str, name: str, body: dict[str, Any], answer: tuple[int, str]
) -> None:
    before = query(database, CODES)
    assert refused(as_("county_admin"), code, name, **body) == answer
    assert query(database, CODES) == before


@pytest.mark.parametrize(
    "role", ["province_inspector", "township_manager", "village_surveyor", "auditor", "province_client"]
)
def test_only_who_manages_divisions_may_change_them(as_: As, role: str) -> None:
    assert refused(as_(role), VILLAGE, "merge", into=SIBLING) == (403, "forbidden")
    assert as_(role).post(API, json={"parent_code": TOWNSHIP, "name": "某村"}).status_code == 403
    assert as_(role).patch(f"{API}/{VILLAGE}", json={"name": "某村"}).status_code == 403


def test_a_stale_step_is_refused_when_it_says_so(as_: As) -> None:
    county = as_("county_admin")
    county.patch(f"{API}/{VILLAGE}", json={"name": "安乐新村委会"}, headers={"If-Match": '"1"'})
    answer = county.post(
        f"{API}/{VILLAGE}/merge", json={"into": SIBLING, "reason": "撤并"}, headers={"If-Match": '"1"'}
    )
    assert answer.status_code == 412


def test_an_earlier_day_may_be_named(as_: As) -> None:
    county = as_("county_admin")
    day = now().date() - timedelta(days=30)
    step(county, VILLAGE, "merge", into=SIBLING, effective=str(day))
    assert get(county, VILLAGE, resolve=False)["valid_to"] == str(day)
