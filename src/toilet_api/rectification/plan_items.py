"""The problems in a plan: put in many at a time, taken out, or filled in by rules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func
from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller
from toilet_api.kernel.errors import INVALID, FieldError
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.preconditions import optional_match
from toilet_api.kernel.scope import prefix_range
from toilet_api.rectification import plan_views
from toilet_api.rectification.plan_rules import RULE, passed, too_late, why_not
from toilet_api.rectification.plan_schemas import (
    MeasureRule,
    PlanFill,
    PlanFilled,
    PlanItemIn,
    PlanItemsIn,
    PlanItemsPut,
    PlanItemsRemoval,
    PlanItemsRemoved,
)
from toilet_api.rectification.plan_standing import IN_PREPARATION, Held, held, held_plan
from toilet_api.rectification.plans import journal_plan, require_at_work
from toilet_api.rectification.tables import Plan, PlanItem
from toilet_api.survey.rules import shanghai_date
from toilet_api.survey.tables import CatalogueType, LedgerProblem

CONTENT = ("measure", "timetable", "due_on", "responsible_person", "responsible_unit", "contractor", "cost_fen")


@dataclass(slots=True)
class _Put:
    """What became of the problems that were to be put in."""

    added: list[UUID] = field(default_factory=list)
    changed: list[UUID] = field(default_factory=list)
    unchanged: int = 0


def put(
    session: Session, caller: Caller, plan_id: UUID, body: PlanItemsIn, if_match: str | None, now: datetime
) -> PlanItemsPut:
    """Put problems into a plan in preparation, or change their items: all of them, or none.

    Raises `plan_frozen`; 422 with a fault for each problem that can't be planned, or is to be due too late.
    """
    plan = _at_work(session, caller, plan_id, [one.problem_id for one in body.items], if_match, now)
    found = held(session, caller, plan, [one.problem_id for one in body.items])
    stored = _stored(session, plan, found.problems)
    faults = _faults(plan, body.items, found, stored) + _passed("items", body.items, now)
    if faults:
        raise INVALID.problem(errors=faults)
    done = _write(session, plan, {one.problem_id: one.model_dump(include=set(CONTENT)) for one in body.items}, found)
    _tell(session, caller, plan, done)
    return PlanItemsPut(**_counts(session, plan, done))


def _passed(name: str, given: Sequence[PlanItemIn | MeasureRule], now: datetime) -> list[FieldError]:
    """A fault for each day that is over."""
    today = shanghai_date(now)
    return [
        replace(fault, pointer=f"/{name}/{place}/due_on")
        for place, one in enumerate(given)
        if (fault := passed(one.due_on, today)) is not None
    ]


def remove(
    session: Session, caller: Caller, plan_id: UUID, body: PlanItemsRemoval, if_match: str | None, now: datetime
) -> PlanItemsRemoved:
    """Take problems out of a plan in preparation. What isn't in it is counted, and no fault."""
    plan = _at_work(session, caller, plan_id, (), if_match, now)
    wanted = set(body.problem_ids)
    stored = _stored(session, plan, wanted)
    for item in stored.values():
        session.delete(item)
    session.flush()
    if stored:
        plan.touch(caller.id)
        removed = sorted(map(str, stored))
        journal_plan(
            session, plan, "plan.items_removed", {}, body.reason, removed=len(removed), removed_problem_ids=removed
        )
    return PlanItemsRemoved(
        plan_id=plan.id,
        removed=len(stored),
        not_in_plan=len(wanted) - len(stored),
        total=_total(session, plan),
        version=plan.version,
    )


