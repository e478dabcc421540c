"""Accounts of systems (对接系统): made by the level above, with scopes, a division and a secret that is shown once."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Query, Request, Response
from sqlmodel import col

from toilet_api.accounts import granting, people, reading
from toilet_api.accounts.authority import managed
from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.filters import narrowed
from toilet_api.accounts.permissions import Permission
from toilet_api.accounts.problems import ABOVE_OWN_RIGHTS, GRANT_EXISTS, OWN_ACCOUNT, ROLE_NOT_MANAGED, USERNAME_TAKEN
from toilet_api.accounts.schemas import (
    Client,
    ClientCreate,
    ClientCreated,
    ClientPatch,
    GrantCreate,
    GrantView,
    ReasonGiven,
    SecretRotated,
    State,
)
from toilet_api.accounts.tables import Principal
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.dependencies import SettingsDep
from toilet_api.kernel.errors import (
    FORBIDDEN,
    ID_TAKEN,
    INVALID,
    MATCH_REQUIRED,
    NOT_FOUND,
    OUT_OF_SCOPE,
    STALE,
    UNAUTHENTICATED,
    WRONG_STATE,
    problems,
)
from toilet_api.kernel.fields import DivisionCode
from toilet_api.kernel.paging import Paging, answer_page, page_schema
from toilet_api.kernel.preconditions import IfMatch, require_match, set_etag
from toilet_api.kernel.requests import Room

router = Room(tags=["accounts"])

Reader = Annotated[Caller, may(Permission.ACCOUNT_READ)]
Manager = Annotated[Caller, may(Permission.ACCOUNT_MANAGE)]

_READING = problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND)
_STEPS = (UNAUTHENTICATED, FORBIDDEN, OWN_ACCOUNT, ROLE_NOT_MANAGED, ABOVE_OWN_RIGHTS, NOT_FOUND, WRONG_STATE)


@router.get(
    "/clients",
    operation_id="list_clients",
    summary="对接系统列表 / List systems",
    response_model=None,
    responses={**_READING, 200: page_schema(Client, "client_id", "-created_at")},
)
def list_clients(
    request: Request,
    session: Transaction,
    caller: Reader,
    paging: Paging,
    division: Annotated[DivisionCode | None, Query(description="该区划及其下级 / That division and below")] = None,
    state: Annotated[State | None, Query(title="状态")] = None,
    text: Annotated[
        str | None, Query(title="文字", description="标识或显示名称包含 / In id or display name", max_length=100)
    ] = None,
) -> Response:
    """本区划内的对接系统。`sort`：client_id、-created_at。/ The systems of one's division."""
    statement = reading.accounts(narrowed(session, caller, division), "client")
    return answer_page(
        session,
        request,
        paging,
        reading.filtered(statement, state=state, text=text),
        schema=Client,
        sorts={"client_id": [col(Principal.username)], "-created_at": [col(Principal.created_at).desc()]},
        default_sort="client_id",
        key=col(Principal.id),
    )


@router.post(
    "/clients",
    operation_id="create_client",
    summary="新建对接系统 / Create a system",
    status_code=201,
    responses=problems(
        UNAUTHENTICATED, FORBIDDEN, OUT_OF_SCOPE, ROLE_NOT_MANAGED, ABOVE_OWN_RIGHTS, ID_TAKEN, USERNAME_TAKEN, INVALID
    ),
)
def create_client(
    request: Request,
    response: Response,
    session: Transaction,
    settings: SettingsDep,
    caller: Manager,
    body: ClientCreate,
) -> ClientCreated:
    """密钥仅显示一次。权限范围不得超出新建者自己的权限。/ The secret is shown once. No scope beyond the maker's own."""
    principal, secret = people.add_client(session, settings, caller, body)
    made = ClientCreated(**reading.system(session, caller, principal.id).model_dump(), client_secret=None)
    # What an Idempotency-Key answers again is stored, and a secret is shown once.
    request.state.replay_body = made.model_dump_json().encode()
    made.client_secret = secret
    set_etag(response, principal.version)
    response.headers["Location"] = f"/api/v1/clients/{principal.id}"
    return made


def _shown(response: Response, session: Transaction, caller: Caller, client_id: UUID) -> Client:
    found = reading.system(session, caller, client_id)
    set_etag(response, found.version)
    return found


@router.get("/clients/{id}", operation_id="get_client", summary="读取对接系统 / Read a system", responses=_READING)
def get_client(response: Response, session: Transaction, caller: Reader, id: UUID) -> Client:  # noqa: A002
    """一个对接系统。/ One system."""
    return _shown(response, session, caller, id)


