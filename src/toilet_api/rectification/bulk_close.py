"""Closing the problems of a village or township at once: each is checked on its own, in one transaction."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, SQLModel, col, select

from toilet_api.accounts.caller import Caller, forbidden
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions import lookup
from toilet_api.kernel.errors import NOT_FOUND, FieldError, Problem
from toilet_api.kernel.scope import Scope
from toilet_api.kernel.vault import Vault
from toilet_api.rectification.close_out_schemas import BulkClose, BulkClosed, BulkCloseItem, BulkCloseRefused
from toilet_api.rectification.close_out_schemas import BulkCloseResult as Result
from toilet_api.rectification.close_outs import PERMISSIONS, close_held
from toilet_api.rectification.holding import held_problems
from toilet_api.rectification.problems import PROBLEM_REPEATED
from toilet_api.registry.filters import scope_of
from toilet_api.survey.tables import Campaign, LedgerProblem, Visit


def close_many(session: Session, vault: Vault, caller: Caller, body: BulkClose, language: str, now: datetime) -> Result:
    """Close what can be closed, and say of the rest why not, in `language` (zh or en).

    Of a problem that is named twice the first mention counts, and any other is refused.
    Raises 403 for who closes nothing anywhere, 404 for a foreign division.
    """
    scope = Scope.of(prefix for permission in PERMISSIONS.values() for prefix in caller.scope_for(permission).prefixes)
    if scope.is_empty:
        raise forbidden(Permission.PROBLEM_CLOSE)
    caller = replace(caller, scope=scope)
    within = scope_of(session, caller, body.division_code).condition(col(LedgerProblem.division_code))
    ids = [item.problem_id for item in body.items]
    places = session.exec(select(LedgerProblem.division_code).where(col(LedgerProblem.id).in_(ids), within).distinct())
    lookup.lock_for_write(session, places.all())  # the order is: divisions, then problems
    held = held_problems(session, ids, within)
    known = _known(session, held.values())  # held on to, so that each problem finds them in the session
    result = Result(done=[], refused=[])
    for place, item in enumerate(body.items):
        problem = held.get(item.problem_id)
        try:
            if item.problem_id in ids[:place]:
                raise _repeated(item, f"/items/{place}/problem_id")
            if problem is None:
                raise NOT_FOUND.problem(("该区划内没有这个问题。", "No such problem in that division."))
            row = close_held(session, vault, caller, problem, item, now, f"/items/{place}")
        except Problem as refusal:
            result.refused.append(_refused(item, refusal, language, problem))
        else:
            result.done.append(BulkClosed(problem_id=problem.id, close_out_id=row.id, version=problem.version))
    del known
    return result


def _known(session: Session, problems: Collection[LedgerProblem]) -> list[SQLModel]:
    """The visits and campaigns of `problems`, read at once instead of one by one."""
    visits = {problem.visit_id for problem in problems if problem.visit_id is not None}
    campaigns = {problem.campaign_id for problem in problems}
    found: list[SQLModel] = [*session.exec(select(Visit).where(col(Visit.id).in_(visits)))]
    return [*found, *session.exec(select(Campaign).where(col(Campaign.id).in_(campaigns)))]


def _repeated(item: BulkCloseItem, pointer: str) -> Problem:
    told = (PROBLEM_REPEATED.zh, PROBLEM_REPEATED.en)
    fault = FieldError(pointer, PROBLEM_REPEATED.code, told, str(item.problem_id), rule=PROBLEM_REPEATED.rule)
    return PROBLEM_REPEATED.problem(errors=[fault])


def _refused(item: BulkCloseItem, refusal: Problem, language: str, problem: LedgerProblem | None) -> BulkCloseRefused:
    said = refusal.document(language)
    return BulkCloseRefused(
        problem_id=item.problem_id,
        code=said["code"],
        detail=said["detail"],
        rule=said.get("rule"),
        remedy=said.get("remedy"),
        state=None if problem is None else problem.state,
        errors=said.get("errors"),
    )
