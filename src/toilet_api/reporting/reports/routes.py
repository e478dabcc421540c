"""Periods and reports over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from sqlalchemy import not_
from sqlmodel import col

from toilet_api.kernel import journal
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.dependencies import SettingsDep
from toilet_api.kernel.errors import problems
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.paging import Page, Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import set_etag
from toilet_api.kernel.requests import Room
from toilet_api.registry.filters import scope_of
from toilet_api.reporting.reports.answers import ReportReader
from toilet_api.reporting.reports.codes import ReportKind, ReportLevel, ReportState
from toilet_api.reporting.reports.edition_schemas import EditionOut, PartOut
from toilet_api.reporting.reports.parts import is_stale, parts_of
from toilet_api.reporting.reports.periods import is_announced, of_year
from toilet_api.reporting.reports.problems import NOT_DRAWN
from toilet_api.reporting.reports.records import edition_of
from toilet_api.reporting.reports.schemas import PeriodOut, ReportOut, ReportRow
from toilet_api.reporting.reports.tables import Report
from toilet_api.reporting.reports.views import LATE, LEVEL, SORTS, editions, missing, present, report_select
from toilet_api.survey.answers import listing, reading
from toilet_api.survey.clock import Now
from toilet_api.survey.records import existing
from toilet_api.survey.rules import shanghai_date

router = Room(tags=["reporting"])

Edition = Annotated[int | None, Query(ge=1, le=9999, title="版次", description="不填为最新 / Left out: the newest")]


@router.get(
    "/report-periods",
    operation_id="list_report_periods",
    summary="报表期次与截止时间 / Periods of reports and their cut-offs",
    description=(
        "一年之内结束的期次。周报截止于星期五下班；遇节假日提前至本周最后一个工作日，全周放假的顺延；半月报、月报遇节假日顺延。"
        " / Those that end in the year. Weekly: Friday, close of business; on a holiday the last working day before it"
        " in that week, or the next one where the whole week is off. Others: the next working day."
    ),
    responses=reading(),
)
def list_report_periods(
    _: ReportReader,
    settings: SettingsDep,
    now: Now,
    kind: Annotated[ReportKind, Query()] = "weekly",
    asked: Annotated[
        int | None,
        Query(
            alias="year",
            ge=2000,
            le=2100,
            title="年份",
            description="缺省为今年 / Left out: this year",
            examples=[2026],
        ),
    ] = None,
) -> Page[PeriodOut]:
    year = asked or shanghai_date(now).year
    announced = is_announced(year)
    return Page(
        items=[
            PeriodOut(
                kind=one.kind,
                period=one.key,
                start=one.start,
                end=one.end,
                cutoff_at=one.cutoff_at,
                moved=one.moved,
                announced=announced,
            )
            for one in of_year(kind, year, settings.reports_close_at)
        ],
        next_cursor=None,
    )


@router.get(
    "/reports",
    operation_id="list_reports",
    summary="定期报表列表 / List periodic reports",
    description=(
        "`late` 迟报，`missing` 缺报，`corrected` 接收后更正，`stale` 下级已更新、须重新汇总。排序 / Facts, not states."
        " Orders: `-period_start` (default), `period_start`, `cutoff_at`, `-cutoff_at`, `division_code`, `-updated_at`."
    ),
    response_model=None,
    responses={200: page_schema(ReportRow, *SORTS), **listing()},
)
def list_reports(
    request: Request,
    session: Transaction,
    caller: ReportReader,
    paging: Paging,
    now: Now,
    division: Annotated[DivisionCode | None, Query()] = None,
    kind: Annotated[ReportKind | None, Query()] = None,
    level: Annotated[ReportLevel | None, Query()] = None,
    state: Annotated[list[ReportState], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    period: Annotated[str | None, Query(max_length=20, title="期次", examples=["2026-W48"])] = None,
    campaign_id: Annotated[UUID | None, Query(title="摸排行动编号")] = None,
    late: Annotated[bool | None, Query(title="迟报")] = None,
    is_missing: Annotated[bool | None, Query(alias="missing", title="缺报")] = None,
    corrected: Annotated[bool | None, Query(title="接收后更正过")] = None,
    stale: Annotated[bool | None, Query(title="所用下级报表已更新")] = None,
) -> Response:
    statement = report_select(caller, now)
    if division is not None:
        statement = scope_of(session, caller, division).narrow(statement, col(Report.division_code))
    if state:
        statement = statement.where(col(Report.state).in_(state))
    exact: list[tuple[Any, Any]] = [
        (Report.kind, kind),
        (LEVEL, level),
        (Report.period, period),
        (Report.campaign_id, campaign_id),
    ]
    statement = statement.where(*(column == value for column, value in exact if value is not None))
    facts: list[tuple[Any, bool | None]] = [
        (LATE, late),
        (missing(now), is_missing),
        (col(Report.corrected), corrected),
        (is_stale(), stale),
    ]
    statement = statement.where(*(fact if wanted else not_(fact) for fact, wanted in facts if wanted is not None))
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=ReportRow,
        sorts=SORTS,
        default_sort="-period_start",
        key=col(Report.id),
    )


@router.get(
    "/reports/{report_id}",
    operation_id="get_report",
    summary="定期报表 / A periodic report",
    description="含最新版次的指标、说明和核签、报送、接收情况。/ The newest edition: figures, remarks, who did what.",
    responses=reading(),
)
def get_report(response: Response, session: Transaction, caller: ReportReader, report_id: UUID, now: Now) -> ReportOut:
    shown = present(session, caller, report_id, now)
    set_etag(response, shown.version)
    return shown


@router.get(
    "/reports/{report_id}/editions",
    operation_id="list_report_editions",
    summary="报表的全部版次 / Every edition of a report",
    description="重新取数、更正都形成新版次，以前的版次连同指标留存。/ Each draw makes one; the earlier stay.",
    responses=reading(),
)
def list_report_editions(session: Transaction, caller: ReportReader, report_id: UUID) -> Page[EditionOut]:
    existing(session, caller, Report, report_id)
    return Page(items=editions(session, report_id), next_cursor=None)


@router.get(
    "/reports/{report_id}/parts",
    operation_id="list_report_parts",
    summary="汇总的组成 / What a roll-up is made of",
    description=(
        "每个下级单位用的是哪份报表、哪个版次，缺报的也列出；乡镇报表没有组成。"
        " / Which report and edition of each division below, the missing ones too; a township's has none."
    ),
    responses={**reading(), **problems(NOT_DRAWN)},
)
def list_report_parts(
    session: Transaction, caller: ReportReader, report_id: UUID, edition: Edition = None
) -> Page[PartOut]:
    report = existing(session, caller, Report, report_id)
    return Page(items=parts_of(session, edition_of(session, report, edition).id), next_cursor=None)


@router.get(
    "/reports/{report_id}/history",
    operation_id="list_report_history",
    summary="报表的历史 / History of a report",
    description="开设、取数、核签、报送、接收、退回、更正、提醒。/ Every step, correction and reminder.",
    responses=reading(),
)
def list_report_history(session: Transaction, caller: ReportReader, report_id: UUID) -> Page[journal.HistoryEntry]:
    existing(session, caller, Report, report_id)
    return Page(items=journal.history(session, "report", report_id), next_cursor=None)
