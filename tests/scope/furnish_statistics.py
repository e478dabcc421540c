"""Toilets on the map, and what the statistics have not summed up yet: a row in each village, of no figure."""

from sqlalchemy import text

from toilet_api.kernel.database import EVERYWHERE, Database

_PLACED = "update toilet set longitude = 115, latitude = 29.3, position_system = 'wgs84'"
_WAITING = """
    insert into statistic_delta (subject, campaign_id, division_code, key, n)
    select 'household', '00000000-0000-0000-0000-000000000000', division_code, 'occupied', 0
    from household group by division_code
"""


def furnish(database: Database) -> None:
    """Leave something to be summed up, after the worker has gone."""
    with database.transaction(EVERYWHERE) as session:
        for statement in (_PLACED, "select statistic_fold(1000000)", _WAITING):
            session.connection().execute(text(statement))
