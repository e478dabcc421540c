"""A plan goes upward (报县级审核备案): submitted by the township, returned, or approved and filed by the county."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, select

from toilet_api.accounts.caller import Caller
from toilet_api.kernel.errors import INVALID, FieldError
from toilet_api.kernel.preconditions import optional_match
from toilet_api.rectification import plan_views
from toilet_api.rectification.plan_charges import charge_many, charge_of, drop_many, follow_many
from toilet_api.rectification.plan_rules import (
    RULE,
    VERIFIED_RULE,
    PlanText,
    dropped,
    gaps,
    passed,
    too_late,
    undated,
    unverified,
    why_not,
)
from toilet_api.rectification.plan_schemas import PlanApproval
from toilet_api.rectification.plan_standing import Held, held, held_plan, items_of
from toilet_api.rectification.plans import CONTENT, journal_plan
from toilet_api.rectification.problems import PLAN_EXISTS, PROBLEM_NOT_PLANNABLE, SUBMITTED_BY_YOURSELF
from toilet_api.rectification.rules import PLAN
from toilet_api.rectification.tables import Plan, PlanItem
from toilet_api.registry.uniqueness import CollisionError, guarded
from toilet_api.survey.records import locked, snapshot
from toilet_api.survey.rules import shanghai_date
from toilet_api.survey.tables import Campaign

SHOWN_FAULTS = 200
"""Faults in one answer; a plan of thousands may have as many, and nobody reads them all at once."""


def submit(session: Session, caller: Caller, plan_id: UUID, if_match: str | None, now: datetime) -> Plan:
    """Report a plan to the county. Raises 422 for what it lacks, and for each problem that can't be in it now.

    Where the campaign asks the township to verify the survey, the visits behind its problems must be verified.
    """
    plan = held_plan(session, caller, plan_id)
    optional_match(if_match, plan.version, lambda: plan_views.present(session, caller, plan, now))
    target = PLAN.next(plan.state, "submit")
    items, found = _listed(session, caller, plan)
    campaign = session.get_one(Campaign, plan.campaign_id)
    levels = [level for level in campaign.verification_levels if level == "township"]
    faults = gaps(_text(plan, items)) + _over(plan, items, found, now) + _item_faults(plan, items, found, levels)
    if faults:
        raise INVALID.problem(errors=faults[:SHOWN_FAULTS], faults=len(faults))
    before = snapshot(plan, CONTENT)
    plan.state, plan.submitted_at, plan.submitted_by = target, now, caller.id
    plan.return_reason = plan.returned_at = None
    plan.touch(caller.id)
    journal_plan(session, plan, "plan.submitted", before, problems=len(items))
    return plan


def send_back(
    session: Session, caller: Caller, plan_id: UUID, reason: str, if_match: str | None, now: datetime
) -> Plan:
    """Return a plan to the township, with a reason. Not by who submitted it."""
    plan = locked(session, caller, Plan, plan_id)
    optional_match(if_match, plan.version, lambda: plan_views.present(session, caller, plan, now))
    target = PLAN.next(plan.state, "return")
    _by_another(caller, plan)
    before = snapshot(plan, CONTENT)
    plan.state, plan.return_reason, plan.returned_at = target, reason, now
    plan.touch(caller.id)
    journal_plan(session, plan, "plan.returned", before, reason=reason)
    return plan


def approve(
    session: Session, caller: Caller, plan_id: UUID, body: PlanApproval, if_match: str | None, now: datetime
) -> Plan:
    """Approve and file a plan (审核备案): each of its problems has a task from now on.

    A later edition supersedes the one before: tasks that are not yet submitted follow it, those that were not begun
    and are not in it any more are cancelled. Raises `submitted_by_yourself`, `problem_not_plannable` with the faults.
    """
    plan = held_plan(session, caller, plan_id)
    optional_match(if_match, plan.version, lambda: plan_views.present(session, caller, plan, now))
    target = PLAN.next(plan.state, "approve")
    _by_another(caller, plan)
    earlier = _edition_before(session, caller, plan)
    items, found = _listed(session, caller, plan)
    campaign = session.get_one(Campaign, plan.campaign_id)
    faults = _item_faults(plan, items, found, campaign.verification_levels)
    if faults:
        raise _not_plannable(faults)
    before = snapshot(plan, CONTENT)
    try:
        with guarded(session):
            if earlier is not None:
                _supersede(session, caller, earlier, plan, now)
            plan.state, plan.approved_at, plan.approved_by = target, now, caller.id
            plan.filing_number = body.filing_number
            plan.touch(caller.id)
    except CollisionError:
        raise PLAN_EXISTS.problem() from None
    journal_plan(session, plan, "plan.approved", before, problems=len(items))
    _carry_out(session, caller, plan, items, found, campaign, now)
    return plan


def _listed(session: Session, caller: Caller, plan: Plan) -> tuple[list[PlanItem], Held]:
    """The plan's items; their problems, and those of the edition before, all locked in one order."""
    items = items_of(session, plan.id)
    ids = {item.problem_id for item in items}
    if plan.kind == "plan" and plan.amends_id is not None:
        ids |= set(session.exec(select(PlanItem.problem_id).where(PlanItem.plan_id == plan.amends_id)))
    return items, held(session, caller, plan, ids)


