"""The records behind changes, as they are now and as the caller may see them, a query for each type."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import ARRAY, Text, bindparam, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.changes.subjects import Shown, Subject
from toilet_api.kernel.database import driver

Found = dict[str, dict[bytes, bytes]]
"""Type -> key -> the record as JSON."""
_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Records of a type by their keys: ids, and for divisions codes."""

    subject: Subject
    caller: Caller
    keys: Collection[bytes]


@contextmanager
def asked(session: Session, wanted: Iterable[Wanted], today: date) -> Iterator[Found]:
    """Ask for the records that each caller may see now in his scope. `today`: in Shanghai.

    They are there behind the block: what is done within it is done while Postgres works. Keys and JSON are taken as it
    sends them: to make text of a megabyte, and bytes of it again for the answer, takes longer than all that is done to
    it in between.
    """
    found: Found = {}
    connection = driver(session)
    sent: list[tuple[str, psycopg.Cursor[Any]]] = []
    try:
        with connection.pipeline():
            for one in wanted:
                keys = b"{%b}" % b",".join(one.keys)  # ids and codes need no quotes
                for shown in one.subject.shown:
                    statement, parameters = compiled(one.subject, shown, one.caller, today)
                    given = {**parameters, "keys": keys.decode()}
                    sent.append((one.subject.name, connection.cursor().execute(statement.encode(), given)))
            yield found
    except psycopg.OperationalError as error:
        raise OperationalError(None, None, error) from error  # as if SQLAlchemy had asked
    for name, cursor in sent:
        result: Any = cursor.pgresult
        of_type = found.setdefault(name, {})
        for row in range(result.ntuples):
            of_type[result.get_value(row, 0)] = result.get_value(row, 1)


@lru_cache(maxsize=2048)
def compiled(subject: Subject, shown: Shown, caller: Caller, today: date) -> tuple[str, dict[str, Any]]:
    """The query for records by their `keys` and its other parameters, as the driver takes them.

    To compose and compile it takes longer than to run it.
    """
    wanted = bindparam("keys", [], type_=ARRAY(subject.key_type))
    statement = shown.build(caller, today).where(subject.key == func.any(wanted))
    inner = statement.add_columns(cast(subject.key, Text).label("_key")).subquery("page_row")
    # Named as text: a proxy of each column of the inner select would take longer to make than the page to read.
    members = ", ".join(f"'{name}', page_row.\"{name}\"" for name in shown.schema.model_fields)
    columns: list[Any] = [literal_column("page_row._key"), literal_column(f"json_build_object({members})::text")]
    made = select(*columns).select_from(inner).compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    adapt: Any = made._bind_processors  # what SQLAlchemy does to values on their way to the driver
    return str(made), {name: adapt[name](one) if name in adapt else one for name, one in made.params.items()}
