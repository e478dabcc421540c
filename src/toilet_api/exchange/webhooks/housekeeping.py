"""What was sent long ago goes away."""

from datetime import timedelta

from sqlmodel import col, delete, or_, select

from toilet_api.exchange.webhooks.tables import Webhook, WebhookDelivery
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE
from toilet_api.kernel.fields import now


@jobs.task(name="webhook.housekeeping", cron="47 * * * *")
def clear(context: jobs.Context) -> None:
    """Hourly: deliveries go when their time is up. What still waits stays; of removed subscriptions all go."""
    limit = now() - timedelta(days=context.settings.webhook_keep_days)
    with context.database.transaction(EVERYWHERE) as session:
        removed = select(Webhook.id).where(col(Webhook.removed_at) < limit)
        over = or_(col(WebhookDelivery.finished_at) < limit, col(WebhookDelivery.webhook_id).in_(removed))
        session.connection().execute(delete(WebhookDelivery).where(over))
