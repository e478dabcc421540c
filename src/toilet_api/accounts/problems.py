"""The errors of the accounts room."""

from toilet_api.kernel.errors import ProblemType

INVALID_CREDENTIALS = ProblemType(
    "invalid_credentials", 401, "用户名或口令不正确", "Wrong username or password", rule="GB/T 22239-2019 8.1.4.1"
)
INVALID_REFRESH = ProblemType(
    "invalid_refresh_token", 401, "刷新令牌无效、已过期或已被使用", "The refresh token is unknown, expired or used"
)
TOO_MANY_ATTEMPTS = ProblemType(
    "too_many_attempts",
    429,
    "登录失败次数过多，请稍后再试",
    "Too many failed logins; try again later",
    rule="GB/T 22239-2019 8.1.4.1",
)
TOKEN_REQUEST = ProblemType("bad_token_request", 400, "令牌请求不符合要求", "The token request is not valid")
PASSWORD_CHANGE_REQUIRED = ProblemType(
    "password_change_required",
    403,
    "首次登录或口令已过期，须先修改口令",
    "The password must be changed first",
    rule="GB/T 22239-2019 8.1.4.1",
)
WEAK_PASSWORD = ProblemType(
    "weak_password", 422, "口令不符合要求", "The password breaks the rules", rule="GB/T 22239-2019 8.1.4.1"
)
WRONG_PASSWORD = ProblemType("wrong_password", 403, "当前口令不正确", "The current password is wrong")
TRAINING_REQUIRED = ProblemType(
    "training_required",
    403,
    "须先培训后上岗",
    "Training comes before the survey",
    "工作方案 五（二）先培训后上岗",
    ("请乡镇或县管理员登记培训（POST /users/{id}/trainings）。", "Have the level above record your training."),
)
USERNAME_TAKEN = ProblemType("username_taken", 409, "用户名已被使用", "The username is taken")
GRANT_EXISTS = ProblemType("grant_exists", 409, "该账号已有此授权", "The account has this grant already")
OWN_ACCOUNT = ProblemType("own_account", 403, "不能管理自己的账号", "Nobody manages his own account")
ROLE_NOT_MANAGED = ProblemType(
    "role_not_managed", 403, "您的角色不能管理该角色的账号", "Your role does not manage accounts of that role"
)
ABOVE_OWN_RIGHTS = ProblemType(
    "above_own_rights", 403, "不能授予超出自己权限的权限", "Nobody grants more than he holds himself"
)
