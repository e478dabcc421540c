"""Plans: drawn up by a township, changed while in preparation, followed by another edition or an addendum."""

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller
from toilet_api.divisions.tables import Division
from toilet_api.kernel import journal
from toilet_api.kernel.errors import ID_TAKEN, WRONG_STATE, Bilingual
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.preconditions import optional_match, require_match
from toilet_api.rectification import plan_views
from toilet_api.rectification.plan_rules import why_not
from toilet_api.rectification.plan_schemas import PlanFollowing, PlanNew, PlanPatch
from toilet_api.rectification.plan_standing import held, held_plan, items_of
from toilet_api.rectification.problems import PLAN_EXISTS, PLAN_FROZEN
from toilet_api.rectification.rules import IS_PLAN, PLAN, PLAN_AT_WORK
from toilet_api.rectification.tables import Plan, PlanItem
from toilet_api.registry.merging import difference
from toilet_api.survey.campaigns import open_campaign
from toilet_api.survey.places import own_place
from toilet_api.survey.records import digest, insert_once, locked, snapshot

TOWNSHIP = 4
"""Its level in the tree of divisions."""
CONTENT = (
    *("campaign_id", "kind", "edition", "amends_id", "state", "title", "key_points", "technical_route", "workforce"),
    *("funds", "due_on", "submitted_by", "return_reason", "approved_by", "filing_number", "superseded_by_id"),
)
_TEXTS = ("key_points", "technical_route", "workforce", "due_on")
_ONE_AT_A_TIME = {"plan_in_preparation": PLAN_EXISTS, "plan_edition": PLAN_EXISTS}
_FROZEN: dict[str, Bilingual] = {
    "submitted": ("请由县级退回后再修改。", "Have the county return it first."),
    "approved": (
        "请编制新版（revise）或补充方案（supplement）。",
        "Make another edition (revise) or an addendum (supplement).",
    ),
    "superseded": ("请在新版方案上办理，见 superseded_by_id。", "Go on with the next edition, see superseded_by_id."),
    "withdrawn": ("该方案已作废，请另行编制。", "It is withdrawn; make another."),
}


def create(session: Session, caller: Caller, body: PlanNew) -> tuple[Plan, bool]:
    """A draft for a township in its county's open campaign. Gives whether it was made now.

    Raises `plan_exists`: a township has one plan in preparation, and one in force, per campaign.
    """
    place = own_place(session, caller, body.division_code, TOWNSHIP)
    campaign = open_campaign(session, place)
    plan_id = body.id or new_id()
    plan = Plan(
        **body.model_dump(include=set(_TEXTS)),
        id=plan_id,
        division_code=place,
        drawn_for=place,
        campaign_id=campaign.id,
        series_id=plan_id,
        title=body.title or f"{_name(session, place)}农村户厕问题整改方案",
        funds=body.model_dump(mode="json")["funds"],
        created_by=caller.id,
        updated_by=caller.id,
        origin_digest=digest(body),
    )
    plan, made = insert_once(session, plan, _ONE_AT_A_TIME)
    if made:
        # Looked for only now: whoever approved one meanwhile made the insert wait for them.
        in_force = session.exec(
            select(Plan.id).where(
                Plan.campaign_id == campaign.id,
                Plan.drawn_for == place,
                Plan.kind == "plan",
                Plan.state == "approved",
            )
        ).first()
        if in_force is not None:
            raise PLAN_EXISTS.problem(existing_id=str(in_force))
        journal_plan(session, plan, "plan.created", None, op="create")
    return plan, made


def change(
    session: Session, caller: Caller, plan_id: UUID, body: PlanPatch, if_match: str | None, now: datetime
) -> Plan:
    """Merge a patch into a plan in preparation. Raises `plan_frozen` in any other state."""
    plan = locked(session, caller, Plan, plan_id)
    require_match(if_match, plan.version, lambda: plan_views.present(session, caller, plan, now))
    require_at_work(plan)
    before = snapshot(plan, CONTENT)
    changes = body.changes()
    if "funds" in changes:
        changes["funds"] = body.model_dump(mode="json")["funds"]
    for name, value in changes.items():
        setattr(plan, name, value)
    if snapshot(plan, CONTENT) != before:
        plan.touch(caller.id)
        journal_plan(session, plan, "plan.updated", before)
    return plan


def withdraw(
    session: Session, caller: Caller, plan_id: UUID, reason: str | None, if_match: str | None, now: datetime
) -> Plan:
    """End a draft (作废). Its problems can be planned elsewhere; an edition in force stays so."""
    plan = locked(session, caller, Plan, plan_id)
    optional_match(if_match, plan.version, lambda: plan_views.present(session, caller, plan, now))
    before = snapshot(plan, CONTENT)
    plan.state = PLAN.next(plan.state, "withdraw")
    plan.touch(caller.id)
    journal_plan(session, plan, "plan.withdrawn", before, reason=reason)
    return plan


