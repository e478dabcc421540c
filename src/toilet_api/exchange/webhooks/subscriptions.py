"""Subscriptions: made, changed, stopped and started again by their owners. A subscription is its owner's alone.

Who manages the owner's account stops its subscriptions by locking it. Each step is a note in the audit trail.
"""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as ResolverTimeoutError
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller, forbidden
from toilet_api.exchange.webhooks import outbox, rights, signing, targets
from toilet_api.exchange.webhooks.problems import REPLAY_TOO_WIDE, TARGET_REFUSED, TOO_MANY
from toilet_api.exchange.webhooks.schemas import WebhookNew, WebhookPatch
from toilet_api.exchange.webhooks.tables import Webhook, WebhookDelivery
from toilet_api.exchange.webhooks.targets import TargetRefusedError
from toilet_api.kernel import feed, journal
from toilet_api.kernel.database import EVERYWHERE, enter_scope
from toilet_api.kernel.errors import INVALID, NOT_FOUND, WRONG_STATE, FieldError
from toilet_api.kernel.fields import new_id, now
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings
from toilet_api.survey.places import own_place
from toilet_api.survey.records import digest, insert_once

OWNED_MAX = 50
"""Subscriptions that one account may have at a time."""
REPLAY_MAX = 5_000
"""Changes that one replay looks at."""
_RESOLVE_SECONDS = 2.0
STEPS: dict[str, tuple[str, ...]] = {
    "active": ("pause", "test", "replay", "rotate_secret", "remove"),
    "paused": ("resume", "test", "replay", "rotate_secret", "remove"),
    "suspended": ("resume", "rotate_secret", "remove"),
    "disabled": ("resume", "test", "replay", "rotate_secret", "remove"),
}
"""What its owner may do with a subscription of that state."""
_names = ThreadPoolExecutor(4, "webhook-names")


def create(
    session: Session, settings: Settings, vault: Vault, caller: Caller, body: WebhookNew
) -> tuple[Webhook, str | None]:
    """(the subscription, its secret if it was made now). Events count from this moment on.

    Raises 422 `webhook_target_refused`, 403 `forbidden` for events that the caller may not read there, 409
    `webhook_too_many`, and what `own_place` and `insert_once` raise.
    """
    place = own_place(session, caller, _division(caller, body.division), None)
    check_target(body.url, settings)
    _check_rights(caller, body.event_types, place)
    webhook_id = body.id or new_id()
    if session.get(Webhook, webhook_id) is None:
        _check_count(session, caller)
    sealed, secret = signing.first(vault, webhook_id)
    row = Webhook(
        id=webhook_id,
        division_code=place,
        url=body.url,
        event_types=body.event_types,
        description=body.description,
        narrowed_to=None if caller.narrowed_to is None else sorted(caller.narrowed_to),
        position=feed.now(session).encode(),
        sealed=sealed,
        created_by=caller.id,
        updated_by=caller.id,
        origin_digest=digest(body),
    )
    row, made = insert_once(session, row)
    if not made:
        return row, None
    note(session, row, "created")
    return row, secret


def own(session: Session, caller: Caller, webhook_id: UUID, *, hold: bool = False) -> Webhook:
    """The caller's subscription, its row held if `hold`. Raises 404 for somebody else's."""
    statement = select(Webhook).where(
        Webhook.id == webhook_id, Webhook.created_by == caller.id, col(Webhook.removed_at).is_(None)
    )
    if hold:
        statement = statement.with_for_update(key_share=True)
    row = session.exec(statement.execution_options(populate_existing=True)).one_or_none()
    if row is None or not caller.scope.covers(row.division_code):
        raise NOT_FOUND.problem()
    return row


def change(session: Session, settings: Settings, caller: Caller, row: Webhook, body: WebhookPatch) -> None:
    """Another URL, other events, another description."""
    changes = body.changes()
    if "url" in changes and body.url != row.url:
        check_target(body.url, settings)
    if "event_types" in changes:
        _check_rights(caller, body.event_types, row.division_code)
        row.lacking = []
    if not changes:
        return
    for name, value in changes.items():
        setattr(row, name, value)
    _write(session, caller, row, "updated")


