"""Accounts of people: lists, changes, grants, locks, training. The room's router."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from sqlmodel import col

from toilet_api.accounts import auth_routes, client_routes, granting, me_routes, people, reading, training
from toilet_api.accounts.auth_routes import well_known
from toilet_api.accounts.authority import managed
from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.filters import narrowed
from toilet_api.accounts.permissions import Permission, Role
from toilet_api.accounts.problems import (
    ABOVE_OWN_RIGHTS,
    GRANT_EXISTS,
    OWN_ACCOUNT,
    ROLE_NOT_MANAGED,
    USERNAME_TAKEN,
    WEAK_PASSWORD,
)
from toilet_api.accounts.schemas import (
    GrantCreate,
    GrantView,
    PasswordReset,
    ReasonGiven,
    Roles,
    State,
    TrainingCreate,
    Trainings,
    TrainingView,
    User,
    UserCreate,
    UserCreated,
    UserPatch,
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

__all__ = ["routers", "well_known"]

users = Room(tags=["accounts"])

Reader = Annotated[Caller, may(Permission.ACCOUNT_READ)]
Manager = Annotated[Caller, may(Permission.ACCOUNT_MANAGE)]
Trainer = Annotated[Caller, may(Permission.TRAINING_RECORD)]

_READING = problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND)
_STEPS = (UNAUTHENTICATED, FORBIDDEN, OWN_ACCOUNT, ROLE_NOT_MANAGED, ABOVE_OWN_RIGHTS, NOT_FOUND, WRONG_STATE)


@users.get(
    "/roles",
    operation_id="list_roles",
    summary="角色表 / The table of roles",
    dependencies=[may(Permission.ROLE_READ)],
    responses=problems(UNAUTHENTICATED, FORBIDDEN),
)
def list_roles() -> Roles:
    """每个角色可做什么、在哪一级授予、管理谁。/ What each role may do, where it is granted, whom it manages."""
    return me_routes.role_table()


@users.get(
    "/users",
    operation_id="list_users",
    summary="用户列表 / List users",
    response_model=None,
    responses={**_READING, 200: page_schema(User, "username", "-created_at")},
)
def list_users(
    request: Request,
    session: Transaction,
    caller: Reader,
    paging: Paging,
    division: Annotated[DivisionCode | None, Query(description="该区划及其下级 / That division and below")] = None,
    role: Annotated[Role | None, Query(title="角色", description="持有该角色 / Holds that role")] = None,
    state: Annotated[State | None, Query(title="状态")] = None,
    trained: Annotated[bool | None, Query(title="已培训")] = None,
    text: Annotated[
        str | None,
        Query(title="文字", description="用户名或显示名称包含 / In username or display name", max_length=100),
    ] = None,
) -> Response:
    """本区划内的用户。`sort`：username、-created_at。/ The users of one's division."""
    narrower = narrowed(session, caller, division)
    statement = reading.filtered(
        reading.accounts(narrower, "person"), role=role, state=state, text=text, trained=trained
    )
    return answer_page(
        session,
        request,
        paging,
        statement,
        schema=User,
        sorts={"username": [col(Principal.username)], "-created_at": [col(Principal.created_at).desc()]},
        default_sort="username",
        key=col(Principal.id),
    )


@users.post(
    "/users",
    operation_id="create_user",
    summary="新建用户 / Create a user",
    status_code=201,
    responses=problems(
        UNAUTHENTICATED,
        FORBIDDEN,
        OUT_OF_SCOPE,
        ROLE_NOT_MANAGED,
        ABOVE_OWN_RIGHTS,
        ID_TAKEN,
        USERNAME_TAKEN,
        WEAK_PASSWORD,
        INVALID,
    ),
)
def create_user(
    request: Request, response: Response, session: Transaction, settings: SettingsDep, caller: Manager, body: UserCreate
) -> UserCreated:
    """由上一级在本区划内新建；首次登录须修改口令。/ By the level above, in its division; the first login changes it."""
    principal, made_up = people.add_user(session, settings, caller, body)
    made = UserCreated(**reading.user(session, caller, principal.id).model_dump(), temporary_password=None)
    # What an Idempotency-Key answers again is stored, and a password is shown once.
    request.state.replay_body = made.model_dump_json().encode()
    made.temporary_password = made_up
    set_etag(response, principal.version)
    response.headers["Location"] = f"/api/v1/users/{principal.id}"
    return made


@users.get("/users/{user_id}", operation_id="get_user", summary="读取用户 / Read a user", responses=_READING)
def get_user(response: Response, session: Transaction, caller: Reader, user_id: UUID) -> User:
    """一个用户。/ One user."""
    found = reading.user(session, caller, user_id)
    set_etag(response, found.version)
    return found


@users.patch(
    "/users/{user_id}",
    operation_id="update_user",
    summary="修改用户 / Change a user",
    responses=problems(*_STEPS, STALE, MATCH_REQUIRED, INVALID),
)
def update_user(
    response: Response,
    session: Transaction,
    caller: Manager,
    user_id: UUID,
    body: UserPatch,
    if_match: IfMatch = None,
) -> User:
    """JSON Merge Patch，须带 If-Match。/ JSON Merge Patch; needs If-Match."""
    home = None
    if body.division_code is not None:
        home = granting.place(session, body.division_code, "/division_code", caller)
    principal = managed(session, caller, "person", user_id, "update")
    require_match(if_match, principal.version, lambda: reading.user(session, caller, user_id))
    people.change(session, caller, principal, body, home)
    return _shown(response, session, caller, user_id)


