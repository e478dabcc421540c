"""How exports are shown."""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    Numeric,
    Select,
    Text,
    case,
    cast,
    func,
    literal,
    null,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import array
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.exports import schemas
from toilet_api.exchange.exports.tables import ExportJob
from toilet_api.kernel.errors import NOT_FOUND

_NOT_YET = 0.99


def export_select(caller: Caller) -> Select[Any]:
    """The members of `schemas.Export`, of the caller's own exports."""
    state = col(ExportJob.state)
    share = cast(col(ExportJob.rows), Double) / func.greatest(func.coalesce(col(ExportJob.rows_total), 1), 1)
    progress = case(
        (state == "running", func.round(cast(func.least(share, _NOT_YET), Numeric), 3)),
        (state == "queued", literal(0)),
        else_=literal(1),
    )
    steps = [
        case((state.in_(("queued", "running")), cast(literal("cancel"), Text))),
        case(((state == "succeeded") & col(ExportJob.file_removed_at).is_(None), cast(literal("download"), Text))),
    ]
    made: dict[str, ColumnElement[Any]] = {
        "bytes": type_coerce(col(ExportJob.file_bytes), BigInteger),
        "progress": cast(progress, Double),
        "created_by_name": type_coerce(col(ExportJob.actor_name), Text),
        "allowed_actions": func.to_jsonb(func.array_remove(array(steps), cast(null(), Text))),
    }
    columns = [
        (made[name] if name in made else getattr(ExportJob, name)).label(name) for name in schemas.Export.model_fields
    ]
    statement = select(*columns).where(col(ExportJob.created_by) == caller.id)
    return caller.scope.narrow(statement, col(ExportJob.division_code))


def show(session: Session, caller: Caller, export_id: UUID) -> schemas.Export:
    """One export. Raises `not_found` when it isn't the caller's own."""
    session.flush()
    statement = export_select(caller).where(col(ExportJob.id) == export_id)
    row = session.connection().execute(statement).mappings().one_or_none()
    if row is None:
        raise NOT_FOUND.problem()
    return schemas.Export.model_validate(dict(row))
