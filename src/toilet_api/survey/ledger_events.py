"""What rooms above do when something happens to a problem here. They register, so that imports go one way."""

from collections.abc import Callable, Collection
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from toilet_api.survey.tables import LedgerProblem

Listener = Callable[[Session, LedgerProblem, str, UUID, datetime, str], None]
"""(session, the problem as it is now, the state that it left, who, when, why); in the write's own transaction."""

DeadlineListener = Callable[[Session, Collection[UUID], UUID, str], None]
"""(session, the problems whose deadline the campaign's rule has moved, who, why)."""

_dismissed: list[Listener] = []
_reopened: list[Listener] = []
_deadlines_moved: list[DeadlineListener] = []


def on_dismissed(listener: Listener) -> Listener:
    """Have `listener` called whenever a problem is dismissed, by decision or with its finding."""
    _dismissed.append(listener)
    return listener


def on_reopened(listener: Listener) -> Listener:
    """Have `listener` called whenever a dismissed or closed problem is open again."""
    _reopened.append(listener)
    return listener


def on_deadlines_moved(listener: DeadlineListener) -> DeadlineListener:
    """Have `listener` called whenever another rule, or another cause, gives problems another deadline."""
    _deadlines_moved.append(listener)
    return listener


def tell_dismissed(session: Session, problem: LedgerProblem, left: str, by: UUID, now: datetime, reason: str) -> None:
    """Call whoever registered."""
    for listener in _dismissed:
        listener(session, problem, left, by, now, reason)


def tell_reopened(session: Session, problem: LedgerProblem, left: str, by: UUID, now: datetime, reason: str) -> None:
    """Call whoever registered."""
    for listener in _reopened:
        listener(session, problem, left, by, now, reason)


def tell_deadlines_moved(session: Session, problem_ids: Collection[UUID], by: UUID, reason: str) -> None:
    """Call whoever registered."""
    for listener in _deadlines_moved:
        listener(session, problem_ids, by, reason)
