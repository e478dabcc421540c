"""How requests and grants are shown: to the county that answers, to whoever asked, and to the system that is meant."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Select, and_, literal, or_, select
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission
from toilet_api.exchange.sharing.request_schemas import DatasetGrantRow, DatasetRequestRow
from toilet_api.exchange.sharing.rules import BY_ASKER, DATASET_GRANT, DATASET_REQUEST, NOT_BY_ASKER
from toilet_api.exchange.sharing.tables import DatasetGrant, DatasetRequest
from toilet_api.kernel.errors import NOT_FOUND
from toilet_api.kernel.machines import Guard
from toilet_api.survey.actions import actions_column, remembered
from toilet_api.survey.rules import shanghai_date

REQUEST_SORTS: dict[str, list[Any]] = {
    "-created_at": [col(DatasetRequest.created_at).desc()],
    "created_at": [col(DatasetRequest.created_at)],
    "answer_due": [col(DatasetRequest.answer_due)],
    "-answer_due": [col(DatasetRequest.answer_due).desc()],
}
GRANT_SORTS: dict[str, list[Any]] = {
    "-created_at": [col(DatasetGrant.created_at).desc()],
    "created_at": [col(DatasetGrant.created_at)],
    "until": [col(DatasetGrant.until)],
    "-until": [col(DatasetGrant.until).desc()],
}
_NONE: Any = None


@remembered
def request_select(caller: Caller, today: date) -> Select[Any]:
    """The members of `DatasetRequestRow`, of the requests that the caller sees. `today`: in Shanghai."""
    one = DatasetRequest
    own: ColumnElement[bool] = or_(col(one.created_by) == caller.id, col(one.consumer_id) == caller.id)
    holds: dict[Guard, bool | ColumnElement[bool]] = {BY_ASKER: own, NOT_BY_ASKER: ~own}
    granted = (
        select(col(DatasetGrant.id)).where(col(DatasetGrant.dataset_request_id) == col(one.id)).correlate(one)
    ).scalar_subquery()
    made: dict[str, Any] = {
        "requested_by": one.created_by,
        "overdue": overdue(today),
        "dataset_grant_id": granted,
        "allowed_actions": actions_column(DATASET_REQUEST, col(one.state), col(one.division_code), caller, holds),
    }
    columns = [made.get(name, getattr(one, name, _NONE)).label(name) for name in DatasetRequestRow.model_fields]
    statement = select(*columns).where(col(one.removed_at).is_(None), _is_seen(caller, one))
    return caller.scope.narrow(statement, col(one.division_code))


@remembered
def grant_select(caller: Caller, today: date) -> Select[Any]:
    """The members of `DatasetGrantRow`, of the grants that the caller sees. `today`: in Shanghai."""
    one = DatasetGrant
    made: dict[str, Any] = {
        "granted_by": one.created_by,
        "in_force": in_force(today),
        "allowed_actions": actions_column(DATASET_GRANT, col(one.state), col(one.division_code), caller),
    }
    columns = [made.get(name, getattr(one, name, _NONE)).label(name) for name in DatasetGrantRow.model_fields]
    statement = select(*columns).where(col(one.removed_at).is_(None), _is_seen(caller, one))
    return caller.scope.narrow(statement, col(one.division_code))


def overdue(today: date) -> ColumnElement[bool]:
    """A request that should have been answered by now."""
    return and_(col(DatasetRequest.state) == "requested", col(DatasetRequest.answer_due) < literal(today, Date))


def in_force(today: date) -> ColumnElement[bool]:
    """A grant that holds today."""
    return and_(col(DatasetGrant.state) == "active", col(DatasetGrant.until) >= literal(today, Date))


def present_request(session: Session, caller: Caller, request_id: UUID, now: datetime) -> DatasetRequestRow:
    """One request as an answer. Raises `not_found`."""
    statement = request_select(caller, shanghai_date(now)).where(col(DatasetRequest.id) == request_id)
    return DatasetRequestRow(**_one(session, statement))


def present_grant(session: Session, caller: Caller, grant_id: UUID, now: datetime) -> DatasetGrantRow:
    """One grant as an answer. Raises `not_found`."""
    statement = grant_select(caller, shanghai_date(now)).where(col(DatasetGrant.id) == grant_id)
    return DatasetGrantRow(**_one(session, statement))


def _is_seen(caller: Caller, table: type[DatasetRequest] | type[DatasetGrant]) -> ColumnElement[bool]:
    """The county sees all of its own; anybody else what he asked for, or what was asked for him."""
    managed = caller.scope_for(Permission.DATASET_MANAGE).condition(col(table.division_code))
    conditions = [managed, col(table.consumer_id) == caller.id]
    if table is DatasetRequest:
        conditions.append(col(table.created_by) == caller.id)
    else:
        asked = select(literal(1)).where(
            col(DatasetRequest.id) == col(DatasetGrant.dataset_request_id), col(DatasetRequest.created_by) == caller.id
        )
        conditions.append(asked.correlate(DatasetGrant).exists())
    return or_(*conditions)


def _one(session: Session, statement: Select[Any]) -> dict[str, Any]:
    session.flush()
    row = session.connection().execute(statement).mappings().one_or_none()
    if row is None:
        raise NOT_FOUND.problem()
    return dict(row)
