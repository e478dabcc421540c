"""The deliveries that wait to be sent: put there with the events, by hand again, or held back.

A delivery's id is made of the subscription and the event's number in the change feed. So an event that is found twice,
by reading on after a crash or by a replay, is one delivery, and the receiver knows it by one `webhook-id`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.changes.interest import Told
from toilet_api.exchange.webhooks import events, rights
from toilet_api.exchange.webhooks.tables import Webhook, WebhookDelivery
from toilet_api.kernel.feed import Entry
from toilet_api.kernel.fields import new_id


def put(session: Session, row: Webhook, entries: Sequence[Entry], owner: Caller, at: datetime, *, again: bool) -> int:
    """Queue what the subscription wants of these entries and its owner may hear, due at once; gives how many.

    `again`: what was sent before is sent again. The transaction must see everywhere.
    """
    names = events.types_of(session, entries)
    interest = rights.interest_of(owner, row)
    made = [
        _made(row, one, told, names[one.seq], at)
        for one in entries
        if events.wanted(row.event_types, names[one.seq])
        and (told := interest.tell(one)) is not None
        and (events.is_told_below(names[one.seq]) or interest.is_own(one))
    ]
    if made:
        statement = insert(WebhookDelivery)
        key = [col(WebhookDelivery.message_id)]
        if again:
            found = col(WebhookDelivery.state) != "pending"
            statement = statement.on_conflict_do_update(index_elements=key, set_=_fresh(at), where=found)
        else:
            statement = statement.on_conflict_do_nothing(index_elements=key)
        session.connection().execute(statement, made)
    return len(made)


def _made(row: Webhook, entry: Entry, told: Told, event_type: str, at: datetime) -> dict[str, Any]:
    return {
        "message_id": uuid5(row.id, str(entry.seq)),
        "webhook_id": row.id,
        "division_code": row.division_code,
        "event_type": event_type,
        "seq": entry.seq,
        "subject_type": entry.subject_type,
        "subject_id": entry.subject_id,
        "op": told.op,
        # How it goes on elsewhere is for the people there to know.
        "subject_version": None if told.division_code is None else entry.version,
        "subject_division": told.division_code,
        "from_division": told.from_division_code,
        "occurred_at": entry.at,
        "state": "pending",
        "tries": 0,
        "next_at": at,
        "attempts": [],
        "created_at": at,
    }


def ping(session: Session, row: Webhook, at: datetime) -> WebhookDelivery:
    """A message about the subscription itself, tried once."""
    made = WebhookDelivery(
        message_id=new_id(),
        webhook_id=row.id,
        division_code=row.division_code,
        event_type=events.PING,
        subject_type="webhook",
        subject_id=row.id,
        op="ping",
        subject_division=row.division_code,
        occurred_at=at,
        next_at=at,
        created_at=at,
    )
    session.add(made)
    session.flush()
    return made


def again(session: Session, delivery: WebhookDelivery, at: datetime) -> None:
    """Queue one more time, with all its attempts."""
    for name, value in _fresh(at).items():
        setattr(delivery, name, value)
    session.add(delivery)
    session.flush()


def _fresh(at: datetime) -> dict[str, Any]:
    return {"state": "pending", "tries": 0, "next_at": at, "finished_at": None}


def withhold(session: Session, webhook_id: UUID, at: datetime) -> None:
    """What waits is not sent."""
    session.connection().execute(
        update(WebhookDelivery)
        .where(col(WebhookDelivery.webhook_id) == webhook_id, col(WebhookDelivery.state) == "pending")
        .values(state="withheld", next_at=None, finished_at=at)
    )


def hurry(session: Session, webhook_id: UUID, at: datetime) -> None:
    """What waits for its next attempt is due now."""
    session.connection().execute(
        update(WebhookDelivery)
        .where(
            col(WebhookDelivery.webhook_id) == webhook_id,
            col(WebhookDelivery.state) == "pending",
            col(WebhookDelivery.next_at) > at,
        )
        .values(next_at=at)
    )


_BETWEEN = text(
    """
    select seq, at, subject_type, subject_id, division_code, from_division_code, version, op
    from change_entry
    where at >= :since and at < :until and subject_type = any(:subjects)
      and (division_code ^@ :prefix or from_division_code ^@ :prefix
           or subject_type = any(:above) and :prefix ^@ division_code)
    order by at, seq limit :limit
    """
)


def between(session: Session, row: Webhook, since: datetime, until: datetime, limit: int) -> list[Entry]:
    """The entries of that time that may concern the subscription. The transaction must see everywhere."""
    given = {
        "since": since,
        "until": until,
        "subjects": list(events.subjects_of(row.event_types)),
        "prefix": row.division_code,
        "above": list(events.FROM_ABOVE),
        "limit": limit,
    }
    return [Entry(*one) for one in session.connection().execute(_BETWEEN, given)]
