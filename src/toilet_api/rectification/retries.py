"""A creating POST that is sent again: told from a new one before any rule about the present state is asked.

A phone without signal sends again when its first request has long changed that state; it must get its record.
"""

from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlmodel import Session, SQLModel

from toilet_api.accounts.caller import Caller
from toilet_api.kernel.errors import ID_TAKEN
from toilet_api.survey.records import digest

T = TypeVar("T", bound=SQLModel)


def sent_before(
    session: Session,
    caller: Caller,
    table: type[T],
    record_id: UUID | None,
    body: BaseModel,
    *,
    of: tuple[str, UUID],
    author: str = "created_by",
) -> T | None:
    """The record that the very same request made before; None for a new one.

    `of`: the column and id of what it was made for, which the path names and the body doesn't. Raises `id_taken` when
    the id belongs to another record.
    """
    found: Any = None if record_id is None else session.get(table, record_id, populate_existing=True)
    if found is None:
        return None
    same = (getattr(found, of[0]), getattr(found, author)) == (of[1], caller.id)
    if not same or found.origin_digest is None or bytes(found.origin_digest) != digest(body):
        raise ID_TAKEN.problem()
    return found  # type: ignore[no-any-return]
