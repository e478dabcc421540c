"""Logging in and out at the dashboard, and the change of password that a first login asks for."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Form, Query, Request, Response

from toilet_api.accounts import refresh, tokens
from toilet_api.accounts.auth_routes import DoorDep
from toilet_api.accounts.caller import Caller, caller_by, count
from toilet_api.accounts.password_change import change
from toilet_api.accounts.problems import INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, WEAK_PASSWORD, WRONG_PASSWORD
from toilet_api.accounts.rules import PASSWORD_HISTORY, PASSWORD_MIN
from toilet_api.accounts.sign_in import sign_in
from toilet_api.kernel.database import EVERYWHERE
from toilet_api.kernel.dependencies import DatabaseDep, SettingsDep
from toilet_api.kernel.errors import FORBIDDEN, UNAUTHENTICATED, Problem
from toilet_api.reporting.dashboard import cookie
from toilet_api.reporting.dashboard.page import LOGIN, PageRoute, onward, own_path, page

router = APIRouter(prefix="/dashboard", route_class=PageRoute, include_in_schema=False)

_NOTICES = {
    "changed": "口令已修改，请用新口令登录。",
    "out": "您已退出登录。",
}
Typed = Annotated[str, Form(max_length=1024)]


async def _from_here(request: Request) -> None:
    """Forms come from our own pages. Raises 403."""
    if not cookie.comes_from_here(request):
        raise FORBIDDEN.problem(
            ("表单不是从本站页面提交的。", "The form was not sent by a page of ours."),
            rule="接口约定：范围与权限",
            remedy=("请从登录页重新进入后再提交。", "Open the page anew and send it again."),
        )


@router.get("/login")
def show_login(
    target: Annotated[str, Query(alias="next", max_length=2000)] = "",
    notice: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """The form."""
    return page("login.html", target=own_path(target), notice=_NOTICES.get(notice), fault=None)


@router.post("/login", dependencies=[Depends(_from_here)])
def log_in(request: Request, door: DoorDep, username: Typed = "", password: Typed = "", target: Typed = "") -> Response:
    """Log in by the API's own sign-in: its lockout, its counting, its entries in the journal."""
    onto = own_path(target)
    try:
        if not username.strip() or not password or "\0" in username:
            raise INVALID_CREDENTIALS.problem()
        made = sign_in(door, "person", username, password, None, failure="invalid_grant")
    except Problem as problem:
        if problem.type not in (INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS):
            raise
        headers = {name: value for name, value in problem.headers.items() if name == "Retry-After"}
        fault = f"{problem.type.zh}。{'' if problem.type is INVALID_CREDENTIALS else problem.detail[0]}"
        return page("login.html", problem.type.status, headers, target=onto, notice=None, fault=fault)
    with door.database.transaction(EVERYWHERE, door.actor()) as session:
        claims = tokens.verify(session, door.ring, door.settings, made.access_token)
    answer = onward("/dashboard/password" if made.must_change_password else onto)
    cookie.give(request, answer, claims)
    return answer


@router.post("/logout", dependencies=[Depends(_from_here)])
def log_out(request: Request, door: DoorDep) -> Response:
    """End the login, on the server too: a copy of the cookie is worth nothing afterwards."""
    claims = cookie.read(request)
    if claims is not None and claims.family is not None:
        with door.database.transaction(EVERYWHERE, door.actor()) as session:
            refresh.end_family(session, claims.family)
    answer = onward(f"{LOGIN}?notice=out")
    cookie.take_back(request, answer)
    return answer


async def _whoever(request: Request, database: DatabaseDep, settings: SettingsDep) -> Caller:
    """Who is logged in, also before the first change of password. Raises 401."""
    claims = cookie.read(request)
    if claims is None:
        raise UNAUTHENTICATED.problem()

    def work() -> Caller:
        with database.transaction(EVERYWHERE) as session:
            caller = caller_by(session, settings, claims)
            count(request, settings, caller)
            return caller

    return await to_thread.run_sync(work)


@router.get("/password")
def show_password(viewer: Annotated[Caller, Depends(_whoever)]) -> Response:
    """The form for a new password."""
    return _password_page(viewer)


@router.post("/password", dependencies=[Depends(_from_here)])
def change_password(
    request: Request,
    door: DoorDep,
    viewer: Annotated[Caller, Depends(_whoever)],
    current_password: Typed = "",
    new_password: Typed = "",
    repeated: Typed = "",
) -> Response:
    """Change it by the rules of the API; every login ends, this one too."""
    if new_password != repeated:
        return _password_page(viewer, 422, ["两次输入的新口令不一致"])
    claims = cookie.read(request)
    if claims is None:
        raise UNAUTHENTICATED.problem()
    try:
        change(door, lambda session: caller_by(session, door.settings, claims), current_password, new_password)
    except Problem as problem:
        if problem.type not in (WEAK_PASSWORD, WRONG_PASSWORD, TOO_MANY_ATTEMPTS):
            raise
        faults = [error.message[0] for error in problem.errors] or [problem.detail[0]]
        return _password_page(viewer, problem.type.status, faults)
    answer = onward(f"{LOGIN}?notice=changed")
    cookie.take_back(request, answer)
    return answer


def _password_page(viewer: Caller, status: int = 200, faults: list[str] | None = None) -> Response:
    return page(
        "password.html",
        status,
        viewer=viewer,
        faults=faults or [],
        rules=[
            f"至少 {PASSWORD_MIN} 个字符",
            "大写、小写、数字、符号四类中至少三类",
            "不含用户名，不是常见口令",
            f"与最近 {PASSWORD_HISTORY} 次口令不同",
        ],
    )
