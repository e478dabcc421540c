"""How postponements are shown: one list of columns, for single records and for pages alike."""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, func, literal_column, select
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.kernel.machines import Guard
from toilet_api.rectification.postponement_schemas import PostponementRow
from toilet_api.rectification.rules import (
    BY_REQUESTER,
    ENDED_TASKS,
    NOT_BY_REQUESTER,
    POSTPONEMENT,
    STILL_LATER,
    TASK_LIVE,
)
from toilet_api.rectification.tables import Postponement, Task
from toilet_api.survey.actions import actions_column, remembered
from toilet_api.survey.places import Township, Village, with_places
from toilet_api.survey.tables import CatalogueType, LedgerProblem

SORTS: dict[str, list[Any]] = {
    "created_at": [col(Postponement.created_at)],
    "-created_at": [col(Postponement.created_at).desc()],
    "to_due": [col(Postponement.to_due)],
    "-to_due": [col(Postponement.to_due).desc()],
    "division_code": [col(Postponement.division_code)],
}
_NONE: Any = None
_NO_DAY: ColumnElement[date] = literal_column("date '-infinity'", Date)


@remembered
def postponement_select(caller: Caller) -> Select[Any]:
    """The members of `PostponementRow`, of the requests in the caller's scope."""
    state, place = col(Postponement.state), col(Postponement.division_code)
    due: Any = func.coalesce(col(Task.due_on), _NO_DAY, type_=Date)
    own: Any = col(Postponement.created_by) == caller.id
    holds: dict[Guard, bool | ColumnElement[bool]] = {
        BY_REQUESTER: own,
        NOT_BY_REQUESTER: ~own,
        TASK_LIVE: col(Task.state).not_in(ENDED_TASKS),
        STILL_LATER: col(Postponement.to_due) > due,
    }
    made: dict[str, Any] = {
        "village_name": Village.name,
        "township_name": Township.name,
        "campaign_id": Task.campaign_id,
        "task_state": Task.state,
        "task_due_on": Task.due_on,
        "problem_id": Task.problem_id,
        "problem_type": CatalogueType.code,
        "type_zh": CatalogueType.zh,
        "requested_by": Postponement.created_by,
        "allowed_actions": actions_column(POSTPONEMENT, state, place, caller, holds),
    }
    columns = [made.get(name, getattr(Postponement, name, _NONE)).label(name) for name in PostponementRow.model_fields]
    statement = (
        select(*columns)
        .select_from(Postponement)
        .join(Task, col(Task.id) == col(Postponement.task_id))
        .join(LedgerProblem, col(LedgerProblem.id) == col(Task.problem_id))
        .join(CatalogueType, col(CatalogueType.id) == col(LedgerProblem.type_id))
        .where(col(Postponement.removed_at).is_(None))
    )
    return caller.scope.narrow(with_places(statement, place), place)


def present(session: Session, caller: Caller, row: Postponement) -> PostponementRow:
    """One request as an answer."""
    session.flush()
    statement = postponement_select(caller).where(col(Postponement.id) == row.id)
    found = session.connection().execute(statement).mappings().one_or_none()
    if found is None:
        raise NOT_FOUND.problem()
    return PostponementRow(**found)