def _shown(response: Response, session: Transaction, caller: Caller, user_id: UUID) -> User:
    found = reading.user(session, caller, user_id)
    set_etag(response, found.version)
    return found


@users.post(
    "/users/{user_id}/grants",
    operation_id="create_user_grant",
    summary="授权 / Grant a role",
    status_code=201,
    responses=problems(*_STEPS, OUT_OF_SCOPE, GRANT_EXISTS, INVALID),
)
def create_user_grant(session: Transaction, caller: Manager, user_id: UUID, body: GrantCreate) -> GrantView:
    """在某区划授予某角色，下一次请求起生效。/ Holds from the next request."""
    return GrantView.model_validate(granting.add_grant(session, caller, "person", user_id, body))


@users.post(
    "/users/{user_id}/grants/{grant_id}/remove",
    operation_id="remove_user_grant",
    summary="撤销授权 / Take a grant away",
    responses=problems(*_STEPS),
)
def remove_user_grant(
    response: Response, session: Transaction, caller: Manager, user_id: UUID, grant_id: UUID, body: ReasonGiven
) -> User:
    """须说明理由，下一次请求起生效。/ With a reason; holds from the next request."""
    granting.remove_grant(session, caller, "person", user_id, grant_id, body.reason)
    return _shown(response, session, caller, user_id)


@users.post(
    "/users/{user_id}/lock", operation_id="lock_user", summary="锁定用户 / Lock a user", responses=problems(*_STEPS)
)
def lock_user(response: Response, session: Transaction, caller: Manager, user_id: UUID, body: ReasonGiven) -> User:
    """其所有登录立即失效。/ Ends every login at once."""
    people.take_step(session, caller, "person", user_id, "lock", body.reason)
    return _shown(response, session, caller, user_id)


@users.post(
    "/users/{user_id}/unlock",
    operation_id="unlock_user",
    summary="解锁用户 / Unlock a user",
    responses=problems(*_STEPS),
)
def unlock_user(response: Response, session: Transaction, caller: Manager, user_id: UUID, body: ReasonGiven) -> User:
    """须重新登录。/ He logs in anew."""
    people.take_step(session, caller, "person", user_id, "unlock", body.reason)
    return _shown(response, session, caller, user_id)


@users.post(
    "/users/{user_id}/remove",
    operation_id="remove_user",
    summary="删除用户 / Remove a user",
    responses=problems(*_STEPS),
)
def remove_user(response: Response, session: Transaction, caller: Manager, user_id: UUID, body: ReasonGiven) -> User:
    """须说明理由，可恢复；用户名不再给他人使用。/ Can be restored; the username is never given to another."""
    people.take_step(session, caller, "person", user_id, "remove", body.reason)
    return _shown(response, session, caller, user_id)


@users.post(
    "/users/{user_id}/restore",
    operation_id="restore_user",
    summary="恢复用户 / Restore a user",
    responses=problems(*_STEPS),
)
def restore_user(response: Response, session: Transaction, caller: Manager, user_id: UUID, body: ReasonGiven) -> User:
    """恢复已删除的用户及其授权。/ With the grants that it had."""
    people.take_step(session, caller, "person", user_id, "restore", body.reason)
    return _shown(response, session, caller, user_id)


@users.post(
    "/users/{user_id}/reset-password",
    operation_id="reset_user_password",
    summary="重置口令 / Reset a password",
    responses=problems(*_STEPS),
)
def reset_user_password(
    response: Response, session: Transaction, settings: SettingsDep, caller: Manager, user_id: UUID
) -> PasswordReset:
    """临时口令仅显示一次，首次登录须修改。/ The temporary password is shown once and must be changed."""
    response.headers["Cache-Control"] = "no-store"
    _, secret = people.renew_secret(session, settings, caller, "person", user_id)
    return PasswordReset(temporary_password=secret, must_change_password=True)


@users.get(
    "/users/{user_id}/trainings",
    operation_id="list_user_trainings",
    summary="培训记录 / Training records",
    responses=_READING,
)
def list_user_trainings(session: Transaction, caller: Reader, user_id: UUID) -> Trainings:
    """新的在前，含已撤销的。/ Newest first, revoked ones too."""
    reading.user(session, caller, user_id)
    return Trainings(items=training.trainings(session, user_id))


@users.post(
    "/users/{user_id}/trainings",
    operation_id="create_user_training",
    summary="登记培训 / Record a training",
    status_code=201,
    responses=problems(*_STEPS, ID_TAKEN, INVALID),
)
def create_user_training(session: Transaction, caller: Trainer, user_id: UUID, body: TrainingCreate) -> TrainingView:
    """先培训后上岗：由上一级登记。/ Recorded by the level above, before the survey."""
    return training.record_training(session, caller, user_id, body)


@users.post(
    "/users/{user_id}/trainings/{training_id}/revoke",
    operation_id="revoke_user_training",
    summary="撤销培训记录 / Revoke a training record",
    responses=problems(*_STEPS),
)
def revoke_user_training(
    session: Transaction, caller: Trainer, user_id: UUID, training_id: UUID, body: ReasonGiven
) -> TrainingView:
    """须说明理由；记录仍可见。/ With a reason; it stays visible."""
    return training.revoke_training(session, caller, user_id, training_id, body.reason)


routers = (auth_routes.router, me_routes.router, users, client_routes.router)
