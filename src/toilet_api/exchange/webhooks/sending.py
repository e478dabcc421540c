"""Out of the outbox: what is due is claimed, sent outside of any transaction, and what came of it recorded.

A claim is only a time: who dies between sending and recording leaves a delivery that is due again after `LEASE`, and is
sent once more with the same `webhook-id`. Rights are those of the moment of the claim.
"""

import json
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from toilet_api.exchange.changes.interest import Interest
from toilet_api.exchange.webhooks import events, rights, signing, subscriptions
from toilet_api.exchange.webhooks.posting import TOTAL_SECONDS, Outcome, Poster
from toilet_api.exchange.webhooks.tables import Webhook, WebhookDelivery
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE

log = logging.getLogger(__name__)

DELAYS = tuple(timedelta(seconds=one) for one in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400))
"""Between the attempts, as the specification proposes: ten attempts over some three days."""
JITTER = 0.1
"""A delay is longer by up to this share, so that what failed together isn't tried again together."""
LEASE = timedelta(seconds=6 * TOTAL_SECONDS)
"""When what was claimed and not recorded is due again."""
AT_ONCE, AT_ONCE_FAILING = 8, 1
"""Messages on their way to one receiver at a time, and while it fails."""
_QUIET_AFTER, _QUIET_MAX = 3, 300
"""From so many failures in a row on a receiver is left alone for a while, at most so many seconds."""

_DUE = text(
    f"""
    select due.message_id
    from webhook
    left join unnest(cast(:ids as uuid[]), cast(:counts as int[])) as busy (id, count) on busy.id = webhook.id
    cross join lateral (
        select delivery.message_id, delivery.next_at
        from webhook_delivery delivery
        where delivery.webhook_id = webhook.id and delivery.state = 'pending' and delivery.next_at <= :at
          and (webhook.state = 'active' or delivery.seq is null)
        order by delivery.next_at, delivery.seq
        limit greatest(0, case when webhook.failures > 0 then {AT_ONCE_FAILING} else {AT_ONCE} end
                          - coalesce(busy.count, 0))
        for update skip locked
    ) as due
    where webhook.removed_at is null and webhook.state <> 'suspended'
      and (webhook.quiet_until is null or webhook.quiet_until <= :at)
    order by random()
    limit :slots
    """
)


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent, with all that sending needs."""

    webhook_id: UUID
    delivery_id: UUID
    url: str
    secrets: tuple[str, ...]
    body: bytes

    def headers(self, at: datetime) -> dict[str, str]:
        """Signed for the moment of an attempt."""
        return signing.headers(list(self.secrets), str(self.delivery_id), int(at.timestamp()), self.body)


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of an attempt."""

    message: Message
    outcome: Outcome
    at: datetime


def claim(context: jobs.Context, slots: int, busy: Mapping[UUID, int], at: datetime) -> list[Message]:
    """At most so many messages that are due. `busy`: how many are on their way already, by subscription.

    What its owner may not hear any more is withheld; a subscription without its right is suspended.
    """
    made: list[Message] = []
    with context.database.transaction(EVERYWHERE) as session:
        given = {"ids": list(busy), "counts": list(busy.values()), "at": at, "slots": slots}
        # What is withheld makes room for the next.
        while not made and (ids := session.connection().execute(_DUE, given).scalars().all()):
            made = _claimed(context, session, ids, at)
            session.flush()
    return made


def _claimed(context: jobs.Context, session: Session, ids: Sequence[UUID], at: datetime) -> list[Message]:
    found = session.exec(
        select(WebhookDelivery)
        .where(col(WebhookDelivery.message_id).in_(ids))
        .order_by(col(WebhookDelivery.next_at), col(WebhookDelivery.seq))
    ).all()
    owners: dict[UUID, tuple[Webhook, Interest | None]] = {}
    made = []
    for delivery in found:
        if delivery.webhook_id not in owners:
            owners[delivery.webhook_id] = _owner(context, session, delivery.webhook_id)
        row, interest = owners[delivery.webhook_id]
        if interest is None:
            continue
        # Where it is now, or of what has left: where it was.
        place = delivery.subject_division or delivery.from_division
        if delivery.seq is None or rights.may_hear(interest, delivery.subject_type, place):
            delivery.next_at = at + LEASE
            made.append(_message(context, row, delivery, at))
        else:
            delivery.state, delivery.next_at, delivery.finished_at = "withheld", None, at
        session.add(delivery)
    return made


async def send(poster: Poster, message: Message, at: datetime) -> Sent:
    """One attempt."""
    return Sent(message, await poster.post(message.url, message.headers(at), message.body), at)


