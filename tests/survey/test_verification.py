"""Verification upward by the village: bulk decisions, what they refuse and why, and who may at which level."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.survey import made
from tests.survey.made import API, ok
from toilet_api.kernel.fields import new_id
from toilet_api.survey import verification

As = Callable[[str], TestClient]
WHOLE = {"division_code": made.VILLAGE, "level": "township", "decision": "verify"}


@pytest.fixture
def surveyor(as_: As) -> TestClient:
    made.campaign(as_("county_admin"))
    return as_("village_surveyor")


def bulk(client: TestClient, **members: Any) -> dict[str, Any]:
    shown: dict[str, Any] = ok(client.post(f"{API}/visits/bulk-verify", json={**WHOLE, **members}))
    return shown


def test_a_whole_village_goes_upward_level_by_level(as_: As, surveyor: TestClient) -> None:
    sent = [made.submitted(surveyor)["id"] for _ in range(3)]
    draft = made.visit(surveyor)["id"]
    elsewhere = made.submitted(as_("village_surveyor_2"), village=made.OTHER_VILLAGE)["id"]
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    early = bulk(reviewer, level="county")
    assert early["done"] == []
    assert {one["id"]: one["code"] for one in early["refused"]} == dict.fromkeys([*sent, draft], "wrong_state")
    first = bulk(manager)
    assert sorted(one["id"] for one in first["done"]) == sorted(sent)
    assert [(one["id"], one["state"]) for one in first["refused"]] == [(draft, "draft")]
    assert bulk(manager)["done"] == []  # done already: nothing happens, and nothing is refused for it
    assert sorted(one["id"] for one in bulk(reviewer, level="county")["done"]) == sorted(sent)
    shown = ok(surveyor.get(f"{API}/visits/{sent[0]}"))
    assert (shown["state"], shown["version"]) == ("county_verified", 4)
    entries = ok(reviewer.get(f"{API}/visits/{sent[0]}/history"))["items"]
    assert [one["action"] for one in entries][-2:] == ["visit.township_verified", "visit.county_verified"]
    assert entries[-1]["before"] == {"state": "township_verified"}
    assert ok(manager.get(f"{API}/visits/{elsewhere}"))["state"] == "submitted"
    assert [one["id"] for one in bulk(manager, division_code=made.TOWNSHIP)["done"]] == [elsewhere]


def test_a_bulk_return_needs_a_reason_that_each_surveyor_sees(as_: As, surveyor: TestClient) -> None:
    sent = [made.submitted(surveyor)["id"] for _ in range(2)]
    manager = as_("township_manager")
    answer = manager.post(f"{API}/visits/bulk-verify", json={**WHOLE, "decision": "return"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/reason")
    done = bulk(manager, decision="return", reason="照片不清楚", visit_ids=sent[:1])
    assert [one["id"] for one in done["done"]] == sent[:1]
    assert ok(surveyor.get(f"{API}/visits/{sent[0]}"))["return_reason"] == "照片不清楚"
    assert ok(surveyor.get(f"{API}/visits/{sent[1]}"))["state"] == "submitted"
    assert [one["id"] for one in ok(surveyor.get(f"{API}/visits", params={"state": "returned"}))["items"]] == sent[:1]


def test_one_that_can_not_be_decided_says_why_and_stops_nobody(as_: As, surveyor: TestClient) -> None:
    sent = made.submitted(surveyor)["id"]
    manager = as_("township_manager")
    household = made.home(manager)
    draft = made.visit(manager, household=household)
    body = {"held_on": "2026-05-18", "course": "摸排培训", "trainer": "县卫健委", "hours": 4}
    me = ok(manager.get(f"{API}/me"))["id"]
    ok(as_("county_admin").post(f"{API}/users/{me}/trainings", json=body), 201)
    made.step(manager, draft, "submit")
    foreign = made.submitted(as_("village_surveyor_2"), village=made.OTHER_VILLAGE)["id"]
    nowhere = str(new_id())
    shown = bulk(manager, visit_ids=[nowhere, foreign, draft["id"], sent])
    assert [one["id"] for one in shown["done"]] == [sent]
    assert {one["id"]: one["code"] for one in shown["refused"]} == {
        nowhere: "not_found",
        foreign: "not_found",  # it lies in another village than the one that was named
        draft["id"]: "verifier_is_surveyor",
    }
    assert all(one["detail"] for one in shown["refused"])
    english = manager.post(
        f"{API}/visits/bulk-verify", json={**WHOLE, "visit_ids": [nowhere]}, headers={"Accept-Language": "en"}
    )
    assert ok(english)["refused"][0]["detail"].isascii()


def test_a_large_place_is_decided_in_several_calls(
    as_: As, surveyor: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "AT_ONCE", 2)
    sent = {made.submitted(surveyor)["id"] for _ in range(5)}
    done: set[str] = set()
    for left in (3, 1, 0):
        shown = bulk(as_("township_manager"))
        assert shown["remaining"] == left
        done |= {one["id"] for one in shown["done"]}
    assert done == sent


@pytest.mark.parametrize(
    ("role", "level", "status"),
    [
        ("village_surveyor", "township", 403),
        ("auditor", "county", 403),
        ("province_client", "county", 403),
        ("county_reviewer", "township", 403),
        ("township_manager", "county", 403),
        ("township_manager_2", "township", 404),
        ("township_manager", "township", 200),
    ],
)
def test_who_decides_at_which_level(as_: As, surveyor: TestClient, role: str, level: str, status: int) -> None:
    sent = made.submitted(surveyor)
    client = as_(role)
    many = client.post(f"{API}/visits/bulk-verify", json={**WHOLE, "level": level, "visit_ids": [str(new_id())]})
    assert many.status_code == status
    for step, more in (("return", {"reason": "x"}), ("verify", {})):
        if status != 200 or step == "verify":
            answer = client.post(f"{API}/visits/{sent['id']}/{step}", json={"level": level, **more})
            assert answer.status_code == status
    expected = "township_verified" if status == 200 else "submitted"
    assert ok(surveyor.get(f"{API}/visits/{sent['id']}"))["state"] == expected


def test_who_decides_at_two_levels_says_which(as_: As, surveyor: TestClient) -> None:
    sent = made.submitted(surveyor)
    answer = as_("county_admin").post(f"{API}/visits/{sent['id']}/verify")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/level")
    assert made.step(as_("county_admin"), sent, "verify", level="township")["state"] == "township_verified"


@pytest.mark.parametrize("decision", ["verify", "return"])
def test_a_county_return_goes_back_to_the_surveyor_and_upward_anew(
    as_: As, surveyor: TestClient, decision: str
) -> None:
    sent = made.submitted(surveyor, "blocked")
    made.step(as_("township_manager"), sent, "verify")
    if decision == "verify":
        made.step(as_("county_reviewer"), sent, "verify")
    back = made.step(as_("county_reviewer"), sent, "return", reason="与改厕台账不符")
    assert (back["state"], back["return_reason"]) == ("returned", "与改厕台账不符")
    assert back["township_verified_by"] is back["county_verified_by"] is None
    again = made.step(surveyor, sent, "submit")
    assert (again["state"], again["return_reason"]) == ("submitted", None)
    assert len(made.problems(surveyor)) == 1
    entry = ok(surveyor.get(f"{API}/visits/{sent['id']}/history"))["items"][-2]
    assert (entry["action"], entry["reason"]) == ("visit.county_returned", "与改厕台账不符")
