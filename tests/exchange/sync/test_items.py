"""Items of a batch: each is answered on its own, in its own right, once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.accounts.logins import at_once
from tests.exchange.sync.phone import Phone, history, item, new_household, new_toilet, new_visit, record
from tests.registry import made as registry
from tests.survey import made
from tests.survey.made import API, OTHER_VILLAGE, ok
from toilet_api.exchange.sync import housekeeping
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.objects import ObjectStore
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings

As = Callable[[str], TestClient]


@pytest.fixture
def surveyor(as_: As) -> TestClient:
    made.campaign(as_("county_admin"))
    return as_("village_surveyor")


@pytest.fixture
def phone(surveyor: TestClient) -> Phone:
    return Phone(surveyor)


def test_a_household_its_toilet_its_visit_and_the_submission_in_any_order(phone: Phone, surveyor: TestClient) -> None:
    home = new_household()
    toilet = new_toilet(home["record_id"])
    signed = made.signature(surveyor)
    visit = new_visit(home["record_id"], toilet["record_id"], "blocked", surveyor_signature_ids=[signed])
    submit = item("visit", "submit", visit["record_id"])
    results = phone.send(submit, visit, toilet, home)
    assert [one["state"] for one in results] == ["applied"] * 4
    assert [one["version"] for one in results] == [2, 1, 1, 1]
    stored = record(surveyor, "visit", visit["record_id"])
    assert (stored["state"], stored["version"]) == ("submitted", 2)
    assert record(surveyor, "toilet", toilet["record_id"])["counted"] is True
    assert [one["problem_type"] for one in made.problems(surveyor)] == ["blocked"]


def test_two_changes_of_one_record_are_done_as_given(phone: Phone, surveyor: TestClient) -> None:
    home = new_household(family_size=1)
    record_id = home["record_id"]
    changes = [item("household", "update", record_id, {"family_size": size}) for size in (2, 3)]
    assert phone.states(home, *changes) == ["applied"] * 3
    stored = record(surveyor, "household", record_id)
    assert (stored["family_size"], stored["version"]) == (3, 3)
    later = item("household", "update", record_id, {"family_size": 4})
    assert phone.states(later) == ["applied"]


def test_one_bad_item_does_not_block_the_rest(phone: Phone, surveyor: TestClient) -> None:
    good, bad, foreign = new_household(), new_household(family_size=-1), new_household(division_code=OTHER_VILLAGE)
    orphan = new_toilet(bad["record_id"])
    unknown = item("household", "update", str(new_id()), {"family_size": 3}, base=1)
    odd = item("toilet", "paint", str(new_id()), {})
    late = new_household()
    results = phone.send(bad, orphan, foreign, good, unknown, odd, late)
    assert [one["state"] for one in results] == [*["rejected"] * 3, "applied", "rejected", "rejected", "applied"]
    codes = [one["problem"] and one["problem"]["code"] for one in results]
    assert codes[:3] == ["invalid", "sync_dependency_rejected", "out_of_scope"]
    assert codes[4:6] == ["not_found", "sync_unsupported"]
    assert results[0]["problem"]["errors"][0]["pointer"] == "/family_size"
    assert results[1]["problem"]["depends_on"] == bad["id"]
    assert all(one["conflict_id"] for one in results if one["state"] == "rejected")
    assert len(ok(surveyor.get(f"{API}/households"))["items"]) == 2


def test_the_same_item_again_is_told_what_became_of_it(phone: Phone, surveyor: TestClient) -> None:
    home, bad = new_household(), new_household(family_size=99)
    first = phone.send(home, bad)
    change = item("household", "update", home["record_id"], {"family_size": 7}, base=1)
    phone.send(change)
    again = phone.send(home, bad, change)
    assert [one["state"] for one in again] == ["already_applied", "rejected", "already_applied"]
    assert all(one["replayed"] for one in again)
    assert [one["version"] for one in again] == [1, None, 2]
    assert again[1]["conflict_id"] == first[1]["conflict_id"]
    assert record(surveyor, "household", home["record_id"])["version"] == 2
    other = {**change, "changes": {"family_size": 8}}
    (reused,) = phone.send(other)
    assert (reused["state"], reused["problem"]["code"]) == ("rejected", "sync_item_reused")
    assert record(surveyor, "household", home["record_id"])["family_size"] == 7


def test_an_item_twice_in_one_batch_is_done_once(phone: Phone, surveyor: TestClient) -> None:
    home = new_household()
    assert phone.states(home, home) == ["applied", "already_applied"]
    assert [one["action"] for one in history(surveyor, "household", home["record_id"])] == ["household.created"]


def test_a_record_that_is_there_with_the_same_content_is_applied_already(phone: Phone, surveyor: TestClient) -> None:
    body = {"id": str(new_id()), **registry.body()}
    ok(surveyor.post(f"{API}/households", json=body), 201)
    (same,) = phone.send(item("household", "create", body["id"], {k: v for k, v in body.items() if k != "id"}))
    assert (same["state"], same["replayed"], same["version"]) == ("already_applied", False, 1)
    (other,) = phone.send(item("household", "create", body["id"], registry.body()))
    assert (other["state"], other["problem"]["code"]) == ("rejected", "id_taken")


def test_the_same_batch_in_parallel_is_done_once(phone: Phone, surveyor: TestClient) -> None:
    homes = [new_household() for _ in range(5)]
    toilets = [new_toilet(home["record_id"]) for home in homes]
    batch = phone.batch(*homes, *toilets)
    backward = {**batch, "items": batch["items"][::-1]}
    answers = at_once(4, lambda index: surveyor.post(f"{API}/sync", json=backward if index % 2 else batch))
    states = [{one["id"]: one["state"] for one in ok(answer)["results"]} for answer in answers]
    for one in batch["items"]:
        assert sorted(told[one["id"]] for told in states) == ["already_applied"] * 3 + ["applied"]
    assert len(ok(surveyor.get(f"{API}/households"))["items"]) == 5
    assert len(ok(surveyor.get(f"{API}/toilets"))["items"]) == 5


def test_everyone_has_the_rights_of_the_single_routes(as_: As, phone: Phone, surveyor: TestClient) -> None:
    home = made.home(surveyor)
    remove = {"reason": "重复登记"}
    (refused,) = phone.send(item("household", "remove", home["id"], remove, base=1))
    assert (refused["state"], refused["problem"]["code"]) == ("rejected", "forbidden")
    manager = Phone(as_("township_manager"))
    (done,) = manager.send(item("household", "remove", home["id"], remove, base=1))
    assert (done["state"], done["version"]) == ("applied", 2)
    stranger = Phone(as_("village_surveyor_2"))
    (hidden,) = stranger.send(item("household", "update", home["id"], {"note": "x"}, base=2))
    assert (hidden["problem"]["code"], hidden["version"], hidden["server"]) == ("not_found", None, None)
    for name in ("county_reviewer", "auditor", "province_client", "city_inspector"):
        answer = as_(name).post(f"{API}/sync", json=phone.batch(new_household()))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), name


def test_a_time_of_tomorrow_is_refused_and_told_how_far_the_clock_is_off(surveyor: TestClient) -> None:
    phone = Phone(surveyor, ahead=timedelta(days=1))
    home = made.home(surveyor)
    tomorrow = made.earlier(hours=-24)
    visit = new_visit(home["id"], home["toilets"][0]["id"], visited_at=tomorrow)
    answer = ok(surveyor.post(f"{API}/sync", json=phone.batch(visit)))
    assert answer["clock_offset_seconds"] == pytest.approx(86400, abs=30)
    problem = answer["results"][0]["problem"]
    assert [error["code"] for error in problem["errors"]] == ["in_the_future"]
    assert problem["clock_offset_seconds"] == answer["clock_offset_seconds"]


def test_a_step_is_not_taken_on_what_was_not_applied(phone: Phone, surveyor: TestClient) -> None:
    draft = made.visit(surveyor)
    bad = item("visit", "update", draft["id"], {"findings": [{"problem_type": "no_such_type"}]}, base=1)
    submit = item("visit", "submit", draft["id"], base=1)
    assert phone.states(bad, submit) == ["rejected", "rejected"]
    assert record(surveyor, "visit", draft["id"])["state"] == "draft"
    assert phone.states(item("visit", "submit", draft["id"], base=1)) == ["applied"]


def test_progress_of_a_task_is_noted_once(as_: As, phone: Phone, surveyor: TestClient) -> None:
    sent = made.submitted(surveyor, "blocked")
    problem = sent["findings"][0]["problem_id"]
    as_("county_admin")
    task = ok(surveyor.post(f"{API}/problems/{problem}/rectify-at-once", json={"measure": "疏通"}), 201)
    note = item("task", "note", task["id"], {"text": "已疏通一半", "percent": 50})
    assert phone.states(note) == ["applied"]
    assert phone.states(note) == ["already_applied"]
    notes = ok(surveyor.get(f"{API}/tasks/{task['id']}/notes"))["items"]
    assert [(one["id"], one["percent"]) for one in notes] == [(note["id"], 50)]


@pytest.mark.parametrize(
    ("member", "value"),
    [("items", []), ("device_id", "x"), ("device_time", "2026-06-30T09:30:00"), ("extra", 1)],
)
def test_a_batch_that_is_none_is_refused_whole(phone: Phone, surveyor: TestClient, member: str, value: Any) -> None:
    body = {**phone.batch(new_household()), member: value}
    answer = surveyor.post(f"{API}/sync", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert ok(surveyor.get(f"{API}/households"))["items"] == []


def test_items_are_forgotten_when_the_oldest_change_is(phone: Phone, database: Database, settings: Settings) -> None:
    old, new = new_household(), new_household()
    phone.send(old, new)
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(
            text("update sync_item set received_at = now() - make_interval(days => :days) where id = :id"),
            {"days": settings.change_keep_days + 1, "id": old["id"]},
        )
    housekeeping.clear(jobs.Context(database, Vault(settings), ObjectStore(settings), settings))
    told = phone.send(old, new)
    # The record itself tells that it is there.
    assert [(one["state"], one["replayed"]) for one in told] == [("already_applied", False), ("already_applied", True)]