def fill(
    session: Session, caller: Caller, plan_id: UUID, body: PlanFill, if_match: str | None, now: datetime
) -> PlanFilled:
    """Put in every problem of the township that can be planned, with the measure of the first rule that fits it.

    With `only_missing=False` the items that stand already get the measure of their rule too.
    Raises `plan_frozen`; 422 for a rule of a problem type that isn't in the county's catalogue.
    """
    if over := _passed("measures", body.measures, now):
        raise INVALID.problem(errors=over)
    candidates = _candidates(session, caller, plan_id, body.only_missing)
    plan = _at_work(session, caller, plan_id, candidates, if_match, now)
    _require_known(session, plan, body.measures)
    found = held(session, caller, plan, candidates)
    types = _types(session, found.problems.values())
    contents: dict[UUID, dict[str, Any]] = {}
    without = own = 0
    stored = _stored(session, plan, candidates)
    for problem in found.problems.values():
        standing = found.standings[problem.id]
        if standing.done or why_not(standing, plan.division_code, plan.campaign_id) is not None:
            continue
        rule = _rule_for(body.measures, types[problem.type_id], problem.cause)
        if rule is None:
            without += problem.id not in stored
            continue
        due_on, capped = _due(rule, problem.deadline)
        own += capped
        earlier = stored.get(problem.id)
        kept = {} if earlier is None else {name: getattr(earlier, name) for name in CONTENT}
        # What a rule doesn't speak of (who, at what cost) stays as somebody entered it.
        said = {name: value for name, value in rule.model_dump(include=set(CONTENT)).items() if value is not None}
        contents[problem.id] = {**dict.fromkeys(CONTENT), **kept, **said}
        if rule.due_on is not None:
            contents[problem.id]["due_on"] = due_on
    done = _write(session, plan, contents, found)
    _tell(session, caller, plan, done)
    return PlanFilled(**_counts(session, plan, done), without_rule=without, own_deadline=own)


def _at_work(
    session: Session, caller: Caller, plan_id: UUID, problem_ids: Sequence[UUID], if_match: str | None, now: datetime
) -> Plan:
    plan = held_plan(session, caller, plan_id, problem_ids)
    optional_match(if_match, plan.version, lambda: plan_views.present(session, caller, plan, now))
    require_at_work(plan)
    return plan


def _faults(plan: Plan, items: Sequence[PlanItemIn], found: Held, stored: Mapping[UUID, PlanItem]) -> list[FieldError]:
    faults: list[FieldError] = []
    seen: set[UUID] = set()
    for place, item in enumerate(items):
        pointer, value = f"/items/{place}/problem_id", str(item.problem_id)
        standing = found.standings.get(item.problem_id)
        if item.problem_id in seen:
            text = ("同一问题只能写一次", "each problem may appear once")
            faults.append(FieldError(pointer, "item_repeated", text, value, rule=RULE))
        elif standing is None:
            text = ("没有该问题，或不在您的辖区内", "no such problem in your scope")
            faults.append(FieldError(pointer, "problem_unknown", text, value, rule=RULE))
        elif (fault := why_not(standing, plan.division_code, plan.campaign_id)) is not None:
            faults.append(replace(fault, pointer=pointer, value=value))
        elif standing.done and not _same(stored.get(item.problem_id), item.model_dump(include=set(CONTENT))):
            text = (
                "已验收或销号的问题在新版方案中保持原样",
                "what is accepted or closed stays as it is in a new edition",
            )
            faults.append(FieldError(pointer, "problem_done", text, value, rule=RULE))
        elif not standing.done and (late := too_late(item.due_on, standing.deadline)) is not None:
            faults.append(replace(late, pointer=f"/items/{place}/due_on"))
        seen.add(item.problem_id)
    return faults


def _write(session: Session, plan: Plan, contents: Mapping[UUID, dict[str, Any]], found: Held) -> _Put:
    """Upsert the items, by problem."""
    stored = _stored(session, plan, contents)
    done = _Put()
    for problem_id, content in contents.items():
        item = stored.get(problem_id)
        if item is None:
            place = found.problems[problem_id].division_code
            session.add(PlanItem(id=new_id(), plan_id=plan.id, problem_id=problem_id, division_code=place, **content))
            done.added.append(problem_id)
        elif _same(item, content):
            done.unchanged += 1
        else:
            for name, value in content.items():
                setattr(item, name, value)
            done.changed.append(problem_id)
    session.flush()
    return done


def _same(item: PlanItem | None, content: Mapping[str, Any]) -> bool:
    return item is not None and all(getattr(item, name) == value for name, value in content.items())


