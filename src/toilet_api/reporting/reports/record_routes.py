"""The records behind the figures of a report, and differences, over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import StringConstraints
from sqlmodel import col

from toilet_api.kernel.database import Transaction
from toilet_api.kernel.errors import problems
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.paging import Paging, answer_page, page_schema
from toilet_api.kernel.requests import Room
from toilet_api.kernel.scope import prefix_range
from toilet_api.promise.said import SAID_LATER
from toilet_api.reporting.reports import differences, records
from toilet_api.reporting.reports.answers import ReportReader
from toilet_api.reporting.reports.codes import Membership
from toilet_api.reporting.reports.counting import PATHS
from toilet_api.reporting.reports.problems import NO_EARLIER_REPORT, NOT_DRAWN
from toilet_api.reporting.reports.routes import Edition
from toilet_api.reporting.reports.schemas import ChangedRecordRow, DifferenceOut, ReportedRecordRow
from toilet_api.reporting.reports.tables import Report, ReportedRecord
from toilet_api.survey.answers import listing, reading
from toilet_api.survey.records import existing

router = Room(tags=["reporting"])

_UNDRAWN = problems(NOT_DRAWN)
_NOTHING_BEFORE = problems(NOT_DRAWN, NO_EARLIER_REPORT)

FOUND = "problems.found"

FigurePath = Annotated[
    str,
    Query(
        max_length=100,
        title="指标",
        description=(
            "指标的路径 / Its path: `problems.overdue`, `by_cause.small_defect.open`, `by_year.unknown.toilets`"
        ),
        examples=["problems.overdue"],
        json_schema_extra={"pattern": f"^({PATHS})$", SAID_LATER: True},
    ),
]
Other = Annotated[
    Annotated[str, StringConstraints(pattern=r"^(previous|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$")],
    Query(title="与哪份报表比较", description="`previous` 为上一期，或报表编号 / The one before, or a report's id"),
]
OtherEdition = Annotated[
    int | None,
    Query(
        ge=1,
        le=9999,
        title="与哪个版次比较",
        description="只填此项即比较本报表的两个版次 / On its own: two editions of this report",
    ),
]
Below = Annotated[DivisionCode | None, Query(title="区划", description="只看其中一个乡镇或村 / Of one place in it")]


@router.get(
    "/reports/{report_id}/records",
    operation_id="list_report_records",
    summary="指标所含的记录 / The records behind a figure",
    description=(
        "按取数时的样子列出，条数即指标；汇总报表追溯到各乡镇的取数。 / As they stood then, as many as the figure"
        " says; a roll-up reaches down to the draws of its townships. Order: `place_code`."
    ),
    response_model=None,
    responses={200: page_schema(ReportedRecordRow, *records.SORTS), **listing(), **_UNDRAWN},
)
def list_report_records(
    request: Request,
    session: Transaction,
    caller: ReportReader,
    paging: Paging,
    report_id: UUID,
    figure: FigurePath = FOUND,
    edition: Edition = None,
    place: Below = None,
) -> Response:
    report = existing(session, caller, Report, report_id)
    chosen = records.edition_of(session, report, edition)
    statement = _at(records.record_select(chosen, figure), place)
    return _page(session, request, paging, statement, ReportedRecordRow)


@router.get(
    "/reports/{report_id}/difference",
    operation_id="get_report_difference",
    summary="与上一期比较 / The difference to the report before",
    description="逐项指标的上期、本期和增减。/ Each figure before, now, and the difference.",
    responses={**reading(), **_NOTHING_BEFORE},
)
def get_report_difference(
    session: Transaction,
    caller: ReportReader,
    report_id: UUID,
    edition: Edition = None,
    to: Other = differences.PREVIOUS,
    to_edition: OtherEdition = None,
) -> DifferenceOut:
    before, now = differences.pair(session, caller, report_id, edition, to, to_edition)
    return differences.compare(before, now)


@router.get(
    "/reports/{report_id}/difference/records",
    operation_id="list_report_difference_records",
    summary="增减所含的记录 / The records that make up a difference",
    description=(
        "进入（joined）和离开（left）指标的记录，如其在指标内时的样子；两者相减即增减。/ What has joined the figure"
        " and what has left it, as it stood while in it; the one less the other is the difference. Order: `place_code`."
    ),
    response_model=None,
    responses={200: page_schema(ChangedRecordRow, *records.SORTS), **listing(), **_NOTHING_BEFORE},
)
def list_report_difference_records(
    request: Request,
    session: Transaction,
    caller: ReportReader,
    paging: Paging,
    report_id: UUID,
    figure: FigurePath = FOUND,
    edition: Edition = None,
    to: Other = differences.PREVIOUS,
    to_edition: OtherEdition = None,
    change: Annotated[Membership | None, Query()] = None,
    place: Below = None,
) -> Response:
    before, now = differences.pair(session, caller, report_id, edition, to, to_edition)
    statement = _at(differences.changed_select(before[1], now[1], figure, change), place)
    return _page(session, request, paging, statement, ChangedRecordRow)


def _at(statement: Any, place: str | None) -> Any:
    return statement if place is None else statement.where(prefix_range(col(ReportedRecord.place_code), place))


def _page(session: Transaction, request: Request, paging: Paging, statement: Any, schema: Any) -> Response:
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=schema,
        sorts=records.SORTS,
        default_sort="place_code",
        key=col(ReportedRecord.record_id),
    )
