"""The problems in a plan over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from sqlmodel import col

from toilet_api.kernel.database import Transaction
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.paging import Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.rectification import plan_items
from toilet_api.rectification.answers import Planner, PlanReader
from toilet_api.rectification.plan_schemas import (
    PlanFill,
    PlanFilled,
    PlanItemRow,
    PlanItemsIn,
    PlanItemsPut,
    PlanItemsRemoval,
    PlanItemsRemoved,
)
from toilet_api.rectification.plan_views import item_select
from toilet_api.rectification.problems import PLAN_FROZEN
from toilet_api.rectification.tables import Plan, PlanItem
from toilet_api.registry.filters import scope_of
from toilet_api.survey.answers import listing, stepping
from toilet_api.survey.clock import Now
from toilet_api.survey.codes import ProblemState
from toilet_api.survey.records import existing
from toilet_api.survey.tables import LedgerProblem

router = Room(tags=["rectification"])

_SORTS: dict[str, list[Any]] = {"division_code": [col(PlanItem.division_code)]}


@router.get(
    "/plans/{plan_id}/items",
    operation_id="list_plan_items",
    summary="方案中的问题 / The problems in a plan",
    description="含措施、期限、责任人和任务状态。排序 / With measure, time limit and task. Order: `division_code`.",
    response_model=None,
    responses={200: page_schema(PlanItemRow, *_SORTS), **listing()},
)
def list_plan_items(
    request: Request,
    session: Transaction,
    caller: PlanReader,
    paging: Paging,
    plan_id: UUID,
    division: Annotated[DivisionCode | None, Query()] = None,
    problem_state: Annotated[list[ProblemState], Query()] = [],  # noqa: B006 - FastAPI copies defaults
) -> Response:
    statement = item_select(existing(session, caller, Plan, plan_id))
    if division is not None:
        statement = scope_of(session, caller, division).narrow(statement, col(PlanItem.division_code))
    if problem_state:
        statement = statement.where(col(LedgerProblem.state).in_(problem_state))
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=PlanItemRow,
        sorts=_SORTS,
        default_sort="division_code",
        key=col(PlanItem.id),
    )


@router.post(
    "/plans/{plan_id}/items",
    operation_id="put_plan_items",
    summary="列入问题及措施 / Put problems into a plan",
    description=(
        "一次最多 2,000 个，已列入的更新；全部成功或全部不变，逐条说明不能列入的原因。"
        " / Up to 2,000 at once; those in it are changed. All or none; the faults say which can't be and why."
    ),
    responses=stepping(PLAN_FROZEN),
)
def put_plan_items(
    response: Response,
    session: Transaction,
    caller: Planner,
    plan_id: UUID,
    body: PlanItemsIn,
    now: Now,
    if_match: IfMatch = None,
) -> PlanItemsPut:
    done = plan_items.put(session, caller, plan_id, body, if_match, now)
    set_etag(response, done.version)
    return done


@router.post(
    "/plans/{plan_id}/items/remove",
    operation_id="remove_plan_items",
    summary="移出问题 / Take problems out of a plan",
    description="限编制中的方案。/ Of a plan in preparation only.",
    responses=stepping(PLAN_FROZEN),
)
def remove_plan_items(
    response: Response,
    session: Transaction,
    caller: Planner,
    plan_id: UUID,
    body: PlanItemsRemoval,
    now: Now,
    if_match: IfMatch = None,
) -> PlanItemsRemoved:
    done = plan_items.remove(session, caller, plan_id, body, if_match, now)
    set_etag(response, done.version)
    return done


@router.post(
    "/plans/{plan_id}/items/fill",
    operation_id="fill_plan_items",
    summary="按规则列入全部问题 / Put in every problem by rules",
    description=(
        "本乡镇全部可列入的问题，措施取第一条符合的规则。"
        " / Every problem of the township that can be planned, with the measure of the first rule that fits."
    ),
    responses=stepping(PLAN_FROZEN),
)
def fill_plan_items(
    response: Response,
    session: Transaction,
    caller: Planner,
    plan_id: UUID,
    body: PlanFill,
    now: Now,
    if_match: IfMatch = None,
) -> PlanFilled:
    done = plan_items.fill(session, caller, plan_id, body, if_match, now)
    set_etag(response, done.version)
    return done
