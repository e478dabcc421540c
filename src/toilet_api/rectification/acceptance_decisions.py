"""The decision of a panel: everything passes, a part of it, or nothing; and what that does to tasks and problems."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.kernel.errors import INVALID, FieldError
from toilet_api.kernel.preconditions import optional_match
from toilet_api.rectification import acceptance_views, checklists, panels, task_life
from toilet_api.rectification.acceptance_checks import Judged, hindrances, judge, unmet_errors
from toilet_api.rectification.acceptance_schemas import Decision, FailedDecision, PartialDecision, Redo
from toilet_api.rectification.acceptances import content, journal_acceptance, parts_of, ready
from toilet_api.rectification.holding import held_problems
from toilet_api.rectification.problems import CHECK_NOT_PASSED, COUNTY_DECIDES, NOT_ON_PANEL, NOT_READY, VETO
from toilet_api.rectification.rules import ACCEPTANCE
from toilet_api.rectification.tables import Acceptance, AcceptanceProblem, Task
from toilet_api.survey import attachments
from toilet_api.survey.records import locked
from toilet_api.survey.rules import moment_faults, shanghai_date

_ACTIONS = {"pass": "acceptance.passed", "pass_partly": "acceptance.passed_partly", "fail": "acceptance.failed"}
_REDO_RULE = "工作方案 四（五）：严格按照国家标准整改到位"
_TIME_RULE = "工作方案 四（五）：完成整改后验收"


def decide(
    session: Session,
    caller: Caller,
    acceptance_id: UUID,
    step: str,
    body: Decision | PartialDecision | FailedDecision,
    if_match: str | None,
    now: datetime,
) -> Acceptance:
    """`pass`, `pass_partly` or `fail`, by a member of the panel, with a result for each item that is required.

    Raises `not_on_panel`, `not_ready_for_acceptance`, `panel_did_the_work`, `panel_signature_missing`,
    `veto_item_failed`, `check_not_passed`.
    """
    row = locked(session, caller, Acceptance, acceptance_id)
    optional_match(if_match, row.version, lambda: acceptance_views.present(session, caller, row))
    target = ACCEPTANCE.next(row.state, step)
    if caller.id not in row.panel_user_ids:
        raise NOT_ON_PANEL.problem()
    if row.level == "county" and not panels.is_of(row.panel, caller.id, "county"):
        raise COUNTY_DECIDES.problem()
    before = content(session, row)
    parts = [part for part in parts_of(session, row.id) if part.is_open]
    problems = held_problems(session, [part.problem_id for part in parts])
    if not parts:  # each of its problems was dismissed
        raise NOT_READY.problem(errors=[_fault("/problem_ids", "nothing_left", "问题均已撤销", "all were dismissed")])
    tasks = ready(session, [problems[part.problem_id] for part in parts], row.level)
    panels.refuse_workers(row.panel, tasks.values())
    judged = _judged(session, caller, row, parts, tasks, body, now)
    signatures = panels.check_signatures(session, caller, row, body.signatures)
    attachments.check(session, body.photo_ids, "photo", row.division_code, "/photo_ids", row.household_id)
    vetoes, others = hindrances(step, judged)
    if vetoes:
        raise VETO.problem(errors=unmet_errors(vetoes))
    if others:
        raise CHECK_NOT_PASSED.problem(errors=unmet_errors(others))
    reason = body.reason if isinstance(body, (PartialDecision, FailedDecision)) else None
    redo = {one.problem_id: one for one in _redo_of(body)}
    for part in parts:
        problem, task = problems[part.problem_id], tasks[part.problem_id]
        part.is_open, part.task_id = False, task.id
        if step == "fail" or part.problem_id in redo:
            again = redo.get(part.problem_id)
            part.outcome, part.redo = "redo", str(again.redo if again and again.redo else reason)
            part.redo_due = again.redo_due if again else None
            task_life.send_back(session, problem, task, part.redo, part.redo_due, caller.id)
        else:
            part.outcome = "accepted"
            task_life.accept(session, problem, task, row.level, caller.id, now, body.note)
    row.state, row.reason, row.note = target, reason, body.note
    row.checked_at, row.decided_at, row.decided_by = body.checked_at or now, now, caller.id
    row.results, row.signatures, row.photo_ids = [one.stored() for one in judged], signatures, list(body.photo_ids)
    row.touch(caller.id)
    journal_acceptance(session, row, _ACTIONS[step], before, reason=reason)
    return row


def _judged(
    session: Session,
    caller: Caller,
    row: Acceptance,
    parts: Sequence[AcceptanceProblem],
    tasks: dict[UUID, Task],
    body: Decision,
    now: datetime,
) -> list[Judged]:
    """The results by the frozen checklist. Raises 422 with everything that is wrong with the body."""
    items = checklists.items_of(checklists.frozen(session, caller, row.checklist_id))
    judged, faults = judge(items, body.results)
    faults += _time_faults(body.checked_at, tasks, now)
    faults += _redo_faults(_redo_of(body), [part.problem_id for part in parts], isinstance(body, PartialDecision), now)
    if faults:
        raise INVALID.problem(errors=faults)
    return judged


def _redo_of(body: Decision) -> list[Redo]:
    return body.redo if isinstance(body, (PartialDecision, FailedDecision)) else []


def _time_faults(checked_at: datetime | None, tasks: dict[UUID, Task], now: datetime) -> list[FieldError]:
    """The check took place after the work was submitted, and not in the future."""
    if checked_at is None:
        return []
    faults = moment_faults(checked_at, now, "/checked_at")
    done = max((task.submitted_at for task in tasks.values() if task.submitted_at), default=None)
    if done is not None and checked_at < done:
        told = ("早于报请验收的时间", "it lies before the work was submitted")
        faults.append(
            FieldError(
                "/checked_at", "checked_before_done", told, checked_at.isoformat(), done.isoformat(), rule=_TIME_RULE
            )
        )
    return faults


def _redo_faults(redo: Sequence[Redo], ids: Sequence[UUID], in_part: bool, now: datetime) -> list[FieldError]:
    faults: list[FieldError] = []
    for place, one in enumerate(redo):
        pointer, value = f"/redo/{place}/problem_id", str(one.problem_id)
        if one.problem_id not in ids:
            faults.append(_fault(pointer, "problem_unknown", "不在本次验收中", "not in this acceptance", value))
        elif any(one.problem_id == earlier.problem_id for earlier in redo[:place]):
            faults.append(_fault(pointer, "problem_repeated", "同一问题只能列一次", "each problem once", value))
        if one.redo_due is not None and one.redo_due < shanghai_date(now):
            faults.append(
                _fault(f"/redo/{place}/redo_due", "redo_due_past", "早于今天", "it has passed", str(one.redo_due))
            )
    if in_part and {one.problem_id for one in redo} >= set(ids):
        faults.append(
            _fault("/redo", "nothing_passed", "全部返工须判定不合格（fail）", "if all is done again, fail it")
        )
    return faults


def _fault(pointer: str, code: str, zh: str, en: str, value: Any = None) -> FieldError:
    return FieldError(pointer, code, (zh, en), value, rule=_REDO_RULE)
