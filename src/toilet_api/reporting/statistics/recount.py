"""The plain count: every sum of the statistics counted anew from the records, to compare. Slow, and meant to be.

It shares nothing with the triggers that keep the sums: the conditions are written a second time, from what the figures
mean, so that a mistake in either shows as a difference.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session

_DAY = "cast(timezone('Asia/Shanghai', {0}) as date)"
_NOWHERE = "cast('00000000-0000-0000-0000-000000000000' as uuid)"


def _counted(subject: str, keys: str, source: str, campaign: str = "campaign_id") -> str:
    return f"select '{subject}', {campaign}, division_code, concat_ws('|', {keys}) from {source}"


def _event(name: str, moment: str, source: str) -> str:
    return _counted("day", f"'{name}', cast({_DAY.format(moment)} as text)", f"{source} and {moment} is not null")


def _step(name: str, start: str, end: str, source: str) -> str:
    days = f"cast({_DAY.format(end)} - {_DAY.format(start)} as text)"
    return _counted("pace", f"'{name}', {days}", f"{source} and {start} is not null and {end} is not null")


_VISITS = "visit where removed_at is null and campaign_id is not null"
_PROBLEMS = "problem where removed_at is null"
_DONE = "task where removed_at is null and state in ('submitted', 'accepted')"
_ILL = """(
    select campaign_id, division_code, toilet_id, aspect, value,
           case min(case state when 'open' then 1 when 'in_work' then 2 when 'accepted' then 3 else 4 end)
           when 1 then 'open' when 2 then 'in_work' when 3 then 'accepted' else 'closed' end as worst
    from problem cross join lateral (values ('all', ''), ('cause', cause), ('type', cast(type_id as text)))
         as part (aspect, value)
    where removed_at is null and toilet_id is not null and state <> 'dismissed'
    group by 1, 2, 3, 4, 5) as ill"""
_SURVEYED = """(
    select visit.campaign_id, household.division_code, household.id,
           case max(case state when 'county_verified' then 4 when 'township_verified' then 3 when 'submitted' then 2
                    else 1 end)
           when 4 then 'county_verified' when 3 then 'township_verified' when 2 then 'submitted' else 'returned' end
           as best
    from household join visit on visit.household_id = household.id
    where household.removed_at is null and visit.removed_at is null and visit.campaign_id is not null
      and visit.state <> 'draft'
    group by 1, 2, 3) as surveyed"""

_PLAIN = " union all ".join(
    (
        _counted("household", "dwelling_state", "household where removed_at is null", _NOWHERE),
        _counted(
            "toilet",
            "mode, coalesce(cast(built_year as text), ''), coalesce(led_by, ''),"
            " case when counted then '1' else '0' end",
            "toilet where removed_at is null",
            _NOWHERE,
        ),
        _counted("visit", "state", f"{_VISITS} and state <> 'draft'"),
        _counted("survey", "best", _SURVEYED),
        _counted(
            "problem",
            "problem_class, cause, cast(type_id as text), state, case when reopenings > 0 then '1' else '0' end,"
            " case when state in ('open', 'in_work', 'accepted') then coalesce(cast(deadline as text), '') else '' end",
            _PROBLEMS,
        ),
        _counted("problem_toilet", "aspect, value, worst", _ILL),
        _counted("task", "state, path, case when redos > 0 then '1' else '0' end", "task where removed_at is null"),
        _counted(
            "rectified",
            "problem_class, cause",
            "(select task.campaign_id, task.division_code, problem.problem_class, problem.cause from task"
            " join problem on problem.id = task.problem_id"
            " where task.removed_at is null and task.state = 'submitted') as waiting",
        ),
        _event("visits_submitted", "submitted_at", f"{_VISITS} and state <> 'draft'"),
        _event("township_verified", "township_verified_at", _VISITS),
        _event("county_verified", "county_verified_at", _VISITS),
        _event("found", "found_at", _PROBLEMS),
        _event("accepted", "accepted_at", _PROBLEMS),
        _event("closed", "closed_at", _PROBLEMS),
        _event("dismissed", "dismissed_at", f"{_PROBLEMS} and state = 'dismissed'"),
        _event("reopened", "reopened_at", _PROBLEMS),
        _event("rectified", "submitted_at", _DONE),
        _step("submitted_to_township_verified", "submitted_at", "township_verified_at", _VISITS),
        _step("township_verified_to_county_verified", "township_verified_at", "county_verified_at", _VISITS),
        _step("found_to_accepted", "found_at", "accepted_at", _PROBLEMS),
        _step("accepted_to_closed", "accepted_at", "closed_at", _PROBLEMS),
        _step("found_to_closed", "found_at", "closed_at", _PROBLEMS),
        _step("work_started_to_submitted", "started_at", "submitted_at", _DONE),
        _step("work_submitted_to_accepted", "submitted_at", "accepted_at", f"{_DONE} and state = 'accepted'"),
    )
)
_LEVELS = "(values (2), (4), (6), (9), (12)) as level (width)"
# A subject's own view is kept at each level; what it comes to there, beside what the records below come to.
_COMPARED = f"""
    with plain (subject, campaign_id, division_code, key) as ({_PLAIN}),
    levels as (
        select subject, campaign_id, left(division_code, width) as code, key, count(*) as n
        from plain cross join {_LEVELS} where length(division_code) >= width group by 1, 2, 3, 4
    ),
    kept as (
        select view as subject, campaign_id, division_code as code, cell.key, cell.n
        from statistic_sum cross join lateral unnest(keys, counts) as cell (key, n) where view not like '%.%'
        union all
        select subject, campaign_id, left(division_code, width), key, n
        from statistic_delta cross join {_LEVELS} where length(division_code) >= width and subject <> 'place'
    )
    select subject, campaign_id, code, key, coalesce(levels.n, 0), coalesce(sums.n, 0)
    from levels full join (
        select subject, campaign_id, code, key, sum(n) as n from kept group by 1, 2, 3, 4 having sum(n) <> 0
    ) as sums using (subject, campaign_id, code, key)
    where coalesce(levels.n, 0) <> coalesce(sums.n, 0) order by 1, 2, 3, 4