def follow(
    session: Session,
    caller: Caller,
    plan_id: UUID,
    step: str,
    body: PlanFollowing,
    if_match: str | None,
    now: datetime,
) -> tuple[Plan, bool]:
    """`revise`: another edition with its texts, funds and problems. `supplement`: an addendum without problems.

    The plan in force stays in force until the next edition is approved. Raises `wrong_state`, `plan_exists`.
    """
    origin = hashlib.sha256(f"{step} {plan_id} {body.id}".encode()).digest()
    plan = held_plan(session, caller, plan_id)
    if body.id is not None and (found := session.get(Plan, body.id)) is not None:
        if found.created_by != caller.id or found.origin_digest != origin:
            raise ID_TAKEN.problem()
        return found, False
    optional_match(if_match, plan.version, lambda: plan_views.present(session, caller, plan, now))
    PLAN.next(plan.state, step)
    if plan.kind != "plan":
        raise WRONG_STATE.problem(
            (IS_PLAN.zh, f"{step} is {IS_PLAN.en}"),
            rule="工作方案 四（三）：以乡镇（区）为单位制定整改方案",
            remedy=("请在 plan_in_force 所指的方案上办理。", "Do it on the plan that plan_in_force names."),
            state=plan.state,
            plan_in_force=_in_force(session, plan),
        )
    made_id = body.id or new_id()
    revises = step == "revise"
    draft = Plan(
        **snapshot(plan, ("division_code", "drawn_for", "campaign_id", *_TEXTS)),
        id=made_id,
        series_id=plan.series_id if revises else made_id,
        edition=plan.edition + 1 if revises else 1,
        kind="plan" if revises else "addendum",
        amends_id=plan.id,
        title=plan.title if revises else f"{_name(session, plan.division_code)}农村户厕问题整改补充方案",
        funds=list(plan.funds) if revises else [],
        created_by=caller.id,
        updated_by=caller.id,
        origin_digest=origin,
    )
    draft, made = insert_once(session, draft, _ONE_AT_A_TIME)
    if made:
        if revises:
            _copy_items(session, caller, plan, draft)
        journal_plan(session, draft, "plan.revised" if revises else "plan.supplemented", None, op="create")
    return draft, made


def require_at_work(plan: Plan) -> None:
    """Raises `plan_frozen`, with what to do instead, unless the plan is a draft or returned."""
    if plan.state not in PLAN_AT_WORK:
        raise PLAN_FROZEN.problem(
            remedy=_FROZEN[plan.state],
            state=plan.state,
            possible_steps=sorted({row.name for row in PLAN.steps if plan.state in row.sources and not row.driven_by}),
        )


def journal_plan(
    session: Session,
    plan: Plan,
    action: str,
    before: dict[str, Any] | None,
    reason: str | None = None,
    op: journal.Operation = "update",
    **more: Any,
) -> None:
    """Journal a write of a plan; what it was before is a `snapshot` of CONTENT. `more`: what else became of it."""
    after = snapshot(plan, CONTENT)
    if before is not None:
        before, after = difference(before, after)
    journal.record(
        session,
        action=action,
        subject_type="plan",
        subject_id=plan.id,
        division_code=plan.division_code,
        version=plan.version,
        before=before,
        after={**after, **more},
        reason=reason,
        op=op,
    )


def _copy_items(session: Session, caller: Caller, earlier: Plan, draft: Plan) -> None:
    """The problems that can still be planned, as they are charged today: a granted postponement is not undone."""
    items = items_of(session, earlier.id)
    found = held(session, caller, draft, [item.problem_id for item in items])
    for item in items:
        one = found.standings.get(item.problem_id)
        if one is None or why_not(one, draft.division_code, draft.campaign_id) is not None:
            continue
        charged = found.tasks.get(item.problem_id)
        source: Any = charged or item
        names = ("measure", "timetable", "due_on", "responsible_person", "responsible_unit", "contractor", "cost_fen")
        session.add(
            PlanItem(
                id=new_id(),
                plan_id=draft.id,
                problem_id=item.problem_id,
                division_code=found.problems[item.problem_id].division_code,
                **{name: getattr(source, name) for name in names},
            )
        )
    session.flush()


def _in_force(session: Session, addendum: Plan) -> str | None:
    """The plan in force that an addendum joins, whichever edition it is by now."""
    series = select(Plan.series_id).where(Plan.id == addendum.amends_id)
    found = session.exec(select(Plan.id).where(col(Plan.series_id).in_(series), Plan.state == "approved")).first()
    return None if found is None else str(found)


def _name(session: Session, township: str) -> str:
    return session.exec(select(Division.name).where(Division.code == township)).one()
