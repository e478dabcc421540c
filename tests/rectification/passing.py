"""Shortcuts past other records, for tests that begin behind them: what a plan and an acceptance would do."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlmodel import Session

from toilet_api.accounts.tables import Principal
from toilet_api.kernel.database import EVERYWHERE, Actor, Database
from toilet_api.kernel.fields import now
from toilet_api.rectification import task_life
from toilet_api.rectification.holding import last_task
from toilet_api.rectification.tables import Plan, Task
from toilet_api.survey.tables import LedgerProblem

SOMEBODY = UUID("0199f2c4-7c1e-7000-8000-0000000000aa")
_ACTOR = Actor(SOMEBODY, "person", "somebody")


def _problem(session: Session, problem_id: str) -> LedgerProblem:
    return session.get_one(LedgerProblem, UUID(problem_id), with_for_update=True)


def charged(database: Database, problem_id: str, due_on: date | None = None, **members: Any) -> str:
    """The id of a task by an approved plan, waiting to be started."""
    with database.transaction(EVERYWHERE, _ACTOR) as session:
        problem = _problem(session, problem_id)
        plan = Plan(
            division_code=problem.division_code[:9],
            drawn_for=problem.division_code[:9],
            campaign_id=problem.campaign_id,
            series_id=problem.id,
            title="整改方案",
            state="superseded",  # so that each problem of a test may have one
            submitted_by=SOMEBODY,
            approved_at=now(),
            approved_by=problem.id,
            superseded_at=now(),
        )
        session.add(plan)
        session.flush()
        what = task_life.Charge(**{"measure": "更换破裂的第二池", "due_on": due_on, **members})
        return str(task_life.charge(session, problem, what, SOMEBODY, path="planned", plan_id=plan.id).id)


def accepted(database: Database, problem_id: str, level: str = "township") -> None:
    """What a panel's decision does to a problem whose work was submitted."""
    with database.transaction(EVERYWHERE, _ACTOR) as session:
        problem = _problem(session, problem_id)
        task_life.accept(session, problem, _last(session, problem), level, SOMEBODY, now())


def sent_back(database: Database, problem_id: str, reason: str = "回填不实", due_on: date | None = None) -> None:
    """What a panel's refusal does."""
    with database.transaction(EVERYWHERE, _ACTOR) as session:
        problem = _problem(session, problem_id)
        task_life.send_back(session, problem, _last(session, problem), reason, due_on, SOMEBODY)


def person(database: Database, username: str) -> str:
    """The id of an account."""
    with database.transaction(EVERYWHERE) as session:
        found = session.connection().exec_driver_sql(
            f"select id from {Principal.__tablename__} where username = %s", (username,)
        )
        return str(found.scalar_one())


def _last(session: Session, problem: LedgerProblem) -> Task:
    task = last_task(session, problem.id)
    assert task is not None
    return task
