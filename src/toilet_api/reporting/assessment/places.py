"""Whom a level ranks, and over which campaigns."""

from uuid import UUID

from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller
from toilet_api.divisions.lookup import resolve
from toilet_api.divisions.tables import Division
from toilet_api.kernel.errors import INVALID, NOT_FOUND, FieldError
from toilet_api.kernel.scope import prefix_range
from toilet_api.registry.filters import scope_of
from toilet_api.reporting.assessment.problems import NO_CAMPAIGN_TO_ASSESS
from toilet_api.reporting.assessment.rules import RANK_RULE
from toilet_api.survey.tables import Campaign


def width_below(holder: str) -> int:
    """The length of the codes that a level ranks: townships of a county, else counties."""
    return 9 if len(holder) == 6 else 6


def units_of(session: Session, holder: str) -> dict[str, str]:
    """Code -> name of the divisions of today that `holder` ranks."""
    level = 4 if len(holder) == 6 else 3
    statement = select(Division.code, Division.name).where(
        Division.level == level, col(Division.valid_to).is_(None), prefix_range(col(Division.code), holder)
    )
    return dict(session.exec(statement.order_by(Division.code)).all())


def holder_asked(session: Session, caller: Caller, division: str | None) -> str:
    """The level that a caller asks about: one of his own, or the first of his divisions. Raises 404 below a county."""
    holder = scope_of(session, caller, division).prefixes[0]
    if division is not None:
        found = resolve(session, division)
        holder = holder if found is None else found.code
    if len(holder) > 6:
        raise NOT_FOUND.problem()
    return holder


def check_campaign(session: Session, holder: str, campaign_id: UUID | None, pointer: str = "/campaign_id") -> None:
    """A county names a campaign of its own, and nobody else names one. Raises 422."""
    if len(holder) < 6:
        if campaign_id is not None:
            fault = (
                "省、市按所辖各县的行动考核，不填",
                "a city or province ranks over its counties' campaigns: leave it out",
            )
            raise INVALID.problem(errors=[FieldError(pointer, "not_for_this_level", fault, rule=RANK_RULE)])
        return
    if campaign_id is None:
        fault = ("县级须写明摸排行动", "a county names its campaign")
        raise INVALID.problem(errors=[FieldError(pointer, "missing", fault, rule=RANK_RULE)])
    campaign = session.get(Campaign, campaign_id)
    if campaign is None or campaign.removed_at is not None or campaign.division_code != holder:
        fault = ("本县没有这个行动", "no such campaign of this county")
        raise INVALID.problem(errors=[FieldError(pointer, "campaign_unknown", fault, str(campaign_id), rule=RANK_RULE)])


def campaigns_of(session: Session, holder: str, campaign_id: UUID | None) -> dict[UUID, str]:
    """Campaign -> its county: the county's own, or every open one below a city or province.

    Raises `no_campaign_to_assess`.
    """
    statement = select(Campaign.id, Campaign.division_code).where(
        prefix_range(col(Campaign.division_code), holder), col(Campaign.removed_at).is_(None)
    )
    if campaign_id is not None:
        statement = statement.where(Campaign.id == campaign_id)
    else:
        statement = statement.where(Campaign.state == "open")
    found = dict(session.exec(statement.order_by(Campaign.division_code, col(Campaign.id))).all())
    if not found:
        raise NO_CAMPAIGN_TO_ASSESS.problem()
    return found
