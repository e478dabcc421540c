"""How plans and their problems are shown: one list of columns, for single records and for pages alike."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Date, Select, and_, case, cast, func, literal, select
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.kernel.machines import Guard
from toilet_api.rectification.plan_schemas import PlanItemRow, PlanOut, PlanProblems, PlanRow
from toilet_api.rectification.rules import BY_ANOTHER, IS_PLAN, PLAN, PLAN_AT_WORK
from toilet_api.rectification.tables import Plan, PlanItem, Task
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey.actions import actions_column, remembered
from toilet_api.survey.places import Township, Village, with_places
from toilet_api.survey.rules import shanghai_date
from toilet_api.survey.tables import Campaign, CatalogueType, LedgerProblem

_NONE: Any = None


@remembered
def plan_select(caller: Caller, today: date) -> Select[Any]:
    """The members of `PlanRow`, of the plans in the caller's scope. `today`: in Shanghai."""
    # Counted per row of the page only: Postgres puts such expressions off until the page is cut.
    problems = (
        select(
            func.jsonb_build_object(
                *("total", func.count()),
                *(
                    part
                    for state in PlanProblems.model_fields
                    if state != "total"
                    for part in (state, func.count().filter(col(LedgerProblem.state) == state))
                ),
            )
        )
        .select_from(PlanItem)
        .join(LedgerProblem, col(LedgerProblem.id) == col(PlanItem.problem_id))
        .where(col(PlanItem.plan_id) == col(Plan.id))
        .scalar_subquery()
    )
    costs = (
        select(cast(func.coalesce(func.sum(col(PlanItem.cost_fen)), 0), BigInteger))
        .where(col(PlanItem.plan_id) == col(Plan.id))
        .scalar_subquery()
    )
    fund: Any = func.jsonb_array_elements(col(Plan.funds)).column_valued("fund")
    funds = select(
        cast(func.coalesce(func.sum(cast(fund.op("->>")("amount_fen"), BigInteger)), 0), BigInteger)
    ).scalar_subquery()
    guards: dict[Guard, bool | ColumnElement[bool]] = {
        BY_ANOTHER: col(Plan.submitted_by).is_distinct_from(caller.id),
        IS_PLAN: col(Plan.kind) == "plan",
    }
    made: dict[str, Any] = {
        "township_name": Township.name,
        "campaign_name": Campaign.name,
        "funds_total_fen": funds,
        "cost_total_fen": costs,
        "problems": problems,
        "submission_due": _due(),
        "late": late(today),
        "allowed_actions": actions_column(PLAN, col(Plan.state), col(Plan.division_code), caller, guards),
    }
    columns = [made.get(name, getattr(Plan, name, _NONE)).label(name) for name in PlanRow.model_fields]
    statement = (
        select(*columns)
        .select_from(Plan)
        .join(Campaign, col(Campaign.id) == col(Plan.campaign_id))
        .outerjoin(Township, Township.code == col(Plan.division_code))
        .where(col(Plan.removed_at).is_(None))
    )
    return caller.scope.narrow(statement, col(Plan.division_code))


def _due() -> ColumnElement[Any]:
    """The last day of the campaign's rectification phase; NULL where it names none."""
    phase: Any = func.jsonb_array_elements(col(Campaign.phases)).column_valued("phase")
    return (
        select(cast(phase.op("->>")("due_on"), Date))
        .where(phase.op("->>")("phase") == "rectification")
        .limit(1)
        .scalar_subquery()
    )


def late(today: date) -> ColumnElement[bool]:
    """The township's first plan came, or is still to come, after the campaign's day (work plan 四（三）).

    A fact of the moment while the plan is in preparation, never a stored flag. Later editions and addenda are not late.
    """
    submitted_on = cast(func.timezone("Asia/Shanghai", col(Plan.submitted_at)), Date)
    reported = case(
        (col(Plan.state).in_(PLAN_AT_WORK), literal(today, Date)),
        else_=func.coalesce(submitted_on, literal(today, Date)),
    )
    return and_(
        col(Plan.kind) == "plan",
        col(Plan.edition) == 1,
        col(Plan.state) != "withdrawn",
        func.coalesce(reported > _due(), False),
    )


def present(session: Session, caller: Caller, plan: Plan, now: datetime) -> PlanOut:
    """One plan as an answer."""
    session.flush()
    statement = plan_select(caller, shanghai_date(now)).where(col(Plan.id) == plan.id)
    row = session.connection().execute(statement).mappings().one_or_none()
    if row is None:
        raise NOT_FOUND.problem()
    named = {name: getattr(plan, name) for name in PlanOut.model_fields if hasattr(plan, name)}
    return PlanOut(**{**named, **row})


def item_select(plan: Plan) -> Select[Any]:
    """The members of `PlanItemRow`, of the problems in one plan."""
    place = col(PlanItem.division_code)
    made: dict[str, Any] = {
        "village_name": Village.name,
        "head_masked": Household.name_masked,
        "toilet_mode": Toilet.mode,
        "problem_class": LedgerProblem.problem_class,
        "problem_type": CatalogueType.code,
        "type_zh": CatalogueType.zh,
        "cause": LedgerProblem.cause,
        "problem_state": LedgerProblem.state,
        "deadline": LedgerProblem.deadline,
        "task_id": LedgerProblem.task_id,
        "task_state": Task.state,
    }
    columns = [made.get(name, getattr(PlanItem, name, _NONE)).label(name) for name in PlanItemRow.model_fields]
    statement = (
        select(*columns)
        .select_from(PlanItem)
        .join(LedgerProblem, col(LedgerProblem.id) == col(PlanItem.problem_id))
        .join(CatalogueType, col(CatalogueType.id) == col(LedgerProblem.type_id))
        .outerjoin(Household, col(Household.id) == col(LedgerProblem.household_id))
        .outerjoin(Toilet, col(Toilet.id) == col(LedgerProblem.toilet_id))
        .outerjoin(Task, col(Task.id) == col(LedgerProblem.task_id))
        .where(col(PlanItem.plan_id) == plan.id)
    )
    return with_places(statement, place)
