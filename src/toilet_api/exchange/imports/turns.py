"""Imports of a county beside each other; one that got in another's way is done again when it is alone.

Two files that hold the same households in another order each write, batch by batch, what the other waits for, until
PostgreSQL ends one of them. Begun anew beside the other it would meet it in the midst again.
"""

import logging
from collections.abc import Callable

from psycopg.errors import DeadlockDetected
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

log = logging.getLogger(__name__)

_PLACE = "hashtextextended(current_schema() || '.import.' || :place, 0)"
_BESIDE = text(f"select pg_advisory_xact_lock_shared({_PLACE})")
_ALONE = text(f"select pg_advisory_xact_lock({_PLACE})")
_LEVELS = (2, 4, 6)
"""Province, city, county. Below a county imports share its households: there may be one of an identity."""


def in_turn(work: Callable[[bool], None]) -> None:
    """Do `work`, which is told whether it is to be alone: once at first, and again if it got in another's way.

    It must have written nothing when it is ended.
    """
    try:
        work(False)
    except OperationalError as error:
        if not isinstance(error.orig, DeadlockDetected):
            raise
        log.info("two imports waited for each other; one of them begins anew when it is alone")
        work(True)


def enter(session: Session, division_code: str, *, alone: bool) -> None:
    """Before anything is written: wait until no other import of the county is alone, or, to be it, for all of them."""
    places = [division_code[:length] for length in _LEVELS if length <= len(division_code)]
    for place in places:
        wanted = _ALONE if alone and place == places[-1] else _BESIDE
        session.connection().execute(wanted, {"place": place})
