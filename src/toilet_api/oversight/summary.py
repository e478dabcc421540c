"""The summary of a campaign: every figure counted from the records, in one statement and so of one moment."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from toilet_api.divisions import lookup
from toilet_api.kernel.scope import Scope
from toilet_api.oversight.summary_schemas import (
    CampaignSummary,
    CauseCounts,
    DivisionSummary,
    LedgerCounts,
    PlanCounts,
    Remaining,
    ShareCounts,
    SurveyCounts,
)
from toilet_api.survey.rules import shanghai_date
from toilet_api.survey.tables import Campaign

Row = dict[str, Any]

# {place}: the condition that `division_code` lies where the caller asks; each CTE reads one table.
_COUNTS = """
    with ledger as (
        select left(division_code, :width) as code, problem_class, cause, state, count(*) as problems,
               count(*) filter (where deadline < :today and state not in ('closed', 'dismissed')) as overdue,
               count(*) filter (where reopenings > 0) as reopened,
               count(*) filter (where accepted_level = 'county') as rechecked
        from problem where campaign_id = :campaign and removed_at is null and {place}
        group by 1, 2, 3, 4
    ),
    remaining as (
        select problem.cause, count(*) as problems, count(task.id) as planned,
               count(*) filter (where problem.deadline is null) as without_deadline,
               max(problem.deadline) as last_deadline, coalesce(sum(task.cost_fen), 0) as cost_fen
        from problem left join task on task.id = problem.task_id
        where problem.campaign_id = :campaign and problem.removed_at is null
          and problem.state not in ('closed', 'dismissed') and {problem_place}
        group by 1
    ),
    ill as (
        select left(division_code, :width) as code, count(distinct toilet_id) as toilets
        from problem
        where campaign_id = :campaign and removed_at is null and state <> 'dismissed' and toilet_id is not null
          and {place}
        group by 1
    ),
    homes as (
        select left(division_code, :width) as code, count(*) as households,
               count(*) filter (where exists (
                   select from visit where visit.household_id = household.id and visit.campaign_id = :campaign
                     and visit.removed_at is null and visit.state <> 'draft')) as surveyed
        from household where removed_at is null and {place} group by 1
    ),
    privies as (
        select left(division_code, :width) as code, count(*) as toilets
        from toilet where removed_at is null and mode <> 'none' and {place} group by 1
    ),
    visits as (
        select left(division_code, :width) as code, state, count(*) as visits
        from visit where campaign_id = :campaign and removed_at is null and {place} group by 1, 2
    ),
    work as (
        select count(distinct problem_id) filter (where state = 'submitted') as waiting
        from task where campaign_id = :campaign and removed_at is null and {place}
    ),
    plans as (
        select kind, state, count(*) as plans, count(distinct division_code) as townships,
               coalesce(sum((select sum((fund ->> 'amount_fen')::bigint) from jsonb_array_elements(funds) as fund)), 0)
               as funds_fen
        from plan where campaign_id = :campaign and removed_at is null and {place} group by 1, 2
    )
    select (select coalesce(jsonb_agg(found), '[]') from ledger as found) as ledger,
           (select coalesce(jsonb_agg(found order by found.cause), '[]') from remaining as found) as remaining,
           (select coalesce(jsonb_agg(found), '[]') from ill as found) as ill,
           (select coalesce(jsonb_agg(found), '[]') from homes as found) as homes,
           (select coalesce(jsonb_agg(found), '[]') from privies as found) as privies,
           (select coalesce(jsonb_agg(found), '[]') from visits as found) as visits,
           (select coalesce(jsonb_agg(found), '[]') from plans as found) as plans,
           (select waiting from work) as waiting
