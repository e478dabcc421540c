"""Documents over HTTP: of a frozen report, and of a campaign."""

from importlib import import_module
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import Query, Response
from fastapi.responses import HTMLResponse
from pydantic import StringConstraints

from toilet_api.kernel.database import Transaction
from toilet_api.kernel.dependencies import DatabaseDep
from toilet_api.kernel.errors import NOT_FOUND, problems
from toilet_api.kernel.fields import Day
from toilet_api.kernel.requests import Room
from toilet_api.reporting.documents.bulletin import bulletin
from toilet_api.reporting.documents.content import Document
from toilet_api.reporting.documents.dispatches import dispatch_of, ranking_of
from toilet_api.reporting.documents.final_report import final_report
from toilet_api.reporting.documents.gathering import gather
from toilet_api.reporting.documents.notification import notification
from toilet_api.reporting.documents.offices import Office
from toilet_api.reporting.reports.answers import ReportReader
from toilet_api.reporting.reports.problems import NOT_DRAWN
from toilet_api.survey.answers import reading
from toilet_api.survey.clock import Now
from toilet_api.survey.records import existing
from toilet_api.survey.rules import shanghai_date
from toilet_api.survey.tables import Campaign

router = Room(tags=["reporting"])

MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_WRITERS = {"html": ("as_page", "page"), "docx": ("as_word", "word"), "xlsx": ("as_workbook", "workbook")}
"""Format -> module and function. Loaded when the first of its documents is asked for: a worker never needs them."""
_SAID = (
    "发文机关、文号、日期、主送、抄送由参数给出；不填的按工作方案的默认名称，或留空手填。"
    " / Who issues it, its number, date and addressees are parameters; defaults are those of the work plan, or blanks."
)

Name = Annotated[str, StringConstraints(min_length=1, max_length=60, strip_whitespace=True)]
Format = Annotated[Literal["html", "docx", "xlsx"], Query(title="格式", examples=["html"])]
Kind = Annotated[
    Literal["bulletin", "notification"],
    Query(title="文种", description="简报、通报 / Bulletin, notification", examples=["bulletin"]),
]
Issuers = Annotated[
    list[Name],
    Query(
        max_length=9, title="发文机关", description="主办机关在前 / The first one leads", examples=[["某县农业农村局"]]
    ),
]
Number = Annotated[Name | None, Query(title="发文字号、期号", examples=["武卫健字〔2026〕31号"])]
Dated = Annotated[
    Day | None, Query(title="成文日期", description="缺省为今天 / Today by default", examples=["2026-09-25"])
]
Addressees = Annotated[list[Name], Query(max_length=50, title="主送机关", examples=[["省农业农村厅"]])]
Copies = Annotated[list[Name], Query(max_length=50, title="抄送机关", examples=[["县委办公室"]])]

_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "文件 / The file",
        "content": {
            "text/html": {"example": '<!doctype html><html lang="zh-CN">…</html>'},
            **{
                media: {"schema": {"type": "string", "format": "binary"}}
                for form, media in MEDIA_TYPES.items()
                if form != "html"
            },
        },
    }
}


@router.get(
    "/reports/{report_id}/document",
    operation_id="get_report_document",
    summary="简报、通报 / The bulletin or notification of a report",
    description=(
        "由定格的报表生成；通报附公布的考核排名（`assessment_id`，缺省为报表期内至成文日期最近公布的一次）。"
        " / From the frozen report; a notification shows a published ranking, by default the newest as of its period"
        f" up to its date.\n\n{_SAID}"
    ),
    response_class=HTMLResponse,
    responses={**_FILES, **reading(), **problems(NOT_DRAWN)},
)
def get_report_document(
    session: Transaction,
    caller: ReportReader,
    report_id: UUID,
    now: Now,
    kind: Kind = "bulletin",
    form: Annotated[Format, Query(alias="format")] = "html",
    edition: Annotated[int | None, Query(ge=1, le=9999, title="版次", description="不填为最新 / The newest")] = None,
    assessment_id: Annotated[UUID | None, Query(title="考核编号")] = None,
    issuer: Issuers = [],  # noqa: B006 - FastAPI copies defaults
    number: Number = None,
    dated: Dated = None,
    addressee: Addressees = [],  # noqa: B006
    copy_to: Copies = [],  # noqa: B006
) -> Response:
    office = Office.of(dated or shanghai_date(now), issuer, number, addressee, copy_to)
    found = dispatch_of(session, caller, report_id, edition, now)
    if kind == "bulletin":
        made = bulletin(found, office)
    else:
        made = notification(found, office, ranking_of(session, caller, report_id, assessment_id, office.dated))
    session.commit()  # no connection is held while the file is written
    return _answer(made, form)


@router.get(
    "/campaigns/{campaign_id}/final-report",
    operation_id="get_final_report",
    summary="县级总结报告 / The county's final report",
    description=(
        "摸排总结、整改进展、存在困难、下步整改计划和四张附表（工作方案 四（五）），由台账实时统计，三部门联合行文。"
        "须能查看全县。"
        " / Survey, progress, difficulties, next steps and four annexes, counted from the ledger as it is. For those"
        f" whose scope is the whole county.\n\n{_SAID}"
    ),
    response_class=HTMLResponse,
    responses={**_FILES, **reading()},
)
def get_final_report(
    session: Transaction,
    caller: ReportReader,
    database: DatabaseDep,
    campaign_id: UUID,
    now: Now,
    form: Annotated[Format, Query(alias="format")] = "html",
    issuer: Issuers = [],  # noqa: B006 - FastAPI copies defaults
    number: Number = None,
    dated: Dated = None,
    addressee: Addressees = [],  # noqa: B006
    copy_to: Copies = [],  # noqa: B006
) -> Response:
    campaign = existing(session, caller, Campaign, campaign_id)
    if not caller.scope.covers(campaign.division_code):
        raise NOT_FOUND.problem()  # a part of the county would make another report
    office = Office.of(dated or shanghai_date(now), issuer, number, addressee, copy_to)
    session.commit()  # the snapshot has a connection of its own
    with database.snapshot((campaign.division_code,)) as frozen:
        account = gather(frozen, campaign, now)
    return _answer(final_report(account, office), form)


def _answer(document: Document, form: str) -> Response:
    module, function = _WRITERS[form]
    writer = import_module(f"toilet_api.reporting.documents.{module}")
    shown = "inline" if form == "html" else "attachment"
    name = quote(f"{document.file_name}.{form}")
    headers = {
        "Content-Disposition": f"{shown}; filename=\"document.{form}\"; filename*=UTF-8''{name}",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    if form == "html":
        headers["Content-Security-Policy"] = writer.POLICY
    return Response(getattr(writer, function)(document), media_type=MEDIA_TYPES[form], headers=headers)
