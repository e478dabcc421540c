"""The figures of divisions, read from the sums and from what isn't summed up yet, in one statement of one moment."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from toilet_api.kernel.scope import Scope
from toilet_api.reporting.figures import Denominator, Figures, PaceFigures
from toilet_api.reporting.statistics.tallies import Tally
from toilet_api.survey.tables import Campaign

NOWHERE = UUID(int=0)
"""The campaign of what belongs to none: households and toilets."""
_ABOVE = ("toilet.mode", "toilet.year", "toilet.leader", "problem.cause", "problem.due")
_VILLAGE = ("toilet", "problem")
_BOTH = ("household", "survey", "rectified", "problem_toilet")
_SUBJECTS = ("household", "toilet", "survey", "problem", "rectified", "problem_toilet", "pace")

# A part is a code and the group that it belongs to: the division asked for, or what of it the caller may see.
# ':' sorts after every digit. The type of problems isn't told apart here, nor their deadline but for being over.
_FIGURES = text(
    """
    with part as materialized (
        select * from unnest(cast(:groups as text[]), cast(:codes as text[])) as part (place, code)
    ),
    found as (
        select place, view, cell.key, cell.n
        from part join statistic_sum on division_code = code cross join lateral unnest(keys, counts) as cell (key, n)
        where view = any(case when length(code) = 12 then cast(:village as text[]) else cast(:above as text[]) end)
          and campaign_id = any(:campaigns)
        union all
        select place, subject, key, n
        from part join statistic_delta on division_code >= code and division_code < code || ':'
        where subject = any(:subjects) and campaign_id = any(:campaigns)
    ),
    cells as (
        select place, view, case when view in ('problem', 'problem.due') then concat_ws('|',
                   split_part(key, '|', 1), split_part(key, '|', 2), '', split_part(key, '|', 4),
                   split_part(key, '|', 5),
                   case when split_part(key, '|', 6) <> '' and split_part(key, '|', 6) < :today then '1' else '' end)
               else key end as key, n
        from found where view <> 'pace' and not (view = 'problem_toilet' and key ^@ 'type|')
    )
    select place, view, key, cast(sum(n) as bigint) from cells group by 1, 2, 3 having sum(n) <> 0
    union all
    select place, 'pace', concat_ws('|', step, min(days) filter (where 2 * upto >= total),
           min(days) filter (where 2 * upto > total)), max(total)
    from (
        select place, step, days, sum(n) over (partition by place, step order by days) as upto,
               cast(sum(n) over (partition by place, step) as bigint) as total
        from (
            select place, split_part(key, '|', 1) as step, cast(split_part(key, '|', 2) as int) as days, sum(n) as n
            from found where view = 'pace' group by 1, 2, 3 having sum(n) <> 0
        ) as day
    ) as ranked
    where total > 0 group by place, step
    """
)


_VISITS = text(
    """
    with part as materialized (
        select * from unnest(cast(:groups as text[]), cast(:codes as text[])) as part (place, code)
    )
    select place, key, cast(sum(n) as bigint)
    from (
        select place, cell.key, cell.n
        from part join statistic_sum on division_code = code cross join lateral unnest(keys, counts) as cell (key, n)
        where view = 'visit' and campaign_id = any(:campaigns)
        union all
        select place, key, n
        from part join statistic_delta on division_code >= code and division_code < code || ':'
        where subject = 'visit' and campaign_id = any(:campaigns)
    ) as found group by 1, 2 having sum(n) <> 0
    """
)


def figures(
    session: Session,
    divisions: Sequence[str],
    campaigns: Collection[UUID],
    today: date,
    denominator: Denominator = "households",
) -> dict[str, Figures]:
    """Code -> its figures, for each of `divisions`; all zero where nothing is. `today` decides what is overdue."""
    return figures_of(session, {code: (code,) for code in divisions}, campaigns, today, denominator)


def figures_of(
    session: Session,
    groups: Mapping[str, Sequence[str]],
    campaigns: Collection[UUID],
    today: date,
    denominator: Denominator = "households",
) -> dict[str, Figures]:
    """Name -> the figures of its codes together; no code of a group may lie inside of another."""
    tallies = {name: Tally() for name in groups}
    pace: dict[str, dict[str, PaceFigures]] = {name: {} for name in groups}
    pairs = [(name, code) for name, codes in groups.items() for code in codes]
    for place, view, key, n in _rows(session, pairs, campaigns, today):
        parts = key.split("|")
        if view == "pace":
            step, low, high = parts
            pace[place][step] = PaceFigures(step=step, records=n, median_days=(int(low) + int(high)) / 2)
        else:
            tallies[place].add(view, parts, n)
    return {name: tally.figures(denominator, pace[name]) for name, tally in tallies.items()}


def visits_of(
    session: Session, groups: Mapping[str, Sequence[str]], campaigns: Collection[UUID]
) -> dict[str, dict[str, int]]:
    """Name -> how many visits of its codes are in each state, drafts left out."""
    pairs = [(name, code) for name, codes in groups.items() for code in codes]
    found: dict[str, dict[str, int]] = {name: {} for name in groups}
    for place, state, n in session.connection().execute(_VISITS, _parts(pairs) | {"campaigns": list(campaigns)}):
        found[place][state] = n
    return found


def campaigns_under(session: Session, scope: Scope, campaign_id: UUID | None = None) -> list[UUID]:
    """The campaign asked for; else every open one in `scope`, or of the county that it lies in."""
    if campaign_id is not None:
        return [campaign_id]
    is_open = (col(Campaign.state) == "open", col(Campaign.removed_at).is_(None))
    open_ones = session.exec(select(Campaign.id, Campaign.division_code).where(*is_open))
    return [
        found
        for found, county in open_ones
        if any(county.startswith(prefix) or prefix.startswith(county) for prefix in scope.prefixes)
    ]


def _rows(
    session: Session, pairs: Sequence[tuple[str, str]], campaigns: Collection[UUID], today: date
) -> Sequence[tuple[Any, ...]]:
    values: dict[str, Any] = {
        **_parts(pairs),
        "above": [*_ABOVE, *_BOTH, "pace"],
        "village": [*_VILLAGE, *_BOTH, "pace"],
        "subjects": list(_SUBJECTS),
        "campaigns": [NOWHERE, *campaigns],
        "today": today.isoformat(),
    }
    return session.connection().execute(_FIGURES, values).all()


def _parts(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    return {"groups": [name for name, _ in pairs], "codes": [code for _, code in pairs]}


__all__ = ["NOWHERE", "campaigns_under", "figures", "figures_of", "visits_of"]
