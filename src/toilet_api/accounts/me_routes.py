"""One's own account: GET /me, POST /me/password; and the table of roles."""

from fastapi import Response

from toilet_api.accounts import passwords
from toilet_api.accounts.auth_routes import DoorDep
from toilet_api.accounts.caller import Bearer, Identified, authenticate, bearer_token
from toilet_api.accounts.password_change import change
from toilet_api.accounts.permissions import PERMISSION_LABELS, ROLES, in_order
from toilet_api.accounts.problems import TOO_MANY_ATTEMPTS, WEAK_PASSWORD, WRONG_PASSWORD
from toilet_api.accounts.schemas import GrantMade, Me, PasswordChange, PermissionView, Roles, RoleView
from toilet_api.accounts.training import trainings
from toilet_api.kernel.database import Transaction, enter_scope
from toilet_api.kernel.dependencies import SettingsDep
from toilet_api.kernel.errors import FORBIDDEN, UNAUTHENTICATED, problems
from toilet_api.kernel.requests import Room

router = Room(tags=["accounts"])


@router.get("/me", operation_id="get_me", summary="当前账号 / One's own account", responses=problems(UNAUTHENTICATED))
def get_me(session: Transaction, settings: SettingsDep, caller: Identified, response: Response) -> Me:
    """当前账号的授权、权限、培训；修改初始口令之前也可读。/ One's grants, permissions and training."""
    response.headers["Cache-Control"] = "no-store"
    # One's own account may belong to a division outside of one's grants.
    enter_scope(session, (*caller.scope.prefixes, caller.division_code))
    expires = None
    if caller.kind == "person" and caller.password_changed_at is not None:
        expires = passwords.expires_at(settings, caller.password_changed_at)
    return Me(
        id=caller.id,
        kind="person" if caller.kind == "person" else "client",
        username=caller.username,
        display_name=caller.display_name,
        division_code=caller.division_code,
        grants=[GrantMade(role=grant.role, division_code=grant.division_code) for grant in caller.grants],
        permissions=in_order(caller.permissions),
        must_change_password=caller.must_change_password,
        password_expires_at=expires,
        trained=caller.trained,
        trainings=trainings(session, caller.id),
    )


@router.post(
    "/me/password",
    operation_id="change_password",
    summary="修改口令 / Change one's password",
    status_code=204,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, WRONG_PASSWORD, WEAK_PASSWORD, TOO_MANY_ATTEMPTS),
)
def change_password(body: PasswordChange, door: DoorDep, credentials: Bearer) -> Response:
    """修改后所有登录（含本次）立即失效，须用新口令重新登录。/ Every login ends, this one too."""
    token = bearer_token(credentials)
    change(
        door,
        lambda session: authenticate(session, door.ring, door.settings, token),
        body.current_password,
        body.new_password,
    )
    return Response(status_code=204)


def role_table() -> Roles:
    """The table of roles as it is shown."""
    return Roles(
        items=[
            RoleView(
                code=role.value,
                label_zh=rule.zh,
                label_en=rule.en,
                kind=rule.kind,
                levels=sorted(rule.levels),
                permissions=in_order(rule.permissions),
                manages=[other.value for other in ROLES if other in rule.manages],
                rule=rule.rule,
            )
            for role, rule in ROLES.items()
        ],
        permissions=[
            PermissionView(code=permission.value, label_zh=zh, label_en=en)
            for permission, (zh, en) in PERMISSION_LABELS.items()
        ],
    )