def pause(session: Session, caller: Caller, webhook_id: UUID) -> None:
    """Send nothing until it is resumed; nothing of the time between is lost. Raises `wrong_state`."""
    row = _for_step(session, caller, webhook_id, "pause")
    _enter(row, "paused")
    _write(session, caller, row, "paused")


def resume(session: Session, caller: Caller, webhook_id: UUID, *, skip_missed: bool) -> None:
    """Go on where it stopped, or with what happens from now on. Raises `wrong_state`."""
    row = _for_step(session, caller, webhook_id, "resume")
    at = now()
    if skip_missed:
        outbox.withhold(session, row.id, at)
    else:
        outbox.hurry(session, row.id, at)
    if skip_missed or row.state_reason == "feed_expired":
        row.position, row.position_at = feed.now(session).encode(), at
    row.failures, row.failing_since, row.quiet_until = 0, None, None
    _enter(row, "active")
    _write(session, caller, row, "resumed")


def remove(session: Session, caller: Caller, webhook_id: UUID, reason: str) -> None:
    """End a subscription; what waits is not sent."""
    row = _for_step(session, caller, webhook_id, "remove")
    at = now()
    outbox.withhold(session, row.id, at)
    row.removed_at, row.removed_reason = at, reason
    _write(session, caller, row, "removed", reason)


def rotate_secret(session: Session, vault: Vault, caller: Caller, webhook_id: UUID, overlap_hours: int) -> str:
    """A new secret; the one of before signs along for so many hours."""
    row = _for_step(session, caller, webhook_id, "rotate_secret")
    at = now()
    until = at + timedelta(hours=overlap_hours)
    row.sealed, secret = signing.rotated(vault, row.id, row.sealed, at, until)
    row.former_secret_until = until if overlap_hours else None
    _write(session, caller, row, "secret_rotated")
    return secret


def ping(session: Session, caller: Caller, webhook_id: UUID) -> WebhookDelivery:
    """Queue a ping, unless one waits already. Raises `wrong_state`."""
    row = _for_step(session, caller, webhook_id, "test")
    waiting = session.exec(
        select(WebhookDelivery)
        .where(
            WebhookDelivery.webhook_id == row.id, WebhookDelivery.state == "pending", col(WebhookDelivery.seq).is_(None)
        )
        .limit(1)
    ).one_or_none()
    return waiting or outbox.ping(session, row, now())


