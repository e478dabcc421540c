"""Closing a problem: evidence, guards, who may, and that a closed problem is final until it is reopened."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.accounts.logins import at_once
from tests.rectification import made, passing
from tests.survey import made as survey
from tests.survey.made import API, ok
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id

As = Callable[[str], TestClient]
WITNESS = "欧阳见证"


@pytest.fixture
def surveyor(as_: As) -> TestClient:
    survey.campaign(as_("county_admin"), verification_levels=[])
    return as_("village_surveyor")


@pytest.fixture
def problem(surveyor: TestClient, database: Database) -> dict[str, Any]:
    """A toilet's problem whose work the township accepted."""
    return accepted(surveyor, database)


def accepted(surveyor: TestClient, database: Database, **members: Any) -> dict[str, Any]:
    one = made.found(surveyor, "no_light", **members)[0]
    made.finished(surveyor, one)
    passing.accepted(database, one["id"])
    return look(surveyor, one)


def work_problem(manager: TestClient, database: Database) -> dict[str, Any]:
    body = {"division_code": survey.TOWNSHIP, "problem_type": "no_upkeep_mechanism"}
    one = ok(manager.post(f"{API}/problems", json=body), 201)
    task = {"id": passing.charged(database, one["id"])}
    made.task_step(manager, task, "start")
    made.task_step(manager, task, "submit")
    passing.accepted(database, one["id"])
    return look(manager, one)


