"""The summary of a campaign: read from the live statistics, and counted where they don't tell, all of one snapshot."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import text
from sqlmodel import Session

from toilet_api.divisions import lookup
from toilet_api.kernel.scope import Scope
from toilet_api.reporting.figures import Figures, ProblemFigures
from toilet_api.reporting.statistics.reading import figures_of, visits_of
from toilet_api.reporting.statistics.summary_schemas import (
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
Counts = TypeVar("Counts", SurveyCounts, LedgerCounts)
_LEVEL = {6: 3, 9: 4, 12: 5}
_WHOLE = "whole"

# What no statistic tells: costs and dates of what is left to do, plans, and what the county has checked again.
# {place}: the condition that `division_code` lies where the caller asks.
_COUNTS = """
    with remaining as (
        select problem.cause, count(*) as problems, count(task.id) as planned,
               count(*) filter (where problem.deadline is null) as without_deadline,
               max(problem.deadline) as last_deadline, coalesce(sum(task.cost_fen), 0) as cost_fen
        from problem left join task on task.id = problem.task_id
        where problem.campaign_id = :campaign and problem.removed_at is null
          and problem.state not in ('closed', 'dismissed') and {problem_place}
        group by 1
    ),
    plans as (
        select kind, state, count(*) as plans, count(distinct division_code) as townships,
               coalesce(sum((select sum((fund ->> 'amount_fen')::bigint) from jsonb_array_elements(funds) as fund)), 0)
               as funds_fen
        from plan where campaign_id = :campaign and removed_at is null and {place} group by 1, 2
    )
    select (select coalesce(jsonb_agg(found order by found.cause), '[]') from remaining as found) as remaining,
           (select coalesce(jsonb_agg(found), '[]') from plans as found) as plans,
           (select count(*) from problem where campaign_id = :campaign and removed_at is null
              and accepted_level = 'county' and {place}) as rechecked
"""


def summarise(session: Session, campaign: Campaign, division: str, scope: Scope, now: datetime) -> CampaignSummary:
    """The figures of `campaign` at `division`, as far as `scope` reaches, with those of the divisions below.

    `session`: a snapshot, so that all is of one moment.
    """
    width = {2: 6, 4: 6, 6: 9}.get(len(division), 12)
    # Divisions where nothing has happened yet are shown as well, so that a laggard is seen.
    below = lookup.below(session, _LEVEL[width], scope.prefixes)
    groups = {_WHOLE: list(scope.prefixes), **_groups(scope, below, width)}
    figures = figures_of(session, groups, [campaign.id], shanghai_date(now))
    visits = visits_of(session, groups, [campaign.id])
    counts = {name: (_survey(figures[name], visits[name]), _ledger(figures[name].problems)) for name in groups}
    survey, ledger = counts.pop(_WHOLE)
    # A problem in the work may be recorded at a township or county itself: what isn't below it is its own.
    own = (_less(survey, [one for one, _ in counts.values()]), _less(ledger, [one for _, one in counts.values()]))
    parts = {code: part for code, part in {division: own, **counts}.items() if code in below or _is_something(part)}
    whole, counted = figures[_WHOLE], _count(session, campaign, scope)
    names = {**lookup.names(session, parts), **below}
    return CampaignSummary(
        campaign_id=campaign.id,
        campaign_name=campaign.name,
        division_code=division,
        as_of=now,
        survey=survey,
        ledger=ledger,
        toilet_problems=_ledger(whole.toilet_problems),
        work_problems=_ledger(whole.work_problems),
        causes=[
            CauseCounts(cause=one.cause, **_ledger(one).model_dump())
            for one in sorted(whole.by_cause, key=lambda one: one.cause)
            if one.found
        ],
        plans=_plans(session, counted["plans"], scope),
        acceptance=ShareCounts(
            submitted=whole.problems.rectified,
            accepted_by_township=whole.problems.accepted + whole.problems.closed,
            rechecked_by_county=counted["rechecked"],
            township_target_percent=campaign.acceptance_shares["township"],
            county_target_percent=campaign.acceptance_shares["county"],
        ),
        remaining=[Remaining(**row) for row in counted["remaining"]],
        divisions=[
            DivisionSummary(division_code=code, name=names.get(code), survey=of_survey, ledger=of_ledger)
            for code, (of_survey, of_ledger) in sorted(parts.items())
        ],
    )


def _groups(scope: Scope, below: Iterable[str], width: int) -> dict[str, list[str]]:
    """Each division below with the codes of it that lie in `scope`."""
    groups: dict[str, list[str]] = {code: [] for code in below}
    for prefix in scope.prefixes:
        if len(prefix) > width:
            groups.setdefault(prefix[:width], []).append(prefix)
    for code, codes in groups.items():
        if not codes:
            codes.append(code)
    return groups


def _less(whole: Counts, parts: Iterable[Counts]) -> Counts:
    left = whole.model_dump()
    for part in parts:
        for name, number in part.model_dump().items():
            left[name] -= number
    return type(whole).model_validate(left)


def _is_something(part: tuple[SurveyCounts, LedgerCounts]) -> bool:
    return any(number for counts in part for number in counts.model_dump().values())


def _count(session: Session, campaign: Campaign, scope: Scope) -> Row:
    places: list[str] = []
    bounds: dict[str, str] = {}
    for number, prefix in enumerate(scope.prefixes):
        places.append(f"{{column}} >= :low{number} and {{column}} < :high{number}")
        bounds |= {f"low{number}": prefix, f"high{number}": prefix + ":"}  # ':' sorts after every digit
    place = "(" + " or ".join(places) + ")"
    statement = _COUNTS.format(
        place=place.format(column="division_code"), problem_place=place.format(column="problem.division_code")
    )
    return dict(session.connection().execute(text(statement), {"campaign": campaign.id, **bounds}).mappings().one())


def _ledger(problems: ProblemFigures) -> LedgerCounts:
    return LedgerCounts.model_validate(problems.model_dump(include=set(LedgerCounts.model_fields)))


def _survey(figures: Figures, visits: Mapping[str, int]) -> SurveyCounts:
    return SurveyCounts(
        households=figures.registry.households,
        households_surveyed=figures.survey.surveyed,
        toilets=figures.registry.toilets,
        problem_toilets=figures.problem_toilets.total,
        visits_submitted=visits.get("submitted", 0),
        visits_township_verified=visits.get("township_verified", 0),
        visits_county_verified=visits.get("county_verified", 0),
        visits_returned=visits.get("returned", 0),
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
