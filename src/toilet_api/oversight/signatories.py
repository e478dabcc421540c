"""Who signed for a problem, from the survey to the close-out (谁签字、谁负责)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, func, literal, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from toilet_api.accounts.tables import Principal
from toilet_api.kernel.database import EVERYWHERE, enter_scope
from toilet_api.rectification.tables import Acceptance, AcceptanceProblem, CloseOut, Task
from toilet_api.survey.tables import LedgerProblem, Visit

# By names of their own, so that a list which shows the same tables doesn't mix with them.
_Visit: Any = aliased(Visit, name="signed_visit")
_Problem: Any = aliased(LedgerProblem, name="signed_problem")
_Task: Any = aliased(Task, name="signed_task")
_Acceptance: Any = aliased(Acceptance, name="signed_acceptance")
_Judged: Any = aliased(AcceptanceProblem, name="signed_judged")
_CloseOut: Any = aliased(CloseOut, name="signed_close_out")


class Signatory(NamedTuple):
    """Somebody who signed, and as what (a code of `signed_as`)."""

    person_id: UUID
    person_name: str
    signed_as: str


def signed_by(person_id: UUID, problem_id: Any) -> ColumnElement[bool]:
    """Whether a person had a part in a problem: survey, verification, the work, a panel, or the close-out."""
    visits = select(_Visit.id).join(_Problem, _Problem.visit_id == _Visit.id)
    parts = (_Visit.surveyor_id, _Visit.township_verified_by, _Visit.county_verified_by)
    surveyed = visits.where(_Problem.id == problem_id, or_(*(column == person_id for column in parts)))
    worked = select(_Task.id).where(
        _Task.problem_id == problem_id,
        or_(_Task.submitted_by == person_id, literal(person_id, Uuid) == func.any(_Task.worker_ids)),
    )
    accepted = (
        select(_Acceptance.id)
        .join(_Judged, _Judged.acceptance_id == _Acceptance.id)
        .where(_Judged.problem_id == problem_id, literal(person_id, Uuid) == func.any(_Acceptance.panel_user_ids))
    )
    closed = select(_CloseOut.id).where(_CloseOut.problem_id == problem_id, _CloseOut.closed_by == person_id)
    return or_(surveyed.exists(), worked.exists(), accepted.exists(), closed.exists())


def signatories(session: Session, problem: LedgerProblem, until: datetime, scope: tuple[str, ...]) -> list[Signatory]:
    """Everybody who signed for the close-out of `problem` that stood at `until`, each once for each part.

    Names are those that the records hold, else the accounts'. Accounts may lie outside of the caller's scope, so they
    are looked up by id in the widest, and `scope` holds again afterwards.
    """
    found: dict[tuple[UUID, str], str | None] = {}
    visit = None if problem.visit_id is None else session.get(Visit, problem.visit_id)
    if visit is not None:
        found[visit.surveyor_id, "surveyor"] = visit.surveyor_name
        for person, part in (
            (visit.township_verified_by, "township_verifier"),
            (visit.county_verified_by, "county_verifier"),
        ):
            if person is not None:
                found[person, part] = None
    close_out = session.exec(
        rows_of(CloseOut)
        .where(CloseOut.problem_id == problem.id, CloseOut.closed_at <= until)
        .order_by(col(CloseOut.closed_at).desc())
        .limit(1)
    ).first()
    if close_out is not None:
        task = session.get_one(Task, close_out.task_id)
        if task.submitted_by is not None:
            found[task.submitted_by, "task_submitter"] = None
        for person, name in _panel(session, task.id):
            found[person, "panel_member"] = name
        found[close_out.closed_by, "closer"] = close_out.closed_by_name
    names = _names(session, (person for (person, _), name in found.items() if name is None), scope)
    return [Signatory(person, name or names.get(person, str(person)), part) for (person, part), name in found.items()]


def _panel(session: Session, task_id: UUID) -> list[tuple[UUID, str | None]]:
    """Those who signed the acceptances in which the work of a task passed."""
    acceptances = session.exec(
        rows_of(Acceptance)
        .join(AcceptanceProblem, col(AcceptanceProblem.acceptance_id) == col(Acceptance.id))
        .where(AcceptanceProblem.task_id == task_id, AcceptanceProblem.outcome == "accepted")
        .order_by(col(Acceptance.decided_at))
    ).all()
    names = {one["user_id"]: one.get("name") for acceptance in acceptances for one in acceptance.panel}
    signed = {one["user_id"]: None for acceptance in acceptances for one in acceptance.signatures}
    return [(UUID(person), names.get(person)) for person in signed]


def _names(session: Session, ids: Iterable[UUID], scope: tuple[str, ...]) -> dict[UUID, str]:
    wanted = set(ids)
    if not wanted:
        return {}
    enter_scope(session, EVERYWHERE)
    rows = session.exec(rows_of(Principal.id, Principal.display_name).where(col(Principal.id).in_(wanted))).all()
    enter_scope(session, scope)
    return dict(rows)