def _text(plan: Plan, items: Sequence[PlanItem]) -> PlanText:
    return PlanText(
        key_points=plan.key_points,
        technical_route=plan.technical_route,
        workforce=plan.workforce,
        due_on=plan.due_on,
        fund_lines=len(plan.funds),
        problems=len(items),
        cost_fen=sum(item.cost_fen or 0 for item in items),
    )


def _item_faults(plan: Plan, items: Sequence[PlanItem], found: Held, levels: Sequence[str]) -> list[FieldError]:
    """What is wrong with the problems of a plan; each fault has its place in the list and names its problem."""
    faults: list[FieldError] = []
    for place, item in enumerate(items):
        pointer, value = f"/items/{place}", str(item.problem_id)
        one = found.standings.get(item.problem_id)
        if one is None:
            text = ("没有该问题，或已删除", "there is no such problem any more")
            faults.append(FieldError(f"{pointer}/problem_id", "problem_unknown", text, value, rule=RULE))
            continue
        fault = why_not(one, plan.division_code, plan.campaign_id)
        if fault is not None:
            faults.append(replace(fault, pointer=f"{pointer}/problem_id", value=value))
            continue
        if one.done or one.task_state == "submitted":
            continue  # it stays as it is, whatever the item says
        for member, wrong in (
            ("due_on", too_late(item.due_on, one.deadline)),
            ("due_on", undated(item.due_on, item.timetable, one.deadline)),
            ("problem_id", unverified(one, levels)),
        ):
            if wrong is not None:
                faults.append(replace(wrong, pointer=f"{pointer}/{member}", value=value))
    listed = {item.problem_id for item in items}
    faults.extend(
        replace(fault, pointer="/items", value=str(one.problem_id))
        for one in found.standings.values()
        if one.problem_id not in listed and (fault := dropped(one)) is not None
    )
    return faults


def _over(plan: Plan, items: Sequence[PlanItem], found: Held, now: datetime) -> list[FieldError]:
    """Days that are over, of the plan itself and of what would be charged by it."""
    today = shanghai_date(now)
    days = [("/due_on", plan.due_on)]
    for place, item in enumerate(items):
        standing = found.standings.get(item.problem_id)
        if standing is not None and not standing.charged and not standing.done:
            days.append((f"/items/{place}/due_on", item.due_on))
    return [replace(fault, pointer=at) for at, day in days if (fault := passed(day, today)) is not None]


def _not_plannable(faults: Sequence[FieldError]) -> Exception:
    """What to do next depends on the faults: wait for the survey to be verified, or have the plan changed."""
    shown = faults[:SHOWN_FAULTS]
    if all(fault.code == "survey_unverified" for fault in faults):
        remedy = (
            "请先由县级核实 errors 所列问题的摸排记录，再审核方案。",
            "Have the county verify the visits behind these problems first.",
        )
        return PROBLEM_NOT_PLANNABLE.problem(errors=shown, rule=VERIFIED_RULE, remedy=remedy, faults=len(faults))
    remedy = ("请退回方案，由乡镇按 errors 修改。", "Return the plan; the township changes what errors lists.")
    return PROBLEM_NOT_PLANNABLE.problem(errors=shown, remedy=remedy, faults=len(faults))


def _by_another(caller: Caller, plan: Plan) -> None:
    if plan.submitted_by == caller.id:
        raise SUBMITTED_BY_YOURSELF.problem()


def _edition_before(session: Session, caller: Caller, plan: Plan) -> Plan | None:
    """The edition in force that this one takes the place of, locked."""
    if plan.kind != "plan" or plan.amends_id is None:
        return None
    return locked(session, caller, Plan, plan.amends_id)


def _supersede(session: Session, caller: Caller, earlier: Plan, plan: Plan, now: datetime) -> None:
    before = snapshot(earlier, CONTENT)
    earlier.state = PLAN.next(earlier.state, "supersede")
    earlier.superseded_at, earlier.superseded_by_id = now, plan.id
    earlier.touch(caller.id)
    journal_plan(session, earlier, "plan.superseded", before)


def _carry_out(
    session: Session,
    caller: Caller,
    plan: Plan,
    items: Sequence[PlanItem],
    found: Held,
    campaign: Campaign,
    now: datetime,
) -> None:
    charges = {item.problem_id: charge_of(item) for item in items}
    standing = found.standings
    new = {one: what for one, what in charges.items() if not standing[one].charged and not standing[one].done}
    same = {one: what for one, what in charges.items() if standing[one].charged}
    gone = [one for one, stands in standing.items() if one not in charges and stands.task_state == "pending"]
    drop_many(session, found.problems, found.tasks, gone, campaign, caller.id, now)
    follow_many(session, found.problems, found.tasks, same, caller.id, plan_id=plan.id)
    try:
        with guarded(session):
            charge_many(session, found.problems, new, caller.id, plan_id=plan.id)
    except CollisionError:
        raise PROBLEM_NOT_PLANNABLE.problem() from None
