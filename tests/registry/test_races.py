"""Two at once: exactly one wins, and the other is told."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from fastapi.testclient import TestClient
from httpx import Response

from tests.registry import made
from toilet_api.kernel.fields import new_id

As = Callable[[str], TestClient]
URL = "/api/v1/households"


def together(*calls: Callable[[], Response]) -> list[Response]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [one.result() for one in [pool.submit(call) for call in calls]]


def test_two_patches_of_one_version(as_: As) -> None:
    surveyor = as_("village_surveyor")
    at = f"{URL}/{made.household(surveyor)['id']}"
    for round_ in range(1, 6):
        match = {"If-Match": f'"{round_}"'}
        answers = together(
            *[
                lambda match=match, size=size: surveyor.patch(at, json={"family_size": size}, headers=match)
                for size in (10 + round_, 20 + round_)
            ]
        )
        assert sorted(one.status_code for one in answers) == [200, 412]


def test_one_id_sent_at_once_makes_one_record(as_: As) -> None:
    surveyor = as_("village_surveyor")
    for _ in range(5):
        body = made.body(id=str(new_id()), toilets=[{"id": str(new_id()), **made.TOILET}])
        answers = together(*[lambda body=body: surveyor.post(URL, json=body)] * 4)
        assert Counter(one.status_code for one in answers) == {201: 1, 200: 3}, [one.text for one in answers]
        assert len({one.json()["id"] for one in answers}) == 1
    assert len(surveyor.get(URL).json()["items"]) == 5


def test_one_id_with_different_content_at_once(as_: As) -> None:
    surveyor = as_("village_surveyor")
    record_id = str(new_id())
    bodies = [made.body(id=record_id) for _ in range(4)]
    answers = together(*[lambda body=body: surveyor.post(URL, json=body) for body in bodies])
    assert Counter(one.status_code for one in answers) == {201: 1, 409: 3}
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"id_taken"}


def test_one_id_number_at_once(as_: As) -> None:
    number = made.id_number()
    surveyor, other = as_("village_surveyor"), as_("village_surveyor_2")
    here = made.body(person={"id_number": number})
    there = made.body(person={"id_number": number}, division_code=made.OTHER_VILLAGE)
    answers = together(*[lambda: surveyor.post(URL, json=here), lambda: other.post(URL, json=there)] * 2)
    assert Counter(one.status_code for one in answers) == {201: 1, 409: 3}
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"duplicate_id_number"}


def test_toilets_added_at_once_leave_one_counted(as_: As) -> None:
    surveyor = as_("village_surveyor")
    home = made.household(surveyor)["id"]
    modes = ["open_pit", "double_urn", "attic_compost", "full_sewer", "three_compartment", "bucket"]
    bodies = [{"household_id": home, "mode": mode, "built_year": 2024} for mode in modes]
    answers = together(*[lambda body=body: surveyor.post("/api/v1/toilets", json=body) for body in bodies])
    assert {one.status_code for one in answers} == {201}
    counted = [one for one in made.toilets_of(surveyor, home).values() if one["counted"]]
    harmless = sorted(one["id"] for one in made.toilets_of(surveyor, home).values() if one["grade"] == "harmless")
    assert [one["id"] for one in counted] == harmless[:1]


def test_removing_a_household_while_a_toilet_is_added(as_: As) -> None:
    manager = as_("township_manager")
    for _ in range(4):
        home = made.household(manager)["id"]
        added, removed = together(
            lambda home=home: manager.post("/api/v1/toilets", json={"household_id": home, **made.TOILET}),
            lambda home=home: manager.post(f"{URL}/{home}/remove", json={"reason": "重复登记"}),
        )
        assert removed.status_code == 200
        assert added.status_code in (201, 409)
        standing = manager.get(f"/api/v1/toilets?household_id={home}").json()["items"]
        assert standing == []
