"""The units of a sample and their checks over HTTP."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request, Response
from sqlmodel import col

from toilet_api.divisions.problems import DIVISION_ENDED
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.paging import Paging, answer_page, page_schema
from toilet_api.kernel.requests import Room
from toilet_api.oversight import checks
from toilet_api.oversight.answers import Inspector, SampleReader
from toilet_api.oversight.codes import CheckResult, SampleMode
from toilet_api.oversight.problems import ALREADY_CHECKED, CHECKER_SIGNED, UNIT_NOT_SELECTED
from toilet_api.oversight.sample_views import CONTRACTOR, MODE, TOWNSHIP, present_unit, unit_select
from toilet_api.oversight.tables import Sample, SampleUnit
from toilet_api.oversight.unit_schemas import Check, UnitRow
from toilet_api.registry.filters import scope_of
from toilet_api.survey.answers import listing, stepping
from toilet_api.survey.clock import Now
from toilet_api.survey.records import existing

router = Room(tags=["oversight"])

_SORTS: dict[str, list[Any]] = {
    "draw_key": [col(SampleUnit.draw_key)],
    "division_code": [col(SampleUnit.division_code)],
}


@router.get(
    "/samples/{sample_id}/units",
    operation_id="list_sample_units",
    summary="抽中的问题 / The problems of a sample",
    description=(
        "默认只列抽中的；selected=any 列出整个范围，供复算。排序 / Those selected; `selected=any`: the whole frame. "
        "Orders: `draw_key` (default), `division_code`."
    ),
    response_model=None,
    responses={200: page_schema(UnitRow, *_SORTS), **listing()},
)
def list_sample_units(
    request: Request,
    session: Transaction,
    caller: SampleReader,
    sample_id: UUID,
    paging: Paging,
    selected: Annotated[Literal["true", "false", "any"], Query(title="是否抽中")] = "true",
    division: Annotated[DivisionCode | None, Query()] = None,
    result: Annotated[list[CheckResult], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    checked: Annotated[bool | None, Query(title="是否已核查", examples=[False])] = None,
    township: Annotated[str | None, Query(max_length=9, title="分层乡镇代码", examples=["360423208"])] = None,
    mode: Annotated[SampleMode | None, Query()] = None,
    contractor: Annotated[str | None, Query(max_length=100, title="施工单位", examples=["示例建筑公司"])] = None,
) -> Response:
    existing(session, caller, Sample, sample_id)
    statement = unit_select(caller, sample_id)
    if selected != "any":
        statement = statement.where(col(SampleUnit.selected).is_(selected == "true"))
    if division is not None:
        statement = scope_of(session, caller, division).narrow(statement, col(SampleUnit.division_code))
    if result:
        statement = statement.where(col(SampleUnit.result).in_(result))
    if checked is not None:
        statement = statement.where(col(SampleUnit.result).is_not(None) == checked)
    parts: list[tuple[Any, str | None]] = [(TOWNSHIP, township), (MODE, mode), (CONTRACTOR, contractor)]
    for part, wanted in parts:
        if wanted is not None:
            statement = statement.where(part == wanted)
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=UnitRow,
        sorts=_SORTS,
        default_sort="draw_key",
        key=col(SampleUnit.id),
    )


@router.post(
    "/samples/{sample_id}/units/{unit_id}/check",
    operation_id="check_sample_unit",
    summary="登记核查结论 / Record the result of a check",
    description=(
        "不属实的写明哪一项和情况，问题随即重新打开；弄虚作假记到签字人。更正用 recheck 并写明理由，原结论留在历史中；"
        "改为属实的，弄虚作假记录随之撤回，问题不再自动销号。"
        " / A failed one says which aspect and what was found, and reopens the problem; falsification goes to whoever "
        "signed. To correct it send recheck with a reason; the history keeps the earlier result. Falsification falls "
        "with a failed result; the problem isn't closed again by itself."
    ),
    responses=stepping(ALREADY_CHECKED, CHECKER_SIGNED, UNIT_NOT_SELECTED, DIVISION_ENDED),
)
def check_sample_unit(
    session: Transaction, caller: Inspector, sample_id: UUID, unit_id: UUID, body: Check, now: Now
) -> UnitRow:
    return present_unit(session, caller, checks.check(session, caller, sample_id, unit_id, body, now))
