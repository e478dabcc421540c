"""Two people at the same moment: one step wins, nothing is done twice, and nothing is lost in silence."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from tests.accounts.logins import at_once
from tests.conftest import plain
from tests.survey import made
from tests.survey.made import API, ok
from tests.waiting import waiting
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id
from toilet_api.survey import settlement
from toilet_api.survey.tables import CatalogueType

As = Callable[[str], TestClient]


@pytest.fixture
def surveyor(as_: As) -> TestClient:
    made.campaign(as_("county_admin"))
    return as_("village_surveyor")


def test_submitted_twice_is_submitted_once(surveyor: TestClient) -> None:
    draft = made.visit(surveyor, "blocked", "no_light")
    answers = at_once(4, lambda _: surveyor.post(f"{API}/visits/{draft['id']}/submit"))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    assert len(made.problems(surveyor)) == 2
    actions = [one["action"] for one in ok(surveyor.get(f"{API}/visits/{draft['id']}/history"))["items"]]
    assert actions == ["visit.created", "visit.submitted"]


def test_two_verifiers_at_once_verify_once(as_: As, surveyor: TestClient) -> None:
    sent = made.submitted(surveyor)
    clients = [as_("township_manager"), as_("county_admin")]
    url = f"{API}/visits/{sent['id']}"
    answers = at_once(4, lambda index: clients[index % 2].post(f"{url}/verify", json={"level": "township"}))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"wrong_state"}
    assert ok(surveyor.get(url))["version"] == sent["version"] + 1


def test_verified_and_returned_at_once_is_one_of_both(as_: As, surveyor: TestClient) -> None:
    sent = made.submitted(surveyor)
    manager, admin = as_("township_manager"), as_("county_admin")
    tag = {"If-Match": f'"{sent["version"]}"'}
    bodies = (("verify", {"level": "township"}), ("return", {"level": "township", "reason": "照片不清楚"}))

    def decide(index: int) -> Any:
        step, body = bodies[index]
        return (manager, admin)[index].post(f"{API}/visits/{sent['id']}/{step}", json=body, headers=tag)

    answers = at_once(2, decide)
    assert sorted(one.status_code for one in answers) == [200, 412]
    winner = next(one for one in answers if one.status_code == 200).json()
    loser = next(one for one in answers if one.status_code == 412).json()
    assert loser["current"]["state"] == winner["state"] == ok(surveyor.get(f"{API}/visits/{sent['id']}"))["state"]


def test_bulk_and_single_verification_at_once_verify_each_once(as_: As, surveyor: TestClient) -> None:
    sent = [made.submitted(surveyor) for _ in range(4)]
    manager, admin = as_("township_manager"), as_("county_admin")
    whole = {"division_code": made.VILLAGE, "level": "township", "decision": "verify"}

    def verify(index: int) -> Any:
        if index < 2:
            return (manager, admin)[index].post(f"{API}/visits/bulk-verify", json=whole)
        return manager.post(f"{API}/visits/{sent[index - 2]['id']}/verify", json={"level": "township"})

    answers = at_once(6, verify)
    done = [row["id"] for answer in answers[:2] for row in ok(answer)["done"]]
    done += [answer.json()["id"] for answer in answers[2:] if answer.status_code == 200]
    assert sorted(done) == sorted(one["id"] for one in sent)
    assert all(answer.status_code in (200, 409) for answer in answers)


def test_the_same_visit_sent_in_parallel_is_one(surveyor: TestClient) -> None:
    body = {"id": str(new_id()), **made.visit_body(made.home(surveyor), None, "blocked")}
    answers = at_once(5, lambda _: surveyor.post(f"{API}/visits", json=body))
    assert sorted(one.status_code for one in answers) == [200, 200, 200, 200, 201]
    assert len(ok(surveyor.get(f"{API}/visits"))["items"]) == 1


def test_two_visits_that_find_the_same_problem_at_once_open_it_once(surveyor: TestClient) -> None:
    household = made.home(surveyor)
    drafts = [made.visit(surveyor, "tank_cracked", "blocked", household=household) for _ in range(4)]
    answers = at_once(4, lambda index: surveyor.post(f"{API}/visits/{drafts[index]['id']}/submit"))
    assert [one.status_code for one in answers] == [200] * 4, [one.text for one in answers]
    assert sorted(one["problem_type"] for one in made.problems(surveyor)) == ["blocked", "tank_cracked"]
    linked = {finding["problem_id"] for one in answers for finding in one.json()["findings"]}
    assert len(linked) == 2


def test_two_campaigns_opened_at_once_are_one(as_: As) -> None:
    admin = as_("county_admin")
    planned = [made.campaign(admin, is_open=False, name=name) for name in ("甲", "乙")]
    answers = at_once(2, lambda index: admin.post(f"{API}/campaigns/{planned[index]['id']}/open"))
    assert sorted(one.status_code for one in answers) == [200, 409]


def test_two_patches_of_one_draft_don_t_overwrite_each_other(surveyor: TestClient) -> None:
    draft = made.visit(surveyor)
    tag = {"If-Match": f'"{draft["version"]}"'}
    url = f"{API}/visits/{draft['id']}"
    answers = at_once(3, lambda index: surveyor.patch(url, json={"note": f"第{index}人"}, headers=tag))
    assert sorted(one.status_code for one in answers) == [200, 412, 412]
    winner = next(one.json()["note"] for one in answers if one.status_code == 200)
    assert ok(surveyor.get(url))["note"] == winner
    assert {one.json()["current"]["note"] for one in answers if one.status_code == 412} == {winner}


def test_a_problem_dismissed_while_another_visit_finds_it_again(
    as_: As, surveyor: TestClient, database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The visit has opened a problem of the toilet and comes to the one that is just being dismissed."""
    with database.transaction(EVERYWHERE) as session:
        kinds = session.exec(select(CatalogueType.code).order_by(col(CatalogueType.id))).all()
    first, second = [one for one in kinds if one in ("tank_cracked", "blocked")]
    household = made.home(surveyor)
    made.submitted(surveyor, second, household=household)
    (known,) = made.problems(surveyor)
    draft, admin = made.visit(surveyor, first, second, household=household), as_("county_admin")
    path, dismissed = settlement._open, []

    with ThreadPoolExecutor(2) as pool, psycopg.connect(plain(database_url), autocommit=True) as connection:

        def slowly(*given: Any) -> UUID:
            opened = path(*given)
            if not dismissed:
                body = {"reason": "误登"}
                dismissed.append(pool.submit(admin.post, f"{API}/problems/{known['id']}/dismiss", json=body))
                waiting(connection, 1, *dismissed)
            return opened

        monkeypatch.setattr(settlement, "_open", slowly)
        submitted = pool.submit(surveyor.post, f"{API}/visits/{draft['id']}/submit").result()
        assert (submitted.status_code, dismissed[0].result().status_code) == (200, 200)
    assert {one["problem_type"]: one["state"] for one in made.problems(surveyor)} == {
        first: "open",
        second: "dismissed",
    }
