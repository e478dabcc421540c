"""The `division=` filter of the lists of accounts."""

from dataclasses import replace

from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.divisions.lookup import resolve
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.kernel.scope import Scope


def narrowed(session: Session, caller: Caller, division: str | None) -> Caller:
    """The caller as if his scope were only that part: an ancestor keeps his own, a foreign division is 404."""
    if division is None:
        return caller
    today = resolve(session, division)
    scope = Scope() if today is None else caller.scope.within(today.code)
    if scope.is_empty:
        raise NOT_FOUND.problem()
    return replace(caller, scope=scope)