@router.patch(
    "/clients/{id}",
    operation_id="update_client",
    summary="修改对接系统 / Change a system",
    responses=problems(*_STEPS, STALE, MATCH_REQUIRED, INVALID),
)
def update_client(
    response: Response,
    session: Transaction,
    caller: Manager,
    id: UUID,  # noqa: A002
    body: ClientPatch,
    if_match: IfMatch = None,
) -> Client:
    """JSON Merge Patch，须带 If-Match；权限范围从下一次请求起生效。/ Scopes hold from the next request."""
    principal = managed(session, caller, "client", id, "update")
    require_match(if_match, principal.version, lambda: reading.system(session, caller, id))
    people.change(session, caller, principal, body, None)
    return _shown(response, session, caller, id)


@router.post(
    "/clients/{id}/grants",
    operation_id="create_client_grant",
    summary="授权对接系统 / Grant a system another division",
    status_code=201,
    responses=problems(*_STEPS, OUT_OF_SCOPE, GRANT_EXISTS, INVALID),
)
def create_client_grant(
    session: Transaction,
    caller: Manager,
    id: UUID,  # noqa: A002
    body: Annotated[GrantCreate, Body(examples=[{"role": "integration_client", "division_code": "360423"}])],
) -> GrantView:
    """下一次请求起生效。/ Holds from the next request."""
    return GrantView.model_validate(granting.add_grant(session, caller, "client", id, body))


@router.post(
    "/clients/{id}/grants/{grant_id}/remove",
    operation_id="remove_client_grant",
    summary="撤销对接系统的授权 / Take a system's grant away",
    responses=problems(*_STEPS),
)
def remove_client_grant(
    response: Response,
    session: Transaction,
    caller: Manager,
    id: UUID,  # noqa: A002
    grant_id: UUID,
    body: ReasonGiven,
) -> Client:
    """须说明理由。/ With a reason."""
    granting.remove_grant(session, caller, "client", id, grant_id, body.reason)
    return _shown(response, session, caller, id)


@router.post(
    "/clients/{id}/rotate-secret",
    operation_id="rotate_client_secret",
    summary="更换密钥 / Rotate the secret",
    responses=problems(*_STEPS),
)
def rotate_client_secret(
    response: Response,
    session: Transaction,
    settings: SettingsDep,
    caller: Manager,
    id: UUID,  # noqa: A002
) -> SecretRotated:
    """新密钥仅显示一次；旧密钥与已发令牌即刻失效。/ The old secret and its tokens are dead at once."""
    response.headers["Cache-Control"] = "no-store"
    principal, secret = people.renew_secret(session, settings, caller, "client", id)
    return SecretRotated(client_id=principal.username, client_secret=secret)


@router.post(
    "/clients/{id}/lock",
    operation_id="lock_client",
    summary="锁定对接系统 / Lock a system",
    responses=problems(*_STEPS),
)
def lock_client(
    response: Response,
    session: Transaction,
    caller: Manager,
    id: UUID,  # noqa: A002
    body: ReasonGiven,
) -> Client:
    """已发令牌即刻失效。/ Its tokens are dead at once."""
    people.take_step(session, caller, "client", id, "lock", body.reason)
    return _shown(response, session, caller, id)


@router.post(
    "/clients/{id}/unlock",
    operation_id="unlock_client",
    summary="解锁对接系统 / Unlock a system",
    responses=problems(*_STEPS),
)
def unlock_client(
    response: Response,
    session: Transaction,
    caller: Manager,
    id: UUID,  # noqa: A002
    body: ReasonGiven,
) -> Client:
    """须重新取得令牌。/ It needs a new token."""
    people.take_step(session, caller, "client", id, "unlock", body.reason)
    return _shown(response, session, caller, id)


@router.post(
    "/clients/{id}/remove",
    operation_id="remove_client",
    summary="删除对接系统 / Remove a system",
    responses=problems(*_STEPS),
)
def remove_client(
    response: Response,
    session: Transaction,
    caller: Manager,
    id: UUID,  # noqa: A002
    body: ReasonGiven,
) -> Client:
    """须说明理由，可恢复。/ With a reason; can be restored."""
    people.take_step(session, caller, "client", id, "remove", body.reason)
    return _shown(response, session, caller, id)


@router.post(
    "/clients/{id}/restore",
    operation_id="restore_client",
    summary="恢复对接系统 / Restore a system",
    responses=problems(*_STEPS),
)
def restore_client(
    response: Response,
    session: Transaction,
    caller: Manager,
    id: UUID,  # noqa: A002
    body: ReasonGiven,
) -> Client:
    """恢复已删除的对接系统。/ With the grants that it had."""
    people.take_step(session, caller, "client", id, "restore", body.reason)
    return _shown(response, session, caller, id)
