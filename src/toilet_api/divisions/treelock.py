"""One change of the tree at a time. Tree changes are rare and short; who writes records isn't held up by this lock."""

from sqlalchemy import text
from sqlmodel import Session


def lock_tree(session: Session) -> None:
    """Wait until no other change of this deployment's tree is under way; held to the end of the transaction."""
    session.connection().execute(
        text("select pg_advisory_xact_lock(hashtextextended(current_schema() || '.division', 0))")
    )