def look(client: TestClient, problem: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = ok(client.get(f"{API}/problems/{problem['id']}"))
    return shown


def close(client: TestClient, problem: dict[str, Any], headers: Any = None, **body: Any) -> Any:
    return client.post(f"{API}/problems/{problem['id']}/close", json=body, headers=headers)


def consent(client: TestClient) -> dict[str, Any]:
    """Evidence: a fresh signature of the household."""
    return {"household_signature_ids": [survey.signature(client)]}


def statement(client: TestClient, **members: Any) -> dict[str, Any]:
    body = {
        "text": "户主电话中同意销号",
        "reason": "户主常年在外务工",
        "witness_name": WITNESS,
        "witness_relation": "村民小组长",
        "witness_signature_ids": [survey.signature(client)],
        **members,
    }
    return {"statement": body}


def close_outs(client: TestClient, **params: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = ok(client.get(f"{API}/close-outs", params=params))["items"]
    return items


def refused(answer: Any, status: int, code: str, fault: str | None = None) -> dict[str, Any]:
    """The body of a refusal; `fault`: the code of its only field error."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    body: dict[str, Any] = answer.json()
    assert body["rule"]
    assert body["remedy"]
    if fault is not None:
        assert [one["code"] for one in body["errors"]] == [fault]
        assert body["errors"][0]["message"]
    return body


def test_with_the_household_s_signature(as_: As, surveyor: TestClient, problem: dict[str, Any]) -> None:
    manager = as_("township_manager")
    assert look(manager, problem)["allowed_actions"] == ["close"]
    evidence = consent(surveyor)
    answer = close(manager, problem, **evidence, note="现场试用正常")
    shown = ok(answer)
    assert (shown["state"], shown["accepted_level"]) == ("closed", "township")
    assert shown["closed_at"]
    assert answer.headers["ETag"] == f'"{shown["version"]}"'
    assert shown["allowed_actions"] == []
    url = f"{API}/close-outs/{shown['close_out_id']}"
    row = ok(surveyor.get(url))
    assert (row["kind"], row["signature_ids"]) == ("signature", evidence["household_signature_ids"])
    assert (row["problem_id"], row["task_id"], row["note"]) == (problem["id"], problem["task_id"], "现场试用正常")
    assert (row["standing"], row["reopened_at"], row["signature_seen_before"]) == (True, None, False)
    assert (row["head_masked"], row["closed_by"]) == ("张**", ok(manager.get(f"{API}/me"))["id"])
    assert row["closed_by_name"]
    assert surveyor.get(url).headers["ETag"] == '"1"'
    entry = ok(surveyor.get(f"{API}/problems/{problem['id']}/history"))["items"][-1]
    assert (entry["action"], entry["before"]["state"]) == ("problem.closed", "accepted")
    assert entry["after"]["evidence"] == {
        "kind": "signature",
        "signature_ids": evidence["household_signature_ids"],
        "witness_signature_ids": [],
    }
    assert look(as_("county_reviewer"), problem)["allowed_actions"] == ["reopen"]
    for client in (as_("village_surveyor_2"), as_("township_manager_2")):
        assert client.get(url).status_code == 404


def test_with_a_statement_and_a_witness_whose_name_is_sealed(
    as_: As, app: FastAPI, surveyor: TestClient, problem: dict[str, Any], database: Database
) -> None:
    manager = as_("township_manager")
    evidence = statement(manager)
    answer = close(manager, problem, **evidence)
    shown = ok(answer)
    row = close_outs(surveyor)[0]
    assert (row["kind"], row["witness_masked"], row["witness_relation"]) == ("statement", "欧***", "村民小组长")
    assert (row["statement"], row["no_signature_reason"]) == ("户主电话中同意销号", "户主常年在外务工")
    assert row["witness_signature_ids"] == evidence["statement"]["witness_signature_ids"]
    history = manager.get(f"{API}/problems/{problem['id']}/history").text
    for told in (answer.text, manager.get(f"{API}/close-outs").text, history):
        assert WITNESS not in told
    with database.transaction(EVERYWHERE) as session:
        sealed = session.connection().execute(text("select sealed from close_out_witness")).scalar_one()
        dumped = session.connection().execute(text("select string_agg(a::text, ' ') from audit_entry a")).scalar_one()
        rows = session.connection().execute(text("select string_agg(c::text, ' ') from close_out c")).scalar_one()
    assert app.state.vault.open(sealed, UUID(shown["close_out_id"]).bytes) == {"name": WITNESS}
    assert WITNESS.encode() not in bytes(sealed)
    assert WITNESS not in dumped + rows


def test_work_is_closed_by_the_county_s_decision(as_: As, surveyor: TestClient, database: Database) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    problem = work_problem(manager, database)
    assert "close" not in problem["allowed_actions"]
    assert look(reviewer, problem)["allowed_actions"] == ["close"]
    assert close(manager, problem, decision="同意").json()["permission"] == "problem.close_work"
    refused(close(reviewer, problem), 422, "county_decision_missing", "missing")
    for evidence in (consent(surveyor), statement(manager)):
        refused(close(reviewer, problem, **evidence, decision="同意"), 422, "invalid", "household_evidence_at_work")
    assert close(reviewer, problem, decision="").status_code == 422
    shown = ok(close(reviewer, problem, decision="管护制度已建立，同意销号"))
    row = ok(reviewer.get(f"{API}/close-outs/{shown['close_out_id']}"))
    assert (row["kind"], row["decision"], row["village_name"]) == ("decision", "管护制度已建立，同意销号", None)
    assert (row["signature_seen_before"], row["household_id"]) == (False, None)


def test_no_toilet_is_closed_without_consent(as_: As, surveyor: TestClient, problem: dict[str, Any]) -> None:
    manager = as_("township_manager")
    body = refused(close(manager, problem), 422, "household_consent_missing", "missing")
    assert body["errors"][0]["pointer"] == "/household_signature_ids"
    refused(close(manager, problem, **consent(surveyor), decision="同意"), 422, "invalid", "decision_at_toilet")
    two = {**consent(surveyor), **statement(manager)}
    refused(close(manager, problem, **two), 422, "invalid", "two_kinds_of_evidence")
    for name in ("text", "reason", "witness_name", "witness_relation"):
        assert close(manager, problem, **statement(manager, **{name: ""})).status_code == 422, name
        assert close(manager, problem, **statement(manager, **{name: None})).status_code == 422, name
    assert close(manager, problem, **statement(manager, witness_signature_ids=[])).status_code == 422
    assert look(manager, problem)["version"] == problem["version"]
    assert close_outs(manager) == []


def test_a_signature_is_one_of_the_place_and_the_household(
    as_: As, surveyor: TestClient, problem: dict[str, Any], database: Database
) -> None:
    manager = as_("township_manager")
    photo = ok(survey.upload(surveyor), 201)["id"]
    elsewhere = survey.signature(manager, survey.OTHER_VILLAGE)
    signed = survey.signature(surveyor)
    survey.visit(surveyor, household_signature_ids=[signed])  # of another household
    for one, fault in (
        (photo, "attachment_kind"),
        (elsewhere, "attachment_unknown"),
        (str(new_id()), "attachment_unknown"),
        (signed, "signature_of_another_household"),
    ):
        body = refused_invalid(close(manager, problem, household_signature_ids=[one]), fault)
        assert body["errors"][0]["pointer"] == "/household_signature_ids/0"
        body = refused_invalid(close(manager, problem, **statement(manager, witness_signature_ids=[one])), fault)
        assert body["errors"][0]["pointer"] == "/statement/witness_signature_ids/0"
    good = survey.signature(surveyor)
    refused_invalid(close(manager, problem, household_signature_ids=[good, signed]), "signature_of_another_household")
    ok(close(manager, problem, household_signature_ids=[good]))
    with database.transaction(EVERYWHERE) as session:  # it follows its household from now on
        found = session.connection().execute(text("select household_id from attachment where id = :id"), {"id": good})
        assert str(found.scalar_one()) == problem["household_id"]


def test_each_signature_once(as_: As, surveyor: TestClient, problem: dict[str, Any]) -> None:
    manager = as_("township_manager")
    one, two = survey.signature(surveyor), survey.signature(surveyor)
    body = refused_invalid(close(manager, problem, household_signature_ids=[one, two, one]), "signature_repeated")
    assert body["errors"][0]["pointer"] == "/household_signature_ids/2"
    told = statement(manager, witness_signature_ids=[two, two])
    body = refused_invalid(close(manager, problem, **told), "signature_repeated")
    assert body["errors"][0]["pointer"] == "/statement/witness_signature_ids/1"
    assert close_outs(manager) == []
    ok(close(manager, problem, household_signature_ids=[one, two]))


def refused_invalid(answer: Any, fault: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.text
    body: dict[str, Any] = answer.json()
    assert [one["code"] for one in body["errors"]] == [fault]
    assert body["remedy"]
    return body


def test_the_survey_is_verified_first(as_: As, database: Database) -> None:
    survey.campaign(as_("county_admin"))
    surveyor, manager, reviewer = as_("village_surveyor"), as_("township_manager"), as_("county_reviewer")
    problem = accepted(surveyor, database)
    for client, level, state in ((manager, "township", "submitted"), (reviewer, "county", "township_verified")):
        assert "close" not in look(manager, problem)["allowed_actions"]
        body = refused(close(manager, problem, **consent(surveyor)), 409, "survey_unverified")
        assert (body["visit_id"], body["visit_state"]) == (problem["visit_id"], state)
        ok(client.post(f"{API}/visits/{problem['visit_id']}/verify", json={"level": level}))
    assert look(manager, problem)["allowed_actions"] == ["close"]
    ok(close(manager, problem, **consent(surveyor)))


def test_where_the_county_re_checks_all_it_has_done_so(as_: As, database: Database) -> None:
    shares = {"township": 100, "county": 100}
    survey.campaign(as_("county_admin"), verification_levels=[], acceptance_shares=shares)
    surveyor, manager = as_("village_surveyor"), as_("township_manager")
    problem = accepted(surveyor, database)
    assert look(manager, problem)["allowed_actions"] == []
    refused(close(manager, problem, **consent(surveyor)), 409, "county_recheck_missing")
    work = work_problem(manager, database)
    refused(close(as_("county_reviewer"), work, decision="同意"), 409, "county_recheck_missing")
    passing.accepted(database, problem["id"], "county")
    assert ok(close(manager, problem, **consent(surveyor)))["accepted_level"] == "county"


def test_only_what_was_accepted_is_closed(as_: As, surveyor: TestClient, database: Database) -> None:
    manager = as_("township_manager")
    problem = made.found(surveyor, "no_light")[0]
    for state, move in (("open", made.finished), ("in_work", None)):
        body = refused(close(manager, problem, **consent(surveyor)), 409, "wrong_state")
        assert body["state"] == state
        assert "close" not in body["possible_steps"]
        if move:
            move(surveyor, problem)
    stale = close(manager, problem, headers={"If-Match": '"1"'}, **consent(surveyor))
    assert (stale.status_code, stale.json()["current"]["state"]) == (412, "in_work")
    passing.accepted(database, problem["id"])
    tag = {"If-Match": f'"{look(manager, problem)["version"]}"'}
    ok(close(manager, problem, headers=tag, **consent(surveyor)))


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("village_surveyor", 403),
        ("county_reviewer", 403),
        ("auditor", 403),
        ("province_client", 403),
        ("village_surveyor_2", 404),
        ("township_manager_2", 404),
        ("county_admin", 200),
    ],
)
def test_who_closes_a_toilet_s_problem(
    as_: As, surveyor: TestClient, problem: dict[str, Any], role: str, status: int
) -> None:
    answer = close(as_(role), problem, **consent(surveyor))
    assert answer.status_code == status, answer.text
    assert look(surveyor, problem)["state"] == ("closed" if status == 200 else "accepted")
    if status == 403:
        assert answer.json()["permission"] == "problem.close"


def test_a_closed_problem_is_final(as_: As, surveyor: TestClient, problem: dict[str, Any], database: Database) -> None:
    admin = as_("county_admin")
    shown = ok(close(admin, problem, **consent(surveyor)))
    url = f"{API}/problems/{problem['id']}"
    for answer in (
        admin.patch(url, json={"description": "改"}, headers={"If-Match": "*"}),
        admin.post(f"{url}/dismiss", json={"reason": "x"}),
        admin.post(f"{url}/rectify-at-once", json={"measure": "x"}),
        close(admin, problem, **consent(surveyor)),
    ):
        body = refused_state(answer)
        assert (body["state"], body["possible_steps"]) == ("closed", ["reopen"])
    refused_state(admin.post(f"{API}/tasks/{problem['task_id']}/recall"))
    assert look(admin, problem) == shown
    for change in ("description = 'x'", "closed_at = now()", "deadline = '2029-01-01'", "close_out_id = task_id"):
        with pytest.raises(IntegrityError, match="immutable"), database.transaction(EVERYWHERE) as session:
            session.connection().execute(text(f"update problem set {change} where id = :id"), {"id": problem["id"]})
    with database.transaction(EVERYWHERE) as session:  # its village may get another code
        moved = text("update problem set division_code = division_code, version = version + 1 where id = :id")
        session.connection().execute(moved, {"id": problem["id"]})


def refused_state(answer: Any) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state"), answer.text
    body: dict[str, Any] = answer.json()
    assert body["remedy"]
    return body


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("signature", {}),
        ("statement", {"statement": "同意", "no_signature_reason": "在外", "witness_masked": "欧*"}),
        ("decision", {}),
        ("nothing", {"decision": "x"}),
    ],
)
def test_the_database_takes_no_close_out_without_its_evidence(
    problem: dict[str, Any], database: Database, kind: str, columns: dict[str, str]
) -> None:
    values = {
        "id": new_id(),
        "division_code": survey.VILLAGE,
        "problem_id": problem["id"],
        "task_id": problem["task_id"],
        "kind": kind,
        "closed_by": new_id(),
        "closed_by_name": "x",
        **columns,
    }
    names = ", ".join(values)
    said = text(f"insert into close_out ({names}, closed_at) values (:{', :'.join(values)}, now())")
    with pytest.raises(IntegrityError, match="check"), database.transaction(EVERYWHERE) as session:
        session.connection().execute(said, values)
    closed = text("update problem set state = 'closed', closed_at = now() where id = :id")
    with pytest.raises(IntegrityError, match="problem_closed"), database.transaction(EVERYWHERE) as session:
        session.connection().execute(closed, {"id": problem["id"]})


def test_reopened_its_close_out_stays_and_consent_is_asked_anew(
    as_: As, surveyor: TestClient, problem: dict[str, Any], database: Database
) -> None:
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    evidence = consent(surveyor)
    unused = consent(surveyor)
    first = ok(close(manager, problem, **evidence))
    shown = ok(reviewer.post(f"{API}/problems/{problem['id']}/reopen", json={"reason": "复核发现仍渗漏"}))
    assert (shown["state"], shown["closed_at"], shown["close_out_id"]) == ("open", None, None)
    assert shown["task_id"] != problem["task_id"]
    row = ok(reviewer.get(f"{API}/close-outs/{first['close_out_id']}"))
    assert (row["standing"], row["version"]) == (False, 2)
    assert row["reopened_at"] == shown["reopened_at"]
    task = {"id": shown["task_id"], "division_code": survey.VILLAGE}
    made.task_step(surveyor, task, "start")
    made.noted(surveyor, task)
    made.task_step(surveyor, task, "submit")
    passing.accepted(database, problem["id"])
    for old in (evidence, unused):
        refused(close(manager, problem, **old), 422, "invalid", "signature_before_reopening")
    again = ok(close(manager, problem, **consent(surveyor)))
    assert again["close_out_id"] != first["close_out_id"]
    assert [one["standing"] for one in close_outs(reviewer, sort="closed_at")] == [False, True]
    assert [one["id"] for one in close_outs(reviewer, standing="true")] == [again["close_out_id"]]
    assert {one["task_id"] for one in close_outs(reviewer)} == {problem["task_id"], task["id"]}


def test_the_same_image_for_two_households_is_seen(as_: As, surveyor: TestClient, database: Database) -> None:
    """A signal for reviewers, not a refusal; it is about the bytes, not about the upload."""
    manager, reviewer = as_("township_manager"), as_("county_reviewer")
    one, two, three = (accepted(surveyor, database) for _ in range(3))
    image = survey.picture()

    def signed() -> dict[str, Any]:
        return {"household_signature_ids": [ok(survey.upload(surveyor, image, "signature"), 201)["id"]]}

    first = ok(close(manager, one, **signed()))
    assert not close_outs(reviewer, problem_id=one["id"])[0]["signature_seen_before"]
    second = ok(close(manager, two, **signed()))
    ok(close(manager, three, **consent(surveyor)))
    seen = {row["id"]: row["signature_seen_before"] for row in close_outs(reviewer)}
    assert seen.pop(first["close_out_id"]) is seen.pop(second["close_out_id"]) is True
    assert list(seen.values()) == [False]
    assert len(close_outs(reviewer, signature_seen_before="true")) == 2
    assert [row["problem_id"] for row in close_outs(reviewer, signature_seen_before="false")] == [three["id"]]


def test_one_signature_closes_the_problems_of_one_household(as_: As, surveyor: TestClient, database: Database) -> None:
    manager = as_("township_manager")
    both = made.found(surveyor, "no_light", "no_door")
    evidence = consent(surveyor)
    for one in both:
        made.finished(surveyor, one)
        passing.accepted(database, one["id"])
        ok(close(manager, one, **evidence))
    assert [row["signature_seen_before"] for row in close_outs(manager)] == [False, False]


def test_a_visit_s_signature_of_another_household_is_seen_too(
    as_: As, surveyor: TestClient, problem: dict[str, Any]
) -> None:
    image = survey.picture()
    theirs = ok(survey.upload(surveyor, image, "signature"), 201)["id"]
    survey.visit(surveyor, household_signature_ids=[theirs])
    same = ok(survey.upload(surveyor, image, "signature"), 201)["id"]
    ok(close(as_("township_manager"), problem, household_signature_ids=[same]))
    assert close_outs(surveyor)[0]["signature_seen_before"] is True


def test_closed_twice_at_once_is_closed_once(as_: As, surveyor: TestClient, problem: dict[str, Any]) -> None:
    clients = [as_("township_manager"), as_("county_admin")]
    signed = [consent(surveyor) for _ in range(4)]
    answers = at_once(4, lambda index: close(clients[index % 2], problem, **signed[index]))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    assert len(close_outs(surveyor)) == 1
    reviewer = as_("county_reviewer")
    url = f"{API}/problems/{problem['id']}/reopen"
    answers = at_once(2, lambda _: reviewer.post(url, json={"reason": "复核"}))
    assert sorted(one.status_code for one in answers) == [200, 409]
    assert len(ok(surveyor.get(f"{API}/tasks"))["items"]) == 2
