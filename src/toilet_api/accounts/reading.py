"""Accounts as they are shown: one select for lists and single records alike."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, case, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlmodel import Session, col

from toilet_api.accounts.authority import manageable, states_of
from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission, PrincipalKind
from toilet_api.accounts.schemas import Client, State, User
from toilet_api.accounts.tables import Principal, PrincipalGrant, Training
from toilet_api.kernel.errors import NOT_FOUND

_P, _G, _T = Principal, PrincipalGrant, Training

_STATE = case(
    (col(_P.removed_at).is_not(None), literal("removed", Text)),
    (col(_P.locked_at).is_not(None), literal("locked", Text)),
    else_=literal("active", Text),
)
_GRANTS = (
    select(
        func.coalesce(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object(
                        literal("id", Text),
                        col(_G.id),
                        literal("role", Text),
                        col(_G.role),
                        literal("division_code", Text),
                        col(_G.division_code),
                        literal("granted_at", Text),
                        col(_G.granted_at),
                    ),
                    col(_G.granted_at),
                    col(_G.id),
                ),
            ),
            cast(literal("[]", Text), JSONB),
        )
    )
    .where(col(_G.principal_id) == col(_P.id), col(_G.removed_at).is_(None))
    .correlate(_P)
    .scalar_subquery()
)


def valid_training() -> Any:
    """Whether a training record counts today: not revoked, held already, not expired."""
    today = func.current_date()
    return (
        col(_T.revoked_at).is_(None)
        & (col(_T.held_on) <= today)
        & or_(col(_T.valid_until).is_(None), col(_T.valid_until) >= today)
    )


_TRAINED = select(literal(1)).where(col(_T.principal_id) == col(_P.id), valid_training()).correlate(_P).exists()


def accounts(caller: Caller, kind: PrincipalKind) -> Select[Any]:
    """The accounts of one kind in the caller's scope; columns are the fields of `User` or `Client`."""
    steps = states_of(kind).allowed_sql(_STATE, {Permission.ACCOUNT_MANAGE.value})
    own: list[Any]
    if kind == "person":
        own = [col(_P.username), col(_P.must_change_password), _TRAINED.label("trained")]
    else:
        own = [col(_P.username).label("client_id"), col(_P.scopes)]
    statement = select(
        col(_P.id),
        col(_P.display_name),
        col(_P.division_code),
        _STATE.label("state"),
        _GRANTS.label("grants"),
        col(_P.locked_at),
        col(_P.locked_reason),
        col(_P.removed_at),
        col(_P.removed_reason),
        col(_P.version),
        col(_P.created_at),
        col(_P.updated_at),
        case((manageable(caller, _P), steps), else_=cast(literal("[]", Text), JSONB)).label("allowed_actions"),
        *own,
    ).where(col(_P.kind) == kind)
    return caller.scope.narrow(statement, col(_P.division_code))


def filtered(
    statement: Select[Any],
    *,
    role: str | None = None,
    state: State | None = None,
    text: str | None = None,
    trained: bool | None = None,
) -> Select[Any]:
    """The filters of the lists."""
    if role is not None:
        holds = select(literal(1)).where(
            col(_G.principal_id) == col(_P.id), col(_G.removed_at).is_(None), col(_G.role) == role
        )
        statement = statement.where(holds.correlate(_P).exists())
    if state is not None:
        statement = statement.where(_STATE.in_([state]))
    if text:
        found = col(_P.display_name).icontains(text, autoescape=True)
        statement = statement.where(or_(col(_P.username).icontains(text, autoescape=True), found))
    if trained is not None:
        statement = statement.where(_TRAINED if trained else ~_TRAINED)
    return statement


def _one(session: Session, caller: Caller, kind: PrincipalKind, principal_id: UUID) -> dict[str, Any]:
    session.flush()
    statement = accounts(caller, kind).where(col(_P.id) == principal_id)
    row = session.connection().execute(statement).mappings().one_or_none()
    if row is None:
        raise NOT_FOUND.problem()
    return dict(row)


def user(session: Session, caller: Caller, principal_id: UUID) -> User:
    """One person's account. 404 outside of the scope."""
    return User(**_one(session, caller, "person", principal_id))


def system(session: Session, caller: Caller, principal_id: UUID) -> Client:
    """One system's account. 404 outside of the scope."""
    return Client(**_one(session, caller, "client", principal_id))
