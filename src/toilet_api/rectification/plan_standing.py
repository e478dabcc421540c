"""Holding a plan with the problems that it lists, in the order of locks, and how each of them stands."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller
from toilet_api.divisions.lookup import lock_for_write
from toilet_api.rectification.holding import held_problems, live_tasks
from toilet_api.rectification.plan_rules import Standing
from toilet_api.rectification.rules import PLAN_AT_WORK
from toilet_api.rectification.tables import Plan, PlanItem, Task
from toilet_api.survey.records import existing, locked
from toilet_api.survey.tables import LedgerProblem, Visit

IN_PREPARATION = ("submitted", *PLAN_AT_WORK)


@dataclass(frozen=True, slots=True)
class Held:
    """Problems that are locked, their live tasks (of whatever origin), and how they stand to a plan."""

    problems: dict[UUID, LedgerProblem]
    tasks: dict[UUID, Task]
    standings: dict[UUID, Standing]


def held_plan(session: Session, caller: Caller, plan_id: UUID, problem_ids: Collection[UUID] = ()) -> Plan:
    """The plan, locked; before it its township and the villages of its problems and of `problem_ids`.

    What is about to be written there can't miss a merge or split of them. Raises 404.
    """
    plan = existing(session, caller, Plan, plan_id)
    listed = select(PlanItem.division_code).where(PlanItem.plan_id == plan_id)
    named = select(LedgerProblem.division_code).where(col(LedgerProblem.id).in_(set(problem_ids)))
    places = {plan.division_code, *session.exec(listed), *(session.exec(named) if problem_ids else ())}
    lock_for_write(session, places)
    return locked(session, caller, Plan, plan_id)


def items_of(session: Session, plan_id: UUID) -> list[PlanItem]:
    """The items of a plan in the order of their list: by place."""
    return list(
        session.exec(
            select(PlanItem).where(PlanItem.plan_id == plan_id).order_by(col(PlanItem.division_code), col(PlanItem.id))
        )
    )


def held(session: Session, caller: Caller, plan: Plan, ids: Collection[UUID]) -> Held:
    """Those of `ids` that the caller sees, locked in the order of their ids, then their live tasks."""
    problems = held_problems(session, ids, caller.scope.condition(col(LedgerProblem.division_code)))
    tasks = live_tasks(session, problems)
    series = _series(session, {task.plan_id for task in tasks.values() if task.plan_id is not None})
    visits = _visit_states(session, {one.visit_id for one in problems.values() if one.visit_id is not None})
    elsewhere = _elsewhere(session, plan, problems)
    carried = _carried(session, plan)
    standings = {}
    for problem in problems.values():
        task = tasks.get(problem.id)
        own = task is not None and task.plan_id is not None and series[task.plan_id] == plan.series_id
        standings[problem.id] = Standing(
            problem_id=problem.id,
            place=problem.division_code,
            campaign_id=problem.campaign_id,
            state=problem.state,
            deadline=problem.deadline,
            from_visit=problem.visit_id is not None,
            visit_state=None if problem.visit_id is None else visits[problem.visit_id],
            task_state=task.state if own and task is not None else None,
            taken=task is not None and not own,
            elsewhere=problem.id in elsewhere,
            carried=problem.id in carried,
        )
    return Held(problems, tasks, standings)


def _series(session: Session, plan_ids: Collection[UUID]) -> dict[UUID, UUID]:
    rows = session.exec(select(Plan.id, Plan.series_id).where(col(Plan.id).in_(plan_ids)))
    return dict(rows.all())


def _visit_states(session: Session, visit_ids: Collection[UUID]) -> dict[UUID, str]:
    rows = session.exec(select(Visit.id, Visit.state).where(col(Visit.id).in_(visit_ids)))
    return dict(rows.all())


def _elsewhere(session: Session, plan: Plan, ids: Collection[UUID]) -> set[UUID]:
    """The problems that another plan in preparation lists (the plan beside its addendum)."""
    return set(
        session.exec(
            select(PlanItem.problem_id)
            .join(Plan, col(Plan.id) == col(PlanItem.plan_id))
            .where(
                col(PlanItem.problem_id).in_(set(ids)),
                Plan.id != plan.id,
                col(Plan.state).in_(IN_PREPARATION),
                col(Plan.removed_at).is_(None),
            )
        )
    )


def _carried(session: Session, plan: Plan) -> set[UUID]:
    """The problems of the edition before."""
    if plan.kind != "plan" or plan.amends_id is None:
        return set()
    return set(session.exec(select(PlanItem.problem_id).where(PlanItem.plan_id == plan.amends_id)))
