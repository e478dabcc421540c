"""How subscriptions and deliveries are shown: to their owner alone."""

from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Select, Text, and_, case, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.webhooks import schemas
from toilet_api.exchange.webhooks.subscriptions import STEPS
from toilet_api.exchange.webhooks.tables import Webhook, WebhookDelivery
from toilet_api.kernel.errors import NOT_FOUND


def webhook_select(caller: Caller, *, removed: bool = False) -> Select[Any]:
    """The members of `schemas.Webhook`, of the caller's own."""
    state = col(Webhook.state)
    made: dict[str, Any] = {
        "pending": _count("pending"),
        "dead": _count("dead"),
        "allowed_actions": case(
            (col(Webhook.removed_at).is_not(None), cast(literal("[]", Text), JSONB)),
            *((state == name, cast(literal(_array(steps), Text), JSONB)) for name, steps in STEPS.items()),
        ),
    }
    columns = [(made[name] if name in made else getattr(Webhook, name)).label(name) for name in _MEMBERS]
    statement = select(*columns).where(col(Webhook.created_by) == caller.id)
    if not removed:
        statement = statement.where(col(Webhook.removed_at).is_(None))
    return caller.scope.narrow(statement, col(Webhook.division_code))


_MEMBERS = tuple(schemas.Webhook.model_fields)


def show(session: Session, caller: Caller, webhook_id: UUID, *, removed: bool = False) -> schemas.Webhook:
    """One subscription. Raises 404 when it isn't the caller's own."""
    session.flush()
    statement = webhook_select(caller, removed=removed).where(col(Webhook.id) == webhook_id)
    found = session.connection().execute(statement).mappings().one_or_none()
    if found is None:
        raise NOT_FOUND.problem()
    return schemas.Webhook.model_validate(dict(found))


def delivery_select(webhook_id: UUID) -> Select[Any]:
    """The members of `schemas.DeliveryRow` of one subscription."""
    last = col(WebhookDelivery.attempts)[-1]
    made: dict[str, Any] = {
        "id": col(WebhookDelivery.message_id),
        "record_type": col(WebhookDelivery.subject_type),
        "record_id": col(WebhookDelivery.subject_id),
        "record_version": col(WebhookDelivery.subject_version),
        "record_division": col(WebhookDelivery.subject_division),
        "next_attempt_at": col(WebhookDelivery.next_at),
        "last_outcome": last["outcome"].astext,
        "last_status": cast(last["status"].astext, Integer),
    }
    names = schemas.DeliveryRow.model_fields
    columns = [(made[name] if name in made else getattr(WebhookDelivery, name)).label(name) for name in names]
    return select(*columns).where(col(WebhookDelivery.webhook_id) == webhook_id)


def show_delivery(session: Session, webhook_id: UUID, delivery_id: UUID) -> schemas.Delivery:
    """One delivery with its attempts. The subscription must have been found before. Raises 404."""
    session.flush()
    statement = delivery_select(webhook_id).add_columns(col(WebhookDelivery.attempts))
    found = (
        session.connection()
        .execute(statement.where(col(WebhookDelivery.message_id) == delivery_id))
        .mappings()
        .one_or_none()
    )
    if found is None:
        raise NOT_FOUND.problem()
    return schemas.Delivery.model_validate(dict(found))


def _count(state: str) -> Any:
    return (
        select(func.count())
        .where(
            and_(
                col(WebhookDelivery.webhook_id) == col(Webhook.id),
                col(WebhookDelivery.state) == state,
                col(WebhookDelivery.seq).is_not(None),
            )
        )
        .correlate(Webhook)
        .scalar_subquery()
    )


def _array(names: tuple[str, ...]) -> str:
    return "[" + ",".join(f'"{name}"' for name in names) + "]"
