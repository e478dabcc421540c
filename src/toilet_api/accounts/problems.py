"""The errors of the accounts room. Each names the rule behind it, and what to do next."""

from toilet_api.kernel.errors import ProblemType

_IDENTITY = "GB/T 22239-2019 8.1.4.1"
_TOKENS = "接口约定：登录与令牌（OAuth 2.0，RFC 6749）"
_MANAGED = "接口约定：账号由上一级管理，不超出自身权限（GET /roles）"
_ASK_ABOVE = (
    "请由上一级管理员办理，见 GET /roles。",
    "Leave it to an administrator of the level above; see GET /roles.",
)
_RULES_OF_PASSWORDS = ("请按 errors 中所列要求另设口令。", "Choose another that meets what `errors` list.")

INVALID_CREDENTIALS = ProblemType(
    "invalid_credentials",
    401,
    "用户名或口令不正确",
    "Wrong username or password",
    _IDENTITY,
    ("请核对后重试；忘记口令请由上一级管理员重置。", "Check both; a forgotten password is reset by the level above."),
)
INVALID_REFRESH = ProblemType(
    "invalid_refresh_token",
    401,
    "刷新令牌无效、已过期或已被使用",
    "The refresh token is unknown, expired or used",
    _TOKENS,
    ("请用口令或客户端凭据重新登录。", "Log in again with password or client credentials."),
)
TOO_MANY_ATTEMPTS = ProblemType(
    "too_many_attempts",
    429,
    "登录失败次数过多，请稍后再试",
    "Too many failed logins; try again later",
    _IDENTITY,
    (
        "请按 Retry-After 等待后再试，或由上一级管理员重置口令。",
        "Wait as Retry-After says, or have the password reset.",
    ),
)
TOKEN_REQUEST = ProblemType(
    "bad_token_request",
    400,
    "令牌请求不符合要求",
    "The token request is not valid",
    _TOKENS,
    ("请按 detail 更正 grant_type 及其参数。", "Correct grant_type and its parameters as `detail` says."),
)
PASSWORD_CHANGE_REQUIRED = ProblemType(
    "password_change_required",
    403,
    "首次登录或口令已过期，须先修改口令",
    "The password must be changed first",
    _IDENTITY,
    ("请先调用 POST /me/password 修改口令。", "Change it first: POST /me/password."),
)
WEAK_PASSWORD = ProblemType(
    "weak_password", 422, "口令不符合要求", "The password breaks the rules", _IDENTITY, _RULES_OF_PASSWORDS
)
WRONG_PASSWORD = ProblemType(
    "wrong_password",
    403,
    "当前口令不正确",
    "The current password is wrong",
    _IDENTITY,
    ("请核对当前口令；忘记的请由上一级管理员重置。", "Check it; a forgotten one is reset by the level above."),
)
TRAINING_REQUIRED = ProblemType(
    "training_required",
    403,
    "须先培训后上岗",
    "Training comes before the survey",
    "工作方案 五（二）先培训后上岗",
    ("请乡镇或县管理员登记培训（POST /users/{id}/trainings）。", "Have the level above record your training."),
)
USERNAME_TAKEN = ProblemType(
    "username_taken",
    409,
    "用户名已被使用",
    "The username is taken",
    _MANAGED,
    ("请换一个用户名。", "Choose another username."),
)
GRANT_EXISTS = ProblemType(
    "grant_exists",
    409,
    "该账号已有此授权",
    "The account has this grant already",
    _MANAGED,
    ("无需重复授权；如需调整请先撤销原授权。", "There is nothing to do; revoke the present grant to change it."),
)
OWN_ACCOUNT = ProblemType(
    "own_account", 403, "不能管理自己的账号", "Nobody manages his own account", _MANAGED, _ASK_ABOVE
)
ROLE_NOT_MANAGED = ProblemType(
    "role_not_managed",
    403,
    "您的角色不能管理该角色的账号",
    "Your role does not manage accounts of that role",
    _MANAGED,
    _ASK_ABOVE,
)
ABOVE_OWN_RIGHTS = ProblemType(
    "above_own_rights",
    403,
    "不能授予超出自己权限的权限",
    "Nobody grants more than he holds himself",
    _MANAGED,
    _ASK_ABOVE,
)