def redeliver(session: Session, caller: Caller, webhook_id: UUID, delivery_id: UUID) -> None:
    """Send one event again, with the same `webhook-id`. Raises 404, and `wrong_state` while nothing is sent at all."""
    row = own(session, caller, webhook_id, hold=True)
    delivery = session.exec(
        select(WebhookDelivery)
        .where(WebhookDelivery.message_id == delivery_id, WebhookDelivery.webhook_id == row.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if delivery is None:
        raise NOT_FOUND.problem()
    if row.state == "suspended":
        raise _wrong_state(row)
    outbox.again(session, delivery, now())


def replay(session: Session, caller: Caller, webhook_id: UUID, since: datetime, until: datetime) -> int:
    """Send the events of that time again, or for the first time; gives how many.

    Raises `invalid` for a time that doesn't lie behind us, `wrong_state`, and 422 `webhook_replay_too_wide`.
    """
    row = _for_step(session, caller, webhook_id, "replay")
    at = now()
    if not since < until <= at:
        told = ("须早于 to，且 to 不晚于现在", "must come before `to`, which can't lie ahead")
        raise INVALID.problem(errors=[FieldError("/from", "bad_span", told, since.isoformat(), at.isoformat())])
    enter_scope(session, EVERYWHERE)
    found = outbox.between(session, row, since, until, REPLAY_MAX + 1)
    if len(found) > REPLAY_MAX:
        raise REPLAY_TOO_WIDE.problem(limit=REPLAY_MAX)
    queued = outbox.put(session, row, found, caller, at, again=True)
    enter_scope(session, caller.scope.prefixes)
    note(session, row, "replayed", after={"from": since, "to": until, "events": queued})
    return queued


def check_target(url: str, settings: Settings) -> None:
    """Raises `webhook_target_refused` for a URL that nothing would be sent to.

    A name that has no address yet is let pass: each attempt looks again.
    """
    try:
        target = targets.parse(url)
        targets.check_form(target, settings)
        if target.literal is None:
            targets.check(
                target, _names.submit(targets.resolve, target.host, target.port).result(_RESOLVE_SECONDS), settings
            )
    except TargetRefusedError as refused:
        raise TARGET_REFUSED.problem(
            (f"{TARGET_REFUSED.zh}：{refused.told[0]}。", f"{TARGET_REFUSED.en}: {refused.told[1]}."),
            [FieldError("/url", refused.code, refused.told)],
        ) from None
    except (OSError, ResolverTimeoutError):
        return


def note(
    session: Session, row: Webhook, verb: str, reason: str | None = None, after: dict[str, Any] | None = None
) -> None:
    """Journal what became of a subscription: audited only, it is no record that others follow."""
    target = targets.parse(row.url)
    journal.record(
        session,
        action=f"webhook.{verb}",
        subject_type="webhook",
        subject_id=row.id,
        division_code=row.division_code,
        version=row.version,
        # The rest of a URL may be a secret between the receiver and us.
        after=after or {"host": target.host, "events": row.event_types, "state": row.state},
        reason=reason,
        op="note",
    )


def _division(caller: Caller, asked: str | None) -> str:
    if asked is not None:
        return asked
    if len(caller.scope.prefixes) != 1:
        told = ("您管辖多个区划，请指明一个", "you have several divisions; name one")
        raise INVALID.problem(errors=[FieldError("/division", "missing", told, expected=list(caller.scope.prefixes))])
    return caller.scope.prefixes[0]


def _check_rights(caller: Caller, event_types: list[str], place: str) -> None:
    for permission in rights.lacking(caller, event_types, place):
        raise forbidden(permission)


def _check_count(session: Session, caller: Caller) -> None:
    count = session.exec(
        select(func.count()).where(col(Webhook.created_by) == caller.id, col(Webhook.removed_at).is_(None))
    ).one()
    if count >= OWNED_MAX:
        raise TOO_MANY.problem(count=count, limit=OWNED_MAX)


def _for_step(session: Session, caller: Caller, webhook_id: UUID, step: str) -> Webhook:
    row = own(session, caller, webhook_id, hold=True)
    if step not in STEPS[row.state]:
        raise _wrong_state(row)
    return row


def _wrong_state(row: Webhook) -> Exception:
    return WRONG_STATE.problem(state=row.state, state_reason=row.state_reason, allowed_actions=list(STEPS[row.state]))


def _enter(row: Webhook, state: str) -> None:
    row.state, row.state_reason, row.state_since = state, None, now()


def _write(session: Session, caller: Caller, row: Webhook, verb: str, reason: str | None = None) -> None:
    row.touch(caller.id)
    session.add(row)
    note(session, row, verb, reason)


def stop(session: Session, row: Webhook, state: str, reason: str) -> None:
    """The system stops a subscription: its owner sees why, and may resume it.

    Left for another time where somebody is changing it: whoever waited here would hold what that one waits for.
    """
    session.flush()
    statement = select(Webhook).where(
        Webhook.id == row.id, col(Webhook.removed_at).is_(None), col(Webhook.state).in_(("active", "paused"))
    )
    held = session.exec(
        statement.with_for_update(key_share=True, skip_locked=True).execution_options(populate_existing=True)
    ).one_or_none()
    if held is None:
        return
    row.state, row.state_reason, row.state_since = state, reason, now()
    row.touch(None)
    session.add(row)
    note(session, row, state, reason)
