"""The records of a township as they stand, written beside those of the draw before: only what has changed."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from toilet_api.kernel.fields import new_id
from toilet_api.reporting.reports.tables import ReportChain

_FACTS = (
    *("place_code", "household_id", "toilet_id", "dwelling_state", "survey_level", "mode", "grade", "counted"),
    *("built_year", "led_by", "problem_class", "cause", "causes", "problem_type", "state", "deadline"),
    *("rectified", "reopened"),
)
"""What is kept of a record, in the order of the selects below. Nothing of a person is."""

# The levels of a survey in order of their names' rank: 1 returned, 2 submitted, 3 and 4 verified.
_FRESH = """
    select 'household' as record_type, household.id as record_id, household.division_code as place_code,
           household.id as household_id, null::uuid as toilet_id, household.dwelling_state,
           (array['returned', 'submitted', 'township_verified', 'county_verified'])[visited.level] as survey_level,
           null::text as mode, null::text as grade, null::boolean as counted, null::int as built_year,
           null::text as led_by, null::text as problem_class, null::text as cause, null::text[] as causes,
           null::text as problem_type, null::text as state, null::date as deadline, null::boolean as rectified,
           null::boolean as reopened
    from household left join (
        select household_id,
               max(array_position(
                   array['returned', 'submitted', 'township_verified', 'county_verified'], state)) as level
        from visit
        where division_code >= :low and division_code < :high and campaign_id = :campaign and removed_at is null
        group by household_id
    ) as visited on visited.household_id = household.id
    where household.division_code >= :low and household.division_code < :high and household.removed_at is null
    union all
    select 'toilet', id, division_code, household_id, id, null, null, mode, grade, counted, built_year, led_by,
           null, null, null, null, null, null, null, null
    from toilet
    where division_code >= :low and division_code < :high and removed_at is null and mode <> 'none'
    union all
    select 'problem', problem.id, problem.division_code, problem.household_id, problem.toilet_id, null, null, null,
           null, null, null, null, problem.problem_class, problem.cause, null, problem_type.code, problem.state,
           problem.deadline,
           problem.state in ('accepted', 'closed') or exists (
               select from task where task.problem_id = problem.id and task.state = 'submitted'
                                  and task.removed_at is null),
           problem.reopenings > 0
    from problem join problem_type on problem_type.id = problem.type_id
    where problem.division_code >= :low and problem.division_code < :high and problem.campaign_id = :campaign
      and problem.removed_at is null
    union all
    select 'problem_toilet', toilet_id, max(division_code), (array_agg(household_id order by id))[1], toilet_id,
           null, null, null, null, null, null, null, null, null, array_agg(distinct cause order by cause), null,
           (array['open', 'in_work', 'accepted', 'closed'])[
               min(array_position(array['open', 'in_work', 'accepted', 'closed'], state))],
           null, null, null
    from problem
    where division_code >= :low and division_code < :high and campaign_id = :campaign and removed_at is null
      and toilet_id is not null and state <> 'dismissed'
    group by toilet_id
"""


def _row(alias: str) -> str:
    return "(" + ", ".join(f"{alias}.{name}" for name in _FACTS) + ")"


# One statement, so that all is of one moment: what was closed and what is new are told by the same reading.
_DRAW = text(
    f"""
    with fresh as materialized ({_FRESH}),
    kept as materialized (select * from reported_record where chain_id = :chain and draw_to is null),
    changed as materialized (
        select coalesce(fresh.record_type, kept.record_type) as record_type,
               coalesce(fresh.record_id, kept.record_id) as record_id,
               kept.record_id is not null as was_there, fresh.record_id is not null as is_there,
               {", ".join(f"fresh.{name}" for name in _FACTS)}
        from fresh full join kept on kept.record_type = fresh.record_type and kept.record_id = fresh.record_id
        where kept.record_id is null or fresh.record_id is null or {_row("fresh")} is distinct from {_row("kept")}
    ),
    ended as (
        update reported_record as record set draw_to = :draw
        from changed
        where changed.was_there and record.chain_id = :chain and record.draw_to is null
          and record.record_type = changed.record_type and record.record_id = changed.record_id
    )
    insert into reported_record (chain_id, record_type, record_id, draw_from, division_code, {", ".join(_FACTS)})
    select :chain, record_type, record_id, :draw, :place, {", ".join(_FACTS)} from changed where is_there
    """
)


def take(session: Session, campaign_id: UUID, township: str) -> tuple[UUID, int]:
    """(the chain of a township in a campaign, the number of the draw): its records as this transaction sees them.

    Draws of one chain follow each other. The transaction must see the whole township.
    """
    chain = _held(session, campaign_id, township)
    chain.draws += 1
    session.flush()
    given = {
        "chain": chain.id,
        "draw": chain.draws,
        "campaign": campaign_id,
        "place": chain.division_code,
        "low": township,
        "high": f"{township}:",  # ':' sorts after every digit
    }
    session.connection().execute(_DRAW, given)
    return chain.id, chain.draws


def _held(session: Session, campaign_id: UUID, township: str) -> ReportChain:
    made = {"id": new_id(), "division_code": township, "campaign_id": campaign_id, "drawn_for": township, "draws": 0}
    session.connection().execute(insert(ReportChain).values(made).on_conflict_do_nothing())
    return session.exec(
        select(ReportChain)
        .where(col(ReportChain.campaign_id) == campaign_id, col(ReportChain.drawn_for) == township)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


__all__ = ["take"]
