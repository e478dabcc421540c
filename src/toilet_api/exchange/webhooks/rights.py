"""What a subscription may hear of, by the rights that its owner has at this moment."""

from collections.abc import Iterable

from sqlmodel import Session

from toilet_api.accounts.caller import Caller, caller_of
from toilet_api.accounts.permissions import Permission
from toilet_api.exchange.changes.interest import Interest
from toilet_api.exchange.changes.subjects import SUBJECTS
from toilet_api.exchange.webhooks.events import VERBS, subjects_of
from toilet_api.exchange.webhooks.tables import Webhook
from toilet_api.settings import Settings


class WithdrawnError(Exception):
    """The owner may not have the subscription any more; the message is the code of the reason."""


def owner_of(session: Session, settings: Settings, row: Webhook) -> Caller:
    """The owner with the rights of now. Raises `WithdrawnError`. Leaves the transaction in the widest scope."""
    narrowed = None if row.narrowed_to is None else frozenset(row.narrowed_to)
    owner = None if row.created_by is None else caller_of(session, settings, row.created_by, narrowed)
    if owner is None:
        raise WithdrawnError("account_inactive")
    if not owner.scope_for(Permission.WEBHOOK_MANAGE).covers(row.division_code):
        raise WithdrawnError("right_withdrawn")
    return owner


def interest_of(owner: Caller, row: Webhook) -> Interest:
    """What the owner may read within the subscription's division."""
    scopes = {name: owner.scope_for(SUBJECTS[name].permission).within(row.division_code) for name in VERBS}
    return Interest({name: scope for name, scope in scopes.items() if not scope.is_empty})


def may_hear(interest: Interest, subject_type: str, place: str | None) -> bool:
    """Whether a record of that kind and place is among it; a county's own also in its townships and villages."""
    scope = interest.scopes.get(subject_type)
    if scope is None or place is None:
        return False
    above = SUBJECTS[subject_type].from_above and any(prefix.startswith(place) for prefix in scope.prefixes)
    return scope.covers(place) or above


def lacking(owner: Caller, patterns: Iterable[str], division_code: str) -> list[Permission]:
    """The permissions that these events need and the owner hasn't in that division, in the order of the table.

    `*` asks for whatever may be read, so it lacks nothing.
    """
    named = [pattern for pattern in patterns if pattern != "*"]
    needed = {SUBJECTS[name].permission for name in subjects_of(named)}
    return [one for one in Permission if one in needed and not owner.scope_for(one).covers(division_code)]
