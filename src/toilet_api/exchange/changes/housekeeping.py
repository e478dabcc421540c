"""Changes that are older than they are kept go away, month by month."""

import logging

from sqlalchemy import text

from toilet_api.kernel import jobs

log = logging.getLogger(__name__)


@jobs.task(name="changes.forget", cron="23 * * * *")
def forget(context: jobs.Context) -> None:
    """Hourly: drop the months that ended more than CHANGE_KEEP_DAYS ago. Cursors that would need them are refused then.

    Where others hold the table for long it is left for the next hour. In a database that was restored into another
    cluster the feed begins anew.
    """
    with context.database.transaction() as session:
        session.connection().execute(text("select change_renew()"))
    with context.database.transaction() as session:
        given = {"days": context.settings.change_keep_days}
        dropped = session.connection().execute(text("select change_forget(:days)"), given).scalar_one()
    if dropped:
        log.info("dropped %d months of the change feed", dropped)
