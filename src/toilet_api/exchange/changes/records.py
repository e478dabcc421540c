"""The records behind changes, as they are now and as the caller may see them, a query for each type."""

from collections.abc import Collection
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, Text, bindparam, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.changes.subjects import Shown, Subject

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]


def as_json(session: Session, subject: Subject, caller: Caller, today: date, keys: Collection[Any]) -> dict[str, str]:
    """Key -> the record as JSON, of those of `keys` that `caller` may see now in his scope. `today`: in Shanghai."""
    found: dict[str, str] = {}
    for shown in subject.shown:
        statement, parameters = compiled(subject, shown, caller, today)
        rows = session.connection().exec_driver_sql(statement, {**parameters, "keys": list(keys)})
        found.update(rows.all())
    return found


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
