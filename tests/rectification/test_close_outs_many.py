"""Closing a whole village at once, the list of close-outs, and that what is offered is exactly what works."""

import itertools
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import Session

from tests.accounts.logins import at_once
from tests.breadth import in_turn
from tests.rectification import made, passing
from tests.rectification.test_close_out import (
    accepted,
    close,
    close_outs,
    consent,
    look,
    statement,
    work_problem,
)
from tests.survey import made as survey
from tests.survey.made import API, ok
from toilet_api.kernel.database import Database
from toilet_api.kernel.fields import new_id
from toilet_api.rectification import bulk_close
from toilet_api.survey.clock import this_moment

As = Callable[[str], TestClient]


@pytest.fixture
def surveyor(as_: As) -> TestClient:
    survey.campaign(as_("county_admin"), verification_levels=[])
    return as_("village_surveyor")


def close_many(client: TestClient, *items: dict[str, Any], place: str = survey.VILLAGE, language: str = "zh") -> Any:
    body = {"division_code": place, "items": list(items)}
    return client.post(f"{API}/problems/bulk-close", json=body, headers={"Accept-Language": language})


def item(problem: dict[str, Any], **evidence: Any) -> dict[str, Any]:
    return {"problem_id": problem["id"], **evidence}


def test_each_problem_is_closed_or_refused_on_its_own(as_: As, surveyor: TestClient, database: Database) -> None:
    manager = as_("township_manager")
    signed, told, bare, wrong = (accepted(surveyor, database) for _ in range(4))
    fresh = made.found(surveyor, "no_light")[0]
    neighbour = as_("village_surveyor_2")
    foreign = made.found(neighbour, "no_light", village=survey.OTHER_VILLAGE)[0]
    nowhere = {"id": str(new_id())}
    photo = ok(survey.upload(surveyor), 201)["id"]
    items = [
        *(item(signed, **consent(surveyor)), item(told, **statement(manager)), item(bare)),
        item(wrong, household_signature_ids=[photo]),
        *(item(one, **consent(surveyor)) for one in (fresh, foreign, nowhere)),
    ]
    shown = ok(close_many(manager, *items))
    assert [one["problem_id"] for one in shown["done"]] == [signed["id"], told["id"]]
    for one in shown["done"]:
        after = ok(manager.get(f"{API}/problems/{one['problem_id']}"))
        assert (after["state"], after["close_out_id"], after["version"]) == (
            *("closed", one["close_out_id"], one["version"]),
        )
    refused = {one["problem_id"]: one for one in shown["refused"]}
    assert {one: row["code"] for one, row in refused.items()} == {
        bare["id"]: "household_consent_missing",
        wrong["id"]: "invalid",
        fresh["id"]: "wrong_state",
        foreign["id"]: "not_found",  # it lies in another village than the one that was named
        nowhere["id"]: "not_found",
    }
    assert {one: row["state"] for one, row in refused.items()} == {
        bare["id"]: "accepted",
        wrong["id"]: "accepted",
        fresh["id"]: "open",
        foreign["id"]: None,
        nowhere["id"]: None,
    }
    assert all(row["remedy"] for row in refused.values())
    assert refused[bare["id"]]["rule"].startswith("工作方案")
    assert refused[wrong["id"]]["errors"][0]["pointer"] == "/items/3/household_signature_ids/0"
    assert refused[wrong["id"]]["errors"][0]["code"] == "attachment_kind"
    for one in (bare, wrong):
        assert look(manager, one)["version"] == one["version"]
    entries = ok(manager.get(f"{API}/problems/{told['id']}/history"))["items"]
    assert entries[-1]["action"] == "problem.closed"
    again = ok(close_many(manager, *items[:2]))
    assert [one["code"] for one in again["refused"]] == ["wrong_state"] * 2
    assert [one["kind"] for one in close_outs(manager, sort="closed_at")] == ["signature", "statement"]


def test_a_second_mention_is_refused_on_its_own(as_: As, surveyor: TestClient, database: Database) -> None:
    manager = as_("township_manager")
    good, bare = accepted(surveyor, database), accepted(surveyor, database)
    nowhere = {"id": str(new_id())}
    signed = consent(surveyor)
    items = (item(good, **signed), item(bare), item(good, **signed), item(bare, **consent(surveyor)))
    shown = ok(close_many(manager, *items, item(nowhere), item(nowhere)))
    assert [one["problem_id"] for one in shown["done"]] == [good["id"]]
    assert [(one["problem_id"], one["code"], one["state"]) for one in shown["refused"]] == [
        (bare["id"], "household_consent_missing", "accepted"),
        (good["id"], "problem_repeated", "closed"),
        (bare["id"], "problem_repeated", "accepted"),  # whatever became of the first
        (nowhere["id"], "not_found", None),
        (nowhere["id"], "problem_repeated", None),
    ]
    repeated = shown["refused"][1]
    assert repeated["rule"].startswith("工作方案")
    assert repeated["remedy"]
    assert [error["pointer"] for error in repeated["errors"]] == ["/items/2/problem_id"]
    assert look(manager, bare)["version"] == bare["version"]
    assert len(close_outs(manager)) == 1


