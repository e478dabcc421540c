"""立行立改: a small defect is mended at once, without a plan (work plan 一; 四（三）: 边排查边整改，不等不靠)."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.divisions import lookup
from toilet_api.kernel.errors import ID_TAKEN
from toilet_api.kernel.preconditions import optional_match
from toilet_api.rectification import task_life
from toilet_api.rectification.holding import facts_of
from toilet_api.rectification.problems import NOT_AT_ONCE, TASK_EXISTS
from toilet_api.rectification.retries import sent_before
from toilet_api.rectification.tables import Task
from toilet_api.rectification.task_schemas import AtOnce
from toilet_api.registry.uniqueness import CollisionError, guarded
from toilet_api.survey import ledger_views
from toilet_api.survey.records import digest, existing, locked
from toilet_api.survey.rules import AT_ONCE, PROBLEM, failing_guards
from toilet_api.survey.tables import LedgerProblem


def rectify(
    session: Session, caller: Caller, problem_id: UUID, body: AtOnce, if_match: str | None, now: datetime
) -> tuple[Task, bool]:
    """Charge somebody with a problem and begin, in one step. Gives the task, and whether it was made now.

    Raises `wrong_state`, `task_exists`, `not_at_once` for a cause that the campaign doesn't mend at once, 412.
    """
    lookup.resolve_for_write(session, existing(session, caller, LedgerProblem, problem_id).division_code, None)
    problem = locked(session, caller, LedgerProblem, problem_id)
    earlier = sent_before(session, caller, Task, body.id, body, of=("problem_id", problem.id))
    if earlier is not None:
        return earlier, False
    optional_match(if_match, problem.version, lambda: ledger_views.present(session, caller, problem, now))
    PROBLEM.next(problem.state, "rectify_at_once")
    if problem.task_id is not None:
        raise TASK_EXISTS.problem(task_id=str(problem.task_id))
    if AT_ONCE in failing_guards(facts_of(session, problem)):
        raise NOT_AT_ONCE.problem(cause=problem.cause)
    what = task_life.Charge(**body.model_dump(exclude={"id"}))
    try:
        with guarded(session):
            task = task_life.charge(
                session, problem, what, caller.id, path="at_once", task_id=body.id, origin_digest=digest(body)
            )
    except CollisionError as collision:
        raise (TASK_EXISTS if collision.index == "task_live" else ID_TAKEN).problem() from None
    task_life.start(session, problem, task, caller.id, now, step="rectify_at_once")
    return task, True
