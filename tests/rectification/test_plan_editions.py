"""Later editions and addenda: what is carried over, what tasks follow, what can't be dropped; thousands at once."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from tests.accounts.logins import at_once
from tests.rectification import made
from tests.rectification.made import API
from tests.rectification.test_plan_items import items_of
from tests.rectification.test_plans import faults, refused
from tests.survey import made as survey
from tests.survey.made import ok
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id
from toilet_api.rectification import task_life
from toilet_api.rectification.plan_charges import charge_many
from toilet_api.rectification.tables import Task
from toilet_api.survey.ledger import reopen_held
from toilet_api.survey.ledger_events import tell_dismissed
from toilet_api.survey.tables import LedgerProblem

As = Callable[[str], TestClient]
COUNTY = ("360423",)


@pytest.fixture
def surveyor(as_: As) -> TestClient:
    survey.campaign(as_("county_admin"), verification_levels=[])
    return as_("village_surveyor")


@pytest.fixture
def manager(as_: As, surveyor: TestClient) -> TestClient:
    return as_("township_manager")


@pytest.fixture
def reviewer(as_: As) -> TestClient:
    return as_("county_reviewer")


def begun(database: Database, problem_id: str) -> None:
    """Work on a problem has begun."""
    with database.transaction(COUNTY) as session:
        problem = session.get_one(LedgerProblem, UUID(problem_id), with_for_update=True)
        task = session.get_one(Task, problem.task_id)
        task_life.start(session, problem, task, new_id(), survey.moment(survey.earlier(minutes=1)))


def accepted(database: Database, problem_id: str) -> None:
    """Work on a problem was done and passed."""
    begun(database, problem_id)
    with database.transaction(COUNTY) as session:
        problem = session.get_one(LedgerProblem, UUID(problem_id), with_for_update=True)
        task = session.get_one(Task, problem.task_id)
        moment = survey.moment(survey.earlier(minutes=1))
        task.state, task.submitted_at, task.submitted_by = "submitted", moment, new_id()
        session.flush()
        task_life.accept(session, problem, task, "township", new_id(), moment)


def task_of(database: Database, problem_id: str) -> Task:
    """The newest task of a problem."""
    with database.transaction(COUNTY) as session:
        return session.exec(
            select(Task).where(Task.problem_id == UUID(problem_id)).order_by(col(Task.attempt).desc())
        ).first()  # type: ignore[return-value]


def test_a_new_edition_takes_the_place_of_the_old(
    database: Database, surveyor: TestClient, manager: TestClient, reviewer: TestClient
) -> None:
    kept, going, dropped, later = made.found(surveyor, "tank_cracked", "vent_missing", "no_roof", "no_water")
    plan = made.approved_plan(manager, reviewer, [kept, going, dropped], due_on="2037-11-30")
    begun(database, going["id"])
    body = {"id": str(new_id())}
    first = manager.post(f"{API}/plans/{plan['id']}/revise", json=body)
    again = manager.post(f"{API}/plans/{plan['id']}/revise", json=body)
    assert (first.status_code, again.status_code) == (201, 200)
    draft = first.json()
    assert draft["id"] == body["id"] == again.json()["id"]
    assert (draft["edition"], draft["series_id"], draft["amends_id"]) == (2, plan["id"], plan["id"])
    assert (draft["title"], draft["funds"], draft["key_points"]) == (plan["title"], plan["funds"], plan["key_points"])
    assert draft["problems"]["total"] == 3
    assert (draft["kind"], draft["late"]) == ("plan", False)
    refused(manager.post(f"{API}/plans/{plan['id']}/revise"), 409, "plan_exists")
    assert ok(manager.get(f"{API}/plans/{plan['id']}"))["state"] == "approved"  # in force until the other is filed
    url = f"{API}/plans/{draft['id']}"
    ok(manager.post(f"{url}/items/remove", json={"problem_ids": [going["id"], dropped["id"]]}))
    answer = manager.post(f"{url}/submit")
    assert faults(answer) == {"/items": "task_begun"}
    assert answer.json()["errors"][0]["value"] == going["id"]
    new = {"measure": "整体更换", "contractor": "乙公司", "due_on": "2037-10-31", "cost_fen": 90_000}
    made.put(manager, draft["id"], *(made.item(one, **new) for one in (kept, going, later)))
    made.plan_step(manager, draft["id"], "submit")
    filed = made.plan_step(reviewer, draft["id"], "approve")
    assert filed["problems"] == {"total": 3, "open": 2, "in_work": 1, "accepted": 0, "closed": 0, "dismissed": 0}
    old = ok(manager.get(f"{API}/plans/{plan['id']}"))
    assert (old["state"], old["superseded_by_id"], old["allowed_actions"]) == ("superseded", draft["id"], [])
    for one, state in ((kept, "pending"), (going, "in_work"), (later, "pending")):
        task = task_of(database, one["id"])
        assert (task.state, str(task.plan_id), task.attempt) == (state, draft["id"], 1)
        assert (task.measure, task.contractor, task.cost_fen) == ("整体更换", "乙公司", 90_000)
        assert str(task.due_on) == ok(manager.get(f"{API}/problems/{one['id']}"))["deadline"] == "2037-10-31"
    gone = task_of(database, dropped["id"])
    assert (gone.state, str(gone.plan_id)) == ("cancelled", plan["id"])
    assert (gone.cancel_reason or "").startswith("新版方案不再列入")
    shown = ok(manager.get(f"{API}/problems/{dropped['id']}"))
    assert (shown["task_id"], shown["state"]) == (None, "open")
    assert (shown["deadline"], shown["deadline_source"]) == ("2037-12-31", "rule")  # the campaign's own again
    entries = ok(reviewer.get(f"{API}/problems/{dropped['id']}/history"))["items"]
    assert entries[-1]["action"] == "problem.dropped_from_plan"
    assert "plan.superseded" in [
        one["action"] for one in ok(reviewer.get(f"{API}/plans/{plan['id']}/history"))["items"]
    ]
    # The dropped one is free for another plan; the retry of the revision is still a retry.
    third = made.plan_step(manager, draft["id"], "supplement", 201)
    made.put(manager, third["id"], made.item(dropped))
    assert manager.post(f"{API}/plans/{plan['id']}/revise", json=body).status_code == 200
    refused(manager.post(f"{API}/plans/{plan['id']}/revise"), 409, "wrong_state")


def test_what_is_done_stays_as_it_is(
    database: Database, surveyor: TestClient, manager: TestClient, reviewer: TestClient
) -> None:
    done, open_ = made.found(surveyor, "tank_cracked", "vent_missing")
    plan = made.approved_plan(manager, reviewer, [done, open_])
    accepted(database, done["id"])
    draft = made.plan_step(manager, plan["id"], "revise", 201)
    url = f"{API}/plans/{draft['id']}"
    assert draft["problems"]["accepted"] == 1
    answer = manager.post(f"{url}/items", json={"items": [made.item(done, measure="另一措施")]})
    assert faults(answer) == {"/items/0/problem_id": "problem_done"}
    same = [made.item(one, due_on="2037-12-31") for one in (done, open_)]
    assert made.put(manager, draft["id"], *[made.item(open_, measure="改")])["changed"] == 1
    ok(manager.post(f"{url}/items/remove", json={"problem_ids": [done["id"]]}))
    assert faults(manager.post(f"{url}/submit")) == {"/items": "task_begun"}
    made.put(manager, draft["id"], same[1])
    ok(manager.post(f"{url}/withdraw"))
    draft = made.plan_step(manager, plan["id"], "revise", 201)  # another try, of the same edition number
    assert draft["edition"] == 2
    made.plan_step(manager, draft["id"], "submit")
    assert made.plan_step(reviewer, draft["id"], "approve")["problems"]["accepted"] == 1
    task = task_of(database, done["id"])
    assert (task.state, str(task.plan_id), task.measure) == ("accepted", plan["id"], "更换化粪池")


def test_a_revision_starts_from_what_tasks_say_today(
    as_: As, database: Database, surveyor: TestClient, manager: TestClient, reviewer: TestClient
) -> None:
    one, gone = made.found(surveyor, "tank_cracked", "vent_missing")
    plan = made.approved_plan(manager, reviewer, [one, gone], due_on="2037-06-30")
    ok(as_("county_admin").post(f"{API}/problems/{gone['id']}/dismiss", json={"reason": "误登"}))
    with database.transaction(COUNTY) as session:  # as a granted postponement does
        values = {"problem": UUID(one["id"]), "due": "2037-09-30"}
        session.connection().execute(text("update task set due_on = :due where problem_id = :problem"), values)
        session.connection().execute(
            text("update problem set deadline = :due, deadline_source = 'postponement' where id = :problem"), values
        )
    draft = made.plan_step(manager, plan["id"], "revise", 201)
    [item] = items_of(manager, draft["id"])  # what is dismissed is not carried over
    assert (item["problem_id"], item["due_on"]) == (one["id"], "2037-09-30")
    made.plan_step(manager, draft["id"], "submit")
    made.plan_step(reviewer, draft["id"], "approve")
    assert str(task_of(database, one["id"]).due_on) == "2037-09-30"
    shown = ok(manager.get(f"{API}/problems/{one['id']}"))
    assert (shown["deadline"], shown["deadline_source"]) == ("2037-09-30", "postponement")


def test_an_addendum_stands_beside_the_plan(surveyor: TestClient, manager: TestClient, reviewer: TestClient) -> None:
    plan = made.approved_plan(manager, reviewer, made.found(surveyor, "tank_cracked"))
    for _ in range(2):
        body = {"id": str(new_id())}
        first = manager.post(f"{API}/plans/{plan['id']}/supplement", json=body)
        assert [first.status_code, manager.post(f"{API}/plans/{plan['id']}/supplement", json=body).status_code] == [
            201,
            200,
        ]
        addendum = first.json()
        assert (addendum["kind"], addendum["amends_id"], addendum["series_id"]) == ("addendum", plan["id"], body["id"])
        assert (addendum["title"], addendum["problems"]["total"]) == ("石渡乡农村户厕问题整改补充方案", 0)
        assert addendum["funds"] == []
        made.put(manager, addendum["id"], *(made.item(one, cost_fen=0) for one in made.found(surveyor, "no_roof")))
        made.plan_step(manager, addendum["id"], "submit")
        filed = made.plan_step(reviewer, addendum["id"], "approve")
        assert filed["state"] == "approved"
        assert ok(manager.get(f"{API}/plans/{addendum['id']}"))["allowed_actions"] == []
    assert ok(manager.get(f"{API}/plans/{plan['id']}"))["state"] == "approved"
    for step in ("revise", "supplement"):
        refusal = refused(manager.post(f"{API}/plans/{addendum['id']}/{step}"), 409, "wrong_state")
        assert refusal["plan_in_force"] == plan["id"]
    taken = manager.post(f"{API}/plans/{plan['id']}/revise", json=body)
    refused(taken, 409, "id_taken")
    refused(reviewer.post(f"{API}/plans/{plan['id']}/revise"), 403, "forbidden")


def test_revised_twice_at_once_is_one_draft(surveyor: TestClient, manager: TestClient, reviewer: TestClient) -> None:
    plan = made.approved_plan(manager, reviewer, made.found(surveyor, "tank_cracked"))
    answers = at_once(3, lambda _: manager.post(f"{API}/plans/{plan['id']}/revise"))
    assert sorted(one.status_code for one in answers) == [201, 409, 409]
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"plan_exists"}


def furnish(database: Database, count: int) -> None:
    """So many open problems in the work of a village, straight into the tables."""
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(
            text(
                """
                insert into problem (id, division_code, campaign_id, problem_class, type_id, cause, found_at, deadline)
                select uuidv7(), :village, campaign.id, 'work', kind.id, 'work_process', now(), date '2037-12-31'
                from campaign, (select id from problem_type where code = 'rushing') as kind, generate_series(1, :count)
                """
            ),
            {"village": survey.VILLAGE, "count": count},
        )


def test_hundreds_take_no_more_statements_than_a_few(
    database: Database, surveyor: TestClient, manager: TestClient, reviewer: TestClient
) -> None:
    counts = [0]

    def executed(*_: Any) -> None:
        counts[-1] += 1

    plan_id = made.plan(manager)["id"]
    furnish(database, 5)
    event.listen(database.engine, "before_cursor_execute", executed)
    try:
        for more, step in ((0, None), (295, "revise")):
            furnish(database, more)
            if step:
                plan_id = made.plan_step(manager, plan_id, step, 201)["id"]
            ok(manager.post(f"{API}/plans/{plan_id}/items/fill", json={"measures": [{"measure": "整改"}]}))
            made.plan_step(manager, plan_id, "submit")
            counts.append(0)
            filed = made.plan_step(reviewer, plan_id, "approve")
    finally:
        event.remove(database.engine, "before_cursor_execute", executed)
    assert filed["problems"]["total"] == 300
    assert counts[2] < counts[1] + 25


def test_charging_many_is_charging_each(database: Database, surveyor: TestClient, manager: TestClient) -> None:
    plan_id = UUID(made.plan(manager)["id"])
    furnish(database, 2)
    what = task_life.Charge(measure="整改", due_on=survey.moment("2037-05-01T00:00:00+08:00").date(), cost_fen=1)
    with database.transaction(COUNTY) as session:
        one, other = session.exec(select(LedgerProblem).order_by(col(LedgerProblem.id))).all()
        by = new_id()
        single = task_life.charge(session, one, what, by, path="planned", plan_id=plan_id)
        many = charge_many(session, {other.id: other}, {other.id: what}, by, plan_id=plan_id)[other.id]
        differing = {"id", "problem_id", "created_at", "updated_at"}
        assert single.model_dump(exclude=differing) == many.model_dump(exclude=differing)
        differing |= {"task_id", "found_at"}
        assert one.model_dump(exclude=differing) == other.model_dump(exclude=differing)
        rows = session.connection().execute(
            text(
                "select action, version, op, array(select jsonb_object_keys(after) order by 1), before"
                " from audit_entry join change_entry using (subject_id, version)"
                " where subject_id = any(:ids) order by action"
            ),
            {"ids": [one.id, other.id, single.id, many.id]},
        )
        entries = [tuple(map(str, row)) for row in rows]
    assert len(entries) == 4
    assert entries[0] == entries[1]
    assert entries[2] == entries[3]


def test_the_database_itself_holds_a_filed_plan_frozen(
    database: Database, surveyor: TestClient, manager: TestClient, reviewer: TestClient
) -> None:
    plan = made.approved_plan(manager, reviewer, made.found(surveyor, "tank_cracked"))
    for statement in (
        "update plan_item set measure = '别的' where plan_id = :plan",
        "delete from plan_item where plan_id = :plan",
        "update plan set approved_by = submitted_by where id = :plan",
    ):
        with pytest.raises(IntegrityError), database.transaction(COUNTY) as session:
            session.connection().execute(text(statement), {"plan": UUID(plan["id"])})


def test_a_plan_goes_along_when_its_villages_are_merged(
    as_: As, database: Database, surveyor: TestClient, manager: TestClient, reviewer: TestClient
) -> None:
    problem, other = made.found(surveyor, "tank_cracked", "no_roof")
    plan = made.approved_plan(manager, reviewer, [problem])
    addendum = made.plan_step(manager, plan["id"], "supplement", 201)
    made.put(manager, addendum["id"], made.item(other, cost_fen=0))
    body = {"reason": "撤并", "into": survey.OTHER_VILLAGE}
    ok(as_("county_admin").post(f"{API}/divisions/{survey.VILLAGE}/merge", json=body))
    for one in (plan, addendum):
        assert [item["division_code"] for item in items_of(manager, one["id"])] == [survey.OTHER_VILLAGE]
    made.plan_step(manager, addendum["id"], "submit")
    made.plan_step(reviewer, addendum["id"], "approve")
    assert task_of(database, other["id"]).division_code == survey.OTHER_VILLAGE


def test_a_reopened_problem_is_charged_again_and_planned_on(
    database: Database, surveyor: TestClient, manager: TestClient, reviewer: TestClient
) -> None:
    """Dismissed and reopened, it has another task of the same plan, which a later edition drives."""
    [problem] = made.found(surveyor, "tank_cracked")
    plan = made.approved_plan(manager, reviewer, [problem])
    url = f"{API}/problems/{problem['id']}"
    with database.transaction(COUNTY) as session:
        row = session.get_one(LedgerProblem, UUID(problem["id"]), with_for_update=True)
        by, moment = new_id(), survey.moment(survey.earlier(minutes=1))
        row.state, row.dismissal, row.dismissed_at, row.dismissed_reason = "dismissed", "decided", moment, "误登"
        tell_dismissed(session, row, "open", by, moment, "误登")
    assert task_of(database, problem["id"]).state == "cancelled"
    with database.transaction(COUNTY) as session:
        row = session.get_one(LedgerProblem, UUID(problem["id"]), with_for_update=True)
        reopen_held(session, row, by, "确有其事", moment)
    assert (task_of(database, problem["id"]).attempt, ok(manager.get(url))["state"]) == (2, "open")
    draft = made.plan_step(manager, plan["id"], "revise", 201)
    made.put(manager, draft["id"], made.item(problem, measure="重做"))
    made.plan_step(manager, draft["id"], "submit")
    made.plan_step(reviewer, draft["id"], "approve")
    task = task_of(database, problem["id"])
    assert (task.attempt, task.measure, str(task.plan_id)) == (2, "重做", draft["id"])