def test_it_speaks_the_language_of_the_request(as_: As, surveyor: TestClient) -> None:
    manager = as_("township_manager")
    fresh = made.found(surveyor, "no_light")[0]
    for language in ("zh", "en"):
        shown = ok(close_many(manager, item(fresh), item({"id": str(new_id())}), language=language))
        for one in shown["refused"]:
            assert one["detail"].isascii() is one["remedy"].isascii() is (language == "en")


def test_a_township_with_both_classes_of_problems(as_: As, surveyor: TestClient, database: Database) -> None:
    manager, reviewer, admin = as_("township_manager"), as_("county_reviewer"), as_("county_admin")
    toilet, work = accepted(surveyor, database), work_problem(manager, database)
    items = (item(toilet, **consent(surveyor)), item(work, decision="管护制度已建立"))
    by_reviewer = ok(close_many(reviewer, items[0], place=survey.TOWNSHIP))
    assert [one["code"] for one in by_reviewer["refused"]] == ["forbidden"]
    by_manager = ok(close_many(manager, *items, place=survey.TOWNSHIP))
    assert [one["problem_id"] for one in by_manager["done"]] == [toilet["id"]]
    assert [(one["problem_id"], one["code"]) for one in by_manager["refused"]] == [(work["id"], "forbidden")]
    assert [one["problem_id"] for one in ok(close_many(admin, items[1], place=survey.TOWNSHIP))["done"]] == [work["id"]]


@pytest.mark.parametrize(
    ("role", "status"),
    [("village_surveyor", 403), ("auditor", 403), ("province_client", 403), ("township_manager_2", 404)],
)
def test_who_may_not_close_many(as_: As, surveyor: TestClient, role: str, status: int) -> None:
    assert close_many(as_(role), item({"id": str(new_id())})).status_code == status


def test_bodies_that_are_no_batch(as_: As, surveyor: TestClient) -> None:
    manager = as_("township_manager")
    one = item({"id": str(new_id())})
    assert close_many(manager).status_code == 422
    assert close_many(manager, *(item({"id": str(new_id())}) for _ in range(501))).status_code == 422
    assert close_many(manager, {**one, "state": "closed"}).status_code == 422


def test_bulk_and_single_at_once_close_each_once(as_: As, surveyor: TestClient, database: Database) -> None:
    manager, admin = as_("township_manager"), as_("county_admin")
    problems = [accepted(surveyor, database) for _ in range(3)]
    signed = [[consent(surveyor) for _ in problems] for _ in range(3)]

    def act(index: int) -> Any:
        if index == 2:
            return close(manager, problems[0], **signed[2][0])
        pairs = list(zip(problems, signed[index], strict=True))[:: 1 if index else -1]
        return close_many((manager, admin)[index], *(item(one, **evidence) for one, evidence in pairs))

    answers = at_once(3, act)
    done = [row["problem_id"] for answer in answers[:2] for row in ok(answer)["done"]]
    done += [answers[2].json()["id"]] if answers[2].status_code == 200 else []
    assert sorted(done) == sorted(one["id"] for one in problems)
    assert answers[2].status_code in (200, 409)
    assert len(close_outs(manager)) == 3


def test_close_outs_are_found(as_: As, app: FastAPI, surveyor: TestClient, database: Database) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    toilet, told, work = accepted(surveyor, database), accepted(surveyor, database), work_problem(manager, database)
    closings: tuple[tuple[str, TestClient, dict[str, Any], dict[str, Any]], ...] = (
        ("2026-08-31T23:59:00+08:00", manager, toilet, consent(surveyor)),
        ("2026-08-31T16:00:00+00:00", manager, told, statement(manager)),  # the 1st of September in Shanghai
        ("2026-09-02T09:00:00+08:00", reviewer, work, {"decision": "同意"}),
    )
    for moment, client, one, evidence in closings:
        app.dependency_overrides[this_moment] = lambda moment=moment: datetime.fromisoformat(moment)
        ok(close(client, one, **evidence))

    def shown(**params: Any) -> list[str]:
        return [one["kind"] for one in close_outs(reviewer, **params)]

    assert shown() == shown(sort="-closed_at") == ["decision", "statement", "signature"]
    assert shown(sort="closed_at") == ["signature", "statement", "decision"]
    assert shown(sort="division_code")[0] == "decision"
    assert shown(kind=["signature", "decision"]) == ["decision", "signature"]
    assert shown(division=survey.VILLAGE) == ["statement", "signature"]
    assert shown(campaign_id=toilet["campaign_id"]) == ["decision", "statement", "signature"]
    assert shown(problem_id=work["id"]) == ["decision"]
    assert shown(household_id=told["household_id"]) == ["statement"]
    assert shown(closed_to="2026-08-31") == ["signature"]
    assert shown(closed_from="2026-09-01", closed_to="2026-09-01") == ["statement"]
    assert shown(closed_from="2026-09-02") == ["decision"]
    assert shown(standing="false") == []
    page = ok(reviewer.get(f"{API}/close-outs", params={"limit": 2}))
    rest = ok(reviewer.get(f"{API}/close-outs", params={"limit": 2, "cursor": page["next_cursor"]}))
    assert len(page["items"]) + len(rest["items"]) == 3
    assert len(close_outs(surveyor)) == 2  # the decision is the township's
    assert close_outs(as_("township_manager_2")) == []
    assert reviewer.get(f"{API}/close-outs", params={"division": "110101"}).status_code == 404
    for wrong in ({"kind": "x"}, {"closed_from": "2026-02-31"}, {"sort": "x"}, {"standing": "x"}):
        assert reviewer.get(f"{API}/close-outs", params=wrong).status_code == 422, wrong
    assert reviewer.get(f"{API}/close-outs/{new_id()}").status_code == 404
    csv = reviewer.get(f"{API}/close-outs", headers={"Accept": "text/csv"})
    assert len(csv.text.splitlines()) == 4


