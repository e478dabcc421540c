"""先培训后上岗: training is recorded by the level above, expires, and can be revoked with a reason."""

from datetime import timedelta
from typing import Any

import pytest

from tests.accounts.logins import find_user, login, new_user
from toilet_api.accounts.caller import Caller, require_training
from toilet_api.accounts.permissions import Role
from toilet_api.accounts.rules import Grant
from toilet_api.kernel.errors import Problem
from toilet_api.kernel.fields import new_id, now
from toilet_api.kernel.scope import Scope

USERS = "/api/v1/users"
VILLAGE = "360423208202"


def course(**more: Any) -> dict[str, Any]:
    today = now().date()
    return {"held_on": str(today), "course": "摸排培训", "trainer": "县卫生健康委", "hours": "4.5", **more}


@pytest.fixture
def surveyor(as_: Any) -> str:
    return str(new_user(as_("township_manager"), "fresh_surveyor", "village_surveyor", VILLAGE)["id"])


def test_a_training_counts_until_it_is_revoked(as_: Any, surveyor: str) -> None:
    manager = as_("township_manager")
    address = f"{USERS}/{surveyor}/trainings"
    assert manager.get(f"{USERS}/{surveyor}").json()["trained"] is False
    made = manager.post(address, json=course(certificate_no="WN-2026-1"))
    assert made.status_code == 201, made.text
    assert made.json()["hours"] == "4.5"
    assert made.json()["valid"] is True
    assert manager.get(f"{USERS}/{surveyor}").json()["trained"] is True
    revoked = manager.post(f"{address}/{made.json()['id']}/revoke", json={"reason": "登记错误"})
    assert revoked.json()["valid"] is False
    assert revoked.json()["revoked_reason"] == "登记错误"
    assert manager.get(f"{USERS}/{surveyor}").json()["trained"] is False
    assert len(manager.get(address).json()["items"]) == 1
    twice = manager.post(f"{address}/{made.json()['id']}/revoke", json={"reason": "x"})
    assert twice.status_code == 409
    assert manager.post(f"{address}/{new_id()}/revoke", json={"reason": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("held", "until", "trained"), [(0, 0, True), (-400, -1, False), (-400, 1, True), (-400, None, True)]
)
def test_a_training_is_valid_to_the_end_of_its_last_day(
    as_: Any, surveyor: str, held: int, until: int | None, trained: bool
) -> None:
    today = now().date()
    more = {} if until is None else {"valid_until": str(today + timedelta(days=until))}
    body = course(held_on=str(today + timedelta(days=held)), **more)
    made = as_("township_manager").post(f"{USERS}/{surveyor}/trainings", json=body)
    assert made.status_code == 201, made.text
    assert made.json()["valid"] is trained
    assert as_("township_manager").get(f"{USERS}/{surveyor}").json()["trained"] is trained


@pytest.mark.parametrize(
    "bad",
    [
        {"held_on": "2999-01-01"},
        {"held_on": "2026-02-31"},
        {"hours": 0},
        {"hours": "1.25"},
        {"hours": "NaN"},
        {"course": ""},
        {"trainer": None},
        {"valid_until": "2001-01-01"},
        {"score": 100},
    ],
)
def test_bad_input(as_: Any, surveyor: str, bad: dict[str, Any]) -> None:
    answer = as_("township_manager").post(f"{USERS}/{surveyor}/trainings", json=course() | bad)
    assert answer.status_code == 422, answer.text


def test_ids_are_unique(as_: Any, surveyor: str) -> None:
    manager, made = as_("township_manager"), str(new_id())
    address = f"{USERS}/{surveyor}/trainings"
    assert manager.post(address, json=course(id=made)).status_code == 201
    assert manager.post(address, json=course(id=made)).json()["code"] == "id_taken"


def test_who_may_record(as_: Any, surveyor: str) -> None:
    address = f"{USERS}/{surveyor}/trainings"
    assert as_("county_admin").post(address, json=course()).status_code == 201
    for other in ("county_reviewer", "auditor", "province_inspector", "village_surveyor"):
        assert as_(other).post(address, json=course()).status_code == 403
    assert as_("township_manager_2").post(address, json=course()).status_code == 404
    peer = find_user(as_("county_admin"), "township_manager")["id"]
    assert as_("county_admin").post(f"{USERS}/{peer}/trainings", json=course()).status_code == 201


def test_one_reads_ones_own(as_: Any) -> None:
    me = as_("village_surveyor").get("/api/v1/me").json()
    assert me["trained"] is True
    assert me["trainings"][0]["valid"] is True


def caller(trained: bool) -> Caller:
    grants = (Grant(Role.VILLAGE_SURVEYOR, VILLAGE),)
    return Caller(new_id(), "person", "s", "s", grants, trained, Scope((VILLAGE,)))


def test_the_survey_asks_for_it() -> None:
    require_training(caller(True))
    with pytest.raises(Problem) as raised:
        require_training(caller(False))
    assert (raised.value.type.code, raised.value.type.status) == ("training_required", 403)
    assert "先培训后上岗" in raised.value.type.rule


def test_an_untrained_surveyor_may_still_log_in(client: Any, as_: Any) -> None:
    made = new_user(as_("township_manager"), "untrained", "village_surveyor", VILLAGE)
    assert login(client, "untrained", made["temporary_password"]).status_code == 200
