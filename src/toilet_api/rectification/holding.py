"""Locking a problem and its task in one order, so that two people at once never wait for each other in a circle.

The order is: division, then plan or acceptance, then problems by id, then their villages, then their tasks by id.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, text
from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.rectification.rules import ENDED_TASKS
from toilet_api.rectification.tables import Task
from toilet_api.survey.records import existing, locked
from toilet_api.survey.rules import ProblemFacts
from toilet_api.survey.tables import Campaign, LedgerProblem, Visit

_ONE_AT_A_TIME = text(
    "select pg_advisory_xact_lock(hashtextextended(current_schema() || '.problems.' || place, 0))"
    " from unnest(cast(:places as text[])) as place"
)


def held_problems(
    session: Session, ids: Collection[UUID], within: ColumnElement[bool] | None = None
) -> dict[UUID, LedgerProblem]:
    """Those of `ids` that stand (and lie `within`), locked in the order of their ids.

    Each step on a problem counts at its toilet (`problem_standing`), whose other problems another may hold. So whoever
    holds those of several toilets is the only one who does in their villages, or two would wait for each other there.
    """
    statement = select(LedgerProblem).where(
        col(LedgerProblem.id).in_(set(ids)), col(LedgerProblem.removed_at).is_(None)
    )
    if within is not None:
        statement = statement.where(within)
    rows = session.exec(
        statement.order_by(col(LedgerProblem.id)).with_for_update().execution_options(populate_existing=True)
    )
    held = {row.id: row for row in rows}
    if len({row.toilet_id for row in held.values()}) > 1:
        session.connection().execute(_ONE_AT_A_TIME, {"places": sorted({row.division_code for row in held.values()})})
    return held


def held_task(session: Session, caller: Caller, task_id: UUID) -> tuple[LedgerProblem, Task]:
    """A task with its problem, both locked, the problem first. Raises 404."""
    problem_id = existing(session, caller, Task, task_id).problem_id
    problem = held_problems(session, [problem_id]).get(problem_id)
    if problem is None:
        raise NOT_FOUND.problem()
    return problem, locked(session, caller, Task, task_id)


def live_tasks(session: Session, problem_ids: Collection[UUID]) -> dict[UUID, Task]:
    """Problem -> its live task, locked in the order of their ids. The problems must be locked already."""
    rows = session.exec(
        select(Task)
        .where(
            col(Task.problem_id).in_(set(problem_ids)),
            col(Task.state).not_in(ENDED_TASKS),
            col(Task.removed_at).is_(None),
        )
        .order_by(col(Task.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.problem_id: row for row in rows}


def last_task(session: Session, problem_id: UUID) -> Task | None:
    """The newest task of a problem, ended or not, locked. The problem must be locked already."""
    return session.exec(
        select(Task)
        .where(Task.problem_id == problem_id, col(Task.removed_at).is_(None))
        .order_by(col(Task.attempt).desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def facts_of(session: Session, problem: LedgerProblem) -> ProblemFacts:
    """What the guards of a problem look at."""
    campaign = session.get_one(Campaign, problem.campaign_id)
    visit = None if problem.visit_id is None else session.get_one(Visit, problem.visit_id)
    return ProblemFacts(
        problem_class=problem.problem_class,
        cause=problem.cause,
        has_task=problem.task_id is not None,
        visit_state=None if visit is None else visit.state,
        accepted_level=problem.accepted_level,
        at_once_causes=campaign.at_once_causes,
        verification_levels=campaign.verification_levels,
        county_share=int(campaign.acceptance_shares.get("county", 0)),
    )