WHAT_THE_CAMPAIGN_ASKS = (
    ([], 0, ["small_defect"]),
    (["township"], 30, []),
    (["township", "county"], 100, ["small_defect", "product_quality"]),
)


def test_what_is_offered_is_exactly_what_works(as_: As, surveyor: TestClient, database: Database) -> None:
    """The guards in SQL (`ledger_views`) and in Python (`rules`) agree, whatever campaign, visit and acceptance say."""
    admin = as_("county_admin")
    campaign = made.found(surveyor, "no_light")[0]["campaign_id"]
    seen: set[tuple[bool, bool]] = set()

    def ask_for(levels: list[str], share: int, causes: list[str]) -> None:
        body = {
            "verification_levels": levels,
            "acceptance_shares": {"township": 100, "county": share},
            "at_once_causes": causes,
        }
        ok(admin.patch(f"{API}/campaigns/{campaign}", json=body, headers={"If-Match": "*"}))

    cases = itertools.product(WHAT_THE_CAMPAIGN_ASKS, ("submitted", "township", "county"), ("township", "county"))
    for (levels, share, causes), verified, level in in_turn(cases, 2, 5):
        ask_for([], 0, ["small_defect"])
        problem, untouched = made.found(surveyor, "no_light", "tank_cracked")
        made.finished(surveyor, problem)
        passing.accepted(database, problem["id"], level)
        for one in ("township", "county")[: ("submitted", "township", "county").index(verified)]:
            ok(admin.post(f"{API}/visits/{problem['visit_id']}/verify", json={"level": one}))
        ask_for(levels, share, causes)
        offered = "close" in look(admin, problem)["allowed_actions"]
        at_once_offered = "rectify_at_once" in look(admin, untouched)["allowed_actions"]
        closed = close(admin, problem, **consent(surveyor)).status_code
        mended = admin.post(f"{API}/problems/{untouched['id']}/rectify-at-once", json={"measure": "x"}).status_code
        where = (levels, share, causes, verified, level)
        assert closed == (200 if offered else 409), where
        assert mended == (201 if at_once_offered else 409), where
        seen.add((offered, at_once_offered))
    assert seen == {(True, False), (False, False), (True, True), (False, True)}


def test_two_at_once_of_the_same_toilets_in_another_order(
    as_: As, surveyor: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has closed its first problem before the other goes on: they must not wait for each other in a circle."""
    found = [made.found(surveyor, "no_light", "no_door") for _ in range(2)]
    first, second = ([_accepted(surveyor, database, one) for one in problems] for problems in found)
    signed = [[consent(surveyor) for _ in range(2)] for _ in range(2)]
    lists = [[first[0], second[0]], [second[1], first[1]]]
    met, close_held = Barrier(2), bulk_close.close_held

    def close_and_meet(session: Session, *given: Any, **named: Any) -> Any:
        row = close_held(session, *given, **named)
        session.flush()
        with suppress(BrokenBarrierError):
            met.wait(timeout=0.3)
        return row

    monkeypatch.setattr(bulk_close, "close_held", close_and_meet)

    def act(index: int) -> Any:
        pairs = zip(lists[index], signed[index], strict=True)
        return close_many(as_("township_manager"), *(item(one, **evidence) for one, evidence in pairs))

    as_("township_manager")
    answers = at_once(2, act)
    assert [[row["problem_id"] for row in ok(one)["done"]] for one in answers] == [
        [problem["id"] for problem in problems] for problems in lists
    ]


def _accepted(surveyor: TestClient, database: Database, problem: dict[str, Any]) -> dict[str, Any]:
    made.finished(surveyor, problem)
    passing.accepted(database, problem["id"])
    return problem
