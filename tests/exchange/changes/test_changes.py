"""The change feed over HTTP: what it tells, to whom, in which form, and what it refuses."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.exchange.changes.walking import API, LINES, ask, here, lines, refusal, told, walk
from tests.exchange.exporting import exported
from tests.registry import made as registry
from tests.registry.made import OTHER_VILLAGE, TOILET, VILLAGE
from tests.survey import made as survey
from tests.survey.made import ok
from toilet_api.accounts.caller import caller_of
from toilet_api.exchange.changes import records
from toilet_api.exchange.changes.subjects import SUBJECTS
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id, now
from toilet_api.settings import Settings

As = Callable[[str], TestClient]
Drain = Callable[[], None]
SRC = Path(__file__).parents[3] / "src" / "toilet_api"
NOT_TOLD = {
    "signing_key": "a note without a record",
    "export": "notes: who took what",
    "upload": "notes",
    "import": "notes: who took a report",
    "webhook": "notes: of the subscriber alone",
    "sync_conflict": "notes: a supervisor finds conflicts in their list",
    "dataset_share": "of the catalogue of data, which is short and read whole",
    "dataset_request": "of whoever asked and the county alone, which find it in their lists",
    "dataset_grant": "the same",
}
"""What the journal writes about and the feed doesn't tell, and why."""


