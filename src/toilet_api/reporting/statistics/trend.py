"""What happened day by day, and what was open at the end of each day."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from uuid import UUID

from pydantic import Field
from sqlalchemy import text
from sqlmodel import Session

from toilet_api.kernel.fields import Schema

_EVENTS = (
    *("visits_submitted", "township_verified", "county_verified"),
    *("found", "rectified", "accepted", "closed", "dismissed", "reopened"),
)
_STANDING = {"found": 1, "closed": -1, "dismissed": -1}
"""Events that change how many problems stand open in the ledger."""

# What lies before the first day is summed up; ':' sorts after every digit.
_DAYS = text(
    """
    with part as materialized (select * from unnest(cast(:codes as text[])) as part (code)),
    found as (
        select cell.key, cell.n
        from part join statistic_sum on division_code = code cross join lateral unnest(keys, counts) as cell (key, n)
        where view = 'day' and campaign_id = any(:campaigns)
        union all
        select key, n from part join statistic_delta on division_code >= code and division_code < code || ':'
        where subject = 'day' and campaign_id = any(:campaigns)
    )
    select split_part(key, '|', 1) as event,
           case when split_part(key, '|', 2) < :since then '' else split_part(key, '|', 2) end as day,
           cast(sum(n) as bigint)
    from found where split_part(key, '|', 2) <= :until group by 1, 2 having sum(n) <> 0
    """
)


class TrendDay(Schema):
    """某日的进展 / What happened on one day (Asia/Shanghai), by the dates that the records carry now."""

    day: date = Field(title="日期")
    visits_submitted: int = Field(title="提交摸排", examples=[30])
    township_verified: int = Field(title="乡镇审核摸排", examples=[20])
    county_verified: int = Field(title="县级审核摸排", examples=[10])
    found: int = Field(title="登记问题", examples=[5])
    rectified: int = Field(title="整改完成", description="提交验收 / Submitted for acceptance", examples=[4])
    accepted: int = Field(title="验收", examples=[3])
    closed: int = Field(title="销号", examples=[2])
    dismissed: int = Field(title="撤销", examples=[0])
    reopened: int = Field(title="重新打开", examples=[0])
    open_at_end: int = Field(
        title="当日末未销号", description="已登记、未销号、未撤销 / Found, neither closed nor dismissed", examples=[40]
    )


def trend(
    session: Session, divisions: Sequence[str], campaigns: Collection[UUID], since: date, until: date
) -> list[TrendDay]:
    """Each day from `since` to `until`, of `divisions` together, also those on which nothing happened."""
    values = {
        "codes": list(divisions),
        "campaigns": list(campaigns),
        "since": since.isoformat(),
        "until": until.isoformat(),
    }
    counts: dict[tuple[str, str], int] = {}
    for event, day, n in session.connection().execute(_DAYS, values):
        counts[event, day] = n
    standing = sum(sign * counts.get((event, ""), 0) for event, sign in _STANDING.items())
    days = []
    for offset in range((until - since).days + 1):
        day = since + timedelta(days=offset)
        events = {event: counts.get((event, day.isoformat()), 0) for event in _EVENTS}
        standing += sum(sign * events[event] for event, sign in _STANDING.items())
        days.append(TrendDay(day=day, open_at_end=standing, **events))
    return days
