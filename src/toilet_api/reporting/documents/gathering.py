"""The account of a campaign, counted from the records in one snapshot."""

from collections import defaultdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from toilet_api.divisions import lookup
from toilet_api.kernel.scope import Scope
from toilet_api.reporting.documents.account import Account, ReviewCounts, Township, TypeCount
from toilet_api.reporting.documents.wording import legible
from toilet_api.reporting.statistics import reading
from toilet_api.reporting.statistics.summary import summarise
from toilet_api.survey.rules import shanghai_date
from toilet_api.survey.tables import Campaign

_TOWNSHIP, _VILLAGE = 4, 5
# Each type with what was found of it; the types of problems in the work also where nothing was.
_TYPES = text(
    """
    select kind.code, kind.zh, kind.problem_class, count(problem.id) as problems,
           count(problem.id) filter (where problem.state = 'closed') as closed
    from problem_type as kind
    left join problem on problem.type_id = kind.id and problem.campaign_id = :campaign
         and problem.removed_at is null and problem.state <> 'dismissed'
    where kind.removed_at is null and (kind.division_code = '' or kind.division_code = :county)
    group by kind.id
    having count(problem.id) > 0 or (kind.problem_class = 'work' and kind.retired_at is null)
    order by kind.problem_class, kind.code
    """
)
_WORK = text(
    """
    select left(problem.division_code, 9) as township, kind.code, count(*) as problems
    from problem join problem_type as kind on kind.id = problem.type_id
    where problem.campaign_id = :campaign and problem.removed_at is null and problem.state <> 'dismissed'
      and problem.problem_class = 'work' and length(problem.division_code) >= 9
    group by 1, 2
    """
)
_PLANS = text(
    """
    select distinct on (division_code) division_code, state from plan
    where campaign_id = :campaign and removed_at is null and kind = 'plan'
      and state in ('approved', 'submitted', 'returned', 'draft')
    order by division_code, array_position(array['approved', 'submitted', 'returned', 'draft'], state)
    """
)
_REVIEWS = text(
    """
    select sample.kind, count(distinct sample.id) as held, count(*) as selected,
           count(unit.result) as checked, count(*) filter (where unit.result = 'upheld') as upheld,
           count(*) filter (where unit.result = 'failed') as failed,
           count(*) filter (where unit.result = 'not_checkable') as not_checkable
    from sample join sample_unit as unit on unit.sample_id = sample.id and unit.selected
    join problem on problem.id = unit.problem_id
    where problem.campaign_id = :campaign and sample.removed_at is null and sample.state in ('drawn', 'completed')
    group by 1
    """
)
_OTHERS = text(
    """
    select count(falsification.id) as falsifications, count(distinct falsification.problem_id) as falsified,
           (select count(*) from problem where campaign_id = :campaign and removed_at is null
              and state <> 'dismissed' and deadline_source = 'postponement') as postponed
    from falsification join problem on problem.id = falsification.problem_id
    where problem.campaign_id = :campaign and falsification.removed_at is null and falsification.state = 'recorded'
    """
)


def gather(session: Session, campaign: Campaign, now: datetime) -> Account:
    """The account as of `now`. `session`: a snapshot that sees the whole county, so that all is of one moment."""
    county = campaign.division_code
    values = {"campaign": campaign.id, "county": county}
    townships = lookup.below(session, _TOWNSHIP, (county,))
    counted = reading.figures(session, [county, *townships], [campaign.id], shanghai_date(now))
    names = lookup.names(session, [county, county[:2]])
    work: dict[str, dict[str, int]] = defaultdict(dict)
    for row in session.connection().execute(_WORK, values):
        work[row.township][row.code] = row.problems
    plans: dict[str, str] = {row.division_code: row.state for row in session.connection().execute(_PLANS, values)}
    reviews = {row["kind"]: row for row in map(dict, session.connection().execute(_REVIEWS, values).mappings())}
    others = session.connection().execute(_OTHERS, values).one()
    return Account(
        county_code=county,
        county=legible(names.get(county, county)),
        province=legible(names.get(county[:2], "省")),
        campaign=legible(campaign.name),
        document_numbers=tuple(map(legible, campaign.document_numbers)),
        cut_off_year=campaign.cut_off_year,
        phases=tuple(map(_phase, campaign.phases)),
        as_of=now,
        figures=counted[county],
        summary=summarise(session, campaign, county, Scope((county,)), now),
        townships=tuple(
            Township(code, legible(name), counted[code], plans.get(code, ""), work.get(code))
            for code, name in sorted(townships.items())
        ),
        villages=len(lookup.below(session, _VILLAGE, (county,))),
        types=tuple(
            TypeCount(row.code, legible(row.zh), row.problem_class, row.problems, row.closed)
            for row in session.connection().execute(_TYPES, values)
        ),
        full_reviews=_counts(reviews.get("full_review")),
        spot_checks=_counts(reviews.get("spot_check")),
        falsifications=others.falsifications,
        falsified=others.falsified,
        postponed=others.postponed,
    )


def _phase(one: dict[str, Any]) -> tuple[str, date | None]:
    due = one.get("due_on")
    return one["phase"], None if due is None else date.fromisoformat(due)


def _counts(row: dict[str, Any] | None) -> ReviewCounts:
    if row is None:
        return ReviewCounts(0, 0, 0, 0, 0, 0)
    return ReviewCounts(**{name: value for name, value in row.items() if name != "kind"})
