"""Records of falsification over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from sqlmodel import col

from toilet_api.kernel.database import Transaction
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.paging import Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.oversight import falsifications
from toilet_api.oversight.answers import Inspector, SampleReader
from toilet_api.oversight.codes import FalsificationState, SignedAs
from toilet_api.oversight.falsification_schemas import FalsificationRow
from toilet_api.oversight.falsifications import falsification_select, present
from toilet_api.oversight.problems import ACCUSED_YOURSELF, RECORDED_ABOVE
from toilet_api.oversight.tables import Falsification, Sample
from toilet_api.registry.filters import scope_of
from toilet_api.survey.answers import listing, reading, stepping
from toilet_api.survey.clock import Now
from toilet_api.survey.records import existing
from toilet_api.survey.schemas import ReasonBody

router = Room(tags=["oversight"])

_SORTS: dict[str, list[Any]] = {
    "-created_at": [col(Falsification.created_at).desc()],
    "created_at": [col(Falsification.created_at)],
    "division_code": [col(Falsification.division_code)],
}


@router.get(
    "/falsifications",
    operation_id="list_falsifications",
    summary="弄虚作假记录 / Records of falsification",
    description="排序 / Orders: `-created_at` (default), `created_at`, `division_code`.",
    response_model=None,
    responses={200: page_schema(FalsificationRow, *_SORTS), **listing()},
)
def list_falsifications(
    request: Request,
    session: Transaction,
    caller: SampleReader,
    paging: Paging,
    division: Annotated[DivisionCode | None, Query()] = None,
    person_id: Annotated[UUID | None, Query(title="人员编号")] = None,
    signed_as: Annotated[list[SignedAs], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    state: Annotated[list[FalsificationState], Query()] = [],  # noqa: B006
    sample_id: Annotated[UUID | None, Query()] = None,
) -> Response:
    statement = falsification_select(caller)
    if division is not None:
        statement = scope_of(session, caller, division).narrow(statement, col(Falsification.division_code))
    if person_id is not None:
        statement = statement.where(col(Falsification.person_id) == person_id)
    if signed_as:
        statement = statement.where(col(Falsification.signed_as).in_(signed_as))
    if state:
        statement = statement.where(col(Falsification.state).in_(state))
    if sample_id is not None:
        statement = statement.where(col(Sample.id) == sample_id)
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=FalsificationRow,
        sorts=_SORTS,
        default_sort="-created_at",
        key=col(Falsification.id),
    )


@router.get(
    "/falsifications/{falsification_id}",
    operation_id="get_falsification",
    summary="弄虚作假记录 / A record of falsification",
    description="针对谁、以何身份签字、查到的事实。/ Against whom, in which part they signed, what was found.",
    responses=reading(),
)
def get_falsification(
    response: Response, session: Transaction, caller: SampleReader, falsification_id: UUID
) -> FalsificationRow:
    row = existing(session, caller, Falsification, falsification_id)
    set_etag(response, row.version)
    return present(session, caller, row)


@router.post(
    "/falsifications/{falsification_id}/withdraw",
    operation_id="withdraw_falsification",
    summary="撤回弄虚作假记录 / Withdraw a record of falsification",
    description=(
        "须写明理由；由组织该次检查的一级办理，不得为本人。"
        " / With a reason; by the level that held the check, and never by who it is about."
    ),
    responses=stepping(ACCUSED_YOURSELF, RECORDED_ABOVE),
)
def withdraw_falsification(
    response: Response,
    session: Transaction,
    caller: Inspector,
    falsification_id: UUID,
    body: ReasonBody,
    now: Now,
    if_match: IfMatch = None,
) -> FalsificationRow:
    row = falsifications.withdraw(session, caller, falsification_id, body.reason, if_match, now)
    set_etag(response, row.version)
    return present(session, caller, row)
