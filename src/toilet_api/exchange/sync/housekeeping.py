"""Items that no device sends again go away; what was not applied stays until it is decided, and after."""

from datetime import timedelta

from sqlalchemy import text

from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE
from toilet_api.kernel.fields import now

_CLEAR = text(
    """
    delete from sync_item where (principal_id, id) in (
        select principal_id, id from sync_item where received_at < :before order by received_at limit :at_once
        for update skip locked)
    """
)
AT_ONCE = 50_000


@jobs.task(name="sync.housekeeping", cron="47 3 * * *")
def clear(context: jobs.Context) -> None:
    """Nightly: items as old as the oldest change that is kept. A device away for longer must fetch its village anew."""
    before = now() - timedelta(days=context.settings.change_keep_days)
    while True:
        with context.database.transaction(EVERYWHERE) as session:
            given = {"before": before, "at_once": AT_ONCE}
            if session.connection().execute(_CLEAR, given).rowcount < AT_ONCE:
                return
        context.give_way()
