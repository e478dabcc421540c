"""Made-up plans, tasks and acceptances for the tests, through the API. Append only: several tests share it."""

from typing import Any
from uuid import UUID

from fastapi.testclient import TestClient
from sqlmodel import Session

from tests.scenes import scene
from tests.survey import made as survey
from toilet_api.kernel.database import EVERYWHERE, Actor, Database
from toilet_api.kernel.fields import now
from toilet_api.rectification.holding import held_problems, last_task
from toilet_api.rectification.task_life import Charge, charge, start

API = survey.API


PLAN_TEXTS: dict[str, Any] = {
    "key_points": "优先整改池体破裂、渗漏的厕所",
    "technical_route": "三格化粪池破损的整体更换，按国家标准做满水试验",
    "workforce": "成立工作专班，委托有资质单位施工",
    "funds": [{"source": "county", "amount_fen": 5_000_000, "note": "奖补资金"}],
    "due_on": "2037-10-31",
}


@scene
def found(surveyor: TestClient, *types: str, **members: Any) -> list[dict[str, Any]]:
    """The open problems of one more household, found by a submitted visit."""
    visit = survey.submitted(surveyor, *types, **members)
    return survey.problems(surveyor, household_id=visit["household_id"])


@scene
def plan(manager: TestClient, township: str = survey.TOWNSHIP, **members: Any) -> dict[str, Any]:
    """A draft of a township's plan with all of its texts."""
    body = {"division_code": township, **PLAN_TEXTS, **members}
    shown: dict[str, Any] = survey.ok(manager.post(f"{API}/plans", json=body), 201)
    return shown


def item(problem: dict[str, Any], **members: Any) -> dict[str, Any]:
    """An item of a plan."""
    return {"problem_id": problem["id"], "measure": "更换化粪池", "cost_fen": 120_000, **members}


@scene
def put(manager: TestClient, plan_id: str, *items: dict[str, Any]) -> dict[str, Any]:
    """Put items into a plan."""
    shown: dict[str, Any] = survey.ok(manager.post(f"{API}/plans/{plan_id}/items", json={"items": list(items)}))
    return shown


@scene
def plan_step(client: TestClient, plan_id: str, name: str, status: int = 200, **body: Any) -> dict[str, Any]:
    """The plan after a step that must succeed."""
    shown: dict[str, Any] = survey.ok(client.post(f"{API}/plans/{plan_id}/{name}", json=body or None), status)
    return shown


@scene
def approved_plan(
    manager: TestClient, approver: TestClient, problems: list[dict[str, Any]], **members: Any
) -> dict[str, Any]:
    """A plan with these problems, submitted by the township and approved by the county. `members`: of each item."""
    draft = plan(manager)
    put(manager, draft["id"], *(item(one, **members) for one in problems))
    plan_step(manager, draft["id"], "submit")
    return plan_step(approver, draft["id"], "approve")


def me(client: TestClient) -> str:
    """The id of whoever is logged in."""
    return str(survey.ok(client.get(f"{API}/me"))["id"])


@scene
def done_work(
    database: Database, problems: list[dict[str, Any]], worker: str, *, state: str = "submitted"
) -> dict[str, str]:
    """Problem -> its task, charged at once, begun, and (unless `state` is in_work) submitted by `worker`."""
    by, moment, tasks = UUID(worker), now(), {}
    with database.transaction(EVERYWHERE, Actor(by, "person", "worker")) as session:
        held = held_problems(session, [UUID(one["id"]) for one in problems])
        for problem in held.values():
            task = charge(session, problem, Charge(measure="更换化粪池"), by, path="at_once")
            start(session, problem, task, by, moment, step="start")
            if state == "submitted":
                task.state, task.submitted_at, task.submitted_by = "submitted", moment, by
            session.add(task)
            tasks[str(problem.id)] = str(task.id)
    return tasks


def panel(*clients: TestClient) -> list[dict[str, Any]]:
    """A panel of these people."""
    return [{"user_id": me(client)} for client in clients]