def _tell(session: Session, caller: Caller, plan: Plan, done: _Put) -> None:
    """A new version of the plan, and one entry for all of its problems that were touched."""
    if not done.added and not done.changed:
        return
    plan.touch(caller.id)
    journal_plan(
        session,
        plan,
        "plan.items_put",
        {},
        added=len(done.added),
        changed=len(done.changed),
        added_problem_ids=sorted(map(str, done.added)),
        changed_problem_ids=sorted(map(str, done.changed)),
    )


def _counts(session: Session, plan: Plan, done: _Put) -> dict[str, Any]:
    return {
        "plan_id": plan.id,
        "added": len(done.added),
        "changed": len(done.changed),
        "unchanged": done.unchanged,
        "total": _total(session, plan),
        "version": plan.version,
    }


def _total(session: Session, plan: Plan) -> int:
    return session.exec(select(func.count()).select_from(PlanItem).where(PlanItem.plan_id == plan.id)).one()


def _stored(session: Session, plan: Plan, problem_ids: Iterable[UUID]) -> dict[UUID, PlanItem]:
    rows = session.exec(
        select(PlanItem)
        .where(PlanItem.plan_id == plan.id, col(PlanItem.problem_id).in_(set(problem_ids)))
        .execution_options(populate_existing=True)
    )
    return {row.problem_id: row for row in rows}


def _candidates(session: Session, caller: Caller, plan_id: UUID, only_missing: bool) -> list[UUID]:
    """The open problems of the plan's township and campaign that no plan in preparation lists, and nobody works on.

    Without `only_missing` also those that the plan lists already.
    """
    named = session.get(Plan, plan_id)
    if named is None:
        return []
    listed = exists().where(
        col(PlanItem.problem_id) == col(LedgerProblem.id),
        col(PlanItem.plan_id) == col(Plan.id),
        col(Plan.state).in_(IN_PREPARATION),
    )
    fresh = select(LedgerProblem.id).where(
        LedgerProblem.campaign_id == named.campaign_id,
        prefix_range(col(LedgerProblem.division_code), named.division_code),
        caller.scope.condition(col(LedgerProblem.division_code)),
        col(LedgerProblem.state) == "open",
        col(LedgerProblem.task_id).is_(None),
        col(LedgerProblem.removed_at).is_(None),
        ~listed,
    )
    found = list(session.exec(fresh))
    if not only_missing:
        found += session.exec(select(PlanItem.problem_id).where(PlanItem.plan_id == plan_id))
    return found


def _types(session: Session, problems: Iterable[LedgerProblem]) -> dict[UUID, str]:
    wanted = {one.type_id for one in problems}
    return dict(
        session.exec(select(CatalogueType.id, CatalogueType.code).where(col(CatalogueType.id).in_(wanted))).all()
    )


def _require_known(session: Session, plan: Plan, rules: Sequence[MeasureRule]) -> None:
    """Retired types are known: their problems are still there to be mended."""
    known = session.exec(
        select(CatalogueType.code).where(
            col(CatalogueType.code).in_({rule.problem_type for rule in rules if rule.problem_type is not None}),
            col(CatalogueType.division_code).in_(["", plan.division_code[:6]]),
        )
    ).all()
    text = ("问题目录中没有该类型", "no such problem type")
    faults = [
        FieldError(f"/measures/{place}/problem_type", "unknown_code", text, rule.problem_type, rule=RULE)
        for place, rule in enumerate(rules)
        if rule.problem_type not in (None, *known)
    ]
    if faults:
        raise INVALID.problem(errors=faults)


def _rule_for(rules: Sequence[MeasureRule], kind: str, cause: str) -> MeasureRule | None:
    """The first rule that fits; a rule that names neither type nor cause fits all."""
    return next(
        (rule for rule in rules if rule.problem_type in (None, kind) and rule.cause in (None, cause)),
        None,
    )


def _due(rule: MeasureRule, deadline: date | None) -> tuple[date | None, bool]:
    """(the rule's day, unless the problem is due earlier: then none of its own; whether that was so)."""
    if rule.due_on is not None and deadline is not None and rule.due_on > deadline:
        return None, True
    return rule.due_on, False
