"""What is done to a problem of the ledger: recorded in the work itself, changed, dismissed, reopened."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission
from toilet_api.kernel.errors import INVALID, FieldError
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.preconditions import optional_match, require_match
from toilet_api.registry.uniqueness import CollisionError, guarded
from toilet_api.survey import attachments, ledger_views, rules
from toilet_api.survey.campaigns import open_campaign
from toilet_api.survey.catalogue import types_for
from toilet_api.survey.ledger_events import tell_deadlines_moved, tell_dismissed, tell_reopened
from toilet_api.survey.ledger_schemas import ProblemPatch, WorkProblemNew
from toilet_api.survey.places import own_place
from toilet_api.survey.problems import ALREADY_IN_LEDGER, CAUSE_IS_COUNTYS
from toilet_api.survey.records import digest, insert_once, locked, snapshot
from toilet_api.survey.settlement import CONTENT, journal_problem, revive
from toilet_api.survey.tables import Campaign, LedgerProblem

_BY_CLASS = "工作方案 四（三）：分类整改"


def record_work(session: Session, caller: Caller, body: WorkProblemNew, now: datetime) -> tuple[LedgerProblem, bool]:
    """A problem in the work itself (work plan 四（二）1), at a village or township of the open campaign's county."""
    place = own_place(session, caller, body.division_code, None)
    if len(place) not in (9, 12):
        raise _invalid("/division_code", "division_level", "须在乡镇或村登记", "recorded at a township or village")
    found_at = body.found_at or now
    faults = rules.moment_faults(found_at, now, "/found_at")
    if faults:
        raise INVALID.problem(errors=faults)
    kind = types_for(session, [body.problem_type], place, {body.problem_type: "/problem_type"})[body.problem_type]
    if kind.problem_class != "work":
        raise _invalid(
            "/problem_type", "toilet_problem", "厕所问题请在摸排记录中登记", "problems of a toilet are found by a visit"
        )
    attachments.check(session, body.photo_ids, "photo", place, "/photo_ids")
    campaign = open_campaign(session, place)
    row = LedgerProblem(
        id=body.id or new_id(),
        division_code=place,
        campaign_id=campaign.id,
        problem_class="work",
        type_id=kind.id,
        cause=kind.cause,
        description=body.description,
        photo_ids=body.photo_ids,
        found_at=found_at,
        deadline=rules.deadline(campaign.deadline_rules, kind.cause, found_at),
        created_by=caller.id,
        updated_by=caller.id,
        origin_digest=digest(body),
    )
    row, made = insert_once(session, row)
    if made:
        journal_problem(session, row, "problem.recorded", None, op="create")
    return row, made


def change(
    session: Session, caller: Caller, problem_id: UUID, body: ProblemPatch, if_match: str | None, now: datetime
) -> LedgerProblem:
    """Merge a patch. Another cause class brings the deadline that the campaign's rule gives it.

    Raises `cause_is_countys` where that would give more time, or touch a problem that is planned already.
    """
    row = locked(session, caller, LedgerProblem, problem_id)
    require_match(if_match, row.version, lambda: ledger_views.present(session, caller, row, now))
    rules.PROBLEM.next(row.state, "edit")
    before = snapshot(row, CONTENT)
    changes = body.changes()
    if "photo_ids" in changes:
        attachments.check(session, changes["photo_ids"], "photo", row.division_code, "/photo_ids", row.household_id)
    if changes.get("cause", row.cause) != row.cause:
        _change_cause(session, caller, row, changes.pop("cause"))
    for name, value in changes.items():
        setattr(row, name, value)
    if snapshot(row, CONTENT) != before:
        row.touch(caller.id)
        journal_problem(session, row, "problem.updated", before)
    if row.deadline != before["deadline"]:
        tell_deadlines_moved(session, [row.id], caller.id, "原因分类已修改 / Its cause class was changed")
    return row


def _change_cause(session: Session, caller: Caller, row: LedgerProblem, cause: str) -> None:
    if cause == "work_process" and row.problem_class == "toilet":
        told = ("该原因分类不适用于此类问题", "that cause is not for this class of problem")
        raise INVALID.problem(errors=[FieldError("/cause", "cause_of_another_class", told, cause, rule=_BY_CLASS)])
    campaign = session.get_one(Campaign, row.campaign_id)
    due = rules.deadline(campaign.deadline_rules, cause, row.reopened_at or row.found_at)
    eases = due is None or (row.deadline is not None and due > row.deadline) or cause in campaign.at_once_causes
    may_ease = Permission.PROBLEM_DISMISS in caller.permissions_at(row.division_code)
    if (eases or row.task_id is not None) and not may_ease:
        raise CAUSE_IS_COUNTYS.problem(deadline=None if row.deadline is None else row.deadline.isoformat())
    row.cause, row.deadline, row.deadline_source = cause, due, "rule"


def dismiss(
    session: Session, caller: Caller, problem_id: UUID, reason: str, if_match: str | None, now: datetime
) -> LedgerProblem:
    """Take a problem that was recorded in error out of the ledger's count, with a reason. It stays to be seen."""
    row = locked(session, caller, LedgerProblem, problem_id)
    optional_match(if_match, row.version, lambda: ledger_views.present(session, caller, row, now))
    before = snapshot(row, CONTENT)
    row.state = rules.PROBLEM.next(row.state, "dismiss")
    row.dismissal, row.dismissed_at, row.dismissed_reason = "decided", now, reason
    row.touch(caller.id)
    tell_dismissed(session, row, before["state"], caller.id, now, reason)
    journal_problem(session, row, "problem.dismissed", before, reason=reason)
    return row


def reopen(
    session: Session, caller: Caller, problem_id: UUID, reason: str, if_match: str | None, now: datetime
) -> LedgerProblem:
    """Undo a dismissal or a close-out, with a reason. The only change that a closed problem knows.

    Raises `problem_already_open` when its type is live at the toilet again.
    """
    row = locked(session, caller, LedgerProblem, problem_id)
    optional_match(if_match, row.version, lambda: ledger_views.present(session, caller, row, now))
    return reopen_held(session, row, caller.id, reason, now)


def reopen_held(session: Session, row: LedgerProblem, by: UUID, reason: str, now: datetime) -> LedgerProblem:
    """`reopen` for a problem that is locked already. A closed one counts as found anew today: so runs its deadline."""
    before = snapshot(row, CONTENT)
    rules.PROBLEM.next(row.state, "reopen")
    campaign = session.get_one(Campaign, row.campaign_id)
    try:
        with guarded(session):
            if row.state == "closed":
                row.reopenings, row.reopened_at, row.reopen_reason = row.reopenings + 1, now, reason
                row.deadline = rules.deadline(campaign.deadline_rules, row.cause, now)
                row.deadline_source = "rule"
            revive(row, by)
    except CollisionError:
        raise ALREADY_IN_LEDGER.problem() from None
    journal_problem(session, row, "problem.reopened", before, reason=reason)
    tell_reopened(session, row, before["state"], by, now, reason)
    return row


def _invalid(pointer: str, code: str, zh: str, en: str) -> Exception:
    return INVALID.problem(errors=[FieldError(pointer, code, (zh, en))])