"""


def summarise(session: Session, campaign: Campaign, division: str, scope: Scope, now: datetime) -> CampaignSummary:
    """The figures of `campaign` at `division`, as far as `scope` reaches, with those of the divisions below."""
    width = {2: 6, 4: 6, 6: 9}.get(len(division), 12)
    found = _count(session, campaign, scope, width, shanghai_date(now))
    ledger: list[Row] = found["ledger"]
    # Divisions where nothing has happened yet are shown as well, so that a laggard is seen.
    below = lookup.below(session, {6: 3, 9: 4, 12: 5}[width], scope.prefixes)
    counted = {row["code"] for name in ("ledger", "ill", "homes", "privies", "visits") for row in found[name]}
    names = {**lookup.names(session, counted), **below}
    whole = _ledger(ledger)
    return CampaignSummary(
        campaign_id=campaign.id,
        campaign_name=campaign.name,
        division_code=division,
        as_of=now,
        survey=_survey(found),
        ledger=whole,
        toilet_problems=_ledger(row for row in ledger if row["problem_class"] == "toilet"),
        work_problems=_ledger(row for row in ledger if row["problem_class"] == "work"),
        causes=[
            CauseCounts(cause=cause, **_ledger(row for row in ledger if row["cause"] == cause).model_dump())
            for cause in sorted({row["cause"] for row in ledger})
        ],
        plans=_plans(session, found["plans"], scope),
        acceptance=ShareCounts(
            submitted=found["waiting"] + whole.accepted + whole.closed,
            accepted_by_township=whole.accepted + whole.closed,
            rechecked_by_county=sum(row["rechecked"] for row in ledger),
            township_target_percent=campaign.acceptance_shares["township"],
            county_target_percent=campaign.acceptance_shares["county"],
        ),
        remaining=[Remaining(**row) for row in found["remaining"]],
        divisions=[
            DivisionSummary(
                division_code=code,
                name=names.get(code),
                survey=_survey(found, code),
                ledger=_ledger(row for row in ledger if row["code"] == code),
            )
            for code in sorted(names)
        ],
    )


def _count(session: Session, campaign: Campaign, scope: Scope, width: int, today: date) -> Row:
    places: list[str] = []
    bounds: dict[str, str] = {}
    for number, prefix in enumerate(scope.prefixes):
        places.append(f"{{column}} >= :low{number} and {{column}} < :high{number}")
        bounds |= {f"low{number}": prefix, f"high{number}": prefix + ":"}  # ':' sorts after every digit
    place = "(" + " or ".join(places) + ")"
    statement = _COUNTS.format(
        place=place.format(column="division_code"), problem_place=place.format(column="problem.division_code")
    )
    values = {"campaign": campaign.id, "width": width, "today": today, **bounds}
    return dict(session.connection().execute(text(statement), values).mappings().one())


def _ledger(rows: Iterable[Row]) -> LedgerCounts:
    states: Counter[str] = Counter()
    overdue = reopened = 0
    for row in rows:
        states[row["state"]] += row["problems"]
        overdue, reopened = overdue + row["overdue"], reopened + row["reopened"]
    return LedgerCounts(
        found=states.total(),
        open=states["open"],
        in_work=states["in_work"],
        accepted=states["accepted"],
        closed=states["closed"],
        dismissed=states["dismissed"],
        overdue=overdue,
        reopened=reopened,
    )


def _survey(found: Row, code: str | None = None) -> SurveyCounts:
    def total(name: str, member: str, state: str | None = None) -> int:
        return sum(
            row[member]
            for row in found[name]
            if (code is None or row["code"] == code) and (state is None or row["state"] == state)
        )

    return SurveyCounts(
        households=total("homes", "households"),
        households_surveyed=total("homes", "surveyed"),
        toilets=total("privies", "toilets"),
        problem_toilets=total("ill", "toilets"),
        visits_submitted=total("visits", "visits", "submitted"),
        visits_township_verified=total("visits", "visits", "township_verified"),
        visits_county_verified=total("visits", "visits", "county_verified"),
        visits_returned=total("visits", "visits", "returned"),
    )


def _plans(session: Session, rows: list[Row], scope: Scope) -> PlanCounts:
    def count(state: str, kind: str = "plan", member: str = "townships") -> int:
        return sum(row[member] for row in rows if row["state"] == state and row["kind"] == kind)

    return PlanCounts(
        townships=len(lookup.below(session, 4, scope.prefixes)),
        approved=count("approved"),
        submitted=count("submitted"),
        returned=count("returned"),
        draft=count("draft"),
        addenda=count("approved", "addendum", "plans"),
        funds_fen=count("approved", "plan", "funds_fen") + count("approved", "addendum", "funds_fen"),
    )