def record(context: jobs.Context, attempts: Sequence[Sent]) -> None:
    """Write down what came of attempts, and when the next ones are due; all of it or nothing."""
    with context.database.transaction(EVERYWHERE) as session:
        # The subscriptions first, as whoever changes one does: locks in another order would wait for each other.
        ids = {one.message.webhook_id for one in attempts}
        statement = select(Webhook).where(col(Webhook.id).in_(ids)).order_by(col(Webhook.id))
        rows = {row.id: row for row in session.exec(statement.with_for_update(key_share=True))}
        for one in attempts:
            row = rows[one.message.webhook_id]
            delivery = session.get(WebhookDelivery, one.message.delivery_id, with_for_update=True)
            if delivery is None:
                continue
            _note_attempt(delivery, one)
            if one.outcome.code == "accepted":
                _succeeded(row, delivery, one.at)
            else:
                _failed(session, context, row, delivery, one)
            session.add(delivery)
            session.add(row)


def _owner(context: jobs.Context, session: Session, webhook_id: UUID) -> tuple[Webhook, Interest | None]:
    """The subscription, and what its owner may hear now; None when it has been suspended."""
    row = session.exec(select(Webhook).where(Webhook.id == webhook_id)).one()
    try:
        return row, rights.interest_of(rights.owner_of(session, context.settings, row), row)
    except rights.WithdrawnError as withdrawn:
        subscriptions.stop(session, row, "suspended", str(withdrawn))
        return row, None


def _message(context: jobs.Context, row: Webhook, delivery: WebhookDelivery, at: datetime) -> Message:
    told = events.payload(
        delivery.event_type,
        delivery.occurred_at,
        record_type=delivery.subject_type,
        record_id=delivery.subject_id,
        op=delivery.op,
        version=delivery.subject_version,
        division_code=delivery.subject_division,
        from_division_code=delivery.from_division,
    )
    secrets = signing.valid(context.vault, row.id, row.sealed, at)
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    return Message(row.id, delivery.message_id, row.url, tuple(secrets), body)


def _note_attempt(delivery: WebhookDelivery, sent: Sent) -> None:
    attempt: dict[str, Any] = {
        "at": sent.at.isoformat(),
        "outcome": sent.outcome.code,
        "status": sent.outcome.status,
        "duration_ms": sent.outcome.duration_ms,
        "excerpt": sent.outcome.excerpt,
    }
    delivery.attempts = [*delivery.attempts, attempt]
    delivery.tries += 1


def _succeeded(row: Webhook, delivery: WebhookDelivery, at: datetime) -> None:
    delivery.state, delivery.next_at, delivery.finished_at = "delivered", None, at
    row.failures, row.failing_since, row.quiet_until = 0, None, None
    row.last_success_at, row.last_outcome = at, "accepted"


def _failed(session: Session, context: jobs.Context, row: Webhook, delivery: WebhookDelivery, sent: Sent) -> None:
    outcome, at = sent.outcome, sent.at
    log.info("webhook %s: %s %s", row.id, outcome.code, outcome.status or "")
    if not row.failures or row.last_failure_at is None or at > row.last_failure_at:
        row.failures += 1  # what failed at the same time, failed once
    row.failing_since = row.failing_since or at
    row.last_failure_at, row.last_outcome = at + timedelta(milliseconds=outcome.duration_ms), outcome.code
    wait = timedelta(seconds=outcome.retry_after or 0)
    quiet = timedelta(seconds=min(_QUIET_MAX, 2 ** min(row.failures, 16))) if row.failures >= _QUIET_AFTER else wait
    row.quiet_until = at + max(quiet, wait) if max(quiet, wait) else None
    is_last = delivery.seq is None or delivery.tries > len(DELAYS) or outcome.code == "gone"
    if delivery.state != "withheld":  # removed meanwhile
        delivery.state = "dead" if is_last else "pending"
        delivery.finished_at = at if is_last else None
        delivery.next_at = None if is_last else at + max(wait, _delay(delivery.tries))
    if row.state != "active" or row.removed_at is not None:
        return
    if outcome.code == "gone":
        subscriptions.stop(session, row, "disabled", "receiver_gone")
    elif at - row.failing_since >= timedelta(days=context.settings.webhook_disable_after_days):
        subscriptions.stop(session, row, "disabled", "receiver_failing")


def _delay(tries: int) -> timedelta:
    return DELAYS[tries - 1] * (1 + JITTER * random.random())  # noqa: S311 - to spread load, no secret
