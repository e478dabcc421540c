"""From the change feed into the outbox: each subscription reads on where it stands.

The deliveries and the new position commit together, so that a process that dies anywhere loses no event and queues none
twice. A subscription whose outbox is full waits in the feed, which holds any number.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text, update
from sqlmodel import Session, col, select

from toilet_api.exchange.webhooks import events, outbox, rights, subscriptions
from toilet_api.exchange.webhooks.tables import Webhook
from toilet_api.kernel import feed, jobs
from toilet_api.kernel.database import EVERYWHERE
from toilet_api.kernel.feed import Position

log = logging.getLogger(__name__)

BATCH = 500
PENDING_MAX = 2_000
"""Deliveries that may wait at a time."""
_STALE = timedelta(minutes=1)
"""A position that found nothing is written down this often: the windows of the feed stay short."""

_ALONE = text("select pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.webhook.' || :id, 0))")
_PENDING = text(
    "select count(*) from (select from webhook_delivery where webhook_id = :id and state = 'pending' limit :most) x"
)


class _MovedError(Exception):
    """The subscription was changed meanwhile; what was read is forgotten, and read again."""


def stand(context: jobs.Context) -> tuple[object, ...]:
    """Something that differs whenever there may be new entries since."""
    with context.database.transaction(EVERYWHERE) as session:
        here = feed.now(session)
    return here.goal, here.sure, here.era


def collect(context: jobs.Context, at: datetime) -> bool:
    """One batch for each subscription that sends, due at `at`; gives whether there may be more to be had at once.

    What goes wrong with one of them is raised when the others have had theirs.
    """
    with context.database.transaction(EVERYWHERE) as session:
        statement = select(Webhook.id).where(col(Webhook.state) == "active", col(Webhook.removed_at).is_(None))
        found = session.exec(statement).all()
    more = False
    failure: Exception | None = None
    for webhook_id in found:
        try:
            more = _collect(context, webhook_id, at) or more
        except _MovedError:
            more = True
        except Exception as error:
            log.exception("the change feed could not be read for webhook %s", webhook_id)
            failure = error
    if failure is not None:
        raise failure
    return more


def _collect(context: jobs.Context, webhook_id: UUID, at: datetime) -> bool:
    with context.database.transaction(EVERYWHERE) as session:
        # Not by locking the row: that would be a write, each time, for each subscription that has nothing to hear.
        if not session.connection().execute(_ALONE, {"id": str(webhook_id)}).scalar_one():
            return False
        row = session.exec(
            select(Webhook).where(
                Webhook.id == webhook_id, col(Webhook.state) == "active", col(Webhook.removed_at).is_(None)
            )
        ).one_or_none()
        if row is None or _is_full(session, webhook_id):
            return False
        try:
            batch = feed.read(
                session,
                Position.decode(row.position),
                subjects=sorted(events.subjects_of(row.event_types)),
                prefixes=[row.division_code],
                above=events.FROM_ABOVE,
                limit=BATCH,
            )
            if batch.entries:
                owner = rights.owner_of(session, context.settings, row)
                outbox.put(session, row, batch.entries, owner, at, again=False)
                row.lacking = [str(one) for one in rights.lacking(owner, row.event_types, row.division_code)]
        except feed.ExpiredError:
            subscriptions.stop(session, row, "disabled", "feed_expired")
            return False
        except rights.WithdrawnError as withdrawn:
            subscriptions.stop(session, row, "suspended", str(withdrawn))
            return False
        if batch.entries or batch.more or at - row.position_at > _STALE:
            _move(session, row, batch.position, at)
        return batch.more


def _is_full(session: Session, webhook_id: UUID) -> bool:
    count: int = session.connection().execute(_PENDING, {"id": webhook_id, "most": PENDING_MAX}).scalar_one()
    return count >= PENDING_MAX


def _move(session: Session, row: Webhook, position: Position, at: datetime) -> None:
    """Write the position down, unless somebody has paused, changed or skipped meanwhile."""
    moved = session.connection().execute(
        update(Webhook)
        .where(col(Webhook.id) == row.id, col(Webhook.position) == row.position, col(Webhook.version) == row.version)
        .values(position=position.encode(), position_at=at, lacking=row.lacking)
    )
    session.expire(row)  # written here, and by nobody else
    if moved.rowcount != 1:
        raise _MovedError