"""
_PLACES = f"""
    with plain as (
        select left(division_code, width) as code, count(*) as n, sum(round(longitude * 1000000)) as east,
               sum(round(latitude * 1000000)) as north
        from toilet cross join {_LEVELS} where removed_at is null and longitude is not null group by 1
    ),
    kept as (
        select code, sum(n) as n, sum(east) as east, sum(north) as north
        from (
            select division_code as code, n, east, north from statistic_grid where zoom = 0
            union all
            select left(division_code, width), n, east, north
            from statistic_delta cross join {_LEVELS} where subject = 'place'
        ) as one group by 1 having (sum(n), sum(east), sum(north)) <> (0, 0, 0)
    )
    select 'centre', cast(null as uuid), code, '', coalesce(plain.n, 0), coalesce(kept.n, 0)
    from plain full join kept using (code)
    where (plain.n, plain.east, plain.north) is distinct from (kept.n, kept.east, kept.north) order by code
"""
# Each grid holds what the finest does, and that what the centres do.
_GRIDS = """
    select 'grid ' || zoom, cast(null as uuid), county, '', whole.n, kept.n
    from (
        select zoom, left(division_code, 6) as county, sum(n) as n, sum(east) as east, sum(north) as north
        from statistic_grid where zoom > 0 group by 1, 2
    ) as kept join (
        select division_code as county, n, east, north from statistic_grid where zoom = 0 and length(division_code) = 6
    ) as whole using (county)
    where (whole.n, whole.east, whole.north) is distinct from (kept.n, kept.east, kept.north) order by 1, 3
"""
_SMALLER = """
    with whole as (
        select case when view = 'toilet' then 'toilet' else 'problem' end as subject, campaign_id, division_code,
               string_to_array(cell.key, '|') as k, cell.n
        from statistic_sum cross join lateral unnest(keys, counts) as cell (key, n)
        where view in ('toilet', 'problem') and length(division_code) < 12
    ),
    wanted as (
        select campaign_id, division_code, n, smaller.*
        from whole cross join lateral (values
            ('toilet.mode', concat_ws('|', k[1], '', '', k[4]), subject = 'toilet'),
            ('toilet.year', concat_ws('|', '', k[2], '', k[4]), subject = 'toilet' and k[1] <> 'none'),
            ('toilet.leader', concat_ws('|', '', '', k[3], k[4]), subject = 'toilet' and k[1] <> 'none'),
            ('toilet.mode_year', concat_ws('|', k[1], k[2], '', k[4]), subject = 'toilet'),
            ('toilet.mode_leader', concat_ws('|', k[1], '', k[3], k[4]), subject = 'toilet'),
            ('toilet.year_leader', concat_ws('|', '', k[2], k[3], k[4]), subject = 'toilet' and k[1] <> 'none'),
            ('problem.cause', concat_ws('|', k[1], k[2], '', k[4], k[5], ''), subject = 'problem'),
            ('problem.due', concat_ws('|', k[1], k[2], '', '', '', k[6]),
             subject = 'problem' and k[4] in ('open', 'in_work', 'accepted'))
        ) as smaller (view, key, holds)
        where smaller.holds
    )
    select view, campaign_id, division_code, key, coalesce(wanted.n, 0), coalesce(kept.n, 0)
    from (select view, campaign_id, division_code, key, sum(n) as n from wanted group by 1, 2, 3, 4) as wanted
    full join (
        select view, campaign_id, division_code, cell.key, cell.n
        from statistic_sum cross join lateral unnest(keys, counts) as cell (key, n) where view like '%.%'
    ) as kept using (view, campaign_id, division_code, key)
    where coalesce(wanted.n, 0) <> coalesce(kept.n, 0) order by 1, 2, 3, 4
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A sum that isn't what the records come to."""

    subject: str
    campaign_id: str | None
    division_code: str
    key: str
    counted: int
    kept: int


def differences(session: Session) -> list[Difference]:
    """Every sum that differs from a plain count of the records, at every level; none, if all is well.

    The transaction must see everywhere. One snapshot: run it in one, or while nobody writes.
    """
    connection = session.connection()
    found = []
    for statement in (_COMPARED, _PLACES, _GRIDS, _SMALLER):
        for subject, campaign, code, key, counted, kept in connection.execute(text(statement)):
            found.append(Difference(subject, None if campaign is None else str(campaign), code, key, counted, kept))
    return found
