"""The summary of a campaign over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from toilet_api.kernel.database import Database, Transaction
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.requests import Room
from toilet_api.registry.filters import scope_of
from toilet_api.reporting.statistics import summary
from toilet_api.reporting.statistics.summary_schemas import CampaignSummary
from toilet_api.survey.answers import ProblemReader, reading
from toilet_api.survey.clock import Now
from toilet_api.survey.records import existing
from toilet_api.survey.tables import Campaign

router = Room(tags=["oversight"])


@router.get(
    "/campaigns/{campaign_id}/summary",
    operation_id="get_campaign_summary",
    summary="行动汇总 / The summary of a campaign",
    description=(
        "摸排总结、整改进展、下步整改计划（工作方案 四（五）），由台账实时统计，限您的辖区。"
        " / Survey, progress and next steps, counted from the ledger as it is, in your own scope."
    ),
    responses=reading(),
)
def get_campaign_summary(
    request: Request,
    response: Response,
    session: Transaction,
    caller: ProblemReader,
    campaign_id: UUID,
    now: Now,
    division: Annotated[DivisionCode | None, Query(description="缺省为全县 / Left out: the campaign's county")] = None,
) -> CampaignSummary:
    response.headers["Cache-Control"] = "no-store"  # it is of this moment
    campaign = existing(session, caller, Campaign, campaign_id)
    scope = scope_of(session, caller, division or campaign.division_code)
    database: Database = request.app.state.database
    with database.snapshot(scope.prefixes) as snapshot:
        return summary.summarise(snapshot, campaign, division or campaign.division_code, scope, now)
