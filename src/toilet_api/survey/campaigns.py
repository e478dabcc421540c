"""Campaigns: made, opened and closed by the county; they hold every date, year and deadline rule."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import PydanticCustomError
from sqlalchemy import Select, or_, select, text
from sqlmodel import Session
from sqlmodel import select as rows_of

from toilet_api.accounts.caller import Caller
from toilet_api.kernel import journal
from toilet_api.kernel.errors import INVALID, Bilingual, FieldError
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.preconditions import optional_match, require_match
from toilet_api.registry.merging import difference
from toilet_api.registry.uniqueness import CollisionError, guarded
from toilet_api.survey.actions import actions_column, remembered
from toilet_api.survey.campaign_schemas import CampaignNew, CampaignPatch, CampaignRow, Phase, check_phases
from toilet_api.survey.ledger_events import tell_deadlines_moved
from toilet_api.survey.places import own_place
from toilet_api.survey.problems import CAMPAIGN_ALREADY_OPEN, NO_OPEN_CAMPAIGN
from toilet_api.survey.records import digest, insert_once, journal_many, locked, snapshot
from toilet_api.survey.rules import CAMPAIGN, SETTLED_STATES
from toilet_api.survey.tables import Campaign

_CONTENT = (
    *("name", "document_numbers", "cut_off_year", "starts_on", "survey_due", "deadline_rules", "state"),
    *("phases", "at_once_causes", "verification_levels", "acceptance_shares"),
)
_JSON = ("phases", "acceptance_shares")
"""Members that are kept as JSON, as their schema writes it."""


@remembered
def campaign_select(caller: Caller) -> Select[Any]:
    """Campaigns of the caller's counties: those inside of the scope, and the county that the scope lies in."""
    columns = [getattr(Campaign, name) for name in CampaignRow.model_fields if name != "allowed_actions"]
    counties = {prefix[:6] for prefix in caller.scope.prefixes if len(prefix) >= 6}
    return select(
        *columns,
        actions_column(CAMPAIGN, Campaign.state, Campaign.division_code, caller).label("allowed_actions"),
    ).where(or_(caller.scope.condition(Campaign.division_code), Campaign.division_code.in_(counties)))  # type: ignore[attr-defined]


def present(caller: Caller, campaign: Campaign) -> CampaignRow:
    """One campaign, as an answer."""
    return CampaignRow(
        **campaign.model_dump(include=set(CampaignRow.model_fields)),
        allowed_actions=CAMPAIGN.allowed(campaign.state, caller.permissions_at(campaign.division_code)),
    )


def create(session: Session, caller: Caller, body: CampaignNew) -> tuple[Campaign, bool]:
    """A new campaign of a county, planned and not yet open."""
    content = body.model_dump(exclude={"id", "division_code", "deadline_rules", *_JSON})
    content |= body.model_dump(mode="json", include=set(_JSON))
    campaign = Campaign(
        **content,
        id=body.id or new_id(),
        division_code=own_place(session, caller, body.division_code, 3),
        deadline_rules=_rules(body),
        created_by=caller.id,
        updated_by=caller.id,
        origin_digest=digest(body),
    )
    campaign, made = insert_once(session, campaign)
    if made:
        _journal(session, campaign, "campaign.created", None, op="create")
    return campaign, made


def change(session: Session, caller: Caller, campaign_id: UUID, body: CampaignPatch, if_match: str | None) -> Campaign:
    """Merge a patch. Changed deadline rules move the deadlines of live problems that follow them."""
    campaign = locked(session, caller, Campaign, campaign_id)
    require_match(if_match, campaign.version, lambda: present(caller, campaign))
    CAMPAIGN.next(campaign.state, "edit")
    before = snapshot(campaign, _CONTENT)
    changes = body.changes()
    if "deadline_rules" in changes:
        changes["deadline_rules"] = _rules(body)
    changes |= body.model_dump(mode="json", include=set(_JSON) & set(changes))
    for name, value in changes.items():
        setattr(campaign, name, value)
    if campaign.survey_due < campaign.starts_on:
        fault = ("摸排截止日早于开始日", "survey_due lies before starts_on")
        raise INVALID.problem(errors=[FieldError("/survey_due", "dates_reversed", fault)])
    _check_phases(campaign)
    campaign.touch(caller.id)
    _journal(session, campaign, "campaign.updated", before)
    _move_deadlines(session, caller, campaign, before["deadline_rules"])
    return campaign