def change(client: TestClient, one: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A household after a patch."""
    tag = {"If-Match": "*"}
    shown: dict[str, Any] = ok(client.patch(f"/api/v1/households/{one['id']}", json=members, headers=tag))
    return shown


def remove(client: TestClient, path: str, one: dict[str, Any]) -> None:
    ok(client.post(f"/api/v1/{path}/{one['id']}/remove", json={"reason": "重复登记"}, headers={"If-Match": "*"}))


def test_every_change_comes_once_in_order_with_the_record_as_it_is_now(as_: As) -> None:
    surveyor = as_("village_surveyor")
    since = here(surveyor)
    home = registry.household(surveyor, toilets=[TOILET])
    change(surveyor, home, note="第一次")
    shown = change(surveyor, home, note="第二次")
    items, cursor = walk(surveyor, since)
    assert told(items) == [
        ("household", "created", 1), ("toilet", "created", 1), ("household", "updated", 2), ("household", "updated", 3),
    ]  # fmt: skip
    listed = surveyor.get("/api/v1/households").json()["items"]
    assert {one["id"] for one in items if one["type"] == "household"} == {home["id"]}
    assert [one["record"] for one in items if one["type"] == "household"] == [listed[0]] * 3
    assert (listed[0]["note"], listed[0]["version"]) == ("第二次", shown["version"])
    assert items[1]["record"] == surveyor.get("/api/v1/toilets").json()["items"][0]
    assert {one["division_code"] for one in items} == {VILLAGE}
    assert {one["from_division_code"] for one in items} == {None}
    assert walk(surveyor, cursor)[0] == []
    # From the oldest kept change the same comes, at the end.
    assert told(walk(surveyor)[0])[-4:] == told(items)


def test_any_cursor_leads_on_whatever_the_page(as_: As) -> None:
    surveyor = as_("village_surveyor")
    since = here(surveyor)
    home = registry.household(surveyor, toilets=[TOILET, {**TOILET, "mode": "bucket"}])
    change(surveyor, home, note="改")
    whole = told(walk(surveyor, since)[0])
    items = ask(surveyor, since)["items"]
    assert len(items) == 4
    for place, one in enumerate(items, 1):
        assert told(walk(surveyor, one["cursor"])[0]) == whole[place:]
    assert told(walk(surveyor, since, limit=1)[0]) == whole
    page = ask(surveyor, since, limit=2)
    assert (page["more"], page["next_cursor"]) == (True, page["items"][1]["cursor"])


def test_lines_say_the_same_and_end_with_the_cursor(as_: As) -> None:
    surveyor = as_("village_surveyor")
    since = here(surveyor)
    registry.household(surveyor)
    page = ask(surveyor, since)
    answer = surveyor.get(API, params={"since": since}, headers=LINES)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert answer.headers["cache-control"] == "no-store"
    *items, end = lines(answer.text)
    assert items == page["items"]
    assert end.keys() == {"next_cursor", "more"}
    assert walk(surveyor, end["next_cursor"])[0] == []
    assert surveyor.get(API, headers={"Accept": "text/csv"}).status_code == 406


def test_records_can_be_left_out_and_types_chosen(as_: As) -> None:
    surveyor = as_("village_surveyor")
    since = here(surveyor, types="toilet,household")
    registry.household(surveyor, toilets=[TOILET])
    survey.upload(surveyor)
    items, _ = walk(surveyor, since, types="household,toilet", include="none")
    assert [(one["type"], one["record"]) for one in items] == [("household", None), ("toilet", None)]


def test_what_was_removed_is_told_without_its_content(as_: As) -> None:
    admin = as_("county_admin")
    since = here(admin, types="household,toilet")
    home = registry.household(admin, toilets=[TOILET])
    remove(admin, "households", home)
    items, cursor = walk(admin, since, types="household,toilet")
    assert {one["op"] for one in items} == {"created", "removed"}
    assert {one["record"] for one in items} == {None}
    ok(admin.post(f"/api/v1/households/{home['id']}/restore", json={"reason": "误删"}, headers={"If-Match": "*"}))
    restored, _ = walk(admin, cursor, types="household,toilet")
    assert (restored[0]["op"], restored[0]["record"]["id"]) == ("restored", home["id"])


def test_personal_data_is_masked(as_: As) -> None:
    surveyor = as_("village_surveyor")
    since = here(surveyor)
    registry.household(surveyor, person={"name": "欧阳修远", "phones": ["13812345678"]})
    shown = surveyor.get(API, params={"since": since}).text
    assert "修远" not in shown
    assert "13812345678" not in shown
    assert "*5678" in shown


def test_each_hears_of_his_own_division_only(as_: As) -> None:
    names = ("village_surveyor", "village_surveyor_2", "township_manager", "township_manager_2", "county_reviewer")
    since = {name: here(as_(name), types="household") for name in names}
    for village in (VILLAGE, OTHER_VILLAGE):
        registry.household(as_("county_admin"), division_code=village)
    heard = {
        name: {one["division_code"] for one in walk(as_(name), since[name], types="household")[0]} for name in names
    }
    assert heard == {
        "village_surveyor": {VILLAGE},
        "village_surveyor_2": {OTHER_VILLAGE},
        "township_manager": {VILLAGE, OTHER_VILLAGE},
        "township_manager_2": set(),
        "county_reviewer": {VILLAGE, OTHER_VILLAGE},
    }


def test_a_county_s_own_is_heard_of_in_its_villages(as_: As) -> None:
    since = {name: here(as_(name)) for name in ("village_surveyor", "city_inspector")}
    campaign = survey.campaign(as_("county_admin"))
    for name, cursor in since.items():
        items, _ = walk(as_(name), cursor)
        assert [(one["type"], one["id"], one["op"]) for one in items] == [
            ("campaign", campaign["id"], "created"),
            ("campaign", campaign["id"], "updated"),
        ]
        assert items[0]["record"] == as_(name).get("/api/v1/campaigns").json()["items"][0]


def test_narrowed_to_a_division_by_its_old_code_too(as_: As) -> None:
    admin = as_("county_admin")
    since = here(admin, division=VILLAGE, types="household")
    for village in (VILLAGE, OTHER_VILLAGE):
        registry.household(admin, division_code=village)
    items, cursor = walk(admin, since, division=VILLAGE, types="household")
    assert {one["division_code"] for one in items} == {VILLAGE}
    merged = {"into": OTHER_VILLAGE, "reason": "撤并"}
    ok(admin.post(f"/api/v1/divisions/{VILLAGE}/merge", json=merged, headers={"If-Match": "*"}))
    assert {one["division_code"] for one in walk(admin, division=VILLAGE, types="household")[0]} == {OTHER_VILLAGE}
    # What the old code means now is more than it was: the copy must be made anew.
    assert refusal(admin, cursor, division=VILLAGE, types="household") == (410, "change_cursor_scope_changed")
    assert refusal(admin, division="360424") == (404, "not_found")
    assert refusal(admin, division="999999") == (404, "not_found")


@pytest.mark.parametrize(
    ("role", "params", "expected"),
    [
        ("village_surveyor", {"types": "principal"}, (403, "forbidden")),
        ("village_surveyor", {"types": "household,sample"}, (403, "forbidden")),
        ("village_surveyor", {"types": "households"}, (422, "invalid")),
        ("village_surveyor", {"types": "signing_key"}, (422, "invalid")),
        ("village_surveyor", {"limit": 0}, (422, "invalid")),
        ("village_surveyor", {"limit": 1001}, (422, "invalid")),
        ("village_surveyor", {"wait": 31}, (422, "invalid")),
        ("village_surveyor", {"include": "all"}, (422, "invalid")),
        ("village_surveyor", {"cursor": "x"}, (400, "unknown_parameter")),
        ("village_surveyor", {"since": "x"}, (400, "bad_cursor")),
        ("village_surveyor", {"since": ""}, (400, "bad_cursor")),
        ("village_surveyor", {"division": "360423500"}, (404, "not_found")),
    ],
)
def test_what_is_refused(as_: As, role: str, params: dict[str, Any], expected: tuple[int, str]) -> None:
    assert refusal(as_(role), **params) == expected


def test_accounts_are_told_to_who_may_read_them(as_: As) -> None:
    admin = as_("county_admin")
    since = {name: here(as_(name)) for name in ("county_admin", "county_reviewer")}
    people = admin.get("/api/v1/users", params={"text": "village_surveyor_2"}).json()["items"]
    ok(admin.post(f"/api/v1/users/{people[0]['id']}/lock", json={"reason": "离岗"}))
    ((one,), _), (others, _) = (walk(as_(name), cursor) for name, cursor in since.items())
    assert (one["type"], one["op"], one["record"]["state"]) == ("principal", "updated", "locked")
    assert one["record"] == admin.get("/api/v1/users", params={"text": "village_surveyor_2"}).json()["items"][0]
    assert others == []


def test_a_cursor_is_of_one_caller_and_one_question(as_: As) -> None:
    surveyor, cursor = as_("village_surveyor"), here(as_("village_surveyor"), types="household")
    assert refusal(as_("village_surveyor_2"), cursor, types="household") == (400, "bad_cursor")
    for other in ({}, {"types": "toilet"}, {"types": "household", "division": VILLAGE}):
        assert refusal(surveyor, cursor, **other) == (400, "bad_cursor")
    told = surveyor.get("/api/v1/changes", params={"since": "x"}).json()["remedy"]
    assert "change_cursor" in told, "the oldest change that is kept is no place to begin a copy at"
    turned = [cursor[:place] + ("B" if cursor[place] == "A" else "A") + cursor[place + 1 :] for place in (0, 20, 40)]
    for damaged in (cursor[:-1], cursor + "A", cursor + "==", *turned):
        assert refusal(surveyor, damaged, types="household") == (400, "bad_cursor")
    assert ask(surveyor, cursor, types="household", limit=7, include="none", wait=0)["items"] == []


def test_who_has_another_scope_than_before_must_start_again(as_: As) -> None:
    admin, surveyor = as_("county_admin"), as_("village_surveyor")
    cursor = here(surveyor)
    person = admin.get("/api/v1/users", params={"text": "village_surveyor"}).json()["items"][0]
    granted = {"role": "village_surveyor", "division_code": OTHER_VILLAGE}
    ok(admin.post(f"/api/v1/users/{person['id']}/grants", json=granted), 201)
    answer = surveyor.get(API, params={"since": cursor})
    assert (answer.status_code, answer.json()["code"]) == (410, "change_cursor_scope_changed")
    assert "POST /exports" in answer.json()["remedy"]
    assert {one["type"] for one in walk(surveyor)[0]} <= set(SUBJECTS)


def test_the_cursor_of_an_export_leads_on(as_: As, drain_jobs: Drain) -> None:
    manager = as_("township_manager")
    registry.household(manager)
    job = exported(manager, drain_jobs)
    assert walk(manager, job["change_cursor"], types="household")[0] == []
    home = registry.household(manager)
    items, cursor = walk(manager, job["change_cursor"], types="household")
    assert [one["id"] for one in items] == [home["id"]]
    assert walk(manager, cursor, types="household")[0] == []


def test_every_type_that_is_journaled_is_told_or_named_here() -> None:
    written = set()
    for file in SRC.rglob("*.py"):
        code = file.read_text()
        written |= set(re.findall(r"\bsubject_type\"?[=:] ?\"(\w+)\"", code))
        written |= set(re.findall(r"'(\w+)' as subject_type", code))
    assert written - set(SUBJECTS) - set(NOT_TOLD) == set()
    assert set(NOT_TOLD) & set(SUBJECTS) == set()


def test_every_type_has_its_query(as_: As, database: Database, settings: Settings) -> None:
    """It runs for a county and for a village, and finds nothing unasked."""
    for name in ("county_admin", "village_surveyor"):
        with database.transaction(EVERYWHERE) as session:
            found = session.connection().execute(
                text("select id from principal where username = :name"), {"name": name}
            )
            caller = caller_of(session, settings, found.scalar_one())
            assert caller is not None
            for subject in SUBJECTS.values():
                unknown = b"999999999999" if subject.name == "division" else str(new_id()).encode()
                wanted = records.Wanted(subject, caller, [unknown])
                with records.asked(session, [wanted], now().date()) as found:
                    assert found == {}, "they come behind the block"
                assert found == {subject.name: {}}
