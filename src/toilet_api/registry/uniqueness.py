"""What a unique index says when two records collide: a retry, an id that is taken, or a household twice in a county.

The insert is tried and the index decides; looking first and inserting then would lose every race.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.kernel.errors import ID_TAKEN, Problem
from toilet_api.registry.people import SealedPerson
from toilet_api.registry.problems import DUPLICATE_HOUSEHOLD, DUPLICATE_ID_NUMBER
from toilet_api.registry.tables import Household, Toilet

IDENTITY = "household_identity"


class CollisionError(Exception):
    """The unique index that refused a write. The transaction stands as it was before the write."""

    def __init__(self, index: str) -> None:
        super().__init__(index)
        self.index = index


@contextmanager
def guarded(session: Session) -> Iterator[None]:
    """A savepoint around a write. Raises `CollisionError` when a unique index refuses it."""
    try:
        with session.begin_nested():
            yield
            session.flush()
    except IntegrityError as error:
        if not isinstance(error.orig, UniqueViolation):
            raise
        raise CollisionError(str(error.orig.diag.constraint_name)) from None


def was_sent_before(
    session: Session, caller: Caller, table: type[Household] | type[Toilet], record_id: UUID, digest: bytes
) -> bool:
    """Whether that record was made of the very same body, in the caller's scope; it may have changed since."""
    statement = select(col(table.origin_digest)).where(col(table.id) == record_id)
    row = session.connection().execute(caller.scope.narrow(statement, col(table.division_code))).first()
    return row is not None and row[0] is not None and bytes(row[0]) == digest


def id_taken() -> Problem:
    """The id belongs to a record of other content. Says no more: the record may lie outside of the caller's scope."""
    return ID_TAKEN.problem(
        (
            "该编号已用于另一条内容不同的记录；请换一个编号。",
            "That id is used by a record of other content; make another id.",
        )
    )


def duplicate_household(session: Session, caller: Caller, place: str, index: bytes, by_number: bool) -> Problem:
    """The same household is registered already. Names it only if the caller may see it."""
    statement = select(col(Household.id)).where(
        col(Household.identity_place) == place,
        col(Household.identity_index) == index,
        col(Household.removed_at).is_(None),
    )
    found = session.connection().execute(caller.scope.narrow(statement, col(Household.division_code))).scalar()
    kind = DUPLICATE_ID_NUMBER if by_number else DUPLICATE_HOUSEHOLD
    return kind.problem() if found is None else kind.problem(existing_id=str(found))


def duplicate_of(session: Session, caller: Caller, sealed: SealedPerson) -> Problem:
    """`duplicate_household` for a person that was to be stored."""
    return duplicate_household(
        session, caller, sealed.identity_place, sealed.identity_index, sealed.id_number_masked is not None
    )
