"""Campaigns and the problem catalogue over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from sqlmodel import col

from toilet_api.kernel import journal
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.errors import WRONG_STATE
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.paging import Page, Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, set_etag
from toilet_api.kernel.requests import Room
from toilet_api.survey import campaigns, catalogue
from toilet_api.survey.answers import (
    CampaignManager,
    CampaignReader,
    Cataloguer,
    Historian,
    ProblemReader,
    changing,
    created,
    creating,
    listing,
    reading,
    stepping,
)
from toilet_api.survey.campaign_schemas import CampaignNew, CampaignPatch, CampaignRow
from toilet_api.survey.clock import Now
from toilet_api.survey.codes import CampaignState, Cause, Group, ProblemClass
from toilet_api.survey.places import county_or_above
from toilet_api.survey.problems import (
    ALREADY_RETIRED,
    CAMPAIGN_ALREADY_OPEN,
    CODE_TAKEN,
    SEEDED_TYPE,
)
from toilet_api.survey.records import existing
from toilet_api.survey.schemas import (
    ProblemTypeNew,
    ProblemTypePatch,
    ProblemTypeRow,
    ReasonBody,
)
from toilet_api.survey.tables import Campaign, CatalogueType

router = Room(tags=["survey"])

_CAMPAIGN_SORTS: dict[str, list[Any]] = {
    "-starts_on": [col(Campaign.starts_on).desc()],
    "starts_on": [col(Campaign.starts_on)],
    "division_code": [col(Campaign.division_code)],
}
_TYPE_SORTS: dict[str, list[Any]] = {
    "problem_group": [col(CatalogueType.problem_class), col(CatalogueType.problem_group), col(CatalogueType.code)],
    "code": [col(CatalogueType.code)],
}


@router.get(
    "/campaigns",
    operation_id="list_campaigns",
    summary="摸排行动列表 / List campaigns",
    description="村、乡镇可见本县的行动。排序 / Orders: `-starts_on`, `starts_on`, `division_code`.",
    response_model=None,
    responses={200: page_schema(CampaignRow, *_CAMPAIGN_SORTS), **listing()},
)
def list_campaigns(
    request: Request,
    session: Transaction,
    caller: CampaignReader,
    paging: Paging,
    division: Annotated[DivisionCode | None, Query()] = None,
    state: Annotated[list[CampaignState], Query()] = [],  # noqa: B006 - FastAPI copies defaults
) -> Response:
    statement = campaigns.campaign_select(caller)
    if division is not None:
        statement = statement.where(county_or_above(session, caller, division, col(Campaign.division_code)))
    if state:
        statement = statement.where(col(Campaign.state).in_(state))
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=CampaignRow,
        sorts=_CAMPAIGN_SORTS,
        default_sort="-starts_on",
        key=col(Campaign.id),
    )


@router.post(
    "/campaigns",
    operation_id="create_campaign",
    summary="新建摸排行动 / Create a campaign",
    description="先为筹备状态，开启后才能提交摸排。/ Planned at first; visits are submitted once it is open.",
    status_code=201,
    responses=creating(CampaignRow),
)
def create_campaign(
    response: Response, session: Transaction, caller: CampaignManager, body: CampaignNew
) -> CampaignRow:
    campaign, made = campaigns.create(session, caller, body)
    created(response, "campaigns", campaign.id, made, campaign.version)
    return campaigns.present(caller, campaign)


@router.get(
    "/campaigns/{campaign_id}",
    operation_id="get_campaign",
    summary="摸排行动 / A campaign",
    description="含日期、文号和各类原因的整改期限。/ With its dates, documents and the deadline of each cause.",
    responses=reading(),
)
def get_campaign(response: Response, session: Transaction, caller: CampaignReader, campaign_id: UUID) -> CampaignRow:
    campaign = existing(session, caller, Campaign, campaign_id)
    set_etag(response, campaign.version)
    return campaigns.present(caller, campaign)


@router.patch(
    "/campaigns/{campaign_id}",
    operation_id="update_campaign",
    summary="修改摸排行动 / Change a campaign",
    description="JSON Merge Patch，须带 If-Match。改期限规则，未结问题的期限随之改变。/ Rules move live deadlines.",
    responses=changing(WRONG_STATE),
)
def update_campaign(
    response: Response,
    session: Transaction,
    caller: CampaignManager,
    campaign_id: UUID,
    body: CampaignPatch,
    if_match: IfMatch = None,
) -> CampaignRow:
    campaign = campaigns.change(session, caller, campaign_id, body, if_match)
    set_etag(response, campaign.version)
    return campaigns.present(caller, campaign)


@router.post(
    "/campaigns/{campaign_id}/open",
    operation_id="open_campaign",
    summary="开启摸排行动 / Open a campaign",
    description="一县同时只有一个。/ A county has one at a time.",
    responses=stepping(CAMPAIGN_ALREADY_OPEN),
)
def open_campaign(
    response: Response,
    session: Transaction,
    caller: CampaignManager,
    campaign_id: UUID,
    now: Now,
    if_match: IfMatch = None,
) -> CampaignRow:
    campaign = campaigns.take_step(session, caller, campaign_id, "open", if_match, now)
    set_etag(response, campaign.version)
    return campaigns.present(caller, campaign)


@router.post(
    "/campaigns/{campaign_id}/close",
    operation_id="close_campaign",
    summary="结束摸排行动 / Close a campaign",
    description="此后不能再提交摸排；可重新开启。/ No visit is submitted after that; it can be opened again.",
    responses=stepping(),
)
def close_campaign(
    response: Response,
    session: Transaction,
    caller: CampaignManager,
    campaign_id: UUID,
    now: Now,
    if_match: IfMatch = None,
) -> CampaignRow:
    campaign = campaigns.take_step(session, caller, campaign_id, "close", if_match, now)
    set_etag(response, campaign.version)
    return campaigns.present(caller, campaign)


@router.get(
    "/campaigns/{campaign_id}/history",
    operation_id="list_campaign_history",
    summary="摸排行动的修改历史 / History of a campaign",
    description="谁、何时、改了什么，旧的在前。/ Who changed what and when; oldest first.",
    responses=reading(),
)
def list_campaign_history(session: Transaction, caller: Historian, campaign_id: UUID) -> Page[journal.HistoryEntry]:
    existing(session, caller, Campaign, campaign_id)
    return Page(items=journal.history(session, "campaign", campaign_id), next_cursor=None)


@router.get(
    "/problem-types",
    operation_id="list_problem_types",
    summary="问题目录 / The problem catalogue",
    description="全国通用类型和本县自定类型。排序 / Orders: `problem_group` (default), `code`.",
    response_model=None,
    responses={200: page_schema(ProblemTypeRow, *_TYPE_SORTS), **listing()},
)
def list_problem_types(
    request: Request,
    session: Transaction,
    caller: ProblemReader,
    paging: Paging,
    division: Annotated[DivisionCode | None, Query()] = None,
    problem_class: Annotated[ProblemClass | None, Query(alias="class")] = None,
    cause: Annotated[Cause | None, Query()] = None,
    group: Annotated[Group | None, Query()] = None,
    retired: Annotated[bool, Query(title="含停用", description="也列出已停用的 / Retired ones too")] = False,
) -> Response:
    statement = catalogue.type_select(caller)
    if division is not None:
        county = county_or_above(session, caller, division, col(CatalogueType.division_code))
        statement = statement.where(county | (col(CatalogueType.division_code) == ""))
    for column, value in (
        (CatalogueType.problem_class, problem_class),
        (CatalogueType.cause, cause),
        (CatalogueType.problem_group, group),
    ):
        if value is not None:
            statement = statement.where(col(column) == value)
    if not retired:
        statement = statement.where(col(CatalogueType.retired_at).is_(None))
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=ProblemTypeRow,
        sorts=_TYPE_SORTS,
        default_sort="problem_group",
        key=col(CatalogueType.id),
    )


@router.post(
    "/problem-types",
    operation_id="create_problem_type",
    summary="为本县新增问题类型 / Add a problem type to a county",
    description="只在本县使用；不得与通用类型同码。/ For that county only; its code may not be a common one.",
    status_code=201,
    responses=creating(ProblemTypeRow, CODE_TAKEN),
)
def create_problem_type(
    response: Response, session: Transaction, caller: Cataloguer, body: ProblemTypeNew
) -> ProblemTypeRow:
    entry, made = catalogue.create(session, caller, body)
    created(response, "problem-types", entry.id, made, entry.version)
    return catalogue.present(entry)


@router.get(
    "/problem-types/{type_id}",
    operation_id="get_problem_type",
    summary="问题类型 / A problem type",
    description="通用类型，或本县自定的类型。/ A common type, or one of the county's own.",
    responses=reading(),
)
def get_problem_type(response: Response, session: Transaction, caller: ProblemReader, type_id: UUID) -> ProblemTypeRow:
    entry = existing(session, caller, CatalogueType, type_id)
    set_etag(response, entry.version)
    return catalogue.present(entry)


@router.patch(
    "/problem-types/{type_id}",
    operation_id="update_problem_type",
    summary="修改本县问题类型 / Change a county's problem type",
    description="JSON Merge Patch，须带 If-Match。/ Needs If-Match.",
    responses=changing(SEEDED_TYPE),
)
def update_problem_type(
    response: Response,
    session: Transaction,
    caller: Cataloguer,
    type_id: UUID,
    body: ProblemTypePatch,
    if_match: IfMatch = None,
) -> ProblemTypeRow:
    entry = catalogue.change(session, caller, type_id, body, if_match)
    set_etag(response, entry.version)
    return catalogue.present(entry)


@router.post(
    "/problem-types/{type_id}/retire",
    operation_id="retire_problem_type",
    summary="停用本县问题类型 / Retire a county's problem type",
    description="不能再登记，已登记的不变。/ Not for new findings; those that have it keep it.",
    responses=stepping(SEEDED_TYPE, ALREADY_RETIRED),
)
def retire_problem_type(
    response: Response,
    session: Transaction,
    caller: Cataloguer,
    type_id: UUID,
    body: ReasonBody,
    now: Now,
    if_match: IfMatch = None,
) -> ProblemTypeRow:
    entry = catalogue.retire(session, caller, type_id, body.reason, if_match, now)
    set_etag(response, entry.version)
    return catalogue.present(entry)