def take_step(
    session: Session, caller: Caller, campaign_id: UUID, step: str, if_match: str | None, now: datetime
) -> Campaign:
    """`open` or `close`. Raises `campaign_already_open`: a county has one open campaign at most."""
    campaign = locked(session, caller, Campaign, campaign_id)
    optional_match(if_match, campaign.version, lambda: present(caller, campaign))
    before = snapshot(campaign, _CONTENT)
    target = CAMPAIGN.next(campaign.state, step)
    try:
        with guarded(session):
            campaign.state = target
            campaign.opened_at, campaign.closed_at = (now, None) if step == "open" else (campaign.opened_at, now)
            campaign.touch(caller.id)
    except CollisionError:
        raise CAMPAIGN_ALREADY_OPEN.problem() from None
    _journal(session, campaign, f"campaign.{'opened' if step == 'open' else 'closed'}", before)
    return campaign


def open_campaign(session: Session, division_code: str, current: UUID | None = None) -> Campaign:
    """The campaign that a problem found here belongs to: `current` while it is open, else the county's open one.

    Raises `no_open_campaign`.
    """
    if current is not None:
        mine = session.get(Campaign, current)
        if mine is not None and mine.state == "open":
            return mine
    found = session.exec(
        rows_of(Campaign).where(Campaign.division_code == division_code[:6], Campaign.state == "open")
    ).one_or_none()
    if found is None:
        raise NO_OPEN_CAMPAIGN.problem(division_code=division_code[:6])
    return found


def _check_phases(campaign: Campaign) -> None:
    """A patch may change the phases or the survey's end alone; together they must still fit."""
    try:
        check_phases([Phase.model_validate(one) for one in campaign.phases], campaign.survey_due)
    except PydanticCustomError as error:
        fault: Bilingual = (error.context or {})["bilingual"]
        raise INVALID.problem(errors=[FieldError("/phases", error.type, fault)]) from None


def _rules(body: CampaignNew | CampaignPatch) -> dict[str, Any]:
    return {cause: rule.model_dump(mode="json") for cause, rule in (body.deadline_rules or {}).items()}


def _journal(
    session: Session, campaign: Campaign, action: str, before: dict[str, Any] | None, op: journal.Operation = "update"
) -> None:
    after = snapshot(campaign, _CONTENT)
    if before is not None:
        before, after = difference(before, after)
    journal.record(
        session,
        action=action,
        subject_type="campaign",
        subject_id=campaign.id,
        division_code=campaign.division_code,
        version=campaign.version,
        before=before,
        after=after,
        op=op,
    )


_MOVE = """
    update problem set deadline = {deadline}, version = version + 1, updated_at = now(), updated_by = :by
    where campaign_id = :campaign and cause = :cause and not state = any(:settled)
      and deadline_source = 'rule' and deadline is distinct from {deadline}
    returning id, division_code, version, old.deadline as earlier, new.deadline as later
"""
_DEADLINES = {
    "fixed": "cast(:date as date)",
    "days": "(found_at at time zone 'Asia/Shanghai')::date + cast(:days as int)",
    "timetable": "cast(null as date)",
}


def _move_deadlines(session: Session, caller: Caller, campaign: Campaign, earlier: dict[str, Any]) -> None:
    """`rules.deadline` in SQL, for the causes whose rule changed; not where a plan or postponement set another."""
    unruled = {"kind": "timetable"}
    session.flush()
    for cause in sorted({*earlier, *campaign.deadline_rules}):
        rule = campaign.deadline_rules.get(cause, unruled)
        if rule == earlier.get(cause, unruled):
            continue
        found = session.connection().execute(
            text(_MOVE.format(deadline=_DEADLINES[rule["kind"]])),
            {
                "by": caller.id,
                "campaign": campaign.id,
                "cause": cause,
                "settled": list(SETTLED_STATES),
                **{name: value for name, value in rule.items() if name != "kind"},
            },
        )
        moved, reason = found.all(), "行动的期限规则已修改 / The campaign's deadline rule was changed"
        journal_many(
            session,
            [
                {
                    "action": "problem.deadline_moved",
                    "subject_type": "problem",
                    "subject_id": row.id,
                    "division_code": row.division_code,
                    "version": row.version,
                    "op": "update",
                    "before": {"deadline": row.earlier},
                    "after": {"deadline": row.later},
                    "reason": reason,
                }
                for row in moved
            ],
        )
        tell_deadlines_moved(session, [row.id for row in moved], caller.id, reason)


__all__ = ["campaign_select", "change", "create", "open_campaign", "present", "take_step"]