def acceptance_body(
    problems: list[dict[str, Any]], *members: TestClient, level: str = "township", **more: Any
) -> dict[str, Any]:
    """The body of a new acceptance of `problems` by a panel of `members`."""
    return {"level": level, "problem_ids": [one["id"] for one in problems], "panel": panel(*members), **more}


@scene
def acceptance(client: TestClient, problems: list[dict[str, Any]], *members: TestClient, **more: Any) -> dict[str, Any]:
    """An open acceptance, begun by `client`."""
    body = acceptance_body(problems, *members, **more)
    shown: dict[str, Any] = survey.ok(client.post(f"{API}/acceptances", json=body), 201)
    return shown


def results(one: dict[str, Any], **changed: dict[str, Any] | None) -> list[dict[str, Any]]:
    """A result for each item of the checklist, all met. `changed`: code -> its members; None leaves it out."""
    made: dict[str, dict[str, Any] | None] = {
        item["code"]: {"value": item["min"]} if item["kind"] == "measure" else {"passed": True}
        for item in one["results"]
    }
    return [{"code": code, **members} for code, members in {**made, **changed}.items() if members is not None]


def signed(*clients: TestClient, village: str = survey.VILLAGE) -> list[dict[str, str]]:
    """The signatures of these members, uploaded by themselves."""
    return [{"user_id": me(one), "attachment_id": survey.signature(one, village)} for one in clients]


def decision(one: dict[str, Any], *signers: TestClient, **more: Any) -> dict[str, Any]:
    """The body of a decision in which everything is met."""
    return {"results": results(one), "signatures": signed(*signers), **more}


@scene
def decide(client: TestClient, one: dict[str, Any], step: str, *signers: TestClient, **more: Any) -> dict[str, Any]:
    """The acceptance after a decision that must succeed."""
    answer = client.post(f"{API}/acceptances/{one['id']}/{step}", json=decision(one, *signers, **more))
    shown: dict[str, Any] = survey.ok(answer)
    return shown


def problem(client: TestClient, problem_id: str) -> dict[str, Any]:
    """A problem of the ledger."""
    shown: dict[str, Any] = survey.ok(client.get(f"{API}/problems/{problem_id}"))
    return shown


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal, which must say which paragraph is behind it and what to do next."""
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body.get("code")) == (status, code), answer.text
    assert body["rule"], answer.text
    assert body["remedy"], answer.text
    return body


@scene
def at_once(worker: TestClient, problem: dict[str, Any], **members: Any) -> dict[str, Any]:
    """The task of a problem that is mended at once."""
    body = {"measure": "更换损坏的零件", **members}
    shown: dict[str, Any] = survey.ok(worker.post(f"{API}/problems/{problem['id']}/rectify-at-once", json=body), 201)
    return shown


@scene
def noted(worker: TestClient, task: dict[str, Any], stage: str = "after", **members: Any) -> dict[str, Any]:
    """A progress note with a photo of `stage`."""
    place = task["division_code"]
    photo = survey.ok(survey.upload(worker, village=place), 201)["id"]
    body = {"text": "已处理", "stage": stage, "photo_ids": [photo], **members}
    shown: dict[str, Any] = survey.ok(worker.post(f"{API}/tasks/{task['id']}/notes", json=body), 201)
    return shown


@scene
def task_step(client: TestClient, task: dict[str, Any], name: str, **body: Any) -> dict[str, Any]:
    """The task after a step that must succeed."""
    shown: dict[str, Any] = survey.ok(client.post(f"{API}/tasks/{task['id']}/{name}", json=body or None))
    return shown


@scene
def finished(worker: TestClient, problem: dict[str, Any]) -> dict[str, Any]:
    """The task of a problem that was mended at once and submitted to acceptance."""
    task = at_once(worker, problem)
    noted(worker, task)
    return task_step(worker, task, "submit")


def problem_task(session: Session, problem_id: str) -> UUID:
    """The newest task of a problem."""
    found = last_task(session, UUID(problem_id))
    assert found is not None
    return found.id
