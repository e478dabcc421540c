"""A village's working set: all of it at once, then what has changed and what is gone."""

from collections.abc import Callable
from dataclasses import replace
from operator import itemgetter
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from tests.exchange.sync.phone import Phone, record
from tests.survey import made
from tests.survey.made import API, OTHER_VILLAGE, VILLAGE, ok
from toilet_api.exchange.sync.pull_schemas import SyncPull
from toilet_api.kernel import feed
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.registry.schemas import Household, Toilet
from toilet_api.survey.visit_schemas import VisitOut

As = Callable[[str], TestClient]
Json = dict[str, Any]
SECTIONS = ("households", "toilets", "visits", "problems", "tasks")


@pytest.fixture
def surveyor(as_: As) -> TestClient:
    made.campaign(as_("county_admin"))
    return as_("village_surveyor")


@pytest.fixture
def phone(surveyor: TestClient) -> Phone:
    return Phone(surveyor)


def ids(section: list[Json]) -> set[str]:
    """The ids of its records."""
    return {one["id"] for one in section}


def test_all_of_a_village_in_one_answer_as_the_single_routes_show_it(
    as_: As, phone: Phone, surveyor: TestClient
) -> None:
    sent = made.submitted(surveyor, "blocked", "tank_cracked")
    draft = made.visit(surveyor, note="待补", position={"longitude": 115.1, "latitude": 29.2, "system": "wgs84"})
    problem = next(one for one in made.problems(surveyor) if one["problem_type"] == "blocked")
    task = ok(surveyor.post(f"{API}/problems/{problem['id']}/rectify-at-once", json={"measure": "疏通"}), 201)
    made.home(as_("village_surveyor_2"), village=OTHER_VILLAGE)
    found = phone.pull()
    TypeAdapter(SyncPull).validate_python(found)
    assert (found["whole"], found["more"], found["division_code"], found["gone"]) == (True, False, VILLAGE, [])
    for name, kind, schema in (
        ("households", "household", Household),
        ("toilets", "toilet", Toilet),
        ("visits", "visit", VisitOut),
    ):
        assert len(found[name]) == 2
        for one in found[name]:
            # The same moments, which Postgres writes without zeros at the end.
            assert schema.model_validate(one) == schema.model_validate(record(surveyor, kind, one["id"]))
    assert ids(found["visits"]) == {sent["id"], draft["id"]}
    assert sorted(found["problems"], key=itemgetter("id")) == sorted(made.problems(surveyor), key=itemgetter("id"))
    assert ids(found["tasks"]) == {task["id"]}
    assert found["reference"]["campaign"]["state"] == "open"
    assert {"blocked", "tank_cracked"} <= {one["code"] for one in found["reference"]["problem_types"]}
    assert ids(found["reference"]["checklists"])
    assert {one["name"] for one in found["reference"]["code_lists"]} >= {"toilet_mode", "sync_state"}


def test_then_only_what_has_changed_or_is_gone(as_: As, phone: Phone, surveyor: TestClient) -> None:
    manager = as_("township_manager")
    stays, changes, goes, moves = (made.home(surveyor) for _ in range(4))
    first = phone.pull()
    tag = first["reference"]["tag"]
    nothing = phone.pull(since=first["cursor"], reference=tag)
    assert [nothing[name] for name in (*SECTIONS, "gone")] == [[]] * 6
    assert (nothing["whole"], nothing["reference"]) == (False, None)
    headers = {"If-Match": '"1"'}
    ok(manager.patch(f"{API}/households/{changes['id']}", json={"family_size": 9}, headers=headers))
    ok(manager.post(f"{API}/households/{goes['id']}/remove", json={"reason": "重复"}))
    ok(manager.patch(f"{API}/households/{moves['id']}", json={"division_code": OTHER_VILLAGE}, headers=headers))
    new = made.home(surveyor)
    second = phone.pull(since=nothing["cursor"], reference=tag)
    assert ids(second["households"]) == {changes["id"], new["id"]}
    assert ids(second["toilets"]) == {new["toilets"][0]["id"]}
    gone = {(one["type"], one["id"]) for one in second["gone"]}
    left = (goes, moves)
    assert gone == {("household", one["id"]) for one in left} | {("toilet", one["toilets"][0]["id"]) for one in left}
    # Whoever has the other village is given what came.
    assert moves["id"] in ids(Phone(manager).pull(OTHER_VILLAGE)["households"])
    ok(as_("county_admin").post(f"{API}/households/{goes['id']}/restore", json={"reason": "误删"}))
    third = phone.pull(since=second["cursor"])
    assert ids(third["households"]) == {goes["id"]}
    whole = ids(phone.pull()["households"])
    assert whole == {stays["id"], changes["id"], new["id"], goes["id"]}


def test_a_new_campaign_or_type_comes_with_the_reference(as_: As, phone: Phone) -> None:
    admin = as_("county_admin")
    first = phone.pull()["reference"]
    body = {"division_code": "360423", "code": "lid_missing", "zh": "缺盖板", "en": "Lid is missing"}
    more = {"problem_class": "toilet", "problem_group": "management", "cause": "management"}
    ok(admin.post(f"{API}/problem-types", json={**body, **more}), 201)
    second = phone.pull(reference=first["tag"])["reference"]
    assert "lid_missing" in {one["code"] for one in second["problem_types"]}
    assert phone.pull(reference=second["tag"])["reference"] is None


def test_cursors_are_of_one_user_and_one_village(as_: As, phone: Phone) -> None:
    cursor = phone.pull()["cursor"]
    manager = Phone(as_("township_manager"))
    for bad in ("x", cursor[:-2], cursor + "AA", "é"):
        answer = phone.client.get(f"{API}/sync/pull", params={"division": VILLAGE, "since": bad})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor"), bad
    foreign = manager.client.get(f"{API}/sync/pull", params={"division": VILLAGE, "since": cursor})
    assert foreign.json()["code"] == "bad_cursor"
    own = manager.pull()["cursor"]
    other = manager.client.get(f"{API}/sync/pull", params={"division": OTHER_VILLAGE, "since": own})
    assert (other.status_code, other.json()["code"]) == (410, "sync_cursor_expired")


def test_a_cursor_of_another_life_of_the_database_has_expired(
    phone: Phone, app: FastAPI, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction(EVERYWHERE) as session:
        elsewhere = replace(feed.now(session), era="deadbeef")
    with monkeypatch.context() as patching:
        patching.setattr(feed, "now", lambda _: elsewhere)
        cursor = phone.pull()["cursor"]
    answer = phone.client.get(f"{API}/sync/pull", params={"division": VILLAGE, "since": cursor})
    assert (answer.status_code, answer.json()["code"]) == (410, "sync_cursor_expired")


@pytest.mark.parametrize(
    ("name", "village", "status"),
    [
        ("village_surveyor", OTHER_VILLAGE, 404),
        ("village_surveyor", "360423208", 404),
        ("village_surveyor", "110101001001", 404),
        ("township_manager", OTHER_VILLAGE, 200),
        ("township_manager_2", VILLAGE, 404),
        ("auditor", VILLAGE, 403),
        ("province_client", VILLAGE, 403),
    ],
)
def test_who_may_fetch_which_village(as_: As, name: str, village: str, status: int) -> None:
    answer = as_(name).get(f"{API}/sync/pull", params={"division": village})
    assert answer.status_code == status
